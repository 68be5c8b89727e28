#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "traces/trace.h"
#include "util/units.h"

#define DATA TEST_DATA_DIR "/traces/"

static struct diag d;

/* Parses one line as the reader hands it over: exactly its bytes and a '\n'. */
static enum status parse(const char *text, struct trace_request *q)
{
    size_t length = strlen(text);
    char *line = malloc(length + 1);
    memcpy(line, text, length);
    line[length] = '\n';
    struct trace_ids ids = {0};
    *q = (struct trace_request){0};
    diag_init(&d);
    static const struct trace_columns columns = {3, {0, 1, 2}};
    enum status s =
        trace_azure.parse(line, length, (struct source_pos){"a.csv", 7, 0}, &columns, q, &ids, &d);
    free(line);
    return s;
}

Test(azure, a_line_of_2023)
{
    struct trace_request q;
    cr_assert_eq(parse("2023-11-16 18:17:03.9799600,4808,10", &q), ST_OK, "%s", d.text);
    cr_assert_eq(q.arrival_ns, INT64_C(1700158623979960000));
    cr_assert(q.isl_tok == 4808 && q.osl_tok == 10);
}

Test(azure, zero_to_nine_decimals_and_offsets_from_utc)
{
    static const struct {
        const char *time;
        int64_t ns; /* since 2024-05-10 00:00:00 */
    } cases[] = {{"2024-05-10 00:00:00", 0},
                 {"2024-05-10 00:00:00.1", 100000000},
                 {"2024-05-10 00:00:00.123456789", 123456789},
                 {"2024-05-10 00:00:00.009930+00:00", 9930000},
                 {"2024-05-10 00:00:00+00:00", 0},
                 {"2024-05-10T00:00:01Z", NS_PER_S},
                 {"2024-05-10 02:00:00.0000001+02:00", 100},
                 {"2024-05-09 18:30:00-05:30", 0},
                 {"2024-05-10T02:00:00+0200", 0},
                 {"2024-05-10T02:00:00+02", 0},
                 {"2024-05-10 23:59:59.999999999Z", 86400 * NS_PER_S - 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[80];
        struct trace_request q;
        snprintf(line, sizeof line, "%s,1,0", cases[i].time);
        cr_assert_eq(parse(line, &q), ST_OK, "%s", d.text);
        cr_assert_eq(q.arrival_ns - INT64_C(1715299200) * NS_PER_S, cases[i].ns, "%s", line);
    }
}

Test(azure, every_day_is_one_day_after_the_one_before)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected_ns = 0;
    for (int year = 1970; year < 2200; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            int days = length[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= days + 1; day++) {
                char line[80];
                struct trace_request q;
                snprintf(line, sizeof line, "%d-%02d-%02d 00:00:00,1,1", year, month, day);
                if (day > days) {
                    cr_assert_eq(parse(line, &q), ST_INPUT, "%s", line);
                    continue;
                }
                cr_assert_eq(parse(line, &q), ST_OK, "%s", d.text);
                cr_assert_eq(q.arrival_ns, expected_ns, "%s", line);
                expected_ns += 86400 * NS_PER_S;
            }
        }
}

Test(azure, what_is_not_a_time_is_quoted)
{
    static const char *const times[] = {"",
                                        "now",
                                        "2023-11-16",
                                        "2023-11-16 18:17",
                                        "2023-11-16 24:00:00",
                                        "2023-11-16 18:60:00",
                                        "2023-11-16 18:17:60",
                                        "2023-13-16 18:17:03",
                                        "2023-00-16 18:17:03",
                                        "2023-02-29 18:17:03",
                                        "1969-12-31 23:59:59",
                                        "2200-01-01 00:00:00",
                                        "2023-11-16 18:17:03.",
                                        "2023-11-16 18:17:03.1234567890",
                                        "2023-11-16 18:17:03+1:00",
                                        "2023-11-16 18:17:03+24:00",
                                        "2023-11-16 18:17:03+01:60",
                                        "2023-11-16 18:17:03+01:",
                                        "2023-11-16 18:17:03+01:00Z",
                                        "2023-11-16 18:17:03 +01:00",
                                        "2023-11-16 18:17:03 UTC",
                                        "2023-11-16 18:17:03 ",
                                        " 2023-11-16 18:17:03",
                                        "2023/11/16 18:17:03",
                                        "-2023-11-16 18:17:03",
                                        "2023-11-16 18:17:03ZZ",
                                        "1700158623"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char line[80], message[200];
        struct trace_request q;
        snprintf(line, sizeof line, "%s,1,1", times[i]);
        snprintf(message, sizeof message,
                 "a.csv:7: 'TIMESTAMP' must be a time like 2023-11-16 18:17:03.9799600, not '%s'",
                 times[i]);
        cr_assert_eq(parse(line, &q), ST_INPUT, "%s", line);
        cr_assert_str_eq(d.text, message);
    }
}

static const struct {
    const char *rest, *message;
} mistakes[] = {
    {"", "a.csv:7: expected 3 columns, as in the header, found 1"},
    {",5", "a.csv:7: expected 3 columns, as in the header, found 2"},
    {",5,6,7", "a.csv:7: expected 3 columns, as in the header, found 4"},
    {",\"5,6", "a.csv:7: a quoted field must end on its line, before a comma or the line's end"},
    {",5,\"6\"7", "a.csv:7: a quoted field must end on its line, before a comma or the line's end"},
    {",\"5\"\"\",6",
     "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not '5\"\"'"},
    {",0,6", "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not '0'"},
    {",,6", "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not ''"},
    {",5.0,6", "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not '5.0'"},
    {",nan,6", "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not 'nan'"},
    {",2147483648,6",
     "a.csv:7: 'ContextTokens' must be an integer from 1 to 2147483647, not '2147483648'"},
    {",5,-1", "a.csv:7: 'GeneratedTokens' must be an integer from 0 to 2147483647, not '-1'"},
    {",5,", "a.csv:7: 'GeneratedTokens' must be an integer from 0 to 2147483647, not ''"},
    {",5,1e300", "a.csv:7: 'GeneratedTokens' must be an integer from 0 to 2147483647, not '1e300'"},
};

