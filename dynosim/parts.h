/* Where the time of each request in flight goes (record/parts.h), for runs whose observer wants it:
 * stages and clocks as in sim/worker/parts.h, which has the reasons. */
#ifndef DYNOSIM_PARTS_H
#define DYNOSIM_PARTS_H

#include "record/line.h"
#include "record/pool_clock.h"
#include "util/status.h"

struct dyno_run;
struct dyno_pool;
struct dyno_worker;

enum dyno_stage {
    DYNO_STAGE_OFF,      /* between two of them: no time passes in it */
    DYNO_STAGE_UNROUTED, /* no worker was ready */
    DYNO_STAGE_LINE,
    DYNO_STAGE_PREFILL,
    DYNO_STAGE_ROOM, /* its prompt done elsewhere: for room, and for the pass that takes it up */
    DYNO_STAGE_TRANSFER,
    DYNO_STAGE_DECODE, /* also on a prefill worker that makes more than one token */
    DYNO_STAGE_PREEMPTED
};

/* Of a worker. */
struct dyno_clocks {
    struct line_clock line;
    int64_t prompts_ns;      /* what passes took longer than the sequences in them alone */
    int64_t pass_prompts_ns; /* the same of the pass that runs */
    double batch_area_s;     /* sequences that decode, integrated over time */
    struct prompts_ahead ahead;
};

/* Of a request. */
struct dyno_kept {
    enum dyno_stage stage;
    int64_t since_ns;
    const struct dyno_pool *pool;     /* of the stage; NULL = none */
    const struct dyno_worker *worker; /* of the stage; NULL = none */
    int64_t own_ns;                   /* of a prefill: its share; of a transfer: its length */
    int64_t starts_ns, empty_ns, kv_ns, batch_ns, prompts_ns; /* clocks when the stage began */
    double batch_area_s;
    struct dyno_pool *in_line; /* in its line; NULL = in none */
    double decode_area_s;
    int64_t decode_ns;
    struct request_parts parts;
};

/* ---- of a request: nothing is done in a run that keeps no parts ---- */

enum status dyno_parts_begin(struct dyno_run *run, uint32_t id);
void dyno_parts_enter(struct dyno_run *run, uint32_t id, enum dyno_stage stage,
                      const struct dyno_pool *pool, const struct dyno_worker *w);
/* It starts to wait for a worker of the pool, or in line on one; its wait is over. */
void dyno_parts_wait_begins(struct dyno_run *run, uint32_t id, struct dyno_pool *pool);
void dyno_parts_wait_ends(struct dyno_run *run, uint32_t id);
/* A transfer of that length begins at once, or when the link is free. */
void dyno_parts_transfer(struct dyno_run *run, uint32_t id, const struct dyno_worker *w,
                         int64_t own_ns);
/* A pass has taken it up. */
void dyno_parts_admitted(struct dyno_run *run, uint32_t id, const struct dyno_worker *w);
/* A pass has made a token for it: the prompt, or what was lost of it, is computed. */
enum status dyno_parts_token(struct dyno_run *run, uint32_t id, struct dyno_worker *w);
void dyno_parts_first_token(struct dyno_run *run, uint32_t id);
/* For its record, until now; NULL = the run keeps none. */
const struct request_parts *dyno_parts_report(struct dyno_run *run, uint32_t id);

/* ---- of a pool and a worker ---- */

void dyno_parts_workers(struct dyno_run *run, struct dyno_pool *pool); /* their number changed */
void dyno_parts_line(struct dyno_run *run, struct dyno_worker *w, enum line_reason reason);
/* Before those that are done leave it. */
void dyno_parts_pass_ended(struct dyno_run *run, struct dyno_worker *w);

#endif
