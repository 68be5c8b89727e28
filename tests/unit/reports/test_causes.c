/* One request made by hand for each rule of reports/causes/causes.h. SLA: TTFT 1000 ms, TPOT 50 ms;
 * a prefill and a decode pool. Times in ms. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/causes/causes_report.h"
#include "util/units.h"

#define MS(x) ((int64_t)(x)*NS_PER_MS)

static const char *const pool_names[] = {"prefill", "decode"};

struct run {
    struct causes *causes;
    struct cause_summary summary;
};

static void setup(struct run *r, size_t n_pools)
{
    const struct cause_targets targets = {MS(1000), MS(50), n_pools, false};

    r->causes = causes_new(&targets);
    cr_assert(r->causes);
}

static void finish(struct run *r)
{
    cr_assert_eq(causes_finish(r->causes, &r->summary, NULL), ST_OK);
}

static void teardown(struct run *r)
{
    causes_free(r->causes);
}

/* A part, in ms, up to the first token. */
struct given {
    enum request_part part;
    int64_t ms;
};

/* Arrives, and has its first token when those parts are over; then 10 tokens, 10 ms each. */
static struct request_record request(struct request_parts *parts, int64_t arrival_ms, size_t n,
                                     const struct given *given)
{
    int64_t ttft_ns = 0;

    *parts = (struct request_parts){.waits = {pool_wait_none, pool_wait_none}};
    for (size_t i = 0; i < n; i++) {
        parts->ttft_ns[given[i].part] += MS(given[i].ms);
        ttft_ns += MS(given[i].ms);
    }
    memcpy(parts->e2e_ns, parts->ttft_ns, sizeof parts->e2e_ns);
    parts->e2e_ns[PART_DECODE] += MS(100);
    return (struct request_record){
        .measured = true,
        .outcome = OUTCOME_COMPLETED,
        .isl_tok = 1000,
        .osl_tok = 11,
        .n_output_tok = 11,
        .n_attempts = 1,
        .arrival_ns = MS(arrival_ms),
        .first_token_ns = MS(arrival_ms) + ttft_ns,
        .last_token_ns = MS(arrival_ms) + ttft_ns + MS(100),
        .end_ns = MS(arrival_ms) + ttft_ns + MS(100),
        .parts = parts,
    };
}

/* Its wait for the first pool: from arrival for so long, in a backlog that began then (< 0: none).
 */
static void waits(struct request_parts *parts, const struct request_record *q, int64_t ms,
                  int64_t backlog_ms)
{
    parts->waits[0].from_ns = q->arrival_ns;
    parts->waits[0].to_ns = q->arrival_ns + MS(ms);
    parts->waits[0].backlog_ns = backlog_ms < 0 ? -1 : MS(backlog_ms);
}

static void add(struct run *r, const struct request_record *q)
{
    cr_assert_eq(causes_add_request(r->causes, q, NULL), ST_OK);
}

/* Of the only request. */
static enum cause cause_of(struct run *r, const struct request_record *q)
{
    struct cause_verdict v = {.cause = N_CAUSES};

    add(r, q);
    finish(r);
    cr_assert(causes_verdict(r->causes, q, &v));
    cr_assert_eq(r->summary.missed, 1);
    cr_assert_eq(r->summary.order[0], v.cause);
    return v.cause;
}

#define cr_cause(actual, expected)                                                                 \
    do {                                                                                           \
        enum cause found = (actual);                                                               \
        cr_expect_eq(found, expected, "%s, not %s", cause_name(found), cause_name(expected));      \
    } while (0)

Test(causes, what_is_within_both_targets_has_none)
{
    struct run r;
    struct request_parts parts;
    setup(&r, 2);
    struct request_record q =
        request(&parts, 0, 2, (struct given[]){{PART_QUEUE, 500}, {PART_PREFILL, 500}});
    struct cause_verdict v;
    add(&r, &q);
    finish(&r);
    cr_expect_eq(r.summary.missed, 0);
    cr_expect_not(causes_verdict(r.causes, &q, &v));
    teardown(&r);
}

