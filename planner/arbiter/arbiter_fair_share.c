/* Max-min fair by weight over what each wants, in whole replicas. */
#include "planner/arbiter/share.h"

static enum status fair_share_create(void **state, struct arena *arena,
                                     const struct arbiter_setup *setup, struct diag *d)
{
    return share_create(state, arena, setup, share_is_less, d);
}

const struct arbiter_ops arbiter_fair_share = {
    .name = "fair_share",
    .summary = "an equal share for each by its weight; what one does not want is for the others",
    .create = fair_share_create,
    .share = share_out,
};
