#include "reports/summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/causes/causes_report.h"
#include "reports/medians.h"
#include "reports/summary_internal.h"
#include "util/bug.h"
#include "util/json_out.h"
#include "util/units.h"

static const double s_per_hour = 3600;

#define FIELD_KEY(key, type, member)                                                               \
    {                                                                                              \
        key, FIELD_##type, offsetof(struct summary, member)                                        \
    }
#define FIELD(type, member) FIELD_KEY(#member, type, member)
#define FIELDS_DISTRIBUTION(member)                                                                \
    FIELD(DOUBLE, member.mean), FIELD(DOUBLE, member.p50), FIELD(DOUBLE, member.p75),              \
        FIELD(DOUBLE, member.p90), FIELD(DOUBLE, member.p95), FIELD(DOUBLE, member.p99),           \
        FIELD(DOUBLE, member.max), FIELD(UINT, member.n)

static const struct summary_field fields[] = {
    FIELD(UINT, schema_version),
    FIELD(TEXT, headroom_version),
    FIELD(TEXT, scenario),
    FIELD(UINT, seed),
    FIELD(CHARS, trace_digest),
    FIELD(UINT, requests.offered),
    FIELD(UINT, requests.completed),
    FIELD(UINT, requests.lost),
    FIELD(UINT, requests.retried),
    FIELD(UINT, requests.rejected),
    FIELD(UINT, requests.unfinished),
    FIELD(UINT, requests.timed_out),
    FIELD(UINT, requests.good),
    FIELD(UINT, requests.retries),
    FIELD(UINT, requests.missed_ttft),
    FIELD(UINT, requests.missed_tpot),
    FIELD(UINT, requests.outside_span),
    FIELD(DOUBLE, sla.ttft_ms),
    FIELD(DOUBLE, sla.tpot_ms),
    FIELD(SHARE, attainment.overall),
    FIELD(SHARE, attainment.ttft),
    FIELD(SHARE, attainment.tpot),
    FIELD(SHARE, attainment.windows),
    FIELD(UINT, attainment.n_windows),
    FIELD(SHARE, windows.min_attainment),
    FIELD(DOUBLE, windows.max_ttft_ms),
    FIELD(DOUBLE, windows.max_itl_ms),
    FIELD(DOUBLE, windows.longest_missed_s),
    FIELD(CAUSES, causes),
    FIELD_KEY("lag", LAG, causes),
    FIELD(CAPACITY, capacity),
    FIELDS_DISTRIBUTION(latency_ms.ttft),
    FIELDS_DISTRIBUTION(latency_ms.itl),
    FIELDS_DISTRIBUTION(latency_ms.tpot),
    FIELDS_DISTRIBUTION(latency_ms.e2e),
    FIELDS_DISTRIBUTION(latency_ms.ttst),
    FIELD(DOUBLE, latency_ms.error_relative),
    FIELD(DOUBLE, latency_ms.itl_error_relative),
    FIELD(DOUBLE, throughput.span_s),
    FIELD(DOUBLE, throughput.requests_per_s),
    FIELD(DOUBLE, throughput.output_tokens_per_s),
    FIELD(DOUBLE, throughput.input_tokens_per_s),
    FIELD(DOUBLE, throughput.goodput_requests_per_s),
    FIELD(DOUBLE, throughput.goodput_output_tokens_per_s),
    FIELD(DOUBLE, throughput.goodput_requests_per_gpu_hour),
    FIELD(DOUBLE, gpu_hours.total),
    FIELD(DOUBLE, gpu_hours.starting),
    FIELD(DOUBLE, gpu_hours.idle),
    FIELD(DOUBLE, gpu_hours.busy),
    FIELD(DOUBLE, gpu_hours.draining),
    FIELD(DOUBLE, gpu_hours.wasted),
    FIELD(POOLS, gpu_hours.by_pool),
    FIELD(TEXT, cost.currency),
    FIELD(DOUBLE, cost.total),
    FIELD(DOUBLE, cost.per_million_output_tokens),
    FIELD(DOUBLE, cost.per_thousand_good_requests),
    FIELD(UINT, scaling.decisions),
    FIELD(UINT, scaling.up),
    FIELD(UINT, scaling.down),
    FIELD(UINT, scaling.failed),
    FIELD(UINT, scaling.failed_starts),
    FIELD(UINT, scaling.node_failures),
    FIELD(UINT, scaling.reclaims),
    FIELD(UINT, scaling.lost_with_nodes),
    FIELD(UINT, scaling.events),
    FIELD(INT, scaling.peak_workers),
    FIELD(INT, scaling.peak_gpus),
    FIELD(INT, scaling.peak_pending),
    FIELD(DOUBLE, scaling.mean_gpus),
    FIELD(POOLS, scaling.up_by_pool),
    FIELD(POOLS, scaling.down_by_pool),
    FIELD(POOLS, scaling.peak_workers_by_pool),
    FIELD(UINT, scaling.reversals),
    FIELD(UINT, scaling.flaps),
    FIELD(DOUBLE, scaling.first_up_s),
    FIELD(DOUBLE, scaling.first_down_s),
    FIELD(DOUBLE, scaling.last_change_s),
    FIELD(SHARE, kv.prefix_hit_rate),
    FIELD(SHARE, kv.peak_utilization),
    FIELD(UINT, kv.preemptions),
    FIELD(TEXT, policy.name),
    FIELD(OPTIONAL, policy.generation),
    FIELD(TEXT, policy.predictor),
    FIELD(TEXT, policy.details),
    FIELD(TEXT, engine.overheads),
    FIELD(NOTES, notes),
    FIELD(INTERVALS, intervals),
    FIELD(UNSERVED, unserved_gpu_hours),
    FIELD_KEY("arbiter", ARBITER, info),
    FIELD_KEY("gpus_per_worker", GPUS, info),
    FIELD(ABSENT, bounds.perfect_gpu_hours),
    FIELD(ABSENT, bounds.hindsight_gpu_hours),
    FIELD(ABSENT, bounds.regret),
    FIELD(DEPLOYMENTS, deployments),
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* Keys of performance.json. */
#define FIELD_HERE(type, member) FIELD_KEY(#member, type, performance.member)
static const struct summary_field performance_fields[] = {
    FIELD_HERE(DOUBLE, wall_s),
    FIELD_HERE(DOUBLE, cpu_s),
    FIELD_HERE(DOUBLE, simulated_s),
    FIELD_HERE(DOUBLE, speedup),
    FIELD_HERE(DOUBLE, requests_per_wall_s),
    FIELD_HERE(UINT, events),
    FIELD_HERE(DOUBLE, peak_rss_mib),
};
enum { N_PERFORMANCE_FIELDS = sizeof performance_fields / sizeof *performance_fields };

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

const char *summary_own_key(const char *key, const char **name, size_t *n_name)
{
    static const char section[] = "deployments.";
    size_t begin = sizeof section - 1, n;

    *n_name = 0;
    if (strncmp(key, section, begin) != 0)
        return key;
    n = strcspn(key + begin, ".");
    if (!key[begin + n])
        return key;
    *name = key + begin;
    *n_name = n;
    return key + begin + n + 1;
}

static const char *own_key(const char *key)
{
    const char *name;
    size_t n;

    return summary_own_key(key, &name, &n);
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

static const void *field_at(const struct summary *summary, const struct summary_field *f)
{
    return (const char *)summary + f->offset;
}

static void write_intervals(struct json_out *j, const struct summary_intervals *intervals)
{
    json_object_begin(j);
    for (size_t i = 0; i < intervals->n; i++) {
        const struct summary_interval *of = &intervals->intervals[i];
        json_key(j, of->key);
        json_object_begin(j);
        json_key_double(j, "low", of->low);
        json_key_double(j, "high", of->high);
        json_key_double(j, "level", intervals->level);
        json_key_double(j, "mean", of->mean);
        json_key_double(j, "mean_low", of->mean_low);
        json_key_double(j, "mean_high", of->mean_high);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_arbiter(struct json_out *j, const struct run_info *info)
{
    json_object_begin(j);
    json_key_string(j, "type", info->arbiter);
    json_key_double(j, "max_gpus", info->max_gpus ? (double)info->max_gpus : NAN);
    json_object_end(j);
}

static void write_gpus(struct json_out *j, const struct run_info *info)
{
    json_object_begin(j);
    for (size_t i = 0; i < info->n_pools; i++)
        json_key_int(j, info->pool_names[i], info->gpus_per_worker[i]);
    json_object_end(j);
}

static void write_deployments(struct json_out *j, const struct summary *summary);

static void write_field(struct json_out *j, const struct summary *summary,
                        const struct summary_field *f)
{
    const void *at = field_at(summary, f);

    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_OPTIONAL:
        json_string(j, *(const char *const *)at);
        break;
    case FIELD_CHARS:
        json_string(j, at);
        break;
    case FIELD_UINT:
        json_int(j, (int64_t) * (const uint64_t *)at);
        break;
    case FIELD_INT:
        json_int(j, *(const int64_t *)at);
        break;
    case FIELD_DOUBLE:
    case FIELD_SHARE:
    case FIELD_ABSENT:
    case FIELD_UNSERVED:
        json_double(j, *(const double *)at);
        break;
    case FIELD_CAUSES:
        cause_write_causes(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_LAG:
        cause_write_lag(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_CAPACITY:
        capacity_write(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_ARBITER:
        write_arbiter(j, summary->info);
        break;
    case FIELD_GPUS:
        write_gpus(j, summary->info);
        break;
    case FIELD_NOTES:
        json_array_begin(j);
        for (size_t i = 0; i < summary->notes.n; i++)
            json_string(j, summary->notes.text[i]);
        json_array_end(j);
        break;
    case FIELD_INTERVALS:
        write_intervals(j, summary->intervals);
        break;
    case FIELD_POOLS:
        json_object_begin(j);
        for (size_t i = 0; i < summary->info->n_pools; i++)
            json_key_double(j, summary->info->pool_names[i], ((const double *)at)[i]);
        json_object_end(j);
        break;
    case FIELD_DEPLOYMENTS:
        write_deployments(j, summary);
        break;
    }
}

/* Length of the objects two keys are both in, with the last dot: "a.b." for a.b.c and a.b.d. */
static size_t shared_objects(const char *a, const char *b)
{
    size_t shared = 0;

    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        if (a[i] == '.')
            shared = i + 1;
    }
    return shared;
}

static bool is_left_out(const struct summary *summary, const struct summary_field *f)
{
    bool of_parts = f->type == FIELD_CAUSES || f->type == FIELD_LAG || f->type == FIELD_CAPACITY;

    return (of_parts && !summary->causes.kept) ||
           (f->type == FIELD_OPTIONAL && !*(const char *const *)field_at(summary, f)) ||
           (f->type == FIELD_NOTES && summary->notes.n == 0) ||
           (f->type == FIELD_INTERVALS && !summary->intervals) ||
           (f->type == FIELD_UNSERVED && !summary->n_deployments && !summary->info->deployment) ||
           (f->type == FIELD_ARBITER && !summary->info->arbiter) ||
           (f->type == FIELD_GPUS && !summary->info->deployment) ||
           (f->type == FIELD_DEPLOYMENTS && summary->n_deployments == 0);
}

static void write_object(struct json_out *j, const struct summary *summary,
                         const struct summary_field *list, size_t n)
{
    const char *previous = "";

    json_object_begin(j);
    for (size_t i = 0; i <= n; i++) {
        if (i < n && is_left_out(summary, &list[i]))
            continue;
        const char *key = i < n ? list[i].key : "";
        size_t shared = shared_objects(previous, key);
        for (const char *dot = strchr(previous + shared, '.'); dot; dot = strchr(dot + 1, '.'))
            json_object_end(j);
        if (i == n)
            break;
        const char *part = key + shared;
        for (const char *dot = strchr(part, '.'); dot; part = dot + 1, dot = strchr(part, '.')) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)(dot - part), part);
            json_key(j, name);
            json_object_begin(j);
        }
        json_key(j, part);
        write_field(j, summary, &list[i]);
        previous = key;
    }
    json_object_end(j);
}

static void write_deployments(struct json_out *j, const struct summary *summary)
{
    json_object_begin(j);
    for (size_t i = 0; i < summary->n_deployments; i++) {
        const struct summary *of = &summary->deployments[i];
        json_key(j, of->info->deployment);
        write_object(j, of, fields, N_FIELDS);
    }
    json_object_end(j);
}

static void write_fields(const struct summary *summary, const struct summary_field *list, size_t n,
                         FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    write_object(&j, summary, list, n);
}

void summary_write_json(const struct summary *summary, FILE *out)
{
    write_fields(summary, fields, N_FIELDS, out);
}

void summary_write_performance(const struct summary *summary, FILE *out)
{
    write_fields(summary, performance_fields, N_PERFORMANCE_FIELDS, out);
}

static bool is_number(const struct summary_field *f)
{
    switch (f->type) {
    case FIELD_UINT:
    case FIELD_INT:
    case FIELD_DOUBLE:
    case FIELD_SHARE:
    case FIELD_ABSENT:
        return true;
    case FIELD_TEXT:
    case FIELD_OPTIONAL:
    case FIELD_CHARS:
    case FIELD_POOLS:
    case FIELD_CAUSES:
    case FIELD_LAG:
    case FIELD_CAPACITY:
    case FIELD_NOTES:
    case FIELD_INTERVALS:
    case FIELD_DEPLOYMENTS:
    case FIELD_UNSERVED:
    case FIELD_ARBITER:
    case FIELD_GPUS:
        return false;
    }
    BUG("field %s has no type", f->key);
}

/* The field of a numeric key; with one under a FIELD_POOLS, also the index of the pool. */
static const struct summary_field *find_field(const char *key, size_t n_pools,
                                              const char *const *pool_names, size_t *pool)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        size_t n = strlen(f->key);
        if ((is_number(f) || f->type == FIELD_UNSERVED) && strcmp(f->key, key) == 0)
            return f;
        if (f->type != FIELD_POOLS || strncmp(f->key, key, n) != 0 || key[n] != '.')
            continue;
        for (*pool = 0; *pool < n_pools; ++*pool) {
            if (strcmp(pool_names[*pool], key + n + 1) == 0)
                return f;
        }
    }
    return NULL;
}

