#include "calibration/measured/json_walk.h"

#include <stdio.h>
#include <string.h>

#include "traces/json_scan.h"
#include "util/text.h"

enum { WALK_DEPTH = 8 }; /* arrays and objects that readers open around a value, at most */

static const char *not_json(const struct json_walk *w, const struct json_error *e)
{
    char found[TEXT_EXCERPT_SIZE];

    if (e->at == w->text->end)
        diag_fail_at(w->d, ST_INPUT, measured_at(w->text, e->at),
                     "not valid JSON: expected %s, found the end of the file", e->expected);
    else
        diag_fail_at(w->d, ST_INPUT, measured_at(w->text, e->at),
                     "not valid JSON: expected %s, found '%s'", e->expected,
                     text_excerpt(found, e->at, 1));
    return NULL;
}

static const char *expected(const struct json_walk *w, const char *p, const char *what)
{
    return not_json(w, &(struct json_error){p, what});
}

const char *json_walk_skip(const struct json_walk *w, const char *p)
{
    struct json_error e;
    const char *end = json_value_end(p, WALK_DEPTH, &e);

    return end ? end : not_json(w, &e);
}

/* From a key to its value. */
static const char *walk_member(const struct json_walk *w, const char *p, json_member *member,
                               void *context)
{
    struct json_error e;
    const char *key_end = json_string_end(p, &e);

    if (!key_end)
        return not_json(w, &e);
    const char *value = json_skip_space(key_end);
    if (*value != ':')
        return expected(w, value, "':'");
    return member(context, p, key_end, json_skip_space(value + 1));
}

const char *json_walk_object(const struct json_walk *w, const char *p, json_member *member,
                             void *context)
{
    if (*p != '{')
        return expected(w, p, "'{'");
    p = json_skip_space(p + 1);
    if (*p == '}')
        return p + 1;
    for (;;) {
        p = walk_member(w, p, member, context);
        if (!p)
            return NULL;
        p = json_skip_space(p);
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return expected(w, p, "',' or '}'");
        p = json_skip_space(p + 1);
    }
}

const char *json_walk_array(const struct json_walk *w, const char *p, json_item *item,
                            void *context)
{
    if (*p != '[')
        return expected(w, p, "'['");
    p = json_skip_space(p + 1);
    if (*p == ']')
        return p + 1;
    for (;;) {
        p = item(context, p);
        if (!p)
            return NULL;
        p = json_skip_space(p);
        if (*p == ']')
            return p + 1;
        if (*p != ',')
            return expected(w, p, "',' or ']'");
        p = json_skip_space(p + 1);
    }
}

const char *json_walk_refuse(const struct json_walk *w, const char *p, const char *name,
                             const char *what)
{
    struct json_error e;
    char found[TEXT_EXCERPT_SIZE];
    const char *end = json_value_end(p, WALK_DEPTH, &e);

    if (!end) /* such as the NaN of Python */
        for (end = p; !strchr(",]} \t\r\n", *end);)
            end++;
    diag_fail_at(w->d, ST_INPUT, measured_at(w->text, p), "'%s' must be %s, not '%s'", name, what,
                 text_excerpt(found, p, (size_t)(end - p)));
    return NULL;
}

const char *json_walk_number(const struct json_walk *w, const char *p, const char *name, double min,
                             double max, double *value)
{
    struct json_error e;
    char what[80];
    const char *end = json_number_end(p, &e);

    if (end && text_double(p, (size_t)(end - p), value) == TEXT_OK && *value >= min &&
        *value <= max)
        return end;
    snprintf(what, sizeof what, "a number from %.15g to %.15g", min, max);
    return json_walk_refuse(w, p, name, what);
}

bool json_walk_is_null(const char *p)
{
    return strncmp(p, "null", 4) == 0;
}
