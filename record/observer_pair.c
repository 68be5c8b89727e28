#include "record/observer_pair.h"

/* callback, its record */
#define CALLBACK_MAP(XX)                                                                           \
    XX(request, request_record)                                                                    \
    XX(sample, sample_record)                                                                      \
    XX(decision, decision_record)                                                                  \
    XX(grant, grant_record)                                                                        \
    XX(window, window_record)                                                                      \
    XX(worker, worker_record)                                                                      \
    XX(step, step_record)                                                                          \
    XX(event, event_record)                                                                        \
    XX(progress, sim_progress)

#define XX(name, record)                                                                           \
    static enum status tell_##name(void *context, const struct record *r, struct diag *d)          \
    {                                                                                              \
        const struct observer_pair *pair = context;                                                \
        enum status s = ST_OK;                                                                     \
        if (pair->first.name)                                                                      \
            s = pair->first.name(pair->first.context, r, d);                                       \
        if (!s && pair->second.name)                                                               \
            s = pair->second.name(pair->second.context, r, d);                                     \
        return s;                                                                                  \
    }
CALLBACK_MAP(XX)
#undef XX

struct observer observer_of_pair(struct observer_pair *pair)
{
    return (struct observer){.context = pair,
                             .wants_parts = pair->first.wants_parts || pair->second.wants_parts,
#define XX(name, record) .name = pair->first.name || pair->second.name ? tell_##name : NULL,
                             CALLBACK_MAP(XX)
#undef XX
    };
}
