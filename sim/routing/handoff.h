/* From a prefill worker to a decode worker. The prompt's KV stays on the source until it has
 * arrived; the decode worker reserves room first, in the order the prompts were done. */
#ifndef SIM_ROUTING_HANDOFF_H
#define SIM_ROUTING_HANDOFF_H

#include "sim/state/state.h"

/* The KV has arrived. */
enum status handoff_transferred(struct sim *sim, uint32_t id);
/* The source's blocks are given back (also when the request dies elsewhere). */
enum status handoff_release_source(struct sim *sim, struct request *r);

#endif
