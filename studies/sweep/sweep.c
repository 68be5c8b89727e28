#include "studies/sweep/sweep.h"

#include <inttypes.h>
#include <string.h>

#include "util/sha256.h"

/* ---- plan ---- */

static enum status count_runs(struct sweep *sweep, struct diag *d)
{
    const struct sweep_definition *def = sweep->definition;
    enum status s = ST_OK;

    sweep->n_seeds = def->n_seeds ? def->n_seeds : 1;
    sweep->n_replicates = def->n_replicates ? def->n_replicates : 1;
    sweep->n_variants = def->n_sample;
    if (!def->n_sample)
        s = space_grid_size(&sweep->n_variants, &sweep->space, d);
    if (s)
        return s;
    if (__builtin_mul_overflow(sweep->n_variants, sweep->n_seeds, &sweep->n_runs) ||
        __builtin_mul_overflow(sweep->n_runs, sweep->n_replicates, &sweep->n_runs) ||
        sweep->n_runs > SWEEP_MAX_RUNS)
        return diag_fail(d, ST_INPUT, "more than %d runs (%" PRIu64 " settings)", SWEEP_MAX_RUNS,
                         sweep->n_variants);
    return ST_OK;
}

static bool is_column(const struct sweep_definition *def, const char *name)
{
    for (size_t i = 0; i < def->n_keys; i++) {
        if (strcmp(def->keys[i], name) == 0)
            return true;
    }
    return false;
}

/* Columns have one name each. */
static enum status check_names(const struct sweep *sweep, struct diag *d)
{
    const struct sweep_definition *def = sweep->definition;
    static const struct {
        const char *key, *option;
    } counted[] = {{"seed", "--seeds"}, {"replicate", "--replicates"}};

    for (size_t k = 0; k < sweep->space.n; k++) {
        const char *key = sweep->space.knobs[k].key;
        const uint64_t n[] = {def->n_seeds, def->n_replicates};
        if (strcmp(key, "replicate") == 0 && !def->n_replicates)
            return diag_fail(d, ST_INPUT, "--vary %s=%s: expected --replicates R", key,
                             sweep->space.knobs[k].spec);
        for (size_t i = 0; i < 2; i++) {
            if (n[i] && strcmp(key, counted[i].key) == 0)
                return diag_fail(d, ST_INPUT, "--vary %s=%s: %s varies it already", key,
                                 sweep->space.knobs[k].spec, counted[i].option);
        }
        if (is_column(def, key))
            return diag_fail(d, ST_INPUT, "--keys: '%s' is varied, and so a column already", key);
    }
    if (def->n_seeds && is_column(def, "seed"))
        return diag_fail(d, ST_INPUT, "--keys: 'seed' is varied, and so a column already");
    return ST_OK;
}

enum status sweep_plan(struct sweep *sweep, struct arena *arena, const struct sweep_definition *def,
                       struct diag *d)
{
    *sweep = (struct sweep){.definition = def};
    enum status s = space_parse(&sweep->space, arena, def->policy, def->vary, def->n_vary, d);
    if (!s)
        s = check_names(sweep, d);
    if (!s)
        s = count_runs(sweep, d);
    if (!s && def->n_sample)
        s = space_sample(&sweep->sample, arena, &sweep->space, def->n_sample, (uint64_t)def->seed,
                         d);
    if (s)
        return s;
    sweep->text = sweep_definition_text(def, true, arena);
    const char *whole = sweep_definition_text(def, false, arena);
    if (!sweep->text || !whole)
        return diag_nomem(d, "study");
    sweep->shape.n_runs = sweep->n_runs;
    sweep->shape.n_figures = def->n_keys;
    sha256_hex(sweep->shape.study, whole, strlen(whole));
    return ST_OK;
}

uint64_t sweep_n_own(const struct sweep *sweep)
{
    const struct sweep_shard *shard = &sweep->definition->shard;

    return sweep->n_runs < shard->i ? 0 : (sweep->n_runs - shard->i) / shard->of + 1;
}

uint64_t sweep_own(const struct sweep *sweep, uint64_t i)
{
    const struct sweep_shard *shard = &sweep->definition->shard;

    return shard->i - 1 + i * shard->of;
}

/* ---- one run ---- */

uint64_t sweep_variant_of(const struct sweep *sweep, uint64_t index)
{
    return index / (sweep->n_seeds * sweep->n_replicates);
}

int64_t sweep_seed_of(const struct sweep *sweep, uint64_t index)
{
    const struct sweep_definition *def = sweep->definition;

    return def->n_seeds ? (int64_t)(index / sweep->n_replicates % def->n_seeds) + 1 : def->seed;
}

