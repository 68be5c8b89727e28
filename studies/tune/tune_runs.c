#include <math.h>
#include <stdio.h>

#include "studies/study.h"
#include "studies/tune/tune_internal.h"
#include "util/json_out.h"

static bool add_override(struct study_variant *v, struct scenario_override *o, struct arena *arena,
                         const char *label, const char *key, const char *value)
{
    o[v->n_overrides] = (struct scenario_override){label, arena_printf(arena, "%s=%s", key, value)};
    return o[v->n_overrides++].text != NULL;
}

static bool add_number(struct study_variant *v, struct scenario_override *o, struct arena *arena,
                       const char *key, double value)
{
    char text[JSON_NUMBER_SIZE];

    json_format_double(text, value);
    return key && add_override(v, o, arena, "tune", key, text);
}

/* The part, of the trace of each deployment or of the one of all. */
static bool add_part(struct study_variant *v, struct scenario_override *o, struct arena *arena,
                     const struct scenario *scenario, const struct tune_part *part)
{
    bool apart = scenario->n_deployments && !scenario_has_endpoint(scenario), ok = true;

    for (size_t i = 0; i < (apart ? scenario->n_deployments : 1) && ok; i++) {
        const char *before =
            apart ? arena_printf(arena, "deployments.%s.", scenario->deployments[i].deployment)
                  : "";
        ok = before &&
             add_number(v, o, arena, arena_printf(arena, "%strace.from_s", before), part->from_s) &&
             add_number(v, o, arena, arena_printf(arena, "%strace.to_s", before), part->to_s);
    }
    return ok;
}

/* The setting's values; NULL: the scenario's own. Knobs of another policy than the setting's are
 * left out. Then, if asked for, the replicate of a part. */
static enum status make_variant(struct study_variant *v, struct arena *arena, const struct tuner *t,
                                const char *const *values, const struct tune_part *part,
                                size_t replicate, struct diag *d)
{
    const struct space *space = t->options->space;
    const struct scenario *scenario = t->options->scenario;
    const size_t room = space->n + 1 + 2 * scenario_n_deployments(scenario);
    struct scenario_override *o = ARENA_NEW(arena, room, struct scenario_override);
    bool ok = o != NULL;

    *v = (struct study_variant){.overrides = o};
    for (size_t k = 0; k < space->n && ok && values; k++) {
        if (tune_value_counts(t->options, values, k))
            ok = add_override(v, o, arena, "--vary", space->knobs[k].key, values[k]);
    }
    /* Without a trace other courses of the traffic are what was not seen. */
    size_t seen = t->whole && part == &t->judge ? t->problem.n_replicates : 0;
    if (ok && part)
        ok = add_number(v, o, arena, "replicate", (double)(seen + replicate) + 1);
    if (ok && part && !t->whole) {
        const struct tune_part slice = tuner_slice(t, part, replicate);
        ok = add_part(v, o, arena, scenario, &slice);
    }
    return ok ? ST_OK : diag_nomem(d, "settings");
}

const char *tuner_invalid(void *context, const double *u)
{
    struct tuner *t = context;
    struct study_variant v;
    struct scenario_source source;
    struct scenario scenario;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    const char *const *values = space_texts(t->options->space, u, &arena);
    enum status s =
        values ? make_variant(&v, &arena, t, values, NULL, 0, &d) : diag_nomem(&d, "settings");
    if (!s)
        s = study_source(&source, &arena, t->options->source, &v, &d);
    source.shared = run_resources_shared(t->options->resources);
    if (!s)
        s = scenario_read(&scenario, &arena, &source, &d);
    arena_release(&arena);
    if (!s)
        return NULL;
    snprintf(t->wrong, sizeof t->wrong, "%s", d.text);
    return t->wrong;
}

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct tuner *t = context;

    (void)index, (void)row;
    t->n_done++;
    if (t->options->progress)
        t->options->progress(t->options->context, t->n_done, t->n_to_do);
    return true;
}

static enum status run_all(struct tuner *t, const struct study_variant *variants, size_t n,
                           struct arena *arena, const struct study_row **rows, struct diag *d)
{
    const struct study_options study = {.source = t->options->source,
                                        .n_variants = n,
                                        .variants = variants,
                                        .n_keys = t->n_keys,
                                        .keys = t->keys,
                                        .resources = t->options->resources,
                                        .n_threads = t->options->n_threads,
                                        .cancel = t->options->cancel,
                                        .row_done = count_run,
                                        .context = t};

    return study_run(rows, arena, &study, d);
}

enum status tuner_evaluate(void *context, const struct trials *trials,
                           const struct tuning_run *runs, size_t n, double *figures,
                           const char **messages, struct diag *d)
{
    struct tuner *t = context;
    const struct study_row *rows;
    struct arena arena;

    arena_init(&arena);
    struct study_variant *variants = ARENA_NEW(&arena, n, struct study_variant);
    enum status s = variants ? ST_OK : diag_nomem(d, "settings");
    for (size_t i = 0; i < n && !s; i++) {
        const char *const *values = NULL;
        if (runs[i].setting != TUNING_DEFAULT &&
            !(values = space_texts(t->options->space, trials->trial[runs[i].setting].u, &arena)))
            s = diag_nomem(d, "settings");
        if (!s)
            s = make_variant(&variants[i], &arena, t, values, t->part, runs[i].replicate, d);
    }
    if (!s)
        s = run_all(t, variants, n, &arena, &rows, d);
    for (size_t i = 0; i < n && !s; i++) {
        for (size_t k = 0; k < t->n_keys; k++)
            figures[i * t->n_keys + k] = rows[i].figures ? rows[i].figures[k] : NAN;
        messages[i] = NULL;
        if (rows[i].message && !(messages[i] = arena_strdup(t->arena, rows[i].message)))
            s = diag_nomem(d, "settings");
    }
    arena_release(&arena);
    return s;
}
