/* The processes that run a sweep together: one, or under `mpiexec` in a build with HEADROOM_MPI all
 * that it started. Rank 0 has the folder and prints; the others ask it for runs, one at a time, and
 * send the rows. */
#ifndef STUDIES_SWEEP_RANKS_H
#define STUDIES_SWEEP_RANKS_H

#include "studies/sweep/sweep.h"

struct ranks {
    int rank, n;
};

/* Before anything else, and at the end of whatever came of it. */
void ranks_begin(struct ranks *ranks);
void ranks_end(void);

/* The first failure of any rank is that of all; ranks but 0 then have no message. Every rank calls
 * it at the same places. */
enum status ranks_agree(const struct ranks *ranks, enum status s, struct diag *d);

/* As sweep_execute, by all ranks; `journal` is NULL but on rank 0, and so is what went wrong known
 * there alone. With several ranks each runs one at a time. */
enum status ranks_execute(const struct ranks *ranks, const struct sweep *sweep,
                          struct journal *journal, const struct sweep_running *running,
                          struct diag *d);

#endif
