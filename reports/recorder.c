#include "reports/recorder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/decision_line.h"
#include "reports/event_line.h"
#include "reports/grant_line.h"
#include "reports/latencies.h"
#include "reports/medians.h"
#include "reports/out_file.h"
#include "reports/parts_columns.h"
#include "reports/replay_report.h"
#include "reports/request_columns.h"
#include "reports/row.h"
#include "reports/summary.h"
#include "reports/windows_csv.h"
#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

enum { POOL_NAME_MAX = 31, MAX_POOL_COLUMNS = 3 };

/* What is kept of a deployment. */
struct recording {
    const struct run_info *info;
    size_t pool_at[MAX_POOL_COLUMNS]; /* of those of the recorder which of its own; SIZE_MAX */
    struct causes *causes;            /* NULL without keep_parts, */
    struct capacity *capacity;        /* as this */
    struct medians *medians;          /* NULL without keep_medians */
    struct recorder_totals totals;
    struct timeline_point *points;
    size_t n_points, points_capacity;
};

struct recorder {
    size_t n;
    struct recording *of;
    /* Every pool that some deployment has, for the columns. */
    size_t n_pools;
    const char *pool_names[MAX_POOL_COLUMNS];
    bool writes, keep_parts;
    char *out_dir;
    bool replace;
    struct out_file requests, timeline, workers, decisions, windows, grants, events, performance,
        summary;
    enum status (*progress)(void *context, const struct sim_progress *p, struct diag *d);
    void *progress_context;
    struct replay_report *replay;
};

static const char timeline_header[] =
    "at_ms,pool,target,ready,starting,pending,draining,waiting,running,kv_utilization,"
    "offered_requests_per_s,completed_requests_per_s,ttft_ms,itl_ms,input_tokens,output_tokens\n";

static const char workers_header[] =
    "pool,worker,node,wanted_ms,start_ms,ready_ms,drain_ms,end_ms,end,requests_finished,"
    "requests_lost,busy_ms\n";

static void check_pool_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    BUG_IF(!name || strlen(name) > POOL_NAME_MAX || strspn(name, allowed) != strlen(name));
}

/* Rows say which deployment they are of, where there is more than the one without a name. */
static bool is_named(const struct recorder *r)
{
    return r->of[0].info->deployment != NULL;
}

static enum status open_file(struct recorder *r, struct out_file *f, const char *name,
                             const char *header, struct diag *d)
{
    enum status s = out_file_open(f, r->out_dir, name, r->replace, d);
    if (s == ST_OK && *header && is_named(r))
        s = out_file_write(f, "deployment,", strlen("deployment,"), d);
    return s == ST_OK ? out_file_write(f, header, strlen(header), d) : s;
}

static enum status open_requests(struct recorder *r, struct diag *d)
{
    struct row more = {0};

    if (r->keep_parts)
        parts_columns_header(&more, r->n_pools, r->pool_names);
    if (r->of[0].info->by_pool)
        ROW_LITERAL(&more, ",decode_deployment,ttft_target_ms,tpot_target_ms");
    ROW_LITERAL(&more, "\n");
    enum status s = open_file(r, &r->requests, "requests.csv", request_columns_header, d);
    return s == ST_OK ? out_file_write(&r->requests, more.text, more.n, d) : s;
}

static enum status open_files(struct recorder *r, bool want_events, struct diag *d)
{
    enum status s = out_folder_create(r->out_dir, d);
    if (s == ST_OK)
        s = open_requests(r, d);
    if (s == ST_OK)
        s = open_file(r, &r->timeline, "timeline.csv", timeline_header, d);
    if (s == ST_OK)
        s = open_file(r, &r->workers, "workers.csv", workers_header, d);
    if (s == ST_OK)
        s = open_file(r, &r->decisions, "decisions.jsonl", "", d);
    if (s == ST_OK)
        s = out_file_open(&r->windows, r->out_dir, "windows.csv", r->replace, d);
    if (s == ST_OK && is_named(r))
        s = open_file(r, &r->grants, "grants.jsonl", "", d);
    if (s == ST_OK && want_events)
        s = open_file(r, &r->events, "events.jsonl", "", d);
    if (s == ST_OK)
        s = open_file(r, &r->summary, "summary.json", "", d);
    return s;
}

