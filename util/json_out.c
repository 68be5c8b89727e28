#include "util/json_out.h"

#include "util/bug.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void json_out_init(struct json_out *j, FILE *out, bool pretty)
{
    *j = (struct json_out){.out = out, .pretty = pretty};
}

static void new_line(struct json_out *j)
{
    if (!j->pretty)
        return;
    fputc('\n', j->out);
    for (int i = 0; i < j->depth; i++)
        fputs("  ", j->out);
}

static void before_item(struct json_out *j)
{
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth == 0)
        return;
    if (j->has_items[j->depth - 1])
        fputs(j->pretty ? "," : ", ", j->out);
    j->has_items[j->depth - 1] = true;
    new_line(j);
}

static void begin(struct json_out *j, char bracket)
{
    before_item(j);
    BUG_IF(j->depth == JSON_MAX_DEPTH);
    fputc(bracket, j->out);
    j->has_items[j->depth++] = false;
}

static void end(struct json_out *j, char bracket)
{
    BUG_IF(j->depth == 0 || j->after_key);
    bool had_items = j->has_items[--j->depth];
    if (had_items)
        new_line(j);
    fputc(bracket, j->out);
    if (j->depth == 0)
        fputc('\n', j->out);
}

void json_object_begin(struct json_out *j)
{
    begin(j, '{');
}

void json_object_end(struct json_out *j)
{
    end(j, '}');
}

void json_array_begin(struct json_out *j)
{
    begin(j, '[');
}

void json_array_end(struct json_out *j)
{
    end(j, ']');
}

static void quoted(struct json_out *j, const char *s)
{
    fputc('"', j->out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(j->out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", j->out);
        else if (c < 0x20)
            fprintf(j->out, "\\u%04x", c);
        else
            fputc(c, j->out);
    }
    fputc('"', j->out);
}

void json_key(struct json_out *j, const char *key)
{
    before_item(j);
    quoted(j, key);
    fputs(": ", j->out);
    j->after_key = true;
}

void json_string(struct json_out *j, const char *s)
{
    if (!s) {
        json_null(j);
        return;
    }
    before_item(j);
    quoted(j, s);
}

int json_format_double(char *text, double v)
{
    if (!isfinite(v))
        return snprintf(text, JSON_NUMBER_SIZE, "null");
    if (v == 0)
        return snprintf(text, JSON_NUMBER_SIZE, "0");
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, JSON_NUMBER_SIZE, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    return n;
}

void json_double(struct json_out *j, double v)
{
    char text[JSON_NUMBER_SIZE];
    before_item(j);
    json_format_double(text, v);
    fputs(text, j->out);
}

void json_int(struct json_out *j, int64_t v)
{
    before_item(j);
    fprintf(j->out, "%" PRId64, v);
}

void json_bool(struct json_out *j, bool v)
{
    before_item(j);
    fputs(v ? "true" : "false", j->out);
}

void json_null(struct json_out *j)
{
    before_item(j);
    fputs("null", j->out);
}

void json_key_string(struct json_out *j, const char *key, const char *s)
{
    json_key(j, key);
    json_string(j, s);
}

void json_key_double(struct json_out *j, const char *key, double v)
{
    json_key(j, key);
    json_double(j, v);
}

void json_key_int(struct json_out *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_key_bool(struct json_out *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}
