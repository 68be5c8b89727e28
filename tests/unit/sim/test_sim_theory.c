/* Long runs against queueing theory. */
#include "sim_fixture.h"

/* Poisson arrivals, one request at a time, service of exactly D. */
static void run_md1(struct fixture *f, double rho, int n)
{
    fixture_init(f, false, 1);
    f->deployment.pools[0].engine.max_num_seqs = 1;
    f->model = (struct linear_model){.base_ms = 20};
    f->config.sample_ns = 7777777;
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "arrivals", 0);
    double at_ms = 0;
    for (int i = 0; i < n; i++) {
        trace_text_add(&t, at_ms, 100, 1);
        at_ms += pcg64_exponential(&rng, 20 / rho);
    }
    fixture_run(f, t.text);
    free(t.text);
    cr_assert_eq(f->n_outcome[OUTCOME_COMPLETED], (size_t)n);
}

static double mean_wait_ms(const struct fixture *f)
{
    double sum = 0;
    for (size_t i = 0; i < f->n_records; i++)
        sum += ms_from_ns(f->records[i].scheduled_ns - f->records[i].arrival_ns);
    return sum / f->n_records;
}

Test(sim_theory, md1_mean_wait_is_rho_d_over_2_1_minus_rho)
{
    static const double rhos[] = {0.5, 0.7, 0.8};
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        run_md1(&f, rhos[i], 400000);
        double want = rhos[i] * 20 / (2 * (1 - rhos[i]));
        cr_assert_float_eq(mean_wait_ms(&f), want, 0.02 * want, "rho %g: %g, want %g", rhos[i],
                           mean_wait_ms(&f), want);
        fixture_release(&f);
    }
}

Test(sim_theory, utilisation_is_arrival_rate_times_service_time)
{
    struct fixture f;
    run_md1(&f, 0.7, 200000);
    const double *gpu_s = f.result->pools[0].gpu_s;
    double span_s = s_from_ns(f.result->end_ns);
    cr_assert_float_eq(gpu_s[GPU_BUSY], 200000 * 0.020, 1e-6);
    cr_assert_float_eq(gpu_s[GPU_BUSY] + gpu_s[GPU_IDLE], span_s, 1e-6);
    cr_assert_float_eq(gpu_s[GPU_BUSY] / span_s, 0.7, 0.01);
    fixture_release(&f);
}

/* L = lambda W: the seconds that samples say were spent in a queue against those of the requests.
 */
static void assert_little(const char *queue, double sampled_s, double sum_s)
{
    cr_assert_float_eq(sampled_s, sum_s, 1e-9 * sum_s, "%s: sampled %.12g s, by requests %.12g s",
                       queue, sampled_s, sum_s);
}

