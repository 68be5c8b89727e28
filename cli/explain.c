#include "cli/explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "reports/capacity.h"
#include "reports/causes/causes_report.h"
#include "util/terminal.h"
#include "util/text.h"
#include "util/units.h"

const struct cli_option explain_options[] = {
    {"request", '\0', "N", "the story of one request, by its row of the trace from 0"},
    {"window", '\0', "T",
     "the story of the minute that holds second T of the run, from a whole minute on"},
    {"list", '\0', NULL,
     "a line for each request that missed, as CSV: its cause, and what it is of"},
    {"deployment", '\0', "NAME",
     "which one to tell of, in a run of several deployments (default: a few words of each)"},
    {.name = NULL},
};

/* ---- the run ---- */

static void print_causes(const struct explain *e)
{
    const struct cause_summary *y = e->summary;
    struct table t;

    table_init(&t, e->arena, 5);
    t.right[1] = t.right[2] = t.right[3] = true;
    table_add(&t, "cause"), table_add(&t, "requests"), table_add(&t, "share");
    table_add(&t, "above, ms"), table_add(&t, "what would have helped");
    for (int i = 0; i < N_CAUSES && y->of[y->order[i]].requests; i++) {
        enum cause c = y->order[i];
        const struct cause_total *total = &y->of[c];
        table_add(&t, cause_name(c));
        table_printf(&t, "%" PRIu64, total->requests);
        table_printf(&t, "%.1f %%", 100 * (double)total->requests / (double)y->missed);
        if (isnan(total->median_excess_ms))
            table_add(&t, "");
        else
            table_printf(&t, "%.1f", total->median_excess_ms);
        table_add(&t, cause_help(c));
    }
    printf("\n");
    table_print(&t, stdout);
}

/* ---- its worst minutes ---- */

struct minute {
    int64_t number;
    uint64_t offered, missed;
    uint32_t by_cause[N_CAUSES];
};

static int64_t minute_of(int64_t at_ns)
{
    return at_ns / (EXPLAIN_WINDOW_S * NS_PER_S);
}

static int by_missed(const void *a, const void *b)
{
    const struct minute *p = a, *q = b;

    if (p->missed != q->missed)
        return p->missed < q->missed ? 1 : -1;
    return (p->number > q->number) - (p->number < q->number);
}

static enum status count_minutes(struct minute **minutes, size_t *n, const struct explain *e,
                                 struct diag *d)
{
    const struct recorded *run = e->run;

    *n = 0;
    for (size_t i = 0; i < run->n_requests; i++) {
        size_t number = (size_t)minute_of(run->requests[i].arrival_ns);
        *n = number + 1 > *n ? number + 1 : *n;
    }
    *minutes = calloc(*n + 1, sizeof **minutes);
    if (!*minutes)
        return diag_nomem(d, "minutes");
    for (size_t i = 0; i < *n; i++)
        (*minutes)[i].number = (int64_t)i;
    for (size_t i = 0; i < run->n_requests; i++)
        (*minutes)[minute_of(run->requests[i].arrival_ns)].offered += run->requests[i].measured;
    for (size_t i = 0; i < causes_n_missed(e->causes); i++) {
        struct cause_verdict v = causes_missed(e->causes, i);
        struct minute *m = &(*minutes)[minute_of(v.arrival_ns)];
        m->missed++;
        m->by_cause[v.cause]++;
    }
    return ST_OK;
}

static enum status print_worst(const struct explain *e, struct diag *d)
{
    enum { N_SHOWN = 5 };
    struct minute *minutes = NULL;
    struct table t;
    size_t n;

    enum status s = count_minutes(&minutes, &n, e, d);
    if (s)
        return s;
    qsort(minutes, n, sizeof *minutes, by_missed);
    table_init(&t, e->arena, 4);
    t.right[0] = t.right[1] = t.right[2] = true;
    table_add(&t, "from s"), table_add(&t, "offered"), table_add(&t, "missed");
    table_add(&t, "main cause");
    for (size_t i = 0; i < n && i < N_SHOWN && minutes[i].missed; i++) {
        int top = 0;
        for (int c = 1; c < N_CAUSES; c++)
            top = minutes[i].by_cause[c] > minutes[i].by_cause[top] ? c : top;
        table_printf(&t, "%" PRId64, minutes[i].number * EXPLAIN_WINDOW_S);
        table_printf(&t, "%" PRIu64, minutes[i].offered);
        table_printf(&t, "%" PRIu64, minutes[i].missed);
        table_printf(&t, "%s (%" PRIu32 ")", cause_name((enum cause)top), minutes[i].by_cause[top]);
    }
    printf("\nWorst minutes (--window T tells of one)\n");
    table_print(&t, stdout);
    free(minutes);
    return ST_OK;
}

