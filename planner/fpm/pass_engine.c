#include "planner/fpm/pass_engine.h"

#include <math.h>

enum status pass_engine_init(struct pass_engine *e, struct arena *arena,
                             const struct pass_family *family, enum pass_role role,
                             const struct pass_model_config *config, struct diag *d)
{
    size_t window = (size_t)config->max_samples;
    enum status s = ST_OK;

    *e = (struct pass_engine){.family = family, .role = role};
    struct moving_mean *means[] = {&e->isl_tok, &e->context_tok, &e->n_prefill, &e->prefill_tok};
    for (size_t i = 0; i < sizeof means / sizeof *means && s == ST_OK; i++)
        s = moving_mean_init(means[i], arena, window, d);
    for (int kind = 0; kind < N_PASS_KINDS && s == ST_OK; kind++)
        s = pass_model_init(&e->models[kind], arena, family, (enum pass_kind)kind, config, d);
    return s;
}

/* Seconds; NaN: not known. */
static double time_s(struct pass_engine *e, const struct pass *p)
{
    enum pass_kind kind = e->family->model_of(e->role, p);

    return kind == N_PASS_KINDS ? 0 : pass_model_time_s(&e->models[kind], p);
}

void pass_engine_meet(struct pass_engine *e, const struct fpm_record *r)
{
    if (r->n_prefill > 0 || !(e->fixes & FIX_MEAN_PROMPT))
        moving_mean_add(&e->isl_tok, r->n_prefill > 0 ? r->prefill_tok / r->n_prefill : 0);
    if (r->n_decode > 0)
        moving_mean_add(&e->context_tok, r->decode_kv_tok / r->n_decode);
}

void pass_engine_learn(struct pass_engine *e, const struct fpm_record *r)
{
    const struct pass p = {r->n_prefill, r->prefill_tok, r->prefill_kv_tok, r->n_decode,
                           r->decode_kv_tok};
    enum pass_kind kind = e->family->model_of(e->role, &p);

    moving_mean_add(&e->n_prefill, r->n_prefill);
    moving_mean_add(&e->prefill_tok, r->prefill_tok);
    if (r->wall_s > 0 && kind != N_PASS_KINDS)
        pass_model_add(&e->models[kind], &p, r->wall_s);
}

bool pass_engine_ready(struct pass_engine *e)
{
    for (int kind = 0; kind < N_PASS_KINDS; kind++) {
        if (pass_model_ready(&e->models[kind]))
            return true;
    }
    return false;
}

/* ---- Latencies ---- */

static double whole(double value)
{
    return value > 0 ? ceil(value) : 0;
}

/* The same, where a pass counts what is computed already of the prompt it goes on with; prompts are
 * of one length. */
static double chunks_in_context_s(struct pass_engine *e, struct pass p, double tok,
                                  double batched_tok)
{
    double length_tok = tok / p.n_prefill, sum_s = 0;
    int64_t n = (int64_t)ceil(tok / batched_tok);

    for (int64_t i = 0; i < n; i++) {
        double done_tok = (double)i * batched_tok;
        p.prefill_tok = fmin(batched_tok, tok - done_tok);
        p.prefill_kv_tok = fmod(done_tok, length_tok);
        sum_s += time_s(e, &p);
    }
    return sum_s;
}

/* Prompts in passes of at most batched_tok, beside the given decode. */
static double chunks_s(struct pass_engine *e, struct pass p, double tok, double batched_tok)
{
    double full = floor(tok / batched_tok), tail = tok - full * batched_tok, sum_s = 0;

    if (e->fixes & FIX_CHUNK_CONTEXT)
        return chunks_in_context_s(e, p, tok, batched_tok);
    if (full > 0) {
        p.prefill_tok = batched_tok;
        sum_s += full * time_s(e, &p);
    }
    if (tail > 0) {
        p.prefill_tok = tail;
        sum_s += time_s(e, &p);
    }
    return pass_whole_s(e->family, sum_s);
}