Test(causes, the_largest_that_could_be_avoided)
{
    static const struct {
        size_t n;
        struct given given[4];
        enum cause cause;
    } cases[] = {
        {2, {{PART_PREFILL, 900}, {PART_FRONTEND, 200}}, CAUSE_FRONTEND},
        {2, {{PART_PREFILL, 900}, {PART_PREFILL_SHARED, 200}}, CAUSE_PREFILL_SHARED},
        {3, {{PART_PREFILL, 900}, {PART_PREFILL_SHARED, 200}, {PART_STREAM, 300}}, CAUSE_STREAM},
        {3, {{PART_PREFILL, 200}, {PART_LOST, 800}, {PART_BACKOFF, 300}}, CAUSE_LOST},
        {3, {{PART_PREFILL, 200}, {PART_LOST, 800}, {PART_BACKOFF, 1300}}, CAUSE_BACKOFF},
        /* Together they are more than the front end. */
        {3, {{PART_QUEUE, 600}, {PART_KV_ROOM, 500}, {PART_FRONTEND, 700}}, CAUSE_QUEUE},
        {2, {{PART_KV_ROOM, 800}, {PART_PREFILL, 500}}, CAUSE_KV_ROOM},
        {2, {{PART_BATCH_FULL, 800}, {PART_PREFILL, 500}}, CAUSE_BATCH_FULL},
        /* Its own work only where it is too long by itself. */
        {2, {{PART_PREFILL, 1001}, {PART_QUEUE, 9000}}, CAUSE_PREFILL},
        {2, {{PART_PREFILL, 1000}, {PART_QUEUE, 10}}, CAUSE_QUEUE},
        {2, {{PART_PREFILL, 300}, {PART_TRANSFER, 900}}, CAUSE_TRANSFER},
        {2, {{PART_PREFILL, 900}, {PART_TRANSFER, 200}}, CAUSE_PREFILL},
        {3, {{PART_PREFILL, 800}, {PART_TRANSFER, 300}, {PART_LINK, 2000}}, CAUSE_LINK},
        {3, {{PART_PREFILL, 300}, {PART_TRANSFER, 300}, {PART_LINK, 2000}}, CAUSE_LINK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r;
        struct request_parts parts;
        setup(&r, 2);
        struct request_record q = request(&parts, 5000, cases[i].n, cases[i].given);
        cr_cause(cause_of(&r, &q), cases[i].cause);
        teardown(&r);
    }
}

Test(causes, the_second_target_where_it_is_missed_by_more)
{
    static const struct {
        enum request_part part;
        int64_t ms;
        enum cause cause;
    } cases[] = {
        {PART_DECODE, 600, CAUSE_DECODE},
        {PART_DECODE_PROMPTS, 450, CAUSE_DECODE_PROMPTS},
        {PART_DECODE_RANKS, 450, CAUSE_DECODE_RANKS},
        {PART_PREEMPTED, 4000, CAUSE_PREEMPTED},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r;
        struct request_parts parts;
        setup(&r, 2);
        struct request_record q = request(&parts, 0, 1, (struct given[]){{PART_QUEUE, 1010}});
        parts.e2e_ns[cases[i].part] += MS(cases[i].ms);
        q.last_token_ns += MS(cases[i].ms);
        cr_cause(cause_of(&r, &q), cases[i].cause);
        cr_expect_eq(r.summary.missed_by_kind[MISSED_TPOT], 1);
        teardown(&r);
    }
}

Test(causes, of_what_ended_early)
{
    static const struct {
        enum outcome outcome;
        int64_t after_ms;
        enum cause cause;
    } cases[] = {
        {OUTCOME_REJECTED, 0, CAUSE_REJECTED},     {OUTCOME_LOST, 5000, CAUSE_LOST},
        {OUTCOME_TIMED_OUT, 900, CAUSE_TIMED_OUT}, {OUTCOME_TIMED_OUT, 9000, CAUSE_QUEUE},
        {OUTCOME_UNFINISHED, 1000, CAUSE_RUN_END}, {OUTCOME_UNFINISHED, 1001, CAUSE_QUEUE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r;
        struct request_parts parts = {.waits = {pool_wait_none, pool_wait_none}};
        setup(&r, 1);
        parts.e2e_ns[PART_QUEUE] = MS(cases[i].after_ms);
        struct request_record q = {.measured = true,
                                   .outcome = cases[i].outcome,
                                   .n_attempts = 1,
                                   .first_token_ns = -1,
                                   .last_token_ns = -1,
                                   .end_ns = MS(cases[i].after_ms),
                                   .parts = &parts};
        cr_cause(cause_of(&r, &q), cases[i].cause);
        teardown(&r);
    }
}

Test(causes, one_long_prompt_in_front)
{
    /* ISL of the one in front, and its share of a wait of 2 s; ours has 1000. */
    static const struct {
        uint32_t ahead_tok;
        int64_t ahead_ms;
        enum cause cause;
    } cases[] = {
        {40000, 1000, CAUSE_LONG_PROMPT}, {40000, 999, CAUSE_QUEUE}, {2000, 1500, CAUSE_QUEUE}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r;
        struct request_parts parts;
        char text[CAUSE_STORY_SIZE];
        setup(&r, 2);
        struct request_record q = request(&parts, 0, 1, (struct given[]){{PART_QUEUE, 2000}});
        waits(&parts, &q, 2000, -1);
        parts.waits[0].ahead_request = 7;
        parts.waits[0].ahead_tok = cases[i].ahead_tok;
        parts.waits[0].ahead_ns = MS(cases[i].ahead_ms);
        cr_cause(cause_of(&r, &q), cases[i].cause);
        cause_story(text, &r.summary, MISSED_TTFT, 3, 2, pool_names);
        if (cases[i].cause == CAUSE_LONG_PROMPT)
            cr_expect_str_eq(text, "1 missed TTFT: 100 % queued behind prompts of over 32k tokens "
                                   "on prefill");
        teardown(&r);
    }
}

/* ---- the second look ---- */

static void worker(struct run *r, int64_t wanted_ms, int64_t ready_ms, int64_t gone_ms,
                   enum worker_end end)
{
    const struct worker_record w = {.wanted_ns = MS(wanted_ms),
                                    .start_ns = MS(wanted_ms),
                                    .ready_ns = MS(ready_ms),
                                    .drain_ns = -1,
                                    .end_ns = MS(gone_ms),
                                    .end = end};
    cr_assert_eq(causes_add_worker(r->causes, &w, NULL), ST_OK);
}

static void decision(struct run *r, int64_t at_ms, int64_t before, int64_t after, int64_t wanted)
{
    cr_assert_eq(causes_add_decision(r->causes, 0, MS(at_ms), before, after, wanted, NULL), ST_OK);
}

/* A request that waits for so long for the prefill pool, in a backlog since 100 s. */
static enum cause waited(struct run *r, int64_t from_ms, int64_t ms, enum request_part part)
{
    struct request_parts parts;
    struct request_record q = request(&parts, from_ms, 1, (struct given[]){{part, ms}});

    waits(&parts, &q, ms, 100000);
    return cause_of(r, &q);
}

Test(causes, a_start_or_the_decision_before_it)
{
    /* Decided at 120 s or 180 s, ready at 200 s. */
    for (int late = 0; late < 2; late++) {
        struct run r;
        setup(&r, 2);
        worker(&r, 0, 0, 999000, WORKER_END_RUN);
        decision(&r, late ? 180000 : 120000, 1, 2, 2);
        worker(&r, late ? 180000 : 120000, 200000, 999000, WORKER_END_RUN);
        cr_cause(waited(&r, 100000, 100000, late ? PART_QUEUE : PART_STARTUP),
                 late ? CAUSE_LATE_DECISION : CAUSE_STARTUP);
        cr_expect_float_eq(r.summary.of[r.summary.order[0]].median_late_s, late ? 80 : 20, 1e-9);
        cr_expect_float_eq(r.summary.lag[0].decision_s, late ? 80 : 20, 1e-9);
        cr_expect_float_eq(r.summary.lag[0].ready_s, late ? 20 : 80, 1e-9);
        cr_expect_float_eq(r.summary.lag[0].short_s, 100, 1e-9);
        cr_expect(isnan(r.summary.lag[1].decision_s));
        teardown(&r);
    }
}

Test(causes, what_is_left_of_a_backlog_is_of_what_made_it)
{
    /* One waited through the start, one only for the backlog to go down, in a short time or one
     * that no start explains. */
    for (int longer = 0; longer < 2; longer++) {
        struct run r;
        struct request_parts a, b;
        struct cause_verdict v;
        setup(&r, 2);
        worker(&r, 0, 0, 999000, WORKER_END_RUN);
        decision(&r, 110000, 1, 2, 2);
        worker(&r, 110000, 200000, 999000, WORKER_END_RUN);
        struct request_record p = request(&a, 100000, 1, (struct given[]){{PART_STARTUP, 100000}}),
                              q = request(&b, 210000, 1,
                                          (struct given[]){{PART_QUEUE, longer ? 99000 : 50000}});
        waits(&a, &p, 100000, 100000);
        waits(&b, &q, longer ? 99000 + 99000 : 50000, 100000);
        add(&r, &p);
        add(&r, &q);
        finish(&r);
        cr_assert(causes_verdict(r.causes, &q, &v));
        cr_cause(v.cause, longer ? CAUSE_QUEUE : CAUSE_STARTUP);
        teardown(&r);
    }
}

Test(causes, a_budget)
{
    struct run r;
    setup(&r, 2);
    decision(&r, 90000, 2, 2, 5);
    cr_cause(waited(&r, 110000, 5000, PART_QUEUE), CAUSE_GPU_BUDGET);
    teardown(&r);
    setup(&r, 2);
    decision(&r, 90000, 2, 2, 5);
    decision(&r, 99000, 2, 2, 2);
    cr_cause(waited(&r, 110000, 5000, PART_QUEUE), CAUSE_QUEUE);
    teardown(&r);
}

Test(causes, a_failure)
{
    struct run r;
    setup(&r, 2);
    worker(&r, 0, 0, 100000, WORKER_END_NODE);
    worker(&r, 100000, 160000, 999000, WORKER_END_RUN);
    cr_cause(waited(&r, 101000, 30000, PART_STARTUP), CAUSE_FAILURE);
    teardown(&r);
    /* Not replaced, until the policy does something. */
    setup(&r, 2);
    worker(&r, 0, 0, 100000, WORKER_END_FAILED);
    decision(&r, 150000, 1, 2, 2);
    cr_cause(waited(&r, 101000, 30000, PART_QUEUE), CAUSE_FAILURE);
    teardown(&r);
}

Test(causes, taken_away_just_before)
{
    /* Starts take 60 s; 3 workers became 2 so long before the backlog, then `again`, and 100 s
     * after it `in_the_end`. */
    static const struct {
        int64_t before_ms, again, in_the_end;
        enum cause cause;
    } cases[] = {{10000, 3, 3, CAUSE_SCALED_DOWN},
                 {61000, 3, 3, CAUSE_STARTUP},
                 {10000, 4, 4, CAUSE_STARTUP},
                 {10000, 4, 3, CAUSE_SCALED_DOWN}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run r;
        setup(&r, 2);
        decision(&r, 100000 - cases[i].before_ms, 3, 2, 2);
        decision(&r, 105000, 2, cases[i].again, cases[i].again);
        decision(&r, 265000, cases[i].again, cases[i].in_the_end, cases[i].in_the_end);
        worker(&r, 105000, 165000, 999000, WORKER_END_RUN);
        cr_cause(waited(&r, 100000, 65000, PART_STARTUP), cases[i].cause);
        teardown(&r);
    }
}

Test(causes, without_any_of_that_the_part_keeps_its_name)
{
    static const enum request_part parts[] = {PART_QUEUE, PART_KV_ROOM, PART_BATCH_FULL,
                                              PART_NO_WORKER};
    static const enum cause expected[] = {CAUSE_QUEUE, CAUSE_KV_ROOM, CAUSE_BATCH_FULL,
                                          CAUSE_NO_WORKER};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct run r;
        setup(&r, 1);
        worker(&r, 0, 0, 999000, WORKER_END_RUN);
        decision(&r, 50000, 1, 2, 2);
        cr_cause(waited(&r, 100000, 30000, parts[i]), expected[i]);
        teardown(&r);
    }
}

Test(causes, kv_that_prompts_hold_after_they_are_done)
{
    struct run r;
    struct request_parts a, b;
    struct cause_verdict v;
    setup(&r, 2);
    struct request_record p = request(&a, 0, 1, (struct given[]){{PART_PREFILL, 500}}),
                          q = request(&b, 0, 1, (struct given[]){{PART_KV_ROOM, 2000}});
    a.e2e_ns[PART_LINK] = MS(8000);
    p.osl_tok = p.n_output_tok = 400;
    p.last_token_ns += MS(8000);
    waits(&b, &q, 2000, -1);
    add(&r, &p);
    add(&r, &q);
    finish(&r);
    cr_assert(causes_verdict(r.causes, &q, &v));
    cr_cause(v.cause, CAUSE_LINK);
    teardown(&r);
}

Test(causes, figures_under_keys)
{
    struct run r;
    double value;
    setup(&r, 2);
    decision(&r, 90000, 2, 2, 5);
    cr_cause(waited(&r, 110000, 5000, PART_QUEUE), CAUSE_GPU_BUDGET);
    static const struct {
        const char *key;
        double value;
    } cases[] = {{"causes.gpu_budget.requests", 1},
                 {"causes.gpu_budget.share", 1},
                 {"causes.gpu_budget.median_excess_ms", 4000},
                 {"causes.startup.share", 0},
                 {"causes.startup.median_late_s", NAN},
                 {"lag.prefill.short_s", 15},
                 {"lag.prefill.ready_s", NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(cause_lookup(&r.summary, cases[i].key, 2, pool_names, &value), "%s",
                  cases[i].key);
        cr_expect(isnan(cases[i].value) ? isnan(value) : fabs(value - cases[i].value) < 1e-9,
                  "%s: %g", cases[i].key, value);
    }
    static const char *const wrong[] = {
        "causes.",         "causes.startup", "causes.start.share",  "causes.startup.shar",
        "lag.agg.short_s", "lag.prefill",    "lag.prefill.starts_", "windows.max_ttft_ms"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(cause_key_exists(wrong[i], 2, pool_names), "%s", wrong[i]);
    r.summary.kept = false;
    cr_assert(cause_lookup(&r.summary, "causes.startup.share", 2, pool_names, &value));
    cr_expect(isnan(value));
    teardown(&r);
}

Test(causes, each_is_explained_to_users)
{
    static char text[1 << 16];
    FILE *in = fopen(PROJECT_DIR "/docs/causes.md", "r");
    cr_assert(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    for (int i = 0; i < N_CAUSES; i++) {
        char row[512];
        enum cause c = (enum cause)i;
        snprintf(row, sizeof row, "| `%s` | %s | %s |", cause_name(c), cause_text(c),
                 cause_help(c));
        cr_expect(strstr(text, row), "%s", row);
    }
}

Test(causes, classes_of_prompts_and_of_answers)
{
    static const struct {
        enum cause_axis axis;
        uint32_t first_tok, last_tok;
    } cases[] = {{CAUSE_BY_ISL, 1000, 64000}, {CAUSE_BY_OSL, 32, 2048}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum cause_axis axis = cases[i].axis;
        cr_expect_eq(cause_class(axis, 0), 0);
        cr_expect_eq(cause_class(axis, cases[i].first_tok), 0);
        cr_expect_eq(cause_class(axis, cases[i].first_tok + 1), 1);
        cr_expect_eq(cause_class(axis, cases[i].last_tok), CAUSE_N_CLASSES - 2);
        cr_expect_eq(cause_class(axis, cases[i].last_tok + 1), CAUSE_N_CLASSES - 1);
        cr_expect_eq(cause_class_tok(axis, CAUSE_N_CLASSES - 1), UINT32_MAX);
    }
}

Test(causes, totals_are_kept_by_class)
{
    struct run r;
    struct request_parts parts;
    setup(&r, 2);
    struct request_record q = request(&parts, 1000, 1, &(struct given){PART_PREFILL, 1500});
    q.isl_tok = 2500;
    q.osl_tok = 100;
    add(&r, &q);
    finish(&r);
    const struct cause_total *t = &r.summary.of[CAUSE_PREFILL];
    cr_expect_eq(t->requests, 1);
    cr_expect_eq(t->by_class[CAUSE_BY_ISL][2], 1);
    cr_expect_eq(t->by_class[CAUSE_BY_OSL][2], 1);
    teardown(&r);
}