static enum status keep_parts(struct recording *r, struct diag *d)
{
    const struct run_info *info = r->info;
    const struct cause_targets targets = {info->ttft_target_ns, info->tpot_target_ns,
                                          info->n_pools + info->only_prefills, info->only_prefills};
    struct capacity_rules rules = {.window_ns = info->window_ns,
                                   .from_ns = info->measured_from_ns,
                                   .tpot_target_ns = info->tpot_target_ns,
                                   .n_pools = info->n_pools,
                                   .only_decodes = info->only_decodes};

    for (size_t i = 0; i < info->n_pools; i++) {
        rules.gpus_per_worker[i] = info->gpus_per_worker[i];
        rules.workers[i] = info->workers[i];
    }
    r->causes = causes_new(&targets);
    r->capacity = capacity_new(&rules);
    return r->causes && r->capacity ? ST_OK : diag_nomem(d, "causes");
}

static enum status begin_recording(const struct recorder *r, struct recording *of,
                                   const struct run_info *info,
                                   const struct recorder_options *options, struct diag *d)
{
    const size_t max_exact = options->max_exact;
    struct recorder_totals *t = &of->totals;

    of->info = info;
    t->ttft.max_exact = t->ttst.max_exact = t->tpot.max_exact = t->e2e.max_exact = max_exact;
    BUG_IF(info->n_pools == 0 || info->n_pools > POLICY_MAX_POOLS);
    for (size_t i = 0; i < info->n_pools; i++)
        check_pool_name(info->pool_names[i]);
    if (options->keep_medians) {
        of->medians = medians_new();
        if (!of->medians)
            return diag_nomem(d, "medians");
    }
    return r->keep_parts ? keep_parts(of, d) : ST_OK;
}

static size_t pool_named(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void name_pools(struct recorder *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct run_info *info = r->of[i].info;
        for (size_t p = 0; p < info->n_pools; p++) {
            if (pool_named(info->pool_names[p], r->pool_names, r->n_pools) != SIZE_MAX)
                continue;
            BUG_IF(r->n_pools == MAX_POOL_COLUMNS);
            r->pool_names[r->n_pools++] = info->pool_names[p];
        }
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct run_info *info = r->of[i].info;
        for (size_t p = 0; p < r->n_pools; p++)
            r->of[i].pool_at[p] = pool_named(r->pool_names[p], info->pool_names, info->n_pools);
    }
}

enum status recorder_open(struct recorder **recorder, const struct recorder_options *options,
                          struct diag *d)
{
    enum status s = ST_OK;
    struct recorder *r = calloc(1, sizeof *r);

    *recorder = NULL;
    if (!r)
        return diag_nomem(d, "recorder");
    r->n = options->n_deployments ? options->n_deployments : 1;
    r->of = calloc(r->n, sizeof *r->of);
    if (!r->of) {
        free(r);
        return diag_nomem(d, "recorder");
    }
    r->replace = options->replace;
    r->keep_parts = options->keep_parts;
    r->progress = options->progress;
    r->progress_context = options->progress_context;
    r->replay = options->replay;
    for (size_t i = 0; i < r->n && s == ST_OK; i++)
        s = begin_recording(r, &r->of[i], &options->info[i], options, d);
    if (s == ST_OK)
        name_pools(r);
    if (s == ST_OK && options->out_dir) {
        r->writes = true;
        r->out_dir = strdup(options->out_dir);
        s = r->out_dir ? open_files(r, options->want_events, d) : diag_nomem(d, "recorder");
    }
    if (s != ST_OK) {
        recorder_free(r);
        return s;
    }
    *recorder = r;
    return ST_OK;
}

