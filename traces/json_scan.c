#include "traces/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "util/text.h"

static const char *fail(struct json_error *e, const char *at, const char *expected)
{
    *e = (struct json_error){at, expected};
    return NULL;
}

/* Value of four hexadecimal digits, -1 when they are not. */
static int32_t hex4(const char *p)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int digit;
        if (text_is_digit(p[i]))
            digit = p[i] - '0';
        else if (p[i] >= 'a' && p[i] <= 'f')
            digit = p[i] - 'a' + 10;
        else if (p[i] >= 'A' && p[i] <= 'F')
            digit = p[i] - 'A' + 10;
        else
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* `p` is at the backslash. */
static const char *escape_end(const char *p, struct json_error *e)
{
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        break;
    default:
        return fail(e, p, "an escape that JSON has");
    }
    int32_t unit = hex4(p + 2);
    if (unit < 0)
        return fail(e, p, "four hexadecimal digits after \\u");
    if (unit < 0xD800 || unit > 0xDFFF)
        return p + 6;
    int32_t low = unit < 0xDC00 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(e, p, "a whole surrogate pair");
    return p + 12;
}

const char *json_string_end(const char *p, struct json_error *e)
{
    if (*p != '"')
        return fail(e, p, "a string");
    for (p++;;) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            p = escape_end(p, e);
            if (!p)
                return NULL;
        } else if ((unsigned char)*p < 0x20) {
            return fail(e, p, *p == '\n' ? "'\"'" : "no control character in a string");
        } else {
            p++;
        }
    }
}

const char *json_number_end(const char *p, struct json_error *e)
{
    if (*p == '-')
        p++;
    if (!text_is_digit(*p))
        return fail(e, p, "a digit");
    if (*p == '0' && text_is_digit(p[1]))
        return fail(e, p, "no leading zero");
    while (text_is_digit(*p))
        p++;
    if (*p == '.') {
        if (!text_is_digit(*++p))
            return fail(e, p, "a digit");
        while (text_is_digit(*p))
            p++;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        if (!text_is_digit(*p))
            return fail(e, p, "a digit");
        while (text_is_digit(*p))
            p++;
    }
    return p;
}

static const char *word_end(const char *p, const char *word, struct json_error *e)
{
    for (const char *start = p; *word; word++, p++)
        if (*p != *word)
            return fail(e, start, "a value");
    return p;
}

static const char *scalar_end(const char *p, struct json_error *e)
{
    switch (*p) {
    case '"':
        return json_string_end(p, e);
    case 't':
        return word_end(p, "true", e);
    case 'f':
        return word_end(p, "false", e);
    case 'n':
        return word_end(p, "null", e);
    default:
        return *p == '-' || text_is_digit(*p) ? json_number_end(p, e) : fail(e, p, "a value");
    }
}

/* From a key to the start of its value. */
static const char *key_end(const char *p, struct json_error *e)
{
    p = json_string_end(p, e);
    if (!p)
        return NULL;
    p = json_skip_space(p);
    return *p == ':' ? json_skip_space(p + 1) : fail(e, p, "':'");
}

const char *json_value_end(const char *p, int depth, struct json_error *e)
{
    bool is_object[JSON_NESTING_MAX]; /* of the arrays and objects opened here */
    int open = 0;
    for (;;) {
        /* At the start of a value. */
        if (*p == '[' || *p == '{') {
            if (depth + open >= JSON_NESTING_MAX)
                return fail(e, p, "no deeper nesting");
            bool object = *p == '{';
            is_object[open++] = object;
            p = json_skip_space(p + 1);
            if (*p != (object ? '}' : ']')) {
                if (object && !(p = key_end(p, e)))
                    return NULL;
                continue;
            }
            p++;
            open--;
        } else if (!(p = scalar_end(p, e))) {
            return NULL;
        }
        /* After a value: close what ends here, then go on to the next one. */
        for (;;) {
            if (open == 0)
                return p;
            p = json_skip_space(p);
            if (*p == ',')
                break;
            if (*p != (is_object[open - 1] ? '}' : ']'))
                return fail(e, p, is_object[open - 1] ? "',' or '}'" : "',' or ']'");
            p++;
            open--;
        }
        p = json_skip_space(p + 1);
        if (is_object[open - 1] && !(p = key_end(p, e)))
            return NULL;
    }
}

/* The character an escape stands for when it is ASCII, else -1. */
static int32_t escape_value(const char *p)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (p[1] == 'u')
        return hex4(p + 2);
    const char *found = memchr(names, p[1], sizeof names - 1);
    return found ? values[found - names] : -1;
}

bool json_string_is(const char *p, const char *end, const char *word)
{
    end--; /* the closing quote */
    for (p++; p < end && *word; word++) {
        int32_t c = *p == '\\' ? escape_value(p) : *p;
        if (c != *word)
            return false;
        p += *p != '\\' ? 1 : p[1] == 'u' ? 6 : 2;
    }
    return p == end && !*word;
}
