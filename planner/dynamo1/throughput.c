#include "planner/dynamo1/throughput.h"

#include <math.h>

#include "planner/fixes.h"

double prefill_correction(const struct prefill_model *m, const struct traffic_means *seen)
{
    return seen->ttft_ms / prefill_model_ttft_ms(m, seen->isl_tok);
}

bool decode_correction(const struct decode_model *m, const struct traffic_means *seen,
                       int64_t n_workers, double interval_s, double *factor)
{
    double concurrency = seen->n_requests / (double)n_workers * seen->duration_s / interval_s;
    struct decode_point point;

    if (!decode_model_at(m, concurrency, seen->isl_tok + seen->osl_tok / 2, &point))
        return false;
    *factor = seen->itl_ms / point.itl_ms;
    return true;
}

static int64_t at_least(int64_t value, int64_t floor_value)
{
    return value > floor_value ? value : floor_value;
}

/* false where Python's ceil raises. */
static bool ceil_count(double value, int64_t *count)
{
    if (!isfinite(value))
        return false;
    *count = (int64_t)fmax(-(double)REPLICAS_MAX, fmin(ceil(value), (double)REPLICAS_MAX));
    return true;
}

static bool count_for(const struct replica_rule *rule, const struct replica_basis *basis,
                      int64_t *replicas)
{
    if (basis->no_cap) {
        *replicas = rule->min_endpoint;
        return true;
    }
    if (!ceil_count(basis->load / basis->cap / (double)rule->gpus_per_engine, replicas))
        return false;
    *replicas = at_least(*replicas, rule->min_endpoint);
    return true;
}

bool prefill_replicas(const struct prefill_model *m, const struct replica_rule *rule,
                      const struct traffic_forecast *next, double correction, int64_t *replicas,
                      struct replica_basis *basis)
{
    struct replica_basis unused, *b = basis ? basis : &unused;
    /* A correction that is not a number counts as 1, as Python's min does. */
    double factor = correction < 1 ? correction : 1;

    *b =
        (struct replica_basis){.load = next->n_requests * next->isl_tok / rule->interval_s * factor,
                               .cap = prefill_model_thpt(m, next->isl_tok)};
    if (rule->fixes & FIX_TTFT_TARGET) {
        b->missed = !(prefill_model_ttft_ms(m, next->isl_tok) < rule->ttft_ms);
        b->cap *= prefill_model_utilization(m, next->isl_tok, rule->ttft_ms);
    }
    b->no_cap = b->cap <= 0;
    return count_for(rule, b, replicas);
}

bool decode_replicas(const struct decode_model *m, const struct replica_rule *rule,
                     const struct traffic_forecast *next, double correction, int64_t *replicas,
                     struct replica_basis *basis)
{
    struct replica_basis unused, *b = basis ? basis : &unused;
    double target_ms = correction <= 0 ? rule->itl_ms : rule->itl_ms / correction;
    struct decode_point best;

    *b = (struct replica_basis){.load = next->n_requests * next->osl_tok / rule->interval_s};
    if (!decode_model_best(m, target_ms, next->isl_tok + next->osl_tok / 2, &best))
        return false;
    b->cap = best.thpt;
    b->missed = !best.meets_target;
    b->no_cap = b->cap <= 0;
    return count_for(rule, b, replicas);
}

int64_t budget_component(const struct gpu_budget *b, int64_t wanted, int64_t gpus_per_engine)
{
    int64_t total = wanted * gpus_per_engine;

    if (b->max_gpus < 0 || total <= b->max_gpus)
        return wanted;
    if (b->max_gpus < b->min_endpoint * gpus_per_engine)
        return 0;
    /* The scale comes first: multiplying before dividing rounds differently. */
    double scale = (double)b->max_gpus / (double)total;
    return at_least((int64_t)floor((double)wanted * scale), b->min_endpoint);
}

static int64_t floor_ratio(int64_t a, int64_t b)
{
    return (int64_t)floor((double)a / (double)b);
}

void budget_joint(const struct gpu_budget *b, int64_t *n_prefill, int64_t prefill_gpus,
                  int64_t *n_decode, int64_t decode_gpus)
{
    int64_t total = *n_prefill * prefill_gpus + *n_decode * decode_gpus, wanted_decode = *n_decode;

    if (b->max_gpus < 0 || total <= b->max_gpus)
        return;
    if (b->max_gpus < b->min_endpoint * (prefill_gpus + decode_gpus)) {
        *n_prefill = 0;
        *n_decode = 0;
        return;
    }
    double scale = (double)b->max_gpus / (double)total;
    int64_t most = floor_ratio(b->max_gpus - b->min_endpoint * decode_gpus, prefill_gpus);
    int64_t scaled = (int64_t)floor((double)*n_prefill * scale);
    *n_prefill = at_least(scaled < most ? scaled : most, b->min_endpoint);
    *n_decode = at_least(floor_ratio(b->max_gpus - *n_prefill * prefill_gpus, decode_gpus),
                         b->min_endpoint);
    if ((b->fixes & FIX_CAP_DECODE) && *n_decode > wanted_decode)
        *n_decode = at_least(wanted_decode, b->min_endpoint);
}
