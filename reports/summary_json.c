#include <math.h>
#include <string.h>

#include "reports/causes/causes_report.h"
#include "reports/summary_internal.h"
#include "util/json_out.h"

static void write_intervals(struct json_out *j, const struct summary_intervals *intervals)
{
    json_object_begin(j);
    for (size_t i = 0; i < intervals->n; i++) {
        const struct summary_interval *of = &intervals->intervals[i];
        json_key(j, of->key);
        json_object_begin(j);
        json_key_double(j, "low", of->low);
        json_key_double(j, "high", of->high);
        json_key_double(j, "level", intervals->level);
        json_key_double(j, "mean", of->mean);
        json_key_double(j, "mean_low", of->mean_low);
        json_key_double(j, "mean_high", of->mean_high);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_arbiter(struct json_out *j, const struct run_info *info)
{
    json_object_begin(j);
    json_key_string(j, "type", info->arbiter);
    json_key_double(j, "max_gpus", info->max_gpus ? (double)info->max_gpus : NAN);
    json_object_end(j);
}

static void write_gpus(struct json_out *j, const struct run_info *info)
{
    json_object_begin(j);
    for (size_t i = 0; i < info->n_pools; i++)
        json_key_int(j, info->pool_names[i], info->gpus_per_worker[i]);
    json_object_end(j);
}

static void write_deployments(struct json_out *j, const struct summary *summary);

static void write_field(struct json_out *j, const struct summary *summary,
                        const struct summary_field *f)
{
    const void *at = summary_field_at(summary, f);

    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_OPTIONAL:
        json_string(j, *(const char *const *)at);
        break;
    case FIELD_CHARS:
        json_string(j, at);
        break;
    case FIELD_UINT:
        json_int(j, (int64_t) * (const uint64_t *)at);
        break;
    case FIELD_INT:
        json_int(j, *(const int64_t *)at);
        break;
    case FIELD_DOUBLE:
    case FIELD_SHARE:
    case FIELD_ABSENT:
    case FIELD_UNSERVED:
        json_double(j, *(const double *)at);
        break;
    case FIELD_CAUSES:
        cause_write_causes(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_LAG:
        cause_write_lag(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_CAPACITY:
        capacity_write(j, at, summary->info->n_pools, summary->info->pool_names);
        break;
    case FIELD_ARBITER:
        write_arbiter(j, summary->info);
        break;
    case FIELD_GPUS:
        write_gpus(j, summary->info);
        break;
    case FIELD_NOTES:
        json_array_begin(j);
        for (size_t i = 0; i < summary->notes.n; i++)
            json_string(j, summary->notes.text[i]);
        json_array_end(j);
        break;
    case FIELD_INTERVALS:
        write_intervals(j, summary->intervals);
        break;
    case FIELD_POOLS:
        json_object_begin(j);
        for (size_t i = 0; i < summary->info->n_pools; i++)
            json_key_double(j, summary->info->pool_names[i], ((const double *)at)[i]);
        json_object_end(j);
        break;
    case FIELD_DEPLOYMENTS:
        write_deployments(j, summary);
        break;
    }
}

/* Length of the objects two keys are both in, with the last dot: "a.b." for a.b.c and a.b.d. */
static size_t shared_objects(const char *a, const char *b)
{
    size_t shared = 0;

    for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
        if (a[i] == '.')
            shared = i + 1;
    }
    return shared;
}

static bool is_left_out(const struct summary *summary, const struct summary_field *f)
{
    bool of_parts = f->type == FIELD_CAUSES || f->type == FIELD_LAG || f->type == FIELD_CAPACITY;

    return (of_parts && !summary->causes.kept) ||
           (f->type == FIELD_OPTIONAL && !*(const char *const *)summary_field_at(summary, f)) ||
           (f->type == FIELD_NOTES && summary->notes.n == 0) ||
           (f->type == FIELD_INTERVALS && !summary->intervals) ||
           (f->type == FIELD_UNSERVED && !summary->n_deployments && !summary->info->deployment) ||
           (f->type == FIELD_ARBITER && !summary->info->arbiter) ||
           (f->type == FIELD_GPUS && !summary->info->deployment) ||
           (f->type == FIELD_DEPLOYMENTS && summary->n_deployments == 0);
}

static void write_object(struct json_out *j, const struct summary *summary,
                         const struct summary_table *table)
{
    const char *previous = "";

    json_object_begin(j);
    for (size_t i = 0; i <= table->n; i++) {
        if (i < table->n && is_left_out(summary, &table->field[i]))
            continue;
        const char *key = i < table->n ? table->field[i].key : "";
        size_t shared = shared_objects(previous, key);
        for (const char *dot = strchr(previous + shared, '.'); dot; dot = strchr(dot + 1, '.'))
            json_object_end(j);
        if (i == table->n)
            break;
        const char *part = key + shared;
        for (const char *dot = strchr(part, '.'); dot; part = dot + 1, dot = strchr(part, '.')) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)(dot - part), part);
            json_key(j, name);
            json_object_begin(j);
        }
        json_key(j, part);
        write_field(j, summary, &table->field[i]);
        previous = key;
    }
    json_object_end(j);
}

static void write_deployments(struct json_out *j, const struct summary *summary)
{
    json_object_begin(j);
    for (size_t i = 0; i < summary->n_deployments; i++) {
        const struct summary *of = &summary->deployments[i];
        json_key(j, of->info->deployment);
        write_object(j, of, &summary_table);
    }
    json_object_end(j);
}

void summary_write_json(const struct summary *summary, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    write_object(&j, summary, &summary_table);
}

void summary_write_performance(const struct summary *summary, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    write_object(&j, summary, &performance_table);
}
