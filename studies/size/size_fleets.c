#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

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

/* ---- the answer ---- */

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
        c->value = f[SIZE_TARGET];
        c->attainment = f[SIZE_ATTAINMENT];
        c->cost_per_million_output_tokens = cost_per_s / f[SIZE_OUTPUT_TOK_PER_S] * 1e6;
        if (f[SIZE_GOOD] > 0)
            c->cost_per_thousand_good_requests = cost_per_s / f[SIZE_GOOD] * 1e3;
    }
    set_limit(c, options->target);
}

static enum status search_fleets(struct sizing *z, struct diag *d)
{
    struct size_task *tasks = ARENA_NEW(z->arena, z->n_choices, struct size_task);
    size_t n = 0;

    if (!tasks)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (!c->message)
            tasks[n++] =
                (struct size_task){.choice = c, .search = &c->search, .setting = size_as_it_is};
    }
    enum status s = size_run_tasks(z, tasks, n, d);
    for (size_t i = 0; i < n && !s; i++) {
        if (!tasks[i].choice->message)
            set_answer(tasks[i].choice, z->options);
    }
    return s;
}

const struct size_step size_step_fleets = {"fleets", search_fleets};