Test(sim_theory, little_holds_for_every_queue)
{
    struct fixture f;
    fixture_init(&f, true, 2);
    f.deployment.kv_latency_ns = 30 * NS_PER_MS;
    f.config.sample_ns = 400 * NS_PER_MS; /* every sample at an arrival of a burst */
    f.model =
        (struct linear_model){.base_ms = 5, .new_ms = 0.02, .seq_ms = 0.5, .context_ms = 1e-4};
    f.deployment.pools[1].engine.max_num_seqs = 16;
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 2, "arrivals", 0);
    double at_ms = 0;
    for (int i = 0; i < 20000; i++) {
        trace_text_add(&t, at_ms, 50 + (unsigned)pcg64_below(&rng, 1500),
                       2 + (unsigned)pcg64_below(&rng, 60));
        at_ms += i % 20 == 19 ? 400 : 0;
    }
    fixture_run(&f, t.text);
    free(t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 20000);
    double prefill_wait = 0, prefill_run = 0, decode = 0;
    for (size_t i = 0; i < f.n_records; i++) {
        const struct request_record *r = &f.records[i];
        prefill_wait += s_from_ns(r->scheduled_ns - r->arrival_ns);
        prefill_run += s_from_ns(r->prefill_done_ns - r->scheduled_ns);
        decode += s_from_ns(r->last_token_ns - r->prefill_done_ns);
    }
    double sampled[3] = {0}, n_arrived = 0, n_completed = 0;
    int64_t before_ns = 0;
    for (size_t i = 0; i < f.n_samples; i++) {
        const struct sample_record *s = &f.samples[i];
        double length_s = s_from_ns(s->at_ns - before_ns);
        if (s->pool == 0) {
            sampled[0] += s->n_waiting * length_s;
            sampled[1] += s->n_running * length_s;
            n_arrived += s->traffic.n_arrived;
            n_completed += s->traffic.n_requests;
        } else {
            sampled[2] += (s->n_waiting + s->n_running) * length_s;
            before_ns = s->at_ns;
        }
    }
    assert_little("prefill queue", sampled[0], prefill_wait);
    assert_little("prefill steps", sampled[1], prefill_run);
    assert_little("decode pool", sampled[2], decode);
    cr_assert_gt(sampled[0], 100, "the queue must not be empty all the time");
    cr_assert_eq(n_arrived, 20000);
    cr_assert_eq(n_completed, 20000);
    cr_assert_eq(f.samples[0].at_ns, 0);
    cr_assert_eq(f.samples[0].traffic.n_arrived, 0); /* the first burst is in the next */
    fixture_release(&f);
}

Test(sim_theory, more_workers_never_raise_the_mean_ttft)
{
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 3, "arrivals", 0);
    double at_ms = 0;
    for (int i = 0; i < 3000; i++) {
        trace_text_add(&t, at_ms, 20 + (unsigned)pcg64_below(&rng, 800),
                       1 + (unsigned)pcg64_below(&rng, 100));
        at_ms += pcg64_exponential(&rng, 25);
    }
    static const char *const names[] = {"round_robin", "least_loaded"};
    for (int router = 0; router < 2; router++) {
        double last = INFINITY;
        for (int workers = 1; workers <= 12; workers++) {
            struct fixture f;
            fixture_init(&f, false, workers);
            f.deployment.pools[0].router = router_find(names[router]);
            fixture_run(&f, t.text);
            double sum = 0;
            for (size_t i = 0; i < f.n_records; i++)
                sum += ms_from_ns(f.records[i].first_token_ns - f.records[i].arrival_ns);
            double mean = sum / f.n_records;
            cr_assert_leq(mean, last, "%s, %d workers: %g after %g", names[router], workers, mean,
                          last);
            last = mean;
            fixture_release(&f);
        }
    }
    free(t.text);
}

/* Windows and the histogram count the same gaps; every request is in exactly one window. */
Test(sim_theory, windows_add_up_to_the_run)
{
    struct fixture f;
    run_md1(&f, 0.5, 5000);
    cr_assert_eq(f.window_requests, 5000);
    cr_assert_float_eq(f.window_length_s, s_from_ns(f.result->end_ns), 1e-6);
    fixture_release(&f);
}

