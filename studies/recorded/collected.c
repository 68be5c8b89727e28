/* What the files of a run would say, out of its records. */
#include <math.h>
#include <stdlib.h>

#include "reports/latencies.h"
#include "reports/row.h"
#include "studies/recorded/recorded_internal.h"
#include "util/array.h"
#include "util/units.h"

struct collected {
    struct arena texts;
    struct recorded_sample *samples;
    struct worker_record *workers;
    struct recorded_decision *decisions;
    size_t n_samples, n_workers, n_decisions, samples_capacity, workers_capacity,
        decisions_capacity;
};

struct collected *collected_new(void)
{
    struct collected *c = calloc(1, sizeof *c);

    if (c)
        arena_init(&c->texts);
    return c;
}

void collected_free(struct collected *c)
{
    if (!c)
        return;
    free(c->samples);
    free(c->workers);
    free(c->decisions);
    arena_release(&c->texts);
    free(c);
}

struct recorded_request collected_request(const struct request_record *q, int64_t ttft_target_ns,
                                          int64_t tpot_target_ns)
{
    const struct request_latencies l = request_latencies(q, ttft_target_ns, tpot_target_ns);

    return (struct recorded_request){
        .index = q->index,
        .arrival_ns = q->arrival_ns,
        .ttft_ns = l.ttft,
        .tpot_ns = request_tpot_ns(&l),
        .e2e_ns = l.e2e,
        .scheduled_ns = q->scheduled_ns,
        .prefill_done_ns = q->prefill_done_ns,
        .first_token_ns = q->first_token_ns,
        .last_token_ns = q->last_token_ns,
        .input_tok = q->isl_tok,
        .output_tok = q->osl_tok,
        .outcome = q->outcome,
        .measured = q->measured,
        .good = l.ttft_ok && l.tpot_ok,
        .n_output_tok = q->n_output_tok,
        .cached_tok = q->cached_tok,
        .n_attempts = q->n_attempts,
        .n_preemptions = q->n_preemptions,
        .prefill_worker = q->prefill_worker,
        .worker = q->worker,
        .ttft_target_ns = q->ttft_target_ns,
        .tpot_target_ns = q->tpot_target_ns,
        .decoded_elsewhere = q->decode_in > 0,
    };
}

static double rate(double n, double length_s)
{
    return length_s > 0 ? row_double_rounded(n / length_s) : NAN;
}

enum status collected_sample(struct collected *c, const struct sample_record *s, struct diag *d)
{
    enum status status =
        ARRAY_RESERVE(c->samples, c->n_samples, c->samples_capacity, 1, "timeline", d);

    if (status)
        return status;
    c->samples[c->n_samples++] = (struct recorded_sample){
        .at_ns = s->at_ns,
        .pool = s->pool,
        .target = s->target,
        .ready = s->ready,
        .starting = s->starting,
        .draining = s->draining,
        .n_waiting = row_double_rounded(s->n_waiting),
        .n_running = row_double_rounded(s->n_running),
        .kv_utilization = row_double_rounded(s->kv_utilization),
        .offered_per_s = rate(s->traffic.n_arrived, s->traffic.length_s),
        .completed_per_s = rate(s->traffic.n_requests, s->traffic.length_s),
    };
    return ST_OK;
}

enum status collected_worker(struct collected *c, const struct worker_record *w, struct diag *d)
{
    enum status s = ARRAY_RESERVE(c->workers, c->n_workers, c->workers_capacity, 1, "workers", d);

    if (!s)
        c->workers[c->n_workers++] = *w;
    return s;
}

/* JSON has no infinities, and no sign of zero. */
static double number(double v)
{
    return isfinite(v) ? v + 0.0 : NAN;
}

static struct recorded_forecast forecast(const struct policy_forecast *f)
{
    return (struct recorded_forecast){number(f->n_requests), number(f->isl_tok),
                                      number(f->osl_tok)};
}

/* The policy's texts are gone after the call. */
static bool keep_text(struct collected *c, const char **kept, const char *text)
{
    *kept = text ? arena_strdup(&c->texts, text) : NULL;
    return *kept || !text;
}

enum status collected_decision(struct collected *c, const struct decision_record *r, struct diag *d)
{
    const struct policy_effects *e = r->effects;
    struct recorded_decision *to;
    enum status s =
        ARRAY_RESERVE(c->decisions, c->n_decisions, c->decisions_capacity, 1, "decisions", d);

    if (s)
        return s;
    to = &c->decisions[c->n_decisions++];
    *to = (struct recorded_decision){
        .at_ns = ns_from_s_or_never(s_from_ns(r->at_ns)),
        .number = r->number,
        .seen = forecast(&e->seen),
        .predicted = forecast(&e->predicted),
        .seen_ttft_ms = number(e->seen_ttft_ms),
        .seen_itl_ms = number(e->seen_itl_ms),
        .estimated_ttft_ms = e->estimated_ttft_ms > 0 ? number(e->estimated_ttft_ms) : NAN,
        .estimated_itl_ms = e->estimated_itl_ms > 0 ? number(e->estimated_itl_ms) : NAN,
    };
    for (size_t i = 0; i < r->n_pools; i++)
        to->pools[i] = (struct recorded_pool_decision){
            .target = r->counts[i].target,
            .ready = r->counts[i].ready,
            .starting = r->counts[i].starting,
            .draining = r->counts[i].draining,
            .correction = number(e->correction[i]),
            .wanted = e->wanted[i] < 0 ? NAN : (double)e->wanted[i],
            .applied = e->scale ? (double)e->target[i] : NAN,
        };
    return keep_text(c, &to->kind, e->kind) && keep_text(c, &to->reason, e->reason)
               ? ST_OK
               : diag_nomem(d, "decisions");
}

enum status collected_finish(struct recorded *run, const struct collected *c, struct arena *arena,
                             const char *dir, struct diag *d)
{
    const char *path = arena_printf(arena, "%s/summary.json", dir);

    *run = (struct recorded){.dir = dir};
    if (!path)
        return diag_nomem(d, "path");
    enum status s = recorded_read_summary(run, arena, path, d);
    if (s)
        return s;
    recorded_sort_workers(c->workers, c->n_workers);
    run->n_samples = c->n_samples;
    run->samples = c->samples;
    run->n_workers = c->n_workers;
    run->workers = c->workers;
    run->n_decisions = c->n_decisions;
    run->decisions = c->decisions;
    return ST_OK;
}
