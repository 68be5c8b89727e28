#include "reports/trace_events/trace_events.h"

#include <errno.h>
#include <stdlib.h>

#include "reports/trace_events/chrome.h"
#include "util/json_out.h"

enum status trace_events_open(struct trace_events **out, const struct trace_events_options *options,
                              struct diag *d)
{
    struct trace_events *t = calloc(1, sizeof *t);

    *out = NULL;
    if (!t)
        return diag_nomem(d, "trace events");
    t->from_ns = options->from_ns;
    t->to_ns = options->to_ns;
    enum status s = out_file_open(&t->file, options->dir, options->name, options->replace, d);
    if (s) {
        trace_events_free(t);
        return s;
    }
    *out = t;
    return ST_OK;
}

static enum status write_head(struct trace_events *t, const struct run_info *info, struct diag *d)
{
    FILE *out = t->file.stream;
    struct json_out j;

    errno = 0;
    fputs("{\"displayTimeUnit\": \"ms\", \"otherData\": ", out);
    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key_string(&j, "scenario", info->scenario);
    json_key_int(&j, "seed", (int64_t)info->seed);
    json_key_string(&j, "headroom_version", info->version);
    json_object_end(&j);
    fputs(",\"traceEvents\": [\n", out);
    return out_file_check(&t->file, d);
}

/* "agg", "chat agg" where there are several. */
static enum status name_process(struct traced *t, int pid, const char *name, struct diag *d)
{
    char text[128];

    if (t->info->deployment)
        snprintf(text, sizeof text, "%s %s", t->info->deployment, name);
    return chrome_name_process(t, pid, t->info->deployment ? text : name, d);
}

static enum status name_deployment(struct traced *t, struct diag *d)
{
    const struct run_info *info = t->info;

    enum status s = info->deployment ? name_process(t, PID_RUN, "policy", d)
                                     : chrome_name_process(t, PID_RUN, "run", d);
    if (!s)
        s = chrome_name_track(t, PID_RUN, TID_DECISIONS, "decisions", d);
    if (!s && !info->deployment)
        s = chrome_name_track(t, PID_RUN, TID_NODES, "nodes", d);
    for (size_t p = 0; !s && p < info->n_pools; p++)
        s = name_process(t, chrome_pool_pid(p), info->pool_names[p], d);
    return s ? s : name_process(t, PID_REQUESTS, "requests", d);
}

static enum status name_run(struct traced *t, struct diag *d)
{
    enum status s = chrome_name_process(t, PID_RUN, "run", d);

    return s ? s : chrome_name_track(t, PID_RUN, TID_NODES, "nodes", d);
}

enum status trace_events_begin(struct trace_events *t, const struct run_info *infos, size_t n,
                               struct diag *d)
{
    t->of = calloc(n, sizeof *t->of);
    if (!t->of)
        return diag_nomem(d, "trace events");
    t->n = n;
    t->run.all = t;
    enum status s = write_head(t, infos, d);
    if (!s && infos->deployment)
        s = name_run(&t->run, d);
    for (size_t i = 0; !s && i < n; i++) {
        struct traced *of = &t->of[i];
        of->all = t;
        of->info = &infos[i];
        of->pid_base = infos->deployment ? (int)(i + 1) * PIDS_PER_DEPLOYMENT : 0;
        s = name_deployment(of, d);
    }
    return s;
}

/* ---- each to its deployment ---- */

static struct traced *deployment(void *context, size_t index)
{
    return &((struct trace_events *)context)->of[index];
}

static enum status on_request(void *context, const struct request_record *q, struct diag *d)
{
    return chrome_on_request(deployment(context, q->deployment), q, d);
}

static enum status on_sample(void *context, const struct sample_record *sample, struct diag *d)
{
    return chrome_on_sample(deployment(context, sample->deployment), sample, d);
}

static enum status on_decision(void *context, const struct decision_record *c, struct diag *d)
{
    return chrome_on_decision(deployment(context, c->deployment), c, d);
}

static enum status on_worker(void *context, const struct worker_record *w, struct diag *d)
{
    return chrome_on_worker(deployment(context, w->deployment), w, d);
}

static enum status on_step(void *context, const struct step_record *step, struct diag *d)
{
    return chrome_on_step(deployment(context, step->deployment), step, d);
}

static enum status on_event(void *context, const struct event_record *e, struct diag *d)
{
    struct trace_events *t = context;

    if (e->request != UINT64_MAX)
        return chrome_on_request_event(deployment(t, e->deployment), e, d);
    if (e->kind == EVENT_WORKER_FAIL)
        return chrome_on_fail(deployment(t, e->deployment), e, d);
    if (e->pool != SIZE_MAX)
        return ST_OK;
    return chrome_on_node_event(t->of[0].info->deployment ? &t->run : &t->of[0], e, d);
}

struct observer trace_events_observer(struct trace_events *t)
{
    return (struct observer){
        .context = t,
        .request = on_request,
        .sample = on_sample,
        .decision = on_decision,
        .worker = on_worker,
        .step = on_step,
        .event = on_event,
    };
}

enum status trace_events_finish(struct trace_events *t, struct diag *d)
{
    enum status s = out_file_write(&t->file, "]}\n", 3, d);

    if (!s)
        s = out_file_close(&t->file, d);
    return s ? s : out_file_publish(&t->file, d);
}

static void release(struct traced *t)
{
    free(t->requests);
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++) {
        for (size_t i = 0; i < t->workers_capacity[p]; i++)
            free(t->workers[p][i].ranks);
        free(t->workers[p]);
    }
    free(t->arrow_ends);
}

void trace_events_free(struct trace_events *t)
{
    if (!t)
        return;
    out_file_release(&t->file);
    for (size_t i = 0; i < t->n; i++)
        release(&t->of[i]);
    free(t->of);
    free(t);
}
