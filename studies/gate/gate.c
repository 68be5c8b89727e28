#include "studies/gate/gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/compose/checks.h"
#include "scenarios/keys/simulator.h"
#include "studies/gate/gate_inputs.h"
#include "studies/gate/judge.h"
#include "util/bug.h"

static bool is_statistical(const struct compare_rule *c)
{
    return !isnan(c->level);
}

static size_t n_statistical(const struct scenario *sc)
{
    size_t n = 0;

    for (size_t i = 0; i < sc->compare.n; i++)
        n += is_statistical(&sc->compare.item[i]);
    return n;
}

static const struct baseline_entry *entry_of(const struct gate_options *o,
                                             const struct scenario *sc)
{
    return o->baseline ? baseline_find(o->baseline, sc->name) : NULL;
}

/* Of an entry, the most that any figure has. */
static size_t replicates_held(const struct baseline_entry *entry)
{
    size_t n = 0;

    for (size_t i = 0; entry && i < entry->n_figures; i++)
        n = entry->figures[i].n > n ? entry->figures[i].n : n;
    return n;
}

static size_t n_replicates(const struct gate_options *o, const struct scenario *sc)
{
    if (n_statistical(sc) == 0)
        return 0;
    size_t held = replicates_held(entry_of(o, sc));
    return o->n_replicates ? o->n_replicates : held ? held : GATE_REPLICATES;
}

/* ---- mistakes that can be told before anything is run ---- */

static enum status check_names(const struct gate_options *o, struct diag *d)
{
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct gate_scenario *a = &o->scenarios[k], *b = &o->scenarios[i];
            if (strcmp(a->scenario->name, b->scenario->name) == 0)
                return diag_fail_at(d, ST_INPUT, scenario_at(b->scenario, "name"),
                                    "two scenarios of one name, '%.100s': the other is %s; give "
                                    "each a name of its own",
                                    b->scenario->name, a->path);
        }
    }
    return ST_OK;
}

static enum status check_against(const struct gate_options *o, const struct scenario *sc,
                                 const struct compare_rule *c, struct diag *d)
{
    const struct baseline_entry *entry = entry_of(o, sc);

    if (o->update)
        return ST_OK;
    BUG_IF(!o->baseline);
    if (!entry)
        return diag_fail_at(d, ST_INPUT, c->at,
                            "baseline '%s' has no scenario '%.100s' to compare with; add it with "
                            "--update",
                            o->baseline->path, sc->name);
    const struct baseline_figure *figure = baseline_figure(entry, c->key);
    size_t needed = is_statistical(c) ? n_replicates(o, sc) : 0;
    if (!figure)
        return diag_fail_at(d, ST_INPUT, c->at,
                            "baseline '%s' has no %s of scenario '%.100s'; add it with --update",
                            o->baseline->path, c->key, sc->name);
    if (figure->n < needed)
        return diag_fail_at(d, ST_INPUT, c->at,
                            "baseline '%s' has %zu replicates of %s of scenario '%.100s', not %zu; "
                            "add them with --update",
                            o->baseline->path, figure->n, c->key, sc->name, needed);
    return ST_OK;
}

static enum status check_scenario(const struct gate_options *o, const struct scenario *sc,
                                  struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < sc->expect.n && !s; i++)
        s = scenario_check_expectation(sc, &sc->expect.item[i], d);
    for (size_t i = 0; i < sc->compare.n && !s; i++) {
        s = scenario_check_comparison(sc, &sc->compare.item[i], d);
        if (!s)
            s = check_against(o, sc, &sc->compare.item[i], d);
    }
    return s;
}

enum status gate_check_inputs(const struct gate_options *o, struct diag *d)
{
    enum status s = check_names(o, d);

    for (size_t i = 0; i < o->n && !s; i++)
        s = check_scenario(o, o->scenarios[i].scenario, d);
    return s;
}

/* ---- runs ---- */

/* What is wanted of all scenarios, and where the runs of each begin. */
struct gate {
    const struct gate_options *options;
    struct arena *arena;
    size_t n_keys;
    const char **keys;
    size_t *first_run; /* of each scenario; the next ones are replicates 1, 2, ... */
    struct study_variant *variants;
    size_t n_runs;
    size_t n_at_once; /* statistical comparisons */
    const struct study_row *rows;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t sort_unique(const char **keys, size_t n)
{
    size_t used = 0;

    qsort(keys, n, sizeof *keys, compare_texts);
    for (size_t i = 0; i < n; i++) {
        if (used == 0 || strcmp(keys[used - 1], keys[i]) != 0)
            keys[used++] = keys[i];
    }
    return used;
}

static size_t add_keys(const char **keys, const struct scenario *sc)
{
    size_t n = 0;

    for (size_t i = 0; i < sc->expect.n; i++)
        keys[n++] = sc->expect.item[i].key;
    for (size_t i = 0; i < sc->compare.n; i++)
        keys[n++] = sc->compare.item[i].key;
    return n;
}

static enum status collect_keys(struct gate *g, struct diag *d)
{
    const struct gate_options *o = g->options;
    size_t room = 0;

