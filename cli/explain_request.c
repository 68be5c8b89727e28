#include <inttypes.h>
#include <math.h>

#include "cli/explain.h"
#include "cli/table.h"
#include "util/terminal.h"
#include "util/text.h"
#include "util/units.h"

/* Parts in the order in which they come, as far as there is one. */
static const enum request_part in_order[N_REQUEST_PARTS] = {
    PART_LOST,    PART_BACKOFF,        PART_FRONTEND,     PART_ROUTER,    PART_NO_WORKER,
    PART_STARTUP, PART_GPUS,           PART_QUEUE,        PART_KV_ROOM,   PART_BATCH_FULL,
    PART_PREFILL, PART_PREFILL_SHARED, PART_DECODE_ROOM,  PART_LINK,      PART_TRANSFER,
    PART_DECODE,  PART_DECODE_PROMPTS, PART_DECODE_RANKS, PART_PREEMPTED, PART_STREAM,
};

static void print_parts(const struct explain *e, const char *title, const int64_t *ns,
                        const int64_t *less_ns)
{
    struct table t;
    bool any = false;

    table_init(&t, e->arena, 3);
    t.right[0] = true;
    table_add(&t, "ms"), table_add(&t, "part"), table_add(&t, "what it is");
    for (size_t i = 0; i < N_REQUEST_PARTS; i++) {
        enum request_part p = in_order[i];
        int64_t part_ns = ns[p] - (less_ns ? less_ns[p] : 0);
        if (part_ns == 0)
            continue;
        any = true;
        table_printf(&t, "%.2f", ms_from_ns(part_ns));
        table_add(&t, request_part_name(p));
        table_add(&t, request_part_text(p));
    }
    if (!any)
        return;
    printf("\n%s\n", title);
    table_print(&t, stdout);
}

static void print_head(const struct explain *e, const struct recorded_request *q)
{
    const struct recorded *run = e->run;
    char in[TEXT_FIGURE_SIZE], out[TEXT_FIGURE_SIZE];

    printf("Request %" PRIu64 " of %s: %s\n", q->index, run->scenario, outcome_name(q->outcome));
    printf("  arrived at %.3f s, %s tokens in, %s of %" PRIu32 " out, %" PRIu32 " attempt%s\n",
           s_from_ns(q->arrival_ns), text_grouped(in, q->input_tok),
           text_grouped(out, q->n_output_tok), q->output_tok, q->n_attempts,
           q->n_attempts == 1 ? "" : "s");
    if (q->ttft_ns >= 0)
        printf("  TTFT %.2f ms, target %g ms\n", ms_from_ns(q->ttft_ns),
               ms_from_ns(recorded_ttft_target(q, run)));
    else
        printf("  no token came out; target of TTFT %g ms\n",
               ms_from_ns(recorded_ttft_target(q, run)));
    if (q->tpot_ns >= 0)
        printf("  TPOT %.2f ms, target %g ms\n", ms_from_ns(q->tpot_ns),
               ms_from_ns(recorded_tpot_target(q, run)));
}

/* What the policy did for the pool from the beginning of the backlog to the end of the wait. */
static void print_decisions(const struct explain *e, size_t pool, int64_t from_ns, int64_t to_ns)
{
    for (size_t i = 0; i < e->run->n_decisions; i++) {
        const struct recorded_decision *c = &e->run->decisions[i];
        const struct recorded_pool_decision *p = &c->pools[pool];
        if (c->at_ns < from_ns || c->at_ns > to_ns || isnan(p->applied) ||
            (int64_t)p->applied == p->target)
            continue;
        explain_decision(e, c);
    }
}

static void print_wait(const struct explain *e, size_t i, size_t pool)
{
    const struct request_parts *parts = &e->run->parts[i];
    const struct pool_wait *w = &parts->waits[pool];
    const struct request_record q = recorded_request_record(e->run, i);
    int64_t to_ns = w->to_ns >= 0 ? w->to_ns : q.end_ns;
    char tok[TEXT_FIGURE_SIZE];

    if (w->from_ns < 0 || to_ns == w->from_ns)
        return;
    printf("\nWaited for %s from %.3f to %.3f s\n", e->run->pools[pool], s_from_ns(w->from_ns),
           s_from_ns(to_ns));
    if (w->backlog_ns >= 0)
        printf("  more requests than workers waited there since %.3f s\n",
               s_from_ns(w->backlog_ns));
    if (w->ahead_request != UINT64_MAX)
        printf("  longest in front: request %" PRIu64 ", %s tokens, %.2f ms of it\n",
               w->ahead_request, text_grouped(tok, w->ahead_tok), ms_from_ns(w->ahead_ns));
    print_decisions(e, pool, w->backlog_ns >= 0 ? w->backlog_ns : w->from_ns, to_ns);
}

static void print_verdict(const struct explain *e, const struct request_record *q)
{
    struct cause_verdict v;
    char late[TEXT_FIGURE_SIZE];

    if (!q->measured) {
        printf("\nIt arrived outside of the measured span, and counts nowhere.\n");
        return;
    }
    if (!causes_verdict(e->causes, q, &v)) {
        printf("\nIt was served within both targets.\n");
        return;
    }
    printf("\nVerdict: %s\n  ", cause_name(v.cause));
    terminal_wrap(stdout, cause_text(v.cause), 2, 2);
    if (v.kind != MISSED_ALL)
        printf("  %.2f ms above the target of %s\n", ms_from_ns(v.excess_ns),
               v.kind == MISSED_TTFT ? "TTFT" : "TPOT, all tokens together");
    if (v.late_ns >= 0)
        printf("  the decision for more workers came %s after the backlog began\n",
               text_duration(late, s_from_ns(v.late_ns)));
    fputs("  would have helped: ", stdout);
    terminal_wrap(stdout, cause_help(v.cause), 21, 21);
}

void explain_request(const struct explain *e, size_t i)
{
    const struct recorded_request *q = &e->run->requests[i];
    const struct request_parts *parts = &e->run->parts[i];
    const struct request_record record = recorded_request_record(e->run, i);
    bool has_token = q->ttft_ns >= 0;

    print_head(e, q);
    print_parts(e, has_token ? "Until its first token" : "Until its end",
                has_token ? parts->ttft_ns : parts->e2e_ns, NULL);
    if (has_token)
        print_parts(e, "After it", parts->e2e_ns, parts->ttft_ns);
    for (size_t p = 0; p < e->run->n_pools; p++)
        print_wait(e, i, p);
    print_verdict(e, &record);
}