static bool lookup_own(const struct summary *summary, const char *key, double *value)
{
    size_t pool = 0, n_pools = summary->info->n_pools;
    const char *const *names = summary->info->pool_names;
    const struct summary_field *f = find_field(key, n_pools, names, &pool);

    if (!f && cause_key_begins(key))
        return cause_lookup(&summary->causes, key, n_pools, names, value);
    if (!f && capacity_key_begins(key))
        return capacity_lookup(&summary->capacity, key, n_pools, names, value);
    if (!f)
        return timeline_lookup(&summary->timeline, key, n_pools, names, value);
    const void *at = field_at(summary, f);
    if (f->type == FIELD_UINT)
        *value = (double)*(const uint64_t *)at;
    else if (f->type == FIELD_INT)
        *value = (double)*(const int64_t *)at;
    else
        *value = ((const double *)at)[pool];
    return true;
}

bool summary_lookup(const struct summary *summary, const char *key, double *value)
{
    const char *name, *own;
    size_t n;

    own = summary_own_key(key, &name, &n);
    if (n == 0)
        return lookup_own(summary, key, value);
    for (size_t i = 0; i < summary->n_deployments; i++) {
        const struct summary *of = &summary->deployments[i];
        if (strncmp(of->info->deployment, name, n) == 0 && !of->info->deployment[n])
            return lookup_own(of, own, value);
    }
    return false;
}

