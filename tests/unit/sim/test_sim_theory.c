/* Long runs against queueing theory. */
#include "sim_fixture.h"

/* Poisson arrivals, one request at a time, service of exactly D. */
static void run_md1(struct fixture *f, double rho, int n)
{
    fixture_init(f, false, 1);
    f->config.pools[0].engine.max_num_seqs = 1;
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

/* L = lambda W: the time average seen by regular samples against the mean time per request, for each queue. */
static void assert_little(const char *queue, double sampled, double sum_s, double span_s)
{
    double want = sum_s / span_s;
    cr_assert_float_eq(sampled, want, 0.02 * want + 1e-3, "%s: sampled %g, lambda W %g", queue, sampled, want);
}

Test(sim_theory, little_holds_for_every_queue)
{
    struct fixture f;
    fixture_init(&f, true, 2);
    f.config.kv_latency_ns = 30 * NS_PER_MS;
    f.config.sample_ns = 12345678;
    f.model = (struct linear_model){.base_ms = 5, .new_ms = 0.02, .seq_ms = 0.5, .context_ms = 1e-4};
    f.config.pools[1].engine.max_num_seqs = 16;
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 2, "arrivals", 0);
    double at_ms = 0;
    for (int i = 0; i < 20000; i++) {
        trace_text_add(&t, at_ms, 50 + (unsigned)pcg64_below(&rng, 1500), 2 + (unsigned)pcg64_below(&rng, 60));
        at_ms += pcg64_exponential(&rng, 20);
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
    double sampled[3] = {0};
    for (size_t i = 0; i < f.n_samples; i++) {
        const struct sample_record *s = &f.samples[i];
        if (s->pool == 0) {
            sampled[0] += s->n_waiting;
            sampled[1] += s->n_running;
        } else {
            sampled[2] += s->n_waiting + s->n_running;
        }
    }
    double n = f.n_samples / 2, span_s = s_from_ns(f.result->end_ns);
    assert_little("prefill queue", sampled[0] / n, prefill_wait, span_s);
    assert_little("prefill steps", sampled[1] / n, prefill_run, span_s);
    assert_little("decode pool", sampled[2] / n, decode, span_s);
    cr_assert_gt(sampled[0] / n, 0.1, "the queue must not be empty all the time");
    fixture_release(&f);
}

Test(sim_theory, more_workers_never_raise_the_mean_ttft)
{
    struct trace_text t = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 3, "arrivals", 0);
    double at_ms = 0;
    for (int i = 0; i < 3000; i++) {
        trace_text_add(&t, at_ms, 20 + (unsigned)pcg64_below(&rng, 800), 1 + (unsigned)pcg64_below(&rng, 100));
        at_ms += pcg64_exponential(&rng, 25);
    }
    static const char *const names[] = {"round_robin", "least_loaded"};
    for (int router = 0; router < 2; router++) {
        double last = INFINITY;
        for (int workers = 1; workers <= 12; workers++) {
            struct fixture f;
            fixture_init(&f, false, workers);
            f.config.pools[0].router = router_find(names[router]);
            fixture_run(&f, t.text);
            double sum = 0;
            for (size_t i = 0; i < f.n_records; i++)
                sum += ms_from_ns(f.records[i].first_token_ns - f.records[i].arrival_ns);
            double mean = sum / f.n_records;
            cr_assert_leq(mean, last, "%s, %d workers: %g after %g", names[router], workers, mean, last);
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
