#include "sim/worker/parts.h"

#include <string.h>

#include "sim/worker/worker.h"
#include "util/array.h"

/* ---- clocks ---- */

static int64_t pool_ns(const struct sim *sim, const struct pool *pool, enum pool_shortage state)
{
    return pool ? pool_clock_ns(&pool->clock, state, sim->now_ns) : 0;
}

static int64_t line_ns(const struct sim *sim, const struct worker *w, enum line_reason reason)
{
    if (!w)
        return 0;
    return line_clock_ns(&w->clocks.line, reason,
                         pool_clock_settled_ns(&w->pool->clock, sim->now_ns));
}

void parts_line(struct sim *sim, struct worker *w, enum line_reason reason)
{
    if (parts_kept(sim))
        line_clock_set(&w->clocks.line, reason,
                       pool_clock_settled_ns(&w->pool->clock, sim->now_ns));
}

/* ---- stages ---- */

/* While more workers were on their way. */
static void give_shortage(const struct sim *sim, const struct kept_parts *k, int64_t *parts,
                          int64_t *left_ns)
{
    parts_give(parts, PART_STARTUP, pool_ns(sim, k->pool, POOL_STARTS) - k->starts_ns, left_ns);
    parts_give(parts, PART_GPUS, pool_ns(sim, k->pool, POOL_LACKS_GPUS) - k->gpus_ns, left_ns);
}

/* The time that it has been in its stage, as parts. */
static void add_stage(const struct sim *sim, const struct kept_parts *k, int64_t at_ns,
                      int64_t *parts)
{
    int64_t left_ns = at_ns - k->since_ns;
    BUG_IF(left_ns < 0);
    if (left_ns == 0)
        return;
    switch (k->stage) {
    case STAGE_OFF:
        BUG_IF(true);
        break;
    case STAGE_FRONT_END:
        parts_give(parts, PART_FRONTEND, left_ns, &left_ns);
        break;
    case STAGE_UNROUTED:
        give_shortage(sim, k, parts, &left_ns);
        parts_give(parts, PART_NO_WORKER, pool_ns(sim, k->pool, POOL_EMPTY) - k->empty_ns,
                   &left_ns);
        parts_give(parts, PART_ROUTER, left_ns, &left_ns);
        break;
    case STAGE_LINE:
        give_shortage(sim, k, parts, &left_ns);
        parts_give(parts, PART_KV_ROOM, line_ns(sim, k->worker, LINE_KV) - k->kv_ns, &left_ns);
        parts_give(parts, PART_BATCH_FULL, line_ns(sim, k->worker, LINE_BATCH) - k->batch_ns,
                   &left_ns);
        parts_give(parts, PART_QUEUE, left_ns, &left_ns);
        break;
    case STAGE_PREFILL:
        parts_give(parts, PART_PREFILL, k->own_ns, &left_ns);
        parts_give(parts, PART_PREFILL_SHARED, left_ns, &left_ns);
        break;
    case STAGE_ROOM:
        give_shortage(sim, k, parts, &left_ns);
        parts_give(parts, PART_DECODE_ROOM, left_ns, &left_ns);
        break;
    case STAGE_TRANSFER:
        parts_give(parts, PART_TRANSFER, k->own_ns, &left_ns);
        parts_give(parts, PART_LINK, left_ns, &left_ns);
        break;
    case STAGE_DECODE:
        BUG_IF(!k->worker);
        parts_give(parts, PART_DECODE_PROMPTS, k->worker->clocks.prompts_ns - k->prompts_ns,
                   &left_ns);
        parts_give(parts, PART_DECODE_RANKS, k->worker->clocks.ranks_ns - k->ranks_ns, &left_ns);
        parts_give(parts, PART_DECODE, left_ns, &left_ns);
        break;
    case STAGE_PREEMPTED:
        parts_give(parts, PART_PREEMPTED, left_ns, &left_ns);
        break;
    case STAGE_AWAY:
        parts_give(parts, PART_BACKOFF, left_ns, &left_ns);
        break;
    }
}

/* Decoding ends: how long, and beside how many. */
static void note_decode(const struct sim *sim, struct kept_parts *k)
{
    if (k->stage != STAGE_DECODE)
        return;
    k->decode_ns += sim->now_ns - k->since_ns;
    k->decode_area_s += k->worker->clocks.batch_area_s - k->batch_area_s;
}