bool summary_key_exists(const char *key, size_t n_pools, const char *const *pool_names)
{
    static const struct capacity_summary none;
    size_t pool;
    double value;
    return find_field(key, n_pools, pool_names, &pool) != NULL ||
           cause_key_exists(key, n_pools, pool_names) ||
           capacity_lookup(&none, key, n_pools, pool_names, &value) ||
           timeline_key_exists(key, n_pools, pool_names);
}

bool summary_key_needs_parts(const char *key)
{
    key = own_key(key);
    return cause_key_begins(key) || capacity_key_begins(key);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

bool summary_key_range(const char *key, double *min, double *max)
{
    key = own_key(key);
    *min = 0;
    *max = INFINITY;
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (strcmp(f->key, key) != 0)
            continue;
        if (f->type == FIELD_SHARE)
            *max = 1;
        return f->type != FIELD_ABSENT;
    }
    if (cause_key_begins(key) && ends_in(key, ".share"))
        *max = 1;
    return true; /* of one pool */
}

bool summary_key_is_result(const char *key)
{
    static const char *const asked_for[] = {"schema_version",
                                            "seed",
                                            "sla.ttft_ms",
                                            "sla.tpot_ms",
                                            "latency_ms.error_relative",
                                            "latency_ms.itl_error_relative"};

    key = own_key(key);
    for (size_t i = 0; i < sizeof asked_for / sizeof *asked_for; i++) {
        if (strcmp(asked_for[i], key) == 0)
            return false;
    }
    return true;
}

