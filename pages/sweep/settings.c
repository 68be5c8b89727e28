#include "pages/sweep/settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/sweep/settings_internal.h"
#include "studies/results_reader.h"
#include "studies/statistics.h"

/* ---- figures ---- */

/* What people ask for first, in this order. */
static const char *const preferred[] = {"attainment.overall",  "cost.total",
                                        "gpu_hours.total",     "latency_ms.ttft.p95",
                                        "latency_ms.tpot.p95", "throughput.goodput_requests_per_s"};

static bool has_figure(const struct settings *st, const char *key)
{
    for (size_t i = 0; i < st->n_figures; i++) {
        if (strcmp(st->figures[i].key, key) == 0)
            return true;
    }
    return false;
}

static enum status add_figure(struct settings *st, const char *key, struct arena *arena,
                              struct diag *d)
{
    if (st->n_figures == SETTINGS_MAX_FIGURES || has_figure(st, key))
        return ST_OK;
    return page_figure_of(&st->figures[st->n_figures++], key, st->definition.currency, arena, d);
}

static enum status choose_figures(struct settings *st, struct arena *arena, struct diag *d)
{
    const struct sweep_definition *def = &st->definition;
    enum status s = ST_OK;

    for (size_t i = 0; i < sizeof preferred / sizeof *preferred && !s; i++) {
        for (size_t k = 0; k < def->n_keys && !s; k++) {
            if (strcmp(def->keys[k], preferred[i]) == 0)
                s = add_figure(st, preferred[i], arena, d);
        }
    }
    for (size_t k = 0; k < def->n_keys && !s; k++)
        s = add_figure(st, def->keys[k], arena, d);
    return s;
}

static bool is_known(const struct settings *st, size_t figure)
{
    for (size_t i = 0; i < st->n; i++) {
        if (isfinite(st->of[i].figures[figure].mean))
            return true;
    }
    return false;
}

static void swap_values(struct page_value *figures, size_t a, size_t b)
{
    struct page_value value = figures[a];

    figures[a] = figures[b];
    figures[b] = value;
}

static void swap_figures(struct settings *st, size_t a, size_t b)
{
    struct page_figure figure = st->figures[a];

    st->figures[a] = st->figures[b];
    st->figures[b] = figure;
    for (size_t i = 0; i < st->n; i++)
        swap_values(st->of[i].figures, a, b);
    for (size_t e = 0; e < st->n_effects; e++) {
        struct settings_effect *effect = &st->effects[e];
        double share = effect->share[a];
        effect->share[a] = effect->share[b];
        effect->share[b] = share;
        for (size_t i = 0; i < effect->n; i++)
            swap_values(effect->levels[i].figures, a, b);
    }
}

/* The first from `place` on that is worse that way goes there. */
static void bring_forward(struct settings *st, size_t place, enum summary_worse worse)
{
    for (size_t i = place; i < st->n_figures; i++) {
        if (st->figures[i].worse == worse) {
            swap_figures(st, place, i);
            return;
        }
    }
}

/* Those that no setting has are dropped; the good comes first, then what it costs. */
static void order_figures(struct settings *st)
{
    for (size_t i = st->n_figures; i-- > 0;) {
        if (is_known(st, i))
            continue;
        for (size_t k = i; k + 1 < st->n_figures; k++)
            swap_figures(st, k, k + 1);
        st->n_figures--;
    }
    bring_forward(st, 0, SUMMARY_WORSE_LOWER);
    bring_forward(st, 1, SUMMARY_WORSE_HIGHER);
}

static int by_share(const void *a, const void *b)
{
    const struct settings_effect *x = a, *y = b;

    if (x->share[0] != y->share[0])
        return x->share[0] > y->share[0] ? -1 : 1;
    return x->knob < y->knob ? -1 : 1;
}

/* ---- rows ---- */

struct reading {
    struct settings *st;
    struct results_reader *csv;
    struct arena *arena;
    int index, status, columns[SETTINGS_MAX_FIGURES];
    double *values; /* of the setting so far, by figure and run */
    size_t n;       /* runs of it */
};

