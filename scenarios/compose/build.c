#include "scenarios/compose/build.h"

#include <math.h>
#include <string.h>

#include "engines/latency/latency.h"
#include "engines/latency/latency_scaled.h"
#include "engines/profile/profile_gpus.h"
#include "scenarios/compose/build_internal.h"
#include "scenarios/keys/overheads.h"
#include "scenarios/keys/simulator.h"
#include "sim/routing/endpoint_grid.h"
#include "sim/routing/router.h"
#include "util/bug.h"

/* KV bytes per token of an 8B model (32 layers, 8 heads of 128, two bytes): where nothing is said.
 */
static const double kv_bytes_per_token_unsaid = 131072;

struct builder {
    struct scenario_run *run;
    const struct scenario *scenario; /* of the deployment */
    struct deployment_run *of;
    struct deployment_config *config;
    struct run_info *info;
    struct arena *arena;
    struct run_resources *resources;
    struct diag *d;
    size_t n_pools;
    enum pool_role roles[POLICY_MAX_POOLS];
};

static const struct pool_settings *settings(const struct builder *b, size_t i)
{
    return &b->scenario->pools[b->roles[i]];
}

static const struct engine_settings *engine_of(const struct builder *b, size_t i)
{
    return &b->of->engines[i];
}

static void choose_pools(struct builder *b)
{
    for (size_t role = 0; role < 3; role++) {
        if (b->scenario->pools[role].present)
            b->roles[b->n_pools++] = (enum pool_role)role;
    }
}

enum status scenario_fail_at_key(struct diag *d, const struct diag *cause, struct source_pos at,
                                 const char *key)
{
    return diag_fail_at(d, cause->status, at, "%s: %s", key, cause->text);
}

static const char *const profile_keys[3] = {[POOL_AGG] = "engine.profile",
                                            [POOL_PREFILL] = "engine.profile of pool prefill",
                                            [POOL_DECODE] = "engine.profile of pool decode"};

static struct profile_source source_of(const struct scenario *scenario, enum pool_role role)
{
    const struct engine_settings *e = &scenario->pools[role].engine;

    return (struct profile_source){
        .name = {e->profile[0], e->profile[1]}, .tp = e->tp, .max_kv_tokens = e->max_kv_tokens};
}

/* Pools share a profile that does for both. Else prefill workers can do with the prefill half, and
 * decode workers, whose own files may lack one, take theirs from there. */
enum status scenario_load_profile(const struct scenario *scenario, enum pool_role role,
                                  struct run_resources *resources, const struct profile **profile,
                                  struct diag *d)
{
    const struct profile_source whole = source_of(scenario, role);
    struct profile_source prefill = source_of(scenario, POOL_PREFILL), own = whole;
    struct diag cause;

    diag_init(&cause);
    enum status s = run_resources_profile(resources, &whole, profile, &cause);
    bool fits = !s && (role != POOL_PREFILL || profile_halves_agree(*profile));
    if (!fits && role != POOL_AGG) {
        own.prefill_only = role == POOL_PREFILL;
        own.prefill_from = role == POOL_DECODE ? &prefill : NULL;
        diag_init(&cause);
        s = run_resources_profile(resources, &own, profile, &cause);
    }
    if (s)
        return scenario_fail_at_key(d, &cause, scenario_engine_at(scenario, role, "profile"),
                                    profile_keys[role]);
    return ST_OK;
}

/* vLLM's default of cuda_graph_sizes. */
static int64_t captured_tok(int64_t max_num_seqs)
{
    return max_num_seqs > 256 ? 512 : 2 * max_num_seqs;
}

static enum status scale_latency(struct builder *b, struct engine_config *engine,
                                 const struct engine_settings *e, uint32_t max_num_seqs)
{
    if (e->prompt_factor == 1 && e->decode_factor == 1)
        return ST_OK;
    enum status s = latency_scaled_create(&engine->latency_state, b->arena, engine->latency,
                                          engine->latency_state, max_num_seqs, e->prompt_factor,
                                          e->decode_factor, b->d);
    engine->latency = &latency_scaled;
    return s;
}

