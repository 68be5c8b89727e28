#include <inttypes.h>

#include "studies/size/size_internal.h"

/* What describes the scenario's own engine, and would be wrong of another profile. */
static const char *const own_engine_keys[] = {
    "engine.tp",
    "engine.max_kv_tokens",
    "engine.kv_blocks",
    "engine.data_parallel_ranks",
    "engine.framework_version",
    "kv_transfer.bytes_per_token",
    "pools.agg.gpus_per_worker",
    "pools.prefill.gpus_per_worker",
    "pools.decode.gpus_per_worker",
};

enum { N_OWN_KEYS = sizeof own_engine_keys / sizeof *own_engine_keys, MAX_OVERRIDES = 40 };

struct adding {
    struct arena *arena;
    struct scenario_override *overrides;
    size_t n;
    bool failed;
};

static void add(struct adding *a, const char *text)
{
    a->overrides[a->n].label = "size";
    a->overrides[a->n].text = text;
    a->failed = a->failed || !text;
    a->n++;
}

static void add_factor(struct adding *a, const char *pool, const char *key, double own,
                       double factor)
{
    if (factor != 1)
        add(a, arena_printf(a->arena, "pools.%s.%s=%.17g", pool, key, own * factor));
}

static void add_pools(struct adding *a, const struct size_options *options,
                      const struct size_choice *choice, const struct size_setting *setting)
{
    bool agg = choice->topology == SIZE_AGG;
    const int64_t *n = setting->fleet.n;

    if (options->scenario->pools[POOL_AGG].present != agg) {
        add(a, agg ? arena_printf(a->arena, "pools={agg: {replicas: %" PRId64 "}}", n[0])
                   : arena_printf(a->arena,
                                  "pools={prefill: {replicas: %" PRId64
                                  "}, decode: {replicas: %" PRId64 "}}",
                                  n[0], n[1]));
    } else {
        for (size_t i = 0; i < choice->n_pools; i++)
            add(a, arena_printf(a->arena, "pools.%s.replicas=%" PRId64, choice->pools[i], n[i]));
    }
    for (size_t i = 0; i < choice->n_pools; i++) {
        if (i == 0)
            add_factor(a, choice->pools[i], "prompt_factor", choice->factors[0],
                       setting->prompt_factor);
        if (i + 1 == choice->n_pools)
            add_factor(a, choice->pools[i], "decode_factor", choice->factors[1],
                       setting->decode_factor);
    }
}

static void add_profile(struct adding *a, const struct size_options *options,
                        const struct size_choice *choice)
{
    bool agg = choice->topology == SIZE_AGG;

    if (choice->own)
        return;
    add(a, arena_printf(a->arena, "engine.profile=%s", choice->profile));
    for (size_t i = 0; i < N_OWN_KEYS; i++) {
        struct source_pos at;
        const char *key = own_engine_keys[i];
        if (scenario_is_set(options->scenario, key, &at))
            add(a, arena_printf(a->arena, "%s=null", key));
    }
    for (size_t i = 0; i < choice->n_pools; i++) {
        if (options->scenario->pools[POOL_AGG].present == agg)
            add(a,
                arena_printf(a->arena, "pools.%s.profile=%s", choice->pools[i], choice->profile));
    }
}

enum status size_variant(struct study_variant *variant, struct arena *arena,
                         const struct size_options *options, const struct size_choice *choice,
                         const struct size_setting *setting, struct diag *d)
{
    struct adding a = {.arena = arena,
                       .overrides = ARENA_NEW(arena, MAX_OVERRIDES, struct scenario_override)};
    double scale = options->scenario->trace.scale * choice->scale_load * setting->more_load;

    if (!a.overrides)
        return diag_nomem(d, "runs");
    add(&a, "policy={type: static}");
    add(&a, "expect=[]");
    add(&a, "cost=null"); /* told by prices, of which one may be missing */
    if (options->scenario->cluster.nodes)
        add(&a, "cluster.nodes=0"); /* the limit is max_gpus */
    /* Keys of the pools that the scenario has must go before the pools do. */
    add_profile(&a, options, choice);
    add_pools(&a, options, choice, setting);
    if (scale != options->scenario->trace.scale)
        add(&a, arena_printf(arena, "trace.scale=%.17g", scale));
    if (setting->replicate)
        add(&a, arena_printf(arena, "replicate=%" PRIu64, setting->replicate));
    if (a.failed)
        return diag_nomem(d, "runs");
    *variant = (struct study_variant){a.n, a.overrides, NULL};
    return ST_OK;
}
