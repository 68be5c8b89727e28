/* Dynamo's planner on forward-pass metrics around fpm_core.c: when it is called, what it is told of
 * the deployment, and the connector that its requests go through. (ai-dynamo 1.4.2,
 * `core/base.py`, `environment/`, `connectors/`.) */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "planner/connector.h"
#include "planner/fpm/bootstrap.h"
#include "planner/fpm/fpm_core.h"
#include "planner/metric_source.h"
#include "planner/policy.h"
#include "planner/trace_windows.h"
#include "util/bug.h"
#include "util/units.h"

#define FPM_1_4_2_NAME "1.4.2"
#define FPM_1_6_1_NAME "1.6.1"

enum { NO_POOL = -1, DETAILS_SIZE = 64, NOTE_SIZE = 80 };

static const char *const side_names[N_SIDES] = {
    [SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

struct fpm_policy {
    struct fpm_core core;
    struct fpm_config config;
    struct connector connector;
    size_t n_pools;
    int pool_of[N_SIDES];
    char details[DETAILS_SIZE];
    char note[NOTE_SIZE]; /* empty: nothing to say */
};

/* ---- the start ---- */

static enum pool_role role_of(const struct fpm_policy *p, enum planner_side side)
{
    if (side == SIDE_PREFILL)
        return POOL_PREFILL;
    return p->core.mode == MODE_AGG ? POOL_AGG : POOL_DECODE;
}

static enum status assign_pools(struct fpm_policy *p, const struct policy_setup *setup,
                                struct diag *d)
{
    static const char *const role_names[] = {"agg", "prefill", "decode"};

    p->n_pools = setup->n_pools;
    for (int side = 0; side < N_SIDES; side++) {
        enum pool_role role = role_of(p, (enum planner_side)side);
        p->pool_of[side] = NO_POOL;
        if (!planner_mode_has(p->core.mode, (enum planner_side)side))
            continue;
        for (size_t i = 0; i < setup->n_pools; i++) {
            if (setup->roles[i] == role)
                p->pool_of[side] = (int)i;
        }
        if (p->pool_of[side] == NO_POOL)
            return diag_fail(d, ST_INPUT, "planner mode '%s' needs a pool '%s'", p->config.mode,
                             role_names[role]);
    }
    return ST_OK;
}

/* A Kubernetes deployment knows the GPUs of its workers; elsewhere the configuration says. */
static void set_limits(struct fpm_policy *p, const struct policy_setup *setup)
{
    const int64_t configured[N_SIDES] = {p->config.prefill_engine_num_gpu,
                                         p->config.decode_engine_num_gpu};

    for (int side = 0; side < N_SIDES; side++) {
        int pool = p->pool_of[side];
        if (pool == NO_POOL)
            continue;
        p->core.limits[side] = setup->limits[pool];
        if (strcmp(p->config.environment, "virtual") == 0 && configured[side] > 0)
            p->core.limits[side].n_gpus = (double)configured[side];
    }
}

static void learn_prefill(struct fpm_policy *p, const struct profile *profile)
{
    const struct profile_curve *ttft = &profile->prefill_ttft_ms;

    for (size_t i = 0; i < ttft->n; i++) {
        struct fpm_record r = bootstrap_prefill(ttft->x[i], ttft->value[i]);
        fpm_core_learn(&p->core, SIDE_PREFILL, &r);
    }
}

/* Of aggregated workers these are all that a model begins with. */
static void learn_decode(struct fpm_policy *p, const struct profile *profile)
{
    for (size_t i = 0; i < profile->n_decode; i++) {
        struct fpm_record r =
            bootstrap_decode(profile->decode_kv_usage[i], profile->decode_context[i],
                             profile->decode_itl_ms[i], (double)profile->max_kv_tokens);
        fpm_core_learn(&p->core, SIDE_DECODE, &r);
    }
}

static enum status bootstrap(struct fpm_policy *p, const struct policy_setup *setup, struct diag *d)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] == NO_POOL || p->core.target != TARGET_SLA ||
            strcmp(p->config.pre_deployment_sweeping_mode, "none") == 0)
            continue;
        const struct profile *profile = setup->profiles[p->pool_of[side]];
        if (!profile)
            return diag_fail(d, ST_INPUT, "optimization_target 'sla' needs an engine profile");
        if (side == SIDE_PREFILL)
            learn_prefill(p, profile);
        else
            learn_decode(p, profile);
    }
    return ST_OK;
}

