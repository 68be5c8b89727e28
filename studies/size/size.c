#include "studies/size/size.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studies/prediction.h"
#include "studies/size/size_internal.h"
#include "util/bug.h"
#include "util/pcg.h"

enum figure {
    FIGURE_TARGET,
    FIGURE_ATTAINMENT,
    FIGURE_GPU_HOURS,
    FIGURE_BUSY,
    FIGURE_MISSED_TTFT,
    FIGURE_MISSED_TPOT,
    FIGURE_REJECTED,
    FIGURE_GOOD,
    FIGURE_PREEMPTIONS,
    FIGURE_KV_PEAK,
    FIGURE_OUTPUT_TOK_PER_S,
    N_FIGURES
};

enum {
    LOAD_STEPS = 64, /* load_headroom is told to 1 / 64 of the load */
    RUNS_LEFT = 6,   /* of a search, for the progress line */
    N_CORNERS = 2
};

/* One search: of a choice's fleet, or of the load that its fleet carries. */
struct task {
    struct size_choice *choice;
    struct fleet_search *search;
    struct size_setting setting; /* what stays the same in all its runs */
    bool of_load; /* n[0] of the search is LOAD_STEPS-ths of load, and the least that fails */
    bool done;
    enum fleet_state state;
    struct fleet wanted;
};

struct sizing {
    const struct size_options *options;
    struct arena *arena;
    struct size_choice *choices;
    size_t n_choices;
    size_t n_done, n_open; /* runs; searches of this phase */
};

/* ---- runs ---- */

static double shortfall_of(const struct expectation *target, double value)
{
    if (isnan(value))
        return INFINITY;
    if (expectation_holds(target, value))
        return 0;
    double gap = fabs(target->bound - value);
    return gap > 0 ? gap : DBL_MIN;
}

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct sizing *z = context;

    (void)index, (void)row;
    z->n_done++;
    if (z->options->progress)
        z->options->progress(z->options->context, z->n_done, z->n_done + z->n_open * RUNS_LEFT);
    return true;
}

static enum status tell(struct task *t, const struct sizing *z, const struct study_row *row,
                        struct diag *d)
{
    struct fleet_trial trial = {.fleet = t->wanted, .figures = row->figures};

    if (row->status == ST_INPUT) {
        t->choice->message = row->message;
        t->done = true;
        return ST_OK;
    }
    if (row->status)
        return diag_fail(d, row->status, "%s", row->message);
    trial.shortfall = shortfall_of(z->options->target, row->figures[FIGURE_TARGET]);
    trial.load = row->figures[FIGURE_BUSY] / row->figures[FIGURE_GPU_HOURS];
    if (t->of_load)
        trial.shortfall = trial.shortfall > 0 ? 0 : INFINITY;
    return fleet_tell(t->search, &trial, d);
}

/* A run for every search that is not done, until all are. */
static enum status run_tasks(struct sizing *z, struct task *tasks, size_t n, struct diag *d)
{
    const char *keys[N_FIGURES] = {z->options->target->key,
                                   "attainment.overall",
                                   "gpu_hours.total",
                                   "gpu_hours.busy",
                                   "requests.missed_ttft",
                                   "requests.missed_tpot",
                                   "requests.rejected",
                                   "throughput.goodput_requests_per_s",
                                   "kv.preemptions",
                                   "kv.peak_utilization",
                                   "throughput.output_tokens_per_s"};
    struct study_variant *variants = ARENA_NEW(z->arena, n, struct study_variant);
    struct task **asking = ARENA_NEW(z->arena, n, struct task *);
    struct study_options study = {.source = z->options->source,
                                  .variants = variants,
                                  .n_keys = N_FIGURES,
                                  .keys = keys,
                                  .resources = z->options->resources,
                                  .n_threads = z->options->n_threads,
                                  .cancel = z->options->cancel,
                                  .row_done = count_run,
                                  .context = z};
    enum status s = ST_OK;

    if (!variants || !asking)
        return diag_nomem(d, "runs");
    while (!s) {
        const struct study_row *rows;
        study.n_variants = 0;
        for (size_t i = 0; i < n && !s; i++) {
            struct task *t = &tasks[i];
            if (t->done)
                continue;
            t->state = fleet_next(t->search, &t->wanted);
            t->done = t->state != FLEET_WANTED;
            if (t->done)
                continue;
            struct size_setting setting = t->setting;
            if (t->of_load)
                setting.more_load = 1 + (double)t->wanted.n[0] / LOAD_STEPS;
            else
                setting.fleet = t->wanted;
            asking[study.n_variants] = t;
            s = size_variant(&variants[study.n_variants++], z->arena, z->options, t->choice,
                             &setting, d);
        }
        z->n_open = study.n_variants;
        if (s || study.n_variants == 0)
            break;
        s = study_run(&rows, z->arena, &study, d);
        for (size_t i = 0; i < study.n_variants && !s; i++)
            s = tell(asking[i], z, &rows[i], d);
    }
    return s;
}

