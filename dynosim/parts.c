#include "dynosim/parts.h"

#include "dynosim/dynosim_internal.h"
#include "util/array.h"

static bool kept(const struct dyno_run *run)
{
    return run->observer->wants_parts;
}

/* ---- clocks ---- */

static int64_t pool_ns(const struct dyno_run *run, const struct dyno_pool *pool,
                       enum pool_shortage state)
{
    return pool ? pool_clock_ns(&pool->clock, state, run->now_ns) : 0;
}

static int64_t settled_ns(const struct dyno_run *run, const struct dyno_worker *w)
{
    return pool_clock_settled_ns(&w->pool->clock, run->now_ns);
}

static int64_t line_ns(const struct dyno_run *run, const struct dyno_worker *w,
                       enum line_reason reason)
{
    if (!w)
        return 0;
    return line_clock_ns(&w->clocks.line, reason, settled_ns(run, w));
}

void dyno_parts_line(struct dyno_run *run, struct dyno_worker *w, enum line_reason reason)
{
    if (kept(run))
        line_clock_set(&w->clocks.line, reason, settled_ns(run, w));
}

/* ---- stages ---- */

/* The time that it has been in its stage, as parts. */
static void add_stage(const struct dyno_run *run, const struct dyno_kept *k, int64_t *parts)
{
    int64_t left_ns = run->now_ns - k->since_ns;
    BUG_IF(left_ns < 0 || (left_ns > 0 && k->stage == DYNO_STAGE_OFF));
    if (left_ns == 0)
        return;
    if (k->stage == DYNO_STAGE_UNROUTED || k->stage == DYNO_STAGE_LINE ||
        k->stage == DYNO_STAGE_ROOM)
        parts_give(parts, PART_STARTUP, pool_ns(run, k->pool, POOL_STARTS) - k->starts_ns,
                   &left_ns);
    switch (k->stage) {
    case DYNO_STAGE_OFF:
        break;
    case DYNO_STAGE_UNROUTED:
        parts_give(parts, PART_NO_WORKER, pool_ns(run, k->pool, POOL_EMPTY) - k->empty_ns,
                   &left_ns);
        parts_give(parts, PART_ROUTER, left_ns, &left_ns);
        break;
    case DYNO_STAGE_LINE:
        parts_give(parts, PART_KV_ROOM, line_ns(run, k->worker, LINE_KV) - k->kv_ns, &left_ns);
        parts_give(parts, PART_BATCH_FULL, line_ns(run, k->worker, LINE_BATCH) - k->batch_ns,
                   &left_ns);
        parts_give(parts, PART_QUEUE, left_ns, &left_ns);
        break;
    case DYNO_STAGE_PREFILL:
        parts_give(parts, PART_PREFILL, k->own_ns, &left_ns);
        parts_give(parts, PART_PREFILL_SHARED, left_ns, &left_ns);
        break;
    case DYNO_STAGE_ROOM:
        parts_give(parts, PART_DECODE_ROOM, left_ns, &left_ns);
        break;
    case DYNO_STAGE_TRANSFER:
        parts_give(parts, PART_TRANSFER, k->own_ns, &left_ns);
        parts_give(parts, PART_LINK, left_ns, &left_ns);
        break;
    case DYNO_STAGE_DECODE:
        parts_give(parts, PART_DECODE_PROMPTS, k->worker->clocks.prompts_ns - k->prompts_ns,
                   &left_ns);
        parts_give(parts, PART_DECODE, left_ns, &left_ns);
        break;
    case DYNO_STAGE_PREEMPTED:
        parts_give(parts, PART_PREEMPTED, left_ns, &left_ns);
        break;
    }
}

/* Decoding ends: how long, and beside how many. */
static void note_decode(const struct dyno_run *run, struct dyno_kept *k)
{
    if (k->stage != DYNO_STAGE_DECODE)
        return;
    k->decode_ns += run->now_ns - k->since_ns;
    k->decode_area_s += k->worker->clocks.batch_area_s - k->batch_area_s;
}