static void release_recording(struct recording *of)
{
    quantiles_release(&of->totals.ttft);
    quantiles_release(&of->totals.ttst);
    quantiles_release(&of->totals.tpot);
    quantiles_release(&of->totals.e2e);
    windows_release(&of->totals.windows);
    causes_free(of->causes);
    capacity_free(of->capacity);
    medians_free(of->medians);
    free(of->points);
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    out_file_release(&r->requests);
    out_file_release(&r->timeline);
    out_file_release(&r->workers);
    out_file_release(&r->decisions);
    out_file_release(&r->windows);
    out_file_release(&r->grants);
    out_file_release(&r->events);
    out_file_release(&r->performance);
    out_file_release(&r->summary);
    for (size_t i = 0; i < r->n; i++)
        release_recording(&r->of[i]);
    free(r->of);
    free(r->out_dir);
    free(r);
}

static enum status count_request(struct recorder_totals *t, const struct request_record *q,
                                 const struct request_latencies *l, struct diag *d)
{
    enum status s = ST_OK;

    t->n_records++;
    if (q->arrival_ns > t->last_arrival_ns)
        t->last_arrival_ns = q->arrival_ns;
    if (!q->measured)
        return ST_OK;
    t->n_offered++;
    t->n_by_outcome[q->outcome]++;
    t->n_retries += q->n_attempts > 1 ? q->n_attempts - 1 : 0;
    t->n_retried += q->n_attempts > 1;
    if (q->outcome != OUTCOME_COMPLETED)
        return ST_OK;
    t->n_ttft_ok += l->ttft_ok;
    t->n_tpot_ok += l->tpot_ok;
    t->input_tok += q->isl_tok;
    t->output_tok += q->n_output_tok;
    if (l->ttft_ok && l->tpot_ok) {
        t->n_good++;
        t->good_output_tok += q->n_output_tok;
    }
    if (l->ttft >= 0)
        s = quantiles_add(&t->ttft, (double)l->ttft, d);
    if (s == ST_OK && l->ttst >= 0)
        s = quantiles_add(&t->ttst, (double)l->ttst, d);
    if (s == ST_OK && l->n_gaps > 0)
        s = quantiles_add(&t->tpot, (double)l->decode / (double)l->n_gaps, d);
    if (s == ST_OK && l->e2e >= 0)
        s = quantiles_add(&t->e2e, (double)l->e2e, d);
    return s;
}

/* The first column, where it is there. */
static void row_deployment(struct row *row, const struct recorder *r, size_t deployment)
{
    const char *name = r->of[deployment].info->deployment;

    row->n = 0;
    if (!name)
        return;
    row_text(row, name, strlen(name));
    ROW_LITERAL(row, ",");
}

/* Where it was decoded, and its own targets. */
static void row_of_pools(struct row *row, const struct recorder *r, const struct request_record *q)
{
    const char *name = r->of[request_decode_deployment(q)].info->deployment;

    ROW_LITERAL(row, ",");
    row_text(row, name, strlen(name));
    ROW_LITERAL(row, ",");
    row_ms(row, q->ttft_target_ns ? q->ttft_target_ns : -1);
    ROW_LITERAL(row, ",");
    row_ms(row, q->tpot_target_ns ? q->tpot_target_ns : -1);
}

static enum status write_request(struct recorder *r, const struct request_record *q,
                                 const struct request_latencies *l, struct diag *d)
{
    struct row row;
    size_t handed[MAX_POOL_COLUMNS]; /* of one whose two pools are of two deployments */

    for (size_t p = 0; q->decode_in && p < r->n_pools; p++)
        handed[p] = r->of[request_decode_deployment(q)].pool_at[p] != SIZE_MAX &&
                            r->of[q->deployment].pool_at[p] != 0
                        ? 1
                        : r->of[q->deployment].pool_at[p];
    row_deployment(&row, r, q->deployment);
    request_columns(&row, q, l);
    if (r->keep_parts)
        parts_columns(&row, r->n_pools, q->decode_in ? handed : r->of[q->deployment].pool_at, q);
    if (r->of[0].info->by_pool)
        row_of_pools(&row, r, q);
    ROW_LITERAL(&row, "\n");
    return out_file_write(&r->requests, row.text, row.n, d);
}

static struct window_rules window_rules(const struct run_info *info)
{
    return (struct window_rules){info->window_ns, info->measured_from_ns, info->ttft_target_ns,
                                 info->tpot_target_ns};
}

