#include <math.h>
#include <string.h>

#include "scenarios/build/build.h"
#include "scenarios/keys/simulator.h"
#include "sim/routing/router.h"
#include "util/units.h"

/* A key whose value the reference could not be told. */
struct unknown_key {
    bool used;
    const char *key, *expected;
};

static enum status refuse_unknown(const struct scenario *sc, const struct scenario_run *run,
                                  struct diag *d)
{
    const struct sim_config *c = &run->config;
    const struct deployment_config *deployment = &run->deployment;
    bool engine = false, ranks = false, startup = false;
    for (size_t i = 0; i < deployment->n_pools; i++) {
        const struct engine_config *e = &deployment->pools[i].engine;
        engine = engine || e->async_scheduling || e->prefill_first || e->by_priority ||
                 e->step_noise > 0 || e->n_draft_tok || e->host_kv_blocks || e->cold_start_ns ||
                 e->watermark_blocks || strcmp(e->eviction->name, "lru") != 0;
        const struct pool_config *pool = &deployment->pools[i];
        startup = startup || pool->startup_cv > 0 || pool->startup_failure > 0 ||
                  pool->image_cached_ns > 0 || pool->weights_cached_ns < TIME_NEVER ||
                  pool->weights_peer_ns < TIME_NEVER;
        /* Those of the profile are no key: the reference takes its tables as one engine's. */
        ranks = ranks || sc->pools[pool->role].engine.data_parallel_ranks > 1;
    }
    const struct unknown_key keys[] = {
        {sc->traffic.clients > 0, "traffic.clients", "0"},
        {engine, "engine",
         "none of async_scheduling, step_order, queue_order, step_noise, draft_tokens, "
         "host_kv_blocks, cold_start_ms, kv_watermark, kv_eviction"},
        {startup, "startup",
         "no cv, failure_probability, image_cached_s, weights_cached_s, weights_peer_s"},
        {c->cluster.n_nodes > 0, "cluster.nodes", "0"},
        {deployment->kv_local_bandwidth_bytes_per_s < deployment->kv_bandwidth_bytes_per_s ||
             deployment->kv_local_bandwidth_bytes_per_s > deployment->kv_bandwidth_bytes_per_s,
         "kv_transfer.local_bandwidth_gb_s", "that of bandwidth_gb_s"},
        {ranks, "engine.data_parallel_ranks", "1"},
        {deployment->view_interval_ns > 0, "router_view.interval_s", "0"},
        {deployment->holds_requests, "router_queue.threshold", "null"},
        {deployment->local_prefill_max_tok > 0, "disagg.local_prefill_max_tok", "0"},
        {deployment->max_prefill_queue > 0, "disagg.max_prefill_queue", "0"},
        {c->cluster.links_per_node > 0, "kv_transfer.links_per_node",
         "0 (or compat_off [uncontended-links])"},
        {deployment->kv_latency_ns > 0, "kv_transfer.latency_ms", "0"},
        {deployment->scale_down != SCALE_DOWN_DRAIN, "scale_down.mode", "drain"},
        {sc->metrics.scrape_interval_s > 0, "metrics.scrape_interval_s", "0"},
        {deployment->outage_ns > 0, "metrics.outage_s", "0"},
        {deployment->first_token_timeout_ns < TIME_NEVER, "client.first_token_timeout_s", "0"},
        {deployment->timeout_ns < TIME_NEVER, "client.timeout_s", "0"},
        {deployment->worker_mtbf_s > 0 || c->node_mtbf_s > 0 || c->spot_mtbf_s > 0, "failures",
         "no mtbf above 0"},
        {deployment->victim != VICTIM_NEWEST, "scale_down.victim", "newest"},
        {deployment->call_back, "scale_down.call_back", "false"},
        {c->warmup_ns > 0, "span.warmup_s", "0"},
        {c->duration_ns < TIME_NEVER, "span.duration_s", "0"},
        {c->drain_ns < TIME_NEVER, "span.drain_s", "0"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].used)
            return diag_fail_at(
                d, ST_INPUT, scenario_at(sc, keys[i].key),
                "%s has no counterpart in the reference simulator; with compat dynosim, "
                "expected %s",
                keys[i].key, keys[i].expected);
    return ST_OK;
}

static enum status build_pool(struct dynosim_pool *to, const struct pool_config *from,
                              bool straight_lines, struct arena *arena, struct diag *d)
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
    return dynosim_latency_fit(&to->latency, arena, from->profile, d);
}

static enum status build_dynosim(struct scenario_run *run, const struct scenario *scenario,
                                 struct arena *arena, struct diag *d)
{
    const struct sim_config *c = &run->config;
    const struct deployment_config *deployment = &run->deployment;
    struct dynosim_config *to = &run->dynosim;
    enum status s = refuse_unknown(scenario, run, d);
    if (s)
        return s;
    dynosim_config_init(to);
    for (size_t i = 0; i < N_DYNOSIM_SEMANTICS; i++)
        if (scenario->compat_off >> i & 1)
            *dynosim_semantic_find(&to->semantics, dynosim_semantics[i].name) = false;
    to->n_pools = deployment->n_pools;
    for (size_t i = 0; i < deployment->n_pools; i++) {
        const char *router = deployment->pools[i].router->name;
        if (strcmp(router, "round_robin") != 0 && strcmp(router, "kv_aware") != 0)
            return diag_fail_at(
                d, ST_INPUT, scenario_at(scenario, "router"),
                "router '%s' is not one of the reference simulator's; with compat dynosim, "
                "expected round_robin or kv_aware",
                router);
        s = build_pool(&to->pools[i], &deployment->pools[i], to->semantics.straight_line_tables,
                       arena, d);
        if (s)
            return s;
    }
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
                                    struct run_result *result, struct diag *d)
{
    struct dynosim_config config = run->dynosim;

    if (run->trace_format && strcmp(run->trace_format, "azure") == 0)
        config.arrival_round_ns = NS_PER_MS; /* its own traces are in whole ms */
    return dynosim_run(&config, &run->source, observer, result, d);
}

/* Its planner starts at once, its router always publishes, and it shifts, rounds and divides
 * arrivals in an order of its own. */
const struct simulator_ops simulator_dynosim = {.name = "dynosim",
                                                .takes_speedup = true,
                                                .any_router_publishes = true,
                                                .start_delay_s = 0,
                                                .build = build_dynosim,
                                                .simulate = simulate_dynosim};
