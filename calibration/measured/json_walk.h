/* Members of JSON objects in a measured_text, one after the other, each handed to a function. */
#ifndef CALIBRATION_MEASURED_JSON_WALK_H
#define CALIBRATION_MEASURED_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "calibration/measured/measured.h"

struct json_walk {
    const struct measured_text *text;
    struct diag *d;
};

/* All take `p` at the start of the thing and return the byte after it; NULL after a failure, which
 * is then in the diag. */

/* `member` is called with the key, its quotes included, and the start of the value, and does as
 * these functions do. */
typedef const char *json_member(void *context, const char *key, const char *key_end,
                                const char *value);
const char *json_walk_object(const struct json_walk *w, const char *p, json_member *member,
                             void *context);
/* Each value of an array. */
typedef const char *json_item(void *context, const char *value);
const char *json_walk_array(const struct json_walk *w, const char *p, json_item *item,
                            void *context);
const char *json_walk_skip(const struct json_walk *w, const char *p);
/* `name`, for messages, is what the number is called. Finite, from `min` to `max`. */
const char *json_walk_number(const struct json_walk *w, const char *p, const char *name, double min,
                             double max, double *value);
bool json_walk_is_null(const char *p);

/* ST_INPUT: the value at `p` is not what it has to be. Returns NULL. */
const char *json_walk_refuse(const struct json_walk *w, const char *p, const char *name,
                             const char *expected);

#endif
