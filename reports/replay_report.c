#include "reports/replay_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "reports/recorder.h"
#include "util/array.h"
#include "util/json_out.h"
#include "util/units.h"

/* ---- requests ---- */

enum status replay_report_add(struct replay_report *report, const struct request_record *q,
                              struct diag *d)
{
    if (!q->measured || q->deployment != report->deployment)
        return ST_OK;
    report->n_offered++;
    if (q->outcome != OUTCOME_COMPLETED || q->first_token_ns < 0)
        return ST_OK;
    enum status s = ARRAY_RESERVE(report->requests, report->n, report->capacity, 1, "requests", d);
    if (s)
        return s;
    report->requests[report->n++] = (struct replay_request){
        .index = q->index,
        .arrival_ns = q->arrival_ns,
        .scheduled_ns = q->scheduled_ns,
        .first_token_ns = q->first_token_ns,
        .second_token_ns = q->second_token_ns,
        .last_token_ns = q->last_token_ns,
        .isl_tok = q->isl_tok,
        .osl_tok = q->n_output_tok,
        .cached_tok = q->cached_tok,
        .prefill_worker = q->prefill_worker,
        .worker = q->worker,
    };
    return ST_OK;
}

void replay_report_release(struct replay_report *report)
{
    free(report->requests);
    *report = (struct replay_report){0};
}

/* Latencies in ms; NaN = has none. */
static double since(int64_t from_ns, int64_t to_ns)
{
    return from_ns < 0 || to_ns < 0 ? NAN : ms_from_ns(to_ns - from_ns);
}

static double ttft_of(const struct replay_request *q)
{
    return since(q->arrival_ns, q->first_token_ns);
}

static double ttst_of(const struct replay_request *q)
{
    return since(q->first_token_ns, q->second_token_ns);
}

static double tpot_of(const struct replay_request *q)
{
    return q->osl_tok < 2 ? NAN : since(q->first_token_ns, q->last_token_ns) / (q->osl_tok - 1);
}

static double e2e_of(const struct replay_request *q)
{
    return since(q->arrival_ns, q->last_token_ns);
}

/* ---- distributions ---- */

enum { N_PERCENTILES = 5 };
static const double percents[N_PERCENTILES] = {50, 75, 90, 95, 99};

struct figures {
    double mean, min, max, at[N_PERCENTILES], std;
};

static uint64_t rank_of(double percent, uint64_t n)
{
    return (uint64_t)round((double)(n - 1) * percent / 100);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct figures figures_of(double *values, size_t n)
{
    struct figures f = {0};
    double squares = 0;

    if (n == 0)
        return f;
    qsort(values, n, sizeof *values, ascending);
    for (size_t i = 0; i < n; i++)
        f.mean += values[i];
    f.mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - f.mean) * (values[i] - f.mean);
    f.std = sqrt(squares / (double)n);
    f.min = values[0];
    f.max = values[n - 1];
    for (size_t p = 0; p < N_PERCENTILES; p++)
        f.at[p] = values[rank_of(percents[p], n)];
    return f;
}

/* Gaps between tokens, in ms. */
static struct figures gaps_of(const struct histogram *h)
{
    const double ms = (double)NS_PER_MS;
    struct figures f = {0};
    double value, squares = 0;
    unsigned bucket = 0;
    uint64_t n;

    if (h->n == 0)
        return f;
    f.mean = histogram_mean(h) / ms;
    f.min = (double)h->min / ms;
    f.max = (double)h->max / ms;
    while (histogram_next(h, &bucket, &value, &n))
        squares += (value / ms - f.mean) * (value / ms - f.mean) * (double)n;
    f.std = sqrt(squares / (double)h->n);
    for (size_t p = 0; p < N_PERCENTILES; p++)
        f.at[p] = histogram_at_rank(h, rank_of(percents[p], h->n)) / ms;
    return f;
}

/* Tokens per second of a user, 1 over a gap, for gaps above 0: the slowest rate is the longest gap.
 */
static struct figures rates_of(const struct histogram *h)
{
    const double s = (double)NS_PER_S;
    const uint64_t n_all = h->n - h->count[0]; /* count[0] has the value 0 alone */
    struct figures f = {0};
    double value, sum = 0, squares = 0;
    unsigned bucket = 0;
    uint64_t n;