    for (size_t i = 0; i < o->n; i++)
        room += o->scenarios[i].scenario->expect.n + o->scenarios[i].scenario->compare.n;
    g->keys = ARENA_NEW(g->arena, room, const char *);
    if (!g->keys)
        return diag_nomem(d, "figures");
    for (size_t i = 0; i < o->n; i++)
        g->n_keys += add_keys(g->keys + g->n_keys, o->scenarios[i].scenario);
    g->n_keys = sort_unique(g->keys, g->n_keys);
    return ST_OK;
}

static enum status add_runs(struct gate *g, size_t index, struct diag *d)
{
    const struct gate_scenario *of = &g->options->scenarios[index];
    size_t n = n_replicates(g->options, of->scenario);

    g->first_run[index] = g->n_runs;
    for (size_t r = 0; r <= n; r++) {
        struct scenario_override *override = ARENA_NEW(g->arena, 1, struct scenario_override);
        struct study_variant *variant = &g->variants[g->n_runs++];
        if (!override)
            return diag_nomem(d, "runs");
        override->label = "replicates";
        override->text = arena_printf(g->arena, "replicate=%zu", r);
        if (!override->text)
            return diag_nomem(d, "runs");
        *variant = (struct study_variant){
            .n_overrides = r > 0, .overrides = override, .source = of->source};
    }
    return ST_OK;
}

size_t gate_n_runs(const struct gate_options *o)
{
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++)
        n += 1 + n_replicates(o, o->scenarios[i].scenario);
    return n;
}

static enum status run_all(struct gate *g, struct diag *d)
{
    struct study_options study = g->options->study;
    size_t n = gate_n_runs(g->options);

    g->variants = ARENA_NEW(g->arena, n, struct study_variant);
    g->first_run = ARENA_NEW(g->arena, g->options->n, size_t);
    enum status s = g->variants && g->first_run ? ST_OK : diag_nomem(d, "runs");
    for (size_t i = 0; i < g->options->n && !s; i++) {
        s = add_runs(g, i, d);
        g->n_at_once += n_statistical(g->options->scenarios[i].scenario);
    }
    if (s)
        return s;
    study.n_variants = g->n_runs;
    study.variants = g->variants;
    study.n_keys = g->n_keys;
    study.keys = g->keys;
    return study_run(&g->rows, g->arena, &study, d);
}

/* ---- figures ---- */

static size_t key_index(const struct gate *g, const char *key)
{
    const char *const *found = bsearch(&key, g->keys, g->n_keys, sizeof *g->keys, compare_texts);

    BUG_IF(!found);
    return (size_t)(found - (const char *const *)g->keys);
}

static double figure_of_run(const struct gate *g, size_t scenario, const char *key)
{
    return g->rows[g->first_run[scenario]].figures[key_index(g, key)];
}

/* Of replicates 1 to n. */
static const double *figures_of_replicates(const struct gate *g, size_t scenario, const char *key,
                                           size_t n, struct diag *d)
{
    double *figures = ARENA_NEW(g->arena, n, double);
    size_t k = key_index(g, key);

    if (!figures) {
        diag_nomem(d, "figures");
        return NULL;
    }
    for (size_t r = 0; r < n; r++)
        figures[r] = g->rows[g->first_run[scenario] + 1 + r].figures[k];
    return figures;
}

static bool is_compared_statistically(const struct scenario *sc, const char *key)
{
    for (size_t i = 0; i < sc->compare.n; i++) {
        if (is_statistical(&sc->compare.item[i]) && strcmp(sc->compare.item[i].key, key) == 0)
            return true;
    }
    return false;
}

static enum status make_entry(struct baseline_entry *entry, const struct gate *g, size_t index,
                              struct diag *d)
{
    const struct scenario *sc = g->options->scenarios[index].scenario;
    size_t room = sc->expect.n + sc->compare.n, n = n_replicates(g->options, sc);
    const char **keys = ARENA_NEW(g->arena, room, const char *);
    struct baseline_figure *figures = ARENA_NEW(g->arena, room, struct baseline_figure);

