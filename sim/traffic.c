#include "sim/traffic.h"

struct traffic_window traffic_between(const struct traffic_window *a, const struct traffic_window *b,
                                      double length_s)
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
    };
}