const char *summary_key_unit(const char *key, const char *currency)
{
    static const struct {
        const char *begin, *end, *unit;
    } units[] = {
        {"latency_ms.", ".n", NULL},
        {"latency_ms.", "error_relative", NULL},
        {"latency_ms.", "", "ms"},
        {"", "_ms", "ms"},
        {"", "requests_per_s", "requests/s"},
        {"", "tokens_per_s", "tokens/s"},
        {"", "requests_per_gpu_hour", "requests/h"},
        {"", "_worker_s", "worker-s"},
        {"", "_tok_per_s", "tokens/s"},
        {"", "_s", "s"},
        {"gpu_hours.", "", "h"},
        {"", "gpu_hours", "h"},
        {"requests.", "", "requests"},
    };

    key = own_key(key);
    if (strncmp(key, "cost.", 5) == 0)
        return currency;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strncmp(key, units[i].begin, strlen(units[i].begin)) == 0 && ends_in(key, units[i].end))
            return units[i].unit;
    }
    return NULL;
}

enum summary_worse summary_key_worse(const char *key)
{
    /* The first that fits. */
    static const struct {
        const char *begin, *end;
        enum summary_worse worse;
    } sides[] = {
        {"attainment.n_windows", "", SUMMARY_WORSE_EITHER},
        {"attainment.", "", SUMMARY_WORSE_LOWER},
        {"windows.min_", "", SUMMARY_WORSE_LOWER},
        {"windows.", "", SUMMARY_WORSE_HIGHER},
        {"requests.offered", "", SUMMARY_WORSE_EITHER},
        {"requests.outside_span", "", SUMMARY_WORSE_EITHER},
        {"requests.completed", "", SUMMARY_WORSE_LOWER},
        {"requests.good", "", SUMMARY_WORSE_LOWER},
        {"requests.", "", SUMMARY_WORSE_HIGHER},
        {"latency_ms.", ".n", SUMMARY_WORSE_EITHER},
        {"latency_ms.", "error_relative", SUMMARY_WORSE_EITHER},
        {"latency_ms.", "", SUMMARY_WORSE_HIGHER},
        {"throughput.span_s", "", SUMMARY_WORSE_EITHER},
        {"throughput.", "", SUMMARY_WORSE_LOWER},
        {"gpu_hours.", "", SUMMARY_WORSE_HIGHER},
        {"unserved_", "", SUMMARY_WORSE_HIGHER},
        {"cost.", "", SUMMARY_WORSE_HIGHER},
        {"scaling.first_", "", SUMMARY_WORSE_EITHER},
        {"scaling.decisions", "", SUMMARY_WORSE_EITHER},
        {"scaling.", "", SUMMARY_WORSE_HIGHER},
        {"causes.", "", SUMMARY_WORSE_HIGHER},
        {"lag.", "", SUMMARY_WORSE_HIGHER},
        {"capacity.", "_tok_per_s", SUMMARY_WORSE_LOWER},
        {"capacity.", ".demand_worker_s", SUMMARY_WORSE_EITHER},
        {"capacity.", ".ready_worker_s", SUMMARY_WORSE_EITHER},
        {"capacity.", "", SUMMARY_WORSE_HIGHER},
        {"kv.prefix_hit_rate", "", SUMMARY_WORSE_LOWER},
        {"kv.", "", SUMMARY_WORSE_HIGHER},
    };

    key = own_key(key);
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        if (strncmp(key, sides[i].begin, strlen(sides[i].begin)) == 0 && ends_in(key, sides[i].end))
            return sides[i].worse;
    }
    return SUMMARY_WORSE_EITHER;
}

const struct summary_field *summary_number(size_t i)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (is_number(f) && i-- == 0)
            return f;
    }
    return NULL;
}

const char *summary_key(size_t i)
{
    const struct summary_field *f = summary_number(i);

    return f ? f->key : NULL;
}

const char *summary_pool_key(size_t i)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (f->type == FIELD_POOLS && i-- == 0)
            return f->key;
    }
    return NULL;
}
