#include "record/onlookers.h"

enum status onlookers_close_window(struct onlookers *o, size_t deployment,
                                   const struct observer *observer,
                                   const struct traffic_counters *now,
                                   const struct first_tokens *first_tokens, bool measured,
                                   struct diag *d)
{
    enum status s = ST_OK;

    if (observer->window && measured && now->at_ns > o->window_start.at_ns) {
        const struct first_tokens *start = &o->window_first_tokens;
        struct window_record record = {
            .deployment = deployment,
            .start_ns = o->window_start.at_ns,
            .end_ns = now->at_ns,
            .traffic = traffic_since(now, &o->window_start),
            .n_waited = first_tokens_waited(start, first_tokens),
            .n_first_token = first_tokens->n_came - start->n_came,
        };
        s = observer->window(observer->context, &record, d);
    }
    o->window_start = *now;
    o->window_first_tokens = *first_tokens;
    return s;
}

struct traffic_window onlookers_sample(struct onlookers *o, const struct traffic_counters *now)
{
    struct traffic_window traffic = {0};

    if (now->at_ns > o->sample_start.at_ns) {
        traffic = traffic_since(now, &o->sample_start);
        o->sample_start = *now;
    }
    return traffic;
}