static const struct size_setting as_it_is = {
    .more_load = 1, .prompt_factor = 1, .decode_factor = 1};

/* ---- the fleets ---- */

static enum status search_fleets(struct sizing *z, struct diag *d)
{
    struct task *tasks = ARENA_NEW(z->arena, z->n_choices, struct task);
    size_t n = 0;

    if (!tasks)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (!c->message)
            tasks[n++] = (struct task){.choice = c, .search = &c->search, .setting = as_it_is};
    }
    return run_tasks(z, tasks, n, d);
}

static int64_t nodes_of(const struct size_choice *c, int64_t gpus_per_node)
{
    int64_t nodes = 0, left = 0; /* GPUs of the last node that are free */

    for (size_t i = 0; i < c->n_pools; i++) {
        int64_t gpus = c->gpus_per_worker[i];
        for (int64_t k = 0; k < c->workers.n[i]; k++) {
            if (gpus > gpus_per_node) {
                nodes += (gpus + gpus_per_node - 1) / gpus_per_node;
                continue;
            }
            if (left < gpus) {
                nodes++;
                left = gpus_per_node;
            }
            left -= gpus;
        }
    }
    return nodes;
}

/* ---- what limits it ---- */

static const char *limit_in(const double *f, const struct expectation *target)
{
    bool prompts = f[FIGURE_MISSED_TTFT] >= f[FIGURE_MISSED_TPOT];

    if (f[FIGURE_REJECTED] > 0)
        return "KV memory";
    if (strstr(target->key, "ttft"))
        prompts = true;
    else if (strstr(target->key, "tpot") || strstr(target->key, "itl"))
        prompts = false;
    if (f[FIGURE_PREEMPTIONS] > 0 && f[FIGURE_KV_PEAK] > 0.99)
        return "KV memory";
    return prompts ? "prefill compute" : "decode bandwidth";
}

/* What goes wrong with one worker less, in the pool where that does more harm; or in what came
 * closest. */
static void set_limit(struct size_choice *c, const struct expectation *target)
{
    const struct fleet_trial *worst = NULL;

    for (size_t i = 0; c->reached && i < c->n_pools; i++) {
        struct fleet fewer = c->workers;
        fewer.n[i]--;
        const struct fleet_trial *t = fewer.n[i] > 0 ? fleet_trial_of(&c->search, fewer) : NULL;
        if (t && (!worst || t->shortfall > worst->shortfall))
            worst = t;
    }
    if (!c->reached)
        worst = fleet_trial_of(&c->search, c->workers);
    if (worst)
        c->limited_by = limit_in(worst->figures, target);
    else
        c->limited_by = c->reached ? "nothing: it is the least there is" : "max-gpus";
}

/* ---- figures of the answer ---- */

static void set_answer(struct size_choice *c, const struct size_options *options)
{
    const struct fleet_trial *trial;

    c->reached = c->search.found;
    c->workers = c->search.best;
    c->gpus = fleet_gpus(&c->search, c->workers);
    c->nodes = nodes_of(c, options->scenario->cluster.gpus_per_node);
    c->gpus_low = c->gpus_high = NAN;
    c->value = c->attainment = c->load_headroom = NAN;
    c->cost_per_day = 24 * c->price * (double)c->gpus;
    c->cost_per_million_output_tokens = c->cost_per_thousand_good_requests = NAN;
    trial = fleet_trial_of(&c->search, c->workers);
    if (trial) {
        const double *f = trial->figures;
        double cost_per_s = c->cost_per_day / 86400;
        c->value = f[FIGURE_TARGET];
        c->attainment = f[FIGURE_ATTAINMENT];
        c->cost_per_million_output_tokens = cost_per_s / f[FIGURE_OUTPUT_TOK_PER_S] * 1e6;
        if (f[FIGURE_GOOD] > 0)
            c->cost_per_thousand_good_requests = cost_per_s / f[FIGURE_GOOD] * 1e3;
    }
    set_limit(c, options->target);
}

static enum status search_headroom(struct sizing *z, struct diag *d)
{
    struct task *tasks = ARENA_NEW(z->arena, z->n_choices, struct task);
    struct fleet_search *searches = ARENA_NEW(z->arena, z->n_choices, struct fleet_search);
    size_t n = 0;

