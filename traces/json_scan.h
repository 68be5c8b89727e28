/* Strict JSON (RFC 8259) scanned in place, for one line that ends in '\n' (line_reader's lines do).
 *
 * It accepts what cJSON 1.7.15 accepts, down to its nesting limit, but is stricter in these:
 *   - numbers as in RFC 8259: no leading zeros (`01`), no bare point (`1.`, `-.5`);
 *   - four hexadecimal digits after `\u` (cJSON reads anything else as U+0000);
 *   - no control characters inside strings;
 *   - only space, tab and CR between tokens (cJSON passes over any control character);
 *   - a byte order mark only at the start of the file (line_reader), not of every line.
 * In one thing it is laxer: cJSON refuses numbers of more than 63 characters. Like cJSON it does
 * not check that strings are valid UTF-8. */
#ifndef TRACES_JSON_SCAN_H
#define TRACES_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_NESTING_MAX = 1000 };

/* Where scanning stopped, and what should have been there. */
struct json_error {
    const char *at, *expected;
};

static inline const char *json_skip_space(const char *p)
{
    if (*p == ' ') /* one space, or none, is usual */
        p++;
    if ((unsigned char)*p > ' ')
        return p;
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* All take `p` at the start of the thing and return the byte after it, or NULL with *e filled. */
const char *json_string_end(const char *p, struct json_error *e);
const char *json_number_end(const char *p, struct json_error *e);
/* Any value. `depth`: how many arrays and objects are open around it. */
const char *json_value_end(const char *p, int depth, struct json_error *e);

/* Is the string from its opening quote at `p` up to `end` (as json_string_end returned it) this
 * ASCII word, once its escapes are decoded? */
bool json_string_is(const char *p, const char *end, const char *word);

#endif
