#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/json_scan.h"
#include "traces/trace.h"
#include "util/line_reader.h"
#include "util/pcg.h"
#include "util/units.h"

static struct diag d;

/* Parses one line as the reader hands it over: exactly its bytes and a '\n'. */
static enum status parse(const char *text, size_t length, struct trace_request *q,
                         struct trace_ids *ids)
{
    char *line = malloc(length + 1);
    memcpy(line, text, length);
    line[length] = '\n';
    *q = (struct trace_request){0};
    ids->n = 0;
    diag_init(&d);
    enum status s =
        trace_mooncake.parse(line, length, (struct source_pos){"a.jsonl", 7, 0}, NULL, q, ids, &d);
    cr_assert_eq(s, d.status);
    free(line);
    return s;
}

static bool in_range(const cJSON *item, double min, double max)
{
    return cJSON_IsNumber(item) && item->valuedouble >= min && item->valuedouble <= max;
}

static bool is_length(const cJSON *item, double min)
{
    return in_range(item, min, INT32_MAX) && item->valuedouble == floor(item->valuedouble);
}

/* What the line says according to cJSON; NULL when it is not a valid request. The caller frees it.
 */
static cJSON *oracle(const char *text, size_t length)
{
    char *terminated = malloc(length + 1);
    memcpy(terminated, text, length);
    terminated[length] = '\0';
    cJSON *json = cJSON_ParseWithLengthOpts(terminated, length + 1, NULL, true);
    free(terminated);
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(json, "hash_ids"), *id;
    bool valid = cJSON_IsObject(json) &&
                 in_range(cJSON_GetObjectItemCaseSensitive(json, "timestamp"), 0,
                          (double)TIME_NEVER / 1e6) &&
                 is_length(cJSON_GetObjectItemCaseSensitive(json, "input_length"), 1) &&
                 is_length(cJSON_GetObjectItemCaseSensitive(json, "output_length"), 0) &&
                 (!ids || cJSON_IsArray(ids));
    cJSON_ArrayForEach(id, ids) valid = valid && in_range(id, 0, 18446744073709549568.0) &&
                                        id->valuedouble == floor(id->valuedouble);
    if (!valid) {
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

static double number(const cJSON *json, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(json, key)->valuedouble;
}

static void check_equal(const cJSON *json, const struct trace_request *q,
                        const struct trace_ids *ids, const char *line)
{
    double ns = number(json, "timestamp") * 1e6;
    cr_assert_leq(fabs((double)q->arrival_ns - ns), 0.5 + 4e-16 * ns, "%s", line);
    cr_assert_eq(q->isl_tok, number(json, "input_length"), "%s", line);
    cr_assert_eq(q->osl_tok, number(json, "output_length"), "%s", line);
    const cJSON *id, *list = cJSON_GetObjectItemCaseSensitive(json, "hash_ids");
    uint32_t n = 0;
    cJSON_ArrayForEach(id, list)
    {
        cr_assert_lt(n, ids->n, "%s", line);
        cr_assert_eq((double)ids->id[n++], id->valuedouble, "%s", line);
    }
    cr_assert_eq(ids->n, n, "%s", line);
}

static int n_keys(const cJSON *json, const char *key)
{
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, json) n += strcmp(item->string, key) == 0;
    return n;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

/* Is there a number that strtod reads and RFC 8259 does not have? */
static bool has_loose_number(const char *text)
{
    bool in_string = false, loose = false;
    for (const char *p = text; *p && !loose; p++) {
        if (in_string && *p == '\\') {
            p++;
        } else if (*p == '"') {
            in_string = !in_string;
        } else if (!in_string && strchr("-0123456789", *p)) {
            size_t n = strspn(p, "-+.eE0123456789");
            char *token = strndup(p, n);
            loose = !matches(token, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$");
            free(token);
            p += n - 1;
        }
    }
    return loose;
}

/* A control character inside a string, or one between tokens that RFC 8259 does not call white
 * space? */
static bool has_control(const char *text, size_t length)
{
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 && (in_string || (text[i] != '\t' && text[i] != '\r')))
            return true;
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
    }
    return false;
}

/* A regular expression for a key, plain or with escapes, up to its value. */
#define KEY(name) "\"(" name "|[^\"]*\\\\u[^\"]*)\"[ \t\r]*:[ \t\r]*"

/* One of the documented reasons to refuse a line that cJSON takes. */
static bool meant_to_be_refused(const cJSON *json, const char *text, size_t length)
{
    return has_control(text, length) || n_keys(json, "timestamp") > 1 ||
           n_keys(json, "input_length") > 1 || n_keys(json, "output_length") > 1 ||
           n_keys(json, "hash_ids") > 1 || strncmp(text, "\xEF\xBB\xBF", 3) == 0 ||
           has_loose_number(text) || matches(text, "\\\\u[0-9a-fA-F]{0,3}[^0-9a-fA-F]") ||
           matches(text, KEY("timestamp") "-") ||
           matches(text, KEY("(in|out)put_length") "[0-9]*[-.eE]") ||
           matches(text, KEY("hash_ids") "\\[[^]]*[-.eE]");
}

Test(mooncake, every_line_of_the_bundled_trace_is_as_cjson_reads_it)
{
    struct line_reader *r;
    struct trace_request q;
    struct trace_ids ids = {0};
    const char *line;
    size_t length;
    unsigned n = 0;
    uint64_t n_ids = 0;
    enum status s;
    diag_init(&d);
    cr_assert_eq(
        line_reader_open(&r, PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz", &d), ST_OK);
    while ((s = line_reader_next(r, &line, &length, &d)) == ST_OK) {
        cJSON *json = oracle(line, length);
        cr_assert_not_null(json);
        cr_assert_eq(parse(line, length, &q, &ids), ST_OK, "%s", d.text);
        check_equal(json, &q, &ids, "bundled");
        cJSON_Delete(json);
        n++;
        n_ids += ids.n;
    }
    cr_assert_eq(s, ST_END);
    cr_assert_eq(n, 12031);
    cr_assert_eq(n_ids, 288500);
    line_reader_close(r);
    free(ids.id);
}

static const char *const seeds[] = {
    "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47, "
    "2353]}",
    "{\"timestamp\":0.5,\"input_length\":1,\"output_length\":0}",
    "{\"hash_ids\":[],\"output_length\":7,\"timestamp\":1e3,\"input_length\":2147483647}",
    " { \"hash_ids\" : [ 1 , 2 ] , \"output_length\" : 7 , \"timestamp\" : 12.25E1 , "
    "\"input_length\" : 9 } ",
    "{\"a\":null,\"timestamp\":1,\"b\":true,\"input_length\":2,\"c\":false,\"output_length\":3,"
    "\"d\":-1.5e-7}",
    "{\"timestamp\":1,\"s\":\"x\\\"\\\\\\/"
    "\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\",\"input_length\":2,"
    "\"output_length\":3}",
    "{\"o\":{\"timestamp\":\"no\",\"x\":[{},[],[[1]],{\"y\":{\"z\":[0]}}]},\"timestamp\":1,"
    "\"input_length\":2,\"output_length\":3}",
    "{\"time\\u0073tamp\":1,\"\\u0069nput_length\":2,\"output_\\u006Cength\":3,\"h\\u0061sh_ids\":["
    "1,2]}",
    "{\"\":0,\"t\":1,\"timestamps\":2,\"input_lengthy\":3,\"timestamp\":4,\"input_length\":5,"
    "\"output_length\":6,\"hash_id\":[\"x\"]}",
};

static const char alphabet[] =
    "\"\"\\\\{}[]::,,  0123456789--+..eEaunrtfx/\t\r\x01\x1F\x7F\x80\xEF";

/* One to three random edits of `from`; returns the new length. */
static size_t mutate(char *line, size_t room, const char *from, struct pcg64 *rng)
{
    static const char *const pieces[] = {"\"timestamp\":3,",
                                         "\"hash_ids\":[8],",
                                         "01",
                                         "1.",
                                         "-",
                                         "1e5",
                                         "nul",
                                         "true",
                                         "\\u12",
                                         "\\ud800",
                                         "[[",
                                         "{}",
                                         "]",
                                         "}",
                                         ",,",
                                         "99999999999999999999",
                                         "\"x\":{\"y\":[1]},"};
    size_t length = strlen(from);
    memcpy(line, from, length);
    for (uint64_t edits = 1 + pcg64_below(rng, 3); edits > 0; edits--) {
        size_t at = pcg64_below(rng, length + 1);
        char c = alphabet[pcg64_below(rng, sizeof alphabet - 1)];
        const char *piece = pieces[pcg64_below(rng, sizeof pieces / sizeof *pieces)];
        size_t n = 1;
        switch (pcg64_below(rng, 4)) {
        case 0:
            if (at < length)
                line[at] = c;
            break;
        case 1:
            n = pcg64_below(rng, 4);
            if (at + n <= length) {
                memmove(line + at, line + at + n, length - at - n);
                length -= n;
            }
            break;
        case 2:
            piece = &c;
            /* fall through */
        default:
            if (piece != &c)
                n = strlen(piece);
            if (length + n < room) {
                memmove(line + at + n, line + at, length - at);
                memcpy(line + at, piece, n);
                length += n;
            }
        }
    }
    line[length] = '\0';
    return length;
}

Test(mooncake, mutated_lines_are_accepted_and_refused_as_by_cjson)
{
    enum { ROUNDS = 15000 };
    unsigned accepted = 0, refused = 0, stricter = 0;
    struct trace_ids ids = {0};
    struct trace_request q;
    struct pcg64 rng;
    char line[1024];
    pcg64_seed(&rng, 2026, 1);
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        for (int round = 0; round < ROUNDS; round++) {
            size_t length = mutate(line, sizeof line, seeds[i], &rng);
            cJSON *json = oracle(line, length);
            enum status s = parse(line, length, &q, &ids);
            if (s == ST_OK) {
                cr_assert_not_null(json, "cJSON refuses: %s", line);
                check_equal(json, &q, &ids, line);
                accepted++;
            } else if (json) {
                cr_assert(meant_to_be_refused(json, line, length), "%s\n%s", d.text, line);
                stricter++;
            } else {
                refused++;
            }
            cJSON_Delete(json);
        }
    cr_log_info("%u accepted, %u refused by both, %u by us only", accepted, refused, stricter);
    cr_assert(accepted > 5000 && refused > 5000 && stricter > 500);
    free(ids.id);
}

static void check_ok(const char *line)
{
    struct trace_request q;
    struct trace_ids ids = {0};
    cr_assert_eq(parse(line, strlen(line), &q, &ids), ST_OK, "%s", d.text);
    free(ids.id);
}

static void check_message(const char *line, const char *message)
{
    struct trace_request q;
    struct trace_ids ids = {0};
    cr_assert_eq(parse(line, strlen(line), &q, &ids), ST_INPUT, "%s", line);
    cr_assert_str_eq(d.text, message);
    free(ids.id);
}

#define REST ",\"input_length\":2,\"output_length\":3}"

Test(mooncake, timestamps_are_exact)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"0", 0},
                 {"0.1", 100000},
                 {"123456789.123456", INT64_C(123456789123456)},
                 {"2305843009213.693950", TIME_NEVER - 1},
                 {"1.0000005", 1000001},
                 {"5.0", 5000000},
                 {"5e3", INT64_C(5000000000)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        struct trace_request q;
        struct trace_ids ids = {0};
        int n = snprintf(line, sizeof line, "{\"timestamp\":%s" REST, cases[i].text);
        cr_assert_eq(parse(line, (size_t)n, &q, &ids), ST_OK, "%s", d.text);
        cr_assert_eq(q.arrival_ns, cases[i].ns, "%s", line);
    }
}

Test(mooncake, ids_use_all_64_bits)
{
    static const char line[] =
        "{\"timestamp\":1,\"hash_ids\":[18446744073709551615, 9007199254740993,0]" REST;
    struct trace_request q;
    struct trace_ids ids = {0};
    cr_assert_eq(parse(line, strlen(line), &q, &ids), ST_OK, "%s", d.text);
    cr_assert_eq(ids.n, 3);
    cr_assert_eq(ids.id[0], UINT64_MAX);
    cr_assert_eq(ids.id[1], UINT64_C(9007199254740993));
    cr_assert_eq(ids.id[2], 0);
    free(ids.id);
}

/* A number of any length up to 20 digits, often at the end of a length. */
static uint64_t any_id(struct pcg64 *rng)
{
    uint64_t power = 1;
    for (uint64_t digits = pcg64_below(rng, 20); digits > 0; digits--)
        power *= 10;
    switch (pcg64_below(rng, 4)) {
    case 0:
        return power;
    case 1:
        return power - 1;
    case 2:
        return UINT64_MAX - pcg64_below(rng, 2);
    default:
        return pcg64_below(rng, power);
    }
}

static const char *any_space(struct pcg64 *rng)
{
    static const char *const spaces[] = {"", "", " ", " ", "  ", "\t", " \r", "\t  "};
    return spaces[pcg64_below(rng, sizeof spaces / sizeof *spaces)];
}

static void print_ids(FILE *out, const struct trace_ids *ids, struct pcg64 *rng)
{
    fprintf(out, "[%s", any_space(rng));
    for (uint32_t i = 0; i < ids->n; i++)
        fprintf(out, "%s%" PRIu64 "%s", i ? any_space(rng) : "", ids->id[i],
                i + 1 == ids->n       ? ""
                : pcg64_below(rng, 3) ? ","
                                      : " ,");
    fprintf(out, "%s]", any_space(rng));
}

/* The fields of `q` and some others in any order and layout. */
static void print_line(FILE *out, const struct trace_request *q, const struct trace_ids *ids,
                       struct pcg64 *rng)
{
    enum { N_KEYS = 7 };
    static const char *const keys[N_KEYS] = {
        "\"timestamp\"",      "\"input_length\"", "\"output_length\"", "\"hash_ids\"",
        "\"prio\\u0072ity\"", "\"timestamps\"",   "\"hash_id\""};
    int order[N_KEYS];
    for (int i = 0; i < N_KEYS; i++) {
        int j = (int)pcg64_below(rng, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    fprintf(out, "%s{%s", any_space(rng), any_space(rng));
    for (int i = 0; i < N_KEYS; i++) {
        fprintf(out, "%s%s%s:%s", i ? "," : "", i ? any_space(rng) : "", keys[order[i]],
                any_space(rng));
        switch (order[i]) {
        case 0:
            fprintf(out, "%" PRId64, q->arrival_ns / NS_PER_MS);
            break;
        case 1:
            fprintf(out, "%" PRIu32, q->isl_tok);
            break;
        case 2:
            fprintf(out, "%" PRIu32, q->osl_tok);
            break;
        case 3:
            print_ids(out, ids, rng);
            break;
        case 4:
            fprintf(out, "%" PRIu32, q->priority);
            break;
        default:
            fprintf(out, "[12345678, -1]");
        }
        fprintf(out, "%s", any_space(rng));
    }
    fprintf(out, "}%s", any_space(rng));
}

Test(mooncake, any_layout_and_any_length_of_number_gives_the_same_request)
{
    enum { ROUNDS = 5000, N_IDS = 1200 };
    uint64_t written[N_IDS];
    struct trace_ids ids = {0}, expected = {.id = written};
    struct pcg64 rng;
    pcg64_seed(&rng, 2026, 2);
    for (int round = 0; round < ROUNDS; round++) {
        struct trace_request q,
            want = {.arrival_ns = (int64_t)(any_id(&rng) % (TIME_NEVER / NS_PER_MS)) * NS_PER_MS,
                    .isl_tok = (uint32_t)(1 + any_id(&rng) % INT32_MAX),
                    .osl_tok = (uint32_t)(any_id(&rng) % INT32_MAX),
                    .priority = (uint32_t)(any_id(&rng) % INT32_MAX)};
        expected.n = (uint32_t)pcg64_below(&rng, round % 100 == 99 ? N_IDS + 1 : 12);
        for (uint32_t i = 0; i < expected.n; i++)
            written[i] = any_id(&rng);
        char *line = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&line, &length);
        print_line(out, &want, &expected, &rng);
        fclose(out);
        cr_assert_eq(parse(line, length, &q, &ids), ST_OK, "%s\n%s", d.text, line);
        cr_assert_eq(q.arrival_ns, want.arrival_ns, "%s", line);
        cr_assert_eq(q.isl_tok, want.isl_tok, "%s", line);
        cr_assert_eq(q.osl_tok, want.osl_tok, "%s", line);
        cr_assert_eq(q.priority, want.priority, "%s", line);
        cr_assert_eq(ids.n, expected.n, "%s", line);
        if (ids.n)
            cr_assert_eq(memcmp(ids.id, written, ids.n * sizeof *written), 0, "%s", line);
        free(line);
    }
    free(ids.id);
}

/* The shortest list of so many ids there can be, at the end of its line. */
Test(mooncake, ids_of_one_digit_fill_the_room_for_them)
{
    struct trace_request q;
    struct trace_ids ids = {0};
    for (uint32_t n = 1; n < 700; n++) {
        char *line = malloc(2 * (size_t)n + 100), *p = line;
        p += sprintf(p, "{\"timestamp\":1,\"input_length\":2,\"output_length\":3,\"hash_ids\":[");
        for (uint32_t i = 0; i < n; i++)
            p += sprintf(p, "%" PRIu32 "%s", i % 10, i + 1 < n ? "," : "]}");
        free(ids.id); /* so that each line has just the room it asks for */
        ids = (struct trace_ids){0};
        cr_assert_eq(parse(line, (size_t)(p - line), &q, &ids), ST_OK, "%s", d.text);
        cr_assert_eq(ids.n, n);
        cr_assert_leq(ids.n, ids.capacity);
        for (uint32_t i = 0; i < n; i++)
            cr_assert_eq(ids.id[i], i % 10);
        free(line);
    }
    free(ids.id);
}

Test(mooncake, wrong_values_are_quoted)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"timestamp\":-5" REST, "'timestamp' must be a number of milliseconds from 0 to "
                                   "2305843009213, not '-5'"},
        {"{\"timestamp\":\"5\"" REST, "'timestamp' must be a number of milliseconds from 0 to "
                                      "2305843009213, not '\"5\"'"},
        {"{\"timestamp\":2305843009213.693951" REST,
         "'timestamp' must be a number of milliseconds from 0 to 2305843009213, not "
         "'2305843009213.693951'"},
        {"{\"timestamp\":1,\"input_length\":0,\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '0'"},
        {"{\"timestamp\":1,\"input_length\":5.0,\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '5.0'"},
        {"{\"timestamp\":1,\"input_length\":12k,\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '12k'"},
        {"{\"timestamp\":1,\"input_length\":007,\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '007'"},
        {"{\"timestamp\":1,\"input_length\":[1, 2],\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '[1, 2]'"},
        {"{\"timestamp\":1,\"input_length\":18446744073709551617,\"output_length\":1}",
         "'input_length' must be an integer from 1 to 2147483647, not '18446744073709551617'"},
        {"{\"timestamp\":1,\"input_length\":1,\"output_length\":2147483648}",
         "'output_length' must be an integer from 0 to 2147483647, not '2147483648'"},
        {"{\"timestamp\":1,\"input_length\":1,\"output_length\":null}",
         "'output_length' must be an integer from 0 to 2147483647, not 'null'"},
        {"{\"timestamp\":1,\"hash_ids\":7" REST,
         "'hash_ids' must be an array of integers, not '7'"},
        {"{\"timestamp\":1,\"hash_ids\":[1,-2]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not '-2'"},
        {"{\"timestamp\":1,\"hash_ids\":[1,2.5]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not '2.5'"},
        {"{\"timestamp\":1,\"hash_ids\":[18446744073709551616]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not "
         "'18446744073709551616'"},
        {"{\"timestamp\":1,\"hash_ids\":[12345678901234567x, 1]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not "
         "'12345678901234567x'"},
        {"{\"timestamp\":1,\"hash_ids\":[1234567x, 1]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not '1234567x'"},
        {"{\"timestamp\":1,\"hash_ids\":[12345678.5, 1]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not '12345678.5'"},
        {"{\"timestamp\":1,\"hash_ids\":[1234, 0123456, 1]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not '0123456'"},
        {"{\"timestamp\":1,\"hash_ids\":[1234, , 1234567]" REST,
         "'hash_ids' must hold integers from 0 to 18446744073709551615, not ''"},
        {"{\"timestamp\":2305843009214" REST,
         "'timestamp' must be a number of milliseconds from 0 to 2305843009213, not "
         "'2305843009214'"},
        {"{\"timestamp\":1,\"timestamp\":2" REST, "'timestamp' is there twice"},
        {"{\"timestamp\":1,\"time\\u0073tamp\":2" REST, "'timestamp' is there twice"},
        {"{}", "'timestamp' is missing"},
        {"{\"timestamp\":1,\"input_length\":1}", "'output_length' is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[300];
        snprintf(message, sizeof message, "a.jsonl:7: %s", cases[i].message);
        check_message(cases[i].line, message);
    }
}