void dyno_parts_enter(struct dyno_run *run, uint32_t id, enum dyno_stage stage,
                      const struct dyno_pool *pool, const struct dyno_worker *w)
{
    if (!kept(run))
        return;
    struct dyno_kept *k = &run->parts[id];
    add_stage(run, k, k->parts.e2e_ns);
    note_decode(run, k);
    k->stage = stage;
    k->since_ns = run->now_ns;
    k->pool = pool;
    k->worker = w;
    k->own_ns = 0;
    k->starts_ns = pool_ns(run, pool, POOL_STARTS);
    k->empty_ns = pool_ns(run, pool, POOL_EMPTY);
    k->kv_ns = line_ns(run, w, LINE_KV);
    k->batch_ns = line_ns(run, w, LINE_BATCH);
    k->prompts_ns = w ? w->clocks.prompts_ns : 0;
    k->batch_area_s = w ? w->clocks.batch_area_s : 0;
}

void dyno_parts_transfer(struct dyno_run *run, uint32_t id, const struct dyno_worker *w,
                         int64_t own_ns)
{
    if (!kept(run))
        return;
    dyno_parts_wait_ends(run, id);
    dyno_parts_enter(run, id, DYNO_STAGE_TRANSFER, w->pool, w);
    run->parts[id].own_ns = own_ns;
}

/* ---- waits ---- */

void dyno_parts_wait_begins(struct dyno_run *run, uint32_t id, struct dyno_pool *pool)
{
    if (!kept(run))
        return;
    struct dyno_kept *k = &run->parts[id];
    struct pool_wait *wait = &k->parts.waits[pool->index];
    if (wait->from_ns >= 0)
        return;
    k->in_line = pool;
    pool_line_join(&pool->line, wait, pool->n_ready, run->now_ns);
}

/* The prompt that took most of the time since from_ns: one that is done, or one that runs. */
static void find_ahead(const struct dyno_run *run, const struct dyno_worker *w,
                       struct pool_wait *wait)
{
    struct prompt_ahead most = prompts_ahead_since(&w->clocks.ahead, wait->from_ns);
    for (uint32_t k = 0; k < w->n_running; k++) {
        const struct dyno_kept *other = &run->parts[w->running[k]];
        const struct dyno_request *r = &run->requests[w->running[k]];
        if (other->stage == DYNO_STAGE_PREFILL)
            prompt_ahead_raise(&most, other->own_ns, r->index, r->isl_tok);
    }
    pool_wait_set_ahead(wait, &most, run->now_ns);
}

/* `to_ns`: -1 = it was not taken up. */
static void leave_line(struct dyno_run *run, struct dyno_kept *k, int64_t to_ns)
{
    struct dyno_pool *pool = k->in_line;
    if (!pool)
        return;
    struct pool_wait *wait = &k->parts.waits[pool->index];
    k->in_line = NULL;
    pool_line_leave(&pool->line, wait, pool->n_ready, to_ns, run->now_ns);
    if (k->stage == DYNO_STAGE_LINE && to_ns >= 0)
        find_ahead(run, k->worker, wait);
}

void dyno_parts_wait_ends(struct dyno_run *run, uint32_t id)
{
    if (kept(run))
        leave_line(run, &run->parts[id], run->now_ns);
}

/* ---- the life of a request ---- */

enum status dyno_parts_begin(struct dyno_run *run, uint32_t id)
{
    if (!kept(run))
        return ST_OK;
    if (run->parts_capacity < run->requests_capacity) {
        enum status s = ARRAY_RESIZE(run->parts, run->requests_capacity, "parts", run->diag);
        if (s)
            return s;
        run->parts_capacity = run->requests_capacity;
    }
    struct dyno_kept *k = &run->parts[id];
    *k = (struct dyno_kept){.since_ns = run->now_ns};
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        k->parts.waits[p] = pool_wait_none;
    return ST_OK;
}