Test(azure, every_mistake_has_its_message)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char line[100];
        struct trace_request q;
        snprintf(line, sizeof line, "2023-11-16 18:17:03.9799600%s", mistakes[i].rest);
        cr_assert_eq(parse(line, &q), ST_INPUT, "%s", line);
        cr_assert_str_eq(d.text, mistakes[i].message);
    }
}

Test(azure, both_generations_of_files_are_told_and_read)
{
    static const struct {
        const char *path;
        int64_t arrival_ns[3];
        uint32_t isl_tok[3], osl_tok[3];
    } files[] = {{DATA "azure_2023.csv",
                  {0, 52000000, INT64_C(20576098189000)},
                  {4808, 3180, 110},
                  {10, 8, 27}},
                 {DATA "azure_2024.csv", {0, 7405000, 990070000}, {2162, 2399, 1}, {5, 6, 1}}};
    for (size_t i = 0; i < 2; i++) {
        struct trace_reader *r;
        struct trace_request q;
        struct trace_options options = {.speedup = 1, .block_size_tok = 512};
        diag_init(&d);
        cr_assert_eq(trace_open(&r, files[i].path, &options, &d), ST_OK, "%s", d.text);
        cr_assert_str_eq(trace_format(r), "azure");
        for (int k = 0; k < 3; k++) {
            cr_assert_eq(trace_next(r, &q, &d), ST_OK, "%s", d.text);
            cr_assert_eq(q.arrival_ns, files[i].arrival_ns[k]);
            cr_assert(q.isl_tok == files[i].isl_tok[k] && q.osl_tok == files[i].osl_tok[k]);
            cr_assert(q.n_blocks == 0 && q.block_ids == NULL);
        }
        cr_assert_eq(trace_next(r, &q, &d), ST_END);
        trace_close(r);
    }
}

Test(azure, columns_are_known_by_their_names)
{
    static const char *const texts[] = {
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2024-05-10 00:00:00,10,1\n2024-05-10 00:00:01,20,2\n",
        "GeneratedTokens,TIMESTAMP,ContextTokens\n"
        "1,2024-05-10 00:00:00,10\n2,2024-05-10 00:00:01,20\n",
        "timestamp,model,contexttokens,generatedtokens,note\n"
        "2024-05-10 00:00:00,gpt,10,1,\n2024-05-10 00:00:01,,20,2,x\n",
        "\"TIMESTAMP\",\"a,b\",\"ContextTokens\",\"GeneratedTokens\"\r\n"
        "\"2024-05-10 00:00:00\",\"x,\"\"y\"\"\",\"10\",\"1\"\r\n"
        "2024-05-10 02:00:01+02:00,\"\",20,2\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct trace_reader *r;
        struct trace_request q;
        struct trace_options options = {.speedup = 1, .block_size_tok = 512};
        diag_init(&d);
        cr_assert_eq(trace_open_memory(&r, "a.csv", texts[i], strlen(texts[i]), &options, &d),
                     ST_OK, "%s", d.text);
        cr_assert_str_eq(trace_format(r), "azure");
        for (unsigned k = 0; k < 2; k++) {
            cr_assert_eq(trace_next(r, &q, &d), ST_OK, "%s", d.text);
            cr_assert_eq(q.arrival_ns, k * NS_PER_S);
            cr_assert(q.isl_tok == 10 * (k + 1) && q.osl_tok == k + 1);
        }
        cr_assert_eq(trace_next(r, &q, &d), ST_END);
        trace_close(r);
    }
}

Test(azure, what_is_wrong_with_a_header_is_said)
{
    static char wide[1000] = "TIMESTAMP,ContextTokens,GeneratedTokens";
    for (int i = 3; i <= TRACE_COLUMNS_MAX; i++)
        strcat(wide, ",x");
    const struct {
        const char *text, *message;
    } headers[] = {
        {"timestamp,GeneratedTokens",
         "a.csv:1: the header has no column 'ContextTokens' (needed are TIMESTAMP, ContextTokens "
         "and GeneratedTokens, in any order): 'timestamp,GeneratedTokens'"},
        {"TIMESTAMP,ContextTokens,GeneratedTokens,timestamp",
         "a.csv:1: the column 'TIMESTAMP' is there twice"},
        {"2023-11-16 18:17:03,5,6",
         "a.csv:1: the header has no column 'TIMESTAMP' (needed are TIMESTAMP, ContextTokens and "
         "GeneratedTokens, in any order): '2023-11-16 18:17:03,5,6'"},
        {"TIMESTAMP,\"x",
         "a.csv:1: a quoted field must end on its line, before a comma or the line's end"},
        {wide, "a.csv:1: more than 64 columns"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct trace_reader *r;
        struct trace_options options = {.format = "azure", .speedup = 1, .block_size_tok = 512};
        diag_init(&d);
        cr_assert_eq(
            trace_open_memory(&r, "a.csv", headers[i].text, strlen(headers[i].text), &options, &d),
            ST_INPUT);
        cr_assert_str_eq(d.text, headers[i].message);
    }
}
