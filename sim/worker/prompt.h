/* The blocks of a prompt, by which caches find it. */
#ifndef SIM_WORKER_PROMPT_H
#define SIM_WORKER_PROMPT_H

#include "sim/state/state.h"

/* Findable blocks of the request's prompt, as the pool cuts them. Valid until the next call. */
enum status prompt_blocks(struct sim *sim, const struct pool *pool, const struct request *r,
                          struct kv_prompt *prompt);

#endif
