#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "studies/compare/compare_internal.h"

const char *const compare_verdict_names[] = {"unsure", "same", "better", "worse", "changed"};

/* The main figures, with labels as the report of a run has them. */
static const char *const main_keys[] = {
    "attainment.overall",  "attainment.windows",
    "requests.lost",       "latency_ms.ttft.p50",
    "latency_ms.ttft.p99", "latency_ms.tpot.p99",
    "latency_ms.e2e.p50",  "throughput.goodput_requests_per_s",
    "gpu_hours.total",     "cost.total",
    "scaling.up",          "scaling.down",
    "scaling.peak_gpus",   "unserved_gpu_hours",
};
enum { N_MAIN = sizeof main_keys / sizeof *main_keys, N_OF_SEVERAL = 1 /* the last ones */ };
static const char *const labels[N_MAIN] = {
    "SLA attainment", "windows held",    "lost requests",  "TTFT p50, ms",       "TTFT p99, ms",
    "TPOT p99, ms",   "E2E p50, ms",     "goodput, per s", "GPU-hours",          "cost",
    "workers added",  "workers removed", "peak GPUs",      "unserved GPU-hours",
};

size_t compare_main_keys(const char *const **keys, bool several)
{
    *keys = main_keys;
    return several ? N_MAIN : N_MAIN - N_OF_SEVERAL;
}

const char *compare_label(const char *key)
{
    for (size_t i = 0; i < N_MAIN; i++) {
        if (strcmp(main_keys[i], key) == 0)
            return labels[i];
    }
    return key;
}

/* How often and how far a fleet moves is neither good nor bad by itself. */
static enum summary_worse worse_side(const char *key)
{
    static const char moves[] = "scaling.", failures[] = "scaling.failed";
    bool is_move = strncmp(key, moves, sizeof moves - 1) == 0 &&
                   strncmp(key, failures, sizeof failures - 1) != 0;

    return is_move ? SUMMARY_WORSE_EITHER : summary_key_worse(key);
}

static enum compare_verdict verdict_of(const char *key, const struct paired *p)
{
    enum summary_worse worse = worse_side(key);

    if (!p->told_apart)
        return p->mean == 0 && p->at.low == 0 && p->at.high == 0 ? COMPARE_SAME : COMPARE_UNSURE;
    if (worse == SUMMARY_WORSE_EITHER)
        return COMPARE_CHANGED;
    return (p->mean > 0) == (worse == SUMMARY_WORSE_HIGHER) ? COMPARE_WORSE : COMPARE_BETTER;
}

/* Of the column of a key in the rows of two runs. */
static struct compare_difference of_replicates(const struct compare_pair *pair, size_t key,
                                               const struct compare_result *result, double *a,
                                               double *b)
{
    size_t n = 0;

    for (size_t i = 0; i < pair->n_replicates; i++) {
        double of_a = pair->a->figures[i * result->n_keys + key];
        double of_b = pair->b->figures[i * result->n_keys + key];
        if (isnan(of_a) || isnan(of_b))
            continue;
        a[n] = of_a;
        b[n++] = of_b;
    }
    const char *name = result->keys[key];
    if (n < 2)
        return (struct compare_difference){name, NAN, NAN, NAN, {NAN, NAN}, COMPARE_UNSURE};
    const struct paired p = paired_difference(b, a, n, result->level_each);
    return (struct compare_difference){
        name, sample_moments(a, n).mean, sample_moments(b, n).mean, p.mean,
        p.at, verdict_of(name, &p)};
}

static struct compare_difference of_runs(const struct compare_pair *pair, const char *key)
{
    double a = recorded_figure(&pair->a->recorded, key);
    double b = recorded_figure(&pair->b->recorded, key);

    return (struct compare_difference){key,   a,          b,
                                       b - a, {NAN, NAN}, a == b ? COMPARE_SAME : COMPARE_UNSURE};
}

enum status compare_figures(struct compare_pair *pair, struct arena *arena,
                            const struct compare_result *result, struct diag *d)
{
    size_t n_rows = pair->n_replicates;
    struct compare_difference *to = ARENA_NEW(arena, result->n_keys, struct compare_difference);
    double *a = ARENA_NEW(arena, n_rows, double), *b = ARENA_NEW(arena, n_rows, double);

    if (!to || !a || !b)
        return diag_nomem(d, "differences");
    for (size_t k = 0; k < result->n_keys; k++)
        to[k] = n_rows ? of_replicates(pair, k, result, a, b) : of_runs(pair, result->keys[k]);
    pair->differences = to;
    return ST_OK;
}
