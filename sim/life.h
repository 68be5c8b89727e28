/* The life of a request, from its client and back. That of tell_completed and tell_lost
 * (worker/tells.h) is here too. */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "sim/state/state.h"

enum status life_arrive(struct sim *sim, struct stream *stream); /* stream->next */
enum status life_time_out(struct sim *sim, uint32_t id);         /* its client gives up */
enum status life_enter(struct sim *sim, uint32_t id); /* after a wait, or from the front end */
/* Requests in flight will not be finished: the deployment's time is up before that of others. */
enum status life_stop(struct deployment *d);
/* The same at the end of the run, when nothing has to be left in order. */
enum status life_report_unfinished(struct deployment *d);

#endif
