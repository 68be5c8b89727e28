#include "sim/worker/prompt.h"

#include "util/array.h"

enum status prompt_blocks(struct sim *sim, const struct pool *pool, const struct request *r,
                          struct kv_prompt *prompt)
{
    uint32_t size = pool->config->engine.block_size_tok;
    uint32_t trace_size = pool->deployment->config->trace_block_tok;
    uint64_t told = (uint64_t)r->n_ids * trace_size / size;
    uint32_t full = r->isl_tok / size;
    const uint64_t *ids = sim->ids.word + r->ids_at;
    *prompt = (struct kv_prompt){ids, told < full ? (uint32_t)told : full, trace_size / size};
    if (trace_size % size == 0)
        return ST_OK;
    /* A block of ours spans parts of several of the trace's, so its key is made of theirs. */
    enum status s = ARRAY_RESERVE(sim->key_scratch, 0, sim->key_scratch_capacity, prompt->n_blocks,
                                  "block ids", sim->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < prompt->n_blocks; i++) {
        uint64_t key = 0;
        uint64_t last = ((uint64_t)(i + 1) * size - 1) / trace_size;
        for (uint64_t at = (uint64_t)i * size / trace_size; at <= last; at++) {
            key = (key ^ ids[at]) * 0x9E3779B97F4A7C15u;
            key ^= key >> 29;
        }
        sim->key_scratch[i] = key;
    }
    prompt->key = sim->key_scratch;
    prompt->blocks_per_key = 1;
    return ST_OK;
}
