#include "studies/study.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "reports/causes/causes_report.h"

struct study {
    const struct study_options *options;
    atomic_size_t next; /* variant that nobody has begun */
    atomic_bool ended;  /* by row_done */
    struct study_row *rows;
    double *figures;      /* a row for each variant */
    pthread_mutex_t lock; /* of the arena, and of calls of row_done */
    struct arena *arena;
};

enum status study_source(struct scenario_source *source, struct arena *arena,
                         const struct scenario_source *base, const struct study_variant *variant,
                         struct diag *d)
{
    *source = variant->source ? *variant->source : *base;
    size_t n = source->n_overrides, n_all = n + variant->n_overrides;
    struct scenario_override *all = ARENA_NEW(arena, n_all, struct scenario_override);

    if (!all)
        return diag_nomem(d, "variant");
    for (size_t i = 0; i < n_all; i++)
        all[i] = i < n ? source->overrides[i] : variant->overrides[i - n];
    source->overrides = all;
    source->n_overrides = n_all;
    return ST_OK;
}

static bool any_key(const struct study_options *options, bool (*begins)(const char *key))
{
    for (size_t i = 0; i < options->n_keys; i++) {
        const char *name;
        size_t n;
        if (begins(summary_own_key(options->keys[i], &name, &n)))
            return true;
    }
    return false;
}

static enum status run_variant(const struct study *study, size_t index, struct arena *arena,
                               enum run_end *end, struct diag *d)
{
    const struct study_options *options = study->options;
    const struct study_variant *variant = &options->variants[index];
    const struct run_options how = {.version = "",
                                    .share_trace = true,
                                    .no_digest = true,
                                    .keep_parts = any_key(options, summary_key_needs_parts),
                                    .cancel = options->cancel,
                                    .goal = variant->goal,
                                    .end = end};
    double *figures = study->figures + index * options->n_keys;
    const struct summary *summary;
    struct scenario_source source;
    struct scenario scenario;

    enum status s = study_source(&source, arena, options->source, variant, d);
    source.shared = run_resources_shared(options->resources);
    if (!s)
        s = scenario_read(&scenario, arena, &source, d);
    if (s)
        return s;
    if (!any_key(options, timeline_key_begins))
        scenario.output.sample_s = 0; /* nobody sees it */
    s = run_scenario(&summary, &scenario, arena, options->resources, &how, d);
    for (size_t i = 0; !s && i < options->n_keys; i++) {
        if (!summary_lookup(summary, options->keys[i], &figures[i]))
            figures[i] = NAN;
    }
    return s;
}

static void finish_row(struct study *study, size_t index, enum status status, enum run_end end,
                       const struct diag *d)
{
    const struct study_options *options = study->options;
    struct study_row *row = &study->rows[index];

    pthread_mutex_lock(&study->lock);
    *row = (struct study_row){.status = status};
    if (status) {
        row->message = arena_strdup(study->arena, d->text);
        if (!row->message)
            row->message = status_text(ST_NOMEM);
    } else {
        row->figures = study->figures + index * options->n_keys;
        row->end = end;
    }
    if (options->row_done && status != ST_CANCELLED &&
        !options->row_done(options->context, index, row))
        atomic_store(&study->ended, true);
    pthread_mutex_unlock(&study->lock);
}

static bool cancelled(const struct study *study)
{
    return atomic_load(&study->ended) ||
           (study->options->cancel && atomic_load(study->options->cancel));
}

static void *work(void *context)
{
    struct study *study = context;
    size_t index;

    while (!cancelled(study) &&
           (index = atomic_fetch_add(&study->next, 1)) < study->options->n_variants) {
        struct arena arena;
        struct diag d;
        arena_init(&arena);
        enum run_end end = RUN_WHOLE;
        diag_init(&d);
        enum status s = run_variant(study, index, &arena, &end, &d);
        finish_row(study, index, s, end, &d);
        arena_release(&arena);
    }
    return NULL;
}

/* This thread is one of them; those that cannot be had are done without. */
static enum status work_on_threads(struct study *study, struct diag *d)
{
    size_t n = study->options->n_threads, n_started = 0;

    if (n > study->options->n_variants)
        n = study->options->n_variants;
    pthread_t *threads = calloc(n + 1, sizeof *threads);
    if (!threads)
        return diag_nomem(d, "study");
    while (n_started + 1 < n && pthread_create(&threads[n_started], NULL, work, study) == 0)
        n_started++;
    work(study);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    for (size_t i = 0; i < study->options->n_variants; i++) {
        if (study->rows[i].status == ST_CANCELLED)
            return diag_fail(d, ST_CANCELLED, "stopped");
    }
    return ST_OK;
}

enum status study_run(const struct study_row **rows, struct arena *arena,
                      const struct study_options *options, struct diag *d)
{
    size_t n = options->n_variants;
    struct study study = {.options = options,
                          .rows = ARENA_NEW(arena, n, struct study_row),
                          .figures = ARENA_NEW(arena, n * options->n_keys, double),
                          .arena = arena};

    if (!study.rows || !study.figures || pthread_mutex_init(&study.lock, NULL) != 0)
        return diag_nomem(d, "study");
    for (size_t i = 0; i < n; i++)
        study.rows[i] = (struct study_row){.status = ST_CANCELLED, .message = "stopped"};
    enum status s = work_on_threads(&study, d);
    pthread_mutex_destroy(&study.lock);
    *rows = study.rows;
    return s;
}
