/* Requests, as asynchronous slices: one around those of where it was. */
#include <string.h>

#include "reports/trace_events/chrome.h"
#include "util/array.h"

/* identifier, name of the slice: where a request is */
#define PHASE_MAP(XX)                                                                              \
    XX(NONE, "")                                                                                   \
    XX(ROUTER, "router")                                                                           \
    XX(QUEUE, "queue")                                                                             \
    XX(PREFILL, "prefill")                                                                         \
    XX(DECODE_ROOM, "decode_room")                                                                 \
    XX(TRANSFER, "transfer")                                                                       \
    XX(DECODE_QUEUE, "decode_queue")                                                               \
    XX(DECODE, "decode")                                                                           \
    XX(PREEMPTED, "preempted")                                                                     \
    XX(RECOMPUTE, "recompute")                                                                     \
    XX(BACKOFF, "backoff")

enum phase {
#define XX(id, name) PHASE_##id,
    PHASE_MAP(XX)
#undef XX
};
static const char *const phase_names[] = {
#define XX(id, name) name,
    PHASE_MAP(XX)
#undef XX
};

static void begin_async(struct traced *t, struct row *row, const char *phase, const char *name,
                        uint64_t request, int64_t at_ns)
{
    chrome_begin(t, row, phase, name, PID_REQUESTS);
    ROW_LITERAL(row, ", \"tid\": 1, \"cat\": \"request\", \"id2\": {\"local\": \"");
    row_int(row, (int64_t)request);
    ROW_LITERAL(row, "\"}");
    chrome_at(row, at_ns);
}

static enum status find_request(struct traced *t, uint64_t index, struct traced_request **request,
                                struct diag *d)
{
    size_t n = t->requests_capacity;

    if (index >= n) {
        enum status s =
            ARRAY_RESERVE(t->requests, n, t->requests_capacity, index + 1 - n, "requests", d);
        if (s)
            return s;
        memset(t->requests + n, 0, (t->requests_capacity - n) * sizeof *t->requests);
    }
    *request = &t->requests[index];
    return ST_OK;
}

/* The slice around its phases, of which one is to be written. */
static enum status begin_request(struct traced *t, struct traced_request *r, uint64_t index,
                                 struct diag *d)
{
    struct row row;

    if (r->begun)
        return ST_OK;
    r->begun = true;
    begin_async(t, &row, "b", "request", index, r->arrival_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "request", (int64_t)index);
    return chrome_end_args(t, &row, d);
}

static enum status end_phase(struct traced *t, struct traced_request *r, uint64_t index,
                             int64_t at_ns, struct diag *d)
{
    const char *name = phase_names[r->phase];
    struct row row;

    if (r->phase == PHASE_NONE || at_ns == r->since_ns || !chrome_in_span(t, r->since_ns, at_ns))
        return ST_OK;
    enum status s = begin_request(t, r, index, d);
    if (s)
        return s;
    begin_async(t, &row, "b", name, index, r->since_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "request", (int64_t)index);
    if (r->worker != NO_WORKER) {
        chrome_arg_text(&row, "pool", t->info->pool_names[r->pool]);
        chrome_arg_int(&row, "worker", r->worker);
    }
    s = chrome_end_args(t, &row, d);
    if (s)
        return s;
    begin_async(t, &row, "e", name, index, at_ns);
    return chrome_end(t, &row, d);
}

