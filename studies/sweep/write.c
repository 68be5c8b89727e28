#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/keys/lookup.h"
#include "studies/results.h"
#include "studies/sweep/sweep.h"
#include "util/text.h"

/* ---- columns ---- */

enum { FIXED = 4 }; /* index, variant, replicate, status */

/* A figure over the runs of a variant so far. */
struct mean {
    size_t key; /* its place among the keys; n_keys = not there */
    struct sweep_extremes *extremes;
    double sum; /* NaN: a run has none */
    uint64_t n;
};

struct table {
    const struct sweep *sweep;
    struct journal *journal;
    struct results_column *columns;
    size_t n_columns;
    struct sweep_outcome *outcome;
    struct mean means[2];
    uint64_t variant; /* that the means are of */
    struct arena *arena;
};

/* Integers by the key, and as they are written (1e3 is a number). */
static bool all_integers(const struct knob *knob)
{
    int64_t value;

    if (!scenario_key_is_integer(knob->def))
        return false;

    for (size_t i = 0; i < knob->n; i++) {
        if (text_int64(knob->values[i], strlen(knob->values[i]), &value) != TEXT_OK)
            return false;
    }
    return true;
}

static struct results_column column_of(const struct knob *knob)
{
    struct results_column column = {.name = knob->key, .unit = knob->unit, .kind = RESULTS_NUMBER};

    if (!knob->number)
        column.kind = RESULTS_TEXT;
    else if (all_integers(knob))
        column.kind = RESULTS_INT;
    for (size_t i = 0; column.kind == RESULTS_TEXT && i < knob->n; i++) {
        size_t n = strlen(knob->values[i]);
        column.width = n > column.width ? n : column.width;
    }
    return column;
}

static size_t place_of(const struct sweep_definition *def, const char *key)
{
    size_t i = 0;

    while (i < def->n_keys && strcmp(def->keys[i], key) != 0)
        i++;
    return i;
}

static enum status set_columns(struct table *t, struct diag *d)
{
    const struct sweep_definition *def = t->sweep->definition;
    size_t message = journal_message_max(t->journal), n = 0;
    struct results_column *to =
        ARENA_NEW(t->arena, FIXED + t->sweep->space.n + 1 + def->n_keys, struct results_column);

    if (!to)
        return diag_nomem(d, "results");
    to[n++] = (struct results_column){"index", NULL, RESULTS_INT, 0};
    to[n++] = (struct results_column){"variant", NULL, RESULTS_INT, 0};
    to[n++] = (struct results_column){"replicate", NULL, RESULTS_INT, 0};
    to[n++] = (struct results_column){"status", NULL, RESULTS_TEXT, message > 2 ? message : 2};
    for (size_t k = 0; k < t->sweep->space.n; k++)
        to[n++] = column_of(&t->sweep->space.knobs[k]);
    if (def->n_seeds)
        to[n++] = (struct results_column){"seed", NULL, RESULTS_INT, 0};
    for (size_t i = 0; i < def->n_keys; i++)
        to[n++] = (struct results_column){
            def->keys[i], summary_key_unit(def->keys[i], def->currency), RESULTS_NUMBER, 0};
    t->columns = to;
    t->n_columns = n;
    t->means[0] = (struct mean){.key = place_of(def, "attainment.overall"),
                                .extremes = &t->outcome->attainment};
    t->means[1] =
        (struct mean){.key = place_of(def, "gpu_hours.total"), .extremes = &t->outcome->gpu_hours};
    return ST_OK;
}

/* ---- rows ---- */

static void end_mean(struct mean *m, uint64_t variant)
{
    struct sweep_extremes *e = m->extremes;
    double mean = m->n ? m->sum / (double)m->n : NAN;

    m->sum = 0;
    m->n = 0;
    if (isnan(mean))
        return;
    if (!e->known || mean < e->low)
        e->low = mean, e->low_at = variant;
    if (!e->known || mean > e->high)
        e->high = mean, e->high_at = variant;
    e->known = true;
}

static void end_variant(struct table *t)
{
    for (size_t i = 0; i < 2; i++)
        end_mean(&t->means[i], t->variant);
}

static enum status note_row(struct table *t, const struct study_row *row, uint64_t index,
                            struct diag *d)
{
    uint64_t variant = sweep_variant_of(t->sweep, index);
    struct sweep_outcome *o = t->outcome;

    o->n_rows++;
    if (variant != t->variant)
        end_variant(t);
    t->variant = variant;
    for (size_t i = 0; i < 2; i++) {
        struct mean *m = &t->means[i];
        bool has = row->figures && m->key < t->sweep->definition->n_keys;
        m->sum += has ? row->figures[m->key] : NAN;
        m->n++;
    }
    if (row->status && o->n_failed++ == 0)
        o->first_message = arena_strdup(t->arena, row->message ? row->message : "");
    return o->first_message || !row->status ? ST_OK : diag_nomem(d, "results");
}

