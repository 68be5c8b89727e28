/* JSON written with numbers that read back equal.
 *
 * cJSON prints doubles lossily, so everything we write goes through here: the shortest of %.15g,
 * %.16g and %.17g that reads back to the same double; integers as integers; NaN and infinities as
 * null. Keys come out in the order they are written; nothing is buffered beyond the FILE. */
#ifndef UTIL_JSON_OUT_H
#define UTIL_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 32, JSON_NUMBER_SIZE = 32 };

struct json_out {
    FILE *out; /* borrowed */
    int depth;
    bool pretty; /* two-space indentation, one item a line; else one line */
    bool has_items[JSON_MAX_DEPTH];
    bool after_key;
};

void json_out_init(struct json_out *j, FILE *out, bool pretty);
void json_object_begin(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array_begin(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key(struct json_out *j, const char *key);
void json_string(struct json_out *j, const char *s); /* NULL writes null; UTF-8 passes through */
void json_double(struct json_out *j, double v);
void json_int(struct json_out *j, int64_t v);
void json_bool(struct json_out *j, bool v);
void json_null(struct json_out *j);

/* Key and value in one. */
void json_key_string(struct json_out *j, const char *key, const char *s);
void json_key_double(struct json_out *j, const char *key, double v);
void json_key_int(struct json_out *j, const char *key, int64_t v);
void json_key_bool(struct json_out *j, const char *key, bool v);

/* Shortest text (of 15 to 17 digits) that reads back equal; "null" for NaN and infinities. Returns
 * its length. `text` has room for JSON_NUMBER_SIZE bytes. Also used for CSV, where NaN is left
 * empty. */
int json_format_double(char *text, double v);

#endif
