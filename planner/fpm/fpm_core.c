#include "planner/fpm/fpm_core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/fpm/estimates.h"
#include "util/array.h"

/* Ticks this near to each other are one. */
static const double merge_s = 0.5;

/* With one cadence a rule is due to the rounding of sums of seconds. */
static const double rounding_s = 1e-9;

static void schedule(struct fpm_core *core, double now_s)
{
    const struct fpm_config *c = core->config;
    double near_s = core->rules->one_cadence ? rounding_s : merge_s;
    struct fpm_due due = {.at_s = fmin(core->next_load_s, core->next_throughput_s)};

    if (core->rules->one_cadence)
        due.at_s = now_s + core->cadence_s;
    due.load = core->next_load_s <= due.at_s + near_s;
    due.throughput = core->next_throughput_s <= due.at_s + near_s;
    /* The load rule wants the hit rate, which fixed thresholds do not use. */
    bool load_wants = core->target == TARGET_SLA || !core->rules->last_values;
    /* From 1.4.2 on a throughput rule that had no forecast asks for traffic at every tick until it
     * has one, and nobody uses it: forecasts keep their interval (a quirk). */
    if (due.throughput || core->forecast_owed)
        due.traffic_window_s = (double)c->throughput_interval_s;
    else if (due.load && !c->enable_throughput_scaling && load_wants)
        due.traffic_window_s = (double)c->load_interval_s;
    core->due = due;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static enum fpm_target target_of(const char *name)
{
    static const char *const names[] = {
        [TARGET_THROUGHPUT] = "throughput", [TARGET_LATENCY] = "latency", [TARGET_LOAD] = "load"};

    for (int t = 0; t < TARGET_SLA; t++) {
        if (strcmp(name, names[t]) == 0)
            return (enum fpm_target)t;
    }
    return TARGET_SLA;
}

static enum status init_models(struct fpm_core *core, struct arena *arena, struct diag *d)
{
    enum status s = ST_OK;

    for (int side = 0; side < N_SIDES && s == ST_OK; side++) {
        if (planner_mode_has(core->mode, (enum planner_side)side))
            s = core->rules->estimates->init(core, (enum planner_side)side, arena, d);
    }
    return s;
}

static unsigned predictor_fixes(const struct fpm_core *core)
{
    unsigned fixes = core->rules->predictor_fixes | core->config->fixes;

    /* Prophet's forecasts are never negative, whatever the others' are. */
    return strcmp(core->config->load_predictor, "prophet") == 0 ? fixes | FIX_CLAMP_FORECAST
                                                                : fixes;
}

static enum status init_series(struct fpm_core *core, struct diag *d)
{
    const struct fpm_config *c = core->config;
    const struct predictor_ops *ops = predictor_find(c->load_predictor);
    struct predictor_config config = {.log1p = c->load_predictor_log1p,
                                      .interval_s = c->throughput_interval_s,
                                      .prophet_window_size = c->prophet_window_size,
                                      .kalman_q_level = c->kalman_q_level,
                                      .kalman_q_trend = c->kalman_q_trend,
                                      .kalman_r = c->kalman_r,
                                      .kalman_min_points = c->kalman_min_points,
                                      .fixes = predictor_fixes(core)};
    enum status s = ST_OK;

    if (!ops)
        return diag_fail(d, ST_INPUT, "unknown predictor '%s'", c->load_predictor);
    for (int i = 0; i < N_FPM_SERIES && s == ST_OK; i++)
        s = predictor_init(&core->series[i], ops, &config, d);
    return s;
}

enum status fpm_core_init(struct fpm_core *core, struct arena *arena,
                          const struct fpm_config *config, double now_s, struct diag *d)
{
    *core = (struct fpm_core){.config = config,
                              .rules = &fpm_generations[config->generation],
                              .target = target_of(config->optimization_target),
                              .hit_rate = NAN,
                              .accept_length = 1,
                              .expected = {NAN, NAN},
                              .floor = {1, 1},
                              .next_load_s = now_s + (double)config->load_interval_s,
                              .next_throughput_s = INFINITY,
                              .cadence_s = (double)config->load_interval_s};
    enum status s = ST_OK;

    if (!planner_mode_find(config->mode, &core->mode))
        return diag_fail(d, ST_INPUT, "unknown planner mode '%s'", config->mode);
    if (core->target == TARGET_SLA)
        s = init_models(core, arena, d);
    if (config->enable_throughput_scaling) {
        core->next_throughput_s = now_s + (double)config->throughput_interval_s;
        core->cadence_s =
            (double)common_divisor(config->load_interval_s, config->throughput_interval_s);
        s = s ? s : init_series(core, d);
    }
    schedule(core, now_s);
    return s;
}

void fpm_core_release(struct fpm_core *core)
{
    for (int i = 0; i < N_FPM_SERIES; i++)
        predictor_release(&core->series[i]);
    free(core->order);
    core->order = NULL;
    core->order_capacity = 0;
}

static bool learns(const struct fpm_core *core, enum planner_side side)
{
    return core->target == TARGET_SLA && planner_mode_has(core->mode, side);
}

void fpm_core_learn(struct fpm_core *core, enum planner_side side, const struct fpm_record *r)
{
    const struct fpm_estimates *e = core->rules->estimates;

    if (!learns(core, side))
        return;
    if (e->meet)
        e->meet(core, side, r);
    e->learn(core, side, r);
}

enum status fpm_core_warm(struct fpm_core *core, double n_requests, double isl_tok, double osl_tok)
{
    enum status s = predictor_observe(&core->series[SERIES_REQUESTS], n_requests);

    s = s ? s : predictor_observe(&core->series[SERIES_ISL], isl_tok);
    return s ? s : predictor_observe(&core->series[SERIES_OSL], osl_tok);
}

void fpm_core_warm_end(struct fpm_core *core)
{
    for (int i = 0; i < SERIES_HIT_RATE; i++)
        predictor_reset_idle(&core->series[i]);
}

static void read_counts(struct fpm_core *core, const struct fpm_input *input)
{
    for (int side = 0; side < N_SIDES && input->has_counts; side++) {
        if (!isnan(input->ready[side]))
            core->ready[side] = input->ready[side];
        core->expected[side] = input->expected[side];
        core->in_progress[side] =
            input->in_progress[side] ||
            (!isnan(core->expected[side]) && core->expected[side] != core->ready[side]);
        /* Those that are not known to start are waited for. */
        bool asks = core->rules->guarded && !fpm_has_fix(core, FIX_KEEP_STARTING);
        core->pending[side] = asks ? input->pending[side] : 0;
    }
}

/* A window without requests has no lengths: from 1.4.2 on the last ones are fed again. */
static enum status observe_series(struct fpm_core *core, const struct fpm_traffic *t)
{
    double isl_tok = t->isl_tok, osl_tok = t->osl_tok;

    if (core->rules->last_values && t->n_requests > 0) {
        core->seen_requests = true;
        core->last_isl_tok = isfinite(isl_tok) ? isl_tok : core->last_isl_tok;
        core->last_osl_tok = isfinite(osl_tok) ? osl_tok : core->last_osl_tok;
    } else if (core->rules->last_values && core->seen_requests) {
        isl_tok = core->last_isl_tok;
        osl_tok = core->last_osl_tok;
    }
    return fpm_core_warm(core, t->n_requests, isl_tok, osl_tok);
}

static void observe_rates(struct fpm_core *core, const struct fpm_traffic *t)
{
    double nextn = core->limits[SIDE_DECODE].speculative_nextn;

    if (!isnan(t->kv_hit_rate))
        core->hit_rate = t->kv_hit_rate;
    if (nextn <= 0)
        nextn = (double)core->config->speculative_nextn;
    if (core->rules->last_values && isfinite(t->accept_length))
        core->accept_length = fmin(fmax(t->accept_length, 1), nextn + 1);
}

/* With throughput scaling the hit rate is a series as the others, in 1.2.1; else the last one
 * counts. */
static enum status observe(struct fpm_core *core, const struct fpm_traffic *t)
{
    enum status s = ST_OK;

    if (core->config->enable_throughput_scaling)
        s = observe_series(core, t);
    if (!core->config->enable_throughput_scaling || core->rules->last_values)
        observe_rates(core, t);
    else if (s == ST_OK && !isnan(t->kv_hit_rate))
        s = predictor_observe(&core->series[SERIES_HIT_RATE], t->kv_hit_rate);
    return s;
}

static void clear(struct fpm_output *out)
{
    const struct fpm_reasons none = {FPM_NO_REASON, {FPM_NO_REASON, FPM_NO_REASON}};

    *out = (struct fpm_output){.target = {-1, -1},
                               .load = none,
                               .throughput = none,
                               .estimated_ttft_ms = NAN,
                               .estimated_itl_ms = NAN,
                               .requests_per_s = {NAN, NAN}};
    for (int i = 0; i < N_FPM_SERIES; i++)
        out->predicted[i] = NAN;
}

/* A count that is not known is no traffic, not none. */
static const struct fpm_traffic *known_traffic(const struct fpm_core *core,
                                               const struct fpm_input *input)
{
    const struct fpm_traffic *t = input->traffic;

    return t && core->rules->guarded && isnan(t->n_requests) ? NULL : t;
}

static enum status throughput_round(struct fpm_core *core, const struct fpm_traffic *traffic,
                                    struct fpm_output *out)
{
    if (!traffic) {
        if (core->rules->last_values)
            out->throughput.all = FPM_NO_TRAFFIC;
        return ST_OK;
    }
    enum status s = observe(core, traffic);
    return s ? s : fpm_throughput_rule(core, traffic, out);
}

/* All its ten digits, the first ones those of the id. */
static uint64_t from_left(uint32_t id)
{
    uint64_t v = id;

    while (v > 0 && v < 1000000000)
        v *= 10;
    return v;
}

/* Ids of workers are text in the reference: 10 comes before 2. */
static int by_name(const void *a, const void *b)
{
    const struct fpm_record *x = *(const struct fpm_record *const *)a;
    const struct fpm_record *y = *(const struct fpm_record *const *)b;
    uint64_t xs = from_left(x->worker_id), ys = from_left(y->worker_id);

    if (xs != ys)
        return xs < ys ? -1 : 1;
    if (x->worker_id != y->worker_id)
        return x->worker_id < y->worker_id ? -1 : 1;
    return (x->dp_rank > y->dp_rank) - (x->dp_rank < y->dp_rank);
}

static enum status learn_side(struct fpm_core *core, enum planner_side side, size_t n,
                              const struct fpm_record *records)
{
    const struct fpm_estimates *e = core->rules->estimates;
    enum status s = ARRAY_RESERVE(core->order, 0, core->order_capacity, n, "records", NULL);

    if (s || n == 0)
        return s;
    for (size_t i = 0; i < n; i++) {
        core->order[i] = &records[i];
        if (e->meet)
            e->meet(core, side, &records[i]);
    }
    if (e->meet)
        qsort(core->order, n, sizeof *core->order, by_name);
    for (size_t i = 0; i < n; i++)
        e->learn(core, side, core->order[i]);
    return ST_OK;
}

static enum status learn_records(struct fpm_core *core, const struct fpm_input *input)
{
    enum status s = ST_OK;

    for (int i = 0; input->has_records && i < N_SIDES && s == ST_OK; i++) {
        enum planner_side side = (enum planner_side)i;
        if (learns(core, side))
            s = learn_side(core, side, input->n_records[side], input->records[side]);
    }
    return s;
}

static enum status load_round(struct fpm_core *core, const struct fpm_input *input,
                              struct fpm_output *out)
{
    enum status s = core->rules->one_cadence ? ST_OK : learn_records(core, input);

    if (input->has_records || core->rules->one_cadence)
        fpm_load_rule(core, input, out);
    return s;
}

enum status fpm_core_tick(struct fpm_core *core, const struct fpm_input *input,
                          struct fpm_output *output)
{
    const struct fpm_due due = core->due;
    const struct fpm_traffic *traffic = known_traffic(core, input);
    enum status s = ST_OK;

    clear(output);
    read_counts(core, input);
    /* Where ticks are one, the models know what is new before either rule asks them. */
    if (due.load && core->rules->one_cadence)
        s = learn_records(core, input);
    if (due.throughput) {
        s = s ? s : throughput_round(core, traffic, output);
        core->forecast_owed = core->rules->one_cadence && isnan(output->predicted[SERIES_REQUESTS]);
        core->next_throughput_s = input->now_s + (double)core->config->throughput_interval_s;
    }
    if (due.load) {
        bool unused = core->rules->one_cadence && core->config->enable_throughput_scaling;
        if (!due.throughput && traffic && !unused)
            s = s ? s : observe(core, traffic);
        s = s ? s : load_round(core, input, output);
        core->next_load_s = input->now_s + (double)core->config->load_interval_s;
    }
    bool evaluated = core->config->enable_load_scaling
                         ? due.load
                         : due.throughput && !isnan(output->predicted[SERIES_REQUESTS]);
    fpm_project(core, input, evaluated, output);
    schedule(core, input->now_s);
    return s;
}

struct gpu_band fpm_band(const struct fpm_core *core)
{
    const struct fpm_config *c = core->config;

    return (struct gpu_band){c->min_gpu_budget,
                             c->max_gpu_budget,
                             {fpm_min_endpoint(c, SIDE_PREFILL), fpm_min_endpoint(c, SIDE_DECODE)},
                             c->fixes};
}

bool fpm_has_fix(const struct fpm_core *core, enum planner_fix fix)
{
    return (core->config->fixes & fix) != 0;
}

int64_t fpm_gpus(const struct fpm_core *core, enum planner_side side)
{
    const struct fpm_limits *limits = &core->limits[side];
    bool whole = core->rules->guarded && limits->gpu_cost > 0;

    return (int64_t)(whole ? limits->gpu_cost : limits->n_gpus);
}

int64_t fpm_ready(const struct fpm_core *core, enum planner_side side)
{
    return (int64_t)core->ready[side];
}

bool fpm_any_pending(const struct fpm_core *core)
{
    return core->pending[SIDE_PREFILL] > 0 || core->pending[SIDE_DECODE] > 0;
}

enum planner_side fpm_single_side(const struct fpm_core *core)
{
    return core->mode == MODE_PREFILL ? SIDE_PREFILL : SIDE_DECODE;
}

void fpm_apply_budget(const struct fpm_core *core, int64_t target[N_SIDES])
{
    struct gpu_band band = fpm_band(core);
    int64_t prefill_gpus = fpm_gpus(core, SIDE_PREFILL), decode_gpus = fpm_gpus(core, SIDE_DECODE);

    if (core->mode == MODE_DISAGG) {
        if (prefill_gpus > 0 && decode_gpus > 0)
            band_joint(&band, &target[SIDE_PREFILL], prefill_gpus, &target[SIDE_DECODE],
                       decode_gpus);
        return;
    }
    enum planner_side side = fpm_single_side(core);
    int64_t gpus = fpm_gpus(core, side);
    if (gpus <= 0)
        return;
    if (target[side] < band.min_endpoint[side])
        target[side] = band.min_endpoint[side];
    target[side] = band_single(&band, side, target[side], gpus);
}

void fpm_reasons_set(const struct fpm_core *core, struct fpm_reasons *reasons,
                     enum fpm_reason reason)
{
    reasons->all = reason;
    for (int side = 0; side < N_SIDES && core->mode == MODE_DISAGG; side++)
        reasons->side[side] = reason;
}
