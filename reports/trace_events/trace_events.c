#include "reports/trace_events/trace_events.h"

#include <errno.h>
#include <stdlib.h>

#include "reports/trace_events/chrome.h"
#include "util/json_out.h"

static enum status on_event(void *context, const struct event_record *e, struct diag *d)
{
    struct trace_events *t = context;

    if (e->request != UINT64_MAX)
        return chrome_on_request_event(t, e, d);
    if (e->kind == EVENT_WORKER_FAIL)
        return chrome_on_fail(t, e, d);
    return e->pool == SIZE_MAX ? chrome_on_node_event(t, e, d) : ST_OK;
}

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

static enum status write_head(struct trace_events *t, struct diag *d)
{
    FILE *out = t->file.stream;
    struct json_out j;

    errno = 0;
    fputs("{\"displayTimeUnit\": \"ms\", \"otherData\": ", out);
    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key_string(&j, "scenario", t->info->scenario);
    json_key_int(&j, "seed", (int64_t)t->info->seed);
    json_key_string(&j, "headroom_version", t->info->version);
    json_object_end(&j);
    fputs(",\"traceEvents\": [\n", out);
    return out_file_check(&t->file, d);
}

enum status trace_events_begin(struct trace_events *t, const struct run_info *info, struct diag *d)
{
    t->info = info;
    enum status s = write_head(t, d);
    if (!s)
        s = chrome_name_process(t, PID_RUN, "run", d);
    if (!s)
        s = chrome_name_track(t, PID_RUN, TID_DECISIONS, "decisions", d);
    if (!s)
        s = chrome_name_track(t, PID_RUN, TID_NODES, "nodes", d);
    for (size_t p = 0; !s && p < info->n_pools; p++)
        s = chrome_name_process(t, chrome_pool_pid(p), info->pool_names[p], d);
    return s ? s : chrome_name_process(t, PID_REQUESTS, "requests", d);
}

struct observer trace_events_observer(struct trace_events *t)
{
    return (struct observer){
        .context = t,
        .request = chrome_on_request,
        .sample = chrome_on_sample,
        .decision = chrome_on_decision,
        .worker = chrome_on_worker,
        .step = chrome_on_step,
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

void trace_events_free(struct trace_events *t)
{
    if (!t)
        return;
    out_file_release(&t->file);
    free(t->requests);
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++) {
        for (size_t i = 0; i < t->workers_capacity[p]; i++)
            free(t->workers[p][i].ranks);
        free(t->workers[p]);
    }
    free(t->arrow_ends);
    free(t);
}