double pass_ttft_s(struct pass_engine *e, const struct fpm_record *r, const struct pass_question *q,
                   double batched_tok, double hit_rate)
{
    double isl_tok = moving_mean_value(&e->isl_tok), tok = r->queued_prefill_tok * q->queue_scale;
    double n_queued = r->n_queued_prefill * q->queue_scale + (isl_tok > 0);
    double n_decode = r->n_decode, kv_tok = r->decode_kv_tok;

    tok = whole((tok + isl_tok) * uncached_share(hit_rate));
    if (q->queued_decode) {
        n_decode += r->n_queued_decode;
        kv_tok += r->queued_decode_kv_tok;
    }
    struct pass p = {.n_prefill = fmax(1, whole(n_queued))};
    if (e->role == PASS_AGG) {
        p.n_decode = whole(n_decode * q->decode_scale);
        p.decode_kv_tok = whole(kv_tok * q->decode_scale);
    }
    return chunks_s(e, p, tok, batched_tok);
}

double pass_itl_s(struct pass_engine *e, const struct fpm_record *r, const struct pass_question *q)
{
    double n = r->n_decode, kv_tok = r->decode_kv_tok;
    double context_tok = moving_mean_value(&e->context_tok);
    struct pass p = {.n_prefill = 0};

    if (q->queued_decode) {
        n += r->n_queued_decode;
        kv_tok += r->queued_decode_kv_tok;
    }
    if (q->queued_prefill_as_kv) {
        n += r->n_queued_prefill;
        kv_tok += r->queued_prefill_tok;
    }
    p.n_decode = whole(n * q->decode_scale + (context_tok > 0));
    p.decode_kv_tok = whole(kv_tok * q->decode_scale + context_tok);
    if (e->role == PASS_AGG) {
        /* The prompts of an average pass stand for those of this one. */
        p.prefill_tok = whole(moving_mean_value(&e->prefill_tok));
        p.n_prefill = fmax(whole(moving_mean_value(&e->n_prefill)), p.prefill_tok > 0);
    }
    return time_s(e, &p);
}

/* ---- Rates ---- */

/* What the reference takes for limits that are not known. */
static const struct fpm_limits usual = {
    .max_batched_tok = 8192, .max_seqs = 512, .max_kv_tok = 2000000};
enum { MAX_BATCHES = 128 }; /* that are tried */

static double known(double limit, double otherwise)
{
    return limit > 0 ? limit : otherwise;
}

struct offer {
    struct engine_rate rate;
    bool eligible;
};

/* Within the targets first, then by the rate; the first of equals. */
static void take_better(struct offer *best, const struct offer *o)
{
    bool better = o->eligible == best->eligible ? o->rate.requests_per_s > best->rate.requests_per_s
                                                : o->eligible;

    if (best->rate.requests_per_s <= 0 || better)
        *best = *o;
}

static bool within(double value_ms, double target_ms)
{
    return isnan(target_ms) || value_ms <= target_ms;
}

/* What all batches of a search share, in whole tokens. */
struct search {
    struct pass_engine *e;
    const struct pass_demand *demand;
    double batched_tok, isl_tok, osl_tok, computed_tok, context_tok, accept;
};

/* An offer of rate 0 is none; NaN: the models cannot tell. */
typedef struct offer offer_of(const struct search *s, double batch);

static struct offer prefill_offer(const struct search *s, double batch)
{
    double t =
        chunks_s(s->e, (struct pass){.n_prefill = 1}, s->computed_tok * batch, s->batched_tok);
    struct offer o = {.rate = {.requests_per_s = t > 0 ? batch / t : t, .ttft_ms = 1000 * t}};

    o.eligible = within(o.rate.ttft_ms, s->demand->ttft_ms);
    return o;
}

static double decode_rate_at(const struct search *s, double batch, double itl_s)
{
    return itl_s > 0 ? batch / (s->osl_tok * itl_s) : itl_s;
}