/* ISLs of the bundled conversation trace. */
static size_t conversation_isl(unsigned *isl_tok, size_t capacity)
{
    struct trace_options options = {.format = "auto", .speedup = 1, .block_size_tok = 512};
    struct trace_reader *trace;
    struct trace_request r;
    struct diag d;
    size_t n = 0;
    diag_init(&d);
    cr_assert_eq(
        trace_open(&trace, PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz", &options, &d),
        ST_OK);
    while (n < capacity && trace_next(trace, &r, &d) == ST_OK)
        isl_tok[n++] = r.isl_tok;
    trace_close(trace);
    return n;
}

/* One server, service base + new * ISL with the trace's ISLs: mean wait = lambda E[S^2] / (2 (1 -
 * rho)) (Pollaczek-Khinchine). */
Test(sim_theory, mg1_mean_wait_with_the_conversation_traces_prompt_lengths)
{
    enum { N = 600000, CAPACITY = 12031 };
    static unsigned isl_tok[CAPACITY];
    size_t n_isl = conversation_isl(isl_tok, CAPACITY);
    cr_assert_eq(n_isl, CAPACITY);
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_seqs = 1;
    f.deployment.pools[0].engine.max_num_batched_tokens = 1000000;
    f.deployment.pools[0].engine.kv_blocks = 1000000;
    f.model = (struct linear_model){.base_ms = 10, .new_ms = 0.02};
    double s1 = 0, s2 = 0;
    for (size_t i = 0; i < n_isl; i++) {
        double service = 10 + 0.02 * isl_tok[i];
        s1 += service / n_isl;
        s2 += service * service / n_isl;
    }
    double rho = 0.6, gap_ms = s1 / rho, at_ms = 0;
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 4, "arrivals", 0);
    for (int i = 0; i < N; i++) {
        trace_text_add(&t, at_ms, isl_tok[pcg64_below(&rng, n_isl)], 1);
        at_ms += pcg64_exponential(&rng, gap_ms);
    }
    fixture_run(&f, t.text);
    free(t.text);
    double want = s2 / gap_ms / (2 * (1 - rho));
    cr_assert_float_eq(mean_wait_ms(&f), want, 0.03 * want, "%g, want %g", mean_wait_ms(&f), want);
    fixture_release(&f);
}

/* A queue that never empties keeps k sequences running, each for N steps on average, one of them
 * with its prompt: mean step T = base + (k - q) seq + q new ISL with q = k / N prompts per step,
 * and k / (N T) requests a second. */
Test(sim_theory, a_full_engine_settles_at_its_fixed_point)
{
    enum { N = 4000, PLACES = 16, MEAN_OSL = 80, ISL = 200 };
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_seqs = PLACES;
    f.deployment.pools[0].engine.max_num_batched_tokens = 100000;
    f.model = (struct linear_model){.base_ms = 8, .new_ms = 0.05, .seq_ms = 0.4};
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 5, "lengths", 0);
    double tokens = 0;
    for (int i = 0; i < N; i++) {
        unsigned osl_tok = 1 + (unsigned)pcg64_below(&rng, 2 * MEAN_OSL - 1);
        tokens += osl_tok;
        trace_text_add(&t, 0, ISL, osl_tok);
    }
    fixture_run(&f, t.text);
    free(t.text);
    double steps_per_request = tokens / N, q = PLACES / steps_per_request;
    double step_ms = 8 + (PLACES - q) * 0.4 + q * 0.05 * ISL;
    double want = PLACES / (steps_per_request * step_ms) * 1e3;
    double got = N / s_from_ns(f.result->end_ns);
    cr_assert_float_eq(got, want, 0.01 * want, "%g requests/s, want %g", got, want);
    fixture_release(&f);
}

/* No batch serves more than n / step(n) tokens a second, and a batch of equals serves exactly that.
 */
Test(sim_theory, output_rate_is_bounded_by_the_batch_and_met_by_a_batch_of_equals)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.kv_blocks = 5000;
    struct trace_text t = {0};
    for (int i = 0; i < 64; i++)
        trace_text_add(&t, 0, 8, 1001);
    fixture_run(&f, t.text);
    free(t.text);
    /* 64 prompts of 8 tokens fit one step of 512: 10 + 51.2 ms, then 1000 steps of 10 + 64 ms. */
    cr_assert_eq(f.result->end_ns, 61200 * NS_PER_US + INT64_C(1000) * 74 * NS_PER_MS);
    double bound = 64 / 0.074;
    double rate = 64 * 1001 / s_from_ns(f.result->end_ns);
    cr_assert_leq(rate, bound * 1.001);
    cr_assert_geq(rate, bound * 0.99);
    fixture_release(&f);
}
