/* How a request for replicas travels, and when it counts as done: the reference's connectors as
 * state machines in the caller's time. (Dynamo planner 1.0.2: `kubernetes_connector.py`,
 * `virtual_connector.py`, `global_planner_connector.py`.) */
#ifndef PLANNER_CONNECTOR_H
#define PLANNER_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"

#define CONNECTOR_POLL_NS (INT64_C(10) * 1000000000)
#define CONNECTOR_STALE_NS (INT64_C(1800) * 1000000000)
enum { CONNECTOR_MAX_POLLS = 180 };

/* The global planner of this generation passes requests on to a Kubernetes connector and decides
 * nothing. */
enum connector_kind { CONNECTOR_KUBERNETES, CONNECTOR_VIRTUAL };

struct connector {
    enum connector_kind kind;
    bool virtual_waits; /* the fix */
    size_t n_pools;

    /* A blocking request that is not done. */
    bool waiting;
    int64_t next_poll_ns;
    int n_polls;

    /* Virtual: the store of decisions. */
    int64_t decision_id, acknowledged_id; /* -1 = none yet */
    int stored[POLICY_MAX_POOLS];
    int64_t first_ignored_ns; /* since when requests are ignored; -1 = none is */
};
void connector_init(struct connector *c, enum connector_kind kind, size_t n_pools,
                    bool virtual_waits);

/* Every pool has the replicas it was last asked for, and none is starting. */
bool pools_ready(const struct pool_counts *pools, size_t n_pools);

enum connector_answer {
    CONNECTOR_SENT,      /* the targets go out */
    CONNECTOR_UNCHANGED, /* sent, but nothing differs from what is asked for already */
    CONNECTOR_NOT_READY, /* Kubernetes: dropped, a rollout is in progress */
    CONNECTOR_PENDING,   /* virtual: ignored, the decision before is not acknowledged */
};
/* A new request. Must not be called while waiting. With `blocking`, c->waiting says afterwards
 * whether polls are due, the first at c->next_poll_ns. */
enum connector_answer connector_request(struct connector *c, int64_t now_ns,
                                        const struct pool_counts *pools, const int *targets,
                                        bool blocking);

enum connector_poll { CONNECTOR_WAITING, CONNECTOR_DONE, CONNECTOR_TIMEOUT, CONNECTOR_GAVE_UP };
/* At or after c->next_poll_ns. TIMEOUT is an exception in the reference (Kubernetes); GAVE_UP only
 * a warning (virtual). Both, like DONE, end the wait. */
enum connector_poll connector_poll(struct connector *c, int64_t now_ns,
                                   const struct pool_counts *pools);

/* Virtual: takes note that the deployment has reached the stored decision. Call whenever counts are
 * known. */
void connector_acknowledge(struct connector *c, const struct pool_counts *pools);

const char *connector_answer_text(enum connector_answer a);

#endif
