#include "studies/size/size_columns.h"

#define AT(member) offsetof(struct size_choice, member)

const struct size_column size_columns[] = {
    {"profile", SIZE_COLUMN_TEXT, AT(profile), SIZE_LEFT_OUT},
    {"decode_profile", SIZE_COLUMN_TEXT, AT(decode_profile), SIZE_LEFT_OUT},
    {"topology", SIZE_COLUMN_TOPOLOGY, AT(topology), SIZE_LEFT_OUT},
    {"scale_load", SIZE_COLUMN_NUMBER, AT(scale_load), SIZE_LEFT_OUT},
    {"message", SIZE_COLUMN_TEXT, AT(message), SIZE_LEFT_OUT},
    {"workers", SIZE_COLUMN_POOLS, AT(workers.n), SIZE_UNREACHABLE},
    {"gpus_per_worker", SIZE_COLUMN_POOLS, AT(gpus_per_worker), SIZE_UNREACHABLE},
    {"gpus", SIZE_COLUMN_INTEGER, AT(gpus), SIZE_UNREACHABLE},
    {"detailed", SIZE_COLUMN_FLAG, AT(detailed), SIZE_REACHED},
    {"gpus_low", SIZE_COLUMN_NUMBER, AT(gpus_low), SIZE_REACHED},
    {"gpus_high", SIZE_COLUMN_NUMBER, AT(gpus_high), SIZE_REACHED},
    {"ties_with_cheapest", SIZE_COLUMN_FLAG, AT(ties_with_cheapest), SIZE_REACHED},
    {"nodes", SIZE_COLUMN_INTEGER, AT(nodes), SIZE_UNREACHABLE},
    {"survivors", SIZE_COLUMN_POOLS, AT(survivors.n), SIZE_UNREACHABLE},
    {"attainment", SIZE_COLUMN_NUMBER, AT(attainment), SIZE_UNREACHABLE},
    {"value", SIZE_COLUMN_NUMBER, AT(value), SIZE_UNREACHABLE},
    {"cost_per_day", SIZE_COLUMN_NUMBER, AT(cost_per_day), SIZE_UNREACHABLE},
    {"cost_per_million_output_tokens", SIZE_COLUMN_NUMBER, AT(cost_per_million_output_tokens),
     SIZE_UNREACHABLE},
    {"cost_per_thousand_good_requests", SIZE_COLUMN_NUMBER, AT(cost_per_thousand_good_requests),
     SIZE_UNREACHABLE},
    {"limited_by", SIZE_COLUMN_TEXT, AT(limited_by), SIZE_UNREACHABLE},
    {"load_headroom", SIZE_COLUMN_NUMBER, AT(load_headroom), SIZE_REACHED},
    {"uneven", SIZE_COLUMN_FLAG, AT(search.uneven), SIZE_REACHED},
    {"trust", SIZE_COLUMN_TEXT, AT(trust), SIZE_UNREACHABLE},
    {"arithmetic", SIZE_COLUMN_POOLS, AT(arithmetic), SIZE_UNREACHABLE},
    {"arithmetic_value", SIZE_COLUMN_NUMBER, AT(arithmetic_value), SIZE_REACHED},
    {.name = NULL},
};

const void *size_column_value(const struct size_column *column, const struct size_choice *choice)
{
    const void *value = (const char *)choice + column->offset;

    if (size_outcome_of(choice) > column->known_to)
        return NULL;
    if (column->type == SIZE_COLUMN_TEXT)
        return *(const char *const *)value ? value : NULL;
    if (column->type == SIZE_COLUMN_POOLS)
        return *(const int64_t *)value ? value : NULL;
    return value;
}
