/* What a run's figures would be, were the model of its engines as wrong as it was on measured
 * points: a pair of factors for the prompts and the running sequences of an engine, drawn from the
 * entry of model_error.yaml that fits its profile. Pools with the same entry
 * have the same pair, whatever deployments they are of. */
#include "scenarios/keys/model_error.h"

#include <stdbool.h>
#include <string.h>

#include "scenarios/keys/simulator.h"
#include "studies/chance.h"
#include "util/bug.h"
#include "util/pcg.h"

/* A pool of a deployment, with its entry. */
struct pool_error {
    const struct model_error *of;
    size_t deployment, pool;
};

_Static_assert((int)SUMMARY_MAX_BASES > (int)MAX_DEPLOYMENTS * (int)POLICY_MAX_POOLS,
               "room for each, and for a replicate");

struct pool_errors {
    size_t n;
    struct pool_error *pools;
};

static enum status find_error(struct pool_errors *errors, const struct chance_setup *setup,
                              size_t deployment, size_t pool, struct diag *d)
{
    const struct deployment_run *run = &setup->run->deployments[deployment];
    const struct pool_config *config = &setup->run->configs[deployment].pools[pool];
    struct pool_error *e = &errors->pools[errors->n];

    *e = (struct pool_error){NULL, deployment, pool};
    enum status s = model_error_find(&e->of, setup->arena, NULL, setup->scenario->preset_dirs,
                                     config->profile, run->engines[pool].framework_version, d);
    if (s)
        return s;
    if (!e->of)
        return diag_fail_at(
            d, ST_INPUT, scenario_engine_at(run->scenario, config->role, "profile"),
            "no entry of model_error.yaml in the folder HEADROOM_PRESETS is for profile '%s'",
            config->profile->name);
    for (size_t k = 0; k < errors->n; k++) {
        if (strcmp(errors->pools[k].of->name, e->of->name) == 0)
            e->of = errors->pools[k].of;
    }
    errors->n++;
    return ST_OK;
}

static enum status find_errors(struct pool_errors *errors, const struct chance_setup *setup,
                               struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < setup->run->config.n_deployments && !s; i++)
        for (size_t p = 0; p < setup->run->configs[i].n_pools && !s; p++)
            s = find_error(errors, setup, i, p, d);
    return s;
}

static enum status model_error_create(void **state, const struct chance_setup *setup,
                                      struct diag *d)
{
    struct pool_errors *errors = ARENA_NEW(setup->arena, 1, struct pool_errors);
    struct pool_error *pools = ARENA_NEW(
        setup->arena, setup->run->config.n_deployments * POLICY_MAX_POOLS, struct pool_error);

    *state = errors;
    if (!errors || !pools)
        return diag_nomem(d, "model error");
    errors->pools = pools;
    if (setup->run->simulator->bare_engines)
        return diag_fail_at(d, ST_INPUT, scenario_at(setup->scenario, "compat"),
                            "model error is that of our engines beside measured ones; expected "
                            "compat none, not '%s'",
                            setup->scenario->compat);
    return find_errors(errors, setup, d);
}

static bool add_override(struct chance_draw *draw, const struct chance_setup *setup,
                         const struct pool_error *e, const char *key, double factor)
{
    const char *deployment = setup->run->deployments[e->deployment].scenario->deployment;
    enum pool_role role = setup->run->configs[e->deployment].pools[e->pool].role;
    struct scenario_override *to = &draw->overrides[draw->n_overrides++];

    to->label = "model error";
    to->text = deployment ? arena_printf(setup->arena, "deployments.%s.pools.%s.%s=%.17g",
                                         deployment, pool_role_names[role], key, factor)
                          : arena_printf(setup->arena, "pools.%s.%s=%.17g", pool_role_names[role],
                                         key, factor);
    return to->text != NULL;
}

/* Prefill workers have prompts alone, decode workers running sequences alone. */
static bool draw_pool(struct chance_draw *draw, const struct chance_setup *setup,
                      const struct pool_error *e, size_t pick)
{
    const struct engine_settings *engine = &setup->run->deployments[e->deployment].engines[e->pool];
    enum pool_role role = setup->run->configs[e->deployment].pools[e->pool].role;
    bool ok = true;

    if (role != POOL_DECODE)
        ok = add_override(draw, setup, e, "prompt_factor",
                          engine->prompt_factor * e->of->prompt_factor[pick]);
    if (role != POOL_PREFILL && ok)
        ok = add_override(draw, setup, e, "decode_factor",
                          engine->decode_factor * e->of->decode_factor[pick]);
    return ok;
}

static enum status model_error_draw(const void *state, const struct chance_setup *setup,
                                    uint64_t number, struct chance_draw *draw, struct diag *d)
{
    const struct pool_errors *errors = state;
    size_t *pick = ARENA_NEW(setup->arena, errors->n, size_t);
    struct pcg64 rng;
    bool ok = pick;

    pcg64_stream(&rng, (uint64_t)setup->scenario->seed, "model error", number - 1);
    for (size_t i = 0; i < errors->n && ok; i++) {
        const struct pool_error *e = &errors->pools[i];
        size_t same = 0;
        while (errors->pools[same].of != e->of)
            same++;
        pick[i] = same < i ? pick[same] : (size_t)pcg64_below(&rng, e->of->n_factors);
        ok = draw_pool(draw, setup, e, pick[i]);
    }
    return ok ? ST_OK : diag_nomem(d, "model error");
}

static enum status model_error_add_bases(const void *state, const struct chance_setup *setup,
                                         struct summary_intervals *intervals, struct diag *d)
{
    const struct pool_errors *errors = state;
    const char *label = "an error";

    for (size_t i = 0; i < errors->n; i++) {
        bool said = false;
        for (size_t k = 0; k < i; k++)
            said = said || errors->pools[k].of == errors->pools[i].of;
        if (said)
            continue;
        BUG_IF(intervals->n_bases == SUMMARY_MAX_BASES);
        const char *text = model_error_text(errors->pools[i].of, setup->arena);
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
