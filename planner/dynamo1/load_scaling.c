#include "planner/dynamo1/load_scaling.h"

#include <math.h>

void load_observe_prefill(struct regression *r, const struct gauge_page *workers)
{
    for (size_t i = 0; i < workers->n; i++) {
        const struct worker_sample *w = &workers->workers[i];
        double ttft_s = sample_gauge(w, GAUGE_TTFT_S), isl = sample_gauge(w, GAUGE_ISL_TOK);
        if (ttft_s > 0 && isl > 0)
            regression_add(r, sample_gauge(w, GAUGE_PREFILL_TOKENS) + isl, ttft_s * 1000);
    }
}

void load_observe_decode(struct regression *r, const struct gauge_page *workers)
{
    for (size_t i = 0; i < workers->n; i++) {
        const struct worker_sample *w = &workers->workers[i];
        double itl_s = sample_gauge(w, GAUGE_ITL_S), blocks = sample_gauge(w, GAUGE_DECODE_BLOCKS);
        if (itl_s > 0 && blocks > 0)
            regression_add(r, blocks, itl_s * 1000);
    }
}

static bool all_above(const struct gauge_page *page, enum gauge g, double limit)
{
    for (size_t i = 0; i < page->n; i++) {
        if (!(sample_gauge(&page->workers[i], g) > limit))
            return false;
    }
    return true;
}

static bool all_below(const struct gauge_page *page, enum gauge g, double limit)
{
    for (size_t i = 0; i < page->n; i++) {
        if (!(sample_gauge(&page->workers[i], g) < limit))
            return false;
    }
    return true;
}

static void note_loads(struct load_verdict *v, const struct gauge_page *page, enum gauge g)
{
    for (size_t i = 0; i < page->n; i++) {
        double load = sample_gauge(&page->workers[i], g);
        v->least = fmin(v->least, load);
        v->most = fmax(v->most, load);
    }
}

/* `reserve` is taken off the load the regression allows. */
static struct load_verdict judge(const struct regression *r, const struct load_metrics *m,
                                 const struct load_rule *rule, enum gauge g, double reserve)
{
    struct load_verdict v = {.cause = LOAD_FEW_OBSERVATIONS,
                             .x_sla = NAN,
                             .limit = NAN,
                             .boundary = NAN,
                             .least = NAN,
                             .most = NAN,
                             .n_observed = r->n};
    const struct gauge_page *recent = &m->recent;
    double n = (double)rule->n_workers;

    note_loads(&v, recent, g);
    if (regression_inverse(r, rule->target_ms, &v.x_sla)) {
        v.limit = v.x_sla - reserve;
        v.cause = LOAD_NO_METRICS;
    }
    if (isnan(v.x_sla) || recent->n == 0 || rule->n_workers <= 0)
        return v;
    v.cause = LOAD_BETWEEN;
    if (v.limit <= 0) {
        v.cause = LOAD_UNREACHABLE;
        v.wish = rule->unreachable_up ? LOAD_UP : LOAD_KEEP;
        return v;
    }
    if (all_above(recent, g, v.limit)) {
        v.cause = LOAD_ALL_ABOVE;
        v.wish = LOAD_UP;
        return v;
    }
    if (rule->n_workers > 1) {
        v.boundary = v.limit * (n - 1) / n * rule->sensitivity;
        if (all_below(recent, g, v.boundary)) {
            v.cause = LOAD_ALL_BELOW;
            v.wish = LOAD_DOWN;
        }
    }
    return v;
}

struct load_verdict load_judge_prefill(const struct regression *r, const struct load_metrics *m,
                                       const struct load_rule *rule)
{
    double isl = m->cluster[GAUGE_ISL_TOK];

    return judge(r, m, rule, GAUGE_PREFILL_TOKENS, isnan(isl) ? 0 : isl);
}

struct load_verdict load_judge_decode(const struct regression *r, const struct load_metrics *m,
                                      const struct load_rule *rule)
{
    return judge(r, m, rule, GAUGE_DECODE_BLOCKS, 0);
}

enum load_wish load_combine(enum load_wish prefill, enum load_wish decode)
{
    if (prefill == LOAD_UP || decode == LOAD_UP)
        return LOAD_UP;
    if (prefill == LOAD_DOWN && decode == LOAD_DOWN)
        return LOAD_DOWN;
    return LOAD_KEEP;
}
