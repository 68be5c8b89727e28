/* Two observers of one run. */
#ifndef RECORD_OBSERVER_PAIR_H
#define RECORD_OBSERVER_PAIR_H

#include "record/observer.h"

struct observer_pair {
    struct observer first, second;
};

/* Tells the first, then the second; a failure of the first ends the run before the second hears of
 * the record. What neither wants to be told is NULL. Valid as long as the pair. */
struct observer observer_of_pair(struct observer_pair *pair);

#endif
