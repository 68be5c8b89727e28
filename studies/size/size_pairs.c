#include <string.h>

#include "scenarios/compose/resources.h"
#include "studies/size/size_internal.h"

/* 0 = the profile does not say. */
static int64_t number_of(const struct profile *p, const char *key)
{
    const struct profile_array *a = profile_file_find(&p->file, key);

    return a && a->kind == PROFILE_I64 && a->n == 1 ? a->i64[0] : 0;
}

/* Experts over all GPUs, which are more with a larger size. */
static bool all_experts_apart(const struct profile *p)
{
    return number_of(p, "moe_ep") == p->tp * p->dp;
}

static bool same_numbers(const struct profile *a, const struct profile *b)
{
    /* Of what one pool computed the other has to read every byte. */
    return a->dp == b->dp && a->pp == b->pp && !(a->kv_bytes_per_token < b->kv_bytes_per_token) &&
           !(a->kv_bytes_per_token > b->kv_bytes_per_token) &&
           (number_of(a, "moe_ep") == number_of(b, "moe_ep") ||
            (all_experts_apart(a) && all_experts_apart(b)));
}

static bool pair_up(const struct profile *a, const struct profile *b)
{
    return *a->gpu_type && *a->model && *a->framework && a->tp > 0 && b->tp > 0 && a->tp != b->tp &&
           strcmp(a->gpu_type, b->gpu_type) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->framework, b->framework) == 0 &&
           strcmp(a->framework_version, b->framework_version) == 0 &&
           strcmp(a->dtype, b->dtype) == 0 && strcmp(a->kv_dtype, b->kv_dtype) == 0 &&
           strcmp(a->source, b->source) == 0 && same_numbers(a, b);
}

enum status size_pairs(const struct size_pair **pairs, size_t *n, struct arena *arena,
                       const struct size_options *options, struct diag *d)
{
    size_t n_profiles = options->n_profiles;
    const struct profile **profiles = ARENA_NEW(arena, n_profiles + 1, const struct profile *);
    struct size_pair *to = ARENA_NEW(arena, n_profiles * n_profiles + 1, struct size_pair);

    *pairs = to;
    *n = 0;
    if (!profiles || !to)
        return diag_nomem(d, "pairs");
    for (size_t i = 0; i < n_profiles; i++) {
        const struct profile_source source = {.name = {options->profiles[i]}};
        struct diag cause; /* told where the profile is a choice by itself */
        diag_init(&cause);
        if (run_resources_profile(options->resources, &source, &profiles[i], &cause) == ST_NOMEM)
            return diag_nomem(d, "profiles");
    }
    for (size_t i = 0; i < n_profiles; i++) {
        for (size_t k = 0; k < n_profiles; k++) {
            if (profiles[i] && profiles[k] && pair_up(profiles[i], profiles[k]))
                to[(*n)++] = (struct size_pair){options->profiles[i], options->profiles[k]};
        }
    }
    if (*n == 0)
        return diag_fail(d, ST_INPUT,
                         "topology mixed needs profiles that differ in nothing but their "
                         "tensor-parallel size, such as "
                         "--profiles 'h200_sxm/vllm/Llama-3.3-70B-FP8/TP?@0.24.0'; there are no "
                         "two among the %zu chosen",
                         n_profiles ? n_profiles : 1);
    return ST_OK;
}
