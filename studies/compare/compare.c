#include "studies/compare/compare.h"

#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/compose/run.h"
#include "studies/chance.h"
#include "studies/compare/compare_internal.h"
#include "studies/study.h"
#include "util/bug.h"
#include "util/units.h"

struct comparison {
    const struct compare_options *options;
    struct arena *arena;
    struct compare_run *runs;
    struct compare_result *result;
};

/* ---- the runs themselves ---- */

/* Of the scenario that runs at the moment. */
struct drawing {
    const struct compare_options *options;
    struct arena *arena;
    const struct scenario *scenario;
    struct compare_run *run;
    struct study_variant *variants; /* n_replicates */
};

static enum status draw_replicates(void *context, const struct scenario_run *built,
                                   struct summary *summary, struct diag *d)
{
    static const struct chance *const which[] = {&chance_replicates, NULL};
    struct drawing *w = context;
    const struct chance_setup setup = {w->arena, w->scenario, built};
    struct summary_intervals unused = {0};
    struct diag why;

    (void)summary;
    diag_init(&why);
    enum status s = chance_variants(w->variants, &unused, &setup, which, w->options->n_replicates,
                                    w->options->must_replicate ? d : &why);
    if (s == ST_INPUT && !w->options->must_replicate) {
        w->run->no_replicates = arena_strdup(w->arena, why.text);
        return w->run->no_replicates ? ST_OK : diag_nomem(d, "note");
    }
    if (s)
        return diag_fail(d, s, "%s", why.text);
    for (size_t i = 0; i < w->options->n_replicates; i++)
        w->variants[i].source = w->run->input->source;
    w->run->n_rows = w->options->n_replicates;
    return ST_OK;
}

static enum status run_input(struct drawing *w, struct diag *d)
{
    const struct compare_options *o = w->options;
    struct scenario *scenario = ARENA_NEW(w->arena, 1, struct scenario);
    struct scenario_source source = *w->run->input->source;
    const struct run_options how = {
        .version = o->version,
        .out_dir = w->run->input->dir,
        .share_trace = true,
        .cancel = o->cancel,
        .progress = o->run_progress,
        .progress_context = o->context,
        .amend = o->n_replicates ? draw_replicates : NULL,
        .amend_context = w,
    };
    const struct summary *unused;

    if (!scenario)
        return diag_nomem(d, "scenario");
    source.shared = run_resources_shared(o->resources);
    enum status s = scenario_read(scenario, w->arena, &source, d);
    w->scenario = scenario;
    return s ? s : run_scenario(&unused, scenario, w->arena, o->resources, &how, d);
}

/* Runs those that are scenarios, and reads all. The variants of their replicates come one scenario
 * after the other. */
static enum status make_runs(struct comparison *c, struct study_variant *variants,
                             size_t *n_variants, struct diag *d)
{
    const struct compare_options *o = c->options;

    *n_variants = 0;
    for (size_t i = 0; i < o->n_inputs; i++) {
        struct compare_run *run = &c->runs[i];
        struct drawing drawing = {o, c->arena, NULL, run, variants + *n_variants};
        run->input = &o->inputs[i];
        enum status s = run->input->source ? run_input(&drawing, d) : ST_OK;
        if (!s)
            s = recorded_read(&run->recorded, c->arena, run->input->dir, o->deployment, d);
        if (!s)
            s = compare_find_causes(run, c->arena, d);
        if (!s)
            s = compare_cut_windows(run, c->arena, o->window_ns, d);
        if (s)
            return s;
        *n_variants += run->n_rows;
    }
    return ST_OK;
}

/* ---- replicates ---- */

struct counter {
    const struct compare_options *options;
    size_t n_done, n;
};

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct counter *c = context;

    (void)index, (void)row;
    c->n_done++;
    if (c->options->progress)
        c->options->progress(c->options->context, c->n_done, c->n);
    return true;
}

