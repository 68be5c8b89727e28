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

static uint32_t code_of(const char *s, size_t n)
{
    uint32_t code = (unsigned char)*s & (n == 1 ? 0x7fU : 0xffU >> (n + 1));

    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)s[i] & 0x3fU);
    return code;
}

size_t text_character(const char *s)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    size_t n = 0;

    while (n < 4 && ((unsigned char)*s & forms[n].mask) != forms[n].lead)
        n++;
    if (n == 4)
        return 0;
    for (size_t i = 1; i <= n; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
    uint32_t c = code_of(s, n + 1);
    /* Overlong, a half of a pair of UTF-16, beyond the last, or not a character. */
    bool valid = c >= forms[n].least && !(c >= 0xd800 && c < 0xe000) && c <= 0x10ffff &&
                 c != 0xfffe && c != 0xffff;
    return valid ? n + 1 : 0;
}

static bool is_shown(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},  {0x200e, 0x200f},
                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};

    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i].from && c <= hidden[i].to)
            return false;
    return true;
}

const char *text_escape(char out[TEXT_ESCAPE_SIZE], const char *s, size_t n)
{
    uint32_t c = n ? code_of(s, n) : (unsigned char)*s;

    if (n && is_shown(c))
        return NULL;
    if (n)
        snprintf(out, TEXT_ESCAPE_SIZE, "\\u%04x", (unsigned)c & 0xffff);
    else
        snprintf(out, TEXT_ESCAPE_SIZE, "\\x%02x", (unsigned)c & 0xff);
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
