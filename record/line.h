/* Requests in line, as the parts of their time need it (parts.h), for both simulators: in a pool,
 * since when they are more than its workers; on a worker, why the first of them is not in its
 * batch, and which prompts were computed before it. */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "record/parts.h"
#include "util/status.h"

/* Of a pool. Begins as pool_line_empty. */
struct pool_line {
    uint32_t n;         /* requests that wait for one of its workers, or in line on one */
    int64_t backlog_ns; /* since when they are more than its workers; -1 = they are not */
};

static const struct pool_line pool_line_empty = {0, -1};

/* After a change of n or of the workers. */
static inline void pool_line_note(struct pool_line *line, uint32_t n_workers, int64_t now_ns)
{
    if (line->n <= n_workers)
        line->backlog_ns = -1;
    else if (line->backlog_ns < 0)
        line->backlog_ns = now_ns;
}

/* A request comes: its wait begins. */
void pool_line_join(struct pool_line *line, struct pool_wait *wait, uint32_t n_workers,
                    int64_t now_ns);
/* And goes: its wait is over at `to_ns`, or -1 where it was not taken up. */
void pool_line_leave(struct pool_line *line, struct pool_wait *wait, uint32_t n_workers,
                     int64_t to_ns, int64_t now_ns);

/* Why the first in a worker's queue is not in its batch. */
enum line_reason {
    LINE_MOVES, /* nothing holds it but those before it */
    LINE_KV,
    LINE_BATCH,
    N_LINE_REASONS
};

/* How long it was for each reason, on the settled time of its pool (pool_clock.h). */
struct line_clock {
    enum line_reason reason;
    int64_t since_ns;
    int64_t total_ns[N_LINE_REASONS]; /* until since_ns */
};

static inline void line_clock_set(struct line_clock *c, enum line_reason reason, int64_t settled_ns)
{
    c->total_ns[c->reason] += settled_ns - c->since_ns;
    c->since_ns = settled_ns;
    c->reason = reason;
}

static inline int64_t line_clock_ns(const struct line_clock *c, enum line_reason reason,
                                    int64_t settled_ns)
{
    return c->total_ns[reason] + (c->reason == reason ? settled_ns - c->since_ns : 0);
}

/* A prompt that was computed on a worker, for those behind it. */
struct prompt_ahead {
    int64_t done_ns, own_ns; /* when; its share of the steps that computed it */
    uint64_t request;        /* position in the trace; UINT64_MAX = none */
    uint32_t isl_tok;
};

/* Prompts done on a worker since its queue was last empty, those left out that a later one exceeds:
 * the longest since a moment is the first after it. All zero: none. */
struct prompts_ahead {
    struct prompt_ahead *at; /* owned, to be freed */
    size_t n, capacity;
};

enum status prompts_ahead_add(struct prompts_ahead *list, struct prompt_ahead done,
                              bool anyone_waits, struct diag *d);
/* The longest after `from_ns`. */
struct prompt_ahead prompts_ahead_since(const struct prompts_ahead *list, int64_t from_ns);
/* A prompt that is not done yet may have had more than `most`. */
static inline void prompt_ahead_raise(struct prompt_ahead *most, int64_t own_ns, uint64_t request,
                                      uint32_t isl_tok)
{
    if (own_ns > most->own_ns)
        *most = (struct prompt_ahead){.own_ns = own_ns, .request = request, .isl_tok = isl_tok};
}
/* It is what the wait was for, until now; of what it took no more than the wait was long. */
void pool_wait_set_ahead(struct pool_wait *wait, const struct prompt_ahead *most, int64_t now_ns);

#endif
