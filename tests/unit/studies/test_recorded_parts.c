/* The parts of requests as requests.csv has them, read back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/parts_columns.h"
#include "studies/recorded/recorded.h"
#include "util/units.h"

static char dir[64], path[128];
static struct arena arena;
static struct diag diag;

enum { N = 2 };
static const uint64_t indices[N] = {3, 8};
static const char *const pools[] = {"prefill", "decode"};

/* What every request has, whether the run kept parts or not. */
static const char columns[] =
    "request,arrival_ms,input_tokens,output_tokens,outcome,measured,ttft_ms,tpot_ms,e2e_ms,sla_met,"
    "scheduled_ms,prefill_done_ms,first_token_ms,last_token_ms,output_tokens_done,cached_tokens,"
    "attempts,preemptions,prefill_worker,worker",
                  fields[] = ",7,100,5,completed,1,12,0.5,14,1,8,19,19,21,5,0,1,0,,2";

static void put(const char *name, const char *text)
{
    char to[128];

    snprintf(to, sizeof to, "%s/%s", dir, name);
    FILE *file = fopen(to, "w");
    cr_assert(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static void setup(void)
{
    strcpy(dir, "/tmp/headroom-test-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/requests.csv", dir);
    put("summary.json",
        "{\"scenario\": \"s\", \"headroom_version\": \"0\", \"trace_digest\": \"d\", "
        "\"policy\": {\"name\": \"static\"}, \"sla\": {\"ttft_ms\": 1, \"tpot_ms\": 1}, "
        "\"requests\": {\"offered\": 2, \"outside_span\": 0}, "
        "\"scaling\": {\"decisions\": 0}, "
        "\"gpu_hours\": {\"by_pool\": {\"prefill\": 0, \"decode\": 0}}}\n");
    put("timeline.csv", "at_ms,pool,target,ready,starting,draining,waiting,running,kv_utilization,"
                        "offered_requests_per_s,completed_requests_per_s\n");
    put("decisions.jsonl", "");
    arena_init(&arena);
    diag_init(&diag);
}

static void teardown(void)
{
    static const char *const names[] = {"summary.json", "timeline.csv", "decisions.jsonl",
                                        "requests.csv"};
    char of[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(of, sizeof of, "%s/%s", dir, names[i]);
        unlink(of);
    }
    rmdir(dir);
    arena_release(&arena);
}

TestSuite(recorded_parts, .init = setup, .fini = teardown);

/* Each figure another, of as many digits as ns have. */
static struct request_parts parts_of(int request)
{
    struct request_parts q = {.decode_batch = 3.25 + request};
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        q.ttft_ns[i] = request ? 0 : 1000001 * i;
        q.e2e_ns[i] = i % 3 ? (int64_t)7000000000003 * i + request : 0;
    }
    q.waits[0] = (struct pool_wait){1, 2000000 + request, -1, UINT64_MAX, 0, 0};
    q.waits[1] = request ? pool_wait_none : (struct pool_wait){5, -1, 7, 4000000000, 16384, 99};
    return q;
}

static void add_row(FILE *file, int request)
{
    struct request_parts parts = parts_of(request);
    /* Request 1 got no token. */
    const struct request_record q = {.parts = &parts, .first_token_ns = request ? -1 : 1};
    struct row row = {0};
    parts_columns(&row, 2, (const size_t[]){0, 1}, &q);
    fprintf(file, "%d%s%.*s\n", (int)indices[request], fields, (int)row.n, row.text);
}

/* In the order in which they ended. */
static void write_requests(void)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    struct row row = {0};
    parts_columns_header(&row, 2, pools);
    fprintf(file, "%s%.*s\n", columns, (int)row.n, row.text);
    add_row(file, 1);
    add_row(file, 0);
    cr_assert_eq(fclose(file), 0);
}

static void check_wait(const struct pool_wait *is, const struct pool_wait *expected)
{
    cr_assert_eq(is->from_ns, expected->from_ns);
    cr_assert_eq(is->to_ns, expected->to_ns);
    cr_assert_eq(is->backlog_ns, expected->backlog_ns);
    cr_assert_eq(is->ahead_request, expected->ahead_request);
    cr_assert_eq(is->ahead_tok, expected->ahead_tok);
    cr_assert_eq(is->ahead_ns, expected->ahead_ns);
}

