#include "studies/size/size_columns.h"

#define AT(member) offsetof(struct size_choice, member)

static bool has_least(const struct size_choice *c)
{
    return size_outcome_of(c) != SIZE_UNREACHABLE;
}

static bool has_courses(const struct size_choice *c)
{
    return c->courses.n;
}

static bool has_ranges(const struct size_choice *c)
{
    return c->courses.n && c->courses.with_ranges;
}

static bool is_of_trace(const struct size_choice *c)
{
    return c->courses.of_trace;
}

static bool has_fewer(const struct size_choice *c)
{
    return c->courses.of_trace && c->courses.fewer.n[0];
}

static bool is_autoscaled(const struct size_choice *c)
{
    return c->autoscaled.n && !c->autoscaled.message;
}

const struct size_column size_columns[] = {
    {"profile", SIZE_COLUMN_TEXT, AT(profile), SIZE_LEFT_OUT, NULL, NULL},
    {"decode_profile", SIZE_COLUMN_TEXT, AT(decode_profile), SIZE_LEFT_OUT, NULL, NULL},
    {"topology", SIZE_COLUMN_TOPOLOGY, AT(topology), SIZE_LEFT_OUT, NULL, NULL},
    {"scale_load", SIZE_COLUMN_NUMBER, AT(scale_load), SIZE_LEFT_OUT, NULL, NULL},
    {"message", SIZE_COLUMN_TEXT, AT(message), SIZE_LEFT_OUT, NULL, NULL},
    {"workers", SIZE_COLUMN_POOLS, AT(workers.n), SIZE_UNREACHABLE, NULL, NULL},
    {"gpus_per_worker", SIZE_COLUMN_POOLS, AT(gpus_per_worker), SIZE_BOUNDED, NULL, NULL},
    {"gpus", SIZE_COLUMN_INTEGER, AT(gpus), SIZE_UNREACHABLE, NULL, NULL},
    {"detailed", SIZE_COLUMN_FLAG, AT(detailed), SIZE_REACHED, NULL, NULL},
    {"gpus_low", SIZE_COLUMN_NUMBER, AT(gpus_low), SIZE_BOUNDED, NULL, has_least},
    {"gpus_high", SIZE_COLUMN_NUMBER, AT(gpus_high), SIZE_REACHED, NULL, NULL},
    {"ties_with_cheapest", SIZE_COLUMN_FLAG, AT(ties_with_cheapest), SIZE_REACHED, NULL, NULL},
    {"nodes", SIZE_COLUMN_INTEGER, AT(nodes), SIZE_UNREACHABLE, NULL, NULL},
    {"survivors", SIZE_COLUMN_POOLS, AT(survivors.n), SIZE_UNREACHABLE, NULL, NULL},
    {"attainment", SIZE_COLUMN_NUMBER, AT(attainment), SIZE_UNREACHABLE, NULL, NULL},
    {"value", SIZE_COLUMN_NUMBER, AT(value), SIZE_UNREACHABLE, NULL, NULL},
    {"cost_per_day", SIZE_COLUMN_NUMBER, AT(cost_per_day), SIZE_UNREACHABLE, NULL, NULL},
    {"cost_per_day_low", SIZE_COLUMN_NUMBER, AT(cost_per_day_low), SIZE_BOUNDED, NULL, has_least},
    {"cost_per_day_high", SIZE_COLUMN_NUMBER, AT(cost_per_day_high), SIZE_REACHED, NULL, NULL},
    {"cost_per_million_output_tokens", SIZE_COLUMN_NUMBER, AT(cost_per_million_output_tokens),
     SIZE_UNREACHABLE, NULL, NULL},
    {"cost_per_thousand_good_requests", SIZE_COLUMN_NUMBER, AT(cost_per_thousand_good_requests),
     SIZE_UNREACHABLE, NULL, NULL},
    {"limited_by", SIZE_COLUMN_TEXT, AT(limited_by), SIZE_UNREACHABLE, NULL, NULL},
    {"load_headroom", SIZE_COLUMN_NUMBER, AT(load_headroom), SIZE_REACHED, NULL, NULL},
    {"uneven", SIZE_COLUMN_FLAG, AT(search.uneven), SIZE_REACHED, NULL, NULL},
    {"courses", SIZE_COLUMN_INTEGER, AT(courses.n), SIZE_REACHED, NULL, has_courses},
    {"courses_met", SIZE_COLUMN_INTEGER, AT(courses.n_met), SIZE_REACHED, NULL, has_courses},
    {"attainment_low", SIZE_COLUMN_NUMBER, AT(courses.attainment_low), SIZE_REACHED, NULL,
     has_ranges},
    {"attainment_high", SIZE_COLUMN_NUMBER, AT(courses.attainment_high), SIZE_REACHED, NULL,
     has_ranges},
    {"value_low", SIZE_COLUMN_NUMBER, AT(courses.value_low), SIZE_REACHED, NULL, has_ranges},
    {"value_high", SIZE_COLUMN_NUMBER, AT(courses.value_high), SIZE_REACHED, NULL, has_ranges},
    {"trace_long_enough", SIZE_COLUMN_FLAG, AT(courses.long_enough), SIZE_REACHED, NULL,
     is_of_trace},
    {"value_error", SIZE_COLUMN_NUMBER, AT(courses.value_error), SIZE_REACHED, NULL, is_of_trace},
    {"value_margin", SIZE_COLUMN_NUMBER, AT(courses.value_margin), SIZE_REACHED, NULL, is_of_trace},
    {"told_from", SIZE_COLUMN_NUMBER, AT(courses.told_from), SIZE_REACHED, NULL, is_of_trace},
    {"workers", SIZE_COLUMN_POOLS, AT(courses.fewer.n), SIZE_REACHED, "one_less", has_fewer},
    {"value", SIZE_COLUMN_NUMBER, AT(courses.fewer_value), SIZE_REACHED, "one_less", has_fewer},
    {"value_margin", SIZE_COLUMN_NUMBER, AT(courses.fewer_margin), SIZE_REACHED, "one_less",
     has_fewer},
    {"misses_for_certain", SIZE_COLUMN_FLAG, AT(courses.fewer_misses), SIZE_REACHED, "one_less",
     has_fewer},
    {"policy", SIZE_COLUMN_TEXT, AT(autoscaled.policy), SIZE_REACHED, "autoscaled", NULL},
    {"message", SIZE_COLUMN_TEXT, AT(autoscaled.message), SIZE_REACHED, "autoscaled", NULL},
    {"courses", SIZE_COLUMN_INTEGER, AT(autoscaled.n), SIZE_REACHED, "autoscaled", is_autoscaled},
    {"max_gpu_budget", SIZE_COLUMN_INTEGER, AT(autoscaled.max_gpu_budget), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"peak_gpus", SIZE_COLUMN_INTEGER, AT(autoscaled.peak_gpus), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"mean_gpus", SIZE_COLUMN_NUMBER, AT(autoscaled.mean_gpus.mean), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"gpu_hours", SIZE_COLUMN_NUMBER, AT(autoscaled.gpu_hours.mean), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"gpu_hours_low", SIZE_COLUMN_NUMBER, AT(autoscaled.gpu_hours.low), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"gpu_hours_high", SIZE_COLUMN_NUMBER, AT(autoscaled.gpu_hours.high), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"gpu_hours_per_day", SIZE_COLUMN_NUMBER, AT(autoscaled.gpu_hours_per_day), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"cost_per_day", SIZE_COLUMN_NUMBER, AT(autoscaled.cost_per_day), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"attainment", SIZE_COLUMN_NUMBER, AT(autoscaled.attainment.mean), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"attainment_low", SIZE_COLUMN_NUMBER, AT(autoscaled.attainment.low), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"attainment_high", SIZE_COLUMN_NUMBER, AT(autoscaled.attainment.high), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"value", SIZE_COLUMN_NUMBER, AT(autoscaled.value.mean), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"value_low", SIZE_COLUMN_NUMBER, AT(autoscaled.value.low), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"value_high", SIZE_COLUMN_NUMBER, AT(autoscaled.value.high), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"static_attainment", SIZE_COLUMN_NUMBER, AT(courses.attainment.mean), SIZE_REACHED,
     "autoscaled", is_autoscaled},
    {"static_value", SIZE_COLUMN_NUMBER, AT(courses.value.mean), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"lost", SIZE_COLUMN_NUMBER, AT(autoscaled.lost), SIZE_REACHED, "autoscaled", is_autoscaled},
    {"meets_target", SIZE_COLUMN_FLAG, AT(autoscaled.meets_target), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"certain", SIZE_COLUMN_FLAG, AT(autoscaled.certain), SIZE_REACHED, "autoscaled",
     is_autoscaled},
    {"trust", SIZE_COLUMN_TEXT, AT(trust), SIZE_BOUNDED, NULL, NULL},
    {"arithmetic", SIZE_COLUMN_POOLS, AT(arithmetic), SIZE_BOUNDED, NULL, NULL},
    {"arithmetic_value", SIZE_COLUMN_NUMBER, AT(arithmetic_value), SIZE_REACHED, NULL, NULL},
    {.name = NULL},
};

const void *size_column_value(const struct size_column *column, const struct size_choice *choice)
{
    const void *value = (const char *)choice + column->offset;

    if (size_outcome_of(choice) > column->known_to || (column->known && !column->known(choice)))
        return NULL;
    if (column->type == SIZE_COLUMN_TEXT)
        return *(const char *const *)value ? value : NULL;
    if (column->type == SIZE_COLUMN_POOLS)
        return *(const int64_t *)value ? value : NULL;
    return value;
}
