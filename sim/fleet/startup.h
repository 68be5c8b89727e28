/* From a worker that is wanted to one that is ready. */
#ifndef SIM_FLEET_STARTUP_H
#define SIM_FLEET_STARTUP_H

#include "sim/fleet/fleet.h"

/* at_once: it has been there all along (the replicas of time 0, for which there is room). */
enum status startup_begin(struct sim *sim, struct pool *pool, bool at_once);
enum status startup_ends(struct sim *sim, struct worker *w);
enum status
startup_place_pending(struct sim *sim); /* GPUs for those that wait, where there are any now */
enum status startup_restore(struct sim *sim); /* start what is missing to the pools' targets */

#endif
