#include <math.h>
#include <string.h>

#include "scenarios/compose/build_internal.h"
#include "scenarios/keys/simulator.h"

/* ---- what is of the run ---- */

/* What a request may have to wait for before it moves is no stall. */
static double waits_s(const struct scenario *run, const struct scenario *sc)
{
    double s = sc->startup.delay_s + sc->startup.schedule_s + sc->startup.image_pull_s +
               sc->startup.weights_s + sc->startup.warmup_s + sc->client.timeout_s +
               sc->client.first_token_timeout_s + sc->client.backoff_s;
    if (run->failures.node_mtbf_h > 0)
        s += run->failures.node_repair_h * 3600;
    if (run->failures.spot_mtbf_h > 0)
        s += run->failures.spot_return_h * 3600;
    return s;
}

static void set_limits(struct sim_config *c, const struct scenario *sc)
{
    double stall_s = sc->limits.stall_s, longest_s = 0;

    for (size_t i = 0; i < scenario_n_deployments(sc); i++)
        longest_s = fmax(longest_s, waits_s(sc, scenario_deployment(sc, i)));
    if (isnan(stall_s))
        stall_s = 3600 + longest_s;
    c->limits = (struct run_limits){.stall_ns = ns_from_s_or_never(stall_s),
                                    .simulated_ns = ns(sc->limits.simulated_s),
                                    .events = (uint64_t)sc->limits.events};
}

static void set_config(struct sim_config *c, const struct scenario *sc)
{
    set_limits(c, sc);
    c->cluster = (struct cluster_config){
        .n_nodes = (uint32_t)sc->cluster.nodes,
        .gpus_per_node = (uint32_t)sc->cluster.gpus_per_node,
        .placement = strcmp(sc->cluster.placement, "spread") == 0 ? PLACE_SPREAD : PLACE_PACK,
        .links_per_node = (uint32_t)sc->kv_transfer.links_per_node,
    };
    c->node_mtbf_s = sc->failures.node_mtbf_h * 3600;
    c->node_repair_ns = ns_or_no_end(sc->failures.node_repair_h * 3600);
    c->spot_mtbf_s = sc->failures.spot_mtbf_h * 3600;
    c->spot_notice_ns = ns(sc->failures.spot_notice_s);
    c->spot_return_ns = ns_or_no_end(sc->failures.spot_return_h * 3600);
    c->seed = scenario_seed(sc);
    c->warmup_ns = ns(sc->span.warmup_s);
    c->duration_ns = ns_or_no_end(sc->span.duration_s);
    c->drain_ns = ns_or_no_end(sc->span.drain_s);
    c->window_ns = ns(sc->sla.window_s);
    c->sample_ns = ns(sc->output.sample_s);
}

/* ---- the cluster ---- */

/* "pool agg", "pool agg of deployment chat". */
static const char *pool_text(char text[96], const struct deployment_config *deployment,
                             const struct pool_config *pool)
{
    snprintf(text, 96, "pool %s%s%s", pool->name, *deployment->name ? " of deployment " : "",
             deployment->name);
    return text;
}

struct placing {
    const struct scenario *scenario;
    const struct cluster_config *config;
    struct cluster cluster;
    uint32_t n_placed;
    struct diag *d;
};

static enum status place_pool(struct placing *p, const struct deployment_config *deployment,
                              const struct pool_config *pool)
{
    const struct cluster_config *c = p->config;
    char text[96];

    if (!cluster_can_hold(c, (uint32_t)pool->gpus_per_worker))
        return diag_fail_at(p->d, ST_INPUT, scenario_at(p->scenario, "cluster"),
                            "a worker of %s has %d GPUs, which no node can give; expected up to "
                            "cluster.gpus_per_node (%u), or a multiple of it within cluster.nodes",
                            pool_text(text, deployment, pool), pool->gpus_per_worker,
                            c->gpus_per_node);
    /* Nodes without a limit have room for all. */
    for (int k = 0; c->n_nodes && k < pool->replicas; k++) {
        uint32_t node;
        enum status s =
            cluster_place(&p->cluster, p->n_placed++, (uint32_t)pool->gpus_per_worker, &node, p->d);
        if (!s && node == NO_NODE)
            s = diag_fail_at(p->d, ST_INPUT, scenario_at(p->scenario, "cluster.nodes"),
                             "%u nodes of %u GPUs have room for %d of the %d replicas of %s",
                             c->n_nodes, c->gpus_per_node, k, pool->replicas,
                             pool_text(text, deployment, pool));
        if (s)
            return s;
    }
    return ST_OK;
}

