#include "reports/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/medians.h"
#include "reports/summary_internal.h"
#include "util/bug.h"
#include "util/units.h"

static const double s_per_hour = 3600;

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static void compute_requests(struct summary *y, const struct recorder_totals *t)
{
    const uint64_t *n = t->n_by_outcome;

    y->requests.offered = t->n_offered;
    y->requests.completed = n[OUTCOME_COMPLETED];
    y->requests.lost = n[OUTCOME_LOST];
    y->requests.rejected = n[OUTCOME_REJECTED];
    y->requests.unfinished = n[OUTCOME_UNFINISHED];
    y->requests.timed_out = n[OUTCOME_TIMED_OUT];
    y->requests.retried = t->n_retried;
    y->requests.retries = t->n_retries;
    y->requests.good = t->n_good;
    y->requests.missed_ttft = n[OUTCOME_COMPLETED] - t->n_ttft_ok;
    y->requests.missed_tpot = n[OUTCOME_COMPLETED] - t->n_tpot_ok;
    y->requests.outside_span = t->n_records - t->n_offered;
    if (y->requests.completed + y->requests.lost + y->requests.rejected + y->requests.unfinished +
            y->requests.timed_out !=
        y->requests.offered)
        BUG("%" PRIu64 " requests offered, but %" PRIu64 " completed, %" PRIu64 " lost, %" PRIu64
            " rejected, %" PRIu64 " unfinished and %" PRIu64 " timed out",
            y->requests.offered, y->requests.completed, y->requests.lost, y->requests.rejected,
            y->requests.unfinished, y->requests.timed_out);

    double offered = (double)t->n_offered;
    y->attainment.overall = ratio((double)t->n_good, offered);
    y->attainment.ttft = ratio((double)t->n_ttft_ok, offered);
    y->attainment.tpot = ratio((double)t->n_tpot_ok, offered);
}

static void compute_windows(struct summary *y, const struct windows *w)
{
    y->attainment.windows = ratio((double)w->n_good, (double)w->n);
    y->attainment.n_windows = w->n;
    y->windows.min_attainment = windows_min_attainment(w);
    y->windows.max_ttft_ms = w->max_ttft_s > 0 ? w->max_ttft_s * 1e3 : NAN;
    y->windows.max_itl_ms = w->max_itl_s > 0 ? w->max_itl_s * 1e3 : NAN;
    y->windows.longest_missed_s = s_from_ns(w->longest_missed_ns);
}

static enum status compute_latency(struct summary *y, struct recorder_totals *t,
                                   const struct histogram *itl, struct diag *d)
{
    const double ns_per_ms = (double)NS_PER_MS;
    enum status s = quantiles_distribution(&t->ttft, ns_per_ms, &y->latency_ms.ttft, d);

    if (s == ST_OK)
        s = quantiles_distribution(&t->ttst, ns_per_ms, &y->latency_ms.ttst, d);
    if (s == ST_OK)
        s = quantiles_distribution(&t->tpot, ns_per_ms, &y->latency_ms.tpot, d);
    if (s == ST_OK)
        s = quantiles_distribution(&t->e2e, ns_per_ms, &y->latency_ms.e2e, d);
    y->latency_ms.itl = (struct distribution){
        .n = itl->n,
        .mean = histogram_mean(itl) / ns_per_ms,
        .p50 = histogram_quantile(itl, 0.50) / ns_per_ms,
        .p75 = histogram_quantile(itl, 0.75) / ns_per_ms,
        .p90 = histogram_quantile(itl, 0.90) / ns_per_ms,
        .p95 = histogram_quantile(itl, 0.95) / ns_per_ms,
        .p99 = histogram_quantile(itl, 0.99) / ns_per_ms,
        .max = itl->n ? (double)itl->max / ns_per_ms : NAN,
    };
    /* TTFT and E2E have the most values, so that they count when any family does. */
    y->latency_ms.error_relative = fmax(quantiles_error(&t->ttft), quantiles_error(&t->e2e));
    y->latency_ms.itl_error_relative = QUANTILES_ERROR;
    return s;
}

