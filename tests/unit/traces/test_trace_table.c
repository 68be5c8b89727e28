#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "traces/trace_table.h"
#include "util/units.h"

#define DATA TEST_DATA_DIR "/traces/"

static struct diag d, d_table;
static const struct trace_options as_recorded = {.speedup = 1, .block_size_tok = 512};

static struct trace_table *load(const char *path)
{
    struct trace_table *table;
    diag_init(&d);
    cr_assert_eq(trace_table_load(&table, path, &as_recorded, &d), ST_OK, "%s", d.text);
    return table;
}

/* The cursor delivers what the reader does, to the same end; returns that end. */
static enum status compare(const char *path, uint64_t limit, double speedup)
{
    const struct trace_options options = {
        .limit = limit, .speedup = speedup, .block_size_tok = 512};
    struct trace_table *table = load(path);
    struct trace_reader *reader;
    struct trace_request want, got;
    struct trace_cursor cursor;
    enum status s;

    cr_assert_eq(trace_open(&reader, path, &options, &d), ST_OK, "%s", d.text);
    cr_assert_str_eq(trace_table_format(table), trace_format(reader));
    trace_cursor_init(&cursor, table, limit, speedup);
    struct request_source stream = trace_reader_source(reader), rows = trace_cursor_source(&cursor);
    uint64_t n = 0;
    diag_init(&d_table);
    for (;;) {
        cr_assert_leq(request_source_progress(&rows), 1);
        s = request_source_next(&stream, &want, &d);
        cr_assert_eq(request_source_next(&rows, &got, &d_table), s, "%s", d_table.text);
        cr_assert_eq(request_source_digest(&rows), request_source_digest(&stream));
        if (s)
            break;
        n++;
        cr_assert_eq(got.arrival_ns, want.arrival_ns);
        cr_assert(got.isl_tok == want.isl_tok && got.osl_tok == want.osl_tok);
        cr_assert(got.priority == want.priority && got.n_blocks == want.n_blocks);
        cr_assert_eq(got.block_ids == NULL, want.block_ids == NULL);
        if (got.n_blocks)
            cr_assert_arr_eq(got.block_ids, want.block_ids, got.n_blocks * sizeof *got.block_ids);
    }
    if (s == ST_END) {
        cr_assert_eq(request_source_progress(&rows), 1);
        cr_assert_eq(request_source_next(&rows, &got, &d_table), ST_END);
        cr_assert(n == limit || n == trace_table_n_requests(table));
    } else {
        cr_assert_str_eq(d_table.text, d.text);
    }
    trace_close(reader);
    trace_table_free(table);
    return s;
}

Test(trace_table, a_cursor_delivers_what_the_reader_does)
{
    static const char *const paths[] = {PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz",
                                        DATA "azure_2023.csv", DATA "three.jsonl",
                                        DATA "one.jsonl"};
    static const uint64_t limits[] = {0, 1, 2, 5000, 1000000};
    static const double speedups[] = {1, 2, 0.3};

    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++)
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++)
            cr_expect_eq(compare(paths[p], limits[l], speedups[l % 3]), ST_END);
}

Test(trace_table, what_is_wrong_further_down_is_said_when_a_run_comes_to_it)
{
    cr_expect_eq(compare(DATA "unsorted.jsonl", 2, 1), ST_END);
    cr_expect_eq(compare(DATA "unsorted.jsonl", 0, 1), ST_INPUT);
    cr_expect_not_null(strstr(d_table.text, "unsorted.jsonl:3: arrives before the line above it"));
    cr_expect_eq(compare(DATA "truncated.jsonl.gz", 0, 1), ST_INPUT);
}

Test(trace_table, errors_at_once)
{
    struct trace_table *table;

    diag_init(&d);
    cr_expect_eq(trace_table_load(&table, DATA "no-such", &as_recorded, &d), ST_IO);
    cr_expect_null(table);
    diag_init(&d);
    cr_expect_eq(trace_table_load(&table, DATA "empty.jsonl", &as_recorded, &d), ST_INPUT);
    cr_expect_null(table);
}

Test(trace_table, arrivals_stay_within_the_clock)
{
    struct trace_table *table = load(DATA "three.jsonl");
    struct trace_request request;
    struct trace_cursor cursor;

    trace_cursor_init(&cursor, table, 0, 1e-18);
    struct request_source rows = trace_cursor_source(&cursor);
    cr_expect_eq(request_source_next(&rows, &request, &d), ST_OK);
    cr_expect_eq(request_source_next(&rows, &request, &d), ST_INPUT);
    cr_expect_not_null(
        strstr(d.text, "three.jsonl: request 1 arrives more than 73 years after the first"));
    trace_table_free(table);
}

Test(trace_table, sorts)
{
    struct trace_options options = as_recorded;
    struct trace_table *table;

    options.sort = true;
    options.limit = 1; /* a cursor's */
    diag_init(&d);
    cr_assert_eq(trace_table_load(&table, DATA "unsorted.jsonl", &options, &d), ST_OK);
    cr_expect_eq(trace_table_n_requests(table), 3);
    struct trace_cursor cursor;
    trace_cursor_init(&cursor, table, 0, 1);
    struct request_source rows = trace_cursor_source(&cursor);
    struct trace_request request;
    int64_t last_ns = 0;
    while (request_source_next(&rows, &request, &d) == ST_OK) {
        cr_expect_geq(request.arrival_ns, last_ns);
        last_ns = request.arrival_ns;
    }
    cr_expect_eq(cursor.n_delivered, 3);
    trace_table_free(table);
}