    if (n_all == 0)
        return f;
    while (histogram_next(h, &bucket, &value, &n))
        sum += value > 0 ? s / value * (double)n : 0;
    f.mean = sum / (double)n_all;
    for (bucket = 0; histogram_next(h, &bucket, &value, &n);) {
        double off = value > 0 ? s / value - f.mean : 0;
        squares += off * off * (double)n;
    }
    f.std = sqrt(squares / (double)n_all);
    f.min = s / (double)h->max;
    f.max = s / (h->min > 0 ? (double)h->min : histogram_at_rank(h, h->count[0]));
    for (size_t p = 0; p < N_PERCENTILES; p++)
        f.at[p] = s / histogram_at_rank(h, h->n - 1 - rank_of(percents[p], n_all));
    return f;
}

/* Keys such as mean_ttft_ms. */
static void write_figures(struct json_out *j, const char *name, const char *unit,
                          const struct figures *f)
{
    const struct {
        const char *prefix;
        double value;
    } keys[] = {{"mean", f->mean},    {"min", f->min},   {"max", f->max},
                {"median", f->at[0]}, {"p75", f->at[1]}, {"p90", f->at[2]},
                {"p95", f->at[3]},    {"p99", f->at[4]}, {"std", f->std}};
    char key[80];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(key, sizeof key, "%s_%s%s", keys[i].prefix, name, unit);
        json_key_double(j, key, keys[i].value);
    }
}

/* ---- the report ---- */

struct totals {
    uint64_t input_tok, output_tok, cached_tok, n_good, good_output_tok;
    int64_t last_token_ns;
};

/* The same test as that of the SLA: TPOT is above its target when the gaps together are. */
static bool is_good(const struct replay_request *q, const struct run_info *info)
{
    int64_t n_gaps = (int64_t)q->osl_tok - 1;

    return q->first_token_ns - q->arrival_ns <= info->ttft_target_ns &&
           (n_gaps < 1 ||
            (q->last_token_ns - q->first_token_ns + n_gaps - 1) / n_gaps <= info->tpot_target_ns);
}

static struct totals add_up(const struct replay_report *report, const struct run_info *info)
{
    struct totals t = {0};

    for (size_t i = 0; i < report->n; i++) {
        const struct replay_request *q = &report->requests[i];
        t.input_tok += q->isl_tok;
        t.output_tok += q->osl_tok;
        t.cached_tok += q->cached_tok;
        if (q->last_token_ns > t.last_token_ns)
            t.last_token_ns = q->last_token_ns;
        if (is_good(q, info)) {
            t.n_good++;
            t.good_output_tok += q->osl_tok;
        }
    }
    return t;
}

static double over(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void write_throughput(struct json_out *j, const struct replay_report *report,
                             const struct totals *t)
{
    int64_t length_ns = report->n ? t->last_token_ns - report->result->measured_from_ns : 0;
    double input = (double)t->input_tok, output = (double)t->output_tok,
           s = fmax(s_from_ns(length_ns), 1e-9);

    json_key_int(j, "num_requests", (int64_t)report->n_offered);
    json_key_int(j, "completed_requests", (int64_t)report->n);
    json_key_int(j, "total_input_tokens", (int64_t)t->input_tok);
    json_key_int(j, "total_output_tokens", (int64_t)t->output_tok);
    json_key_double(j, "duration_ms", ms_from_ns(length_ns));
    json_key_double(j, "wall_time_ms", report->wall_s * 1e3);
    json_key_double(j, "request_throughput_rps", (double)report->n / s);
    json_key_double(j, "input_throughput_tok_s", input / s);
    json_key_double(j, "output_throughput_tok_s", output / s);
    json_key_double(j, "total_throughput_tok_s", (input + output) / s);
}

/* An aggregated pool is reported as decode. */
static void write_workers(struct json_out *j, const struct replay_report *report)
{
    const struct run_info *info = report->info;
    size_t decode = info->n_pools - 1;
    double gpu_s[2] = {0, 0};
    int gpus[2] = {0, 0};

    for (size_t i = 0; i < info->n_pools; i++) {
        size_t role = i == decode;
        for (int state = 0; state < N_GPU_STATES; state++)
            gpu_s[role] += report->result->pools[i].gpu_s[state];
        gpus[role] = info->gpus_per_worker[i];
    }
    json_key_double(j, "prefill_worker_seconds", over(gpu_s[0], gpus[0]));
    json_key_double(j, "decode_worker_seconds", over(gpu_s[1], gpus[1]));
    json_key_int(j, "prefill_gpus_per_worker", gpus[0]);
    json_key_int(j, "decode_gpus_per_worker", gpus[1]);
    json_key_double(j, "gpu_hours", (gpu_s[0] + gpu_s[1]) / 3600);
}

static void write_goodput(struct json_out *j, const struct replay_report *report,
                          const struct totals *t)
{
    int64_t length_ns = report->n ? t->last_token_ns - report->result->measured_from_ns : 0;
    double s = fmax(s_from_ns(length_ns), 1e-9), tokens = (double)(t->input_tok + t->output_tok);
    double reused = over((double)t->cached_tok, (double)t->input_tok);

    json_key_int(j, "goodput_completed_requests", (int64_t)t->n_good);
    json_key_double(j, "goodput_request_throughput_rps", (double)t->n_good / s);
    json_key_double(j, "goodput_output_throughput_tok_s", (double)t->good_output_tok / s);
    json_key_double(j, "processed_tokens", tokens);
    json_key_double(j, "processed_tokens_per_s", tokens / report->wall_s);
    json_key_double(j, "processed_output_tokens_per_s", (double)t->output_tok / report->wall_s);
    json_key_double(j, "prefix_cache_reused_ratio", reused);
    json_key_double(j, "first_admission_prefix_cache_reused_ratio", reused);
}

static void write_family(struct json_out *j, const char *name, const struct replay_report *report,
                         double (*latency_of)(const struct replay_request *q), double *room)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++) {
        double ms = latency_of(&report->requests[i]);
        if (!isnan(ms))
            room[n++] = ms;
    }
    const struct figures f = figures_of(room, n);
    write_figures(j, name, "_ms", &f);
}

