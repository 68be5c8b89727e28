/* What has no length: decisions, failures, counters. */
#include <errno.h>

#include "reports/trace_events/chrome.h"
#include "util/json_out.h"

enum status chrome_on_node_event(struct traced *t, const struct event_record *e, struct diag *d)
{
    struct row row;

    if (!chrome_in_span(t, e->at_ns, e->at_ns))
        return ST_OK;
    chrome_begin(t, &row, "i", event_kind_name(e->kind), PID_RUN);
    chrome_arg_int(&row, "tid", TID_NODES);
    chrome_arg_text(&row, "cat", "node");
    chrome_arg_text(&row, "s", "t");
    chrome_at(&row, e->at_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "node", e->node);
    return chrome_end_args(t, &row, d);
}

/* Of a worker that fails; what else happens to it is in its life. */
enum status chrome_on_fail(struct traced *t, const struct event_record *e, struct diag *d)
{
    struct row row;

    if (!chrome_in_span(t, e->at_ns, e->at_ns))
        return ST_OK;
    chrome_begin(t, &row, "i", event_kind_name(e->kind), chrome_pool_pid(e->pool));
    chrome_arg_int(&row, "tid", chrome_life_tid(e->worker));
    chrome_arg_text(&row, "cat", "life");
    chrome_arg_text(&row, "s", "t");
    chrome_at(&row, e->at_ns);
    return chrome_end(t, &row, d);
}

static void decision_pool(struct json_out *j, const struct decision_record *c, size_t p)
{
    const struct policy_effects *e = c->effects;

    json_key(j, c->pool_names[p]);
    json_object_begin(j);
    json_key_int(j, "target", c->counts[p].target);
    if (e->scale)
        json_key_int(j, "new_target", e->target[p]);
    json_key_int(j, "ready", c->counts[p].ready);
    json_key_int(j, "starting", c->counts[p].starting);
    json_key_int(j, "draining", c->counts[p].draining);
    json_key_int(j, "started", c->started[p]);
    json_key_int(j, "cancelled", c->cancelled[p]);
    json_key_int(j, "drained", c->drained[p]);
    json_key_int(j, "terminated", c->terminated[p]);
    json_object_end(j);
}

enum status chrome_on_decision(struct traced *t, const struct decision_record *c, struct diag *d)
{
    const struct policy_effects *e = c->effects;
    bool moved = false;
    struct row row;
    struct json_out j;

    if (!chrome_in_span(t, c->at_ns, c->at_ns))
        return ST_OK;
    for (size_t p = 0; p < c->n_pools; p++)
        moved |= e->scale && e->target[p] != c->counts[p].target;
    chrome_begin(t, &row, "i", moved ? "scale" : "stay", PID_RUN);
    chrome_arg_int(&row, "tid", TID_DECISIONS);
    chrome_arg_text(&row, "cat", "decision");
    chrome_arg_text(&row, "s", "t");
    chrome_at(&row, c->at_ns);
    ROW_LITERAL(&row, ", \"args\": ");
    enum status s = out_file_write(&t->all->file, row.text, row.n, d);
    if (s)
        return s;
    errno = 0;
    json_out_init(&j, t->all->file.stream, false);
    json_object_begin(&j);
    json_key_int(&j, "number", (int64_t)c->number);
    json_key_string(&j, "kind", e->kind);
    json_key_string(&j, "reason", e->reason);
    for (size_t p = 0; p < c->n_pools; p++)
        decision_pool(&j, c, p);
    json_object_end(&j);
    s = out_file_check(&t->all->file, d);
    return s ? s : out_file_write(&t->all->file, "}\n", 2, d);
}

/* ---- counters: they hold from their time to that of the next ---- */

static void begin_counter(struct traced *t, struct row *row, const char *name, int pid,
                          int64_t at_ns)
{
    chrome_begin(t, row, "C", name, pid);
    chrome_at(row, at_ns);
    ROW_LITERAL(row, ", \"args\": {");
}

static void counter_value(struct row *row, const char *key, double v)
{
    chrome_text(row, row->text[row->n - 1] == '{' ? "\"" : ", \"");
    chrome_text(row, key);
    ROW_LITERAL(row, "\": ");
    row_double(row, v);
}

/* What was on average since the sample before stands at the time of that one. */
static enum status write_means(struct traced *t, const struct sample_record *sample, struct diag *d)
{
    const struct traffic_window *w = &sample->traffic;
    struct row row;

    if (sample->at_ns == t->sampled_ns || !chrome_in_span(t, t->sampled_ns, sample->at_ns))
        return ST_OK;
    begin_counter(t, &row, "requests", chrome_pool_pid(sample->pool), t->sampled_ns);
    counter_value(&row, "waiting", sample->n_waiting);
    counter_value(&row, "running", sample->n_running);
    enum status s = chrome_end_args(t, &row, d);
    if (s || sample->pool || !(w->length_s > 0))
        return s;
    begin_counter(t, &row, "offered", PID_RUN, t->sampled_ns);
    counter_value(&row, "requests per s", w->n_arrived / w->length_s);
    return chrome_end_args(t, &row, d);
}

static enum status write_moment(struct traced *t, const struct sample_record *sample,
                                struct diag *d)
{
    struct row row;

    if (!chrome_in_span(t, sample->at_ns, sample->at_ns))
        return ST_OK;
    begin_counter(t, &row, "workers", chrome_pool_pid(sample->pool), sample->at_ns);
    counter_value(&row, "target", sample->target);
    counter_value(&row, "ready", sample->ready);
    counter_value(&row, "starting", sample->starting);
    counter_value(&row, "draining", sample->draining);
    enum status s = chrome_end_args(t, &row, d);
    if (s)
        return s;
    begin_counter(t, &row, "KV", chrome_pool_pid(sample->pool), sample->at_ns);
    counter_value(&row, "in use", sample->kv_utilization);
    return chrome_end_args(t, &row, d);
}

enum status chrome_on_sample(struct traced *t, const struct sample_record *sample, struct diag *d)
{

    enum status s = write_means(t, sample, d);
    if (!s)
        s = write_moment(t, sample, d);
    if (sample->pool + 1 == t->info->n_pools)
        t->sampled_ns = sample->at_ns;
    return s;
}
