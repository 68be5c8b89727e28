#include <math.h>
#include <string.h>

#include "scenarios/compose/build.h"
#include "scenarios/keys/simulator.h"
#include "sim/routing/router.h"
#include "util/shared.h"
#include "util/units.h"

/* Values of keys of which the reference knows some. What it has no counterpart for at all is said
 * in the table of keys. */
static enum status refuse_values(const struct scenario *sc, const struct scenario_run *run,
                                 bool straight_lines, struct diag *d)
{
    const struct deployment_config *deployment = &run->configs[0];

    if (sc->metrics.scrape_interval_s > 0)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "metrics.scrape_interval_s"),
                            "metrics.scrape_interval_s has no counterpart in the reference "
                            "simulator; with compat dynosim, expected 0");
    for (size_t i = 0; i < deployment->n_pools; i++) {
        enum pool_role role = deployment->pools[i].role;
        const char *router = deployment->pools[i].router->name,
                   *model = deployment->pools[i].engine.latency->name;
        /* Those of the profile are no key: the reference takes its tables as one engine's. */
        if (sc->pools[role].engine.data_parallel_ranks > 1)
            return diag_fail_at(d, ST_INPUT, scenario_engine_at(sc, role, "data_parallel_ranks"),
                                "engine.data_parallel_ranks has no counterpart in the reference "
                                "simulator; with compat dynosim, expected 1");
        if (strcmp(router, "round_robin") != 0 && strcmp(router, "kv_aware") != 0)
            return diag_fail_at(
                d, ST_INPUT, scenario_at(sc, "router"),
                "router '%s' is not one of the reference simulator's; with compat dynosim, "
                "expected round_robin or kv_aware",
                router);
        if (straight_lines && strcmp(model, "table") != 0 && strcmp(model, "polynomial") != 0)
            return diag_fail_at(d, ST_INPUT, scenario_engine_at(sc, role, "latency_model"),
                                "engine.latency_model '%s' is not one of the reference "
                                "simulator's; with compat dynosim, expected table or polynomial "
                                "(or compat_off [straight-line-tables])",
                                model);
    }
    return ST_OK;
}

static bool same_profile(const void *profile, const void *other)
{
    return profile == other;
}

static const void *keep_profile(struct arena *arena, const void *profile)
{
    (void)arena;
    return profile; /* is shared itself */
}

static enum status fit(void **thing, struct arena *arena, const void *profile, struct diag *d)
{
    struct dynosim_latency *latency = ARENA_NEW(arena, 1, struct dynosim_latency);

    if (!latency)
        return diag_nomem(d, "straight lines");
    *thing = latency;
    return dynosim_latency_fit(latency, arena, profile, d);
}

static enum status find_latency(struct dynosim_latency *latency, const struct profile *profile,
                                struct shared *shared, struct diag *d)
{
    static const struct shared_kind kind = {"straight lines", same_profile, keep_profile, fit,
                                            NULL};
    const void *thing;

    enum status s = shared_get(&thing, shared, &kind, profile, d);
    if (!s)
        *latency = *(const struct dynosim_latency *)thing;
    return s;
}

static enum status build_pool(struct dynosim_pool *to, const struct pool_config *from,
                              bool straight_lines, struct shared *shared, struct diag *d)
{
    to->name = from->name;
    to->role = from->role;
    to->replicas = from->replicas;
    to->gpus_per_worker = from->gpus_per_worker;
    to->startup_ns = 0;
    for (int i = 0; i < N_STARTUP_PHASES; i++)
        to->startup_ns += from->startup_phase_ns[i];
    to->routing =
        strcmp(from->router->name, "kv_aware") == 0 ? DYNOSIM_KV_ROUTER : DYNOSIM_ROUND_ROBIN;
    to->block_size_tok = from->engine.block_size_tok;
    to->kv_blocks = from->engine.kv_blocks;
    to->max_num_seqs = from->engine.max_num_seqs;
    to->max_num_batched_tokens = from->engine.max_num_batched_tokens;
    to->prefix_caching = from->engine.prefix_cache;
    to->chunked_prefill = from->engine.chunked_prefill;
    to->model = from->engine.latency;
    to->model_state = from->engine.latency_state;
    /* Without tables the reference falls back to its polynomials. */
    if (!straight_lines || strcmp(from->engine.latency->name, "polynomial") == 0)
        return ST_OK;
    return find_latency(&to->latency, from->profile, shared, d);
}