int64_t sweep_replicate_of(const struct sweep *sweep, uint64_t index)
{
    const struct sweep_definition *def = sweep->definition;

    return def->n_replicates ? (int64_t)(index % def->n_replicates) + 1 : def->replicate;
}

const char *sweep_value_of(const struct sweep *sweep, uint64_t index, size_t knob,
                           struct arena *arena)
{
    uint64_t variant = sweep_variant_of(sweep, index);

    if (!sweep->sample)
        return space_grid_text(&sweep->space, variant, knob);
    return space_text(&sweep->space.knobs[knob], sweep->sample[variant * sweep->space.n + knob],
                      arena);
}

static bool add(struct study_variant *variant, struct scenario_override *to, const char *option,
                const char *key, const char *value, struct arena *arena)
{
    to->label = value ? arena_printf(arena, "--%s %s=%s", option, key, value) : NULL;
    to->text = value ? arena_printf(arena, "%s=%s", key, value) : NULL;
    variant->n_overrides++;
    return to->label && to->text;
}

enum status sweep_variant(struct study_variant *variant, const struct sweep *sweep, uint64_t index,
                          struct arena *arena, struct diag *d)
{
    enum { CHANCE = 2 }; /* seed, replicate */
    const struct sweep_definition *def = sweep->definition;
    struct scenario_override *to =
        ARENA_NEW(arena, sweep->space.n + CHANCE, struct scenario_override);
    bool ok = to != NULL;

    *variant = (struct study_variant){.overrides = to};
    for (size_t k = 0; k < sweep->space.n && ok; k++)
        ok = add(variant, to++, "vary", sweep->space.knobs[k].key,
                 sweep_value_of(sweep, index, k, arena), arena);
    if (def->n_seeds && ok)
        ok = add(variant, to++, "seeds", "seed",
                 arena_printf(arena, "%" PRId64, sweep_seed_of(sweep, index)), arena);
    if (def->n_replicates && ok)
        ok = add(variant, to++, "replicates", "replicate",
                 arena_printf(arena, "%" PRId64, sweep_replicate_of(sweep, index)), arena);
    return ok ? ST_OK : diag_nomem(d, "variant");
}

/* ---- all of them ---- */

enum { BLOCK = 1024 }; /* runs whose rows are in memory at a time */

struct block {
    const struct sweep *sweep;
    struct journal *journal;
    const struct sweep_running *running;
    uint64_t *n_done;
    uint64_t index[BLOCK];
    struct study_variant variants[BLOCK];
    size_t n;
    enum status failed; /* to write the journal */
    struct diag diag;
};

static bool keep_row(void *context, size_t i, const struct study_row *row)
{
    struct block *b = context;

    if (b->failed)
        return false;
    b->failed = journal_append(b->journal, b->index[i], row, &b->diag);
    if (!b->failed && b->running->progress)
        b->running->progress(b->running->context, ++*b->n_done, sweep_n_own(b->sweep));
    return b->failed == ST_OK;
}

static enum status run_block(struct block *b, struct arena *arena, struct diag *d)
{
    const struct sweep_definition *def = b->sweep->definition;
    const struct study_options options = {.source = b->running->source,
                                          .n_variants = b->n,
                                          .variants = b->variants,
                                          .n_keys = def->n_keys,
                                          .keys = def->keys,
                                          .resources = b->running->resources,
                                          .n_threads = b->running->n_threads,
                                          .cancel = b->running->cancel,
                                          .row_done = keep_row,
                                          .context = b};
    const struct study_row *rows;

    diag_init(&b->diag);
    enum status s = study_run(&rows, arena, &options, d);
    if (!b->failed)
        return s;
    diag_init(d); /* that it was stopped is the lesser news */
    return diag_fail(d, b->failed, "%s", b->diag.text);
}

enum status sweep_execute(const struct sweep *sweep, struct journal *journal,
                          const struct sweep_running *running, struct diag *d)
{
    uint64_t n_own = sweep_n_own(sweep), n_done = journal_n_done(journal), i = 0;
    enum status s = ST_OK;

    while (i < n_own && !s) {
        struct arena arena;
        arena_init(&arena);
        struct block *b = ARENA_NEW(&arena, 1, struct block);
        if (!b) {
            arena_release(&arena);
            return diag_nomem(d, "sweep");
        }
        b->sweep = sweep, b->journal = journal, b->running = running, b->n_done = &n_done;
        for (; i < n_own && b->n < BLOCK && !s; i++) {
            uint64_t index = sweep_own(sweep, i);
            if (journal_done(journal, index))
                continue;
            b->index[b->n] = index;
            s = sweep_variant(&b->variants[b->n++], sweep, index, &arena, d);
        }
        if (!s && b->n)
            s = run_block(b, &arena, d);
        arena_release(&arena);
    }
    enum status synced = journal_sync(journal, d);
    return s ? s : synced;
}