static enum status warm_up(struct fpm_policy *p, struct shared *shared, struct diag *d)
{
    const char *path = p->config.load_predictor_warmup_trace;
    struct trace_windows windows;

    if (!p->config.enable_throughput_scaling || !path)
        return ST_OK;
    trace_windows_init(&windows, p->config.throughput_interval_s);
    enum status s = trace_windows_read_file(&windows, path, shared, d);
    if (s == ST_OK)
        s = trace_windows_finish(&windows, fpm_has_fix(&p->core, FIX_EMPTY_WINDOWS), d);
    for (size_t i = 0; s == ST_OK && i < windows.n; i++) {
        const struct trace_window *w = &windows.rows[i];
        if (fpm_core_warm(&p->core, w->n_requests, w->isl_tok, w->osl_tok))
            s = diag_nomem(d, "the forecast");
    }
    fpm_core_warm_end(&p->core);
    trace_windows_release(&windows);
    return s;
}

static void release(void *state)
{
    struct fpm_policy *p = state;

    fpm_core_release(&p->core);
}

static void schedule(const struct fpm_policy *p, struct policy_effects *e)
{
    const struct fpm_config *c = &p->config;
    const struct fpm_due *due = &p->core.due;

    e->next_ns = ns_from_s_or_never(due->at_s);
    if (due->load)
        e->next_needs |= NEED_PASSES;
    if (due->traffic_window_s > 0)
        e->next_needs |= NEED_TRAFFIC;
    /* Load ticks in between ask for no traffic where throughput ticks do. */
    e->window_ns = ns_from_s_or_never(
        (double)(c->enable_throughput_scaling ? c->throughput_interval_s : c->load_interval_s));
}

static void write_details(struct fpm_policy *p)
{
    snprintf(p->details, sizeof p->details, "%s, target %s", p->core.rules->name,
             p->config.optimization_target);
    if (p->pool_of[SIDE_PREFILL] != NO_POOL && p->core.limits[SIDE_PREFILL].context_tok <= 0 &&
        !fpm_has_fix(&p->core, FIX_QUEUE_IN_PASSES) &&
        (p->core.target == TARGET_THROUGHPUT || p->core.target == TARGET_LATENCY))
        snprintf(p->note, sizeof p->note,
                 "prefill is never scaled by its queue: set engine.max_model_len");
}

static enum status start(struct fpm_policy *p, struct arena *arena,
                         const struct policy_setup *setup, struct diag *d)
{
    enum status s = fpm_config_check(&p->config, (struct source_pos){NULL, 0, 0}, d);

    if (s == ST_OK)
        s = fpm_core_init(&p->core, arena, &p->config, p->config.start_delay_s, d);
    if (s == ST_OK)
        s = assign_pools(p, setup, d);
    if (s)
        return s;
    set_limits(p, setup);
    s = bootstrap(p, setup, d);
    return s ? s : warm_up(p, setup->shared, d);
}

static enum status create(enum fpm_generation generation, void **state, struct arena *arena,
                          const void *config, const struct policy_setup *setup,
                          struct policy_effects *first, struct diag *d)
{
    struct fpm_policy *p = ARENA_NEW(arena, 1, struct fpm_policy);

    if (!p)
        return diag_nomem(d, "the planner");
    p->config = *(const struct fpm_config *)config;
    p->config.generation = generation;
    enum status s = start(p, arena, setup, d);
    if (s) {
        release(p);
        return s;
    }
    connector_init(&p->connector,
                   strcmp(p->config.environment, "virtual") == 0 ? CONNECTOR_VIRTUAL
                                                                 : CONNECTOR_KUBERNETES,
                   setup->n_pools, false);
    write_details(p);
    policy_effects_clear(first, setup->n_pools);
    schedule(p, first);
    *state = p;
    return ST_OK;
}

