#include "util/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_digits(const char *s, const char *end)
{
    while (s < end && text_is_digit(*s))
        s++;
    return s;
}

static enum text_result magnitude(const char *s, const char *end, uint64_t *value)
{
    if (s == end || skip_digits(s, end) != end)
        return TEXT_NOT_A_NUMBER;
    uint64_t v = 0;
    for (; s < end; s++) {
        unsigned digit = (unsigned)(*s - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return TEXT_OUT_OF_RANGE;
        v = v * 10 + digit;
    }
    *value = v;
    return TEXT_OK;
}

static bool take_sign(const char **s, const char *end)
{
    if (*s == end || (**s != '-' && **s != '+'))
        return false;
    return *(*s)++ == '-';
}

enum text_result text_uint64(const char *s, size_t n, uint64_t *value)
{
    const char *end = s + n;
    uint64_t v = 0;
    bool negative = take_sign(&s, end);
    enum text_result result = magnitude(s, end, &v);
    if (result == TEXT_OK && negative && v)
        result = TEXT_OUT_OF_RANGE;
    if (result == TEXT_OK)
        *value = v;
    return result;
}

enum text_result text_int64(const char *s, size_t n, int64_t *value)
{
    const char *end = s + n;
    uint64_t v = 0;
    bool negative = take_sign(&s, end);
    enum text_result result = magnitude(s, end, &v);
    if (result != TEXT_OK)
        return result;
    if (v > (uint64_t)INT64_MAX + negative)
        return TEXT_OUT_OF_RANGE;
    *value = negative ? (int64_t)(0 - v) : (int64_t)v;
    return TEXT_OK;
}

/* A decimal number taken apart: sign, digits before and after the point, power of ten. */
struct decimal {
    const char *whole, *fraction;
    size_t n_whole, n_fraction;
    int64_t exponent; /* held within +-EXPONENT_CAP, beyond any use */
    bool negative;
};

enum { EXPONENT_CAP = 1000000000 };

static bool decimal_split(struct decimal *x, const char *s, size_t n)
{
    const char *end = s + n, *p;
    *x = (struct decimal){.negative = take_sign(&s, end)};
    x->whole = s;
    p = skip_digits(s, end);
    x->n_whole = (size_t)(p - s);
    if (p < end && *p == '.') {
        x->fraction = ++p;
        p = skip_digits(p, end);
        x->n_fraction = (size_t)(p - x->fraction);
    }
    if (x->n_whole + x->n_fraction == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool negative = take_sign(&p, end);
        if (p == end || !text_is_digit(*p))
            return false;
        for (; p < end && text_is_digit(*p); p++)
            if (x->exponent < EXPONENT_CAP)
                x->exponent = x->exponent * 10 + (*p - '0');
        if (negative)
            x->exponent = -x->exponent;
    }
    return p == end;
}

enum text_result text_double(const char *s, size_t n, double *value)
{
    struct decimal x;
    char copy[TEXT_DOUBLE_MAX + 1];
    if (!decimal_split(&x, s, n))
        return TEXT_NOT_A_NUMBER;
    if (n > TEXT_DOUBLE_MAX)
        return TEXT_OUT_OF_RANGE;
    memcpy(copy, s, n);
    copy[n] = '\0';
    double v = strtod(copy, NULL);
    if (!isfinite(v))
        return TEXT_OUT_OF_RANGE;
    *value = v;
    return TEXT_OK;
}

static bool append_digit(uint64_t *v, unsigned digit)
{
    if (*v > ((uint64_t)INT64_MAX - digit) / 10)
        return false;
    *v = *v * 10 + digit;
    return true;
}

enum text_result text_fixed(const char *s, size_t n, int decimals, int64_t *value)
{
    struct decimal x;
    if (!decimal_split(&x, s, n))
        return TEXT_NOT_A_NUMBER;
    uint64_t v = 0;
    size_t n_digits = x.n_whole + x.n_fraction;
    /* Power of ten that the next digit counts for in the result. */
    int64_t power = (int64_t)x.n_whole - 1 + x.exponent + decimals;
    for (size_t i = 0; i < n_digits && power >= -1; i++, power--) {
        char c = i < x.n_whole ? x.whole[i] : x.fraction[i - x.n_whole];
        unsigned digit = (unsigned)(c - '0');
        if (power == -1)
            v += digit >= 5;
        else if (!append_digit(&v, digit))
            return TEXT_OUT_OF_RANGE;
    }
    for (; v && power >= 0; power--)
        if (!append_digit(&v, 0))
            return TEXT_OUT_OF_RANGE;
    if (v > (uint64_t)INT64_MAX)
        return TEXT_OUT_OF_RANGE;
    *value = x.negative ? -(int64_t)v : (int64_t)v;
    return TEXT_OK;
}

const char *text_excerpt(char out[TEXT_EXCERPT_SIZE], const char *s, size_t n)
{
    const size_t room = TEXT_EXCERPT_SIZE - sizeof "...";
    size_t used = n <= room ? n : room;
    if (n > room) /* not in the middle of a UTF-8 sequence */
        while (used > 0 && ((unsigned char)s[used] & 0xC0) == 0x80)
            used--;
    for (size_t i = 0; i < used; i++)
        out[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7F ? '?' : s[i];
    memcpy(out + used, n > room ? "..." : "", n > room ? sizeof "..." : 1);
    return out;
}

size_t text_line(const char *text, size_t width)
{
    size_t n = 0, blank = 0;

    for (size_t characters = 0; text[n]; n++) {
        bool starts = ((unsigned char)text[n] & 0xC0) != 0x80;
        if (text[n] == ' ')
            blank = n;
        if (starts && characters++ == width)
            return blank ? blank : n;
    }
    return n;
}

const char *text_grouped(char out[TEXT_FIGURE_SIZE], uint64_t v)
{
    char digits[TEXT_FIGURE_SIZE];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    char *to = out;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

static const char *number(char out[TEXT_FIGURE_SIZE], bool sign, int digits, double value)
{
    bool whole = fabs(value) >= pow(10, digits) && fabs(value) < 1e9;

    snprintf(out, TEXT_FIGURE_SIZE, sign ? "%+.*g" : "%.*g", whole ? 10 : digits,
             whole ? round(value) : value);
    if (value == 0)
        snprintf(out, TEXT_FIGURE_SIZE, "0"); /* without a sign */
    return out;
}

const char *text_number(char out[TEXT_FIGURE_SIZE], int digits, double value)
{
    return number(out, false, digits, value);
}

const char *text_change(char out[TEXT_FIGURE_SIZE], int digits, double value)
{
    return number(out, true, digits, value);
}

const char *text_duration(char out[TEXT_FIGURE_SIZE], double seconds)
{
    uint64_t s = (uint64_t)seconds;

    if (seconds < 60)
        snprintf(out, TEXT_FIGURE_SIZE, "%.1f s", seconds);
    else if (s < 3600)
        snprintf(out, TEXT_FIGURE_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
    else if (s < UINT64_C(48) * 3600)
        snprintf(out, TEXT_FIGURE_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
    else
        snprintf(out, TEXT_FIGURE_SIZE, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
    return out;
}