static enum status create_latency(struct builder *b, size_t i)
{
    struct pool_config *pool = &b->config->pools[i];
    const struct engine_settings *e = engine_of(b, i);
    /* A sequence that drafts reads as several to the model, but is one to the host. */
    int64_t tokens_per_seq = 1 + e->draft_tokens;
    const double graph_tokens =
        (double)(e->graph_tokens ? e->graph_tokens : captured_tok(e->max_num_seqs));
    const struct latency_config config = {
        .max_num_seqs = (uint32_t)(e->max_num_seqs * tokens_per_seq),
        .host_ms_per_step = e->host_ms_per_step,
        .host_us_per_seq = e->host_us_per_seq / (double)tokens_per_seq,
        .step_factor = e->step_factor,
        .fixed_factor = e->fixed_factor,
        .token_factor = e->token_factor,
        .decode_attention_factor = e->decode_attention_factor,
        .prefill_attention_factor = e->prefill_attention_factor,
        .graph_tokens = graph_tokens,
        .eager_step_ms = e->eager_step_ms,
        .padded_tokens = strcmp(e->graph_padding, "true") == 0 ? graph_tokens : 0,
    };
    struct diag cause;

    pool->engine.latency = latency_model_find(e->latency_model);
    BUG_IF(!pool->engine.latency);
    diag_init(&cause);
    if (run_resources_latency(b->resources, pool->engine.latency, pool->profile, &config,
                              &pool->engine.latency_state, &cause))
        return scenario_fail_at_key(b->d, &cause,
                                    scenario_engine_at(b->scenario, b->roles[i], "latency_model"),
                                    "engine.latency_model");
    return scale_latency(b, &pool->engine, e, config.max_num_seqs);
}

static enum status set_kv_blocks(struct builder *b, size_t i)
{
    struct pool_config *pool = &b->config->pools[i];
    const struct engine_settings *e = engine_of(b, i);
    int64_t blocks = e->kv_blocks;

    if (blocks == 0)
        blocks = (int64_t)(e->kv_capacity_factor * (double)pool->profile->max_kv_tokens) /
                 e->block_size_tok;
    if (blocks < 1 || blocks > UINT32_MAX)
        return diag_fail_at(b->d, ST_INPUT,
                            scenario_engine_at(b->scenario, b->roles[i], "block_size_tok"),
                            "the profile holds %lld KV tokens, which is %lld blocks of "
                            "engine.block_size_tok %lld; expected 1 to %lld",
                            (long long)pool->profile->max_kv_tokens, (long long)blocks,
                            (long long)e->block_size_tok, (long long)UINT32_MAX);
    pool->engine.kv_blocks = (uint32_t)blocks;
    pool->engine.watermark_blocks = (uint32_t)ceil(e->kv_watermark * (double)blocks);
    return ST_OK;
}

static enum status set_ranks(struct builder *b, size_t i)
{
    struct pool_config *pool = &b->config->pools[i];
    int64_t ranks = engine_of(b, i)->data_parallel_ranks;

    if (ranks == 0)
        ranks = pool->profile->dp;
    if (ranks < 1 || ranks > MAX_RANKS || ranks > pool->engine.kv_blocks)
        return diag_fail_at(b->d, ST_INPUT,
                            scenario_engine_at(b->scenario, b->roles[i], "data_parallel_ranks"),
                            "%lld data-parallel ranks over %lld KV blocks; expected 1 to %d ranks, "
                            "each with a block",
                            (long long)ranks, (long long)pool->engine.kv_blocks, MAX_RANKS);
    pool->engine.n_ranks = (uint32_t)ranks;
    return ST_OK;
}

static void set_startup(struct builder *b, struct pool_config *pool)
{
    const struct scenario *sc = b->scenario;

    pool->startup_phase_ns[STARTUP_DELAY] = ns(sc->startup.delay_s);
    pool->startup_phase_ns[STARTUP_SCHEDULE] = ns(sc->startup.schedule_s);
    pool->startup_phase_ns[STARTUP_IMAGE_PULL] = ns(sc->startup.image_pull_s);
    pool->startup_phase_ns[STARTUP_WEIGHTS] = ns(sc->startup.weights_s);
    pool->startup_phase_ns[STARTUP_WARMUP] = ns(sc->startup.warmup_s);
    pool->image_cached_ns = ns(sc->startup.image_cached_s);
    pool->weights_cached_ns =
        isnan(sc->startup.weights_cached_s) ? TIME_NEVER : ns(sc->startup.weights_cached_s);
    pool->weights_peer_ns =
        isnan(sc->startup.weights_peer_s) ? TIME_NEVER : ns(sc->startup.weights_peer_s);
    pool->startup_cv = sc->startup.cv;
    pool->startup_failure = sc->startup.failure_probability;
    pool->startup_retry_ns = ns(sc->startup.retry_s);
}

