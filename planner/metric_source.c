#include "planner/metric_source.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *traffic_missing(const struct traffic_means *t)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"ttft", t->ttft_ms},
               {"itl", t->itl_ms},
               {"isl", t->isl_tok},
               {"osl", t->osl_tok},
               {"request count", t->n_requests},
               {"request duration", t->duration_s}};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (isnan(all[i].value))
            return all[i].name;
    }
    return NULL;
}

bool traffic_is_valid(const struct traffic_means *t)
{
    return traffic_missing(t) == NULL;
}

static bool is_kept(const struct metric_series *s, const char *model, const char *namespace_name)
{
    return s->readable && s->model && s->namespace_name && strcasecmp(s->model, model) == 0 &&
           strcmp(s->namespace_name, namespace_name) == 0;
}

double frontend_sum(const struct metric_series *series, size_t n, const char *model,
                    const char *namespace_name)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        if (is_kept(&series[i], model, namespace_name))
            sum += series[i].value;
    }
    return sum;
}

double frontend_mean(const struct metric_series *series, size_t n, const char *model,
                     const char *namespace_name)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (is_kept(&series[i], model, namespace_name))
            n_kept++;
    }
    return n_kept ? frontend_sum(series, n, model, namespace_name) / (double)n_kept : 0;
}

double router_value(const struct metric_series *series, size_t n)
{
    if (n == 0 || !series[0].readable || isnan(series[0].value))
        return 0;
    return series[0].value;
}

static double series_mean(double sum, double n)
{
    return isnan(n) ? 0 : sum / n;
}

struct traffic_means frontend_traffic(const struct traffic_window *w)
{
    return (struct traffic_means){
        .ttft_ms = 1000 * series_mean(w->ttft_sum_s, w->n_ttft),
        .itl_ms = 1000 * series_mean(w->itl_sum_s, w->n_itl),
        .n_requests = w->n_requests,
        .duration_s = series_mean(w->duration_sum_s, w->n_duration),
        .isl_tok = series_mean(w->isl_sum_tok, w->n_isl),
        .osl_tok = series_mean(w->osl_sum_tok, w->n_osl),
    };
}

static double ratio_or_zero(double sum, double n)
{
    return n > 0 ? sum / n : 0;
}

struct traffic_means router_traffic(const struct traffic_window *w, bool knows_duration)
{
    return (struct traffic_means){
        .ttft_ms = 1000 * ratio_or_zero(w->ttft_sum_s, w->n_ttft),
        .itl_ms = 1000 * ratio_or_zero(w->itl_sum_s, w->n_itl),
        .n_requests = w->n_requests,
        .duration_s = knows_duration ? ratio_or_zero(w->duration_sum_s, w->n_duration) : 0,
        .isl_tok = ratio_or_zero(w->isl_sum_tok, w->n_isl),
        .osl_tok = ratio_or_zero(w->osl_sum_tok, w->n_osl),
    };
}
