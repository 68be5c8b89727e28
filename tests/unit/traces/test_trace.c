#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace.h"
#include "util/units.h"

#define DATA TEST_DATA_DIR "/traces/"

static const struct trace_options as_recorded = {.speedup = 1, .block_size_tok = 512};
static struct diag d;

static struct trace_reader *open_as(const char *path, const struct trace_options *options)
{
    struct trace_reader *r;
    diag_init(&d);
    cr_assert_eq(trace_open(&r, path, options, &d), ST_OK, "%s", d.text);
    return r;
}

static struct trace_reader *over(const char *text, const struct trace_options *options)
{
    struct trace_reader *r;
    diag_init(&d);
    cr_assert_eq(trace_open_memory(&r, "memory", text, strlen(text), options, &d), ST_OK, "%s",
                 d.text);
    return r;
}

/* Reads to the end, closes, returns the digest. */
static uint64_t finish(struct trace_reader *r, uint64_t *n)
{
    struct trace_request request;
    enum status s;
    *n = 0;
    while ((s = trace_next(r, &request, &d)) == ST_OK)
        ++*n;
    cr_assert_eq(s, ST_END, "%s", d.text);
    cr_assert_eq(trace_progress(r), 1);
    uint64_t digest = trace_digest(r);
    trace_close(r);
    return digest;
}

/* The message that opening and reading the file ends in, without the folder in front. */
static const char *message_of(const char *name, const struct trace_options *options,
                              enum status expected)
{
    static char path[512];
    struct trace_reader *r;
    struct trace_request request;
    snprintf(path, sizeof path, "%s%s", DATA, name);
    diag_init(&d);
    enum status s = trace_open(&r, path, options, &d);
    cr_assert(s == ST_OK || r == NULL);
    while (s == ST_OK)
        s = trace_next(r, &request, &d);
    cr_assert_eq(s, expected, "%s: %s", name, d.text);
    trace_close(r);
    const char *at = strstr(d.text, DATA);
    return at ? at + strlen(DATA) : d.text;
}

static const struct {
    const char *file, *message;
} mistakes[] = {
    {"empty.jsonl", "empty.jsonl: no requests in it"},
    {"only_blank.jsonl", "only_blank.jsonl: no requests in it"},
    {"header_only.csv", "header_only.csv: no requests in it"},
    {"unknown.txt",
     "unknown.txt:1: not the first line of a known trace format: 'time,prompt,answer'; there are: "
     "mooncake (JSONL with timestamp [ms], input_length, output_length and, if known, hash_ids); "
     "azure (CSV with columns TIMESTAMP, ContextTokens and GeneratedTokens)"},
    {"truncated.jsonl.gz", "truncated.jsonl.gz: gzip data ends early (truncated file?)"},
    {"corrupt_crc.jsonl.gz", "corrupt_crc.jsonl.gz: corrupt gzip data (incorrect data check)"},
    {"corrupt.jsonl.gz", "corrupt.jsonl.gz: corrupt gzip data (invalid block type)"},
    {"not_json.jsonl", "not_json.jsonl:2:38: not valid JSON: expected ',' or '}', found '\"'"},
    {"cut_line.jsonl",
     "cut_line.jsonl:2:44: not valid JSON: expected '\"', found the end of the line"},
    {"missing_field.jsonl", "missing_field.jsonl:2: 'input_length' is missing"},
    {"negative.jsonl",
     "negative.jsonl:2: 'input_length' must be an integer from 1 to 2147483647, not '-5'"},
    {"huge.jsonl",
     "huge.jsonl:2: 'input_length' must be an integer from 1 to 2147483647, not '1e300'"},
    {"nan.jsonl", "nan.jsonl:2: 'timestamp' must be a number of milliseconds from 0 to "
                  "2305843009213, not 'NaN'"},
    {"huge_timestamp.jsonl", "huge_timestamp.jsonl:2: 'timestamp' must be a number of milliseconds "
                             "from 0 to 2305843009213, not '1e300'"},
    {"unsorted.jsonl",
     "unsorted.jsonl:3: arrives before the line above it (17.25 ms < 20 ms); 'trace.sort: true' "
     "puts the requests in order ('headroom trace info --sort')"},
    {"too_many_ids.jsonl",
     "too_many_ids.jsonl:2: 3 block ids, but 1024 tokens are only 2 blocks of 512"},
    {"azure_bad_count.csv",
     "azure_bad_count.csv:3: 'ContextTokens' must be an integer from 1 to 2147483647, not '-5'"},
};

