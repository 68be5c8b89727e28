#include "planner/arbiter/share.h"

#include <inttypes.h>
#include <string.h>

#include "planner/arbiter/budget.h"

/* ---- what is guaranteed ---- */

static int64_t guaranteed_gpus(const struct arbiter_deployment *d)
{
    int64_t gpus = 0;

    for (size_t p = 0; p < d->n_pools; p++)
        gpus += d->gpus_per_worker[p];
    return d->guaranteed_gpus < 0 ? gpus : d->guaranteed_gpus;
}

static enum status check_guarantees(const struct arbiter_setup *setup, struct diag *d)
{
    int64_t gpus = 0, max_gpus = setup->config.max_gpus;

    for (size_t i = 0; i < setup->n_deployments; i++)
        gpus += guaranteed_gpus(&setup->deployments[i]);
    if (gpus <= max_gpus)
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "%" PRId64 " GPUs are guaranteed to the deployments together, and "
                     "arbiter.max_gpus is %" PRId64 "; expected a budget that holds them",
                     gpus, max_gpus);
}

/* ---- replica by replica ---- */

struct share {
    struct arbiter_setup setup;
    share_order *goes_first;
};

/* What a deployment has been given so far. */
struct holding {
    int *target;
    int64_t gpus;
};

/* The pool whose replica comes next, of those it wants and that take at most `room` GPUs: the one
 * that has the smaller part of its wish. SIZE_MAX = none. */
static size_t next_pool(const struct arbiter_deployment *d, const struct arbiter_demand *demand,
                        const int *target, int64_t room)
{
    size_t best = SIZE_MAX;

    for (size_t p = 0; p < d->n_pools; p++) {
        if (target[p] >= demand->wanted[p] || d->gpus_per_worker[p] > room)
            continue;
        if (best == SIZE_MAX ||
            (int64_t)target[p] * demand->wanted[best] < (int64_t)target[best] * demand->wanted[p])
            best = p;
    }
    return best;
}

static void give(const struct arbiter_deployment *d, struct holding *h, size_t pool, int64_t *left)
{
    h->target[pool]++;
    h->gpus += d->gpus_per_worker[pool];
    *left -= d->gpus_per_worker[pool];
}

/* Whose replica comes next, and of which pool. false: nobody wants one that fits. `guaranteed`:
 * only within what is. */
static bool next(const struct share *s, const struct arbiter_input *input,
                 const struct holding *holdings, int64_t left, bool guaranteed, size_t *deployment,
                 size_t *pool)
{
    struct share_claim first = {0};

    for (size_t i = 0; i < s->setup.n_deployments; i++) {
        const struct arbiter_deployment *d = &s->setup.deployments[i];
        const struct holding *h = &holdings[i];
        int64_t room = guaranteed ? guaranteed_gpus(d) - h->gpus : left;
        size_t p = next_pool(d, &input->demands[i], h->target, room < left ? room : left);
        if (p == SIZE_MAX)
            continue;
        struct share_claim claim = {d, h->gpus + d->gpus_per_worker[p]};
        if (first.deployment && !s->goes_first(&claim, &first))
            continue;
        first = claim;
        *deployment = i;
        *pool = p;
    }
    return first.deployment != NULL;
}

static enum grant kind_of(const struct arbiter_demand *demand, const int *target, size_t n_pools,
                          bool asked)
{
    bool all = true, more = false, less = false;

    for (size_t p = 0; p < n_pools; p++) {
        all &= target[p] >= demand->wanted[p];
        more |= target[p] > demand->granted[p];
        less |= target[p] < demand->granted[p];
    }
    if (asked)
        return all ? GRANT_AS_ASKED : GRANT_IN_PART;
    if (less)
        return GRANT_TAKEN;
    return more ? GRANT_RETURNED : GRANT_UNCHANGED;
}

void share_out(void *state, const struct arbiter_input *input, struct arbiter_grants *grants)
{
    const struct share *s = state;
    struct holding holdings[ARBITER_MAX_DEPLOYMENTS];
    int64_t max_gpus = s->setup.config.max_gpus;
    int64_t left = max_gpus < input->nodes_gpus ? max_gpus : input->nodes_gpus;
    size_t n = s->setup.n_deployments, i = 0, p = 0;

    for (i = 0; i < n; i++) {
        memset(grants->target[i], 0, sizeof grants->target[i]);
        holdings[i] = (struct holding){grants->target[i], 0};
    }
    for (int guaranteed = 1; guaranteed >= 0; guaranteed--) {
        while (next(s, input, holdings, left, guaranteed, &i, &p))
            give(&s->setup.deployments[i], &holdings[i], p, &left);
    }
    for (i = 0; i < n; i++)
        grants->grant[i] = kind_of(&input->demands[i], grants->target[i],
                                   s->setup.deployments[i].n_pools, i == input->asker);
}

enum status share_create(void **state, struct arena *arena, const struct arbiter_setup *setup,
                         share_order *goes_first, struct diag *d)
{
    struct share *share = ARENA_NEW(arena, 1, struct share);

    if (!share)
        return diag_nomem(d, "arbiter");
    *share = (struct share){*setup, goes_first};
    *state = share;
    enum status s = budget_check_start(setup, d);
    return s ? s : check_guarantees(setup, d);
}

bool share_is_less(const struct share_claim *a, const struct share_claim *b)
{
    return (double)a->gpus * b->deployment->weight < (double)b->gpus * a->deployment->weight;
}