/* A run of an earlier version has none. */
static void print_capacity(const struct explain *e)
{
    char text[CAPACITY_SENTENCE_SIZE];

    for (size_t p = 0; p < e->run->n_pools; p++) {
        struct capacity_total t;
        if (!recorded_capacity(&t, e->run, p))
            continue;
        fputs(p ? "" : "\nCapacity\n", stdout);
        fputs("  ", stdout);
        terminal_wrap(stdout, capacity_sentence(text, &t, e->run->pools[p]), 2, 4);
    }
}

static void print_lags(const struct explain *e)
{
    char a[TEXT_FIGURE_SIZE], b[TEXT_FIGURE_SIZE];

    for (size_t p = 0; p < e->run->n_pools; p++) {
        const struct cause_lag *lag = &e->summary->lag[p];
        if (lag->backlogs == 0 && lag->starts == 0)
            continue;
        printf("\n%s\n", e->run->pools[p]);
        if (lag->backlogs)
            printf("  short of workers %s in all, %" PRIu64 " time%s\n",
                   text_duration(a, lag->short_s), lag->backlogs, lag->backlogs == 1 ? "" : "s");
        if (!isnan(lag->decision_s))
            printf("  until more were decided on: %s (median), at most %s\n",
                   text_duration(a, lag->decision_s), text_duration(b, lag->max_decision_s));
        if (lag->starts)
            printf("  from decision to ready: %s (median), at most %s; %" PRIu64 " workers\n",
                   text_duration(a, lag->ready_s), text_duration(b, lag->max_ready_s), lag->starts);
    }
}

static void print_list(const struct explain *e)
{
    static const char *const kinds[N_MISS_KINDS] = {"ttft", "tpot", "unserved"};

    printf("request,missed,cause,pool,excess_ms\n");
    for (size_t i = 0; i < e->run->n_requests; i++) {
        const struct request_record q = recorded_request_record(e->run, i);
        struct cause_verdict v;
        if (!causes_verdict(e->causes, &q, &v))
            continue;
        printf("%" PRIu64 ",%s,%s,%s,", q.index, kinds[v.kind], cause_name(v.cause),
               v.pool == CAUSE_NO_POOL ? "" : e->run->pools[v.pool]);
        if (v.kind != MISSED_ALL)
            printf("%.6f", ms_from_ns(v.excess_ns));
        fputc('\n', stdout);
    }
}

/* How many missed, and why, in words. */
static void print_stories(const struct explain *e)
{
    const struct recorded *run = e->run;
    char missed[TEXT_FIGURE_SIZE], offered[TEXT_FIGURE_SIZE], story[CAUSE_STORY_SIZE];
    double n_offered = recorded_figure(run, "requests.offered");

    char head[512];
    snprintf(head, sizeof head, "%.300s%s%s, policy %.60s: %s of %s requests missed a target",
             run->scenario, run->deployment ? ", deployment " : "",
             run->deployment ? run->deployment : "", run->policy,
             text_grouped(missed, e->summary->missed), text_grouped(offered, (uint64_t)n_offered));
    terminal_wrap(stdout, head, 0, 2);
    for (int kind = 0; kind < N_MISS_KINDS; kind++) {
        cause_story(story, e->summary, (enum miss_kind)kind, 4, run->n_pools, run->pools);
        if (*story)
            terminal_wrap(stdout, story, 0, 2);
    }
}

static enum status explain_run_whole(const struct explain *e, struct diag *d)
{
    print_stories(e);
    if (e->summary->missed == 0)
        return ST_OK;
    print_causes(e);
    explain_classes(e);
    enum status s = print_worst(e, d);
    print_capacity(e);
    print_lags(e);
    return s;
}

/* ---- the verb ---- */

static enum status find_request(size_t *i, const struct recorded *run, long long number,
                                struct diag *d)
{
    size_t low = 0, high = run->n_requests;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (run->requests[middle].index < (uint64_t)number)
            low = middle + 1;
        else
            high = middle;
    }
    *i = low;
    if (low < run->n_requests && run->requests[low].index == (uint64_t)number)
        return ST_OK;
    if (run->n_requests == 0)
        return diag_fail(d, ST_INPUT, "the run had no requests");
    if (run->deployment && (uint64_t)number < run->requests[run->n_requests - 1].index)
        return diag_fail(d, ST_INPUT,
                         "request %lld in '%s' is not one of deployment %s; expected "
                         "one that requests.csv has for it",
                         number, run->dir, run->deployment);
    return diag_fail(d, ST_INPUT, "there is no request %lld in '%s'; expected 0 to %" PRIu64,
                     number, run->dir, run->requests[run->n_requests - 1].index);
}