static void compute_moves(struct summary *y, const struct moves *m)
{
    y->scaling.reversals = m->n_reversals;
    y->scaling.flaps = m->n_flaps;
    y->scaling.first_up_s = m->n_ups ? s_from_ns(m->first_up_ns) : NAN;
    y->scaling.first_down_s = m->n_downs ? s_from_ns(m->first_down_ns) : NAN;
    y->scaling.last_change_s = s_from_ns(m->last_ns);
}

/* GPU-hours, what they cost, and how the fleet moved. After compute_requests. */
static void compute_fleet(struct summary *y, const struct recorder_totals *t,
                          const struct run_result *result)
{
    const struct run_info *info = y->info;
    double states[N_GPU_STATES] = {0}, cost = 0;

    for (size_t i = 0; i < info->n_pools; i++) {
        const struct pool_result *p = &result->pools[i];
        for (int state = 0; state < N_GPU_STATES; state++) {
            double hours = p->gpu_s[state] / s_per_hour;
            y->gpu_hours.by_pool_state[i][state] = hours;
            y->gpu_hours.by_pool[i] += hours;
            states[state] += hours;
        }
        y->gpu_hours.total += y->gpu_hours.by_pool[i];
        y->gpu_hours.wasted += p->wasted_gpu_s / s_per_hour;
        y->unserved_gpu_hours += p->unserved_gpu_s / s_per_hour;
        cost += y->gpu_hours.by_pool[i] * info->price_per_gpu_hour[i];
        y->scaling.up += p->n_up;
        y->scaling.down += p->n_down;
        y->scaling.up_by_pool[i] = (double)p->n_up;
        y->scaling.down_by_pool[i] = (double)p->n_down;
        y->scaling.peak_workers_by_pool[i] = p->peak_workers;
        y->scaling.failed += p->n_failed;
        y->scaling.failed_starts += p->n_failed_starts;
        y->scaling.lost_with_nodes += p->n_lost_nodes;
        y->kv.preemptions += p->n_preemptions;
        y->kv.peak_utilization = fmax(y->kv.peak_utilization, p->peak_kv_utilization);
    }
    y->gpu_hours.starting = states[GPU_STARTING];
    y->gpu_hours.idle = states[GPU_IDLE];
    y->gpu_hours.busy = states[GPU_BUSY];
    y->gpu_hours.draining = states[GPU_DRAINING];

    y->cost.currency = info->currency;
    y->cost.total = info->currency ? cost : NAN;
    y->cost.per_million_output_tokens = ratio(y->cost.total, (double)t->output_tok / 1e6);
    y->cost.per_thousand_good_requests = ratio(y->cost.total, (double)t->n_good / 1e3);

    y->scaling.decisions = result->n_decisions;
    y->scaling.events = result->n_scale_events;
    y->scaling.peak_workers = result->peak_workers;
    y->scaling.peak_gpus = result->peak_gpus;
    y->scaling.peak_pending = result->peak_pending;
    y->scaling.node_failures = result->n_node_failures;
    y->scaling.reclaims = result->n_reclaims;
    y->kv.prefix_hit_rate = ratio((double)result->cached_tok, (double)result->prompt_tok);
}

static void compute_throughput(struct summary *y, const struct recorder_totals *t,
                               const struct run_result *result)
{
    double span_s = s_from_ns(result->end_ns - result->measured_from_ns);

    y->throughput.span_s = fmax(span_s, 0); /* the run may end during warm-up */
    y->throughput.requests_per_s = ratio((double)y->requests.completed, span_s);
    y->throughput.output_tokens_per_s = ratio((double)t->output_tok, span_s);
    y->throughput.input_tokens_per_s = ratio((double)t->input_tok, span_s);
    y->throughput.goodput_requests_per_s = ratio((double)t->n_good, span_s);
    y->throughput.goodput_output_tokens_per_s = ratio((double)t->good_output_tok, span_s);
    y->throughput.goodput_requests_per_gpu_hour = ratio((double)t->n_good, y->gpu_hours.total);
    y->scaling.mean_gpus = ratio(y->gpu_hours.total * s_per_hour, span_s);
}

