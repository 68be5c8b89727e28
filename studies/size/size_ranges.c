#include <math.h>
#include <string.h>

#include "studies/prediction.h"
#include "studies/size/size_internal.h"
#include "util/pcg.h"

/* Shares of the measured points whose prompts, and whose output, were as fast or faster. */
static const double corners[SIZE_CORNERS][2] = {{0.1, 0.1}, {0.9, 0.9}, {0.1, 0.9}, {0.9, 0.1}};

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
    const double *share = corners[which];

    setting->prompt_factor = factor_at(error->prompt_factor, error->n_factors, share[0], arena);
    setting->decode_factor = factor_at(error->decode_factor, error->n_factors, share[1], arena);
    return isnan(setting->prompt_factor) || isnan(setting->decode_factor)
               ? diag_nomem(d, "model error")
               : ST_OK;
}

void size_draw_error(struct size_setting *setting, const struct size_choice *choice,
                     const struct scenario *scenario, uint64_t replicate)
{
    const struct model_error *error = choice->error;
    struct pcg64 rng;

    if (!error)
        return;
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

/* Fleets have whole workers, and the answer is one of them. An end between two fleets is at the
 * nearer one: the rule is one for figures without steps, where each fleet stands for all figures
 * nearest to it. Ends moved outwards would hold 93 to 96 times in 100, not 90. */
static void set_range(struct size_choice *c, double *gpus, size_t n, bool replicates)
{
    const double unit = (double)(c->n_pools > 1 && c->gpus_per_worker[1] < c->gpus_per_worker[0]
                                     ? c->gpus_per_worker[1]
                                     : c->gpus_per_worker[0]);
    const double least =
        (double)(c->gpus_per_worker[0] + (c->n_pools > 1 ? c->gpus_per_worker[1] : 0));
    size_t n_finite = 0;

    sample_sort(gpus, n);
    while (n_finite < n && !isinf(gpus[n_finite]))
        n_finite++;
    struct range range = {gpus[0], gpus[n - 1]};
    if (replicates)
        range = range_of(gpus, n, n_finite, least);
    c->gpus_low = fmin(floor(range.low / unit + 0.5) * unit, (double)c->gpus);
    c->gpus_high = fmax(floor(range.high / unit + 0.5) * unit, (double)c->gpus);
    c->cost_per_day_low = size_cost_per_day(c, c->gpus_low);
    c->cost_per_day_high = size_cost_per_day(c, c->gpus_high);
}

enum status size_draw_task(struct size_task *task, const struct sizing *z,
                           struct size_choice *choice, size_t k, struct diag *d)
{
    bool replicates = z->options->n_replicates;
    struct fleet_search *search = ARENA_NEW(z->arena, 1, struct fleet_search);

    if (!search)
        return diag_nomem(d, "choices");
    *search = size_search(choice, choice->workers, INT64_MAX, z->arena);
    *task = (struct size_task){.choice = choice, .search = search, .setting = size_as_it_is};
    if (!replicates)
        return set_corner(&task->setting, choice->error, k, z->arena, d);
    task->setting.replicate = k + 1;
    size_draw_error(&task->setting, choice, z->options->scenario, k + 1);
    return ST_OK;
}

double size_task_gpus(const struct size_task *task)
{
    return task->state == FLEET_FOUND ? (double)fleet_gpus(task->search, task->search->best)
                                      : INFINITY;
}

static enum status search_ranges(struct sizing *z, struct diag *d)
{
    bool replicates = z->options->n_replicates;
    size_t n_each = replicates ? z->options->n_replicates : SIZE_RANGE_CORNERS, n = 0;
    size_t room = replicates ? n_each : SIZE_CORNERS;
    struct size_task *tasks = ARENA_NEW(z->arena, n_each * z->n_choices, struct size_task);
    double *sorted = ARENA_NEW(z->arena, n_each, double);
    enum status s = tasks && sorted ? ST_OK : diag_nomem(d, "choices");

    for (size_t i = 0; i < z->n_choices && !s; i++) {
        struct size_choice *c = &z->choices[i];
        if (!size_is_detailed(c) || (!replicates && !c->error))
            continue;
        c->draws = ARENA_NEW(z->arena, room, double);
        if (!c->draws)
            return diag_nomem(d, "choices");
        for (size_t k = 0; k < n_each && !s; k++)
            s = size_draw_task(&tasks[n++], z, c, k, d);
    }
    if (!s)
        s = size_run_tasks(z, tasks, n, NULL, d);
    for (size_t i = 0; i < n && !s; i += n_each) {
        struct size_choice *c = tasks[i].choice;
        c->n_draws = n_each;
        for (size_t k = 0; k < n_each; k++)
            sorted[k] = c->draws[k] = size_task_gpus(&tasks[i + k]);
        set_range(c, sorted, n_each, replicates);
    }
    return s;
}

const struct size_step size_step_ranges = {"ranges", search_ranges};
