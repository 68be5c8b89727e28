#include <float.h>
#include <math.h>

#include "studies/size/size_internal.h"

enum { RUNS_LEFT = 6 /* of a search, for the progress line */ };

static double shortfall_of(const struct expectation *target, double value)
{
    if (isnan(value))
        return INFINITY;
    double gap = fmax(fabs(target->bound - value), DBL_MIN);
    return expectation_holds(target, value) ? -gap : gap;
}

/* A product, so that it falls with any of them: with a burst of few requests only the last do. */
static double strain_of(const double *figures)
{
    double strain = 1;

    for (int i = SIZE_TTFT_MEAN; i <= SIZE_TPOT_MAX; i++)
        strain *= figures[i] > 0 ? figures[i] : 1;
    return strain;
}

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct sizing *z = context;

    (void)index, (void)row;
    z->n_done++;
    if (z->options->progress)
        z->options->progress(z->options->context, z->n_done, z->n_done + z->n_open * RUNS_LEFT);
    return true;
}

static enum status tell(struct size_task *t, const struct sizing *z, const struct study_row *row,
                        struct diag *d)
{
    struct fleet_trial trial = {.fleet = t->wanted, .figures = row->figures};

    if (row->status == ST_INPUT) {
        t->choice->message = row->message;
        t->done = true;
        return ST_OK;
    }
    if (row->status)
        return diag_fail(d, row->status, "%s", row->message);
    trial.shortfall = shortfall_of(z->options->target, row->figures[SIZE_TARGET]);
    trial.load = row->figures[SIZE_BUSY] / row->figures[SIZE_GPU_HOURS];
    trial.strain = strain_of(row->figures);
    if (t->of_load) { /* the load that fails is wanted, and an idle fleet is no reason to stop */
        trial.shortfall = -trial.shortfall;
        trial.load = 1;
    }
    return fleet_tell(t->search, &trial, d);
}

enum status size_run_tasks(struct sizing *z, struct size_task *tasks, size_t n, struct diag *d)
{
    const char *keys[N_SIZE_FIGURES] = {z->options->target->key,
                                        "attainment.overall",
                                        "gpu_hours.total",
                                        "gpu_hours.busy",
                                        "requests.missed_ttft",
                                        "requests.missed_tpot",
                                        "requests.rejected",
                                        "throughput.goodput_requests_per_s",
                                        "kv.preemptions",
                                        "kv.peak_utilization",
                                        "throughput.output_tokens_per_s",
                                        "latency_ms.ttft.mean",
                                        "latency_ms.ttft.p99",
                                        "latency_ms.ttft.max",
                                        "latency_ms.tpot.mean",
                                        "latency_ms.tpot.p99",
                                        "latency_ms.tpot.max"};
    struct study_variant *variants = ARENA_NEW(z->arena, n, struct study_variant);
    struct size_task **asking = ARENA_NEW(z->arena, n, struct size_task *);
    struct study_options study = {.source = z->options->source,
                                  .variants = variants,
                                  .n_keys = N_SIZE_FIGURES,
                                  .keys = keys,
                                  .resources = z->options->resources,
                                  .n_threads = z->options->n_threads,
                                  .cancel = z->options->cancel,
                                  .row_done = count_run,
                                  .context = z};
    enum status s = ST_OK;

    if (!variants || !asking)
        return diag_nomem(d, "runs");
    while (!s) {
        const struct study_row *rows;
        study.n_variants = 0;
        for (size_t i = 0; i < n && !s; i++) {
            struct size_task *t = &tasks[i];
            if (t->done)
                continue;
            t->state = fleet_next(t->search, &t->wanted);
            t->done = t->state != FLEET_WANTED;
            if (t->done)
                continue;
            struct size_setting setting = t->setting;
            if (t->of_load)
                setting.more_load = 1 + (double)t->wanted.n[0] / SIZE_LOAD_STEPS;
            else
                setting.fleet = t->wanted;
            asking[study.n_variants] = t;
            s = size_variant(&variants[study.n_variants++], z->arena, z->options, t->choice,
                             &setting, d);
        }
        z->n_open = study.n_variants;
        if (s || study.n_variants == 0)
            break;
        s = study_run(&rows, z->arena, &study, d);
        for (size_t i = 0; i < study.n_variants && !s; i++)
            s = tell(asking[i], z, &rows[i], d);
    }
    return s;
}

const struct size_setting size_as_it_is = {.more_load = 1, .prompt_factor = 1, .decode_factor = 1};