/* ---- what it is told ---- */

/* No worker is going, and none has failed: those that are missing start. */
static bool only_starts(const struct policy_input *input)
{
    for (size_t i = 0; i < input->n_pools; i++) {
        const struct pool_counts *pool = &input->pools[i];
        if (pool->draining > 0 || pool->ready + pool->starting != pool->target)
            return false;
    }
    return true;
}

/* A rollout of one pool is one of the deployment: then nobody says where it will end. */
static bool is_stable(const struct fpm_policy *p, const struct policy_input *input)
{
    /* From 1.6.1 on the pods are looked at, and those that are going are seen. */
    return pools_ready(input->pools, input->n_pools) &&
           (!p->core.rules->guarded || only_starts(input));
}

static void read_counts(const struct fpm_policy *p, const struct policy_input *input,
                        struct fpm_input *to)
{
    bool stable = is_stable(p, input), starts = only_starts(input);

    to->has_counts = true;
    for (int side = 0; side < N_SIDES; side++) {
        int pool = p->pool_of[side];
        bool has = pool != NO_POOL;
        to->ready[side] = has ? (double)input->pools[pool].ready : NAN;
        to->expected[side] = has && stable ? to->ready[side] : (double)NAN;
        to->in_progress[side] = has && !stable;
        to->pending[side] = has && starts ? input->pools[pool].starting : 0;
    }
}

/* Passes that newer ones have superseded are learned first, where the caller knows them. */
static void read_passes(struct fpm_policy *p, const struct policy_input *input,
                        struct fpm_input *to)
{
    to->has_records = p->core.due.load && input->has_passes;
    for (int side = 0; side < N_SIDES && to->has_records; side++) {
        int pool = p->pool_of[side];
        if (pool == NO_POOL)
            continue;
        for (size_t i = 0; i < input->n_passed[pool]; i++) {
            if (input->passed[pool][i].wall_s > 0)
                fpm_core_learn(&p->core, (enum planner_side)side, &input->passed[pool][i]);
        }
        to->n_records[side] = input->n_passes[pool];
        to->records[side] = input->passes[pool];
    }
}

/* Means of a window without requests count as 0. false: one of a busy window is missing. */
static bool read_traffic(const struct fpm_policy *p, const struct policy_input *input,
                         struct fpm_traffic *to, struct policy_effects *e)
{
    const struct traffic_window *w = &input->traffic;
    bool router = strcmp(p->config.throughput_metrics_source, "router") == 0;

    if (!input->has_traffic)
        return false;
    struct traffic_means m = router ? router_traffic(w, true) : frontend_traffic(w);
    if (fpm_has_fix(&p->core, FIX_COUNT_ARRIVALS) && !isnan(w->n_arrived))
        m.n_requests = w->n_arrived;
    bool idle = !(m.n_requests > 0);
    *to = (struct fpm_traffic){
        .duration_s = p->core.due.traffic_window_s,
        .n_requests = m.n_requests,
        .isl_tok = idle ? 0 : m.isl_tok,
        .osl_tok = idle ? 0 : m.osl_tok,
        .accept_length = NAN,
        .kv_hit_rate = router && w->n_hit_rate > 0 ? w->hit_rate_sum / w->n_hit_rate : NAN};
    if (!p->core.due.throughput)
        return true;
    e->seen = (struct policy_forecast){m.n_requests, m.isl_tok, m.osl_tok};
    e->seen_ttft_ms = m.ttft_ms;
    e->seen_itl_ms = m.itl_ms;
    return idle || traffic_is_valid(&m);
}

/* ---- what it says ---- */

