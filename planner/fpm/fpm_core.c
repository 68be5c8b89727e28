#include "planner/fpm/fpm_core.h"

#include <math.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/fpm/gpu_band.h"

/* Ticks this near to each other are one. */
static const double merge_s = 0.5;

static void schedule(struct fpm_core *core)
{
    const struct fpm_config *c = core->config;
    struct fpm_due due = {.at_s = fmin(core->next_load_s, core->next_throughput_s)};

    due.load = core->next_load_s <= due.at_s + merge_s;
    due.throughput = core->next_throughput_s <= due.at_s + merge_s;
    if (due.throughput)
        due.traffic_window_s = (double)c->throughput_interval_s;
    else if (due.load && !c->enable_throughput_scaling)
        due.traffic_window_s = (double)c->load_interval_s;
    core->due = due;
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
    const struct fpm_config *c = core->config;
    struct iteration_model_config config = {c->max_num_fpm_samples, c->fpm_sample_bucket_size,
                                            c->load_min_observations};
    enum status s = ST_OK;

    for (int side = 0; side < N_SIDES && s == ST_OK; side++) {
        enum iteration_kind kind = side == SIDE_PREFILL     ? ITERATION_PREFILL
                                   : core->mode == MODE_AGG ? ITERATION_AGG
                                                            : ITERATION_DECODE;
        if (planner_mode_has(core->mode, (enum planner_side)side))
            s = iteration_model_init(&core->models[side], arena, kind, &config, d);
    }
    return s;
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
                                      .fixes = FIX_PROPHET_TIME};
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
                              .target = target_of(config->optimization_target),
                              .hit_rate = NAN,
                              .expected = {NAN, NAN},
                              .floor = {1, 1},
                              .next_load_s = now_s + (double)config->load_interval_s,
                              .next_throughput_s = INFINITY};
    enum status s = ST_OK;

    if (!planner_mode_find(config->mode, &core->mode))
        return diag_fail(d, ST_INPUT, "unknown planner mode '%s'", config->mode);
    if (core->target == TARGET_SLA)
        s = init_models(core, arena, d);
    if (config->enable_throughput_scaling) {
        core->next_throughput_s = now_s + (double)config->throughput_interval_s;
        s = s ? s : init_series(core, d);
    }
    schedule(core);
    return s;
}

void fpm_core_release(struct fpm_core *core)
{
    for (int i = 0; i < N_FPM_SERIES; i++)
        predictor_release(&core->series[i]);
}

void fpm_core_learn(struct fpm_core *core, enum planner_side side, const struct fpm_record *r)
{
    if (core->target == TARGET_SLA && planner_mode_has(core->mode, side))
        iteration_model_add(&core->models[side], r);
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
    }
}

/* With throughput scaling the hit rate is a series as the others; without, the last one counts. */
static enum status observe(struct fpm_core *core, const struct fpm_traffic *t)
{
    if (!core->config->enable_throughput_scaling) {
        if (!isnan(t->kv_hit_rate))
            core->hit_rate = t->kv_hit_rate;
        return ST_OK;
    }
    enum status s = fpm_core_warm(core, t->n_requests, t->isl_tok, t->osl_tok);
    if (s == ST_OK && !isnan(t->kv_hit_rate))
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

enum status fpm_core_tick(struct fpm_core *core, const struct fpm_input *input,
                          struct fpm_output *output)
{
    const struct fpm_due due = core->due;
    enum status s = ST_OK;

    clear(output);
    read_counts(core, input);
    if (due.throughput) {
        if (input->traffic) {
            s = observe(core, input->traffic);
            s = s ? s : fpm_throughput_rule(core, input->traffic, output);
        }
        core->next_throughput_s = input->now_s + (double)core->config->throughput_interval_s;
    }
    if (due.load) {
        if (!due.throughput && input->traffic)
            s = s ? s : observe(core, input->traffic);
        for (int side = 0; input->has_records && side < N_SIDES; side++) {
            for (size_t i = 0; i < input->n_records[side]; i++)
                fpm_core_learn(core, (enum planner_side)side, &input->records[side][i]);
        }
        if (input->has_records)
            fpm_load_rule(core, input, output);
        core->next_load_s = input->now_s + (double)core->config->load_interval_s;
    }
    schedule(core);
    return s;
}

void fpm_apply_budget(const struct fpm_core *core, int64_t target[N_SIDES])
{
    const struct fpm_config *c = core->config;
    struct gpu_band band = {c->min_gpu_budget, c->max_gpu_budget, c->min_endpoint};
    int64_t prefill_gpus = (int64_t)core->limits[SIDE_PREFILL].n_gpus;
    int64_t decode_gpus = (int64_t)core->limits[SIDE_DECODE].n_gpus;

    if (core->mode == MODE_DISAGG) {
        if (prefill_gpus > 0 && decode_gpus > 0)
            band_joint(&band, &target[SIDE_PREFILL], prefill_gpus, &target[SIDE_DECODE],
                       decode_gpus);
        return;
    }
    enum planner_side side = core->mode == MODE_PREFILL ? SIDE_PREFILL : SIDE_DECODE;
    int64_t gpus = side == SIDE_PREFILL ? prefill_gpus : decode_gpus;
    if (gpus <= 0)
        return;
    if (target[side] < c->min_endpoint)
        target[side] = c->min_endpoint;
    target[side] = band_single(&band, target[side], gpus);
}

void fpm_reasons_set(struct fpm_core *core, struct fpm_reasons *reasons, enum fpm_reason reason)
{
    reasons->all = reason;
    for (int side = 0; side < N_SIDES && core->mode == MODE_DISAGG; side++)
        reasons->side[side] = reason;
}