    if (!tasks || !searches)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (c->message || !c->reached || z->options->scenario->traffic.clients)
            continue;
        /* About half a worker is spare. */
        int64_t n_workers = c->workers.n[0] + c->workers.n[1];
        BUG_IF(n_workers < 1);
        int64_t guess = LOAD_STEPS / (2 * n_workers);
        searches[n] = (struct fleet_search){.n_pools = 1,
                                            .gpus = {1},
                                            .guess = {guess > 1 ? guess : 1},
                                            .max_gpus = LOAD_STEPS,
                                            .max_workers = LOAD_STEPS,
                                            .arena = z->arena};
        tasks[n] = (struct task){
            .choice = c, .search = &searches[n], .setting = as_it_is, .of_load = true};
        tasks[n].setting.fleet = c->workers;
        n++;
    }
    enum status s = run_tasks(z, tasks, n, d);
    for (size_t i = 0; i < n && !s; i++) {
        int64_t fails = tasks[i].search->best.n[0];
        tasks[i].choice->load_headroom =
            tasks[i].state == FLEET_FOUND ? (double)(fails - 1) / LOAD_STEPS : 1;
    }
    return s;
}

/* ---- how sure ---- */

/* That of the measured points than which a share of them had a smaller one. NaN: no memory. */
static double factor_at(const double *factors, size_t n, double share, struct arena *arena)
{
    double *sorted = ARENA_NEW(arena, n, double);

    if (!sorted)
        return NAN;
    memcpy(sorted, factors, n * sizeof *sorted);
    sample_sort(sorted, n);
    return sorted[(size_t)(share * (double)(n - 1) + 0.5)];
}

static enum status set_corner(struct size_setting *setting, const struct model_error *error,
                              size_t which, struct arena *arena, struct diag *d)
{
    double share = which == 0 ? 0.1 : 0.9;

    setting->prompt_factor = factor_at(error->prompt_factor, error->n_factors, share, arena);
    setting->decode_factor = factor_at(error->decode_factor, error->n_factors, share, arena);
    return isnan(setting->prompt_factor) || isnan(setting->decode_factor)
               ? diag_nomem(d, "model error")
               : ST_OK;
}

/* A replicate has the same draw for every choice with the same entry. */
static void draw_factors(struct size_setting *setting, const struct model_error *error,
                         const struct scenario *scenario, uint64_t replicate)
{
    struct pcg64 rng;

    pcg64_stream(&rng, (uint64_t)scenario->seed, "size model error", replicate);
    size_t pick = (size_t)pcg64_below(&rng, error->n_factors);
    setting->prompt_factor = error->prompt_factor[pick];
    setting->decode_factor = error->decode_factor[pick];
}

/* The range of one more of n sorted numbers, of which the last n - n_finite are infinite. */
static struct range range_of(double *gpus, size_t n, size_t n_finite, double least)
{
    const struct prediction_rule rule = prediction_rule(n, 0.9);
    const struct range limits = {least, INFINITY};
    struct range range;

    if (n_finite == 0)
        return (struct range){INFINITY, INFINITY};
    /* The lower end as if they were no more than the largest of the others. */
    for (size_t i = n_finite; i < n; i++)
        gpus[i] = gpus[n_finite - 1];
    range = prediction_range(gpus, &rule, limits);
    if ((double)(n - n_finite) > rule.rank - 1)
        range.high = n_finite < n ? INFINITY : range.high;
    return range;
}

/* Fleets have whole workers, and the answer is one of them. */
static void set_range(struct size_choice *c, double *gpus, size_t n, bool replicates)
{
    const double unit = (double)(c->n_pools > 1 && c->gpus_per_worker[1] < c->gpus_per_worker[0]
                                     ? c->gpus_per_worker[1]
                                     : c->gpus_per_worker[0]);
    size_t n_finite = 0;

    sample_sort(gpus, n);
    while (n_finite < n && !isinf(gpus[n_finite]))
        n_finite++;
    struct range range = {gpus[0], gpus[n - 1]};
    if (replicates)
        range = range_of(gpus, n, n_finite, unit);
    c->gpus_low = fmin(floor(range.low / unit) * unit, (double)c->gpus);
    c->gpus_high = fmax(ceil(range.high / unit) * unit, (double)c->gpus);
}

