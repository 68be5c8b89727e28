/* Estimates of 1.2.1. (Dynamo planner 1.2.1, `load_scaling.py`, `throughput_scaling.py`.) */
#include <math.h>

#include "planner/fpm/estimates.h"

static enum status lines_init(struct fpm_core *core, enum planner_side side, struct arena *arena,
                              struct diag *d)
{
    const struct fpm_config *c = core->config;
    struct iteration_model_config config = {c->max_num_fpm_samples, c->fpm_sample_bucket_size,
                                            c->load_min_observations};
    enum iteration_kind kind = side == SIDE_PREFILL     ? ITERATION_PREFILL
                               : core->mode == MODE_AGG ? ITERATION_AGG
                                                        : ITERATION_DECODE;

    return iteration_model_init(&core->models[side], arena, kind, &config, d);
}

static void lines_learn(struct fpm_core *core, enum planner_side side, const struct fpm_record *r)
{
    iteration_model_add(&core->models[side], r);
}

static bool lines_ready(struct fpm_core *core, enum planner_side side)
{
    return iteration_model_has_samples(&core->models[side]);
}

/* May the queue of a rank grow to this? */
static void test_queue(struct fpm_core *core, struct fpm_survey *s, struct iteration_model *m,
                       double batched_tok, double queued_tok, double kv_tok)
{
    double own_s = estimate_ttft_s(m, 0, batched_tok, kv_tok, core->hit_rate);
    double ttft_s = estimate_ttft_s(m, queued_tok, batched_tok, kv_tok, core->hit_rate);

    fpm_survey_test_queue(core, s, ttft_s, own_s);
}

static struct fpm_wish lines_ttft(struct fpm_core *core, const struct fpm_view *view,
                                  struct fpm_output *out)
{
    bool agg = core->mode == MODE_AGG;
    enum planner_side side = agg ? SIDE_DECODE : SIDE_PREFILL;
    struct iteration_model *m = &core->models[side];
    double mbt = core->limits[side].max_batched_tok, k = fpm_share_grows(view->n_workers);
    struct fpm_survey s = {.safe = true};

    if (!iteration_model_has_samples(m) || view->n_workers == 0 || mbt <= 0)
        return fpm_no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        double kv_tok = agg ? r->decode_kv_tok : 0;
        fpm_survey_add(&s, estimate_ttft_s(m, r->queued_prefill_tok, mbt, kv_tok, core->hit_rate),
                       core->config->ttft_ms);
        if (agg)
            kv_tok = trunc((r->decode_kv_tok + r->queued_decode_kv_tok) * k);
        if (s.safe)
            test_queue(core, &s, m, mbt, trunc(r->queued_prefill_tok * k), kv_tok);
    }
    if (s.n_estimates > 0)
        out->estimated_ttft_ms = 1000 * s.most_s;
    return fpm_survey_wish(core, &s, side, view->n_workers);
}

static struct fpm_wish lines_itl(struct fpm_core *core, const struct fpm_view *view,
                                 struct fpm_output *out)
{
    struct iteration_model *m = &core->models[SIDE_DECODE];
    double max_kv = core->limits[SIDE_DECODE].max_kv_tok, k = fpm_share_grows(view->n_workers);
    double limit_ms = core->config->itl_ms * fpm_sensitivity(core);
    struct fpm_survey s = {.safe = true};

    if (!iteration_model_has_samples(m) || view->n_workers == 0)
        return fpm_no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        double tok = r->decode_kv_tok + r->queued_decode_kv_tok;
        fpm_survey_add(&s, estimate_itl_s(m, tok), core->config->itl_ms);
        if (core->mode == MODE_AGG)
            tok += r->queued_prefill_tok;
        if (!s.safe)
            continue;
        double after_tok = trunc(tok * k), after_s = estimate_itl_s(m, after_tok);
        if ((max_kv > 0 && after_tok >= max_kv) || 1000 * after_s >= limit_ms)
            fpm_survey_refuse(&s);
        else if (isnan(after_s))
            s.safe = false;
    }
    if (s.n_estimates > 0)
        out->estimated_itl_ms = 1000 * s.most_s;
    return fpm_survey_wish(core, &s, SIDE_DECODE, view->n_workers);
}

static struct engine_rate lines_rate(struct fpm_core *core, enum planner_side side, double isl_tok,
                                     double osl_tok)
{
    const struct fpm_config *c = core->config;
    const struct fpm_limits *limits = &core->limits[side];
    struct iteration_model *m = &core->models[side];

    if (core->mode == MODE_AGG)
        return agg_rate(m, isl_tok, osl_tok, c->ttft_ms, c->itl_ms, core->hit_rate, limits);
    if (side == SIDE_DECODE)
        return decode_rate(m, c->itl_ms, isl_tok + osl_tok / 2, osl_tok, limits);
    return prefill_rate(m, isl_tok * uncached_share(core->hit_rate), limits->max_batched_tok);
}

const struct fpm_estimates fpm_estimates_lines = {
    .init = lines_init,
    .learn = lines_learn,
    .ready = lines_ready,
    .ttft = lines_ttft,
    .itl = lines_itl,
    .rate = lines_rate,
};