/* Blocks of a single token, which SGLang has, would take long to simulate and tell nothing. */
static int64_t block_tok_of(const struct profile *profile, bool bare)
{
    enum { UNSAID = 128, LEAST = 16 };

    if (bare || profile->block_size_tok == 0)
        return UNSAID;
    return profile->block_size_tok < LEAST ? LEAST : profile->block_size_tok;
}

static enum status build_pool(struct builder *b, size_t i)
{
    struct pool_config *pool = &b->config->pools[i];
    const struct pool_settings *p = settings(b, i);
    const struct engine_settings *e = engine_of(b, i);
    int64_t gpus;

    enum status s =
        scenario_load_profile(b->scenario, b->roles[i], b->resources, &pool->profile, b->d);
    if (!s)
        s = scenario_worker_gpus(&gpus, b->scenario, b->roles[i], pool->profile, b->d);
    if (!s) {
        b->of->engines[i] = p->engine;
        if (p->engine.block_size_tok == 0)
            b->of->engines[i].block_size_tok =
                block_tok_of(pool->profile, simulator_find(b->scenario->compat)->bare_engines);
        s = overheads_resolve(&b->of->engines[i], &b->of->overheads[i], b->arena,
                              run_resources_shared(b->resources), b->scenario, b->roles[i],
                              pool->profile, b->d);
    }
    if (s)
        return s;
    pool->name = pool_role_names[b->roles[i]];
    pool->role = b->roles[i];
    pool->replicas = (int)p->replicas;
    pool->gpus_per_worker = (int)gpus;
    pool->router = router_find(p->router ? p->router : b->scenario->router);
    BUG_IF(!pool->router);
    set_startup(b, pool);
    pool->engine.block_size_tok = (uint32_t)e->block_size_tok;
    pool->engine.max_num_seqs = (uint32_t)e->max_num_seqs;
    pool->engine.max_num_batched_tokens = (uint32_t)e->max_num_batched_tokens;
    pool->engine.chunked_prefill = e->chunked_prefill;
    pool->engine.async_scheduling = strcmp(e->async_scheduling, "true") == 0;
    pool->engine.prefill_first = strcmp(e->step_order, "prefill_first") == 0;
    pool->engine.by_priority = strcmp(e->queue_order, "priority") == 0;
    pool->engine.queue_look_steps = (uint32_t)e->queue_look_steps;
    pool->engine.batch_wait_steps = (uint32_t)e->batch_wait_steps;
    pool->engine.batch_wait_share = e->batch_wait_share;
    pool->engine.prompt_step_least_ms = e->prompt_factor * e->prompt_step_least_ms;
    pool->engine.step_noise = e->step_noise;
    pool->engine.n_draft_tok = (uint32_t)e->draft_tokens;
    pool->engine.draft_acceptance = e->draft_acceptance;
    pool->engine.draft_ms = e->draft_ms;
    pool->engine.prefix_cache = e->prefix_cache;
    pool->engine.eviction = kv_eviction_find(e->kv_eviction);
    BUG_IF(!pool->engine.eviction);
    pool->engine.cold_start_ns = ns_of_ms(e->cold_start_ms);
    s = set_kv_blocks(b, i);
    if (!s)
        s = set_ranks(b, i);
    return s ? s : create_latency(b, i);
}

static void set_transfer(struct builder *b)
{
    struct deployment_config *c = b->config;
    double bytes = b->scenario->kv_transfer.bytes_per_token;

    if (isnan(bytes))
        bytes = c->pools[0].profile->kv_bytes_per_token;
    c->kv_bytes_per_token = bytes > 0 || !isnan(b->scenario->kv_transfer.bytes_per_token)
                                ? bytes
                                : kv_bytes_per_token_unsaid;
    for (size_t i = 0; i < b->n_pools; i++) {
        struct engine_config *engine = &c->pools[i].engine;
        engine->host_kv_blocks = (uint32_t)engine_of(b, i)->host_kv_blocks;
        engine->host_bandwidth_bytes_per_s = engine_of(b, i)->host_bandwidth_gb_s * 1e9;
        engine->kv_bytes_per_token = c->kv_bytes_per_token;
    }
    c->kv_bandwidth_bytes_per_s = b->scenario->kv_transfer.bandwidth_gb_s * 1e9;
    double local_gb_s = b->scenario->kv_transfer.local_bandwidth_gb_s;
    c->kv_local_bandwidth_bytes_per_s =
        isnan(local_gb_s) ? c->kv_bandwidth_bytes_per_s : local_gb_s * 1e9;
    c->kv_send_whole_prompt =
        b->scenario->kv_transfer.tokens && strcmp(b->scenario->kv_transfer.tokens, "prompt") == 0;
    c->kv_latency_ns = ns_of_ms(b->scenario->kv_transfer.latency_ms);
}