Test(trace, every_mistake_has_its_message)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        cr_assert_str_eq(message_of(mistakes[i].file, &as_recorded, ST_INPUT), mistakes[i].message);
}

Test(trace, a_file_that_cannot_be_read_is_an_io_error)
{
    cr_assert_str_eq(message_of("missing.jsonl", &as_recorded, ST_IO),
                     "missing.jsonl: cannot open: No such file or directory");
    cr_assert_str_eq(message_of(".", &as_recorded, ST_IO), ".: cannot read: Is a directory");
}

Test(trace, an_unknown_format_name_lists_the_formats)
{
    struct trace_options options = as_recorded;
    options.format = "parquet";
    cr_assert_str_eq(
        message_of("three.jsonl", &options, ST_INPUT),
        "unknown trace format 'parquet'; there are: mooncake (JSONL with timestamp "
        "[ms], input_length, output_length and, if known, hash_ids); azure (CSV with columns "
        "TIMESTAMP, ContextTokens and GeneratedTokens)");
}

Test(trace, a_named_format_is_not_guessed)
{
    struct trace_options options = as_recorded;
    options.format = "azure";
    cr_assert_str_eq(message_of("three.jsonl", &options, ST_INPUT),
                     "three.jsonl:1: the header has no column 'TIMESTAMP' (needed are TIMESTAMP, "
                     "ContextTokens and GeneratedTokens, in any order): "
                     "'{\"timestamp\": 27482, \"input_length\": 695...'");
    options.format = "mooncake";
    cr_assert_str_eq(message_of("azure_2023.csv", &options, ST_INPUT),
                     "azure_2023.csv:1:1: not valid JSON: expected '{', found 'T'");
}

Test(trace, requests_come_shifted_to_the_first_arrival)
{
    struct trace_request q;
    struct trace_options options = as_recorded;
    options.format = "auto";
    struct trace_reader *r = open_as(DATA "three.jsonl", &options);
    cr_assert_str_eq(trace_format(r), "mooncake");
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert(q.arrival_ns == 0 && q.isl_tok == 6955 && q.osl_tok == 52 && q.n_blocks == 14);
    for (uint32_t i = 0; i < 14; i++)
        cr_assert_eq(q.block_ids[i], i);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert(q.arrival_ns == 3053 * NS_PER_MS && q.isl_tok == 1200 && q.osl_tok == 7);
    cr_assert(q.n_blocks == 3 && q.block_ids[2] == 99);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert(q.arrival_ns == 3053 * NS_PER_MS + 500000 && q.isl_tok == 512 && q.osl_tok == 1);
    cr_assert(q.n_blocks == 0 && q.block_ids == NULL);
    cr_assert_eq(trace_next(r, &q, &d), ST_END);
    cr_assert_eq(trace_next(r, &q, &d), ST_END);
    trace_close(r);
}

Test(trace, the_same_requests_in_any_wrapping_have_the_same_digest)
{
    static const char *const files[] = {DATA "three.jsonl.gz", DATA "three_crlf.jsonl",
                                        DATA "three_no_newline.jsonl",
                                        DATA "three_blank_lines.jsonl"};
    uint64_t n, digest = finish(open_as(DATA "three.jsonl", &as_recorded), &n);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cr_assert_eq(finish(open_as(files[i], &as_recorded), &n), digest, "%s", files[i]);
        cr_assert_eq(n, 3);
    }
}

Test(trace, the_digest_sees_every_field)
{
    static const char *const texts[] = {
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5,\"hash_ids\":[1,2]}",
        "{\"timestamp\":0,\"input_length\":901,\"output_length\":5,\"hash_ids\":[1,2]}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":6,\"hash_ids\":[1,2]}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5,\"hash_ids\":[2,1]}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5,\"hash_ids\":[1]}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5}\n"
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5}",
        "{\"timestamp\":0,\"input_length\":900,\"output_length\":5}\n"
        "{\"timestamp\":1,\"input_length\":900,\"output_length\":5}",
    };
    enum { N = sizeof texts / sizeof *texts };
    uint64_t digest[N], n;
    for (size_t i = 0; i < N; i++) {
        digest[i] = finish(over(texts[i], &as_recorded), &n);
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(digest[i], digest[k], "%s and %s", texts[i], texts[k]);
    }
}