void dyno_parts_admitted(struct dyno_run *run, uint32_t id, const struct dyno_worker *w)
{
    const struct dyno_request *r = &run->requests[id];
    dyno_parts_wait_ends(run, id);
    if (r->handed_over)
        dyno_parts_enter(run, id, DYNO_STAGE_DECODE, w->pool, w);
    else if (r->known_tok == r->isl_tok)
        dyno_parts_enter(run, id, DYNO_STAGE_PREFILL, w->pool, w);
}

static enum status prompt_done(struct dyno_run *run, struct dyno_worker *w, uint32_t id)
{
    const struct dyno_request *r = &run->requests[id];
    struct prompt_ahead done = {run->now_ns, run->parts[id].own_ns, r->index, r->isl_tok};
    return prompts_ahead_add(&w->clocks.ahead, done, w->waiting.n > 0, run->diag);
}

enum status dyno_parts_token(struct dyno_run *run, uint32_t id, struct dyno_worker *w)
{
    if (!kept(run) || run->parts[id].stage == DYNO_STAGE_DECODE)
        return ST_OK;
    enum status s = run->parts[id].stage == DYNO_STAGE_PREFILL ? prompt_done(run, w, id) : ST_OK;
    dyno_parts_enter(run, id, DYNO_STAGE_DECODE, w->pool, w);
    return s;
}

void dyno_parts_first_token(struct dyno_run *run, uint32_t id)
{
    if (!kept(run))
        return;
    struct dyno_kept *k = &run->parts[id];
    for (int i = 0; i < N_REQUEST_PARTS; i++)
        k->parts.ttft_ns[i] = k->parts.e2e_ns[i];
    add_stage(run, k, k->parts.ttft_ns);
}

const struct request_parts *dyno_parts_report(struct dyno_run *run, uint32_t id)
{
    if (!kept(run))
        return NULL;
    struct dyno_kept *k = &run->parts[id];
    leave_line(run, k, -1);
    dyno_parts_enter(run, id, DYNO_STAGE_OFF, NULL, NULL);
    k->parts.decode_batch = k->decode_ns ? k->decode_area_s / s_from_ns(k->decode_ns) : 0;
    return &k->parts;
}

/* ---- pools and passes ---- */

void dyno_parts_workers(struct dyno_run *run, struct dyno_pool *pool)
{
    pool_clock_set(&pool->clock, run->now_ns, pool->n_ready, pool->n_starting, 0);
    pool_line_note(&pool->line, pool->n_ready, run->now_ns);
}

void dyno_parts_pass_ended(struct dyno_run *run, struct dyno_worker *w)
{
    if (!kept(run))
        return;
    struct dyno_clocks *c = &w->clocks;
    int64_t length_ns = run->now_ns - w->snapshot.start_ns;
    uint64_t n_decode = 0, n_tok = 0;
    for (uint32_t i = 0; i < w->n_running; i++) {
        const struct dyno_request *r = &run->requests[w->running[i]];
        if (run->parts[w->running[i]].stage == DYNO_STAGE_PREFILL)
            n_tok += r->computed_tok - r->before_tok;
        else if (w->pool->config->role != POOL_PREFILL)
            n_decode++;
    }
    n_tok += n_decode;
    for (uint32_t i = 0; n_tok && i < w->n_running; i++) {
        const struct dyno_request *r = &run->requests[w->running[i]];
        struct dyno_kept *k = &run->parts[w->running[i]];
        if (k->stage == DYNO_STAGE_PREFILL)
            k->own_ns += (int64_t)((uint128)length_ns * (r->computed_tok - r->before_tok) / n_tok);
    }
    c->prompts_ns += c->pass_prompts_ns > 0 ? c->pass_prompts_ns : 0;
    c->pass_prompts_ns = 0;
    c->batch_area_s += s_from_ns(length_ns) * (double)n_decode;
}
