/* Azure LLM inference traces (2023 and 2024): CSV with a header. The columns are known by their
 * names, in any order and letters of any case, among others that are not read. The time of day may
 * have up to nine decimals and an offset from UTC (`Z`, `+02:00`); without one it is UTC, since
 * local times that jump would not be arrivals.
 */
#include <string.h>
#include <strings.h>

#include "traces/csv_scan.h"
#include "traces/trace.h"
#include "util/text.h"
#include "util/units.h"

enum field { TIMESTAMP, CONTEXT_TOKENS, GENERATED_TOKENS, N_FIELDS };

static const char *const field_names[N_FIELDS] = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"};

/* Days from 1970-01-01 in the proleptic Gregorian calendar; the year starts in March so that the
 * leap day is its last (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * days_from_civil). */
static int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, year_of_era = y % 400;
    int day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* `n` digits at *p, which moves behind them; -1 when they are not digits. */
static int digits(const char **p, int n)
{
    int v = 0;
    for (; n > 0; n--, (*p)++) {
        if (!text_is_digit(**p))
            return -1;
        v = v * 10 + (**p - '0');
    }
    return v;
}

static bool take(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* The offset from UTC at the end of a time, in minutes; false when there is something else. */
static bool parse_offset(const char *p, const char *end, int *minutes)
{
    *minutes = 0;
    if (p == end || (*p == 'Z' && p + 1 == end))
        return true;
    int sign = *p == '-' ? -1 : 1, hour, minute = 0;
    if (!take(&p, '+') && !take(&p, '-'))
        return false;
    if ((hour = digits(&p, 2)) < 0 || hour > 23)
        return false;
    if (p != end) {
        take(&p, ':');
        if ((minute = digits(&p, 2)) < 0 || minute > 59)
            return false;
    }
    *minutes = sign * (hour * 60 + minute);
    return p == end;
}

/* Nanoseconds since 1970; false when the text is not a time. What follows it, a comma, a quote or
 * the end of the line, stops every step. */
static bool parse_time(struct csv_field text, int64_t *ns)
{
    const char *p = text.from;
    int year, month, day, hour, minute, second, offset_minutes;
    if ((year = digits(&p, 4)) < 1970 || year > 2199 || !take(&p, '-') ||
        (month = digits(&p, 2)) < 1 || month > 12 || !take(&p, '-') || (day = digits(&p, 2)) < 1 ||
        day > days_in_month(year, month) || (!take(&p, ' ') && !take(&p, 'T')))
        return false;
    if ((hour = digits(&p, 2)) < 0 || hour > 23 || !take(&p, ':') || (minute = digits(&p, 2)) < 0 ||
        minute > 59 || !take(&p, ':') || (second = digits(&p, 2)) < 0 || second > 59)
        return false;
    int64_t fraction_ns = 0;
    if (take(&p, '.')) {
        int64_t weight = NS_PER_S;
        if (!text_is_digit(*p))
            return false;
        for (; text_is_digit(*p) && weight > 1; p++)
            fraction_ns += (*p - '0') * (weight /= 10);
    }
    if (!parse_offset(p, text.end, &offset_minutes))
        return false;
    int64_t minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute;
    *ns = ((minutes - offset_minutes) * 60 + second) * NS_PER_S + fraction_ns;
    return true;
}

static enum status parse_tokens(struct csv_field text, enum field field, uint64_t min,
                                struct source_pos at, uint32_t *tokens, struct diag *d)
{
    size_t length = (size_t)(text.end - text.from);
    uint64_t value;
    if (text_uint64(text.from, length, &value) == TEXT_OK && value >= min &&
        value <= TRACE_TOK_MAX) {
        *tokens = (uint32_t)value;
        return ST_OK;
    }
    char found[TEXT_EXCERPT_SIZE];
    return diag_fail_at(d, ST_INPUT, at, "'%s' must be an integer from %d to %d, not '%s'",
                        field_names[field], (int)min, TRACE_TOK_MAX,
                        text_excerpt(found, text.from, length));
}

static enum status open_quote(struct source_pos at, struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, at,
                        "a quoted field must end on its line, before a comma or the line's end");
}