/* Where a request is after an event, or NONE: where it was. */
static enum phase phase_after(const struct traced *t, const struct traced_request *r,
                              const struct event_record *e)
{
    bool decode_pool = e->pool == 1;

    switch ((int)e->kind) {
    case EVENT_ARRIVE:
    case EVENT_RETRY:
        return PHASE_ROUTER;
    case EVENT_ROUTE:
        return r->phase == PHASE_DECODE_ROOM ? PHASE_DECODE_ROOM : PHASE_QUEUE;
    case EVENT_ADMIT:
        return r->phase == PHASE_DECODE_QUEUE ? PHASE_DECODE
               : r->phase == PHASE_PREEMPTED  ? PHASE_RECOMPUTE
                                              : PHASE_PREFILL;
    case EVENT_PREFILL_DONE:
        return t->info->n_pools > 1 && !decode_pool ? PHASE_DECODE_ROOM : PHASE_DECODE;
    case EVENT_TRANSFER_START:
        return PHASE_TRANSFER;
    case EVENT_TRANSFER_DONE:
        return PHASE_DECODE_QUEUE;
    case EVENT_PREEMPT:
        return PHASE_PREEMPTED;
    case EVENT_LOSE:
        return PHASE_BACKOFF;
    default:
        return PHASE_NONE;
    }
}

/* Its prompt is done on a prefill worker. */
static enum status begin_arrow(struct traced *t, struct traced_request *r,
                               const struct event_record *e, struct diag *d)
{
    const struct traced_rank *rank;

    enum status s = chrome_ended_step(t, e->pool, e->worker, e->at_ns, &rank, d);
    r->prompt_here = rank && rank->written;
    if (rank) {
        r->prompt_ns = rank->step.start_ns;
        r->prompt_tid = chrome_rank_tid(&rank->step);
    }
    return s;
}

static enum status first_token(struct traced *t, const struct traced_request *r,
                               const struct event_record *e, struct diag *d)
{
    const struct arrow_end a = {e->at_ns, e->request, e->pool, e->worker};
    bool ended;

    if (!r->prompt_here || e->pool == 0)
        return ST_OK;
    enum status s = chrome_end_arrow(t, &a, &ended, d);
    if (s || ended)
        return s;
    s = ARRAY_RESERVE(t->arrow_ends, t->n_arrow_ends, t->arrow_ends_capacity, 1, "flows", d);
    if (!s)
        t->arrow_ends[t->n_arrow_ends++] = a;
    return s;
}

enum status chrome_on_request_event(struct traced *t, const struct event_record *e, struct diag *d)
{
    struct traced_request *r;

    enum status s = find_request(t, e->request, &r, d);
    if (s)
        return s;
    if (e->kind == EVENT_FIRST_TOKEN)
        return first_token(t, r, e, d);
    enum phase next = phase_after(t, r, e);
    if (next == PHASE_NONE)
        return ST_OK;
    if (next == r->phase && e->worker == r->worker)
        return ST_OK;
    if (e->kind == EVENT_ARRIVE)
        *r = (struct traced_request){.arrival_ns = e->at_ns};
    else
        s = end_phase(t, r, e->request, e->at_ns, d);
    if (!s && e->kind == EVENT_PREFILL_DONE && next == PHASE_DECODE_ROOM)
        s = begin_arrow(t, r, e, d);
    else if (e->kind == EVENT_LOSE)
        r->prompt_here = false;
    r->phase = (uint8_t)next;
    r->since_ns = e->at_ns;
    r->worker = e->worker;
    r->pool = e->pool == SIZE_MAX ? 0 : (uint8_t)e->pool;
    return s;
}

enum status chrome_on_request(struct traced *t, const struct request_record *q, struct diag *d)
{
    struct traced_request *r;
    struct row row;

    enum status s = find_request(t, q->index, &r, d);
    if (s)
        return s;
    s = end_phase(t, r, q->index, q->end_ns, d);
    r->phase = PHASE_NONE;
    if (s || !chrome_in_span(t, q->arrival_ns, q->end_ns))
        return s;
    s = begin_request(t, r, q->index, d);
    if (s)
        return s;
    begin_async(t, &row, "e", "request", q->index, q->end_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "input_tokens", q->isl_tok);
    chrome_arg_int(&row, "output_tokens", q->osl_tok);
    chrome_arg_int(&row, "cached_tokens", q->cached_tok);
    chrome_arg_int(&row, "attempts", q->n_attempts);
    chrome_arg_int(&row, "preemptions", q->n_preemptions);
    chrome_arg_text(&row, "outcome", outcome_name(q->outcome));
    return chrome_end_args(t, &row, d);
}
