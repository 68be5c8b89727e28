/* The more urgent deployment gets what it wants; those of one priority share fairly. */
#include "planner/arbiter/share.h"

static bool is_more_urgent(const struct share_claim *a, const struct share_claim *b)
{
    if (a->deployment->priority != b->deployment->priority)
        return a->deployment->priority < b->deployment->priority;
    return share_is_less(a, b);
}

static enum status priority_create(void **state, struct arena *arena,
                                   const struct arbiter_setup *setup, struct diag *d)
{
    return share_create(state, arena, setup, is_more_urgent, d);
}

const struct arbiter_ops arbiter_priority = {
    .name = "priority",
    .summary = "the most urgent gets what it wants, down to what is guaranteed to the others",
    .create = priority_create,
    .share = share_out,
};
