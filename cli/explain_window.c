#include <inttypes.h>
#include <math.h>

#include "cli/explain.h"
#include "cli/table.h"
#include "util/terminal.h"
#include "util/text.h"
#include "util/units.h"

struct window {
    uint64_t offered, measured, input_tok, output_tok, missed;
    uint64_t by_cause[N_CAUSES];
};

static struct window count(const struct explain *e, int64_t from_ns, int64_t to_ns)
{
    struct window w = {0};

    for (size_t i = 0; i < e->run->n_requests; i++) {
        const struct recorded_request *q = &e->run->requests[i];
        struct cause_verdict v;
        if (q->arrival_ns < from_ns || q->arrival_ns >= to_ns)
            continue;
        w.offered++;
        w.measured += q->measured;
        w.input_tok += q->input_tok;
        w.output_tok += q->output_tok;
        const struct request_record record = recorded_request_record(e->run, i);
        if (!causes_verdict(e->causes, &record, &v))
            continue;
        w.missed++;
        w.by_cause[v.cause]++;
    }
    return w;
}

static void print_causes(const struct explain *e, const struct window *w)
{
    struct table t;
    enum cause top = CAUSE_REJECTED;

    if (w->missed == 0)
        return;
    table_init(&t, e->arena, 3);
    t.right[0] = true;
    table_add(&t, "requests"), table_add(&t, "cause"), table_add(&t, "what it means");
    for (int i = 0; i < N_CAUSES; i++) {
        enum cause c = e->summary->order[i]; /* the order of the run */
        if (w->by_cause[c] == 0)
            continue;
        if (w->by_cause[c] > w->by_cause[top])
            top = c;
        table_printf(&t, "%" PRIu64, w->by_cause[c]);
        table_add(&t, cause_name(c));
        table_add(&t, cause_text(c));
    }
    printf("\nWhy\n");
    table_print(&t, stdout);
    fputs("  would have helped: ", stdout);
    terminal_wrap(stdout, cause_help(top), 21, 21);
}

/* The last sample of each pool before its end. */
static void print_pools(const struct explain *e, int64_t to_ns)
{
    const struct recorded_sample *last[POLICY_MAX_POOLS] = {NULL};

    for (size_t i = 0; i < e->run->n_samples && e->run->samples[i].at_ns < to_ns; i++)
        last[e->run->samples[i].pool] = &e->run->samples[i];
    printf("\nFleet\n");
    for (size_t p = 0; p < e->run->n_pools; p++) {
        if (last[p])
            printf("  %s: %" PRId64 " ready, %" PRId64 " starting, target %" PRId64 " (at %g s)\n",
                   e->run->pools[p], last[p]->ready, last[p]->starting, last[p]->target,
                   s_from_ns(last[p]->at_ns));
    }
}

void explain_decision(const struct explain *e, const struct recorded_decision *c)
{
    printf("  at %g s%s%s decided", s_from_ns(c->at_ns), c->kind ? ", " : "",
           c->kind ? c->kind : "");
    for (size_t p = 0; p < e->run->n_pools; p++) {
        const struct recorded_pool_decision *pool = &c->pools[p];
        printf("%s %s ", p ? "," : ":", e->run->pools[p]);
        if (isnan(pool->applied) || (int64_t)pool->applied == pool->target)
            printf("%" PRId64 " as before", pool->target);
        else
            printf("%" PRId64 " to %.0f", pool->target, pool->applied);
        if (!isnan(pool->wanted) &&
            pool->wanted > (isnan(pool->applied) ? (double)pool->target : pool->applied))
            printf(" (wanted %.0f)", pool->wanted);
    }
    fputc('\n', stdout);
    if (c->reason && *c->reason) {
        fputs("    ", stdout);
        terminal_wrap(stdout, c->reason, 4, 4);
    }
}

static void print_decisions(const struct explain *e, int64_t from_ns, int64_t to_ns)
{
    bool any = false;

    for (size_t i = 0; i < e->run->n_decisions; i++) {
        const struct recorded_decision *c = &e->run->decisions[i];
        if (c->at_ns < from_ns || c->at_ns >= to_ns)
            continue;
        if (!any)
            printf("\nPolicy (%s)\n", e->run->policy);
        any = true;
        if (!isnan(c->seen.n_requests))
            printf("  at %g s saw %.4g requests%s", s_from_ns(c->at_ns), c->seen.n_requests,
                   isnan(c->predicted.n_requests) ? "\n" : "");
        if (!isnan(c->seen.n_requests) && !isnan(c->predicted.n_requests))
            printf(", expected %.4g next\n", c->predicted.n_requests);
        explain_decision(e, c);
    }
    if (!any)
        printf("\nPolicy (%s): no decision in it\n", e->run->policy);
}

enum status explain_window(const struct explain *e, int64_t from_ns, struct diag *d)
{
    int64_t to_ns = from_ns + EXPLAIN_WINDOW_S * NS_PER_S;
    struct window w = count(e, from_ns, to_ns);
    char offered[TEXT_FIGURE_SIZE], missed[TEXT_FIGURE_SIZE];

    if (w.offered == 0)
        return diag_fail(d, ST_INPUT, "no request arrived from %.0f to %.0f s", s_from_ns(from_ns),
                         s_from_ns(to_ns));
    terminal_text(stdout, e->run->scenario);
    printf(", requests that arrived from %.0f to %.0f s\n", s_from_ns(from_ns), s_from_ns(to_ns));
    printf("  %s offered (%.3g per s), on average %.0f tokens in and %.0f out\n",
           text_grouped(offered, w.offered), (double)w.offered / EXPLAIN_WINDOW_S,
           (double)w.input_tok / (double)w.offered, (double)w.output_tok / (double)w.offered);
    printf("  %s of %" PRIu64 " in the measured span missed a target\n",
           text_grouped(missed, w.missed), w.measured);
    print_causes(e, &w);
    print_pools(e, to_ns);
    print_decisions(e, from_ns, to_ns);
    return ST_OK;
}