/* The clocks of its stage, as they are when it begins. */
static void read_clocks(const struct sim *sim, struct kept_parts *k)
{
    const struct worker *w = k->worker;
    if (k->stage == STAGE_DECODE) {
        k->prompts_ns = w->clocks.prompts_ns;
        k->ranks_ns = w->clocks.ranks_ns;
        k->batch_area_s = w->clocks.batch_area_s;
    }
    if (k->stage != STAGE_UNROUTED && k->stage != STAGE_LINE && k->stage != STAGE_ROOM)
        return;
    k->starts_ns = pool_ns(sim, k->pool, POOL_STARTS);
    k->gpus_ns = pool_ns(sim, k->pool, POOL_LACKS_GPUS);
    if (k->stage == STAGE_UNROUTED) {
        k->empty_ns = pool_ns(sim, k->pool, POOL_EMPTY);
    } else if (k->stage == STAGE_LINE) {
        k->kv_ns = line_ns(sim, w, LINE_KV);
        k->batch_ns = line_ns(sim, w, LINE_BATCH);
    }
}

void parts_enter(struct sim *sim, uint32_t id, enum stage stage, const struct pool *pool,
                 const struct worker *w)
{
    if (!parts_kept(sim))
        return;
    struct kept_parts *k = parts_of(sim, id);
    add_stage(sim, k, sim->now_ns, k->parts.e2e_ns);
    note_decode(sim, k);
    k->stage = stage;
    k->since_ns = sim->now_ns;
    k->pool = pool;
    k->worker = w;
    k->own_ns = 0;
    read_clocks(sim, k);
}

void parts_transfer(struct sim *sim, uint32_t id, const struct worker *w, int64_t own_ns)
{
    parts_wait_ends(sim, id);
    parts_enter(sim, id, STAGE_TRANSFER, w->pool, w);
    parts_of(sim, id)->own_ns = own_ns;
}

/* ---- waits ---- */

void parts_wait_begins(struct sim *sim, uint32_t id, struct pool *pool)
{
    if (!parts_kept(sim))
        return;
    struct kept_parts *k = parts_of(sim, id);
    struct pool_wait *wait = &k->parts.waits[pool_side(pool)];
    if (wait->from_ns >= 0)
        return;
    k->in_line = pool;
    pool_line_join(&pool->line, wait, pool->n_routable, sim->now_ns);
}

/* The prompt that its steps have been for, if it has had more of them than `most`. */
static void note_ahead(struct sim *sim, uint32_t id, struct prompt_ahead *most)
{
    const struct request *r = sim_request(sim, id);
    prompt_ahead_raise(most, parts_of(sim, id)->own_ns, r->index, r->isl_tok);
}

/* The prompt that took most of the time since from_ns. One that is not done yet is the first of a
 * step: its last chunk may be in one with those that waited for it. */
static void find_ahead(struct sim *sim, const struct worker *w, struct pool_wait *wait)
{
    struct prompt_ahead most = prompts_ahead_since(&w->clocks.ahead, wait->from_ns);
    if (w->partial != NO_REQUEST)
        note_ahead(sim, w->partial, &most);
    if (w->plan.chunked.n)
        note_ahead(sim, w->plan.chunked.id[0], &most);
    if (w->ahead.chunked.n)
        note_ahead(sim, w->ahead.chunked.id[0], &most);
    pool_wait_set_ahead(wait, &most, sim->now_ns);
}

/* `to_ns`: -1 = it was not taken up. */
static void leave_line(struct sim *sim, struct kept_parts *k, int64_t to_ns)
{
    struct pool *pool = k->in_line;
    if (!pool)
        return;
    struct pool_wait *wait = &k->parts.waits[pool_side(pool)];
    k->in_line = NULL;
    pool_line_leave(&pool->line, wait, pool->n_routable, to_ns, sim->now_ns);
    if (k->stage == STAGE_LINE)
        find_ahead(sim, k->worker, wait);
}

void parts_wait_ends(struct sim *sim, uint32_t id)
{
    if (parts_kept(sim))
        leave_line(sim, parts_of(sim, id), sim->now_ns);
}

/* ---- the life of a request ---- */

enum status parts_begin(struct sim *sim, uint32_t id)
{
    if (!parts_kept(sim))
        return ST_OK;
    if (sim->parts_capacity < sim->requests.capacity) {
        enum status s = ARRAY_RESIZE(sim->parts, sim->requests.capacity, "parts", sim->diag);
        if (s)
            return s;
        sim->parts_capacity = sim->requests.capacity;
    }
    struct kept_parts *k = parts_of(sim, id);
    *k = (struct kept_parts){.since_ns = sim->now_ns};
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        k->parts.waits[p] = pool_wait_none;
    return ST_OK;
}

