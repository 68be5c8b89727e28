#include "sim/fleet/grants.h"

#include <string.h>

bool grants_have_room(const struct sim *sim, int n_gpus)
{
    return !sim->config->arbiter ||
           sim->fleet->gpus_held + n_gpus <= sim->config->arbiter_config.max_gpus;
}

/* ---- what is wanted ---- */

/* When what was asked for and not granted is not wanted any more. */
static int64_t lapse_ns(const struct pool *pool)
{
    const struct sim_config *config = pool->deployment->sim->config;
    int64_t ttl_ns;
    if (!config->arbiter || pool->wanted_ns < 0 ||
        !ns_from_s(config->arbiter_config.wish_ttl_s, &ttl_ns))
        return TIME_NEVER;
    return ns_after(pool->wanted_ns, ttl_ns);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int without_gpus(const struct pool *pool, int wanted)
{
    int given = pool->n_ready + pool->n_starting - pool->n_pending;
    return wanted > given ? wanted - given : 0;
}

/* Of n workers' GPUs, for the part of [from, to] that is measured. */
static void add_unserved(struct pool *pool, int n, int64_t from_ns, int64_t to_ns)
{
    int64_t start_ns = pool->deployment->sim->config->warmup_ns;
    if (from_ns < start_ns)
        from_ns = start_ns;
    if (n > 0 && to_ns > from_ns)
        pool->result->unserved_gpu_s +=
            s_from_ns(to_ns - from_ns) * n * pool->config->gpus_per_worker;
}

void grants_note_unserved(struct pool *pool)
{
    int64_t now_ns = pool->deployment->sim->now_ns, since_ns = pool->unserved_since_ns;
    if (pool->n_unserved > 0) {
        int64_t lapse = lapse_ns(pool);
        int64_t until_ns = lapse < since_ns ? since_ns : lapse < now_ns ? lapse : now_ns;
        add_unserved(pool, pool->n_unserved, since_ns, until_ns);
        add_unserved(pool, pool->n_unserved_lapsed, until_ns, now_ns);
        if (now_ns > lapse)
            pool->wanted = least(pool->wanted, pool->target);
    }
    pool->unserved_since_ns = now_ns;
    pool->n_unserved = without_gpus(pool, pool->wanted);
    pool->n_unserved_lapsed = without_gpus(pool, least(pool->wanted, pool->target));
}

static void want(struct deployment *d, const int *wanted)
{
    for (size_t p = 0; p < d->config->n_pools; p++) {
        struct pool *pool = &d->pools[p];
        grants_note_unserved(pool);
        pool->wanted = wanted[p];
        pool->wanted_ns = d->sim->now_ns;
        grants_note_unserved(pool);
    }
}

/* ---- the arbiter ---- */

static struct arbiter_demand demand_of(struct deployment *d)
{
    struct arbiter_demand demand = {{0}, {0}};
    for (size_t p = 0; p < d->config->n_pools; p++) {
        struct pool *pool = &d->pools[p];
        if (d->sim->now_ns > lapse_ns(pool))
            grants_note_unserved(pool);
        demand.wanted[p] = pool->wanted;
        demand.granted[p] = pool->target;
    }
    return demand;
}

static int64_t gpus_of_nodes(const struct sim *sim)
{
    int64_t gpus = 0;
    if (sim->config->cluster.n_nodes == 0)
        return ARBITER_NO_LIMIT;
    for (uint32_t i = 0; i < sim->cluster.n_nodes; i++)
        if (sim->cluster.node[i].state == NODE_UP)
            gpus += sim->config->cluster.gpus_per_node;
    return gpus;
}

static enum status tell_grant(struct deployment *d, size_t asker,
                              const struct arbiter_demand *demand,
                              const struct arbiter_grants *grants)
{
    const struct observer *observer = d->sim->observer;
    struct grant_record record = {
        .at_ns = d->sim->now_ns,
        .deployment = d->index,
        .asker = asker,
        .grant = grants->grant[d->index],
        .n_pools = d->config->n_pools,
    };
    if (!observer->grant || (record.grant == GRANT_UNCHANGED && d->index != asker))
        return ST_OK;
    memcpy(record.wanted, demand->wanted, sizeof record.wanted);
    memcpy(record.before, demand->granted, sizeof record.before);
    memcpy(record.granted, grants->target[d->index], sizeof record.granted);
    return observer->grant(observer->context, &record, d->sim->diag);
}

/* Of a deployment that did not ask: the targets that go up, or those that go down. */
static enum status move_targets(struct deployment *d, const int *target, bool up)
{
    enum status s = ST_OK;
    for (size_t p = 0; !s && p < d->config->n_pools; p++)
        if (up ? target[p] > d->pools[p].target : target[p] < d->pools[p].target)
            s = fleet_scale(d->sim, &d->pools[p], target[p]);
    return s;
}

static enum status share(struct sim *sim, size_t asker, enum grant *grant)
{
    struct arbiter_demand demands[MAX_DEPLOYMENTS];
    struct arbiter_grants grants;
    struct arbiter_input input = {
        .now_ns = sim->now_ns,
        .asker = asker,
        .nodes_gpus = gpus_of_nodes(sim),
        .demands = demands,
    };
    enum status s = ST_OK;
    for (size_t i = 0; i < sim->n_deployments; i++)
        demands[i] = demand_of(&sim->deployments[i]);
    sim->config->arbiter->share(sim->config->arbiter_state, &input, &grants);
    for (int up = 0; up < 2; up++) {
        for (size_t i = 0; !s && i < sim->n_deployments; i++)
            if (i != asker)
                s = move_targets(&sim->deployments[i], grants.target[i], up);
        for (size_t p = 0;
             !s && !up && asker != ARBITER_NOBODY && p < sim->deployments[asker].config->n_pools;
             p++)
            s = fleet_scale(sim, &sim->deployments[asker].pools[p], grants.target[asker][p]);
    }
    for (size_t i = 0; !s && i < sim->n_deployments; i++)
        s = tell_grant(&sim->deployments[i], asker, &demands[i], &grants);
    if (grant)
        *grant = grants.grant[asker];
    return s;
}

enum status grants_ask(struct deployment *d, const int *wanted, enum grant *grant)
{
    enum status s = ST_OK;
    want(d, wanted);
    if (d->sim->config->arbiter)
        return share(d->sim, d->index, grant);
    for (size_t p = 0; !s && p < d->config->n_pools; p++)
        s = fleet_scale(d->sim, &d->pools[p], wanted[p]);
    return s;
}

enum status grants_review(struct sim *sim)
{
    return sim->config->arbiter ? share(sim, ARBITER_NOBODY, NULL) : ST_OK;
}
