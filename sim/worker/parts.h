/* Where the time of each request in flight goes (record/parts.h), for runs whose observer wants it.
 *
 * A request is in one stage at a time. What happens while it is there is kept in clocks of its pool
 * and its worker, which it reads when it comes and when it goes: no call here looks at more than
 * the requests it is told of. */
#ifndef SIM_WORKER_PARTS_H
#define SIM_WORKER_PARTS_H

#include "record/line.h"
#include "sim/state/state.h"

enum stage {
    STAGE_OFF, /* between two of them: no time passes in it */
    STAGE_FRONT_END,
    STAGE_UNROUTED,
    STAGE_LINE,    /* in a worker's queue, its prompt to be computed */
    STAGE_PREFILL, /* in the batch, until its prompt is done */
    STAGE_ROOM,    /* its prompt done elsewhere: until it has room, and after its transfer until it
                      is in the batch */
    STAGE_TRANSFER,
    STAGE_DECODE,
    STAGE_PREEMPTED,
    STAGE_AWAY
};

/* Of a rank. */
struct worker_clocks {
    struct line_clock line;
    /* What steps took longer than the sequences in them alone, all steps together. */
    int64_t prompts_ns, ranks_ns;
    int64_t rank_step_ns, prompts_next_ns, ranks_next_ns; /* of the step that runs */
    double batch_area_s; /* sequences that decode, integrated over time */
    struct prompts_ahead ahead;
};

/* Of a request in flight. */
struct kept_parts {
    enum stage stage;
    int64_t since_ns;
    const struct pool *pool;     /* of the stage; NULL = none */
    const struct worker *worker; /* of the stage; NULL = none */
    int64_t own_ns; /* of a prefill: its share; of a transfer: without the wait for the link */
    /* Readings of the clocks when the stage began, of those that it needs. */
    int64_t starts_ns, gpus_ns, empty_ns, kv_ns, batch_ns, prompts_ns, ranks_ns;
    double batch_area_s;
    struct pool *in_line; /* in its line; NULL = in none */
    double decode_area_s;
    int64_t decode_ns;
    struct request_parts parts;
};

static inline bool parts_kept(const struct sim *sim)
{
    return sim->observer->wants_parts;
}
static inline struct kept_parts *parts_of(const struct sim *sim, uint32_t id)
{
    return &sim->parts[id];
}

/* It has arrived. */
enum status parts_begin(struct sim *sim, uint32_t id);
/* From now on it is in that stage, with that worker or without one. */
void parts_enter(struct sim *sim, uint32_t id, enum stage stage, const struct pool *pool,
                 const struct worker *w);
/* It starts to wait for a worker of the pool, or in line on one. */
void parts_wait_begins(struct sim *sim, uint32_t id, struct pool *pool);
/* Its wait is over. */
void parts_wait_ends(struct sim *sim, uint32_t id);
/* It begins a transfer that would take so long on a free link. */
void parts_transfer(struct sim *sim, uint32_t id, const struct worker *w, int64_t own_ns);
/* Its first token came out, which may be known only now. */
void parts_first_token(struct sim *sim, uint32_t id, int64_t at_ns);
/* All it has had was in vain. */
void parts_lost(struct sim *sim, uint32_t id);
/* The client got its first token then; -1 = it got none. */
void parts_held_back(struct sim *sim, uint32_t id, int64_t first_token_ns);
/* For its record, until now. */
const struct request_parts *parts_report(struct sim *sim, uint32_t id);

/* ---- of a worker ---- */

/* Its queue has been looked at, or has got its first. */
void parts_line(struct sim *sim, struct worker *w, enum line_reason reason);
/* A step with prompts, or of several ranks, begins: the rank by itself takes rank_ns, of which
 * prompts_ns are for the prompts in it. */
void parts_step(struct worker *w, int64_t rank_ns, int64_t prompts_ns);
/* All of them together take so long (a start from cold aside). */
void parts_step_length(struct worker *w, int64_t total_ns);
/* And has ended. */
void parts_step_ended(struct sim *sim, struct worker *w, int64_t total_ns);
/* Decode steps of an unchanged batch have ended. */
void parts_decoded(struct worker *w, int64_t total_ns);
/* As long as the slowest rank took; of that the rank by itself. */
void parts_waited(struct worker *w, int64_t total_ns, int64_t rank_ns);
/* A prompt is done on it. */
enum status parts_prompt_done(struct sim *sim, struct worker *w, uint32_t id);

#endif