void parts_first_token(struct sim *sim, uint32_t id, int64_t at_ns)
{
    if (!parts_kept(sim))
        return;
    struct kept_parts *k = parts_of(sim, id);
    for (int i = 0; i < N_REQUEST_PARTS; i++)
        k->parts.ttft_ns[i] = k->parts.e2e_ns[i];
    add_stage(sim, k, at_ns, k->parts.ttft_ns);
}

void parts_lost(struct sim *sim, uint32_t id)
{
    if (!parts_kept(sim))
        return;
    struct kept_parts *k = parts_of(sim, id);
    leave_line(sim, k, -1);
    parts_enter(sim, id, STAGE_OFF, NULL, NULL);
    int64_t lost_ns = 0;
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        k->parts.ttft_ns[i] = 0;
        if (i == PART_BACKOFF)
            continue;
        lost_ns += k->parts.e2e_ns[i];
        k->parts.e2e_ns[i] = 0;
    }
    k->parts.e2e_ns[PART_LOST] = lost_ns;
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        k->parts.waits[p] = pool_wait_none;
    k->decode_ns = 0;
    k->decode_area_s = 0;
}

void parts_held_back(struct sim *sim, uint32_t id, int64_t first_token_ns)
{
    const struct request *r = sim_request(sim, id);
    int64_t *ttft_ns = parts_of(sim, id)->parts.ttft_ns;
    if (first_token_ns < 0)
        memset(ttft_ns, 0, N_REQUEST_PARTS * sizeof *ttft_ns);
    else
        ttft_ns[PART_STREAM] += first_token_ns - r->first_token_ns;
}

const struct request_parts *parts_report(struct sim *sim, uint32_t id)
{
    if (!parts_kept(sim))
        return NULL;
    struct kept_parts *k = parts_of(sim, id);
    leave_line(sim, k, -1);
    parts_enter(sim, id, STAGE_OFF, NULL, NULL);
    k->parts.decode_batch = k->decode_ns ? k->decode_area_s / s_from_ns(k->decode_ns) : 0;
    return &k->parts;
}

/* ---- steps ---- */

void parts_step(struct worker *w, int64_t rank_ns, int64_t prompts_ns)
{
    w->clocks.rank_step_ns = rank_ns;
    w->clocks.prompts_next_ns = prompts_ns;
}

void parts_step_length(struct worker *w, int64_t total_ns)
{
    w->clocks.ranks_next_ns = total_ns - w->clocks.rank_step_ns;
}

static void add_shares(struct sim *sim, const struct worker *w, int64_t total_ns)
{
    uint64_t n_tok = w->decode_waits ? 0 : w->n_decode;
    BUG_IF(w->plan.n_chunks != w->plan.chunked.n);
    for (uint32_t i = 0; i < w->plan.n_chunks; i++)
        n_tok += w->plan.chunks[i].new_tok;
    for (uint32_t i = 0; i < w->plan.n_chunks; i++)
        parts_of(sim, w->plan.chunked.id[i])->own_ns +=
            (int64_t)((int128)total_ns * w->plan.chunks[i].new_tok / (int128)n_tok);
}

void parts_step_ended(struct sim *sim, struct worker *w, int64_t total_ns)
{
    if (!parts_kept(sim))
        return;
    struct worker_clocks *c = &w->clocks;
    add_shares(sim, w, total_ns);
    if (w->decode_waits) {
        c->prompts_ns += total_ns;
    } else {
        c->prompts_ns += c->prompts_next_ns;
        c->ranks_ns += c->ranks_next_ns;
    }
    c->rank_step_ns = c->prompts_next_ns = c->ranks_next_ns = 0;
    parts_decoded(w, total_ns);
}

void parts_waited(struct worker *w, int64_t total_ns, int64_t rank_ns)
{
    if (total_ns > rank_ns) /* the slowest may be less by what was rounded */
        w->clocks.ranks_ns += total_ns - rank_ns;
}

void parts_decoded(struct worker *w, int64_t total_ns)
{
    w->clocks.batch_area_s += s_from_ns(total_ns) * w->n_decode;
}

enum status parts_prompt_done(struct sim *sim, struct worker *w, uint32_t id)
{
    if (!parts_kept(sim))
        return ST_OK;
    const struct request *r = sim_request(sim, id);
    struct prompt_ahead done = {sim->now_ns, parts_of(sim, id)->own_ns, r->index, r->isl_tok};
    return prompts_ahead_add(&w->clocks.ahead, done, w->waiting.n > 0, sim->diag);
}