Test(mooncake, broken_json_is_shown_by_its_column)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"12", "1: not valid JSON: expected '{', found '1'"},
        {"[1]", "1: not valid JSON: expected '{', found '['"},
        {"{", "2: not valid JSON: expected a string, found the end of the line"},
        {"{a:1}", "2: not valid JSON: expected a string, found 'a'"},
        {"{\"a\" 1}", "6: not valid JSON: expected ':', found '1'"},
        {"{\"timestamp\":", "14: not valid JSON: expected a value, found the end of the line"},
        {"{\"a\":nul}", "6: not valid JSON: expected a value, found 'n'"},
        {"{\"a\":1]", "7: not valid JSON: expected ',' or '}', found ']'"},
        {"{\"a\":[1}", "8: not valid JSON: expected ',' or ']', found '}'"},
        {"{\"a\":{\"b\":1]}", "12: not valid JSON: expected ',' or '}', found ']'"},
        {"{\"a\":1,}", "8: not valid JSON: expected a string, found '}'"},
        {"{\"a\":01}", "6: not valid JSON: expected no leading zero, found '0'"},
        {"{\"a\":1.}", "8: not valid JSON: expected a digit, found '}'"},
        {"{\"a\":\"\\x\"}", "7: not valid JSON: expected an escape that JSON has, found '\\'"},
        {"{\"a\":\"\\u12\"}",
         "7: not valid JSON: expected four hexadecimal digits after \\u, found '\\'"},
        {"{\"a\":\"\\uD800\"}", "7: not valid JSON: expected a whole surrogate pair, found '\\'"},
        {"{\"a\":\"\\uDC00\"}", "7: not valid JSON: expected a whole surrogate pair, found '\\'"},
        {"{\"a\":\"\t\"}",
         "7: not valid JSON: expected no control character in a string, found '?'"},
        {"{\"a\":\"b", "8: not valid JSON: expected '\"', found the end of the line"},
        {"{\"hash_ids\":[1,", "16: not valid JSON: expected an integer, found the end of the line"},
        {"{\"hash_ids\":[1234567, 12345678",
         "31: not valid JSON: expected ',' or ']', found the end of the line"},
        {"{\"hash_ids\":[1 2]", "16: not valid JSON: expected ',' or ']', found '2'"},
        {"{\"timestamp\":1" REST " x",
         "52: not valid JSON: expected the end of the line, found 'x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[300];
        snprintf(message, sizeof message, "a.jsonl:7:%s", cases[i].message);
        check_message(cases[i].line, message);
    }
}

Test(mooncake, nesting_has_the_limit_of_cjson)
{
    enum { LIMIT = JSON_NESTING_MAX - 1 }; /* the line's own object is one */
    char line[3 * JSON_NESTING_MAX];
    for (int depth = LIMIT; depth <= LIMIT + 1; depth++) {
        int n = sprintf(line, "{\"a\":");
        memset(line + n, '[', (size_t)depth);
        memset(line + n + depth, ']', (size_t)depth);
        n += 2 * depth;
        n += sprintf(line + n, ",\"timestamp\":1" REST);
        cJSON *json = oracle(line, (size_t)n);
        cr_assert_eq(json != NULL, depth == LIMIT);
        cJSON_Delete(json);
        if (depth == LIMIT)
            check_ok(line);
        else
            check_message(line, "a.jsonl:7:1005: not valid JSON: expected no deeper nesting, found "
                                "'['");
    }
}

Test(mooncake, numbers_of_any_length_are_read)
{
    check_ok(
        "{\"timestamp\":1.0000000000000000000000000000000000000000000000000000000000000000000000"
        "00,\"x\":3.14159265358979323846264338327950288419716939937510582097494459230781640628"
        "6" REST);
}
