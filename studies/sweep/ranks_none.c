#include "studies/sweep/ranks.h"

void ranks_begin(struct ranks *ranks)
{
    *ranks = (struct ranks){0, 1};
}

void ranks_end(void)
{
}

enum status ranks_agree(const struct ranks *ranks, enum status s, struct diag *d)
{
    (void)ranks, (void)d;
    return s;
}

enum status ranks_execute(const struct ranks *ranks, const struct sweep *sweep,
                          struct journal *journal, const struct sweep_running *running,
                          struct diag *d)
{
    (void)ranks;
    return sweep_execute(sweep, journal, running, d);
}
