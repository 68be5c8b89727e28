#include "planner/fpm/bootstrap.h"

#include <math.h>

/* Prompts of a sweep begin here, and leave room for the output. */
enum { FIRST_ISL = 100, PREFILL_ROOM = 512, DECODE_ROOM = 500, DECODE_OSL = 500 };

static int64_t at_least_1(int64_t n)
{
    return n > 1 ? n : 1;
}

/* Halves to even, as the reference rounds. */
static double even_round(double x)
{
    return nearbyint(x);
}

struct fpm_record bootstrap_prefill(double isl_tok, double ttft_ms)
{
    return (struct fpm_record){
        .wall_s = ttft_ms / 1000, .n_prefill = 1, .prefill_tok = trunc(isl_tok)};
}

struct fpm_record bootstrap_decode(double kv_usage, double context_tok, double itl_ms,
                                   double max_kv_tok)
{
    double kv_tok = even_round(kv_usage * max_kv_tok);
    double batch = context_tok > 0 ? fmax(1, even_round(kv_tok / context_tok)) : 1;

    return (struct fpm_record){.wall_s = itl_ms / 1000, .n_decode = batch, .decode_kv_tok = kv_tok};
}

int64_t bootstrap_concurrency(int64_t most, int64_t granularity, int64_t i)
{
    if (most <= granularity)
        return i < most ? i + 1 : 0;
    if (granularity <= 1)
        return granularity == 1 && i == 0 ? most : 0;
    /* Steps are wider than 1, so that no two are the same after rounding. */
    double step = (double)(most - 1) / (double)(granularity - 1);
    return i < granularity ? at_least_1(1 + (int64_t)even_round((double)i * step)) : 0;
}

void bootstrap_sweep_prefill(const struct bootstrap_sweep *s, bootstrap_latency_ms *latency,
                             bootstrap_take *take, void *context)
{
    int64_t end = s->max_context_tok - PREFILL_ROOM;
    int64_t step = at_least_1((end - FIRST_ISL) / s->prefill_granularity);

    for (int64_t isl = FIRST_ISL; isl < end; isl += step) {
        struct fpm_record r = bootstrap_prefill((double)isl, latency(context, isl, 0));
        take(context, &r);
    }
}

void bootstrap_sweep_decode(const struct bootstrap_sweep *s, bootstrap_latency_ms *latency,
                            bootstrap_take *take, void *context)
{
    int64_t end = s->max_context_tok - DECODE_ROOM;
    int64_t step = at_least_1(end / s->decode_granularity);

    for (int64_t isl = FIRST_ISL; isl < end; isl += step) {
        int64_t most = s->rank_max_kv_tok * s->attention_dp / (isl + DECODE_OSL), point;
        for (int64_t i = 0; (point = bootstrap_concurrency(most, s->decode_granularity, i)) > 0;
             i++) {
            int64_t batch = at_least_1(point / s->attention_dp);
            double tok = even_round((double)point * ((double)isl + DECODE_OSL / 2.0));
            struct fpm_record r = {.wall_s = latency(context, isl, batch) / 1000,
                                   .n_decode = (double)point,
                                   .decode_kv_tok = tok};
            take(context, &r);
        }
        if (most == 0)
            break;
    }
}
