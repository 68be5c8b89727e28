/* What a run's figures would be, were the model of its engines as wrong as it was on measured
 * points: a pair of factors for the prompts and the running sequences of an engine, drawn from the
 * entry of model_error.yaml that fits its profile. Pools with the same entry have the same pair. */
#include "scenarios/keys/model_error.h"

#include <stdbool.h>
#include <string.h>

#include "scenarios/keys/simulator.h"
#include "studies/chance.h"
#include "util/pcg.h"

struct pool_errors {
    const struct model_error *of[POLICY_MAX_POOLS];
};

static enum status find_errors(struct pool_errors *errors, const struct chance_setup *setup,
                               struct diag *d)
{
    for (size_t i = 0; i < setup->run->configs[0].n_pools; i++) {
        const struct pool_config *pool = &setup->run->configs[0].pools[i];
        enum status s = model_error_find(
            &errors->of[i], setup->arena, NULL, setup->scenario->preset_dirs, pool->profile,
            setup->run->deployments[0].engines[i].framework_version, d);
        if (s)
            return s;
        if (!errors->of[i])
            return diag_fail_at(
                d, ST_INPUT, scenario_engine_at(setup->scenario, pool->role, "profile"),
                "no entry of model_error.yaml in the folder HEADROOM_PRESETS is for profile '%s'",
                pool->profile->name);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(errors->of[k]->name, errors->of[i]->name) == 0)
                errors->of[i] = errors->of[k];
        }
    }
    return ST_OK;
}

static enum status model_error_create(void **state, const struct chance_setup *setup,
                                      struct diag *d)
{
    struct pool_errors *errors = ARENA_NEW(setup->arena, 1, struct pool_errors);

    *state = errors;
    if (!errors)
        return diag_nomem(d, "model error");
    enum status s = scenario_need_one(setup->scenario, "--model-error", d);
    if (s)
        return s;
    if (setup->run->simulator->bare_engines)
        return diag_fail_at(d, ST_INPUT, scenario_at(setup->scenario, "compat"),
                            "model error is that of our engines beside measured ones; expected "
                            "compat none, not '%s'",
                            setup->scenario->compat);
    return find_errors(errors, setup, d);
}

static bool add_override(struct chance_draw *draw, struct arena *arena, const char *pool,
                         const char *key, double factor)
{
    struct scenario_override *to = &draw->overrides[draw->n_overrides++];

    to->label = "model error";
    to->text = arena_printf(arena, "pools.%s.%s=%.17g", pool, key, factor);
    return to->text != NULL;
}

/* Prefill workers have prompts alone, decode workers running sequences alone. */
static enum status model_error_draw(const void *state, const struct chance_setup *setup,
                                    uint64_t number, struct chance_draw *draw, struct diag *d)
{
    const struct pool_errors *errors = state;
    const struct deployment_config *deployment = &setup->run->configs[0];
    size_t pick[POLICY_MAX_POOLS];
    struct pcg64 rng;
    bool ok = true;

    pcg64_stream(&rng, (uint64_t)setup->scenario->seed, "model error", number - 1);
    for (size_t i = 0; i < deployment->n_pools && ok; i++) {
        const struct model_error *e = errors->of[i];
        const struct engine_settings *engine = &setup->run->deployments[0].engines[i];
        enum pool_role role = deployment->pools[i].role;
        const char *pool = pool_role_names[role];
        size_t same = 0;
        while (errors->of[same] != e)
            same++;
        pick[i] = same < i ? pick[same] : (size_t)pcg64_below(&rng, e->n_factors);
        if (role != POOL_DECODE)
            ok = add_override(draw, setup->arena, pool, "prompt_factor",
                              engine->prompt_factor * e->prompt_factor[pick[i]]);
        if (role != POOL_PREFILL && ok)
            ok = add_override(draw, setup->arena, pool, "decode_factor",
                              engine->decode_factor * e->decode_factor[pick[i]]);
    }
    return ok ? ST_OK : diag_nomem(d, "model error");
}

static enum status model_error_add_bases(const void *state, const struct chance_setup *setup,
                                         struct summary_intervals *intervals, struct diag *d)
{
    const struct pool_errors *errors = state;
    const char *label = "an error";

    for (size_t i = 0; i < setup->run->configs[0].n_pools; i++) {
        bool said = false;
        for (size_t k = 0; k < i; k++)
            said = said || errors->of[k] == errors->of[i];
        if (said)
            continue;
        const char *text = model_error_text(errors->of[i], setup->arena);
        if (!text)
            return diag_nomem(d, "model error");
        intervals->bases[intervals->n_bases++] = (struct summary_basis){label, text};
        label = "";
    }
    return ST_OK;
}

/* Fewer runs do not tell where 90 of 100 lie. */
const struct chance chance_model_error = {
    .name = "model error",
    .option = "model-error",
    .min_runs = 19,
    .level = 0.9,
    .create = model_error_create,
    .draw = model_error_draw,
    .add_bases = model_error_add_bases,
};
