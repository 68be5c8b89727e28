#include "studies/model_error.h"

#include <stdbool.h>
#include <string.h>

#include "scenarios/keys/model_error.h"
#include "scenarios/keys/simulator.h"
#include "studies/intervals.h"
#include "util/bug.h"
#include "util/pcg.h"

static const double level = 0.9;

struct drawing {
    const struct scenario *scenario;
    const struct scenario_run *run;
    struct arena *arena;
    struct diag *d;
    const struct model_error *errors[POLICY_MAX_POOLS]; /* of each pool */
};

static enum status find_errors(struct drawing *w)
{
    for (size_t i = 0; i < w->run->deployment.n_pools; i++) {
        const struct pool_config *pool = &w->run->deployment.pools[i];
        const char *version = w->run->engines[i].framework_version;
        enum status s =
            model_error_find(&w->errors[i], w->arena, w->scenario->preset_dirs, pool->profile,
                             version ? version : pool->profile->framework_version, w->d);
        if (s)
            return s;
        if (!w->errors[i])
            return diag_fail_at(
                w->d, ST_INPUT, scenario_engine_at(w->scenario, pool->role, "profile"),
                "no entry of model_error.yaml in the folder HEADROOM_PRESETS is for profile '%s'",
                pool->profile->name);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(w->errors[k]->name, w->errors[i]->name) == 0)
                w->errors[i] = w->errors[k];
        }
    }
    return ST_OK;
}

static bool add_override(struct study_variant *variant, struct scenario_override *to,
                         struct arena *arena, const char *pool, const char *key, double factor)
{
    to->label = "model error";
    to->text = arena_printf(arena, "pools.%s.%s=%.17g", pool, key, factor);
    variant->n_overrides++;
    return to->text != NULL;
}

/* Prefill workers have prompts alone, decode workers running sequences alone. */
static enum status draw(struct study_variant *variant, struct drawing *w, uint64_t number)
{
    enum { PER_POOL = 2 };
    const struct deployment_config *deployment = &w->run->deployment;
    struct scenario_override *to =
        ARENA_NEW(w->arena, PER_POOL * deployment->n_pools, struct scenario_override);
    size_t pick[POLICY_MAX_POOLS];
    struct pcg64 rng;
    bool ok = to != NULL;

    *variant = (struct study_variant){.overrides = to};
    pcg64_stream(&rng, (uint64_t)w->scenario->seed, "model error", number);
    for (size_t i = 0; i < deployment->n_pools && ok; i++) {
        const struct model_error *e = w->errors[i];
        const struct engine_settings *engine = &w->run->engines[i];
        enum pool_role role = deployment->pools[i].role;
        size_t same = 0;
        while (w->errors[same] != e)
            same++;
        pick[i] = same < i ? pick[same] : (size_t)pcg64_below(&rng, e->n_factors);
        if (role != POOL_DECODE)
            ok = add_override(variant, &to[variant->n_overrides], w->arena, pool_role_names[role],
                              "prompt_factor", engine->prompt_factor * e->prompt_factor[pick[i]]);
        if (role != POOL_PREFILL && ok)
            ok = add_override(variant, &to[variant->n_overrides], w->arena, pool_role_names[role],
                              "decode_factor", engine->decode_factor * e->decode_factor[pick[i]]);
    }
    return ok ? ST_OK : diag_nomem(w->d, "model error");
}

static enum status set_bases(struct summary_intervals *intervals, const struct drawing *w)
{
    size_t n_pools = w->run->deployment.n_pools;

    for (size_t i = 0; i < n_pools; i++) {
        bool said = false;
        for (size_t k = 0; k < i; k++)
            said = said || w->errors[k] == w->errors[i];
        if (said)
            continue;
        const char *text = model_error_text(w->errors[i], w->arena);
        if (!text)
            return diag_nomem(w->d, "model error");
        intervals->bases[intervals->n_bases++] = text;
    }
    return ST_OK;
}

enum status study_model_error(const struct summary_intervals **intervals, struct arena *arena,
                              const struct scenario *scenario, const struct scenario_run *run,
                              const struct study_options *base, size_t n_runs, struct diag *d)
{
    struct drawing w = {.scenario = scenario, .run = run, .arena = arena, .d = d};
    struct study_variant *variants = ARENA_NEW(arena, n_runs, struct study_variant);
    struct summary_intervals *result = ARENA_NEW(arena, 1, struct summary_intervals);
    struct study_options options = *base;
    const struct study_row *rows;
    const char *const *keys;

    BUG_IF(n_runs < MODEL_ERROR_MIN_RUNS);
    if (!variants || !result)
        return diag_nomem(d, "model error");
    if (run->simulator->bare_engines)
        return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "compat"),
                            "model error is that of our engines beside measured ones; expected "
                            "compat none, not '%s'",
                            scenario->compat);
    enum status s = find_errors(&w);
    for (size_t i = 0; i < n_runs && !s; i++)
        s = draw(&variants[i], &w, i);
    if (!s)
        s = interval_keys(&keys, &options.n_keys, arena, &run->info, d);
    if (s)
        return s;
    options.n_variants = n_runs;
    options.variants = variants;
    options.keys = keys;
    s = study_run(&rows, arena, &options, d);
    for (size_t i = 0; i < n_runs && !s; i++) {
        if (rows[i].status)
            s = diag_fail(d, rows[i].status, "run %zu with model error: %s", i + 1,
                          rows[i].message);
    }
    if (!s)
        s = intervals_of_rows(result, arena, rows, n_runs, keys, options.n_keys, level, d);
    if (!s)
        s = set_bases(result, &w);
    result->varied = "model error";
    *intervals = result;
    return s;
}