Test(trace, a_trace_of_one_request)
{
    struct trace_request q;
    struct trace_reader *r = open_as(DATA "one.jsonl", &as_recorded);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert(q.arrival_ns == 0 && q.isl_tok == 700 && q.osl_tok == 20 && q.n_blocks == 2);
    cr_assert_eq(trace_next(r, &q, &d), ST_END);
    trace_close(r);
}

Test(trace, limit_stops_early_and_hides_what_comes_after)
{
    uint64_t n;
    struct trace_request q;
    struct trace_options options = as_recorded;
    options.limit = 2;
    struct trace_reader *r = open_as(DATA "unsorted.jsonl", &options);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_END);
    trace_close(r);
    options.limit = 1000;
    finish(open_as(DATA "three.jsonl", &options), &n);
    cr_assert_eq(n, 3);
}

Test(trace, sort_puts_requests_in_order)
{
    static const char in_order[] =
        "{\"timestamp\":3,\"input_length\":1,\"output_length\":1,\"hash_ids\":[7]}\n"
        "{\"timestamp\":5,\"input_length\":600,\"output_length\":2,\"hash_ids\":[7,8]}\n"
        "{\"timestamp\":5,\"input_length\":600,\"output_length\":3}\n"
        "{\"timestamp\":9,\"input_length\":4,\"output_length\":4,\"hash_ids\":[9]}\n";
    static const char shuffled[] =
        "{\"timestamp\":9,\"input_length\":4,\"output_length\":4,\"hash_ids\":[9]}\n"
        "{\"timestamp\":5,\"input_length\":600,\"output_length\":2,\"hash_ids\":[7,8]}\n\n"
        "{\"timestamp\":3,\"input_length\":1,\"output_length\":1,\"hash_ids\":[7]}\n"
        "{\"timestamp\":5,\"input_length\":600,\"output_length\":3}\n";
    struct trace_options options = as_recorded;
    for (options.limit = 0; options.limit < 4; options.limit++) {
        struct trace_reader *expected, *r;
        struct trace_request q;
        uint64_t n = 0;
        options.sort = false;
        cr_assert_eq(trace_open_memory(&expected, "a", in_order, strlen(in_order), &options, &d),
                     ST_OK);
        options.sort = true;
        cr_assert_eq(trace_open_memory(&r, "b", shuffled, strlen(shuffled), &options, &d), ST_OK);
        cr_assert_eq(trace_progress(r), 0);
        while (trace_next(expected, &q, &d) == ST_OK) {
            cr_assert_eq(trace_next(r, &q, &d), ST_OK);
            cr_assert_eq(q.osl_tok, ++n);
            cr_assert_eq(trace_digest(r), trace_digest(expected));
        }
        cr_assert_eq(trace_next(r, &q, &d), ST_END);
        cr_assert_eq(n, options.limit ? options.limit : 4);
        trace_close(expected);
        trace_close(r);
    }
}

