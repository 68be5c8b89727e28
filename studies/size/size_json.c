#include <string.h>

#include "studies/size/size_columns.h"
#include "util/json_out.h"

static void write_pools(struct json_out *j, const struct size_choice *c, const int64_t *n)
{
    json_object_begin(j);
    for (size_t i = 0; i < c->n_pools; i++)
        json_key_int(j, c->pools[i], n[i]);
    json_object_end(j);
}

static void write_value(struct json_out *j, const struct size_choice *c, enum size_column_type type,
                        const void *value)
{
    switch (type) {
    case SIZE_COLUMN_TEXT:
        json_string(j, *(const char *const *)value);
        break;
    case SIZE_COLUMN_INTEGER:
        json_int(j, *(const int64_t *)value);
        break;
    case SIZE_COLUMN_NUMBER:
        json_double(j, *(const double *)value);
        break;
    case SIZE_COLUMN_FLAG:
        json_bool(j, *(const bool *)value);
        break;
    case SIZE_COLUMN_TOPOLOGY:
        json_string(j, size_topology_names[*(const enum size_topology *)value]);
        break;
    case SIZE_COLUMN_POOLS:
        write_pools(j, c, value);
        break;
    }
}

static void write_month(struct json_out *j, const struct size_choice *c, size_t m)
{
    const struct size_month *month = &c->months[m];

    json_object_begin(j);
    json_key_int(j, "month", (int64_t)m);
    json_key_double(j, "scale_load", month->scale_load);
    json_key_bool(j, "reached", month->reached);
    if (month->reached) {
        json_key(j, "workers");
        write_pools(j, c, month->workers.n);
        json_key_int(j, "gpus", month->gpus);
        json_key_int(j, "nodes", month->nodes);
        json_key_double(j, "cost_per_day", month->cost_per_day);
    }
    json_object_end(j);
}

static void write_growth(struct json_out *j, const struct size_choice *c, size_t n_months)
{
    json_key(j, "growth");
    json_array_begin(j);
    for (size_t m = 0; m <= n_months; m++)
        write_month(j, c, m);
    json_array_end(j);
    json_key(j, "too_small_from_month");
    if (c->too_small_from < 0)
        json_null(j);
    else
        json_int(j, c->too_small_from);
    json_key_double(j, "cost_month_by_month", c->cost_month_by_month);
    json_key_double(j, "cost_at_once", c->cost_at_once);
}

static const char *change_group(struct json_out *j, const char *from, const char *to)
{
    if (from && to && strcmp(from, to) == 0)
        return to;
    if (from)
        json_object_end(j);
    if (to) {
        json_key(j, to);
        json_object_begin(j);
    }
    return to;
}

static void write_choice(struct json_out *j, const struct size_choice *c, size_t n_months)
{
    const char *group = NULL;

    json_object_begin(j);
    for (const struct size_column *column = size_columns; column->name; column++) {
        const void *value = size_column_value(column, c);
        if (!value)
            continue;
        group = change_group(j, group, column->group);
        json_key(j, column->name);
        write_value(j, c, column->type, value);
    }
    change_group(j, group, NULL);
    if (c->months)
        write_growth(j, c, n_months);
    json_object_end(j);
}

static void write_choices(struct json_out *j, const char *key, const struct size_result *r,
                          size_t from, size_t to)
{
    json_key(j, key);
    json_array_begin(j);
    for (size_t i = from; i < to; i++)
        write_choice(j, r->choices[i], r->options->n_months);
    json_array_end(j);
}

void size_write_json(const struct size_result *r, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    json_object_begin(&j);
    json_key_string(&j, "scenario", r->options->scenario->name);
    json_key_string(&j, "target", r->options->target->text);
    json_key_string(&j, "currency", r->options->currency);
    json_key_int(&j, "survive", r->options->n_missing);
    if (r->options->n_months)
        json_key_double(&j, "growth_per_month", r->options->growth_per_month);
    json_key_int(&j, "replicates", (int64_t)r->options->n_replicates);
    json_key_int(&j, "runs", (int64_t)r->n_runs);
    write_choices(&j, "choices", r, 0, r->n_reached);
    write_choices(&j, "unreachable", r, r->n_reached, r->n_searched);
    write_choices(&j, "bounded", r, r->n_searched, r->n_runnable);
    write_choices(&j, "left_out", r, r->n_runnable, r->n);
    json_object_end(&j);
}