/* Appends; what does not fit is cut. */
static void say(char text[POLICY_TEXT_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(char text[POLICY_TEXT_SIZE], const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, POLICY_TEXT_SIZE - used, format, args);
    va_end(args);
}

static void say_rule(char text[POLICY_TEXT_SIZE], const char *rule,
                     const struct fpm_reasons *reasons)
{
    const char *separator = " (";

    say(text, "%s%s %s", *text ? "; " : "", rule, fpm_reason_text(reasons->all));
    for (int side = 0; side < N_SIDES; side++) {
        if (reasons->side[side] == FPM_NO_REASON)
            continue;
        say(text, "%s%s %s", separator, side_names[side], fpm_reason_text(reasons->side[side]));
        separator = ", ";
    }
    say(text, "%s", *separator == ',' ? ")" : "");
}

static void say_rates(const struct fpm_policy *p, const struct fpm_output *out,
                      char text[POLICY_TEXT_SIZE])
{
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] == NO_POOL || isnan(out->requests_per_s[side]))
            continue;
        say(text, ", %s %.4g req/s per worker", side_names[side], out->requests_per_s[side]);
        if (p->config.enable_load_scaling)
            say(text, ", at least %lld", (long long)p->core.floor[side]);
    }
}

static int as_count(int64_t n)
{
    return n < 0 ? 0 : n > INT_MAX ? INT_MAX : (int)n;
}

static void record(const struct fpm_policy *p, const struct fpm_due *due,
                   const struct fpm_output *out, struct policy_effects *e)
{
    bool throughput = out->throughput.all != FPM_NO_REASON;
    bool load = out->load.all != FPM_NO_REASON && out->load.all != FPM_DISABLED;

    e->report = throughput || load;
    e->kind = due->throughput && load ? "throughput+load" : due->throughput ? "throughput" : "load";
    e->predicted = (struct policy_forecast){out->predicted[SERIES_REQUESTS],
                                            out->predicted[SERIES_ISL], out->predicted[SERIES_OSL]};
    if (throughput) {
        say_rule(e->reason, "throughput", &out->throughput);
        say_rates(p, out, e->reason);
    }
    if (load)
        say_rule(e->reason, "load", &out->load);
    e->estimated_ttft_ms = out->estimated_ttft_ms;
    e->estimated_itl_ms = out->estimated_itl_ms;
    if (!isnan(out->estimated_ttft_ms))
        say(e->reason, ", TTFT up to %.4g ms expected", out->estimated_ttft_ms);
    if (!isnan(out->estimated_itl_ms))
        say(e->reason, ", ITL up to %.4g ms expected", out->estimated_itl_ms);
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] != NO_POOL && out->scale && out->target[side] >= 0)
            e->wanted[p->pool_of[side]] = as_count(out->target[side]);
    }
}

/* Starting workers are taken back at once, where that is all that is asked for. */
static bool takes_back(const struct fpm_policy *p, const struct policy_input *input,
                       const int targets[POLICY_MAX_POOLS])
{
    bool fewer = false;

    if (!p->core.rules->guarded || fpm_has_fix(&p->core, FIX_KEEP_STARTING) ||
        !only_starts(input) || p->connector.kind != CONNECTOR_KUBERNETES)
        return false;
    for (size_t i = 0; i < p->n_pools; i++) {
        const struct pool_counts *pool = &input->pools[i];
        if (targets[i] != pool->target && targets[i] > pool->ready)
            return false;
        fewer |= targets[i] < pool->target;
    }
    return fewer && !pools_ready(input->pools, input->n_pools);
}

/* Sends targets through the connector; what does not go out is said behind the reason. */
static void request(struct fpm_policy *p, const struct policy_input *input,
                    const struct fpm_output *out, struct policy_effects *e)
{
    int targets[POLICY_MAX_POOLS] = {0};

    for (size_t i = 0; i < p->n_pools; i++)
        targets[i] = input->pools[i].target;
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] != NO_POOL && out->target[side] >= 0)
            targets[p->pool_of[side]] = as_count(out->target[side]);
    }
    if (p->config.advisory) {
        say(e->reason, "; advisory");
        return;
    }
    enum connector_answer answer =
        takes_back(p, input, targets)
            ? CONNECTOR_SENT
            : connector_request(&p->connector, input->now_ns, input->pools, targets, false);
    if (answer == CONNECTOR_SENT) {
        e->scale = true;
        memcpy(e->target, targets, sizeof e->target);
    } else if (answer != CONNECTOR_UNCHANGED) {
        say(e->reason, "; %s", connector_answer_text(answer));
    }
}

