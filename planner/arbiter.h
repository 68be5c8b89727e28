/* Who gets GPUs when several deployments share one budget.
 *
 * Policies say how many replicas they want; an arbiter says how many of them they are granted: the
 * targets of all pools together. As a policy it has no clock, does no I/O and keeps no globals. One
 * arbiter is one file ending in one const table; `arbiters` is the only registry.
 *
 * What every arbiter keeps to, and what its caller does for it:
 *   - Targets, each replica at its GPUs, are together at most max_gpus whenever they were so before
 *     (at the start they are, or `create` fails).
 *   - A worker holds its GPUs while it starts, is ready, and drains. So GPUs that were taken from
 * one deployment come back later than another is granted them: the caller lets a worker that is
 *     granted wait until GPUs are free within max_gpus. At no instant are more than max_gpus held.
 *   - What a deployment wants is kept by the caller and brought at every call, so whoever was
 * denied is thought of again when another asks for less, or when nodes appear. What was asked for
 * more than wish_ttl_s ago and not granted is not wanted any more; nor is it by a policy that asked
 *     for something else since. Replicas of the start, until a policy asks, are wanted for good. */
#ifndef PLANNER_ARBITER_H
#define PLANNER_ARBITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "util/arena.h"
#include "util/status.h"

enum { ARBITER_MAX_DEPLOYMENTS = 32 };

#define ARBITER_NO_LIMIT INT64_MAX
#define ARBITER_NOBODY SIZE_MAX

/* identifier, text in outputs, meaning */
#define GRANT_MAP(XX)                                                                              \
    XX(UNCHANGED, "unchanged", "nothing was asked for it and nothing changes")                     \
    XX(AS_ASKED, "as_asked", "all that was asked for")                                             \
    XX(IN_PART, "in_part", "less than was asked for: others go first, or have their share")        \
    XX(REJECTED, "rejected", "the total would leave the budget: it stays as it was")               \
    XX(PAIRED, "paired", "an earlier wish, together with the request of another deployment")       \
    XX(TAKEN, "taken", "GPUs given up for a deployment that goes first, or for want of nodes")     \
    XX(RETURNED, "returned", "GPUs that were wanted before and have come free")

enum grant {
#define XX(id, name, text) GRANT_##id,
    GRANT_MAP(XX)
#undef XX
        N_GRANTS
};
const char *grant_name(enum grant g);
const char *grant_text(enum grant g); /* what it means */

/* What all deployments hold together, whoever arbitrates. */
struct arbiter_config {
    int64_t max_gpus;  /* > 0, or ARBITER_NO_LIMIT */
    int64_t min_gpus;  /* of arbiter_global; >= 0 */
    double wish_ttl_s; /* > 0; INFINITY = wishes do not lapse */
};

/* One deployment, as the user has it. */
struct arbiter_deployment {
    size_t n_pools;
    int replicas[POLICY_MAX_POOLS]; /* at the start */
    int gpus_per_worker[POLICY_MAX_POOLS];
    int64_t priority; /* lower goes first, as among requests */
    double weight;    /* > 0 */
    /* GPUs it has before any other has more than its own; negative = one worker of each pool. */
    int64_t guaranteed_gpus;
};

struct arbiter_setup {
    struct arbiter_config config;
    size_t n_deployments;                         /* 1 to ARBITER_MAX_DEPLOYMENTS */
    const struct arbiter_deployment *deployments; /* borrowed for as long as the arbiter is used */
};

/* Replicas of the pools of one deployment. */
struct arbiter_demand {
    int wanted[POLICY_MAX_POOLS];
    int granted[POLICY_MAX_POOLS]; /* its targets until now */
};

struct arbiter_input {
    int64_t now_ns;
    size_t asker; /* the deployment whose policy asks; ARBITER_NOBODY: other nodes are there */
    int64_t nodes_gpus; /* of all nodes that are up, used or not; ARBITER_NO_LIMIT */
    const struct arbiter_demand *demands; /* of each deployment, in the order of the setup */
};

/* Of each deployment. */
struct arbiter_grants {
    int target[ARBITER_MAX_DEPLOYMENTS][POLICY_MAX_POOLS];
    enum grant grant[ARBITER_MAX_DEPLOYMENTS];
};

struct arbiter_ops {
    const char *name;    /* what the user types as arbiter.type */
    const char *summary; /* one line */

    /* Builds the state in the arena. ST_INPUT: the budget cannot hold what is to be there at the
     * start, or what is guaranteed. */
    enum status (*create)(void **state, struct arena *arena, const struct arbiter_setup *setup,
                          struct diag *d);
    /* Fills the grants of all deployments. */
    void (*share)(void *state, const struct arbiter_input *input, struct arbiter_grants *grants);
};

extern const struct arbiter_ops arbiter_none, arbiter_global, arbiter_priority, arbiter_fair_share;

/* All arbiters, ended by NULL; the first is the one of whoever names none. */
extern const struct arbiter_ops *const arbiters[];
const struct arbiter_ops *arbiter_find(const char *name); /* NULL when unknown */

#endif
