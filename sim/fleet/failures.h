/* What breaks by itself. */
#ifndef SIM_FLEET_FAILURES_H
#define SIM_FLEET_FAILURES_H

#include "sim/fleet/fleet.h"

enum status failures_schedule_worker(struct sim *sim, const struct worker *w);
enum status failures_schedule_nodes(struct sim *sim); /* those that have appeared */
enum status failures_worker_fails(struct sim *sim, struct worker *w);
enum status failures_node(struct sim *sim, enum event_class what, uint32_t node);

#endif