static struct offer decode_offer(const struct search *s, double batch)
{
    const struct pass p = {.n_decode = batch, .decode_kv_tok = batch * s->context_tok};
    double itl_s = pass_whole_s(s->e->family, time_s(s->e, &p) / s->accept);
    struct offer o = {
        .rate = {.requests_per_s = decode_rate_at(s, batch, itl_s), .itl_ms = 1000 * itl_s}};

    o.eligible = within(o.rate.itl_ms, s->demand->itl_ms);
    return o;
}

/* Prompts come as fast as requests leave. */
static struct offer agg_offer(const struct search *s, double batch)
{
    double share_tok = whole(batch * s->accept * s->computed_tok / fmax(1, s->osl_tok));
    struct pass p = {.n_prefill = 1, .n_decode = batch, .decode_kv_tok = batch * s->context_tok};

    if (s->batched_tok - batch <= 0 || share_tok > s->batched_tok - batch)
        return (struct offer){.eligible = false};
    p.prefill_tok = fmin(share_tok, s->batched_tok);
    double itl_s = pass_whole_s(s->e->family, time_s(s->e, &p) / s->accept);
    double ttft_s = chunks_s(s->e, p, p.prefill_tok + s->computed_tok, s->batched_tok);
    struct offer o = {.rate = {.requests_per_s = decode_rate_at(s, batch, itl_s),
                               .ttft_ms = 1000 * ttft_s,
                               .itl_ms = 1000 * itl_s}};
    if (isnan(ttft_s))
        o.rate.requests_per_s = NAN;
    o.eligible =
        within(o.rate.ttft_ms, s->demand->ttft_ms) && within(o.rate.itl_ms, s->demand->itl_ms);
    return o;
}

static struct engine_rate best_of(const struct search *s, offer_of *offer, double most)
{
    int64_t n = (int64_t)fmin(most, MAX_BATCHES), span = (int64_t)most - 1;
    struct offer best = {.eligible = false}, first = best;

    for (int64_t i = 0; i < n; i++) {
        double batch =
            most <= MAX_BATCHES ? (double)(i + 1) : (double)(1 + i * span / (MAX_BATCHES - 1));
        struct offer o = offer(s, batch);
        if (isnan(o.rate.requests_per_s))
            return (struct engine_rate){.requests_per_s = 0};
        if (o.rate.requests_per_s > 0)
            take_better(&best, &o);
        if (i == 0)
            first = o;
    }
    return best.eligible || !(s->e->fixes & FIX_UNREACHABLE_UP) ? best.rate : first.rate;
}

struct engine_rate pass_rate(struct pass_engine *e, const struct pass_demand *demand,
                             const struct fpm_limits *limits)
{
    const struct engine_rate none = {.requests_per_s = 0};
    double seqs = known(limits->max_seqs, usual.max_seqs);
    double kv_tok = known(limits->max_kv_tok, usual.max_kv_tok);
    struct search s = {.e = e,
                       .demand = demand,
                       .batched_tok = known(limits->max_batched_tok, usual.max_batched_tok),
                       .isl_tok = ceil(demand->isl_tok),
                       .osl_tok = fmax(1, ceil(demand->osl_tok)),
                       .accept = fmax(1, demand->accept_length)};

    if (!(demand->isl_tok > 0) || (e->role != PASS_PREFILL && !(demand->osl_tok > 0)))
        return none;
    s.computed_tok = fmax(1, whole(s.isl_tok * uncached_share(demand->hit_rate)));
    s.context_tok = s.isl_tok + floor(s.osl_tok / 2);
    double most = fmin(seqs, floor(kv_tok / s.context_tok));
    if (e->role == PASS_PREFILL) {
        most = fmin(seqs, floor(s.batched_tok / s.computed_tok));
        return best_of(&s, prefill_offer, s.computed_tok > s.batched_tok ? 1 : most);
    }
    if (e->role == PASS_DECODE)
        return best_of(&s, decode_offer, most);
    if (s.batched_tok <= 1)
        return none;
    return best_of(&s, agg_offer, fmin(most, fmax(1, s.batched_tok - 1)));
}