static void set_front_end(struct builder *b)
{
    struct deployment_config *c = b->config;
    const struct engine_settings *entry = engine_of(b, 0), *exit = engine_of(b, b->n_pools - 1);

    /* At most what frontend_ms can be by itself: the clock goes no further. */
    c->frontend_ns = ns_of_ms(fmin(entry->prompt_factor * entry->frontend_ms, 1e12));
    c->frontend_ns_per_tok = entry->prompt_factor * entry->frontend_us_per_tok * 1e3;
    c->stream_interval_tok = (uint32_t)exit->stream_interval;
}

static void set_routing(struct builder *b)
{
    const struct scenario *sc = b->scenario;
    struct deployment_config *c = b->config;

    c->kv_router = (struct kv_router_weights){.overlap = sc->kv_router.overlap_weight,
                                              .prefill = sc->kv_router.prefill_weight,
                                              .request = sc->kv_router.request_weight,
                                              .temperature = sc->kv_router.temperature};
    c->view_interval_ns = ns(sc->router_view.interval_s);
    c->view_counts_own = sc->router_view.own_requests;
    c->holds_requests = !isnan(sc->router_queue.threshold);
    c->hold_threshold = c->holds_requests ? sc->router_queue.threshold : 0;
    c->hold_order = strcmp(sc->router_queue.order, "shortest_first") == 0 ? HOLD_SHORTEST
                    : strcmp(sc->router_queue.order, "priority") == 0     ? HOLD_PRIORITY
                                                                          : HOLD_FCFS;
    c->local_prefill_max_tok = (uint32_t)sc->disagg.local_prefill_max_tok;
    c->max_prefill_queue = (uint32_t)sc->disagg.max_prefill_queue;
}

static void set_metrics(struct builder *b)
{
    const struct scenario *sc = b->scenario;
    struct deployment_config *c = b->config;
    double interval_s = sc->metrics.scrape_interval_s;

    c->idle_workers_publish = sc->metrics.idle_workers;
    c->any_router_publishes = sc->metrics.any_router;
    c->scrape_interval_ns = ns(isnan(interval_s) ? 5 : interval_s);
    c->outage_at_ns = ns(sc->metrics.outage_at_s);
    c->outage_ns = ns(sc->metrics.outage_s);
}

static void set_rest(struct builder *b)
{
    const struct scenario *sc = b->scenario;
    struct deployment_config *c = b->config;

    set_front_end(b);
    set_routing(b);
    set_transfer(b);
    set_metrics(b);
    c->scale_down =
        strcmp(sc->scale_down.mode, "terminate") == 0 ? SCALE_DOWN_TERMINATE : SCALE_DOWN_DRAIN;
    c->drain_grace_ns = ns(sc->scale_down.grace_s);
    c->retry_lost = strcmp(sc->scale_down.lost_requests, "retry") == 0;
    c->victim = strcmp(sc->scale_down.victim, "least_loaded") == 0 ? VICTIM_LEAST_LOADED
                : strcmp(sc->scale_down.victim, "most_idle") == 0  ? VICTIM_MOST_IDLE
                                                                   : VICTIM_NEWEST;
    c->call_back = sc->scale_down.call_back;
    c->max_attempts = (uint32_t)sc->client.max_attempts;
    c->backoff_ns = ns(sc->client.backoff_s);
    c->worker_mtbf_s = sc->failures.worker_mtbf_h * 3600;
    c->first_token_timeout_ns = ns_or_no_end(sc->client.first_token_timeout_s);
    c->timeout_ns = ns_or_no_end(sc->client.timeout_s);
    c->ttft_target_ns = ns_of_ms(sc->sla.ttft_ms);
    c->tpot_target_ns = ns_of_ms(sc->sla.tpot_ms);
    c->trace_block_tok = (uint32_t)sc->trace.block_size_tok;
}