static enum status search_ranges(struct sizing *z, struct diag *d)
{
    size_t n_each = z->options->n_replicates ? z->options->n_replicates : N_CORNERS, n = 0;
    bool replicates = z->options->n_replicates;
    struct task *tasks = ARENA_NEW(z->arena, n_each * z->n_choices, struct task);
    struct fleet_search *searches = ARENA_NEW(z->arena, n_each * z->n_choices, struct fleet_search);
    double *gpus = ARENA_NEW(z->arena, n_each, double);

    if (!tasks || !searches || !gpus)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (c->message || !c->reached || (!replicates && !c->error))
            continue;
        for (size_t k = 0; k < n_each; k++) {
            searches[n] = (struct fleet_search){.n_pools = c->n_pools,
                                                .max_gpus = INT64_MAX,
                                                .max_workers = c->search.max_workers,
                                                .arena = z->arena};
            memcpy(searches[n].gpus, c->gpus_per_worker, sizeof c->gpus_per_worker);
            memcpy(searches[n].guess, c->workers.n, sizeof c->workers.n);
            tasks[n] = (struct task){.choice = c, .search = &searches[n], .setting = as_it_is};
            if (replicates)
                tasks[n].setting.replicate = k + 1;
            if (replicates && c->error)
                draw_factors(&tasks[n].setting, c->error, z->options->scenario, k + 1);
            else if (!replicates &&
                     set_corner(&tasks[n].setting, c->error, k, z->arena, d) != ST_OK)
                return ST_NOMEM;
            n++;
        }
    }
    enum status s = run_tasks(z, tasks, n, d);
    for (size_t i = 0; i < n && !s; i += n_each) {
        struct size_choice *c = tasks[i].choice;
        for (size_t k = 0; k < n_each; k++)
            gpus[k] = tasks[i + k].state == FLEET_FOUND
                          ? (double)fleet_gpus(&searches[i + k], searches[i + k].best)
                          : INFINITY;
        set_range(c, gpus, n_each, replicates);
    }
    return s;
}

/* ---- the order ---- */

static int compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int place_of(const struct size_choice *c)
{
    return c->message ? 2 : !c->reached;
}

static int compare_choices(const void *pa, const void *pb)
{
    const struct size_choice *a = *(const struct size_choice *const *)pa,
                             *b = *(const struct size_choice *const *)pb;
    int order = place_of(a) - place_of(b);

    if (order == 0 && place_of(a) == 0)
        order = compare_numbers(a->cost_per_day, b->cost_per_day);
    if (order == 0 && place_of(a) == 0)
        order = compare_numbers((double)a->gpus, (double)b->gpus);
    if (order == 0 && place_of(a) == 1)
        order = compare_numbers(-a->attainment, -b->attainment);
    if (order == 0)
        order = strcmp(a->profile, b->profile);
    if (order == 0)
        order = (int)a->topology - (int)b->topology;
    return order ? order : compare_numbers(a->scale_load, b->scale_load);
}

static enum status make_result(const struct size_result **result, const struct sizing *z,
                               struct diag *d)
{
    struct size_result *r = ARENA_NEW(z->arena, 1, struct size_result);
    const struct size_choice **order =
        ARENA_NEW(z->arena, z->n_choices, const struct size_choice *);

    if (!r || !order)
        return diag_nomem(d, "choices");
    *r = (struct size_result){.options = z->options,
                              .n = z->n_choices,
                              .choices = order,
                              .n_runs = z->n_done,
                              .holds = true};
    for (size_t i = 0; i < z->n_choices; i++) {
        order[i] = &z->choices[i];
        r->n_reached += place_of(order[i]) == 0;
        r->n_runnable += place_of(order[i]) < 2;
    }
    qsort(order, r->n, sizeof *order, compare_choices);
    for (size_t l = 0; l < z->options->n_loads; l++) {
        bool any = false;
        for (size_t i = 0; i < r->n_reached; i++)
            any = any || order[i]->scale_load == z->options->loads[l];
        r->holds = r->holds && any;
    }
    *result = r;
    if (r->n_runnable == 0)
        return diag_fail(d, ST_INPUT, "%s", z->choices[0].message);
    return ST_OK;
}

enum status size_fleets(const struct size_result **result, struct arena *arena,
                        const struct size_options *options, struct diag *d)
{
    struct sizing z = {.options = options, .arena = arena};

    enum status s = size_choices(&z.choices, &z.n_choices, arena, options, d);
    if (!s)
        s = search_fleets(&z, d);
    for (size_t i = 0; i < z.n_choices && !s; i++) {
        if (!z.choices[i].message)
            set_answer(&z.choices[i], options);
    }
    if (!s)
        s = search_headroom(&z, d);
    if (!s)
        s = search_ranges(&z, d);
    return s ? s : make_result(result, &z, d);
}