Test(recorded_parts, come_back_to_the_nanosecond)
{
    struct recorded run;
    write_requests();
    cr_assert_eq(recorded_read(&run, &arena, dir, NULL, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(run.n_requests, N);
    cr_assert(run.parts);
    for (int request = 0; request < N; request++) {
        const struct request_parts expected = parts_of(request), *is = &run.parts[request];
        cr_assert_eq(run.requests[request].index, indices[request]);
        cr_assert_arr_eq(is->ttft_ns, expected.ttft_ns, sizeof expected.ttft_ns);
        cr_assert_arr_eq(is->e2e_ns, expected.e2e_ns, sizeof expected.e2e_ns);
        for (int p = 0; p < 2; p++)
            check_wait(&is->waits[p], &expected.waits[p]);
        cr_assert_eq(is->decode_batch, expected.decode_batch);
    }
}

struct told {
    size_t n;
    uint64_t index[N];
    double decode_batch[N];
};

static enum status note(void *context, const struct recorded_request *q,
                        const struct request_parts *parts, struct diag *d)
{
    struct told *told = context;

    (void)d;
    cr_assert(parts && told->n < N);
    told->index[told->n] = q->index;
    told->decode_batch[told->n++] = parts->decode_batch;
    return ST_OK;
}

Test(recorded_parts, are_told_in_the_order_in_which_requests_ended)
{
    struct told told = {0};
    const struct recorded_visitor visitor = {&told, note};
    struct recorded run;

    write_requests();
    cr_assert_eq(recorded_visit(&run, &arena, dir, NULL, &visitor, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(told.n, N);
    for (size_t i = 0; i < N; i++) {
        cr_assert_eq(told.index[i], indices[N - 1 - i]);
        cr_assert_eq(told.decode_batch[i], parts_of((int)(N - 1 - i)).decode_batch);
    }
    cr_assert_eq(run.n_requests, 0);
}

Test(recorded_parts, a_run_that_did_not_keep_them_has_none)
{
    struct recorded run;
    char text[1024];

    snprintf(text, sizeof text, "%s\n3%s\n8%s\n", columns, fields, fields);
    put("requests.csv", text);
    cr_assert_eq(recorded_read(&run, &arena, dir, NULL, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(run.n_requests, N);
    cr_assert_null(run.parts);
}

/* `from` in the file becomes `to`, in its row of request 3. */
static void spoil(const char *from, const char *to)
{
    static char text[16384], spoiled[16384];
    write_requests();
    FILE *file = fopen(path, "r");
    cr_assert(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *row = strstr(text, "\n3,"), *at = row ? strstr(row, from) : NULL;
    cr_assert(at);
    snprintf(spoiled, sizeof spoiled, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    put("requests.csv", spoiled);
}

static void check_refused(const char *expected)
{
    struct recorded run;
    diag_init(&diag);
    cr_assert_eq(recorded_read(&run, &arena, dir, NULL, &diag), ST_INPUT);
    cr_assert(strstr(diag.text, expected), "%s", diag.text);
    cr_assert_eq(strncmp(diag.text, path, strlen(path)), 0, "%s", diag.text);
}

Test(recorded_parts, a_broken_value_is_named_with_its_place)
{
    spoil("1.000001", "soon"); /* "...,2,0,": the second part begins in column 59 */
    check_refused(":3:59: 'ttft_part_router_ms' must be milliseconds, not 'soon'");
    spoil("16384", "-1");
    check_refused("'wait_decode_ahead_tokens' must be a number without sign or fraction, not '-1'");
    spoil("3.25", "many");
    check_refused("'decode_batch' must be a number, not 'many'");
    spoil("3,", "8,");
    check_refused(": request 8 is there twice");
}

Test(recorded_parts, some_of_their_columns_are_not_enough)
{
    char text[1024];

    snprintf(text, sizeof text, "%s,ttft_part_frontend_ms\n3%s,0\n8%s,0\n", columns, fields,
             fields);
    put("requests.csv", text);
    check_refused(":1: no column 'ttft_part_router_ms'; expected requests.csv of a run");
}
