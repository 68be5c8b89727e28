/* Azure LLM inference traces (2023 and 2024): CSV with the header below. The time of day may have
 * up to nine decimals and, as in the files of 2024, the suffix of UTC; no other zone, since local
 * times that jump would not be arrivals. */
#include <string.h>

#include "traces/trace.h"
#include "util/text.h"
#include "util/units.h"

static const char HEADER[] = "TIMESTAMP,ContextTokens,GeneratedTokens";

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

/* Nanoseconds since 1970; false when [p, end) is not a time. The '\n' behind the line stops every
 * step. */
static bool parse_time(const char *p, const char *end, int64_t *ns)
{
    int year, month, day, hour, minute, second;
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
    if (!take(&p, 'Z') && end - p == 6 && memcmp(p, "+00:00", 6) == 0)
        p = end;
    *ns =
        (((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * NS_PER_S +
        fraction_ns;
    return p == end;
}

static enum status parse_tokens(const char *s, size_t n, const char *name, uint64_t min,
                                struct source_pos at, uint32_t *tokens, struct diag *d)
{
    uint64_t value;
    if (text_uint64(s, n, &value) == TEXT_OK && value >= min && value <= TRACE_TOK_MAX) {
        *tokens = (uint32_t)value;
        return ST_OK;
    }
    char found[TEXT_EXCERPT_SIZE];
    return diag_fail_at(d, ST_INPUT, at, "'%s' must be an integer from %d to %d, not '%s'", name,
                        (int)min, TRACE_TOK_MAX, text_excerpt(found, s, n));
}

static enum status azure_parse(const char *line, size_t length, struct source_pos at,
                               struct trace_request *request, struct trace_ids *ids, struct diag *d)
{
    (void)ids;
    const char *column[4] = {line}, *end = line + length;
    int n = 1;
    for (const char *p = line; p < end; p++)
        if (*p == ',' && ++n <= 3)
            column[n - 1] = p + 1;
    if (n != 3)
        return diag_fail_at(d, ST_INPUT, at, "expected 3 columns (%s), found %d", HEADER, n);
    column[3] = end + 1;
    if (!parse_time(line, column[1] - 1, &request->arrival_ns)) {
        char found[TEXT_EXCERPT_SIZE];
        return diag_fail_at(d, ST_INPUT, at,
                            "'TIMESTAMP' must be a time like 2023-11-16 18:17:03.9799600, not '%s'",
                            text_excerpt(found, line, (size_t)(column[1] - 1 - line)));
    }
    enum status s = parse_tokens(column[1], (size_t)(column[2] - 1 - column[1]), "ContextTokens",
                                 TRACE_ISL_MIN, at, &request->isl_tok, d);
    if (s == ST_OK)
        s = parse_tokens(column[2], (size_t)(column[3] - 1 - column[2]), "GeneratedTokens",
                         TRACE_OSL_MIN, at, &request->osl_tok, d);
    return s;
}

static enum status azure_header(const char *line, size_t length, struct source_pos at, bool *used,
                                struct diag *d)
{
    *used = length == sizeof HEADER - 1 && memcmp(line, HEADER, length) == 0;
    if (*used)
        return ST_OK;
    char found[TEXT_EXCERPT_SIZE];
    return diag_fail_at(d, ST_INPUT, at, "the first line must be the header '%s', not '%s'", HEADER,
                        text_excerpt(found, line, length));
}

static bool azure_recognises(const char *line, size_t length)
{
    return length >= 9 && memcmp(line, HEADER, 9) == 0;
}

const struct trace_format_ops trace_azure = {
    .name = "azure",
    .summary = "CSV with the header TIMESTAMP,ContextTokens,GeneratedTokens",
    .recognises = azure_recognises,
    .header = azure_header,
    .parse = azure_parse,
};
