/* Mooncake JSONL: one object a line with `timestamp` [ms], `input_length`, `output_length` [tokens]
 * and, optionally, `hash_ids` (one id per block of the prompt) and `priority` (0, the default, is
 * served first). Keys in any order; other keys are passed over, whatever their value. Stricter than
 * JSON asks for: none of these keys twice, no minus sign in front of their values (`-0`), and the
 * lengths and ids written as plain integers
 * (`5.0` and `5e3` are fine for `timestamp` only). */
#include <inttypes.h>
#include <string.h>

#include "traces/json_scan.h"
#include "traces/trace.h"
#include "util/text.h"
#include "util/units.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");

enum field { TIMESTAMP, INPUT_LENGTH, OUTPUT_LENGTH, HASH_IDS, PRIORITY, N_FIELDS };

static const char *const field_names[N_FIELDS] = {"timestamp", "input_length", "output_length",
                                                  "hash_ids", "priority"};

/* One line on its way into a request. */
struct scan {
    const char *line, *end;
    struct source_pos at;
    struct trace_request *request;
    struct trace_ids *ids;
    struct diag *d;
    unsigned seen; /* bit per field */
};

static const char *not_json(const struct scan *scan, const struct json_error *e)
{
    struct source_pos at = scan->at;
    char found[TEXT_EXCERPT_SIZE];
    at.column = (unsigned long)(e->at - scan->line) + 1;
    if (e->at == scan->end)
        diag_fail_at(scan->d, ST_INPUT, at,
                     "not valid JSON: expected %s, found the end of the line", e->expected);
    else
        diag_fail_at(scan->d, ST_INPUT, at, "not valid JSON: expected %s, found '%s'", e->expected,
                     text_excerpt(found, e->at, 1));
    return NULL;
}

static const char *expected(const struct scan *scan, const char *p, const char *what)
{
    return not_json(scan, &(struct json_error){p, what});
}

/* The value at `p` for a message: all of it when it is one, else up to the next separator. */
static const char *value_excerpt(char *out, const char *p)
{
    struct json_error e;
    const char *stop = json_value_end(p, 1, &e);
    if (!stop || !strchr(",]} \t\r\n", *stop))
        for (stop = p; !strchr(",]} \t\r\n", *stop);)
            stop++;
    return text_excerpt(out, p, (size_t)(stop - p));
}

static inline bool ends_number(char c)
{
    return c == ',' || c == ']' || c == '}' || (unsigned char)c <= ' ';
}

/* Digits into *value, no sign, no leading zero, less than 2^64; NULL when it is anything else. */
static const char *any_integer_end(const char *p, uint64_t *value)
{
    const char *start = p;
    uint64_t v = 0;
    for (; text_is_digit(*p); p++)
        v = v * 10 + (uint64_t)(*p - '0');
    if (p == start || (*start == '0' && p - start > 1))
        return NULL;
    if (p - start > 19 && text_uint64(start, (size_t)(p - start), &v) != TEXT_OK)
        return NULL;
    *value = v;
    return ends_number(*p) ? p : NULL;
}

/* The same, with up to eight digits taken all at once: how often a loop over the digits of an id
 * goes round cannot be predicted. What is longer, 0, wrong or near the end of the line is for the
 * loop. */
static inline const char *integer_end(const char *p, const char *end, uint64_t *value)
{
    if (end - p < 8 || *p < '1' || *p > '9')
        return any_integer_end(p, value);
    uint64_t v;
    memcpy(&v, p, sizeof v);
    v ^= UINT64_C(0x3030303030303030);
    uint64_t others = ((v + UINT64_C(0x7676767676767676)) | v) & UINT64_C(0x8080808080808080);
    int n_bits = others ? __builtin_ctzll(others) & ~7 : 64; /* of the digits */
    if (!ends_number(p[n_bits / 8]))
        return any_integer_end(p, value);
    v <<= 64 - n_bits;     /* as eight digits with zeros in front, the first one lowest */
    v = v * 10 + (v >> 8); /* pairs of digits, in every other byte */
    *value = ((v & UINT64_C(0xFF000000FF)) * (100 + (UINT64_C(1000000) << 32)) +
              (v >> 16 & UINT64_C(0xFF000000FF)) * (1 + (UINT64_C(10000) << 32))) >>
             32;
    return p + n_bits / 8;
}