static void compute_performance(struct summary *y, uint64_t n_records,
                                const struct run_result *result,
                                const struct run_performance *performance)
{
    static const struct run_performance unknown = {NAN, NAN, NAN};

    if (!performance)
        performance = &unknown;
    y->performance.wall_s = performance->wall_s;
    y->performance.cpu_s = performance->cpu_s;
    y->performance.peak_rss_mib = performance->peak_rss_mib;
    y->performance.simulated_s = s_from_ns(result->end_ns);
    y->performance.requests_per_wall_s = ratio((double)n_records, performance->wall_s);
    y->performance.speedup = ratio(y->performance.simulated_s, performance->wall_s);
    y->performance.events = result->n_events;
}

static double point_workers(const struct timeline_point *p, size_t pool)
{
    return p->count[pool][TIMELINE_WORKERS];
}

static double point_offered(const struct timeline_point *p, size_t pool)
{
    (void)pool;
    return p->offered_rps;
}

static double point_waiting(const struct timeline_point *p, size_t pool)
{
    (void)pool;
    return p->n_waiting;
}

/* Samples are evenly spaced, so equal parts of their numbers are equal parts of the run. */
static struct spark spark_of(const struct timeline *timeline, size_t pool,
                             double (*figure)(const struct timeline_point *, size_t))
{
    size_t n_points = timeline->n;
    const struct timeline_point *points = timeline->point;
    struct spark s = {.n = n_points < SUMMARY_SPARK_SIZE ? n_points : SUMMARY_SPARK_SIZE};

    s.min = s.max = NAN;
    for (size_t i = 0; i < s.n; i++) {
        size_t from = i * n_points / s.n, to = (i + 1) * n_points / s.n, n = 0;
        for (size_t k = from; k < to; k++) {
            double v = figure(&points[k], pool);
            if (isnan(v))
                continue;
            s.min = fmin(s.min, v);
            s.max = fmax(s.max, v);
            s.value[i] += v;
            n++;
        }
        s.value[i] = n ? s.value[i] / (double)n : NAN;
    }
    return s;
}

/* Over the same parts; the range is of the parts, for a median has no other. */
static struct spark spark_of_medians(const struct timeline *timeline, const struct medians *medians)
{
    size_t n_points = timeline->n;
    struct spark s = {.n = n_points < SUMMARY_SPARK_SIZE ? n_points : SUMMARY_SPARK_SIZE};

    s.min = s.max = NAN;
    for (size_t i = 0; i < s.n; i++) {
        size_t from = i * n_points / s.n, to = (i + 1) * n_points / s.n;
        int64_t from_ns = from ? timeline->point[from - 1].at_ns : 0;
        int64_t to_ns = to < n_points ? timeline->point[to - 1].at_ns : INT64_MAX;
        s.value[i] = medians ? medians_between(medians, from_ns, to_ns) / 1e6 : NAN;
        s.min = fmin(s.min, s.value[i]);
        s.max = fmax(s.max, s.value[i]);
    }
    return s;
}

/* What is known before the figures. */
static void begin_summary(struct summary *summary, const struct run_info *info,
                          uint64_t trace_digest)
{
    BUG_IF(info->seed > INT64_MAX);
    *summary = (struct summary){
        .info = info,
        .schema_version = SUMMARY_SCHEMA_VERSION,
        .headroom_version = info->version,
        .scenario = info->scenario,
        .seed = info->seed,
        .sla = {.ttft_ms = ms_from_ns(info->ttft_target_ns),
                .tpot_ms = ms_from_ns(info->tpot_target_ns)},
        .policy = {info->policy, info->generation, info->predictor, info->policy_details},
        .engine = {info->overheads},
        .notes = info->notes,
        .bounds = {NAN, NAN, NAN},
    };
    snprintf(summary->trace_digest, sizeof summary->trace_digest, "%016" PRIx64, trace_digest);
}

