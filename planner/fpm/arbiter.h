/* One GPU budget for many deployments: which request is carried out, and which wishes of others
 * with it. (Dynamo planner 1.2.1, `global_planner/scale_handler.py`.) */
#ifndef PLANNER_FPM_ARBITER_H
#define PLANNER_FPM_ARBITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARBITER_MAX_POOLS = 64 };

/* A component of a deployment. */
struct arbiter_pool {
    int deployment;
    int64_t replicas, gpus; /* gpus: of one replica */
    bool has_wish;
    int64_t wish; /* what it last asked for, and when */
    double wish_s;
};

struct arbiter {
    int64_t min_gpus, max_gpus; /* of all pools; negative = no such bound */
    double wish_ttl_s;          /* 360 */
    size_t n_pools;
    struct arbiter_pool pools[ARBITER_MAX_POOLS]; /* in known order; `known` ones count */
    bool known[ARBITER_MAX_POOLS];
};

/* What a request asks of one pool. */
struct arbiter_change {
    size_t pool;
    int64_t replicas;
};

/* Which changes to carry out: the request's own first, then partners in the order in which they
 * were found. 0 of them: rejected. */
struct arbiter_plan {
    size_t n;
    struct arbiter_change changes[ARBITER_MAX_POOLS];
};

/* A request for pools of one deployment, as the wishes are kept whatever comes of it. The caller
 * carries the plan out and keeps `replicas` up to date. */
void arbiter_request(struct arbiter *a, double now_s, size_t n, const struct arbiter_change *wanted,
                     struct arbiter_plan *plan);

/* The deployments of a plan in the order of their changes: the one that frees most GPUs first, ties
 * by the plan. Returns how many; `deployments` holds ARBITER_MAX_POOLS. */
size_t arbiter_order(const struct arbiter *a, const struct arbiter_plan *plan, int *deployments);

#endif
