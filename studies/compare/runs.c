/* One run of each input, read back, and its replicates. */
#include <math.h>
#include <string.h>

#include "scenarios/compose/run.h"
#include "studies/chance.h"
#include "studies/compare/compare_internal.h"
#include "studies/study.h"

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

/* ---- what there is of them ---- */

static enum status finish_run(struct compare_run *run, const struct comparison *c, struct diag *d)
{
    enum status s = compare_find_causes(run, c->arena, d);

    return s ? s : compare_cut_windows(run, c->arena, c->options->window_ns, d);
}

static enum status read_deployments(struct compare_run *run, struct compare_side *side,
                                    const struct comparison *c, struct diag *d)
{
    size_t n = side->whole.n;
    struct recorded **each = ARENA_NEW(c->arena, n, struct recorded *);
    enum status s;

    run->recorded = side->whole.all;
    side->each = ARENA_NEW(c->arena, n, struct compare_run);
    if (!each || !side->each)
        return diag_nomem(d, "deployments");
    for (size_t i = 0; i < n; i++) {
        side->each[i] = (struct compare_run){.input = run->input, .n_rows = run->n_rows};
        each[i] = &side->each[i].recorded;
    }
    s = recorded_read_each(each, c->arena, &side->whole, NULL, d);
    for (size_t i = 0; i < n && !s; i++)
        s = finish_run(&side->each[i], c, d);
    return s;
}

static enum status read_run(struct compare_run *run, struct compare_side *side,
                            const struct comparison *c, struct diag *d)
{
    const char *dir = run->input->dir, *deployment = c->options->deployment;

    enum status s = deployment ? ST_OK : recorded_read_whole(&side->whole, c->arena, dir, d);
    if (!s && side->whole.n)
        return read_deployments(run, side, c, d);
    if (!s)
        s = recorded_read(&run->recorded, c->arena, dir, deployment, d);
    return s ? s : finish_run(run, c, d);
}

/* Its place among the deployments of a side; their number: it has none of that name. */
static size_t place_of(const struct compare_side *side, const char *name)
{
    size_t i = 0;

    while (i < side->whole.n && strcmp(side->whole.names[i], name) != 0)
        i++;
    return i;
}

static bool all_have(const struct comparison *c, const char *name)
{
    for (size_t i = 0; i < c->options->n_inputs; i++) {
        if (place_of(&c->sides[i], name) == c->sides[i].whole.n)
            return false;
    }
    return true;
}

static enum status add_deployment(struct comparison *c, struct compare_result *to, const char *name,
                                  struct diag *d)
{
    size_t n = c->options->n_inputs;
    struct compare_run *runs = ARENA_NEW(c->arena, n, struct compare_run);

    if (!runs)
        return diag_nomem(d, "deployments");
    for (size_t i = 0; i < n; i++)
        runs[i] = c->sides[i].each[place_of(&c->sides[i], name)];
    *to = (struct compare_result){
        .options = c->options, .deployment = name, .n_runs = n, .n_pairs = n - 1, .runs = runs};
    c->blocks[c->n_blocks++] = (struct compare_block){to, runs, NULL};
    return ST_OK;
}

/* What all have, in the order of the first. */
static enum status find_deployments(struct comparison *c, struct diag *d)
{
    const struct recorded_whole *first = &c->sides[0].whole;
    struct compare_block whole = c->blocks[0];
    struct compare_result *of = ARENA_NEW(c->arena, first->n, struct compare_result);
    enum status s = ST_OK;

    c->blocks = ARENA_NEW(c->arena, 1 + first->n, struct compare_block);
    if (!of || !c->blocks)
        return diag_nomem(d, "deployments");
    c->blocks[0] = whole;
    for (size_t i = 0; i < c->options->n_inputs; i++)
        whole.of->of_all = whole.of->of_all || c->sides[i].whole.n;
    whole.of->deployments = of;
    for (size_t i = 0; i < first->n && !s; i++) {
        if (all_have(c, first->names[i]))
            s = add_deployment(c, &of[whole.of->n_deployments++], first->names[i], d);
    }
    return s;
}

enum status compare_make_runs(struct comparison *c, struct diag *d)
{
    const struct compare_options *o = c->options;

    for (size_t i = 0; i < o->n_inputs; i++) {
        struct compare_run *run = &c->blocks[0].runs[i];
        struct drawing drawing = {o, c->arena, NULL, run, c->variants + c->n_variants};
        run->input = &o->inputs[i];
        enum status s = run->input->source ? run_input(&drawing, d) : ST_OK;
        if (!s)
            s = read_run(run, &c->sides[i], c, d);
        if (s)
            return s;
        c->n_variants += run->n_rows;
    }
    return find_deployments(c, d);
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

static enum status check_rows(const struct comparison *c, const struct study_row *rows,
                              struct diag *d)
{
    for (size_t i = 0; i < c->options->n_inputs; i++) {
        const struct compare_run *run = &c->blocks[0].runs[i];
        for (size_t r = 0; r < run->n_rows; r++, rows++) {
            if (rows->status)
                return diag_fail(d, rows->status, "replicate %zu of %s: %s", r + 1,
                                 run->input->name, rows->message);
        }
    }
    return ST_OK;
}

/* The rows of each run, one run after the other: in each the keys of the blocks, one block after
 * the other. */
static enum status take_rows(const struct comparison *c, const struct study_row *rows, size_t block,
                             struct diag *d)
{
    const struct compare_block *to = &c->blocks[block];
    size_t n_keys = to->of->n_keys;

    for (size_t i = 0; i < c->options->n_inputs; i++) {
        double *figures = ARENA_NEW(c->arena, to->runs[i].n_rows * n_keys, double);
        if (!figures)
            return diag_nomem(d, "figures");
        for (size_t r = 0; r < to->runs[i].n_rows; r++, rows++)
            memcpy(figures + r * n_keys, rows->figures + block * n_keys, n_keys * sizeof *figures);
        to->runs[i].figures = figures;
    }
    return ST_OK;
}

/* As summary.json of the runs has them. */
static enum status keys_of_rows(const char **keys, const struct comparison *c, struct diag *d)
{
    for (size_t b = 0; b < c->n_blocks; b++) {
        const struct compare_result *of = c->blocks[b].of;
        for (size_t i = 0; i < of->n_keys; i++, keys++) {
            *keys = of->deployment
                        ? arena_printf(c->arena, "deployments.%s.%s", of->deployment, of->keys[i])
                        : of->keys[i];
            if (!*keys)
                return diag_nomem(d, "keys");
        }
    }
    return ST_OK;
}

enum status compare_run_replicates(struct comparison *c, struct diag *d)
{
    const struct compare_options *o = c->options;
    size_t n_keys = c->n_blocks * c->blocks[0].of->n_keys;
    struct counter counter = {o, 0, c->n_variants};
    const char **keys = ARENA_NEW(c->arena, n_keys, const char *);
    const struct study_options study = {
        .n_variants = c->n_variants,
        .variants = c->variants,
        .n_keys = n_keys,
        .keys = keys,
        .resources = o->resources,
        .n_threads = o->n_threads,
        .cancel = o->cancel,
        .row_done = count_run,
        .context = &counter,
    };
    const struct study_row *rows;

    if (c->n_variants == 0)
        return ST_OK;
    enum status s = keys ? keys_of_rows(keys, c, d) : diag_nomem(d, "keys");
    if (!s)
        s = study_run(&rows, c->arena, &study, d);
    if (!s)
        s = check_rows(c, rows, d);
    for (size_t b = 0; b < c->n_blocks && !s; b++)
        s = take_rows(c, rows, b, d);
    return s;
}
