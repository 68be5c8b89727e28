/* The search on functions whose best setting is known, with noise like that of runs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "studies/tune/models.h"
#include "studies/tune/search.h"

/* Figures: a cost and a share that has to be 0.9 or more. Both grow with u[0]; u[1] has its best
 * place at 0.3, category 1 of u[2] is worth a tenth, u[3] does nothing. What a replicate adds is
 * the same for all. */
enum { DIMS = 4, COST, SHARE = 1, FIGURES = 2, REPLICATES = 20 };

struct bench {
    double noise;
    size_t n_runs;
    double forbidden; /* settings with u[3] above are not valid */
};

static void snap(void *context, double *u)
{
    (void)context;
    u[2] = u[2] < 1. / 3 ? 1. / 6 : u[2] < 2. / 3 ? 0.5 : 5. / 6;
}

static double share_at(const double *u)
{
    double share = 0.75 + 0.3 * u[0] - 0.4 * (u[1] - 0.3) * (u[1] - 0.3) - (u[2] == 0.5 ? 0 : 0.05);
    return fmin(share, 0.999);
}

static double cost_at(const double *u)
{
    return 3 + 2 * u[0] + (u[2] == 0.5 ? 0 : 0.3);
}

static const char *invalid(void *context, const double *u)
{
    return u[3] > ((struct bench *)context)->forbidden ? "no" : NULL;
}

static enum status evaluate(void *context, const struct trials *trials,
                            const struct tuning_run *runs, size_t n, double *figures,
                            const char **messages, struct diag *d)
{
    struct bench *b = context;

    (void)d;
    for (size_t i = 0; i < n; i++) {
        const double *u = trials->trial[runs[i].setting].u;
        struct pcg64 common, own;
        pcg64_stream(&common, 1, "replicate", runs[i].replicate);
        pcg64_stream(&own, 1, "run", b->n_runs++);
        double add = b->noise * (pcg64_normal(&common) + 0.5 * pcg64_normal(&own));
        figures[2 * i] = cost_at(u) * (1 + 0.5 * b->noise * pcg64_normal(&common));
        figures[2 * i + 1] = fmin(share_at(u) + add, 1);
        messages[i] = NULL;
    }
    return ST_OK;
}

static const struct tuning_goal goals[] = {
    {.figure = 0, .scale = FIGURE_POSITIVE},
    {.figure = 1, .bounded = true, .larger_better = true, .bound = 0.9, .scale = FIGURE_SHARE}};
static const bool categorical[DIMS] = {false, false, true, false};

static struct tuning_problem make_problem(struct bench *b, uint64_t seed)
{
    return (struct tuning_problem){.n_dims = DIMS,
                                   .n_goals = 2,
                                   .n_figures = FIGURES,
                                   .categorical = categorical,
                                   .goals = goals,
                                   .n_replicates = REPLICATES,
                                   .confidence = 0.8,
                                   .seed = seed,
                                   .snap = snap,
                                   .invalid = invalid,
                                   .evaluate = evaluate,
                                   .context = b};
}

static const double first[DIMS] = {0.9, 0.9, 1. / 6, 0.5};

/* The cheapest setting that holds: category 1, u[1] at 0.3, u[0] just large enough. */
static void check_method(const char *method, double most)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct bench b = {.noise = 0.02, .forbidden = 0.8};
        const struct tuning_problem problem = make_problem(&b, seed);
        const struct search_options options = {
            .n_runs = 300, .first = first, .explorer = explorer_find(method)};
        struct search_result result;
        struct trials trials;
        struct arena arena;
        struct diag d;

        arena_init(&arena);
        diag_init(&d);
        trials_init(&trials, &problem, &arena);
        cr_assert(eq(int, tuning_search(&result, &trials, &options, &d), ST_OK), "%s", d.text);
        const double *u = trials.trial[result.recommended].u;
        cr_expect(gt(dbl, trials_holds(&trials, result.recommended), 0.75), "%s", method);
        cr_expect(le(sz, trials.n_runs, (size_t)300));
        cr_expect(lt(dbl, cost_at(u), most));
        /* 0.02 above the bound is what 80 % of fresh traffic asks for. */
        cr_expect(gt(dbl, share_at(u), 0.91), "%s", method);
        cr_expect(le(dbl, u[3], 0.8));
        arena_release(&arena);
    }
}

Test(search, finds_the_cheapest_setting_that_holds)
{
    check_method("bayes", 4.3);
}
Test(search, genetic_finds_it_too)
{
    check_method("nsga2", 4.5);
}
Test(search, random_is_not_far)
{
    check_method("random", 4.7);
}

Test(search, space_without_a_valid_setting_is_refused)
{
    struct bench b = {.noise = 0.02, .forbidden = -1};
    const struct tuning_problem problem = make_problem(&b, 1);
    const struct search_options options = {
        .n_runs = 20, .first = first, .explorer = explorer_find("bayes")};
    struct search_result result;
    struct trials trials;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    trials_init(&trials, &problem, &arena);
    cr_assert(eq(int, tuning_search(&result, &trials, &options, &d), ST_INPUT));
    cr_expect(eq(str, d.text, "every setting of the knobs breaks a rule, such as: no"));
    cr_expect(eq(sz, b.n_runs, (size_t)0));
    arena_release(&arena);
}

/* Of many settings the first, the latest and the best of the others are learnt from. */
Test(search, models_take_any_number_of_settings)
{
    enum { N = MODELS_MAX + 60, GOOD = N / 2 };
    struct bench b = {.noise = 0.02, .forbidden = 1};
    const struct tuning_problem problem = make_problem(&b, 1);
    struct surrogate_hyper hyper[2] = {{.signal_variance = 0}};
    struct models models;
    struct trials trials;
    struct pcg64 rng;
    struct arena arena;
    struct diag d;
    bool seen[N] = {false};

    arena_init(&arena);
    diag_init(&d);
    trials_init(&trials, &problem, &arena);
    pcg64_stream(&rng, 1, "settings", 0);
    for (size_t i = 0; i < N; i++) {
        double u[DIMS];
        size_t index;
        random_setting(u, &problem, &rng);
        u[0] = i == GOOD ? 0.9 : u[0] / 2;
        cr_assert(eq(int, trials_add(&trials, u, &index, &d), ST_OK));
        cr_assert(eq(int, trials_run(&trials, &(struct tuning_run){index, 0}, 1, &d), ST_OK));
    }
    cr_assert(eq(int, models_fit(&models, &arena, &trials, hyper, &d), ST_OK), "%s", d.text);
    cr_expect(eq(sz, models.n_seen, (size_t)MODELS_MAX));
    for (size_t i = 0; i < models.n_seen; i++)
        seen[models.seen[i]] = true;
    cr_expect(seen[0] && seen[MODELS_MAX / 3 - 1] && seen[N - MODELS_MAX / 3] && seen[N - 1]);
    cr_expect(seen[GOOD]);
    arena_release(&arena);
}