/* The rows of each run, one run after the other. */
static enum status take_rows(struct comparison *c, const struct study_row *rows, struct diag *d)
{
    for (size_t i = 0; i < c->options->n_inputs; i++) {
        struct compare_run *run = &c->runs[i];
        double *figures = ARENA_NEW(c->arena, run->n_rows * c->result->n_keys, double);
        if (!figures)
            return diag_nomem(d, "figures");
        for (size_t r = 0; r < run->n_rows; r++, rows++) {
            if (rows->status)
                return diag_fail(d, rows->status, "replicate %zu of %s: %s", r + 1,
                                 run->input->name, rows->message);
            memcpy(figures + r * c->result->n_keys, rows->figures,
                   c->result->n_keys * sizeof *figures);
        }
        run->figures = figures;
    }
    return ST_OK;
}

/* As a run of several deployments has them. NULL: no memory. */
static const char *const *keys_of_runs(const struct comparison *c)
{
    const char **keys;

    if (!c->options->deployment)
        return c->result->keys;
    keys = ARENA_NEW(c->arena, c->result->n_keys, const char *);
    for (size_t i = 0; keys && i < c->result->n_keys; i++) {
        keys[i] =
            arena_printf(c->arena, "deployments.%s.%s", c->options->deployment, c->result->keys[i]);
        if (!keys[i])
            return NULL;
    }
    return keys;
}

static enum status run_replicates(struct comparison *c, const struct study_variant *variants,
                                  size_t n, struct diag *d)
{
    const struct compare_options *o = c->options;
    struct counter counter = {o, 0, n};
    const struct study_options study = {
        .n_variants = n,
        .variants = variants,
        .n_keys = c->result->n_keys,
        .keys = keys_of_runs(c),
        .resources = o->resources,
        .n_threads = o->n_threads,
        .cancel = o->cancel,
        .row_done = count_run,
        .context = &counter,
    };
    const struct study_row *rows;

    if (n == 0)
        return ST_OK;
    if (!study.keys)
        return diag_nomem(d, "keys");
    enum status s = study_run(&rows, c->arena, &study, d);
    return s ? s : take_rows(c, rows, d);
}

/* ---- pairs ---- */

static void add_note(struct compare_pair *pair, const char *note)
{
    BUG_IF(pair->n_notes == COMPARE_MAX_NOTES);
    pair->notes[pair->n_notes++] = note; /* NULL: looked at by the caller */
}

static bool same_pools(const struct recorded *a, const struct recorded *b)
{
    for (size_t i = 0; i < a->n_pools && i < b->n_pools; i++) {
        if (strcmp(a->pools[i], b->pools[i]) != 0)
            return false;
    }
    return a->n_pools == b->n_pools;
}

static void note_traffic(struct compare_pair *pair, struct arena *arena)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;

    if (!pair->requests.matched)
        add_note(pair, arena_printf(arena,
                                    "the requests are others (trace digests %s and %s): figures "
                                    "and windows are of different traffic, and requests are not "
                                    "matched",
                                    a->trace_digest, b->trace_digest));
    else if (strcmp(a->trace_digest, b->trace_digest) != 0)
        add_note(pair, arena_printf(arena,
                                    "the same requests came at other times, or not all of them "
                                    "(trace digests %s and %s)",
                                    a->trace_digest, b->trace_digest));
}

/* What is to be known before the figures are believed. */
static enum status add_notes(struct compare_pair *pair, struct arena *arena, struct diag *d)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;

    note_traffic(pair, arena);
    if (a->ttft_target_ns != b->ttft_target_ns || a->tpot_target_ns != b->tpot_target_ns)
        add_note(pair, arena_printf(arena,
                                    "the targets differ (TTFT %.6g and %.6g ms, TPOT %.6g and %.6g "
                                    "ms): each run is judged by its own",
                                    ms_from_ns(a->ttft_target_ns), ms_from_ns(b->ttft_target_ns),
                                    ms_from_ns(a->tpot_target_ns), ms_from_ns(b->tpot_target_ns)));
    if (strcmp(a->version, b->version) != 0)
        add_note(pair, arena_printf(arena, "the runs are of versions %s and %s of headroom",
                                    a->version, b->version));
    if (!pair->same_pools)
        add_note(pair, "the pools are others: fleets and decisions are not compared");
    if (a->n_samples == 0 || b->n_samples == 0)
        add_note(pair, "a run has no timeline (output.sample_s 0): windows are without workers");
    if (a->deployment)
        add_note(pair, "what an arbiter gave and took between the decisions of the deployment is "
                       "not among them: grants.jsonl has it");
    if (pair->a->no_replicates || pair->b->no_replicates)
        add_note(pair, arena_printf(arena, "no replicates: %s",
                                    pair->a->no_replicates ? pair->a->no_replicates
                                                           : pair->b->no_replicates));
    if (pair->n_replicates == 0)
        add_note(pair, "one run each: a sample, without an interval; chance may be all of it");
    for (size_t i = 0; i < pair->n_notes; i++) {
        if (!pair->notes[i])
            return diag_nomem(d, "notes");
    }
    return ST_OK;
}

