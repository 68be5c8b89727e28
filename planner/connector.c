#include "planner/connector.h"

#include <string.h>

#include "util/bug.h"

void connector_init(struct connector *c, enum connector_kind kind, size_t n_pools,
                    bool virtual_waits)
{
    *c = (struct connector){.kind = kind,
                            .virtual_waits = virtual_waits,
                            .n_pools = n_pools,
                            .decision_id = -1,
                            .acknowledged_id = -1,
                            .first_ignored_ns = -1};
}

bool pools_ready(const struct pool_counts *pools, size_t n_pools)
{
    for (size_t i = 0; i < n_pools; i++) {
        if (pools[i].ready != pools[i].target || pools[i].starting > 0)
            return false;
    }
    return true;
}

static bool same_targets(const struct connector *c, const struct pool_counts *pools,
                         const int *targets)
{
    for (size_t i = 0; i < c->n_pools; i++) {
        if (pools[i].target != targets[i])
            return false;
    }
    return true;
}

/* The deployment may still stand where it was before the decision reached it. */
void connector_acknowledge(struct connector *c, const struct pool_counts *pools)
{
    if (c->decision_id >= 0 && same_targets(c, pools, c->stored) && pools_ready(pools, c->n_pools))
        c->acknowledged_id = c->decision_id;
}

static enum connector_answer request_kubernetes(const struct connector *c,
                                                const struct pool_counts *pools, const int *targets)
{
    if (!pools_ready(pools, c->n_pools))
        return CONNECTOR_NOT_READY;
    return same_targets(c, pools, targets) ? CONNECTOR_UNCHANGED : CONNECTOR_SENT;
}

static enum connector_answer request_virtual(struct connector *c, int64_t now_ns,
                                             const int *targets)
{
    if (c->decision_id >= 0 && memcmp(c->stored, targets, c->n_pools * sizeof *targets) == 0)
        return CONNECTOR_UNCHANGED;
    if (c->acknowledged_id < c->decision_id) {
        if (c->first_ignored_ns < 0)
            c->first_ignored_ns = now_ns;
        if (now_ns - c->first_ignored_ns < CONNECTOR_STALE_NS)
            return CONNECTOR_PENDING;
    }
    c->first_ignored_ns = -1;
    memcpy(c->stored, targets, c->n_pools * sizeof *targets);
    c->decision_id++;
    return CONNECTOR_SENT;
}

enum connector_answer connector_request(struct connector *c, int64_t now_ns,
                                        const struct pool_counts *pools, const int *targets,
                                        bool blocking)
{
    enum connector_answer answer;

    BUG_IF(c->waiting);
    if (c->kind == CONNECTOR_KUBERNETES) {
        answer = request_kubernetes(c, pools, targets);
        c->waiting = blocking && answer != CONNECTOR_NOT_READY;
        c->next_poll_ns = now_ns + CONNECTOR_POLL_NS;
    } else {
        answer = request_virtual(c, now_ns, targets);
        c->waiting = blocking;
        c->next_poll_ns = now_ns; /* asks before it sleeps */
    }
    c->n_polls = 0;
    return answer;
}

static enum connector_poll end_wait(struct connector *c, enum connector_poll how)
{
    c->waiting = false;
    return how;
}

static enum connector_poll poll_virtual(struct connector *c, int64_t now_ns)
{
    if (c->acknowledged_id >= c->decision_id)
        return end_wait(c, CONNECTOR_DONE);
    /* With an older acknowledgement in the store, the remaining tries follow without a sleep. */
    if (c->acknowledged_id >= 0 && !c->virtual_waits)
        return end_wait(c, CONNECTOR_GAVE_UP);
    if (++c->n_polls >= CONNECTOR_MAX_POLLS)
        return end_wait(c, CONNECTOR_GAVE_UP);
    c->next_poll_ns = now_ns + CONNECTOR_POLL_NS;
    return CONNECTOR_WAITING;
}

enum connector_poll connector_poll(struct connector *c, int64_t now_ns,
                                   const struct pool_counts *pools)
{
    BUG_IF(!c->waiting);
    if (c->kind == CONNECTOR_VIRTUAL) {
        connector_acknowledge(c, pools);
        return poll_virtual(c, now_ns);
    }
    if (pools_ready(pools, c->n_pools))
        return end_wait(c, CONNECTOR_DONE);
    if (++c->n_polls >= CONNECTOR_MAX_POLLS)
        return end_wait(c, CONNECTOR_TIMEOUT);
    c->next_poll_ns = now_ns + CONNECTOR_POLL_NS;
    return CONNECTOR_WAITING;
}

const char *connector_answer_text(enum connector_answer a)
{
    switch (a) {
    case CONNECTOR_SENT:
        return "sent";
    case CONNECTOR_UNCHANGED:
        return "unchanged";
    case CONNECTOR_NOT_READY:
        return "dropped: the deployment is not ready";
    case CONNECTOR_PENDING:
        return "ignored: the decision before is not acknowledged";
    }
    return "";
}
