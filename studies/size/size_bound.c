/* Which searches are worth going on with. A choice is out of the cheapest when as many as are asked
 * for cost less than the cheapest fleet that it may still turn out to have; its search ends, and
 * that fleet is what is told of it. All is by what is known between two rounds of runs, so it does
 * not hang on which run of a round ends first. */
#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

/* Their costs can be compared: by price, or where there is none by GPUs of a kind. */
static bool compete(const struct size_choice *a, const struct size_choice *b)
{
    if (a->scale_load != b->scale_load || isnan(a->price) != isnan(b->price))
        return false;
    return !isnan(a->price) || strcmp(a->gpu_type, b->gpu_type) == 0;
}

static double cost_of(const struct size_choice *c, int64_t gpus)
{
    return isnan(c->price) ? (double)gpus : c->price * (double)gpus;
}

static bool is_found(const struct size_task *t)
{
    return t->done && size_outcome_of(t->choice) == SIZE_REACHED;
}

static double guessed_cost(const struct size_task *t)
{
    const struct fleet_search *search = t->search;
    int64_t gpus = 0;

    for (size_t i = 0; i < search->n_pools; i++)
        gpus += search->guess[i] * search->gpus[i];
    return cost_of(t->choice, gpus);
}

/* What is known of those that compete with it. */
struct rivals {
    size_t n_found;   /* have an answer */
    size_t n_cheaper; /* of them cost less than it may at least */
    size_t n_running; /* are being searched */
    size_t n_before;  /* wait, and should begin before it */
};

static struct rivals rivals_of(const struct size_task *tasks, size_t n, size_t at, double least)
{
    struct rivals r = {0};
    double guess = guessed_cost(&tasks[at]);

    for (size_t i = 0; i < n; i++) {
        const struct size_task *t = &tasks[i];
        if (!compete(t->choice, tasks[at].choice))
            continue;
        bool found = is_found(t);
        r.n_found += found;
        r.n_cheaper += found && cost_of(t->choice, t->choice->gpus) < least;
        r.n_running += !t->waits && !t->done;
        if (t->waits && i != at) {
            double other = guessed_cost(t);
            r.n_before += other < guess || (other == guess && i < at);
        }
    }
    return r;
}

static void stop(struct size_task *t, int64_t gpus)
{
    struct size_choice *c = t->choice;

    t->done = true;
    t->waits = false;
    c->answered = c->bounded = true;
    c->gpus_low = (double)gpus;
    c->cost_per_day_low = size_cost_per_day(c, c->gpus_low);
}

void size_bound(struct sizing *z, struct size_task *tasks, size_t n)
{
    size_t n_top = z->options->n_top;

    for (size_t i = 0; i < n; i++) {
        if (tasks[i].done)
            continue;
        int64_t gpus = fleet_least_gpus(tasks[i].search);
        if (rivals_of(tasks, n, i, cost_of(tasks[i].choice, gpus)).n_cheaper >= n_top)
            stop(&tasks[i], gpus);
    }
    /* The first ones are searched until enough are found to hold the others against. */
    size_t n_first = n_top < SIZE_MAX / 2 ? 2 * n_top : SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (tasks[i].done || !tasks[i].waits)
            continue;
        struct rivals r = rivals_of(tasks, n, i, 0);
        tasks[i].begins = r.n_found >= n_top || r.n_running + r.n_before < n_first;
    }
    for (size_t i = 0; i < n; i++) {
        tasks[i].waits = tasks[i].waits && !tasks[i].begins;
    }
}
