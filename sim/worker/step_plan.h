/* What goes into a step of one rank, in the order of vLLM's scheduler: running sequences first,
 * then the queue from its head. */
#ifndef SIM_WORKER_STEP_PLAN_H
#define SIM_WORKER_STEP_PLAN_H

#include "sim/worker/worker.h"

void step_plan_clear(struct step_plan *p);
bool step_plan_is_empty(const struct step_plan *p);
void step_plan_forget(struct step_plan *p, uint32_t id);

/* Room for the next token of every decoding sequence, taking it from the newest where it must be:
 * *preempted is then set. */
enum status step_plan_make_room(struct sim *sim, struct worker *w, bool *preempted);
/* Chooses the prompts of a step beside `n_decode` sequences: the one in progress, then the queues;
 * then gives what room is left to prompts that are still on a prefill worker, unless another waits
 * for it here. */
enum status step_plan_fill(struct sim *sim, struct worker *w, struct step_plan *plan,
                           uint32_t n_decode, bool preempted);
/* Why the first of its queue is not in its batch, where that is not for room. */
enum line_reason step_plan_line_reason(const struct worker *w);
/* Prompts to be computed here and prompts that are still on a prefill worker want the same room:
 * the first to arrive gets it. */
bool step_plan_incoming_is_older(struct sim *sim, const struct worker *w);

/* Off the running list. */
void worker_leave_running(struct sim *sim, struct worker *w, uint32_t id);
/* Computed blocks stay behind as long as nobody needs the room. */
enum status worker_release_blocks(struct sim *sim, struct worker *w, struct request *r,
                                  struct kv_tail *tail);

#endif