    if (!keys || !figures)
        return diag_nomem(d, "baseline");
    *entry = (struct baseline_entry){.name = sc->name,
                                     .version = g->options->version,
                                     .seed = (uint64_t)sc->seed,
                                     .figures = figures};
    entry->n_figures = sort_unique(keys, add_keys(keys, sc));
    for (size_t i = 0; i < entry->n_figures; i++) {
        figures[i] =
            (struct baseline_figure){.key = keys[i], .value = figure_of_run(g, index, keys[i])};
        if (!is_compared_statistically(sc, keys[i]))
            continue;
        figures[i].n = n;
        figures[i].replicates = figures_of_replicates(g, index, keys[i], n, d);
        if (!figures[i].replicates)
            return ST_NOMEM;
    }
    return gate_inputs(entry, g->arena, sc, g->options->study.resources, d);
}

/* ---- verdicts ---- */

static double before_of(const struct baseline_entry *entry, const char *key)
{
    const struct baseline_figure *figure = entry ? baseline_figure(entry, key) : NULL;

    return figure ? figure->value : NAN;
}

static enum status judge_one(struct gate_check *check, const struct gate *g, size_t index,
                             const struct compare_rule *c, struct diag *d)
{
    const struct scenario *sc = g->options->scenarios[index].scenario;
    const struct baseline_entry *entry = entry_of(g->options, sc);
    size_t n = n_replicates(g->options, sc);

    if (!is_statistical(c))
        return judge_comparison(check, g->arena, c, before_of(entry, c->key),
                                figure_of_run(g, index, c->key), d);
    const double *now = figures_of_replicates(g, index, c->key, n, d);
    return now ? judge_statistically(check, g->arena, c, baseline_figure(entry, c->key)->replicates,
                                     now, n, g->n_at_once, d)
               : ST_NOMEM;
}

static enum status judge_all(struct gate_result *result, const struct gate *g, size_t index,
                             struct diag *d)
{
    const struct scenario *sc = result->of->scenario;
    const struct baseline_entry *entry = entry_of(g->options, sc);
    size_t n_compare = g->options->update ? 0 : sc->compare.n;
    struct gate_check *checks = ARENA_NEW(g->arena, sc->expect.n + n_compare, struct gate_check);
    enum status s = checks ? ST_OK : diag_nomem(d, "checks");

    result->checks = checks;
    for (size_t i = 0; i < sc->expect.n && !s; i++) {
        const struct expectation *e = &sc->expect.item[i];
        s = judge_expectation(&checks[result->n_checks++], g->arena, e, before_of(entry, e->key),
                              figure_of_run(g, index, e->key), d);
    }
    for (size_t i = 0; i < n_compare && !s; i++)
        s = judge_one(&checks[result->n_checks++], g, index, &sc->compare.item[i], d);
    for (size_t i = 0; i < result->n_checks; i++)
        result->n_missed += checks[i].missed;
    result->status = result->n_missed ? ST_MISSED : ST_OK;
    return s;
}

/* The first run that failed, if any, is what there is to say. */
static bool has_failed(struct gate_result *result, const struct gate *g, size_t index)
{
    size_t end = index + 1 < g->options->n ? g->first_run[index + 1] : g->n_runs;

    for (size_t i = g->first_run[index]; i < end; i++) {
        if (!g->rows[i].status)
            continue;
        result->status = g->rows[i].status;
        result->message = g->rows[i].message;
        return true;
    }
    return false;
}

static enum status conclude(struct gate_result *result, const struct gate *g, size_t index,
                            struct diag *d)
{
    result->of = &g->options->scenarios[index];
    if (has_failed(result, g, index))
        return ST_OK;
    const struct baseline_entry *before = entry_of(g->options, result->of->scenario);
    enum status s = ST_OK;
    if (before || g->options->update) /* digests of inputs take time */
        s = make_entry(&result->entry, g, index, d);
    if (!s)
        s = judge_all(result, g, index, d);
    if (!s && before)
        s = gate_note_differences(result, g->arena, before, d);
    return s;
}

enum status gate_run(const struct gate_result **results, struct arena *arena,
                     const struct gate_options *options, struct diag *d)
{
    struct gate g = {.options = options, .arena = arena};
    struct gate_result *to = ARENA_NEW(arena, options->n, struct gate_result);

    if (!to)
        return diag_nomem(d, "results");
    enum status s = collect_keys(&g, d);
    if (!s)
        s = run_all(&g, d);
    for (size_t i = 0; i < options->n && !s; i++)
        s = conclude(&to[i], &g, i, d);
    *results = to;
    return s;
}

enum status gate_status(const struct gate_result *results, size_t n)
{
    enum status worst = ST_OK;

    for (size_t i = 0; i < n; i++) {
        if (status_exit_code(results[i].status) > status_exit_code(worst))
            worst = results[i].status;
    }
    return worst;
}