/* What vLLM registers of a rank. A bare engine registers no length that is not set. */
static struct fpm_limits limits_of(const struct pool_config *pool,
                                   const struct engine_settings *settings, bool bare)
{
    const struct engine_config *e = &pool->engine;
    int64_t context_tok = settings->max_model_len;

    if (!context_tok && !bare)
        context_tok = pool->profile->max_context_length;

    return (struct fpm_limits){
        .n_gpus = pool->gpus_per_worker,
        .max_batched_tok = e->max_num_batched_tokens,
        .max_seqs = e->max_num_seqs,
        .context_tok = (double)context_tok,
        .max_kv_tok = (double)(e->kv_blocks / e->n_ranks) * e->block_size_tok,
    };
}

static enum status create_policy(struct builder *b, bool share)
{
    const struct scenario *sc = b->scenario;
    struct deployment_config *c = b->config;
    struct policy_setup setup = {.n_pools = b->n_pools,
                                 .ttft_ms = sc->sla.ttft_ms,
                                 .itl_ms = sc->sla.tpot_ms,
                                 .start_delay_s = b->run->simulator->start_delay_s,
                                 .seed = scenario_seed(sc),
                                 .shared = share ? run_resources_shared(b->resources) : NULL};
    const struct simulator_ops *simulator = b->run->simulator;
    struct diag cause;

    for (size_t i = 0; i < b->n_pools; i++) {
        setup.roles[i] = c->pools[i].role;
        setup.replicas[i] = c->pools[i].replicas;
        setup.gpus_per_worker[i] = c->pools[i].gpus_per_worker;
        setup.profiles[i] = c->pools[i].profile;
        setup.limits[i] =
            limits_of(&c->pools[i], &sc->pools[c->pools[i].role].engine, simulator->bare_engines);
        setup.no_gauges[i] = !simulator->any_router_publishes && !c->any_router_publishes &&
                             !c->pools[i].router->publishes_load;
    }
    c->policy = scenario_policy(sc);
    BUG_IF(!c->policy);
    diag_init(&cause);
    if (!c->policy->create(&c->policy_state, b->arena, sc->policy.config, &setup, &c->policy_first,
                           &cause))
        return ST_OK;
    c->policy = NULL; /* nothing to release */
    return scenario_fail_at_key(b->d, &cause, scenario_at(sc, "policy"), "policy");
}

/* A price of the GPU type wins over one for all. */
static double price_of(const struct gpu_prices *prices, const char *gpu_type)
{
    double price = 0;

    for (size_t i = 0; i < prices->n; i++) {
        const struct gpu_price *p = &prices->price[i];
        if (!p->gpu_type || strcmp(p->gpu_type, gpu_type) == 0)
            price = p->per_hour;
    }
    return price;
}

static struct decode_engine decode_engine_of(const struct engine_config *e)
{
    return (struct decode_engine){.latency = e->latency,
                                  .latency_state = e->latency_state,
                                  .n_ranks = e->n_ranks,
                                  .max_num_seqs = e->max_num_seqs,
                                  .kv_tok = (double)e->kv_blocks * e->block_size_tok / e->n_ranks,
                                  .n_draft_tok = e->n_draft_tok,
                                  .draft_acceptance = e->draft_acceptance,
                                  .draft_ms = e->draft_ms};
}

static double tok_per_s(const void *engine, double context_tok, double tpot_ms)
{
    return decode_rate_of(engine, context_tok, tpot_ms).tok_per_s;
}

/* One name where all pools have the same. */
static const char *overheads_text(struct builder *b)
{
    const struct deployment_run *run = b->of;
    const char *text = run->overheads[0];
    bool same = true;

    for (size_t i = 1; i < b->n_pools; i++)
        same = same && strcmp(run->overheads[i], text) == 0;
    if (same)
        return text;
    return arena_printf(b->arena, "%s %s, %s %s", b->config->pools[0].name, run->overheads[0],
                        b->config->pools[1].name, run->overheads[1]);
}

static enum status set_info(struct builder *b)
{
    const struct scenario *sc = b->scenario;
    struct deployment_config *deployment = b->config;
    struct run_info *info = b->info;
    bool priced = false;