static const char *scan_length(struct scan *scan, const char *p, enum field field, uint64_t min,
                               uint32_t *tokens)
{
    uint64_t value;
    const char *stop = integer_end(p, scan->end, &value);
    if (!stop || value < min || value > TRACE_TOK_MAX) {
        char found[TEXT_EXCERPT_SIZE];
        diag_fail_at(scan->d, ST_INPUT, scan->at,
                     "'%s' must be an integer from %" PRIu64 " to %d, not '%s'", field_names[field],
                     min, TRACE_TOK_MAX, value_excerpt(found, p));
        return NULL;
    }
    *tokens = (uint32_t)value;
    return stop;
}

static const char *scan_timestamp(struct scan *scan, const char *p)
{
    struct json_error e;
    int64_t ns = -1;
    uint64_t ms;
    const char *stop = integer_end(p, scan->end, &ms);
    /* Whole milliseconds, as in most traces, need no decimal arithmetic. */
    if (stop && ms < (uint64_t)(TIME_NEVER / NS_PER_MS)) {
        scan->request->arrival_ns = (int64_t)ms * NS_PER_MS;
        return stop;
    }
    stop = json_number_end(p, &e);
    if (stop && *p != '-' && text_fixed(p, (size_t)(stop - p), 6, &ns) != TEXT_OK)
        ns = -1;
    if (ns < 0 || ns >= TIME_NEVER) {
        char found[TEXT_EXCERPT_SIZE];
        diag_fail_at(scan->d, ST_INPUT, scan->at,
                     "'timestamp' must be a number of milliseconds from 0 to %" PRId64 ", not '%s'",
                     TIME_NEVER / NS_PER_MS, value_excerpt(found, p));
        return NULL;
    }
    scan->request->arrival_ns = ns;
    return stop;
}

static const char *wrong_ids(struct scan *scan, const char *p, const char *what)
{
    char found[TEXT_EXCERPT_SIZE];
    diag_fail_at(scan->d, ST_INPUT, scan->at, "%s, not '%s'", what, value_excerpt(found, p));
    return NULL;
}

/* Apart from the rest of the line, for the registers its loop needs. */
__attribute__((noinline)) static const char *scan_ids(struct scan *scan, const char *p)
{
    if (*p != '[')
        return wrong_ids(scan, p, "'hash_ids' must be an array of integers");
    p = json_skip_space(p + 1);
    if (*p == ']')
        return p + 1;
    /* An id and what separates it from the next are two bytes at least. */
    if (trace_ids_reserve(scan->ids, (size_t)(scan->end - p) / 2 + 1, scan->d) != ST_OK)
        return NULL;
    for (uint64_t *id = scan->ids->id;;) {
        const char *stop = integer_end(p, scan->end, id++);
        if (!stop && *p == '\n')
            return expected(scan, p, "an integer");
        if (!stop)
            return wrong_ids(scan, p,
                             "'hash_ids' must hold integers from 0 to 18446744073709551615");
        p = *stop == ',' ? stop : json_skip_space(stop);
        if (*p != ',') {
            scan->ids->n = (uint32_t)(id - scan->ids->id);
            return *p == ']' ? p + 1 : expected(scan, p, "',' or ']'");
        }
        p = json_skip_space(p + 1);
    }
}

static const char *scan_value(struct scan *scan, const char *p, enum field field)
{
    struct json_error e;
    switch (field) {
    case TIMESTAMP:
        return scan_timestamp(scan, p);
    case INPUT_LENGTH:
        return scan_length(scan, p, field, TRACE_ISL_MIN, &scan->request->isl_tok);
    case OUTPUT_LENGTH:
        return scan_length(scan, p, field, TRACE_OSL_MIN, &scan->request->osl_tok);
    case HASH_IDS:
        return scan_ids(scan, p);
    case PRIORITY:
        return scan_length(scan, p, field, 0, &scan->request->priority);
    case N_FIELDS:
        break;
    }
    p = json_value_end(p, 1, &e);
    return p ? p : not_json(scan, &e);
}