Test(trace, sort_finds_a_wrong_line_at_once_and_names_the_line_of_a_request)
{
    static const char wrong[] = "{\"timestamp\":9,\"input_length\":4,\"output_length\":4}\n\n{\n";
    static const char long_ago[] = "{\"timestamp\":2e12,\"input_length\":4,\"output_length\":4}\n"
                                   "{\"timestamp\":1,\"input_length\":4,\"output_length\":4}\n";
    struct trace_options options = as_recorded;
    struct trace_reader *r;
    struct trace_request q;
    options.sort = true;
    diag_init(&d);
    cr_assert_eq(trace_open_memory(&r, "a", wrong, strlen(wrong), &options, &d), ST_INPUT);
    cr_assert_null(r);
    cr_assert(strncmp(d.text, "a:3:", 4) == 0, "%s", d.text);
    options.speedup = 0.5;
    diag_init(&d);
    cr_assert_eq(trace_open_memory(&r, "a", long_ago, strlen(long_ago), &options, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "a:1: arrives more than 73 years after the first request");
    trace_close(r);
}

Test(trace, speedup_divides_arrivals_to_the_nearest_nanosecond)
{
    static const char text[] = "{\"timestamp\":10,\"input_length\":1,\"output_length\":1}\n"
                               "{\"timestamp\":10.00001,\"input_length\":1,\"output_length\":1}\n"
                               "{\"timestamp\":40,\"input_length\":1,\"output_length\":1}\n";
    struct trace_request q;
    struct trace_options options = as_recorded;
    options.speedup = 3;
    struct trace_reader *r = over(text, &options);
    cr_assert(trace_next(r, &q, &d) == ST_OK && q.arrival_ns == 0);
    cr_assert(trace_next(r, &q, &d) == ST_OK && q.arrival_ns == 3);
    cr_assert(trace_next(r, &q, &d) == ST_OK && q.arrival_ns == 10 * NS_PER_MS);
    trace_close(r);
    options.speedup = 0.5;
    r = over(text, &options);
    cr_assert(trace_next(r, &q, &d) == ST_OK && trace_next(r, &q, &d) == ST_OK);
    cr_assert_eq(q.arrival_ns, 20);
    trace_close(r);
}

Test(trace, a_slowdown_beyond_73_years_is_refused)
{
    struct trace_request q;
    struct trace_options options = as_recorded;
    options.speedup = 1e-300;
    struct trace_reader *r = over("{\"timestamp\":1,\"input_length\":1,\"output_length\":1}\n"
                                  "{\"timestamp\":2,\"input_length\":1,\"output_length\":1}\n",
                                  &options);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "memory:2: arrives more than 73 years after the first request");
    trace_close(r);
}

Test(trace, block_ids_may_be_fewer_but_not_more_than_the_blocks)
{
    static const char text[] = "{\"timestamp\":0,\"input_length\":1025,\"output_length\":1,"
                               "\"hash_ids\":[4,5]}";
    struct trace_reader *r;
    struct trace_options options = as_recorded;
    uint64_t n;
    finish(over(text, &options), &n);
    options.block_size_tok = 1025;
    diag_init(&d);
    cr_assert_eq(trace_open_memory(&r, "memory", text, strlen(text), &options, &d), ST_INPUT);
    cr_assert_null(r);
    cr_assert_str_eq(d.text, "memory:1: 2 block ids, but 1025 tokens are only 1 blocks of 1025");
}

Test(trace, a_line_longer_than_the_buffer)
{
    enum { IDS = 200000 };
    char *text = malloc(IDS * 10);
    size_t n = (size_t)sprintf(text, "{\"timestamp\":0,\"input_length\":%d,\"hash_ids\":[0", IDS);
    for (int i = 1; i < IDS; i++)
        n += (size_t)sprintf(text + n, ", %d", i);
    sprintf(text + n, "],\"output_length\":9}\n{\"timestamp\":1,\"input_length\":1,"
                      "\"output_length\":1}");
    struct trace_options options = {.speedup = 1, .block_size_tok = 1};
    struct trace_request q;
    struct trace_reader *r = over(text, &options);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK, "%s", d.text);
    cr_assert(q.n_blocks == IDS && q.osl_tok == 9);
    for (uint32_t i = 0; i < IDS; i++)
        cr_assert_eq(q.block_ids[i], i);
    cr_assert_eq(trace_next(r, &q, &d), ST_OK);
    cr_assert_eq(trace_next(r, &q, &d), ST_END);
    trace_close(r);
    free(text);
}

Test(trace, the_bundled_traces_are_whole)
{
    uint64_t n;
    finish(open_as(PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz", &as_recorded), &n);
    cr_assert_eq(n, 12031);
    finish(open_as(PROJECT_DIR "/traces/data/azure_code_2023_slice.csv.gz", &as_recorded), &n);
    cr_assert_eq(n, 1499);
}

Test(trace, formats_are_found_by_name)
{
    cr_assert_eq(trace_format_find("mooncake"), &trace_mooncake);
    cr_assert_eq(trace_format_find("azure"), &trace_azure);
    cr_assert_null(trace_format_find("auto"));
    for (size_t i = 0; trace_formats[i]; i++)
        cr_assert(trace_formats[i]->name && trace_formats[i]->summary);
}

Test(trace, closing_nothing_is_allowed)
{
    trace_close(NULL);
}