    info->scenario = sc->name;
    info->deployment = sc->deployment;
    info->seed = (uint64_t)sc->seed;
    info->ttft_target_ns = deployment->ttft_target_ns;
    info->tpot_target_ns = deployment->tpot_target_ns;
    info->window_ns = b->run->config.window_ns;
    info->measured_from_ns = b->run->config.warmup_ns;
    info->flap_ns = ns(sc->sla.flap_s);
    info->n_pools = b->n_pools;
    info->by_pool = b->run->config.endpoint == &endpoint_grid;
    info->only_prefills = b->n_pools == 1 && b->roles[0] == POOL_PREFILL;
    info->only_decodes = b->n_pools == 1 && b->roles[0] == POOL_DECODE;
    for (size_t i = 0; i < b->n_pools; i++) {
        info->pool_names[i] = deployment->pools[i].name;
        info->gpus_per_worker[i] = deployment->pools[i].gpus_per_worker;
        b->of->decode_engines[i] = decode_engine_of(&deployment->pools[i].engine);
        info->workers[i] = (struct capacity_worker){deployment->pools[i].engine.n_ranks, tok_per_s,
                                                    &b->of->decode_engines[i]};
        info->profiles[i] = deployment->pools[i].profile->name;
        info->price_per_gpu_hour[i] =
            price_of(&sc->cost.per_gpu_hour, deployment->pools[i].profile->gpu_type);
        priced = priced || info->price_per_gpu_hour[i] > 0;
    }
    const struct policy_ops *policy = deployment->policy;
    BUG_IF(!policy);
    void *state = deployment->policy_state;
    info->policy = policy->name;
    info->generation = policy == policy_find(policy->name, NULL) ? NULL : policy->generation;
    struct policy_terms terms;
    info->predictor = scenario_planner_terms(sc, &terms) ? terms.predictor : NULL;
    info->policy_details = policy->describe ? policy->describe(state) : NULL;
    const char *note = policy->note ? policy->note(state) : NULL;
    if (note)
        info->notes.text[info->notes.n++] = note;
    info->overheads = overheads_text(b);
    if (!info->overheads)
        return diag_nomem(b->d, "run");
    info->currency = priced ? sc->cost.currency : NULL;
    const char *how = scenario_requests_text(sc, b->arena), **text = &info->trace;
    if (!how)
        return diag_nomem(b->d, "run");
    if (sc->traffic.clients) {
        text = &info->traffic;
        *text = arena_printf(b->arena, "%lld clients, %lld requests%s",
                             (long long)sc->traffic.clients, (long long)sc->traffic.requests, how);
    } else if (sc->traffic.rate_per_s.n) {
        const struct curve *rate = &sc->traffic.rate_per_s;
        text = &info->traffic;
        *text = arena_printf(b->arena, "%s, %.9g requests in %.9g s%s",
                             strcmp(sc->traffic.arrivals, "even") == 0 ? "even" : "Poisson",
                             nearbyint(curve_area(rate)), rate->point[rate->n - 1].at_s, how);
    } else {
        const char *slash = strrchr(sc->trace.path, '/');
        *text = arena_printf(b->arena, "%s%s", slash ? slash + 1 : sc->trace.path, how);
    }
    return *text ? ST_OK : diag_nomem(b->d, "run");
}

static struct builder builder(struct scenario_run *run, size_t index, struct arena *arena,
                              struct run_resources *resources, struct diag *d)
{
    struct builder b = {.run = run,
                        .scenario = run->deployments[index].scenario,
                        .of = &run->deployments[index],
                        .config = &run->configs[index],
                        .info = &run->infos[index],
                        .arena = arena,
                        .resources = resources,
                        .d = d};

    choose_pools(&b);
    return b;
}

enum status scenario_build_deployment(struct scenario_run *run, size_t index, struct arena *arena,
                                      struct run_resources *resources, struct diag *d)
{
    struct builder b = builder(run, index, arena, resources, d);
    enum status s = ST_OK;

    b.config->name = b.scenario->deployment ? b.scenario->deployment : "";
    b.config->n_pools = b.n_pools;
    for (size_t i = 0; i < b.n_pools && !s; i++)
        s = build_pool(&b, i);
    if (!s)
        set_rest(&b);
    return s;
}

enum status scenario_build_policy(struct scenario_run *run, size_t index, struct arena *arena,
                                  struct run_resources *resources, bool share, struct diag *d)
{
    struct builder b = builder(run, index, arena, resources, d);

    enum status s = create_policy(&b, share);
    return s ? s : set_info(&b);
}
