/* Traffic made of a recorded trace: a part of it, another plausible course of it, several copies of
 * it at once, or fewer of its requests. All of it lazily, over a table that many runs share: a run
 * takes memory for copies and blocks, not for requests.
 *
 * In this order. The *part*: the first `limit` requests, arrivals divided by `speedup`, and of
 * those the ones from from_ns up to to_ns. A part is `length` long: up to to_ns, or to its last
 * arrival when that is earlier; everything below goes round its end, so that each moment of the
 * recording counts once on average.
 *
 * *Resampled*: the time of the part is cut into blocks of block_ns, and each shows what was
 * recorded from a random start within +-within_ns of its own, ends joined. Bursts and what lies
 * between requests of one block stay as they were, days and nights too where within_ns is short
 * beside them. (The moving blocks of Kuensch, Ann. Statist. 17, 1989; round the end: Politis &
 * Romano, "A circular block-resampling procedure for stationary data", 1992; from nearby only, for
 * what is not stationary: Paparoditis & Politis, "Local block bootstrap", C. R. Acad. Sci. Paris
 * 335, 2002.) The requests of a part may be more or fewer then, and are as many on average.
 *
 * *Superposed*: ceil(scale) copies of that, copy 0 as it is, each other one shifted by a random
 * time within +-shift_ns. Of the last one, if scale has a fraction, each request is *kept* with
 * that probability. What is drawn for a copy does not depend on how many there are, nor on the
 * fraction: a larger scale adds requests to those of a smaller one.
 *
 * Prefixes. A copy has block ids of its own: its prompts hit nothing of another copy's. Within a
 * copy, ids that more than one request of the trace has (a system prompt, a conversation that goes
 * on) are what they were, wherever they end up. Those behind, which nobody hit in the recording,
 * are renamed for each block: what is drawn twice does not hit its own first drawing with them. (On
 * the Mooncake conversation trace 38.4 % of the blocks of a replicate have come before, 36.6 % of
 * those recorded; 53 % without renaming, 29 % where all of a second drawing is renamed.) */
#ifndef TRACES_TRAFFIC_H
#define TRACES_TRAFFIC_H

#include <stdbool.h>

#include "traces/trace_table.h"

struct traffic; /* opaque */

struct traffic_config {
    uint64_t limit;         /* 0 = all */
    double speedup;         /* > 0 */
    int64_t from_ns, to_ns; /* 0 <= from < to; after speedup; TIME_NEVER = to the end */
    double scale;           /* > 0, at most TRAFFIC_SCALE_MAX */
    int64_t shift_ns;       /* >= 0 */
    bool resampled;         /* the table's shared blocks have to be counted then */
    int64_t block_ns;       /* > 0 */
    int64_t within_ns;      /* >= 0 */
    uint64_t seed;          /* of all that is drawn */
};
enum { TRAFFIC_SCALE_MAX = 10000 };

/* The table must outlive it. ST_INPUT, ST_IO with the reader's message where the trace is wrong
 * before the end of what is wanted of it; ST_NOMEM. */
enum status traffic_create(struct traffic **traffic, const struct trace_table *table,
                           const struct traffic_config *config, struct diag *d);
void traffic_free(struct traffic *traffic); /* NULL is allowed */

/* Requests of the part, as recorded. */
uint64_t traffic_n_in_part(const struct traffic *traffic);
/* Nothing comes at all. */
bool traffic_is_empty(const struct traffic *traffic);

/* Arrivals count from the start of the part, which may come some time before the first of them. */
struct request_source traffic_source(struct traffic *traffic);

#endif
