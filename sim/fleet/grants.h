/* Between what the policies want and the targets of the pools: the arbiter, and the GPU budget that
 * the workers of all deployments hold to together. */
#ifndef SIM_FLEET_GRANTS_H
#define SIM_FLEET_GRANTS_H

#include "sim/fleet/fleet.h"

/* The deployment's policy asks for these replicas. Targets change as the arbiter has it, those of
 * other deployments too: first the ones that give GPUs up, then the deployment's, then the others.
 */
enum status grants_ask(struct deployment *d, const int *wanted, enum grant *grant);
/* There are other nodes than before. */
enum status grants_review(struct sim *sim);
/* Would so many GPUs more be within the budget? */
bool grants_have_room(const struct sim *sim, int n_gpus);
/* After a change of what the pool wants or of its workers: adds up what it wanted and was without
 * until now. */
void grants_note_unserved(struct pool *pool);

#endif
