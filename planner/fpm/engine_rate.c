#include "planner/fpm/engine_rate.h"

#include <math.h>

/* Batches that are tried where nobody knows the size of the KV cache. */
enum { DEFAULT_DECODE_BATCH = 256, DEFAULT_AGG_BATCH = 1024 };

/* A prompt in iterations of batched_tok; the intercept is paid in each. */
static double chunked_s(const struct iteration_model *m, double tok, double batched_tok,
                        double kv_tok)
{
    double n_full = ceil(tok / batched_tok) - 1;
    double rest_s = iteration_time_s(m, tok - n_full * batched_tok, kv_tok);

    return n_full > 0 ? n_full * iteration_time_s(m, batched_tok, kv_tok) + rest_s : rest_s;
}

double estimate_ttft_s(struct iteration_model *m, double queued_tok, double batched_tok,
                       double kv_tok, double hit_rate)
{
    if (batched_tok <= 0 || !iteration_model_fit(m))
        return NAN;
    double tok = (queued_tok + moving_mean_value(&m->isl_tok)) * uncached_share(hit_rate);
    return tok <= 0 ? 0 : chunked_s(m, tok, batched_tok, kv_tok);
}

double estimate_itl_s(struct iteration_model *m, double kv_tok)
{
    if (!iteration_model_fit(m))
        return NAN;
    double first = m->kind == ITERATION_DECODE ? moving_mean_value(&m->n_decode) + 1
                                               : moving_mean_value(&m->prefill_tok);
    return iteration_time_s(m, first, kv_tok + moving_mean_value(&m->context_tok));
}

struct engine_rate prefill_rate(struct iteration_model *m, double isl_tok, double batched_tok)
{
    struct engine_rate none = {0};

    if (!iteration_model_fit(m) || !(isl_tok > 0))
        return none;
    double wall_s = batched_tok > 0 && isl_tok > batched_tok ? chunked_s(m, isl_tok, batched_tok, 0)
                                                             : iteration_time_s(m, isl_tok, 0);
    return (struct engine_rate){.requests_per_s = 1 / wall_s, .ttft_ms = 1000 * wall_s};
}

/* Requests of this context that the cache holds. */
static double kv_batch(double max_kv_tok, double context_tok)
{
    return fmax(1, floor(max_kv_tok / context_tok));
}

struct engine_rate decode_rate(struct iteration_model *m, double itl_ms, double context_tok,
                               double osl_tok, const struct fpm_limits *limits)
{
    struct engine_rate none = {0};

    if (!iteration_model_fit(m) || !(itl_ms > 0) || !(context_tok > 0) || !(osl_tok > 0))
        return none;
    double max_kv = limits->max_kv_tok > 0 ? limits->max_kv_tok : m->max_kv_seen_tok;
    double most = max_kv > 0 ? kv_batch(max_kv, context_tok) : DEFAULT_DECODE_BATCH;
    if (limits->max_seqs > 0)
        most = fmin(most, limits->max_seqs);

    double lo = 1, hi = fmax(1, most), batch = 1;
    while (lo <= hi) {
        double mid = floor((lo + hi) / 2);
        if (1000 * iteration_time_s(m, mid, mid * context_tok) <= itl_ms) {
            batch = mid;
            lo = mid + 1;
        } else {
            hi = mid - 1;
        }
    }
    double wall_s = iteration_time_s(m, batch, batch * context_tok);
    return (struct engine_rate){.requests_per_s = batch / (osl_tok * wall_s),
                                .itl_ms = 1000 * wall_s};
}

/* The largest batch that leaves room for the prefill of one request in each osl_tok iterations. */
static double balanced_batch(double most, double uncached_tok, double osl_tok, double batched_tok)
{
    double lo = 1, hi = fmax(1, most);

    while (lo < hi) {
        double mid = floor((lo + hi + 1) / 2);
        if (batched_tok - mid > 0 && uncached_tok / (batched_tok - mid) <= osl_tok)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

struct engine_rate agg_rate(struct iteration_model *m, double isl_tok, double osl_tok,
                            double ttft_ms, double itl_ms, double hit_rate,
                            const struct fpm_limits *limits)
{
    struct engine_rate best = {0};
    double mbt = limits->max_batched_tok, context_tok = isl_tok + osl_tok / 2;

    if (!iteration_model_fit(m) || !(isl_tok > 0) || !(osl_tok > 0) || mbt <= 0)
        return best;
    double uncached_tok = isl_tok * uncached_share(hit_rate);
    double most = limits->max_kv_tok > 0 ? kv_batch(limits->max_kv_tok, fmax(1, context_tok))
                                         : DEFAULT_AGG_BATCH;
    if (limits->max_seqs > 0)
        most = fmin(most, limits->max_seqs);
    most = balanced_batch(fmin(most, mbt - 1), uncached_tok, osl_tok, mbt);
    for (int64_t n = 1; n <= (int64_t)most; n++) {
        double b = (double)n, prompts = b / fmax(1, osl_tok), kv_tok = b * context_tok;
        double wall_s = iteration_time_s(m, fmin(prompts * uncached_tok, mbt), kv_tok);
        double queued = trunc(fmin(prompts * isl_tok, mbt));
        double ttft = 1000 * estimate_ttft_s(m, queued, mbt, trunc(kv_tok), hit_rate);
        bool misses = 1000 * wall_s > itl_ms || ttft > ttft_ms;
        if (misses && n > 1)
            break;
        best = (struct engine_rate){b / (osl_tok * wall_s), ttft, 1000 * wall_s};
        if (misses)
            break;
    }
    return best;
}