/* The replicas of time 0 must have their GPUs, and every other worker a chance to get some. */
static enum status check_cluster(const struct sim_config *c, const struct scenario *sc,
                                 struct diag *d)
{
    struct placing placing = {.scenario = sc, .config = &c->cluster, .d = d};

    enum status s = cluster_init(&placing.cluster, &c->cluster, d);
    for (size_t i = 0; !s && i < c->n_deployments; i++) {
        const struct deployment_config *deployment = &c->deployments[i];
        for (size_t k = 0; !s && k < deployment->n_pools; k++)
            s = place_pool(&placing, deployment, &deployment->pools[k]);
    }
    cluster_release(&placing.cluster);
    return s;
}

/* ---- the arbiter ---- */

static enum status create_arbiter(struct scenario_run *run, const struct scenario *sc,
                                  struct arena *arena, struct diag *d)
{
    const struct arbiter_ops *arbiter = arbiter_find(sc->arbiter.type);
    struct sim_config *c = &run->config;
    struct arbiter_deployment *of = ARENA_NEW(arena, c->n_deployments, struct arbiter_deployment);
    struct diag cause;

    BUG_IF(!arbiter);
    if (arbiter == &arbiter_none)
        return ST_OK;
    if (!of)
        return diag_nomem(d, "arbiter");
    for (size_t i = 0; i < c->n_deployments; i++) {
        const struct deployment_config *config = &c->deployments[i];
        const struct scenario *own = run->deployments[i].scenario;
        of[i] = (struct arbiter_deployment){.n_pools = config->n_pools,
                                            .priority = own->share.priority,
                                            .weight = own->share.weight,
                                            .guaranteed_gpus = own->share.guaranteed_gpus};
        for (size_t p = 0; p < config->n_pools; p++) {
            of[i].replicas[p] = config->pools[p].replicas;
            of[i].gpus_per_worker[p] = config->pools[p].gpus_per_worker;
        }
    }
    c->arbiter_config = (struct arbiter_config){
        .max_gpus = sc->arbiter.max_gpus ? sc->arbiter.max_gpus : ARBITER_NO_LIMIT,
        .min_gpus = sc->arbiter.min_gpus,
        .wish_ttl_s = sc->arbiter.wish_ttl_s > 0 ? sc->arbiter.wish_ttl_s : INFINITY};
    const struct arbiter_setup setup = {c->arbiter_config, c->n_deployments, of};
    diag_init(&cause);
    c->arbiter = arbiter;
    if (arbiter->create(&c->arbiter_state, arena, &setup, &cause))
        return scenario_fail_at_key(d, &cause, scenario_at(sc, "arbiter"), "arbiter");
    return ST_OK;
}

/* ---- all of it ---- */

/* Their texts where they are one. */
static void set_whole(struct scenario_run *run, const struct scenario *scenario)
{
    const struct run_info *first = &run->infos[0];

    run->whole = (struct run_info){.scenario = scenario->name,
                                   .seed = (uint64_t)scenario->seed,
                                   .arbiter = scenario->arbiter.type,
                                   .max_gpus = scenario->arbiter.max_gpus,
                                   .window_ns = first->window_ns,
                                   .measured_from_ns = first->measured_from_ns};
    for (size_t i = 0; i < run->config.n_deployments; i++) {
        if (run->infos[i].currency)
            run->whole.currency = run->infos[i].currency;
    }
    for (size_t i = 0; i < scenario->notes.n; i++)
        run->whole.notes.text[run->whole.notes.n++] = scenario->notes.text[i];
}

struct checked scenario_run_checked(struct scenario_run *run, size_t index, struct arena *arena)
{
    struct deployment_run *of = &run->deployments[index];
    const struct deployment_config *config = &run->configs[index];
    struct checked c = {.scenario = of->scenario,
                        .n_pools = config->n_pools,
                        .notes = &run->infos[index].notes,
                        .arena = arena};

    for (size_t i = 0; i < c.n_pools; i++) {
        const struct pool_config *pool = &config->pools[i];
        c.roles[i] = pool->role;
        c.profiles[i] = pool->profile;
        c.engines[i] = &of->engines[i];
        c.gpus_per_worker[i] = pool->gpus_per_worker;
    }
    return c;
}

