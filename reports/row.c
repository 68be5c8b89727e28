#include "reports/row.h"

#include <math.h>
#include <string.h>

#include "util/bug.h"
#include "util/json_out.h"

static const char two_digits[] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

void row_text(struct row *r, const char *s, size_t n)
{
    BUG_IF(n > ROW_SIZE - r->n);
    memcpy(r->text + r->n, s, n);
    r->n += n;
}

static void row_uint(struct row *r, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    for (; v >= 100; v /= 100)
        memcpy(digits + (at -= 2), two_digits + v % 100 * 2, 2);
    if (v >= 10)
        memcpy(digits + (at -= 2), two_digits + v * 2, 2);
    else
        digits[--at] = (char)('0' + v);
    row_text(r, digits + at, sizeof digits - at);
}

/* The absolute value; also of INT64_MIN, which has none of its own type. */
static uint64_t row_sign(struct row *r, int64_t v)
{
    if (v >= 0)
        return (uint64_t)v;
    ROW_LITERAL(r, "-");
    return ~(uint64_t)v + 1;
}

void row_int(struct row *r, int64_t v)
{
    row_uint(r, row_sign(r, v));
}

void row_millionths(struct row *r, int64_t v)
{
    uint64_t u = row_sign(r, v);
    unsigned fraction = (unsigned)(u % 1000000);
    char digits[7] = {'.'};
    size_t n = sizeof digits;

    row_uint(r, u / 1000000);
    if (fraction == 0)
        return;
    memcpy(digits + 1, two_digits + (size_t)2 * (fraction / 10000), 2);
    memcpy(digits + 3, two_digits + (size_t)2 * (fraction / 100 % 100), 2);
    memcpy(digits + 5, two_digits + (size_t)2 * (fraction % 100), 2);
    while (digits[n - 1] == '0')
        n--;
    row_text(r, digits, n);
}

void row_ms(struct row *r, int64_t ns)
{
    if (ns >= 0)
        row_millionths(r, ns);
}

void row_us(struct row *r, int64_t ns)
{
    BUG_IF(ns < 0);
    const char *low = two_digits + (size_t)2 * (size_t)(ns % 100);
    const char digits[] = {'.', (char)('0' + ns % 1000 / 100), low[0], low[1]};
    size_t n = sizeof digits;

    row_uint(r, (uint64_t)ns / 1000);
    if (ns % 1000 == 0)
        return;
    while (digits[n - 1] == '0')
        n--;
    row_text(r, digits, n);
}

/* Those of more than that are written in full. */
static const double max_rounded = 9e9;

double row_double_rounded(double v)
{
    if (!isfinite(v))
        return NAN;
    return fabs(v) < max_rounded ? (double)llrint(v * 1e6) / 1e6 : v;
}

void row_double(struct row *r, double v)
{
    if (!isfinite(v))
        return;
    if (fabs(v) < max_rounded) {
        row_millionths(r, llrint(v * 1e6));
        return;
    }
    char text[JSON_NUMBER_SIZE];
    int n = json_format_double(text, v);
    row_text(r, text, (size_t)n);
}