static enum status azure_parse(const char *line, size_t length, struct source_pos at,
                               const struct trace_columns *columns, struct trace_request *request,
                               struct trace_ids *ids, struct diag *d)
{
    (void)ids;
    struct csv_field text[N_FIELDS + 1] = {{NULL, NULL}}; /* the last one for columns not read */
    const char *end = line + length;
    uint32_t n = 0;
    for (const char *p = line;; p++) {
        p = csv_field_end(p, end, &text[n < columns->n ? columns->field[n] : N_FIELDS]);
        if (!p)
            return open_quote(at, d);
        n++;
        if (p == end)
            break;
    }
    if (n != columns->n)
        return diag_fail_at(d, ST_INPUT, at, "expected %u columns, as in the header, found %u",
                            columns->n, n);
    if (!parse_time(text[TIMESTAMP], &request->arrival_ns)) {
        char found[TEXT_EXCERPT_SIZE];
        return diag_fail_at(d, ST_INPUT, at,
                            "'TIMESTAMP' must be a time like 2023-11-16 18:17:03.9799600, not '%s'",
                            text_excerpt(found, text[TIMESTAMP].from,
                                         (size_t)(text[TIMESTAMP].end - text[TIMESTAMP].from)));
    }
    enum status s =
        parse_tokens(text[CONTEXT_TOKENS], CONTEXT_TOKENS, TRACE_ISL_MIN, at, &request->isl_tok, d);
    if (s == ST_OK)
        s = parse_tokens(text[GENERATED_TOKENS], GENERATED_TOKENS, TRACE_OSL_MIN, at,
                         &request->osl_tok, d);
    return s;
}

/* N_FIELDS for a column that is not read. */
static enum field field_of(struct csv_field name)
{
    size_t length = (size_t)(name.end - name.from);
    for (int field = 0; field < N_FIELDS; field++)
        if (strlen(field_names[field]) == length &&
            strncasecmp(field_names[field], name.from, length) == 0)
            return (enum field)field;
    return N_FIELDS;
}

static enum status azure_header(const char *line, size_t length, struct source_pos at,
                                struct trace_columns *columns, struct diag *d)
{
    const char *end = line + length;
    bool seen[N_FIELDS + 1] = {false};
    columns->n = 0;
    for (const char *p = line;; p++) {
        struct csv_field name;
        p = csv_field_end(p, end, &name);
        if (!p)
            return open_quote(at, d);
        enum field field = field_of(name);
        if (columns->n == TRACE_COLUMNS_MAX)
            return diag_fail_at(d, ST_INPUT, at, "more than %d columns", TRACE_COLUMNS_MAX);
        if (seen[field] && field != N_FIELDS)
            return diag_fail_at(d, ST_INPUT, at, "the column '%s' is there twice",
                                field_names[field]);
        seen[field] = true;
        columns->field[columns->n++] = (uint8_t)field;
        if (p == end)
            break;
    }
    for (int field = 0; field < N_FIELDS; field++) {
        char found[TEXT_EXCERPT_SIZE];
        if (!seen[field])
            return diag_fail_at(
                d, ST_INPUT, at,
                "the header has no column '%s' (needed are TIMESTAMP, ContextTokens "
                "and GeneratedTokens, in any order): '%s'",
                field_names[field], text_excerpt(found, line, length));
    }
    return ST_OK;
}

/* A header with any of the columns, so that what is wrong with it is said by azure_header. */
static bool azure_recognises(const char *line, size_t length)
{
    const char *end = line + length;
    for (const char *p = line;; p++) {
        struct csv_field name;
        p = csv_field_end(p, end, &name);
        if (!p)
            return false;
        if (field_of(name) != N_FIELDS)
            return true;
        if (p == end)
            return false;
    }
}

const struct trace_format_ops trace_azure = {
    .name = "azure",
    .summary = "CSV with columns TIMESTAMP, ContextTokens and GeneratedTokens",
    .recognises = azure_recognises,
    .header = azure_header,
    .parse = azure_parse,
};