static inline enum field if_key(const char *p, const char *end, const char *key, enum field field)
{
    size_t n = strlen(key);
    return (size_t)(end - p) >= n && memcmp(p, key, n) == 0 ? field : N_FIELDS;
}

/* The field whose key is at `p` without escapes, which spares looking for the key's end first;
 * N_FIELDS for anything else. */
static inline enum field plain_field(const char *p, const char *end)
{
    switch (*p == '"' ? p[1] : '\n') {
    case 't':
        return if_key(p, end, "\"timestamp\"", TIMESTAMP);
    case 'i':
        return if_key(p, end, "\"input_length\"", INPUT_LENGTH);
    case 'o':
        return if_key(p, end, "\"output_length\"", OUTPUT_LENGTH);
    case 'h':
        return if_key(p, end, "\"hash_ids\"", HASH_IDS);
    case 'p':
        return if_key(p, end, "\"priority\"", PRIORITY);
    default:
        return N_FIELDS;
    }
}

/* Behind the key at `p`; *field = N_FIELDS when it is none of ours. */
static const char *scan_key(const struct scan *scan, const char *p, enum field *field)
{
    *field = plain_field(p, scan->end);
    if (*field != N_FIELDS)
        return p + strlen(field_names[*field]) + 2;
    struct json_error e;
    const char *end = json_string_end(p, &e);
    if (!end)
        return not_json(scan, &e);
    for (*field = 0; *field < N_FIELDS; ++*field)
        if (json_string_is(p, end, field_names[*field]))
            break;
    return end;
}

/* One `"key": value`, from its quote. */
static const char *scan_pair(struct scan *scan, const char *p)
{
    enum field field;
    p = scan_key(scan, p, &field);
    if (!p)
        return NULL;
    p = json_skip_space(p);
    if (*p != ':')
        return expected(scan, p, "':'");
    if (field != N_FIELDS) {
        if (scan->seen & 1u << field) {
            diag_fail_at(scan->d, ST_INPUT, scan->at, "'%s' is there twice", field_names[field]);
            return NULL;
        }
        scan->seen |= 1u << field;
    }
    p = json_skip_space(p + 1);
    return *p == '\n' ? expected(scan, p, "a value") : scan_value(scan, p, field);
}

static const char *scan_object(struct scan *scan)
{
    const char *p = json_skip_space(scan->line);
    if (*p != '{')
        return expected(scan, p, "'{'");
    p = json_skip_space(p + 1);
    if (*p == '}')
        return p + 1;
    for (;;) {
        p = scan_pair(scan, p);
        if (!p)
            return NULL;
        p = json_skip_space(p);
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return expected(scan, p, "',' or '}'");
        p = json_skip_space(p + 1);
    }
}

static enum status mooncake_parse(const char *line, size_t length, struct source_pos at,
                                  const struct trace_columns *columns,
                                  struct trace_request *request, struct trace_ids *ids,
                                  struct diag *d)
{
    (void)columns;
    struct scan scan = {
        .line = line, .end = line + length, .at = at, .request = request, .ids = ids, .d = d};

    const char *p = scan_object(&scan);
    if (!p)
        return d->status;
    p = json_skip_space(p);
    if (p != scan.end) {
        expected(&scan, p, "the end of the line");
        return d->status;
    }
    for (enum field field = 0; field < HASH_IDS; field++)
        if (!(scan.seen & 1u << field))
            return diag_fail_at(d, ST_INPUT, at, "'%s' is missing", field_names[field]);
    return ST_OK;
}

static bool mooncake_recognises(const char *line, size_t length)
{
    (void)length;
    return *json_skip_space(line) == '{';
}

const struct trace_format_ops trace_mooncake = {
    .name = "mooncake",
    .summary = "JSONL with timestamp [ms], input_length, output_length and, if known, hash_ids",
    .recognises = mooncake_recognises,
    .parse = mooncake_parse,
};
