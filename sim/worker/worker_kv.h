/* The blocks of one rank: private ones, shared ones, and what finds them. */
#ifndef SIM_WORKER_WORKER_KV_H
#define SIM_WORKER_WORKER_KV_H

#include "sim/worker/worker.h"
#include "util/units.h"

static inline uint32_t worker_block_size(const struct worker *w)
{
    return w->pool->config->engine.block_size_tok;
}
uint32_t worker_kv_used(const struct worker *w); /* blocks that somebody holds */
uint32_t worker_kv_free(const struct worker *w);
void worker_kv_take(struct worker *w, uint32_t blocks);
void worker_kv_give(struct worker *w, uint32_t blocks);
/* Give blocks back; `full_blocks` of them hold computed tokens and may stay as evictable. `tail`:
 * what its request finds again when it comes back; NULL when it does not. */
enum status worker_give_back(struct sim *sim, struct worker *w, struct kv_hold *hold,
                             uint32_t blocks, uint32_t full_blocks, struct kv_tail *tail);
/* Blocks of the prompt's first `limit` that are in its cache. */
enum status worker_cached_blocks(struct sim *sim, struct worker *w, const struct request *r,
                                 uint32_t limit, uint32_t *blocks);
/* Make the prompt's blocks findable up to its first computed_tok tokens. */
enum status worker_share(struct sim *sim, struct worker *w, uint32_t id, uint32_t computed_tok);
/* Take what the prompt (its first `limit` blocks) finds here, if the rest of its blocks fits too
 * and leaves `keep_free`. */
enum status worker_take_hits(struct sim *sim, struct worker *w, uint32_t id, uint32_t limit,
                             uint32_t blocks, uint32_t keep_free, bool *fits);
/* Reserve room for a prompt's KV beside what is here already; false when it does not fit now. */
enum status worker_reserve(struct sim *sim, struct worker *w, uint32_t id, bool *fits);

#endif