/* What it takes of the pools that have it. */
static enum status add_demand(struct recorder *r, const struct request_record *q, struct diag *d)
{
    struct capacity *home = r->of[q->deployment].capacity;

    if (!q->decode_in)
        return capacity_add_request(home, q, d);
    enum status s = capacity_add_prompt(home, q, d);
    return s ? s : capacity_add_tokens(r->of[request_decode_deployment(q)].capacity, q, d);
}

static enum status on_request(void *context, const struct request_record *q, struct diag *d)
{
    struct recorder *r = context;
    struct recording *of = &r->of[q->deployment];
    const struct request_latencies l =
        request_latencies(q, of->info->ttft_target_ns, of->info->tpot_target_ns);
    const struct window_rules rules = window_rules(of->info);
    enum status s = count_request(&of->totals, q, &l, d);

    if (of->medians && l.ttft >= 0)
        medians_add(of->medians, q->first_token_ns, l.ttft);
    if (!s && q->measured)
        s = windows_add_request(&of->totals.windows, q->arrival_ns, l.ttft_ok && l.tpot_ok, &rules,
                                d);
    if (!s && of->causes)
        s = causes_add_request(of->causes, q, d);
    if (!s && of->capacity)
        s = add_demand(r, q, d);
    if (!s && r->replay)
        s = replay_report_add(r->replay, q, d);
    return s == ST_OK && r->writes ? write_request(r, q, &l, d) : s;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static enum status add_point(struct recording *r, const struct sample_record *sample,
                             struct diag *d)
{
    if (sample->pool == 0) {
        enum status s = ARRAY_RESERVE(r->points, r->n_points, r->points_capacity, 1, "timeline", d);
        if (s)
            return s;
        double rate = ratio(sample->traffic.n_arrived, sample->traffic.length_s);
        r->points[r->n_points++] = (struct timeline_point){
            .at_ns = sample->at_ns,
            .offered_rps = isnan(rate) ? 0 : rate,
        };
    }
    BUG_IF(sample->pool >= r->info->n_pools || r->n_points == 0);
    r->points[r->n_points - 1].n_waiting += sample->n_waiting;
    int32_t *count = r->points[r->n_points - 1].count[sample->pool];
    count[TIMELINE_TARGET] = sample->target;
    count[TIMELINE_READY] = sample->ready;
    count[TIMELINE_STARTING] = sample->starting;
    count[TIMELINE_DRAINING] = sample->draining;
    count[TIMELINE_WORKERS] = sample->ready + sample->starting - sample->pending + sample->draining;
    return ST_OK;
}

static enum status on_sample(void *context, const struct sample_record *sample, struct diag *d)
{
    struct recorder *r = context;
    const struct traffic_window *t = &sample->traffic;
    enum status s = add_point(&r->of[sample->deployment], sample, d);
    struct row row;

    if (s != ST_OK || !r->writes)
        return s;
    row_deployment(&row, r, sample->deployment);
    row_ms(&row, sample->at_ns);
    ROW_LITERAL(&row, ",");
    row_text(&row, sample->pool_name, strlen(sample->pool_name));
    const int64_t counts[] = {sample->target, sample->ready, sample->starting, sample->pending,
                              sample->draining};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ROW_LITERAL(&row, ",");
        row_int(&row, counts[i]);
    }
    const double figures[] = {sample->n_waiting,
                              sample->n_running,
                              sample->kv_utilization,
                              ratio(t->n_arrived, t->length_s),
                              ratio(t->n_requests, t->length_s),
                              ratio(t->ttft_sum_s, t->n_ttft) * 1e3,
                              ratio(t->itl_sum_s, t->n_itl) * 1e3,
                              ratio(t->isl_sum_tok, t->n_isl),
                              ratio(t->osl_sum_tok, t->n_osl)};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        ROW_LITERAL(&row, ",");
        row_double(&row, figures[i]);
    }
    ROW_LITERAL(&row, "\n");
    return out_file_write(&r->timeline, row.text, row.n, d);
}