static enum status create(struct scenario_run *run, const struct scenario *scenario,
                          struct arena *arena, struct diag *d)
{
    size_t n = scenario_n_deployments(scenario);

    *run = (struct scenario_run){.simulator = simulator_find(scenario->compat),
                                 .deployments = ARENA_NEW(arena, n, struct deployment_run),
                                 .configs = ARENA_NEW(arena, n, struct deployment_config),
                                 .infos = ARENA_NEW(arena, n, struct run_info)};
    BUG_IF(!run->simulator);
    if (!run->deployments || !run->configs || !run->infos)
        return diag_nomem(d, "run");
    for (size_t i = 0; i < n; i++)
        run->deployments[i].scenario = scenario_deployment(scenario, i);
    run->config.n_deployments = n;
    run->config.deployments = run->configs;
    set_config(&run->config, scenario);
    run->config.endpoint = scenario->endpoint.ops;
    run->config.endpoint_state = scenario->endpoint.state;
    run->config.targets = scenario->endpoint.request_targets;
    return ST_OK;
}

/* Everything about one of them that can fail once the fleets are known. */
static enum status finish_deployment(struct scenario_run *run, size_t i, struct arena *arena,
                                     struct run_resources *resources, bool share_trace,
                                     struct diag *d)
{
    enum status s = scenario_build_policy(run, i, arena, resources, share_trace, d);

    if (!s) {
        struct checked c = scenario_run_checked(run, i, arena);
        s = scenario_check(&c, d);
    }
    return s;
}

/* Of one of several, the message says which. */
static enum status of_deployment(enum status s, const struct diag *why,
                                 const struct scenario *scenario, struct diag *d)
{
    if (!s)
        return ST_OK;
    return scenario->deployment
               ? diag_fail(d, s, "%s (deployment %s)", why->text, scenario->deployment)
               : diag_fail(d, s, "%s", why->text);
}

/* Behind an endpoint, all have those of the first. */
static enum status open_requests(struct scenario_run *run, size_t i,
                                 struct run_resources *resources, bool share_trace, struct diag *d)
{
    struct deployment_run *of = &run->deployments[i];
    const struct scenario_requests *first = &run->deployments[0].requests;
    struct diag why;

    if (i > 0 && run->config.endpoint) {
        of->requests = (struct scenario_requests){.source = first->source,
                                                  .trace_format = first->trace_format};
        return ST_OK;
    }
    diag_init(&why);
    return of_deployment(
        scenario_requests_open(&of->requests, of->scenario, resources, share_trace, &why), &why,
        of->scenario, d);
}

enum status scenario_build(struct scenario_run *run, const struct scenario *scenario,
                           struct arena *arena, struct run_resources *resources, bool share_trace,
                           struct diag *d)
{
    enum status s = create(run, scenario, arena, d);
    struct diag why;

    diag_init(&why);
    for (size_t i = 0; i < run->config.n_deployments && !s; i++)
        s = of_deployment(scenario_build_deployment(run, i, arena, resources, &why), &why,
                          run->deployments[i].scenario, d);
    if (!s)
        s = check_cluster(&run->config, scenario, d);
    if (!s)
        s = create_arbiter(run, scenario, arena, d);
    for (size_t i = 0; i < run->config.n_deployments && !s; i++)
        s = of_deployment(finish_deployment(run, i, arena, resources, share_trace, &why), &why,
                          run->deployments[i].scenario, d);
    if (!s && scenario->n_deployments) {
        set_whole(run, scenario);
        s = scenario_check_figures(scenario, d);
    }
    if (!s)
        s = run->simulator->build(run, scenario, run_resources_shared(resources), d);
    for (size_t i = 0; i < run->config.n_deployments && !s; i++)
        s = open_requests(run, i, resources, share_trace, d);
    if (s)
        scenario_run_release(run);
    return s;
}

void scenario_run_release(struct scenario_run *run)
{
    for (size_t i = 0; i < run->config.n_deployments; i++) {
        struct deployment_config *config = &run->configs[i];
        scenario_requests_close(&run->deployments[i].requests);
        if (config->policy && config->policy->release)
            config->policy->release(config->policy_state);
        config->policy = NULL;
    }
}
