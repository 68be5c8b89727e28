/* Estimates from 1.4.2 on: records with their load scaled, put to the models of forward passes.
 * (Dynamo planner 1.6.1, `load_scaling.py`, `throughput_scaling.py`.) */
#include <math.h>

#include "planner/fpm/estimates.h"

static enum status passes_init(struct fpm_core *core, enum planner_side side, struct arena *arena,
                               struct diag *d)
{
    const struct fpm_config *c = core->config;
    const struct pass_model_config config = {c->max_num_fpm_samples, c->fpm_sample_bucket_size,
                                             c->load_min_observations};
    enum pass_role role = side == SIDE_PREFILL     ? PASS_PREFILL
                          : core->mode == MODE_AGG ? PASS_AGG
                                                   : PASS_DECODE;

    enum status s =
        pass_engine_init(&core->engines[side], arena, core->rules->passes, role, &config, d);
    core->engines[side].fixes = c->fixes;
    return s;
}

static void passes_meet(struct fpm_core *core, enum planner_side side, const struct fpm_record *r)
{
    pass_engine_meet(&core->engines[side], r);
}

static void passes_learn(struct fpm_core *core, enum planner_side side, const struct fpm_record *r)
{
    pass_engine_learn(&core->engines[side], r);
}

static bool passes_ready(struct fpm_core *core, enum planner_side side)
{
    return pass_engine_ready(&core->engines[side]);
}

/* Nothing is kept of a wish without data: what is there says so. */
static bool can_tell(struct fpm_core *core, enum planner_side side, const struct fpm_view *view)
{
    return passes_ready(core, side) && view->n_workers > 0;
}

static struct fpm_wish passes_ttft(struct fpm_core *core, const struct fpm_view *view,
                                   struct fpm_output *out)
{
    bool agg = core->mode == MODE_AGG;
    enum planner_side side = agg ? SIDE_DECODE : SIDE_PREFILL;
    struct pass_engine *e = &core->engines[side];
    double mbt = core->limits[side].max_batched_tok, k = fpm_share_grows(view->n_workers);
    const struct pass_question now = {.queue_scale = 1, .decode_scale = 1};
    const struct pass_question own = {
        .queue_scale = 0, .decode_scale = agg ? k : 1, .queued_decode = agg};
    struct pass_question after = own;
    struct fpm_survey s = {.safe = true};

    after.queue_scale = k;
    if (!can_tell(core, side, view) || mbt <= 0)
        return fpm_no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        fpm_survey_add(&s, pass_ttft_s(e, r, &now, mbt, core->hit_rate), core->config->ttft_ms);
        if (!s.safe)
            continue;
        double own_s = pass_ttft_s(e, r, &own, mbt, core->hit_rate);
        double after_s = pass_ttft_s(e, r, &after, mbt, core->hit_rate);
        fpm_survey_test_queue(core, &s, after_s, agg && isnan(after_s) ? NAN : own_s);
    }
    if (s.n_estimates > 0)
        out->estimated_ttft_ms = 1000 * s.most_s;
    return fpm_survey_wish(core, &s, side, view->n_workers);
}

static struct fpm_wish passes_itl(struct fpm_core *core, const struct fpm_view *view,
                                  struct fpm_output *out)
{
    bool agg = core->mode == MODE_AGG;
    struct pass_engine *e = &core->engines[SIDE_DECODE];
    double max_kv = core->limits[SIDE_DECODE].max_kv_tok, k = fpm_share_grows(view->n_workers);
    double limit_ms = core->config->itl_ms * fpm_sensitivity(core);
    const struct pass_question now = {.decode_scale = 1, .queued_decode = true};
    const struct pass_question after = {
        .decode_scale = k, .queued_decode = true, .queued_prefill_as_kv = agg};
    struct fpm_survey s = {.safe = true};

    if (!can_tell(core, SIDE_DECODE, view))
        return fpm_no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        double tok = r->decode_kv_tok + r->queued_decode_kv_tok;
        fpm_survey_add(&s, pass_itl_s(e, r, &now) / core->accept_length, core->config->itl_ms);
        if (agg)
            tok += r->queued_prefill_tok;
        if (!s.safe)
            continue;
        double after_s = pass_itl_s(e, r, &after) / core->accept_length;
        if ((max_kv > 0 && trunc(tok * k) >= max_kv) || 1000 * after_s >= limit_ms)
            fpm_survey_refuse(&s);
        else if (isnan(after_s))
            s.safe = false;
    }
    if (s.n_estimates > 0)
        out->estimated_itl_ms = 1000 * s.most_s;
    return fpm_survey_wish(core, &s, SIDE_DECODE, view->n_workers);
}

static struct engine_rate passes_rate(struct fpm_core *core, enum planner_side side, double isl_tok,
                                      double osl_tok)
{
    const struct fpm_config *c = core->config;
    const struct fpm_limits *limits = &core->limits[side];
    bool agg = core->mode == MODE_AGG;
    const struct pass_demand demand = {.isl_tok = isl_tok,
                                       .osl_tok = osl_tok,
                                       .ttft_ms = agg || side == SIDE_PREFILL ? c->ttft_ms : NAN,
                                       .itl_ms = agg || side == SIDE_DECODE ? c->itl_ms : NAN,
                                       .hit_rate =
                                           side == SIDE_PREFILL || agg ? core->hit_rate : NAN,
                                       .accept_length = core->accept_length};

    if (agg && limits->max_batched_tok <= 0)
        return (struct engine_rate){.requests_per_s = 0};
    return pass_rate(&core->engines[side], &demand, limits);
}

const struct fpm_estimates fpm_estimates_passes = {
    .init = passes_init,
    .meet = passes_meet,
    .learn = passes_learn,
    .ready = passes_ready,
    .ttft = passes_ttft,
    .itl = passes_itl,
    .rate = passes_rate,
};
