/* A policy in the loop in the place of each static fleet. One run of it is one draw, so it is told
 * by the courses of the traffic that the static fleet was run on. */
#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

/* The policy's own, but at least twice the static fleet: a budget is of the fleet that it was
 * written for. */
static int64_t budget_of(const struct size_choice *c, const struct size_options *o)
{
    int64_t budget = o->policy->max_gpu_budget;

    if (budget >= 0 && budget < 2 * c->gpus)
        budget = 2 * c->gpus;
    return o->max_gpus && (budget < 0 || budget > o->max_gpus) ? o->max_gpus : budget;
}

static struct fleet start_of(const struct size_choice *c, const struct size_policy *policy)
{
    struct fleet fleet = c->workers;

    for (size_t i = 0; i < c->n_pools; i++) {
        for (size_t role = 0; role < sizeof policy->replicas / sizeof *policy->replicas; role++) {
            if (policy->replicas[role] > 0 && strcmp(c->pools[i], pool_role_names[role]) == 0)
                fleet.n[i] = policy->replicas[role];
        }
    }
    return fleet;
}

static void take(struct size_choice *c, const struct size_run *runs, size_t n,
                 const struct size_options *o, double *scratch)
{
    struct size_autoscaled *to = &c->autoscaled;
    const struct expectation *target = o->target;

    to->policy = o->policy->name;
    to->n = (int64_t)n;
    to->max_gpu_budget = runs[0].setting.max_gpu_budget;
    to->message = size_message_of(runs, n);
    if (to->message)
        return;
    for (size_t i = 0; i < n; i++) {
        double peak = runs[i].figures[SIZE_PEAK_GPUS];
        if (peak > (double)to->peak_gpus)
            to->peak_gpus = (int64_t)peak;
    }
    to->mean_gpus = size_mean_of(runs, n, SIZE_MEAN_GPUS, scratch);
    to->gpu_hours = size_mean_of(runs, n, SIZE_GPU_HOURS, scratch);
    to->value = size_mean_of(runs, n, SIZE_TARGET, scratch);
    to->attainment = size_mean_of(runs, n, SIZE_ATTAINMENT, scratch);
    to->lost = size_mean_of(runs, n, SIZE_LOST, scratch).mean;
    to->gpu_hours_per_day = 24 * to->mean_gpus.mean;
    to->cost_per_day = c->price * to->gpu_hours_per_day;
    to->meets_target = !isnan(to->value.mean) && expectation_holds(target, to->value.mean);
    to->certain = to->value.low > target->bound || to->value.high < target->bound;
}

static enum status run_autoscaled(struct sizing *z, struct diag *d)
{
    const struct size_options *o = z->options;
    size_t n_courses = size_n_courses(o), n = 0;

    if (!o->policy)
        return ST_OK;
    struct size_run *runs = ARENA_NEW(z->arena, z->n_choices * n_courses, struct size_run);
    double *scratch = ARENA_NEW(z->arena, n_courses, double);
    if (!runs || !scratch)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        for (size_t k = 1; k <= n_courses && size_is_detailed(c); k++) {
            runs[n] = (struct size_run){.choice = c, .setting = size_as_it_is};
            runs[n].setting.fleet = start_of(c, o->policy);
            runs[n].setting.replicate = k;
            runs[n].setting.policy = o->policy;
            runs[n++].setting.max_gpu_budget = budget_of(c, o);
        }
    }
    enum status s = size_run_all(z, runs, n, d);
    for (size_t i = 0; i < n && !s; i += n_courses)
        take(runs[i].choice, &runs[i], n_courses, o, scratch);
    return s;
}

const struct size_step size_step_autoscaled = {"autoscaled", run_autoscaled};