static enum status on_window(void *context, const struct window_record *w, struct diag *d)
{
    struct recorder *r = context;
    struct recording *of = &r->of[w->deployment];
    const struct window_rules rules = window_rules(of->info);

    (void)d;
    windows_close(&of->totals.windows, w, &rules);
    return ST_OK;
}

static enum status write_worker(struct recorder *r, const struct worker_record *w, struct diag *d)
{
    const char *end = worker_end_name(w->end);
    struct row row;

    const struct run_info *info = r->of[w->deployment].info;
    BUG_IF(w->pool >= info->n_pools);
    const char *pool = info->pool_names[w->pool];
    row_deployment(&row, r, w->deployment);
    row_text(&row, pool, strlen(pool));
    ROW_LITERAL(&row, ",");
    row_int(&row, w->id);
    ROW_LITERAL(&row, ",");
    if (w->node != NO_NODE)
        row_int(&row, w->node);
    const int64_t times[] = {w->wanted_ns, w->start_ns, w->ready_ns, w->drain_ns, w->end_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        ROW_LITERAL(&row, ",");
        row_ms(&row, times[i]);
    }
    ROW_LITERAL(&row, ",");
    row_text(&row, end, strlen(end));
    ROW_LITERAL(&row, ",");
    row_int(&row, (int64_t)w->n_finished);
    ROW_LITERAL(&row, ",");
    row_int(&row, (int64_t)w->n_lost);
    ROW_LITERAL(&row, ",");
    row_ms(&row, w->busy_ns);
    ROW_LITERAL(&row, "\n");
    return out_file_write(&r->workers, row.text, row.n, d);
}

static enum status on_worker(void *context, const struct worker_record *w, struct diag *d)
{
    struct recorder *r = context;
    const struct recording *of = &r->of[w->deployment];
    enum status s = of->causes ? causes_add_worker(of->causes, w, d) : ST_OK;

    if (s == ST_OK && of->capacity)
        s = capacity_add_worker(of->capacity, w, d);
    return s == ST_OK && r->writes ? write_worker(r, w, d) : s;
}

static enum status write_decision(struct recorder *r, const struct decision_record *c,
                                  struct diag *d)
{
    errno = 0;
    decision_line(r->decisions.stream, c, r->of[c->deployment].info->deployment);
    return out_file_check(&r->decisions, d);
}

static enum status on_decision(void *context, const struct decision_record *c, struct diag *d)
{
    struct recorder *r = context;
    struct recording *of = &r->of[c->deployment];
    enum status s = ST_OK;

    moves_add(&of->totals.moves, c, of->info->flap_ns);
    for (size_t p = 0; of->causes && s == ST_OK && p < c->n_pools; p++) {
        s = causes_add_decision(of->causes, p, c->at_ns, c->counts[p].target, decision_target(c, p),
                                c->effects->wanted[p], d);
    }
    return s == ST_OK && r->writes ? write_decision(r, c, d) : s;
}

static enum status on_grant(void *context, const struct grant_record *g, struct diag *d)
{
    struct recorder *r = context;

    errno = 0;
    grant_line(r->grants.stream, g, r->of[g->deployment].info,
               g->asker == ARBITER_NOBODY ? NULL : r->of[g->asker].info);
    return out_file_check(&r->grants, d);
}

static enum status on_event(void *context, const struct event_record *e, struct diag *d)
{
    struct recorder *r = context;
    struct row row;

    event_line(&row, e, e->deployment == SIZE_MAX ? NULL : r->of[e->deployment].info);
    return out_file_write(&r->events, row.text, row.n, d);
}

static enum status on_progress(void *context, const struct sim_progress *p, struct diag *d)
{
    struct recorder *r = context;
    return r->progress(r->progress_context, p, d);
}

struct observer recorder_observer(struct recorder *r)
{
    return (struct observer){
        .context = r,
        .wants_parts = r->keep_parts,
        .request = on_request,
        .sample = on_sample,
        .decision = on_decision,
        .grant = r->grants.stream ? on_grant : NULL,
        .window = on_window,
        .worker = on_worker,
        .event = r->events.stream ? on_event : NULL,
        .progress = r->progress ? on_progress : NULL,
    };
}

