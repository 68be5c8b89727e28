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
static const struct recorded_request requests[N] = {{.index = 3}, {.index = 8}};
static const char *const pools[] = {"prefill", "decode"};

static struct recorded run_of(void)
{
    return (struct recorded){.dir = dir,
                             .n_pools = 2,
                             .pools = {pools[0], pools[1]},
                             .n_requests = N,
                             .requests = requests};
}

static void setup(void)
{
    strcpy(dir, "/tmp/headroom-test-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/requests.csv", dir);
    arena_init(&arena);
    diag_init(&diag);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
    arena_release(&arena);
}

TestSuite(recorded_parts, .init = setup, .fini = teardown);

/* Each figure another, of as many digits as ns have. */
static struct request_parts parts_of(int request)
{
    struct request_parts q = {.decode_short_ns = 12345678901, .decode_batch = 3.25 + request};
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        q.ttft_ns[i] = request ? 0 : 1000001 * i;
        q.e2e_ns[i] = i % 3 ? (int64_t)7000000000003 * i + request : 0;
    }
    q.waits[0] = (struct pool_wait){1, 2000000 + request, -1, UINT64_MAX, 0, 0};
    q.waits[1] = request ? (struct pool_wait){-1, -1, -1, UINT64_MAX, 0, 0}
                         : (struct pool_wait){5, -1, 7, 4000000000, 16384, 99};
    return q;
}

static void add_row(FILE *file, int request)
{
    struct request_parts parts = parts_of(request);
    /* Request 1 got no token. */
    const struct request_record q = {.parts = &parts, .first_token_ns = request ? -1 : 1};
    struct row row = {0};
    parts_columns(&row, 2, &q);
    fprintf(file, "%d%.*s\n", (int)requests[request].index, (int)row.n, row.text);
}

/* In the order in which they ended. */
static void write_requests(void)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    struct row row = {0};
    parts_columns_header(&row, 2, pools);
    fprintf(file, "request%.*s\n", (int)row.n, row.text);
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
    struct recorded run = run_of();
    write_requests();
    cr_assert_eq(recorded_read_parts(&run, &arena, &diag), ST_OK, "%s", diag.text);
    cr_assert(run.parts);
    for (int request = 0; request < N; request++) {
        const struct request_parts expected = parts_of(request), *is = &run.parts[request];
        cr_assert_arr_eq(is->ttft_ns, expected.ttft_ns, sizeof expected.ttft_ns);
        cr_assert_arr_eq(is->e2e_ns, expected.e2e_ns, sizeof expected.e2e_ns);
        for (int p = 0; p < 2; p++)
            check_wait(&is->waits[p], &expected.waits[p]);
        cr_assert_eq(is->decode_short_ns, expected.decode_short_ns);
        cr_assert_eq(is->decode_batch, expected.decode_batch);
    }
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

Test(recorded_parts, a_run_that_did_not_keep_them_has_none)
{
    struct recorded run = run_of();
    write_text("request,arrival_ms\n3,1\n8,2\n");
    cr_assert_eq(recorded_read_parts(&run, &arena, &diag), ST_OK, "%s", diag.text);
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
    write_text(spoiled);
}

static void check_refused(const char *expected)
{
    struct recorded run = run_of();
    diag_init(&diag);
    cr_assert_eq(recorded_read_parts(&run, &arena, &diag), ST_INPUT);
    cr_assert_null(run.parts);
    cr_assert(strstr(diag.text, expected), "%s", diag.text);
    cr_assert_eq(strncmp(diag.text, path, strlen(path)), 0, "%s", diag.text);
}

Test(recorded_parts, a_broken_value_is_named_with_its_place)
{
    spoil("1.000001", "soon"); /* "3,0,": the second part begins in column 5 */
    check_refused(":3:5: 'ttft_part_router_ms' must be milliseconds, not 'soon'");
    spoil("16384", "-1");
    check_refused("'wait_decode_ahead_tokens' must be a number without sign or fraction, not '-1'");
    spoil("3.25", "many");
    check_refused("'decode_batch' must be a number, not 'many'");
    spoil("3,", "4,");
    check_refused(":3:1: 'request' must be a request that was there before, not '4'");
}
