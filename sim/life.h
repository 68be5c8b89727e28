/* The life of a request, from its client and back. That of tell_completed and tell_lost
 * (worker/tells.h) is here too. */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "sim/state/state.h"

enum status life_arrive(struct sim *sim);                  /* sim->next_request */
enum status life_time_out(struct sim *sim, uint32_t id);   /* its client gives up */
enum status life_send_again(struct sim *sim, uint32_t id); /* after a wait */
/* At the end of the run: what is in flight will not be finished. */
enum status life_report_unfinished(struct sim *sim);

#endif
