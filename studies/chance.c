#include "studies/chance.h"

#include "studies/intervals.h"
#include "util/bug.h"

const struct chance *const chances[N_CHANCES + 1] = {&chance_replicates, &chance_model_error, NULL};

static enum status create_all(void *states[N_CHANCES], struct summary_intervals *result,
                              const struct chance_setup *setup, const struct chance *const *which,
                              struct diag *d)
{
    enum status s = ST_OK;

    for (size_t c = 0; which[c] && !s; c++) {
        const char *before = result->varied;
        s = which[c]->create(&states[c], setup, d);
        result->varied = before ? arena_printf(setup->arena, "%s and %s", before, which[c]->name)
                                : which[c]->name;
        if (!s && !result->varied)
            s = diag_nomem(d, "intervals");
        if (which[c]->level > result->level)
            result->level = which[c]->level;
        if (!s)
            s = which[c]->add_bases(states[c], setup, result, d);
    }
    return s;
}

static enum status draw_all(struct study_variant *variant, void *const states[N_CHANCES],
                            const struct chance_setup *setup, const struct chance *const *which,
                            uint64_t number, struct diag *d)
{
    const size_t most = 1 + 2 * setup->run->config.n_deployments * (size_t)POLICY_MAX_POOLS;
    struct chance_draw draw = {ARENA_NEW(setup->arena, most, struct scenario_override), 0};
    enum status s = draw.overrides ? ST_OK : diag_nomem(d, "runs");

    for (size_t c = 0; which[c] && !s; c++)
        s = which[c]->draw(states[c], setup, number, &draw, d);
    if (!s)
        *variant =
            (struct study_variant){.n_overrides = draw.n_overrides, .overrides = draw.overrides};
    return s;
}

enum status chance_variants(struct study_variant *variants, struct summary_intervals *intervals,
                            const struct chance_setup *setup, const struct chance *const *which,
                            size_t n_runs, struct diag *d)
{
    void *states[N_CHANCES];

    enum status s = create_all(states, intervals, setup, which, d);
    for (size_t i = 0; i < n_runs && !s; i++)
        s = draw_all(&variants[i], states, setup, which, i + 1, d);
    return s;
}

enum status chance_intervals(const struct summary_intervals **intervals,
                             const struct chance_setup *setup, const struct chance *const *which,
                             size_t n_runs, const struct study_options *base, struct diag *d)
{
    struct study_variant *variants = ARENA_NEW(setup->arena, n_runs, struct study_variant);
    struct summary_intervals *result = ARENA_NEW(setup->arena, 1, struct summary_intervals);
    struct study_options options = *base;
    const struct study_row *rows;
    const char *const *keys;

    if (!variants || !result)
        return diag_nomem(d, "runs");
    enum status s = chance_variants(variants, result, setup, which, n_runs, d);
    if (!s)
        s = interval_keys(&keys, &options.n_keys, setup->arena, setup->run->infos,
                          setup->run->config.n_deployments, d);
    if (s)
        return s;
    options.n_variants = n_runs;
    options.variants = variants;
    options.keys = keys;
    s = study_run(&rows, setup->arena, &options, d);
    for (size_t i = 0; i < n_runs && !s; i++) {
        if (rows[i].status)
            s = diag_fail(d, rows[i].status, "run %zu with %s: %s", i + 1, result->varied,
                          rows[i].message);
    }
    if (!s)
        s = intervals_of_rows(result, setup->arena, rows, n_runs, keys, options.n_keys, d);
    *intervals = result;
    return s;
}
