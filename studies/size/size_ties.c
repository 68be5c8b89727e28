/* Which choices cost more than the cheapest whatever the errors are. */
#include <math.h>
#include <string.h>

#include "studies/prediction.h"
#include "studies/size/size_internal.h"
#include "util/bug.h"

static const double level = 0.9; /* as of the ranges */

/* So much dearer is the choice with so many GPUs. Prices of the same GPU need not be known. */
static double dearer_by(const struct size_choice *c, double gpus, const struct size_choice *than,
                        double gpus_than)
{
    bool same = strcmp(c->gpu_type, than->gpu_type) == 0;

    return same ? gpus - gpus_than : c->price * gpus - than->price * gpus_than;
}

static bool is_dearer(const struct size_choice *c, const struct size_choice *than)
{
    return dearer_by(c, (double)c->gpus, than, (double)than->gpus) > 0;
}

/* Whatever the errors of the one have to do with those of the other. */
static bool apart_by_ranges(const struct size_choice *c, const struct size_choice *cheapest)
{
    return c->error && cheapest->error &&
           dearer_by(c, c->gpus_low, cheapest, cheapest->gpus_high) > 0;
}

/* Engines of one entry are off by the same, as far as is known. */
static bool same_draws(const struct size_choice *c, const struct size_choice *cheapest)
{
    return c->error && cheapest->error && strcmp(c->error->name, cheapest->error->name) == 0 &&
           c->n_draws && c->n_draws == cheapest->n_draws;
}

static bool dearer_in_all(const struct size_choice *c, const struct size_choice *cheapest)
{
    bool all = same_draws(c, cheapest);

    for (size_t k = 0; k < c->n_draws && all; k++)
        all = dearer_by(c, c->draws[k], cheapest, cheapest->draws[k]) > 0;
    return all;
}

/* On one more course of the traffic, at the level of the ranges. Without a fleet the cheapest is
 * not the cheapest; the other then counts as no dearer than at its dearest with one. */
static bool dearer_on_another(const struct size_choice *c, const struct size_choice *cheapest,
                              double *room)
{
    size_t n = c->n_draws, n_finite = 0;
    struct prediction_rule rule;

    if (!same_draws(c, cheapest))
        return false;
    for (size_t k = 0; k < n; k++) {
        if (isinf(cheapest->draws[k]))
            return false;
        double by = dearer_by(c, c->draws[k], cheapest, cheapest->draws[k]);
        if (!isinf(by))
            room[n_finite++] = by;
    }
    rule = prediction_rule(n, level);
    if (n_finite == 0)
        return rule.beyond <= 0;
    sample_sort(room, n_finite);
    for (size_t k = n_finite; k < n; k++)
        room[k] = room[n_finite - 1];
    return prediction_range(room, &rule, (struct range){-INFINITY, INFINITY}).low > 0;
}

static struct size_choice *cheapest_at(const struct sizing *z, double load,
                                       const struct size_choice **order)
{
    for (size_t i = 0; i < z->n_choices; i++) {
        if (order[i]->scale_load == load && size_outcome_of(order[i]) == SIZE_REACHED)
            return &z->choices[order[i] - z->choices];
    }
    return NULL;
}

/* The two corners that the ranges are not of: they tell nothing of how few or how many, but the
 * pools of one choice may suffer more from slow prompts than those of another. */
static enum status search_corners(struct sizing *z, struct size_choice *const *choices, size_t n,
                                  struct diag *d)
{
    enum { N_MORE = SIZE_CORNERS - SIZE_RANGE_CORNERS };
    struct size_task *tasks = ARENA_NEW(z->arena, n * N_MORE, struct size_task);
    enum status s = tasks ? ST_OK : diag_nomem(d, "choices");

    for (size_t i = 0; i < n * N_MORE && !s; i++)
        s = size_draw_task(&tasks[i], z, choices[i / N_MORE], SIZE_RANGE_CORNERS + i % N_MORE, d);
    if (!s)
        s = size_run_tasks(z, tasks, n * N_MORE, NULL, d);
    for (size_t i = 0; i < n * N_MORE && !s; i++) {
        choices[i / N_MORE]->draws[SIZE_RANGE_CORNERS + i % N_MORE] = size_task_gpus(&tasks[i]);
        choices[i / N_MORE]->n_draws = SIZE_CORNERS;
    }
    return s;
}

/* Those that differ from the cheapest in the corners of the ranges are looked at in all. */
static enum status compare_corners(struct sizing *z, struct size_choice *cheapest, struct diag *d)
{
    struct size_choice **some = ARENA_NEW(z->arena, z->n_choices + 1, struct size_choice *);
    size_t n = 0;

    if (!some)
        return diag_nomem(d, "choices");
    some[n++] = cheapest;
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (c->scale_load == cheapest->scale_load && c->ties_with_cheapest &&
            is_dearer(c, cheapest) && dearer_in_all(c, cheapest))
            some[n++] = c;
    }
    enum status s = n > 1 ? search_corners(z, some, n, d) : ST_OK;
    for (size_t i = 1; i < n && !s; i++)
        some[i]->ties_with_cheapest = !dearer_in_all(some[i], cheapest);
    return s;
}

static void compare_ranges(struct sizing *z, const struct size_choice *cheapest, double *room)
{
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (c->scale_load != cheapest->scale_load || c == cheapest ||
            size_outcome_of(c) != SIZE_REACHED)
            continue;
        c->ties_with_cheapest =
            !(is_dearer(c, cheapest) &&
              (apart_by_ranges(c, cheapest) ||
               (z->options->n_replicates && dearer_on_another(c, cheapest, room))));
    }
}

static enum status find_ties(struct sizing *z, struct diag *d)
{
    const struct size_choice **order =
        ARENA_NEW(z->arena, z->n_choices, const struct size_choice *);
    double *room = ARENA_NEW(z->arena, z->options->n_replicates + 1, double);
    enum status s = order && room ? ST_OK : diag_nomem(d, "choices");

    BUG_IF(!z->choices);
    for (size_t i = 0; i < z->n_choices && !s; i++)
        order[i] = &z->choices[i];
    if (!s)
        size_sort(order, z->n_choices);
    for (size_t l = 0; l < z->options->n_loads && !s; l++) {
        struct size_choice *cheapest = cheapest_at(z, z->options->loads[l], order);
        if (!cheapest)
            continue;
        compare_ranges(z, cheapest, room);
        if (z->options->n_replicates == 0)
            s = compare_corners(z, cheapest, d);
    }
    return s;
}

const struct size_step size_step_ties = {"ties", find_ties};
