/* When an engine looks at its queue. By default before every step. Some look once in so many decode
 * steps, so as not to stop for it; some let prompts wait until a step is worth it. Neither holds
 * prompts back from an engine that decodes nothing. */
#ifndef SIM_WORKER_QUEUE_LOOK_H
#define SIM_WORKER_QUEUE_LOOK_H

#include "sim/worker/worker.h"

/* The decode step (w->step) before which those who wait now may be admitted; not beyond w->step:
 * before the next one. `n_decode`: sequences that decode in it. */
uint64_t queue_look_step(const struct worker *w, uint32_t n_decode);
/* They may be, now. */
bool queue_look(struct worker *w, uint32_t n_decode);
/* Some were: the others wait from now. */
void queue_look_took(struct worker *w);
/* A prompt has come into the queue while `step` decode steps were done or under way. */
void queue_look_joined(struct worker *w, uint64_t step);

#endif
