/* As the reference's global planner: requests one by one, approved or rejected by the total they
 * would lead to, or carried out together with earlier wishes of others (planner/fpm/arbiter.h). */
#include <inttypes.h>
#include <string.h>

#include "planner/arbiter/budget.h"
#include "planner/fpm/arbiter.h"
#include "util/units.h"

struct global {
    struct arbiter arbiter;
    size_t n_deployments;
    size_t first_pool[ARBITER_MAX_DEPLOYMENTS], n_pools[ARBITER_MAX_DEPLOYMENTS];
};

static enum status check(const struct arbiter_setup *setup, struct diag *d)
{
    const struct arbiter_config *c = &setup->config;

    if (c->min_gpus > c->max_gpus)
        return diag_fail(d, ST_INPUT,
                         "arbiter.min_gpus is %" PRId64 " and arbiter.max_gpus %" PRId64
                         "; expected no more than that",
                         c->min_gpus, c->max_gpus);
    return budget_check_start(setup, d);
}

/* A bound there is not, as the reference has it. */
enum { NO_BOUND = -1 };

static enum status global_create(void **state, struct arena *arena,
                                 const struct arbiter_setup *setup, struct diag *d)
{
    const struct arbiter_config *c = &setup->config;
    struct global *g = ARENA_NEW(arena, 1, struct global);

    if (!g)
        return diag_nomem(d, "arbiter");
    struct arbiter *a = &g->arbiter;
    a->min_gpus = c->min_gpus > 0 ? c->min_gpus : NO_BOUND;
    a->max_gpus = c->max_gpus < ARBITER_NO_LIMIT ? c->max_gpus : NO_BOUND;
    a->wish_ttl_s = c->wish_ttl_s;
    g->n_deployments = setup->n_deployments;
    for (size_t i = 0; i < setup->n_deployments; i++) {
        g->first_pool[i] = a->n_pools;
        g->n_pools[i] = setup->deployments[i].n_pools;
        for (size_t p = 0; p < g->n_pools[i]; p++) {
            a->known[a->n_pools] = true;
            a->pools[a->n_pools++] = (struct arbiter_pool){
                .deployment = (int)i, .gpus = setup->deployments[i].gpus_per_worker[p]};
        }
    }
    *state = g;
    return check(setup, d);
}

static void request(struct global *g, const struct arbiter_input *input,
                    struct arbiter_grants *grants)
{
    struct arbiter_change wanted[POLICY_MAX_POOLS];
    struct arbiter_plan plan;
    size_t asker = input->asker, n = g->n_pools[asker];

    for (size_t p = 0; p < n; p++)
        wanted[p] =
            (struct arbiter_change){g->first_pool[asker] + p, input->demands[asker].wanted[p]};
    arbiter_request(&g->arbiter, s_from_ns(input->now_ns), n, wanted, &plan);
    grants->grant[asker] = plan.n ? GRANT_AS_ASKED : GRANT_REJECTED;
    for (size_t k = 0; k < plan.n; k++) {
        size_t pool = plan.changes[k].pool, i = (size_t)g->arbiter.pools[pool].deployment;
        grants->target[i][pool - g->first_pool[i]] = (int)plan.changes[k].replicas;
        if (i != asker)
            grants->grant[i] = GRANT_PAIRED;
    }
}

static void global_share(void *state, const struct arbiter_input *input,
                         struct arbiter_grants *grants)
{
    struct global *g = state;

    for (size_t i = 0; i < g->n_deployments; i++) {
        memcpy(grants->target[i], input->demands[i].granted, sizeof grants->target[i]);
        grants->grant[i] = GRANT_UNCHANGED;
        for (size_t p = 0; p < g->n_pools[i]; p++)
            g->arbiter.pools[g->first_pool[i] + p].replicas = input->demands[i].granted[p];
    }
    if (input->asker != ARBITER_NOBODY)
        request(g, input, grants);
}

const struct arbiter_ops arbiter_global = {
    .name = "global",
    .summary = "as the reference's global planner: each request is approved, paired or rejected",
    .create = global_create,
    .share = global_share,
};
