/* What those who only look on are shown of a run: attainment windows, and the traffic between two
 * timeline samples. Looking changes nothing of the run. */
#ifndef RECORD_ONLOOKERS_H
#define RECORD_ONLOOKERS_H

#include <stdbool.h>

#include "record/observer.h"
#include "record/traffic.h"
#include "util/status.h"

struct onlookers {
    struct traffic_counters window_start, sample_start;
    struct first_tokens window_first_tokens; /* as of window_start */
};

/* Reports the deployment's window that ends now, if it is measured and has a length, and begins the
 * next. */
enum status onlookers_close_window(struct onlookers *o, size_t deployment,
                                   const struct observer *observer,
                                   const struct traffic_counters *now,
                                   const struct first_tokens *first_tokens, bool measured,
                                   struct diag *d);

/* Traffic since the sample before this one; of one at the same moment, none. */
struct traffic_window onlookers_sample(struct onlookers *o, const struct traffic_counters *now);

#endif