static int column(const struct reading *r, const char *name, const char *path, struct diag *d)
{
    int at = results_column(r->csv, name);

    if (at < 0)
        diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                     "no column '%s'; expected the results of the sweep in study.json", name);
    return at;
}

static enum status find_columns(struct reading *r, const char *path, struct diag *d)
{
    r->index = column(r, "index", path, d);
    r->status = column(r, "status", path, d);
    for (size_t i = 0; i < r->st->n_figures; i++)
        r->columns[i] = column(r, r->st->figures[i].key, path, d);
    return d->status;
}

static struct page_value value_of(const double *sample, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(sample[i]))
            return (struct page_value){NAN, NAN, NAN};
    }
    struct moments m = sample_moments(sample, n);
    if (n < 2)
        return (struct page_value){m.mean, NAN, NAN};
    struct range at = mean_interval(&m, 0.95);
    return (struct page_value){m.mean, at.low, at.high};
}

static void end_setting(struct reading *r)
{
    struct settings *st = r->st;

    for (size_t i = 0; i < st->n_figures && st->n && r->n; i++)
        st->of[st->n - 1].figures[i] = value_of(&r->values[i * st->n_blocks], r->n);
    r->n = 0;
}

static enum status note_failure(struct reading *r, uint64_t variant, struct diag *d)
{
    struct settings *st = r->st;
    const char *text = results_text(r->csv, r->status, r->arena);
    size_t i = 0;

    if (!text)
        return diag_nomem(d, "messages");
    st->n_failed++;
    while (i < st->n_messages && strcmp(st->messages[i].text, text) != 0)
        i++;
    if (i == SETTINGS_MAX_MESSAGES)
        st->messages[--i].text = "other reasons";
    else if (i == st->n_messages)
        st->messages[st->n_messages++] = (struct settings_message){text, 0, variant};
    st->messages[i].n++;
    return ST_OK;
}

static enum status note_row(struct reading *r, struct settings_sums *sums, struct diag *d)
{
    struct settings *st = r->st;
    double number = results_number(r->csv, r->index);

    if (!(number >= 0 && number < (double)st->sweep.n_runs))
        return diag_fail_at(d, ST_INPUT, results_pos(r->csv),
                            "index must be below %" PRIu64 "; expected a run of the sweep in "
                            "study.json",
                            st->sweep.n_runs);
    uint64_t index = (uint64_t)number, variant = sweep_variant_of(&st->sweep, index);
    double values[SETTINGS_MAX_FIGURES];
    st->n_runs++;
    bool failed = !results_is(r->csv, r->status, "ok");
    enum status s = failed ? note_failure(r, variant, d) : ST_OK;
    if (s || variant % st->every)
        return s;
    if (st->n == 0 || st->of[st->n - 1].variant != variant) {
        end_setting(r);
        st->of[st->n++] = (struct setting){.variant = variant};
    }
    if (r->n == st->n_blocks)
        return diag_fail_at(d, ST_INPUT, results_pos(r->csv), "more runs of a setting than it has");
    st->of[st->n - 1].n_failed += failed;
    for (size_t i = 0; i < st->n_figures; i++) {
        values[i] = results_number(r->csv, r->columns[i]);
        r->values[i * st->n_blocks + r->n] = values[i];
    }
    r->n++;
    settings_sums_add(sums, variant, (size_t)(index % st->n_blocks), values);
    return ST_OK;
}

static enum status read_rows(struct reading *r, struct settings_sums *sums, struct diag *d)
{
    uint64_t before = 0;
    enum status s = ST_OK;

    while (!s) {
        s = results_next(r->csv, d);
        if (!s && before++ == r->st->sweep.n_runs)
            s = diag_fail_at(d, ST_INPUT, results_pos(r->csv), "more rows than the sweep has runs");
        if (!s)
            s = note_row(r, sums, d);
    }
    end_setting(r);
    return s == ST_END ? ST_OK : s;
}

/* ---- the front ---- */