struct recorder_totals *recorder_totals(struct recorder *r, size_t deployment)
{
    return &r->of[deployment].totals;
}

const struct run_info *recorder_info(const struct recorder *r, size_t deployment)
{
    return r->of[deployment].info;
}

struct timeline recorder_timeline(const struct recorder *r, size_t deployment)
{
    return (struct timeline){r->of[deployment].n_points, r->of[deployment].points};
}

const struct medians *recorder_medians(const struct recorder *r, size_t deployment)
{
    return r->of[deployment].medians;
}

enum status recorder_causes(struct recorder *r, size_t deployment, struct cause_summary *causes,
                            struct diag *d)
{
    struct causes *kept = r->of[deployment].causes;

    *causes = (struct cause_summary){.kept = false};
    return kept ? causes_finish(kept, causes, d) : ST_OK;
}

struct causes *recorder_take_causes(struct recorder *r, size_t deployment)
{
    struct causes *causes = r->of[deployment].causes;

    r->of[deployment].causes = NULL;
    return causes;
}

enum status recorder_capacity(struct recorder *r, size_t deployment, int64_t end_ns,
                              struct capacity_summary *capacity, struct diag *d)
{
    struct capacity *kept = r->of[deployment].capacity;

    *capacity = (struct capacity_summary){.kept = false};
    return kept ? capacity_finish(kept, end_ns, capacity, d) : ST_OK;
}

static enum status write_windows(struct recorder *r, const struct summary *summary, struct diag *d)
{
    enum status s = ST_OK;

    errno = 0;
    for (size_t i = 0; i < r->n && !s; i++) {
        const struct recording *of = &r->of[i];
        const struct summary *figures = is_named(r) ? &summary->deployments[i] : summary;
        const struct windows_csv w = {.info = of->info,
                                      .n_pools = r->n_pools,
                                      .pools = r->pool_names,
                                      .pool_at = of->pool_at,
                                      .windows = &of->totals.windows,
                                      .causes = of->causes,
                                      .capacity = of->capacity,
                                      .n_windows = figures->capacity.n_windows};
        if (i == 0)
            windows_csv_header(r->windows.stream, &w);
        s = windows_csv_write(r->windows.stream, &w, d);
    }
    return s ? s : out_file_check(&r->windows, d);
}

static enum status write_performance(struct recorder *r, const struct summary *summary,
                                     struct diag *d)
{
    enum status s = out_file_open(&r->performance, r->out_dir, "performance.json", r->replace, d);
    if (s != ST_OK)
        return s;
    errno = 0;
    summary_write_performance(summary, r->performance.stream);
    return out_file_check(&r->performance, d);
}

enum status recorder_finish(struct recorder *r, const struct summary *summary, struct diag *d)
{
    /* summary.json comes last: when it is there, so is everything else. */
    struct out_file *const files[] = {&r->requests,  &r->timeline,    &r->workers,
                                      &r->decisions, &r->windows,     &r->grants,
                                      &r->events,    &r->performance, &r->summary};
    enum { N_FILES = sizeof files / sizeof *files };
    /* Nothing of an earlier run may look like a part of this one, even if we end between two files.
     */
    static const char *const earlier[] = {"summary.json", "performance.json", "windows.csv",
                                          "grants.jsonl", "events.jsonl"};
    enum status s = ST_OK;

    if (!r->writes)
        return ST_OK;
    s = write_windows(r, summary, d);
    if (!s && !isnan(summary->performance.wall_s))
        s = write_performance(r, summary, d);
    if (s != ST_OK)
        return s;
    errno = 0;
    summary_write_json(summary, r->summary.stream);
    s = out_file_check(&r->summary, d);
    for (size_t i = 0; s == ST_OK && i < N_FILES; i++)
        s = out_file_close(files[i], d);
    for (size_t i = 0; s == ST_OK && r->replace && i < sizeof earlier / sizeof *earlier; i++)
        s = out_file_remove(r->out_dir, earlier[i], d);
    for (size_t i = 0; s == ST_OK && i < N_FILES; i++)
        s = out_file_publish(files[i], d);
    return s;
}
