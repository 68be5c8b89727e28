#include "record/observer.h"

static const char *const outcome_names[] = {
#define XX(id, name, text) [OUTCOME_##id] = name,
    OUTCOME_MAP(XX)
#undef XX
};

static const char *const event_names[] = {
#define XX(id, name) [EVENT_##id] = name,
    EVENT_KIND_MAP(XX)
#undef XX
};

static const char *const worker_ends[] = {
#define XX(id, name, text) [WORKER_END_##id] = name,
    WORKER_END_MAP(XX)
#undef XX
};

const char *outcome_name(enum outcome o)
{
    return outcome_names[o];
}

const char *event_kind_name(enum event_kind kind)
{
    return event_names[kind];
}

const char *worker_end_name(enum worker_end end)
{
    return worker_ends[end];
}