static void note_end(struct summary *summary, const struct run_result *result)
{
    if (!result->stopped[0])
        return;
    BUG_IF(summary->notes.n == RUN_MAX_NOTES);
    summary->notes.text[summary->notes.n++] = result->stopped;
}

static enum status compute(struct summary *summary, struct recorder *recorder, size_t deployment,
                           const struct run_result *result, uint64_t trace_digest,
                           const struct run_performance *performance, struct diag *d)
{
    struct recorder_totals *totals = recorder_totals(recorder, deployment);
    const struct run_info *info = recorder_info(recorder, deployment);

    begin_summary(summary, info, trace_digest);
    note_end(summary, result);
    summary->timeline = recorder_timeline(recorder, deployment);
    compute_requests(summary, totals);
    compute_windows(summary, &totals->windows);
    compute_moves(summary, &totals->moves);
    compute_fleet(summary, totals, result);
    compute_throughput(summary, totals, result);
    compute_performance(summary, totals->n_records, result, performance);
    summary->offered_rps = spark_of(&summary->timeline, 0, point_offered);
    for (size_t i = 0; i < info->n_pools; i++)
        summary->workers[i] = spark_of(&summary->timeline, i, point_workers);
    summary->waiting = spark_of(&summary->timeline, 0, point_waiting);
    summary->ttft_ms = spark_of_medians(&summary->timeline, recorder_medians(recorder, deployment));
    enum status s = recorder_causes(recorder, deployment, &summary->causes, d);
    if (!s)
        s = recorder_capacity(recorder, deployment, result->end_ns, &summary->capacity, d);
    return s ? s : compute_latency(summary, totals, &result->itl, d);
}

enum status summary_compute(struct summary *summary, struct recorder *recorder,
                            const struct run_result *result, uint64_t trace_digest,
                            const struct run_performance *performance, struct diag *d)
{
    return compute(summary, recorder, 0, result, trace_digest, performance, d);
}

enum status summary_compute_deployments(struct summary *summary, struct summary *of, size_t n,
                                        const struct run_info *whole, struct recorder *recorder,
                                        const struct run_result *results, const uint64_t *digests,
                                        const struct run_performance *performance, struct diag *d)
{
    uint64_t digest = UINT64_C(14695981039346656037), n_records = 0;
    enum status s = ST_OK;

    for (size_t i = 0; i < n && !s; i++) {
        s = compute(&of[i], recorder, i, &results[i], digests[i], performance, d);
        digest = (digest ^ digests[i]) * UINT64_C(1099511628211);
        n_records += recorder_totals(recorder, i)->n_records;
    }
    begin_summary(summary, whole, digest);
    note_end(summary, &results[0]); /* all of them say it of the run */
    summary_add_up(summary, of, n, recorder, results);
    compute_performance(summary, n_records, &results[0], performance);
    summary->n_deployments = n;
    summary->deployments = of;
    return s;
}

static enum status keep_timeline(struct timeline *t, struct arena *arena, struct diag *d)
{
    struct timeline_point *kept = ARENA_NEW(arena, t->n, struct timeline_point);

    if (!kept)
        return diag_nomem(d, "the timeline");
    if (t->n)
        memcpy(kept, t->point, t->n * sizeof *kept);
    t->point = kept;
    return ST_OK;
}

enum status summary_keep_timeline(struct summary *summary, struct summary *of, struct arena *arena,
                                  struct diag *d)
{
    enum status s = keep_timeline(&summary->timeline, arena, d);

    for (size_t i = 0; i < summary->n_deployments && !s; i++)
        s = keep_timeline(&of[i].timeline, arena, d);
    return s;
}
