/* The newest record of each worker of one component, as the reference's offline replay keeps them.
 * (Dynamo planner 1.2.1, `replay_adapter.py`.) */
#ifndef PLANNER_FPM_RECORD_CACHE_H
#define PLANNER_FPM_RECORD_CACHE_H

#include <stddef.h>

#include "planner/fpm/iteration_model.h"

struct record_cache {
    size_t n, capacity;
    struct fpm_record *records; /* in the order in which the workers appeared */
};
void record_cache_release(struct record_cache *c);

/* The records of a window, in their order, into the cache: the last of each worker. Then the
 * highest worker ids are dropped until no more are left than are active: a fresh worker can hide
 * behind one that is gone (a quirk). ST_NOMEM is the only failure. */
enum status record_cache_update(struct record_cache *c, size_t n, const struct fpm_record *window,
                                size_t n_active);
/* Is it superseded within its window, so that the cache never shows it? */
bool record_is_passed(size_t n, const struct fpm_record *window, size_t i);

#endif