static bool has_pairs(const struct compare_pair *pair, size_t key, size_t n_keys)
{
    size_t n = 0;

    for (size_t i = 0; i < pair->n_replicates; i++)
        n += isnan(pair->a->figures[i * n_keys + key] + pair->b->figures[i * n_keys + key]) ? 0 : 1;
    return n >= 2;
}

/* C. E. Bonferroni: of n intervals none misses with probability `level` when each misses n times
 * less often than all may. */
static double level_of_each(const struct compare_result *result)
{
    size_t n = 0;

    for (size_t i = 0; i < result->n_pairs; i++) {
        for (size_t k = 0; k < result->n_keys; k++)
            n += has_pairs(&result->pairs[i], k, result->n_keys);
    }
    return n ? 1 - (1 - result->options->level) / (double)n : result->options->level;
}

static enum status make_pairs(struct comparison *c, struct diag *d)
{
    struct compare_result *result = c->result;
    struct compare_pair *pairs = ARENA_NEW(c->arena, result->n_pairs, struct compare_pair);
    enum status s = pairs ? ST_OK : diag_nomem(d, "pairs");

    if (s)
        return s;
    result->pairs = pairs;
    for (size_t i = 0; i < result->n_pairs; i++) {
        const struct compare_run *a = &c->runs[0], *b = &c->runs[i + 1];
        pairs[i].a = a;
        pairs[i].b = b;
        pairs[i].same_pools = same_pools(&a->recorded, &b->recorded);
        pairs[i].n_replicates = a->n_rows < b->n_rows ? a->n_rows : b->n_rows;
    }
    result->level_each = level_of_each(result);
    for (size_t i = 0; i < result->n_pairs && !s; i++) {
        s = compare_figures(&pairs[i], c->arena, result, d);
        compare_windows(&pairs[i]);
        if (!s)
            s = compare_decisions(&pairs[i], c->arena, d);
        compare_requests(&pairs[i]);
        if (!s)
            s = add_notes(&pairs[i], c->arena, d);
    }
    return s;
}

enum status compare_runs(const struct compare_result **result, struct arena *arena,
                         const struct compare_options *options, struct diag *d)
{
    size_t n = options->n_inputs, n_variants;
    struct comparison c = {.options = options,
                           .arena = arena,
                           .runs = ARENA_NEW(arena, n, struct compare_run),
                           .result = ARENA_NEW(arena, 1, struct compare_result)};
    struct study_variant *variants =
        ARENA_NEW(arena, n * options->n_replicates, struct study_variant);

    BUG_IF(n < 2 || n > COMPARE_MAX_RUNS);
    if (!c.runs || !c.result || !variants)
        return diag_nomem(d, "comparison");
    *c.result = (struct compare_result){.options = options,
                                        .n_keys = options->n_keys,
                                        .keys = options->keys,
                                        .n_runs = n,
                                        .n_pairs = n - 1,
                                        .runs = c.runs};
    if (options->n_keys == 0)
        c.result->n_keys = compare_main_keys(&c.result->keys);
    enum status s = make_runs(&c, variants, &n_variants, d);
    if (!s)
        s = run_replicates(&c, variants, n_variants, d);
    if (!s)
        s = make_pairs(&c, d);
    *result = c.result;
    return s;
}

char compare_letter(const struct compare_run *run, const struct compare_result *result)
{
    return (char)('A' + (int)(run - result->runs));
}
