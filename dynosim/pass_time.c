/* How long a pass takes. */
#include <math.h>

#include "dynosim/dynosim_internal.h"

/* Requests by what they do in the pass. */
struct pass {
    uint32_t n_prefill; /* compute prompt tokens */
    uint64_t before_sum, after_sum;
    uint32_t n_decode; /* emit a token (and pay for it) */
    uint64_t context_sum, decode_tok;
    /* As forward-pass metrics have it: who computes some of its prompt does not decode, and all it
     * computes counts. */
    uint32_t n_prompts, n_decoding;
    uint64_t prompt_tok, prompt_kv_tok, decoding_tok;
    uint32_t n_chunks;
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static struct pass look_at(const struct dyno_run *run, struct dyno_worker *w)
{
    const struct dynosim_semantics *on = run->semantics;
    bool is_decode = w->pool->config->role == POOL_DECODE;
    struct pass pass = {0};
    for (uint32_t i = 0; i < w->n_running; i++) {
        const struct dyno_request *r = &run->requests[w->running[i]];
        uint32_t charged = r->recomputing && !on->free_recompute ? r->known_tok : r->isl_tok;
        uint32_t before = least(r->before_tok, charged), after = least(r->computed_tok, charged);
        bool is_prompt = after > before, computes = is_prompt && !(is_decode && on->free_recompute);
        if (is_prompt) {
            pass.n_prompts++;
            pass.prompt_tok += r->computed_tok - r->before_tok;
            pass.prompt_kv_tok += r->before_tok;
        }
        if (computes) {
            if (w->chunks)
                w->chunks[pass.n_chunks++] = (struct step_chunk){before, after - before};
            pass.n_prefill++;
            pass.before_sum += before;
            pass.after_sum += after;
        }
        if (r->computed_tok != r->known_tok || r->known_tok == r->end_tok)
            continue;
        pass.decode_tok += r->known_tok;
        if (!is_prompt) {
            pass.n_decoding++;
            pass.decoding_tok += r->known_tok;
        }
        if (computes && !on->first_token_pays_decode)
            continue;
        pass.n_decode++;
        pass.context_sum += r->known_tok;
    }
    return pass;
}

/* Linear tables or polynomials. */
static void straight_times(const struct dyno_run *run, const struct dyno_worker *w,
                           const struct pass *pass, double *prefill_ms, double *decode_ms)
{
    const struct dynosim_pool *config = w->pool->config;
    bool cut = run->semantics->truncated_means;
    *prefill_ms = *decode_ms = 0;
    if (pass->n_prefill) {
        uint64_t k = pass->n_prefill;
        uint64_t new_tok = cut ? k * (pass->after_sum / k - pass->before_sum / k)
                               : pass->after_sum - pass->before_sum;
        *prefill_ms = dynosim_prefill_ms(&config->latency, (double)new_tok);
    }
    if (pass->n_decode) {
        double context = cut ? (double)(pass->context_sum / pass->n_decode)
                             : (double)pass->context_sum / pass->n_decode;
        double capacity = (double)config->kv_blocks * config->block_size_tok;
        double kv_tok = run->semantics->kv_load_by_blocks
                            ? (double)config->block_size_tok * block_pool_in_use(&w->kv)
                            : (double)pass->context_sum;
        *decode_ms = dynosim_decode_ms(&config->latency, kv_tok, context, capacity);
        if (pass->n_prefill && !run->semantics->mixed_sum)
            *decode_ms =
                fmax(0, *decode_ms - dynosim_decode_ms(&config->latency, 0, context, capacity));
    }
}

/* A model behind engines/latency/latency.h. */
static void model_times(const struct dyno_run *run, const struct dyno_worker *w,
                        const struct pass *pass, double *prefill_ms, double *decode_ms)
{
    const struct dynosim_pool *config = w->pool->config;
    struct engine_step prefill = {.chunks = w->chunks, .n_chunks = pass->n_chunks};
    struct engine_step decode = {.n_decode = pass->n_decode};
    if (pass->n_decode)
        decode.decode_context_mean_tok = decode.decode_context_max_tok =
            (double)pass->context_sum / pass->n_decode;
    *prefill_ms = *decode_ms = 0;
    if (pass->n_prefill && pass->n_decode && !run->semantics->mixed_sum) {
        decode.chunks = prefill.chunks;
        decode.n_chunks = prefill.n_chunks;
        *prefill_ms = config->model->step_ms(config->model_state, &decode);
        return;
    }
    if (pass->n_prefill)
        *prefill_ms = config->model->step_ms(config->model_state, &prefill);
    if (pass->n_decode)
        *decode_ms = config->model->step_ms(config->model_state, &decode);
}

static int64_t length_ns(const struct dyno_run *run, const struct dyno_worker *w,
                         const struct pass *pass)
{
    const struct dynosim_pool *config = w->pool->config;
    double prefill_ms, decode_ms;
    if (run->semantics->straight_line_tables)
        straight_times(run, w, pass, &prefill_ms, &decode_ms);
    else
        model_times(run, w, pass, &prefill_ms, &decode_ms);
    prefill_ms /= config->speedup;
    decode_ms /= config->speedup * config->decode_speedup;
    return ns_after(ns_from_ms_or_never(prefill_ms), ns_from_ms_or_never(decode_ms));
}

int64_t dyno_pass_ns(struct dyno_run *run, struct dyno_worker *w)
{
    const struct dynosim_pool *config = w->pool->config;
    struct pass pass = look_at(run, w);
    w->snapshot = (struct pass_snapshot){
        .start_ns = run->now_ns,
        .prefill_tok = pass.after_sum - pass.before_sum,
        .queued_tok = w->queued.prefill_tok,
        .decode_tok = pass.decode_tok,
        .n_prefill = pass.n_prefill,
        .n_decode = pass.n_decode,
    };
    if (config->role == POOL_PREFILL)
        pass.n_decode = 0;
    int64_t all_ns = length_ns(run, w, &pass);
    w->snapshot.published = (struct fpm_record){
        .worker_id = w->id,
        .wall_s = s_from_ns(all_ns),
        .n_prefill = pass.n_prompts,
        .prefill_tok = (double)pass.prompt_tok,
        .prefill_kv_tok = (double)pass.prompt_kv_tok,
        .n_decode = pass.n_decoding,
        .decode_kv_tok = (double)pass.decoding_tok,
        .n_queued_prefill = w->queued.n_prefill,
        .queued_prefill_tok = (double)w->queued.prefill_tok,
        .n_queued_decode = w->queued.n_decode,
        .queued_decode_kv_tok = (double)w->queued.decode_tok,
    };
    if (run->observer->wants_parts) {
        struct pass alone = pass;
        alone.n_prefill = alone.n_chunks = 0;
        w->clocks.pass_prompts_ns = pass.n_prefill ? all_ns - length_ns(run, w, &alone) : 0;
    }
    return all_ns;
}
