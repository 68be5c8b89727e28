#include "sim/routing/endpoint_grid.h"

#include <math.h>

/* Counted from 1; 0 = none. */
static uint32_t class_of(const struct endpoint_pools *p, const struct trace_request *request)
{
    for (size_t i = 0; i < p->n_classes; i++) {
        const int64_t *range = p->classes[i].priority;
        if (range[0] <= request->priority && request->priority <= range[1])
            return (uint32_t)i + 1;
    }
    return 0;
}

static double or_default(double target_ms, double default_ms)
{
    return isnan(target_ms) ? default_ms : target_ms;
}

/* The chosen one, or where nobody takes requests there and one of the faster does, the slowest of
 * those. */
static size_t with_retry(const struct endpoint_pools *p, const struct endpoint_view *view,
                         size_t chosen, bool decode)
{
    if (!p->retry || view->serves(view->context, chosen, decode))
        return chosen;
    for (size_t i = chosen; i-- > 0;)
        if (view->serves(view->context, i, decode))
            return i;
    return chosen;
}

static enum status choose(const void *state, const struct endpoint_view *view,
                          const struct trace_request *request, struct endpoint_choice *to,
                          struct diag *d)
{
    const struct endpoint_pools *p = state;
    double ttft_ms = p->ttft_ms, itl_ms = p->itl_ms, isl = request->isl_tok;
    double priority = request->priority;

    (void)d;
    to->target = class_of(p, request);
    if (to->target) {
        ttft_ms = or_default(p->classes[to->target - 1].ttft_ms, ttft_ms);
        itl_ms = or_default(p->classes[to->target - 1].itl_ms, itl_ms);
    }
    if (p->agg) {
        size_t pool = (size_t)pool_choose(p->agg, isl, ttft_ms, itl_ms, priority);
        to->entry = to->decode = with_retry(p, view, pool, false);
        return ST_OK;
    }
    size_t prefill = (size_t)pool_choose(p->prefill, NAN, isl, ttft_ms, priority);
    size_t decode = (size_t)pool_choose(p->decode, NAN, isl, itl_ms, priority);
    to->entry = with_retry(p, view, prefill, false);
    to->decode = with_retry(p, view, decode, true);
    return ST_OK;
}

const struct endpoint_ops endpoint_grid = {
    .name = "grid",
    .summary = "by grids over lengths and targets, the prefill pool apart from the decode pool",
    .choose = choose,
};