/* Larger is better in it. */
static double good(const struct settings *st, const struct setting *of, size_t figure)
{
    double mean = of->figures[figure].mean;

    return st->figures[figure].worse == SUMMARY_WORSE_LOWER ? mean : -mean;
}

struct ranked {
    double first, second;
    struct setting *of;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    if (x->first != y->first)
        return x->first > y->first ? -1 : 1;
    return x->of < y->of ? -1 : 1;
}

static enum status find_front(struct settings *st, struct diag *d)
{
    struct ranked *ranked = calloc(st->n + 1, sizeof *ranked);
    size_t n = 0;
    double best = -INFINITY;
    const struct ranked *last = NULL;

    if (!ranked)
        return diag_nomem(d, "front");
    for (size_t i = 0; i < st->n && st->n_figures >= 2; i++) {
        struct setting *of = &st->of[i];
        if (isfinite(of->figures[0].mean) && isfinite(of->figures[1].mean))
            ranked[n++] = (struct ranked){good(st, of, 0), good(st, of, 1), of};
    }
    qsort(ranked, n, sizeof *ranked, by_rank);
    for (size_t i = 0; i < n; i++) {
        if (last && last->first == ranked[i].first && last->second == ranked[i].second) {
            last->of->n_same++;
        } else if (ranked[i].first > best) {
            best = ranked[i].first;
            ranked[i].of->front = true;
            last = &ranked[i];
        }
    }
    free(ranked);
    return ST_OK;
}

/* ---- all of it ---- */

static enum status read_results(struct settings *st, struct arena *arena, const char *path,
                                struct diag *d)
{
    struct reading r = {.st = st, .arena = arena};
    struct settings_sums *sums = NULL;

    enum status s = results_open(&r.csv, path, d);
    if (!s)
        s = find_columns(&r, path, d);
    if (!s)
        s = settings_sums_create(&sums, st, arena, d);
    r.values = calloc(st->n_blocks * SETTINGS_MAX_FIGURES, sizeof *r.values);
    if (!s && !r.values)
        s = diag_nomem(d, "figures");
    if (!s)
        s = read_rows(&r, sums, d);
    if (!s) {
        settings_find_effects(st, sums);
        order_figures(st);
        qsort(st->effects, st->n_effects, sizeof *st->effects, by_share);
    }
    free(r.values);
    settings_sums_free(sums);
    results_close(r.csv);
    return s;
}

enum status settings_read(struct settings *st, struct arena *arena, const char *dir, struct diag *d)
{
    const char *path = arena_printf(arena, "%s/results.csv", dir);

    *st = (struct settings){.n_blocks = 1};
    if (!path)
        return diag_nomem(d, "path");
    enum status s = sweep_read(&st->sweep, &st->definition, arena, dir, d);
    if (!s)
        s = choose_figures(st, arena, d);
    if (s)
        return s;
    st->n_blocks = (size_t)(st->sweep.n_seeds * st->sweep.n_replicates);
    st->every = 1 + (st->sweep.n_variants - 1) / SETTINGS_MAX;
    st->of = ARENA_NEW(arena, (size_t)(st->sweep.n_variants / st->every) + 1, struct setting);
    if (!st->of)
        return diag_nomem(d, "settings");
    s = read_results(st, arena, path, d);
    return s ? s : find_front(st, d);
}

const char *settings_knob_text(const struct settings *st, uint64_t variant, size_t knob,
                               struct arena *arena)
{
    return sweep_value_of(&st->sweep, variant * st->n_blocks, knob, arena);
}

const char *settings_text(const struct settings *st, uint64_t variant, struct arena *arena)
{
    const struct space *space = &st->sweep.space;
    const char *text = space->n ? "" : "as in the scenario";

    for (size_t k = 0; k < space->n && text; k++) {
        const char *value = settings_knob_text(st, variant, k, arena);
        text = value ? arena_printf(arena, "%s%s%s=%s", text, k ? ", " : "", space->knobs[k].key,
                                    value)
                     : NULL;
    }
    return text;
}
