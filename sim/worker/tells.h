/* What workers, and the fleet that takes them away, tell the run. What follows from it is decided
 * above this folder: by routing (routing/route.c, routing/handoff.c) and by the life of a request
 * (life.c). */
#ifndef SIM_WORKER_TELLS_H
#define SIM_WORKER_TELLS_H

#include <stdint.h>

#include "util/status.h"

struct sim;
struct worker;

/* Of a request: its prompt is done on a prefill worker, which holds the KV. */
enum status tell_prompt_done(struct sim *sim, uint32_t id);
/* Of a request that no worker holds any more: its last token is out, or none was asked for. */
enum status tell_completed(struct sim *sim, uint32_t id);
/* Of a request that no worker holds any more: its worker is gone. */
enum status tell_lost(struct sim *sim, uint32_t id);
/* Of a worker: there may be room now for prompts that are done elsewhere. Those that fit reserve
 * it. */
enum status tell_room(struct sim *sim, struct worker *w);
/* Of a rank: its load has changed. */
void tell_load(const struct worker *w);
/* Of a rank: it has a prompt less to compute. */
void tell_prompt_less(const struct worker *w);

#endif