static enum status build_dynosim(struct scenario_run *run, const struct scenario *scenario,
                                 struct shared *shared, struct diag *d)
{
    const struct sim_config *c = &run->config;
    const struct deployment_config *deployment = &run->configs[0];
    struct dynosim_config *to = &run->dynosim;

    dynosim_config_init(to);
    for (size_t i = 0; i < N_DYNOSIM_SEMANTICS; i++)
        if (scenario->compat_off >> i & 1)
            *dynosim_semantic_find(&to->semantics, dynosim_semantics[i].name) = false;
    to->n_pools = deployment->n_pools;
    enum status s = refuse_values(scenario, run, to->semantics.straight_line_tables, d);
    for (size_t i = 0; i < deployment->n_pools && !s; i++)
        s = build_pool(&to->pools[i], &deployment->pools[i], to->semantics.straight_line_tables,
                       shared, d);
    for (size_t i = 0; i < deployment->n_pools; i++)
        to->pools[i].max_model_len =
            (uint32_t)scenario->pools[deployment->pools[i].role].engine.max_model_len;
    if (s)
        return s;
    to->router.overlap_credit = deployment->kv_router.overlap;
    to->router.prefill_scale = deployment->kv_router.prefill;
    to->router.request_weight = deployment->kv_router.request;
    to->router.temperature = deployment->kv_router.temperature;
    to->seed = c->seed;
    to->trace_block_tok = deployment->trace_block_tok;
    to->speedup = scenario->trace.speedup;
    /* Not set means no time there: our default bandwidth alone does not set it. */
    if (!isnan(scenario->kv_transfer.bytes_per_token)) {
        to->kv_bytes_per_token = scenario->kv_transfer.bytes_per_token;
        to->kv_bandwidth_bytes_per_s = deployment->kv_bandwidth_bytes_per_s;
    }
    to->fallback_kv_bytes_per_token = deployment->kv_bytes_per_token;
    to->fallback_kv_bandwidth_bytes_per_s = deployment->kv_bandwidth_bytes_per_s;
    to->transfer =
        scenario->kv_transfer.tokens && strcmp(scenario->kv_transfer.tokens, "missing") == 0
            ? DYNOSIM_DESTINATION_MISSING
            : DYNOSIM_WHOLE_PROMPT;
    if (strcmp(deployment->policy->name, "static") != 0) {
        to->policy = deployment->policy;
        to->policy_state = deployment->policy_state;
        to->policy_first = deployment->policy_first;
    } else if (deployment->n_pools == 1 && deployment->pools[0].replicas == 1 &&
               to->pools[0].routing == DYNOSIM_KV_ROUTER) {
        return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "router"),
                            "router 'kv_aware' needs more than one worker in the reference "
                            "simulator; with compat dynosim and pools.agg.replicas 1, expected "
                            "round_robin");
    }
    to->limits = c->limits;
    to->window_ns = c->window_ns;
    to->sample_ns = c->sample_ns;
    return ST_OK;
}

static enum status simulate_dynosim(const struct scenario_run *run, const struct observer *observer,
                                    struct run_result *results, struct diag *d)
{
    const struct scenario_requests *requests = &run->deployments[0].requests;
    struct dynosim_config config = run->dynosim;

    if (requests->trace_format && strcmp(requests->trace_format, "azure") == 0)
        config.arrival_round_ns = NS_PER_MS; /* its own traces are in whole ms */
    return dynosim_run(&config, &requests->source, observer, &results[0], d);
}

/* Its planner starts at once, its router always publishes, and it shifts, rounds and divides
 * arrivals in an order of its own. */
const struct simulator_ops simulator_dynosim = {.name = "dynosim",
                                                .takes_speedup = true,
                                                .any_router_publishes = true,
                                                .bare_engines = true,
                                                .start_delay_s = 0,
                                                .build = build_dynosim,
                                                .simulate = simulate_dynosim};
