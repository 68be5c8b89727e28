#include <stddef.h>
#include <string.h>

#include "dynosim/dynosim.h"

const struct dynosim_semantic_info dynosim_semantics[N_DYNOSIM_SEMANTICS] = {
#define XX(id, name, on, off) [DYNOSIM_SEMANTIC_##id] = {name, on, off},
    DYNOSIM_SEMANTICS_MAP(XX)
#undef XX
};

const struct dynosim_semantics dynosim_reference = {
#define XX(id, name, on, off) .id = true,
    DYNOSIM_SEMANTICS_MAP(XX)
#undef XX
};

static const size_t offsets[N_DYNOSIM_SEMANTICS] = {
#define XX(id, name, on, off) [DYNOSIM_SEMANTIC_##id] = offsetof(struct dynosim_semantics, id),
    DYNOSIM_SEMANTICS_MAP(XX)
#undef XX
};

bool *dynosim_semantic_find(struct dynosim_semantics *semantics, const char *name)
{
    for (size_t i = 0; i < N_DYNOSIM_SEMANTICS; i++)
        if (strcmp(dynosim_semantics[i].name, name) == 0)
            return (bool *)((char *)semantics + offsets[i]);
    return NULL;
}

void dynosim_config_init(struct dynosim_config *config)
{
    *config = (struct dynosim_config){
        .semantics = dynosim_reference,
        .router = {.prefill_scale = 1, .overlap_credit = 1},
        .trace_block_tok = 512,
        .speedup = 1,
        .limits = RUN_LIMITS_USUAL,
        .window_ns = INT64_C(60000000000),
    };
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        config->pools[p] = (struct dynosim_pool){
            .gpus_per_worker = 1,
            .max_num_seqs = 256,
            .max_num_batched_tokens = 8192,
            .prefix_caching = true,
            .chunked_prefill = true,
            .speedup = 1,
            .decode_speedup = 1,
        };
}
