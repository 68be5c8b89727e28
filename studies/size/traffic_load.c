#include "studies/size/traffic_load.h"

#include <string.h>

#include "util/units.h"

struct reading {
    struct arena *arena;
    double *isl_tok;
    size_t room;
    double sum_isl, sum_osl;
    int64_t minute;
    size_t n_in_minute, most_in_minute;
    int64_t last_ns;
};

static enum status add_request(struct traffic_load *load, struct reading *r,
                               const struct trace_request *request, struct diag *d)
{
    if (load->n == r->room) {
        size_t room = r->room ? 2 * r->room : 4096;
        double *larger = ARENA_NEW(r->arena, room, double);
        if (!larger)
            return diag_nomem(d, "traffic");
        if (r->isl_tok)
            memcpy(larger, r->isl_tok, load->n * sizeof *larger);
        r->isl_tok = larger;
        r->room = room;
    }
    int64_t minute = request->arrival_ns / (60 * NS_PER_S);
    if (minute != r->minute)
        r->n_in_minute = 0;
    r->minute = minute;
    if (++r->n_in_minute > r->most_in_minute)
        r->most_in_minute = r->n_in_minute;
    r->last_ns = request->arrival_ns;
    r->sum_isl += request->isl_tok;
    r->sum_osl += request->osl_tok;
    r->isl_tok[load->n++] = request->isl_tok;
    return ST_OK;
}

enum status traffic_load_read(struct traffic_load *load, struct arena *arena,
                              const struct request_source *source, struct diag *d)
{
    struct reading r = {.arena = arena};
    struct trace_request request;
    enum status s;

    *load = (struct traffic_load){.peak_factor = 1};
    while (!(s = request_source_next(source, &request, d))) {
        s = add_request(load, &r, &request, d);
        if (s)
            return s;
    }
    if (s != ST_END)
        return s;
    if (load->n == 0)
        return ST_OK;
    load->isl_tok = r.isl_tok;
    load->mean_isl_tok = r.sum_isl / (double)load->n;
    load->mean_osl_tok = r.sum_osl / (double)load->n;
    /* A trace of seconds is taken for one minute. */
    double span_s = s_from_ns(r.last_ns) > 60 ? s_from_ns(r.last_ns) : 60;
    load->rate_per_s = (double)load->n / span_s;
    double peak = (double)r.most_in_minute / 60 / load->rate_per_s;
    load->peak_factor = peak > 1 ? peak : 1;
    return ST_OK;
}

/* Straight between the points and on beyond them, from nothing at 0. */
static double curve_at(const struct profile_curve *curve, double x)
{
    size_t i = 0;

    while (i + 1 < curve->n && curve->x[i] < x)
        i++;
    if (i == 0)
        return curve->value[0];
    double slope = (curve->value[i] - curve->value[i - 1]) / (curve->x[i] - curve->x[i - 1]);
    return curve->value[i] + (x - curve->x[i]) * slope;
}

static double output_tok_per_s(const struct profile *p, double context, double tpot_ms, bool any)
{
    double best = 0;

    for (size_t i = 0; i < p->n_decode; i++) {
        bool like =
            any || (p->decode_context[i] >= context / 2 && p->decode_context[i] <= context * 2);
        if (like && (any || p->decode_itl_ms[i] <= tpot_ms) && p->decode_thpt_per_gpu[i] > best)
            best = p->decode_thpt_per_gpu[i];
    }
    return best;
}

void traffic_load_workers(double *prefill, double *decode, const struct traffic_load *load,
                          const struct profile *profile, int64_t gpus_per_worker, double tpot_ms)
{
    double context = load->mean_isl_tok + load->mean_osl_tok / 2, sum_ms = 0;

    for (size_t i = 0; i < load->n; i++)
        sum_ms += curve_at(&profile->prefill_ttft_ms, load->isl_tok[i]);
    *prefill = load->rate_per_s * sum_ms / (double)load->n / 1000;
    double per_gpu = output_tok_per_s(profile, context, tpot_ms, false);
    if (per_gpu <= 0)
        per_gpu = output_tok_per_s(profile, context, tpot_ms, true);
    *decode = per_gpu > 0
                  ? load->rate_per_s * load->mean_osl_tok / per_gpu / (double)gpus_per_worker
                  : *prefill;
}
