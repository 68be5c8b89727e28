#include <inttypes.h>
#include <string.h>

#include "scenarios/keys/lookup.h"
#include "studies/size/size_internal.h"
#include "util/bug.h"

enum { MAX_OVERRIDES = 64 };

struct adding {
    struct arena *arena;
    struct scenario_override *overrides;
    size_t n;
    bool failed;
};

static void add(struct adding *a, const char *text)
{
    BUG_IF(a->n == MAX_OVERRIDES);
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

static bool keeps_pools(const struct size_options *options, const struct size_choice *choice)
{
    return options->scenario->pools[POOL_AGG].present == (choice->topology == SIZE_AGG);
}

static void add_pools(struct adding *a, const struct size_options *options,
                      const struct size_choice *choice, const struct size_setting *setting)
{
    const int64_t *n = setting->fleet.n;

    if (!keeps_pools(options, choice)) {
        add(a, choice->topology == SIZE_AGG
                   ? arena_printf(a->arena, "pools={agg: {replicas: %" PRId64 "}}", n[0])
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

static enum status drop_own_engine(struct adding *a, const struct size_options *options,
                                   const struct size_choice *choice, struct diag *d)
{
    const char *const *paths;

    if (choice->own)
        return ST_OK;
    enum status s = scenario_profile_keys(&paths, a->arena, options->scenario, d);
    for (; !s && *paths; paths++)
        add(a, arena_printf(a->arena, "%s=null", *paths));
    return s;
}

static void add_profiles(struct adding *a, const struct size_options *options,
                         const struct size_choice *choice)
{
    if (choice->own && keeps_pools(options, choice))
        return;
    const char *engine = options->scenario->engine.profile[0];
    if (!choice->own || !engine || strcmp(engine, choice->profile) != 0)
        add(a, arena_printf(a->arena, "engine.profile=%s", choice->profile));
    for (size_t i = 0; i < choice->n_pools; i++) {
        const char *profile = size_choice_profile(choice, i);
        if (keeps_pools(options, choice) || profile != choice->profile)
            add(a, arena_printf(a->arena, "pools.%s.profile=%s", choice->pools[i], profile));
    }
}

/* The scenario has it, or an overlay; only how large the fleet may become is ours to say. */
static void add_policy(struct adding *a, const struct size_choice *choice,
                       const struct size_setting *setting)
{
    if (!setting->policy) {
        add(a, "policy={type: static}");
        return;
    }
    add(a, arena_printf(a->arena, "policy.max_gpu_budget=%" PRId64, setting->max_gpu_budget));
    if (choice->own)
        return;
    add(a, "policy.prefill_engine_num_gpu=null");
    add(a, "policy.decode_engine_num_gpu=null");
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
    add_policy(&a, choice, setting);
    add(&a, "expect=[]");
    add(&a, "cost=null"); /* told by prices, of which one may be missing */
    if (options->scenario->cluster.nodes)
        add(&a, "cluster.nodes=0"); /* the limit is max_gpus */
    /* Keys of the pools that the scenario has must go before the pools do. */
    enum status s = drop_own_engine(&a, options, choice, d);
    if (s)
        return s;
    add_pools(&a, options, choice, setting);
    add_profiles(&a, options, choice);
    if (scale != options->scenario->trace.scale)
        add(&a, arena_printf(arena, "trace.scale=%.17g", scale));
    if (setting->replicate)
        add(&a, arena_printf(arena, "replicate=%" PRIu64, setting->replicate));
    if (a.failed)
        return diag_nomem(d, "runs");
    *variant = (struct study_variant){.n_overrides = a.n,
                                      .overrides = a.overrides,
                                      .source = setting->policy ? &setting->policy->source : NULL};
    return ST_OK;
}