static enum status window_begin(int64_t *from_ns, const char *text, struct diag *d)
{
    double at_s;
    int64_t at_ns;

    if (text_double(text, strlen(text), &at_s) != TEXT_OK || at_s < 0 || !ns_from_s(at_s, &at_ns))
        return diag_fail(d, ST_INPUT, "option '--window' must be seconds of the run, not '%s'",
                         text);
    *from_ns = minute_of(at_ns) * EXPLAIN_WINDOW_S * NS_PER_S;
    return ST_OK;
}

static enum status tell(const struct explain *e, const struct cli_args *args, struct diag *d)
{
    const char *window = cli_value(args, "window");
    long long number;
    int64_t from_ns = 0;
    size_t i;

    enum status s = cli_integer(args, "request", 0, INT64_MAX, -1, &number, d);
    if (s)
        return s;
    if ((number >= 0) + (window != NULL) + cli_flag(args, "list") > 1)
        return diag_fail(d, ST_INPUT,
                         "options '--request', '--window' and '--list' exclude each other");
    if (number >= 0) {
        s = find_request(&i, e->run, number, d);
        if (!s)
            explain_request(e, i);
        return s;
    }
    if (cli_flag(args, "list")) {
        print_list(e);
        return ST_OK;
    }
    if (!window)
        return explain_run_whole(e, d);
    s = window_begin(&from_ns, window, d);
    return s ? s : explain_window(e, from_ns, d);
}

static enum status explain_one(const struct recorded *run, const struct cli_args *args,
                               enum status (*tell_of)(const struct explain *e,
                                                      const struct cli_args *args, struct diag *d),
                               struct diag *d)
{
    struct causes *causes = NULL;
    struct cause_summary summary;
    enum status s = ST_OK;

    if (!run->parts)
        s = diag_fail(d, ST_INPUT,
                      "the run in '%s' did not keep where the time of its requests went (an "
                      "earlier version, or no requests); run it again with "
                      "'headroom run --out'",
                      run->dir);
    if (!s)
        s = recorded_causes(&causes, &summary, run, d);
    if (!s)
        s = tell_of(&(struct explain){run, causes, &summary, args->arena}, args, d);
    causes_free(causes);
    return s;
}

/* ---- several deployments ---- */

static enum status tell_shortly(const struct explain *e, const struct cli_args *args,
                                struct diag *d)
{
    (void)args, (void)d;
    print_stories(e);
    fputc('\n', stdout);
    return ST_OK;
}

static enum status explain_each(const struct recorded_whole *whole, const struct cli_args *args,
                                struct diag *d)
{
    struct recorded *runs = ARENA_NEW(args->arena, whole->n, struct recorded);
    struct recorded **each = ARENA_NEW(args->arena, whole->n, struct recorded *);

    if (!runs || !each)
        return diag_nomem(d, "deployments");
    for (size_t i = 0; i < whole->n; i++)
        each[i] = &runs[i];
    enum status s = recorded_read_each(each, args->arena, whole, NULL, d);
    for (size_t i = 0; i < whole->n && !s; i++) {
        if (runs[i].n_requests) {
            s = explain_one(&runs[i], args, tell_shortly, d);
        } else {
            terminal_line(stdout, "%s, deployment %s: no requests of its own", runs[i].scenario,
                          whole->names[i]);
            fputc('\n', stdout);
        }
    }
    if (!s)
        printf("--deployment NAME tells all of one\n");
    return s;
}

enum status explain_run(const struct cli_args *args, struct diag *d)
{
    const char *dir = args->words[0], *deployment = cli_value(args, "deployment");
    bool of_part =
        cli_value(args, "request") || cli_value(args, "window") || cli_flag(args, "list");
    struct recorded_whole whole = {.n = 0};
    struct recorded run;
    enum status s = ST_OK;

    if (!deployment && !of_part)
        s = recorded_read_whole(&whole, args->arena, dir, d);
    if (!s && whole.n)
        return explain_each(&whole, args, d);
    if (!s)
        s = recorded_read(&run, args->arena, dir, deployment, d);
    return s ? s : explain_one(&run, args, tell, d);
}