static enum status tick(void *state, const struct policy_input *input,
                        struct policy_effects *effects, struct diag *d)
{
    struct fpm_policy *p = state;
    const struct fpm_due due = p->core.due;
    struct fpm_input told = {.now_s = s_from_ns(input->now_ns)};
    struct fpm_traffic traffic;
    struct fpm_output out;

    policy_effects_clear(effects, input->n_pools);
    connector_acknowledge(&p->connector, input->pools);
    read_counts(p, input, &told);
    read_passes(p, input, &told);
    if (due.traffic_window_s > 0 && read_traffic(p, input, &traffic, effects))
        told.traffic = &traffic;
    if (fpm_core_tick(&p->core, &told, &out))
        return diag_nomem(d, "the planner");
    record(p, &due, &out, effects);
    if (out.scale)
        request(p, input, &out, effects);
    schedule(p, effects);
    return ST_OK;
}

/* ---- the policy ---- */

/* Keys that the generation does not have, those before its first, are at their presets. */
static enum status check(enum fpm_generation generation, size_t first_key, void *config,
                         struct source_pos at, struct diag *d)
{
    for (size_t i = 0; i < first_key; i++)
        key_preset(&fpm_keys[i], config);
    ((struct fpm_config *)config)->generation = generation;
    return fpm_config_check(config, at, d);
}

static const char *describe(const void *state)
{
    return ((const struct fpm_policy *)state)->details;
}

static const char *note(const void *state)
{
    const struct fpm_policy *p = state;

    return p->note[0] ? p->note : NULL;
}

static void terms(const void *config, struct policy_terms *to)
{
    const struct fpm_config *c = config;

    *to = (struct policy_terms){
        .mode = c->mode,
        .global_planner = strcmp(c->environment, "global-planner") == 0,
        .throughput_scaling = c->enable_throughput_scaling,
        .load_scaling = c->enable_load_scaling,
        .throughput_interval_s = c->throughput_interval_s,
        .load_interval_s = c->load_interval_s,
        .has_targets = strcmp(c->optimization_target, "sla") == 0,
        .ttft_ms = c->ttft_ms,
        .itl_ms = c->itl_ms,
        .min_endpoint = c->min_endpoint,
        .max_gpu_budget = c->max_gpu_budget,
        .prefill_gpus = c->prefill_engine_num_gpu,
        .decode_gpus = c->decode_engine_num_gpu,
        .predictor = c->enable_throughput_scaling ? c->load_predictor : NULL,
    };
}

#define GENERATION(version)                                                                        \
    static enum status check_##version(void *config, struct source_pos at, struct diag *d)         \
    {                                                                                              \
        return check(FPM_##version, FPM_KEYS_##version, config, at, d);                            \
    }                                                                                              \
    static enum status create_##version(void **state, struct arena *arena, const void *config,     \
                                        const struct policy_setup *setup,                          \
                                        struct policy_effects *first, struct diag *d)              \
    {                                                                                              \
        return create(FPM_##version, state, arena, config, setup, first, d);                       \
    }                                                                                              \
    const struct policy_ops policy_fpm_##version = {                                               \
        .name = "planner",                                                                         \
        .generation = FPM_##version##_NAME,                                                        \
        .summary = "NVIDIA Dynamo's planner on forward-pass metrics (" FPM_##version##_NAME ")",   \
        .reads_passes = true,                                                                      \
        .config_size = sizeof(struct fpm_config),                                                  \
        .keys = fpm_keys + FPM_KEYS_##version,                                                     \
        .own_file = "Dynamo's planner configuration",                                              \
        .foreign = fpm_foreign_keys,                                                               \
        .check = check_##version,                                                                  \
        .terms = terms,                                                                            \
        .create = create_##version,                                                                \
        .tick = tick,                                                                              \
        .release = release,                                                                        \
        .describe = describe,                                                                      \
        .note = note,                                                                              \
    };

GENERATION(1_4_2)
GENERATION(1_6_1)
