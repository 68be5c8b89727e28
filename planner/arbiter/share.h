/* A budget given out replica by replica, in an order that is the arbiter's.
 *
 * First each deployment gets what it wants up to its guarantee, then whoever goes first gets its
 * next replica, until no replica that is wanted fits in what is left. So what is granted depends on
 * what is wanted now and on nothing before it, and no GPU is left while a replica that fits is
 * wanted. Within a deployment the next replica is of the pool that has the smaller part of what it
 * wants. */
#ifndef PLANNER_ARBITER_SHARE_H
#define PLANNER_ARBITER_SHARE_H

#include "planner/arbiter.h"

/* A replica that a deployment could get next. */
struct share_claim {
    const struct arbiter_deployment *deployment;
    int64_t gpus; /* what the deployment has with it */
};

/* Does `a` go before `b`? Neither before the other: the deployment that is listed first. */
typedef bool share_order(const struct share_claim *a, const struct share_claim *b);

/* As of arbiter_ops. */
enum status share_create(void **state, struct arena *arena, const struct arbiter_setup *setup,
                         share_order *goes_first, struct diag *d);
void share_out(void *state, const struct arbiter_input *input, struct arbiter_grants *grants);
/* An order: what the deployment would have then, per weight, is less. */
bool share_is_less(const struct share_claim *a, const struct share_claim *b);

#endif
