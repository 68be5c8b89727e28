/* One line in words for what planner_core.c decided. */
#include "planner/dynamo1/planner_core.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const side_names[N_SIDES] = {
    [SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

/* Appends; what does not fit is cut. */
static void add(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void separate(char *text, size_t size)
{
    if (*text)
        add(text, size, "; ");
}

static void plan_failure(char *text, size_t size, enum planner_side side,
                         const struct throughput_outcome *o)
{
    const char *missing = traffic_missing(&o->seen);

    switch (o->plan[side].state) {
    case PLAN_INVALID_TRAFFIC:
        add(text, size, "no plan: %s is NaN%s", missing ? missing : "a mean",
            o->seen.n_requests > 0 ? "" : " (idle)");
        break;
    case PLAN_NO_CORRECTION:
        add(text, size, "no plan: no profile cell for the measured concurrency");
        break;
    case PLAN_NO_FORECAST:
        add(text, size, "no plan: the forecast failed");
        break;
    case PLAN_NO_COUNT:
        add(text, size, "no plan: the %s count is not a number", side_names[side]);
        break;
    case PLAN_NOT_ASKED:
    case PLAN_READY:
        break;
    }
}

/* `prefill 3 -> 4: 12.1 req/s x 8812 tok x 0.9 / (41203 tok/s x 1 gpu) = 3.2`; a floor for the load
 * rule is no request: `prefill floor 4: ...`. */
static void plan_arithmetic(char *text, size_t size, const struct planner_core *core,
                            enum planner_side side, const struct throughput_outcome *o,
                            int64_t n_workers)
{
    const struct side_plan *plan = &o->plan[side];
    double interval_s = (double)core->config->throughput_adjustment_interval_s;
    double factor = side == SIDE_PREFILL && plan->correction < 1 ? plan->correction : 1;
    double length = side == SIDE_PREFILL ? plan->next.isl_tok : plan->next.osl_tok;
    double need = plan->basis.load / plan->basis.cap / (double)core->gpus[side];

    if (o->as_floor)
        add(text, size, "%s floor %lld: ", side_names[side], (long long)plan->replicas);
    else
        add(text, size, "%s %lld -> %lld: ", side_names[side], (long long)n_workers,
            (long long)plan->replicas);
    if (plan->basis.no_cap) {
        add(text, size, "profile throughput %.4g is not positive, so min_endpoint",
            plan->basis.cap);
        return;
    }
    add(text, size, "%.4g req/s x %.0f tok", plan->next.n_requests / interval_s, length);
    if (factor < 1)
        add(text, size, " x %.3g", factor);
    add(text, size, " / (%.0f tok/s x %lld gpu) = %.3g", plan->basis.cap,
        (long long)core->gpus[side], need);
    if ((double)plan->replicas - need >= 1)
        add(text, size, ", min_endpoint %lld", (long long)core->config->min_endpoint);
    if (plan->basis.missed)
        add(text, size, ", target out of reach");
}

static void budget_clause(char *text, size_t size, const struct planner_core *core,
                          const int64_t before[N_SIDES], const int64_t after[N_SIDES])
{
    long long budget = (long long)core->config->max_gpu_budget;

    if (core->mode == MODE_DISAGG) {
        if (before[0] == after[0] && before[1] == after[1])
            return;
        separate(text, size);
        add(text, size, "budget %lld GPUs turns %lld+%lld into %lld+%lld", budget,
            (long long)before[0], (long long)before[1], (long long)after[0], (long long)after[1]);
        return;
    }
    int side = core->mode == MODE_PREFILL ? SIDE_PREFILL : SIDE_DECODE;
    if (before[side] == after[side])
        return;
    separate(text, size);
    add(text, size, "budget %lld GPUs turns %lld into %lld", budget, (long long)before[side],
        (long long)after[side]);
}

void throughput_reason(char *text, size_t size, const struct planner_core *core,
                       const struct throughput_outcome *o, const int64_t n_workers[N_SIDES])
{
    int64_t wanted[N_SIDES];

    text[0] = '\0';
    for (int side = 0; side < N_SIDES; side++) {
        const struct side_plan *plan = &o->plan[side];
        wanted[side] = plan->replicas;
        if (plan->state == PLAN_NOT_ASKED)
            continue;
        if (!o->complete && plan->state != PLAN_READY) {
            plan_failure(text, size, (enum planner_side)side, o);
            return;
        }
    }
    for (int side = 0; side < N_SIDES; side++) {
        if (o->plan[side].state != PLAN_READY)
            continue;
        separate(text, size);
        plan_arithmetic(text, size, core, (enum planner_side)side, o, n_workers[side]);
    }
    if (o->request)
        budget_clause(text, size, core, wanted, o->target);
    if (o->held) {
        separate(text, size);
        add(text, size, "held: budget below min_endpoint");
    }
}

/* `at 120..3400 tok, all below 13920`: what the workers hold, then what it was held against. */
static void verdict_text(char *text, size_t size, const struct planner_core *core,
                         enum planner_side rule, const struct load_verdict *v)
{
    const char *what = rule == SIDE_PREFILL ? "tok" : "blocks";
    const char *target = rule == SIDE_PREFILL ? "ttft" : "itl";
    bool measured = v->cause != LOAD_FEW_OBSERVATIONS && !isnan(v->least);

    if (measured && v->least < v->most)
        add(text, size, "at %.0f..%.0f %s, ", v->least, v->most, what);
    else if (measured)
        add(text, size, "at %.0f %s, ", v->most, what);
    switch (v->cause) {
    case LOAD_FEW_OBSERVATIONS:
        add(text, size, "%zu of %lld observations", v->n_observed,
            (long long)core->config->load_min_observations);
        break;
    case LOAD_NO_METRICS:
        add(text, size, "no worker gauges");
        break;
    case LOAD_UNREACHABLE:
        add(text, size, "%s target out of reach (%.0f left)", target, v->limit);
        break;
    case LOAD_ALL_ABOVE:
        add(text, size, "all above %.0f", v->limit);
        break;
    case LOAD_ALL_BELOW:
        add(text, size, "all below %.0f", v->boundary);
        break;
    case LOAD_BETWEEN:
        if (isnan(v->boundary))
            add(text, size, "not all above %.0f", v->limit);
        else
            add(text, size, "neither all below %.0f nor above %.0f", v->boundary, v->limit);
        break;
    }
}

static void mismatch_text(char *text, size_t size, const struct planner_core *core,
                          const struct load_outcome *o)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (!planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        add(text, size, "%s", *text ? ", " : "skipped, worker counts differ: ");
        add(text, size, "%s %lld ready and %zu on the page",
            core->mode == MODE_AGG ? "agg" : side_names[side], (long long)o->n_workers[side],
            o->n_recent[side]);
        if (core->no_gauges[side])
            add(text, size, " (no kv_aware router)");
    }
}

void load_reason(char *text, size_t size, const struct planner_core *core,
                 const struct load_outcome *o)
{
    text[0] = '\0';
    if (o->state == LOAD_COUNT_MISMATCH) {
        mismatch_text(text, size, core, o);
        return;
    }
    if (o->state == LOAD_UNSTABLE) {
        add(text, size, "skipped, workers are starting");
        return;
    }
    bool agg = core->mode == MODE_AGG;
    if (agg && o->target[SIDE_DECODE] >= 0)
        add(text, size, "agg %lld -> %lld: ", (long long)o->n_workers[SIDE_DECODE],
            (long long)o->target[SIDE_DECODE]);
    for (int side = 0; side < N_SIDES; side++) {
        if (!agg && !planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        if (side == SIDE_DECODE)
            separate(text, size);
        add(text, size, "%s ", side_names[side]);
        if (!agg && o->target[side] >= 0)
            add(text, size, "%lld -> %lld: ", (long long)o->n_workers[side],
                (long long)o->target[side]);
        verdict_text(text, size, core, (enum planner_side)side, &o->verdict[side]);
        int64_t desired = o->desired[side] >= 0 ? o->desired[side] : o->n_workers[side];
        if (o->target[side] > desired)
            add(text, size, " (raised from %lld)", (long long)desired);
        else if (o->target[side] >= 0 && o->target[side] < desired)
            add(text, size, " (budget %lld GPUs, wanted %lld)",
                (long long)core->config->max_gpu_budget, (long long)desired);
    }
    if (o->state == LOAD_HELD)
        add(text, size, "; held: budget below min_endpoint");
}