static enum status set_value(union results_cell *cell, enum results_kind kind, const char *text,
                             struct diag *d)
{
    if (!text)
        return diag_nomem(d, "results");
    if (kind == RESULTS_TEXT)
        cell->text = text;
    else if (kind == RESULTS_INT)
        (void)text_int64(text, strlen(text), &cell->i);
    else
        (void)text_double(text, strlen(text), &cell->number);
    return ST_OK;
}

static enum status fill_row(void *context, uint64_t i, union results_cell *cell,
                            struct arena *arena, struct diag *d)
{
    struct table *t = context;
    const struct sweep *sweep = t->sweep;
    uint64_t index = sweep_own(sweep, i);
    struct study_row row;

    enum status s = journal_row(t->journal, index, &row, d);
    if (!s)
        s = note_row(t, &row, index, d);
    if (s)
        return s;
    (cell++)->i = (int64_t)index;
    (cell++)->i = (int64_t)sweep_variant_of(sweep, index);
    (cell++)->i = sweep_replicate_of(sweep, index);
    cell->text = row.status ? arena_strdup(arena, row.message ? row.message : "") : "ok";
    if (!(cell++)->text)
        return diag_nomem(d, "results");
    for (size_t k = 0; k < sweep->space.n && !s; k++)
        s = set_value(cell++, t->columns[FIXED + k].kind, sweep_value_of(sweep, index, k, arena),
                      d);
    if (sweep->definition->n_seeds)
        (cell++)->i = sweep_seed_of(sweep, index);
    for (size_t k = 0; k < sweep->definition->n_keys; k++)
        (cell++)->number = row.figures ? row.figures[k] : NAN;
    return s;
}

/* ---- what they were made of ---- */

/* Room for the texts of a list; NULL when memory is out. */
static const char **add_list(struct results *results, struct results_attribute *to,
                             const char *name, size_t n, struct arena *arena)
{
    const char **texts = ARENA_NEW(arena, n, const char *);

    to[results->n_attributes++] = (struct results_attribute){name, NULL, n, texts};
    return texts;
}

static enum status set_attributes(struct results *results, const struct table *t, struct diag *d)
{
    enum { ROOM = 16 };
    const struct sweep_definition *def = t->sweep->definition;
    const struct scenario_source *source = &def->source;
    struct results_attribute *to = ARENA_NEW(t->arena, ROOM, struct results_attribute);
    char *digest = ARENA_NEW(t->arena, SHA256_HEX_SIZE, char);
    const char *shard = arena_printf(t->arena, "%" PRIu64 "/%" PRIu64, def->shard.i, def->shard.of);

    if (!to || !digest || !shard)
        return diag_nomem(d, "results");
    const struct results_attribute texts[] = {
        {"headroom_version", def->version, 0, NULL},
        {"scenario_path", source->file.path, 0, NULL},
        {"scenario", source->file.bytes, 0, NULL},
        {"scenario_sha256", sha256_hex(digest, source->file.bytes, source->file.length), 0, NULL},
        {"study_sha256", t->sweep->shape.study, 0, NULL},
        {"shard", shard, 0, NULL},
        {"vary", NULL, def->n_vary, def->vary}};
    results->attributes = to;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        to[results->n_attributes++] = texts[i];
    const char **set = add_list(results, to, "set", source->n_overrides, t->arena);
    const char **overlays = add_list(results, to, "overlays", source->n_overlays, t->arena);
    const char **inputs = add_list(results, to, "inputs", def->n_inputs, t->arena);
    const char **digests = add_list(results, to, "inputs_sha256", def->n_inputs, t->arena);
    if (!set || !overlays || !inputs || !digests)
        return diag_nomem(d, "results");
    for (size_t i = 0; i < source->n_overrides; i++)
        set[i] = source->overrides[i].text;
    for (size_t i = 0; i < source->n_overlays; i++)
        overlays[i] = source->overlays[i].bytes;
    for (size_t i = 0; i < def->n_inputs; i++)
        inputs[i] = def->inputs[i].name, digests[i] = def->inputs[i].sha256;
    return ST_OK;
}

enum status sweep_write(struct sweep_outcome *outcome, struct arena *arena,
                        const struct sweep *sweep, struct journal *journal, const char *dir,
                        struct diag *d)
{
    struct table t = {.sweep = sweep, .journal = journal, .outcome = outcome, .arena = arena};
    struct results results = {.n_rows = sweep_n_own(sweep), .row = fill_row, .context = &t};

    *outcome = (struct sweep_outcome){0};
    enum status s = set_columns(&t, d);
    if (!s)
        s = set_attributes(&results, &t, d);
    if (s)
        return s;
    results.columns = t.columns;
    results.n_columns = t.n_columns;
    s = results_write(&results, dir, d);
    end_variant(&t);
    return s;
}
