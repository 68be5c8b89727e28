/* Blocks of one worker's KV cache: private ones, shared ones, and what finds them. */
#include "sim/worker/worker_kv.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/prompt.h"

uint32_t worker_kv_used(const struct worker *w)
{
    return w->kv_private + (w->cache ? (uint32_t)kv_cache_active(w->cache) : 0);
}

uint32_t worker_kv_free(const struct worker *w)
{
    return w->kv_blocks - worker_kv_used(w);
}

static void note_peak(struct worker *w)
{
    uint32_t used = worker_kv_used(w);
    if (used > w->peak_kv_used)
        w->peak_kv_used = used;
}

/* Blocks for one request alone; what is cached but unused makes way. */
void worker_kv_take(struct worker *w, uint32_t blocks)
{
    BUG_IF(blocks > worker_kv_free(w));
    w->kv_private += blocks;
    note_peak(w);
    if (!w->cache)
        return;
    uint64_t resident = worker_kv_used(w) + kv_cache_inactive(w->cache);
    if (resident > w->kv_blocks)
        kv_cache_evict(w->cache, resident - w->kv_blocks);
}

void worker_kv_give(struct worker *w, uint32_t blocks)
{
    BUG_IF(blocks > w->kv_private);
    w->kv_private -= blocks;
}

enum status worker_give_back(struct sim *sim, struct worker *w, struct kv_hold *hold,
                             uint32_t blocks, uint32_t full_blocks, struct kv_tail *tail)
{
    worker_kv_give(w, blocks - hold->shared);
    if (!w->cache)
        return ST_OK;
    uint32_t behind = full_blocks > hold->shared ? full_blocks - hold->shared : 0;
    if (!tail)
        return kv_cache_retire(w->cache, hold, behind, sim->diag);
    enum status s = kv_cache_leave_tail(w->cache, hold, behind, tail, sim->diag);
    kv_cache_release(w->cache, hold);
    return s;
}

/* Host memory keeps a copy of what was computed; the least recently used make way. */
static enum status write_through(struct sim *sim, struct worker *w, const struct kv_prompt *prompt,
                                 uint32_t upto)
{
    struct kv_hold hold = {0};
    enum status s = kv_cache_insert(w->host, prompt, upto, &hold, sim->diag);
    if (s)
        return s;
    kv_cache_release(w->host, &hold);
    uint64_t kept = kv_cache_inactive(w->host), room = w->pool->config->engine.host_kv_blocks;
    if (kept > room)
        kv_cache_evict(w->host, kept - room);
    return ST_OK;
}

enum status worker_share(struct sim *sim, struct worker *w, uint32_t id, uint32_t computed_tok)
{
    if (!w->cache)
        return ST_OK;
    struct request *r = sim_request(sim, id);
    struct kv_prompt prompt;
    enum status s = prompt_blocks(sim, w->pool, r, &prompt);
    uint32_t computed = computed_tok / worker_block_size(w);
    uint32_t upto = computed < prompt.n_blocks ? computed : prompt.n_blocks;
    if (s || upto <= r->hold.shared)
        return s;
    worker_kv_give(w, upto - r->hold.shared);
    s = kv_cache_insert(w->cache, &prompt, upto, &r->hold, sim->diag);
    return s || !w->host ? s : write_through(sim, w, &prompt, upto);
}

/* Blocks of the prompt's first `limit` that host memory has beyond the `hits` on the GPU: they are
 * read back into blocks of the request's own. */
static enum status load_from_host(struct sim *sim, struct worker *w, struct request *r,
                                  const struct kv_prompt *prompt, uint32_t limit, uint32_t hits)
{
    struct kv_hold hold = {0};
    uint32_t active, kept = kv_cache_match(w->host, prompt, limit, &active);
    if (kept <= hits)
        return ST_OK;
    enum status s = kv_cache_acquire(w->host, prompt, kept, &hold, sim->diag);
    if (s)
        return s;
    kv_cache_release(w->host, &hold); /* used just now: the last to go */
    r->loaded_blocks = kept - hits;
    worker_kv_take(w, r->loaded_blocks);
    r->kv_blocks += r->loaded_blocks;
    return ST_OK;
}

/* Can the steps since the worker was last looked at have pushed cached blocks out? */
static bool may_have_evicted(const struct worker *w)
{
    if (w->kind != STEP_RUN)
        return false;
    uint64_t growth = (uint64_t)w->n_decode * (w->leader->run.n_steps / worker_block_size(w) + 2);
    return worker_kv_used(w) + kv_cache_inactive(w->cache) + growth > w->kv_blocks;
}

enum status worker_cached_blocks(struct sim *sim, struct worker *w, const struct request *r,
                                 uint32_t limit, uint32_t *blocks)
{
    struct kv_prompt prompt;
    uint32_t active;
    *blocks = 0;
    if (!w->cache)
        return ST_OK;
    enum status s = may_have_evicted(w) ? worker_sync(sim, w) : ST_OK;
    if (!s)
        s = prompt_blocks(sim, w->pool, r, &prompt);
    if (!s)
        *blocks = kv_cache_match(w->cache, &prompt, limit, &active);
    return s;
}

enum status worker_take_hits(struct sim *sim, struct worker *w, uint32_t id, uint32_t limit,
                             uint32_t blocks, uint32_t keep_free, bool *fits)
{
    struct request *r = sim_request(sim, id);
    struct kv_prompt prompt;
    uint32_t hits = 0, active = 0;
    r->loaded_blocks = 0; /* of an earlier admission, perhaps elsewhere */
    if (w->cache) {
        enum status s = prompt_blocks(sim, w->pool, r, &prompt);
        if (s)
            return s;
        hits = kv_cache_match(w->cache, &prompt, limit, &active);
    }
    *fits = (uint64_t)(blocks - active) + keep_free <= worker_kv_free(w);
    if (!*fits || !w->cache)
        return ST_OK;
    enum status s = kv_cache_acquire(w->cache, &prompt, hits, &r->hold, sim->diag);
    if (!s && hits == prompt.n_blocks)
        s = kv_cache_reclaim_tail(w->cache, r->tail, &r->hold, sim->diag);
    r->tail = (struct kv_tail){0};
    r->kv_blocks = r->hold.shared;
    note_peak(w);
    if (!s && w->host && r->hold.shared == hits && r->state != REQUEST_HANDOFF)
        s = load_from_host(sim, w, r, &prompt, limit, hits);
    return s;
}

enum status worker_reserve(struct sim *sim, struct worker *w, uint32_t id, bool *fits)
{
    struct request *r = sim_request(sim, id);
    uint32_t blocks = blocks_from_tok(r->isl_tok, worker_block_size(w));
    enum status s = worker_take_hits(sim, w, id, UINT32_MAX, blocks, 0, fits);
    if (s || !*fits)
        return s;
    worker_kv_take(w, blocks - r->kv_blocks);
    r->kv_blocks = blocks;
    return ST_OK;
}
