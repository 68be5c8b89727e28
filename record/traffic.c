#include "record/traffic.h"

#include <math.h>

static void mark(double *sum, double *n, double total_n)
{
    if (!(total_n > 0))
        *sum = *n = NAN;
}

void traffic_mark_missing(struct traffic_window *w, const struct traffic_window *total)
{
    mark(&w->ttft_sum_s, &w->n_ttft, total->n_ttft);
    mark(&w->itl_sum_s, &w->n_itl, total->n_itl);
    mark(&w->duration_sum_s, &w->n_duration, total->n_duration);
    mark(&w->isl_sum_tok, &w->n_isl, total->n_isl);
    mark(&w->osl_sum_tok, &w->n_osl, total->n_osl);
    mark(&w->hit_rate_sum, &w->n_hit_rate, total->n_hit_rate);
}

struct traffic_window traffic_between(const struct traffic_window *a,
                                      const struct traffic_window *b, double length_s)
{
    return (struct traffic_window){
        .length_s = length_s,
        .n_requests = b->n_requests - a->n_requests,
        .n_arrived = b->n_arrived - a->n_arrived,
        .ttft_sum_s = b->ttft_sum_s - a->ttft_sum_s,
        .n_ttft = b->n_ttft - a->n_ttft,
        .itl_sum_s = b->itl_sum_s - a->itl_sum_s,
        .n_itl = b->n_itl - a->n_itl,
        .duration_sum_s = b->duration_sum_s - a->duration_sum_s,
        .n_duration = b->n_duration - a->n_duration,
        .isl_sum_tok = b->isl_sum_tok - a->isl_sum_tok,
        .n_isl = b->n_isl - a->n_isl,
        .osl_sum_tok = b->osl_sum_tok - a->osl_sum_tok,
        .n_osl = b->n_osl - a->n_osl,
        .hit_rate_sum = b->hit_rate_sum - a->hit_rate_sum,
        .n_hit_rate = b->n_hit_rate - a->n_hit_rate,
    };
}