enum status replay_report_write(const struct replay_report *report, FILE *out, struct diag *d)
{
    double *room = malloc((report->n + 1) * sizeof *room);
    const struct totals t = add_up(report, report->info);
    const struct figures gaps = gaps_of(&report->result->itl),
                         rates = rates_of(&report->result->itl);
    struct json_out j;

    if (!room)
        return diag_nomem(d, "report");
    json_out_init(&j, out, true);
    json_object_begin(&j);
    write_throughput(&j, report, &t);
    write_workers(&j, report);
    write_goodput(&j, report, &t);
    write_family(&j, "ttft", report, ttft_of, room);
    write_family(&j, "ttst", report, ttst_of, room);
    write_family(&j, "tpot", report, tpot_of, room);
    write_figures(&j, "itl", "_ms", &gaps);
    write_family(&j, "e2e_latency", report, e2e_of, room);
    write_figures(&j, "output_token_throughput_per_user", "", &rates);
    json_object_end(&j);
    free(room);
    return ST_OK;
}

/* ---- its file of requests ---- */

static int by_arrival(const void *a, const void *b)
{
    const struct replay_request *p = a, *q = b;

    if (p->arrival_ns != q->arrival_ns)
        return p->arrival_ns < q->arrival_ns ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

static void write_worker(struct json_out *j, const char *key, uint32_t worker)
{
    json_key(j, key);
    if (worker == NO_WORKER)
        json_null(j);
    else
        json_int(j, worker);
}

static void write_request(FILE *out, const struct replay_request *q)
{
    char uuid[37];
    struct json_out j;

    snprintf(uuid, sizeof uuid, "00000000-0000-0000-0000-%012" PRIx64,
             q->index & UINT64_C(0xffffffffffff));
    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key_string(&j, "session_id", NULL);
    json_key_string(&j, "turn_index", NULL);
    json_key_string(&j, "uuid", uuid);
    json_key_double(&j, "arrival_time_ms", ms_from_ns(q->arrival_ns));
    json_key_double(&j, "first_admit_ms", since(0, q->scheduled_ns));
    json_key_double(&j, "first_token_ms", since(0, q->first_token_ns));
    json_key_double(&j, "last_token_ms", since(0, q->last_token_ns));
    json_key_double(&j, "ttft_ms", ttft_of(q));
    json_key_double(&j, "ttst_ms", ttst_of(q));
    json_key_double(&j, "e2e_latency_ms", e2e_of(q));
    json_key_double(&j, "itl_ms", tpot_of(q));
    json_key_int(&j, "input_length", q->isl_tok);
    json_key_int(&j, "output_length", q->osl_tok);
    json_key_int(&j, "reused_input_tokens", q->cached_tok);
    write_worker(&j, "prefill_worker_idx", q->prefill_worker);
    write_worker(&j, "decode_worker_idx", q->worker);
    json_object_end(&j);
}

void replay_report_write_requests(struct replay_report *report, FILE *out)
{
    if (report->n)
        qsort(report->requests, report->n, sizeof *report->requests, by_arrival);
    for (size_t i = 0; i < report->n; i++)
        write_request(out, &report->requests[i]);
}
