#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

struct fleet_search size_search(const struct size_choice *choice, struct fleet guess,
                                int64_t max_gpus, struct arena *arena)
{
    struct fleet_search search = {.n_pools = choice->n_pools,
                                  .max_gpus = max_gpus,
                                  .max_workers = choice->search.max_workers,
                                  .arena = arena};

    memcpy(search.gpus, choice->gpus_per_worker, sizeof search.gpus);
    memcpy(search.guess, guess.n, sizeof search.guess);
    return search;
}

double size_cost_per_day(const struct size_choice *choice, double gpus)
{
    return 24 * choice->price * gpus;
}

const struct fleet_trial *size_one_less(const struct size_choice *choice, bool most_harm)
{
    const struct fleet_trial *found = NULL;

    for (size_t i = 0; i < choice->n_pools; i++) {
        struct fleet fewer = choice->workers;
        if (--fewer.n[i] < 1)
            continue;
        const struct fleet_trial *t = fleet_trial_of(&choice->search, fewer);
        if (t && t->figures &&
            (!found ||
             (most_harm ? t->shortfall > found->shortfall : t->shortfall < found->shortfall)))
            found = t;
    }
    return found;
}

enum status size_nodes(int64_t *n_nodes, bool *fits, const struct size_choice *c,
                       struct fleet workers, const struct scenario *scenario, struct diag *d)
{
    struct cluster_config config = c->cluster;
    struct cluster cluster;
    uint32_t key = 0, node;

    *fits = true;
    config.n_nodes = (uint32_t)scenario->cluster.nodes;
    enum status s = cluster_init(&cluster, &config, d);
    for (size_t i = 0; i < c->n_pools; i++) {
        for (int64_t k = 0; k < workers.n[i] && *fits && !s; k++) {
            s = cluster_place(&cluster, key++, (uint32_t)c->gpus_per_worker[i], &node, d);
            *fits = node != NO_NODE;
        }
    }
    *n_nodes = 0;
    for (uint32_t i = 0; i < cluster.n_nodes; i++)
        *n_nodes += cluster.node[i].free_gpus < config.gpus_per_node;
    cluster_release(&cluster);
    return s;
}

/* ---- what limits it ---- */

static const char *limit_in(const double *f, const struct expectation *target)
{
    bool prompts = f[SIZE_MISSED_TTFT] >= f[SIZE_MISSED_TPOT];

    if (f[SIZE_REJECTED] > 0)
        return "KV memory";
    if (strstr(target->key, "ttft"))
        prompts = true;
    else if (strstr(target->key, "tpot") || strstr(target->key, "itl"))
        prompts = false;
    if (f[SIZE_PREEMPTIONS] > 0 && f[SIZE_KV_PEAK] > 0.99)
        return "KV memory";
    return prompts ? "prefill compute" : "decode bandwidth";
}

/* What goes wrong with one worker less, in the pool where that does more harm; or in what came
 * closest. */
static void set_limit(struct size_choice *c, const struct expectation *target)
{
    const struct fleet_trial *worst =
        c->reached ? size_one_less(c, true) : fleet_trial_of(&c->search, c->workers);

    if (worst && worst->figures)
        c->limited_by = limit_in(worst->figures, target);
    else
        c->limited_by = c->reached ? "nothing: it is the least there is" : "max-gpus";
}

/* ---- the answer ---- */

static void set_unknown(struct size_choice *c)
{
    c->gpus_low = c->gpus_high = c->cost_per_day_low = c->cost_per_day_high = NAN;
    c->value = c->attainment = c->load_headroom = c->arithmetic_value = NAN;
    c->cost_per_day = NAN;
    c->cost_per_million_output_tokens = c->cost_per_thousand_good_requests = NAN;
}

static enum status set_answer(struct size_choice *c, const struct size_options *options,
                              struct diag *d)
{
    const struct fleet_trial *trial;
    bool fits;

    set_unknown(c);
    c->workers = c->search.best;
    c->gpus = fleet_gpus(&c->search, c->workers);
    enum status s = size_nodes(&c->nodes, &fits, c, c->workers, options->scenario, d);
    c->reached = c->search.found && fits;
    c->cost_per_day = size_cost_per_day(c, (double)c->gpus);
    trial = fleet_trial_of(&c->search, c->workers);
    if (trial && trial->figures && isnan(trial->figures[SIZE_ATTAINMENT]))
        c->message = "no request is measured: all arrive outside of span.warmup_s and "
                     "span.duration_s";
    if (trial && trial->figures) {
        const double *f = trial->figures;
        if (options->n_missing)
            c->survivors = trial->ran;
        double cost_per_s = c->cost_per_day / 86400;
        c->value = f[SIZE_TARGET];
        c->attainment = f[SIZE_ATTAINMENT];
        c->cost_per_million_output_tokens = cost_per_s / f[SIZE_OUTPUT_TOK_PER_S] * 1e6;
        if (f[SIZE_GOOD] > 0)
            c->cost_per_thousand_good_requests = cost_per_s / f[SIZE_GOOD] * 1e3;
    }
    set_limit(c, options->target);
    if (!fits)
        c->limited_by = "cluster.nodes";
    return s;
}

/* Of each search once, as soon as it is done. */
static enum status answer_done(struct sizing *z, struct size_task *tasks, size_t n, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < n && !s; i++) {
        struct size_choice *c = tasks[i].choice;
        if (!tasks[i].done || c->answered || c->message)
            continue;
        s = set_answer(c, z->options, d);
        c->answered = true;
    }
    if (!s)
        size_bound(z, tasks, n);
    return s;
}

static enum status search_fleets(struct sizing *z, struct diag *d)
{
    struct size_task *tasks = ARENA_NEW(z->arena, z->n_choices, struct size_task);
    size_t n = 0;

    if (!tasks)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (c->message)
            continue;
        set_unknown(c);
        tasks[n++] = (struct size_task){
            .choice = c, .search = &c->search, .setting = size_as_it_is, .waits = true};
    }
    return size_run_tasks(z, tasks, n, answer_done, d);
}

const struct size_step size_step_fleets = {"fleets", search_fleets};
