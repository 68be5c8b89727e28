/* What a policy can see: whose gauges are on the page, counters as scrapes know them, and an
 * outage. */
#include "sim_fixture.h"

/* Asks for everything every `every_ns`, and keeps the answers. */
struct watcher {
    int64_t every_ns, window_ns;
    size_t n;
    struct policy_input seen[64];
    struct worker_gauges gauges[64][4];
};

static enum status watch_tick(void *state, const struct policy_input *input,
                              struct policy_effects *effects, struct diag *d)
{
    struct watcher *w = state;
    cr_assert_lt(w->n, 64);
    cr_assert_leq(input->n_gauges, 4);
    w->seen[w->n] = *input;
    for (size_t i = 0; i < input->n_gauges; i++)
        w->gauges[w->n][i] = input->gauges[i];
    w->n++;
    effects->next_ns = input->now_ns + w->every_ns;
    effects->next_needs = NEED_TRAFFIC | NEED_GAUGES;
    effects->window_ns = w->window_ns;
    (void)d;
    return ST_OK;
}

static const struct policy_ops policy_watch = {.name = "watch", .tick = watch_tick};

static void run_watched(struct fixture *f, struct watcher *w, const char *trace_text)
{
    f->deployment.policy = &policy_watch;
    f->deployment.policy_state = w;
    policy_effects_clear(&f->deployment.policy_first, f->deployment.n_pools);
    f->deployment.policy_first.next_ns = w->every_ns;
    f->deployment.policy_first.next_needs = NEED_TRAFFIC | NEED_GAUGES;
    f->deployment.policy_first.window_ns = w->window_ns;
    fixture_run(f, trace_text);
}

/* One token each, so that a request is done after 10 + 0.1 * 100 = 20 ms of prefill. */
static void add_steady(struct trace_text *t, double from_ms, double to_ms, double gap_ms)
{
    for (double at_ms = from_ms; at_ms < to_ms; at_ms += gap_ms)
        trace_text_add(t, at_ms, 100, 1);
}

/* Two workers, one request at the start, and one at 5.5 s for the length of the run. */
static void watch_gauges(struct watcher *w, const char *router, bool any_router, bool idle_workers)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.pools[0].router = router_find(router);
    f.deployment.any_router_publishes = any_router;
    f.deployment.idle_workers_publish = idle_workers;
    *w = (struct watcher){.every_ns = NS_PER_S, .window_ns = NS_PER_S};
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 3);
    trace_text_add(&t, 5500, 100, 1);
    run_watched(&f, w, t.text);
    cr_assert_eq(w->n, 5);
    free(t.text);
    fixture_release(&f);
}

Test(metrics, a_worker_is_on_the_page_from_its_first_request_on)
{
    struct watcher w;
    watch_gauges(&w, "kv_aware", false, false);
    for (size_t i = 0; i < 5; i++) {
        cr_assert(w.seen[i].has_gauges);
        cr_assert_eq(w.seen[i].n_gauges, 1, "idle again, but known; the other never was");
        cr_assert_eq(w.gauges[i][0].active_prefill_tok, 0);
        cr_assert_float_eq(w.gauges[i][0].last_ttft_s, 0.02, 1e-9, "what it was last");
        cr_assert_eq(w.gauges[i][0].last_isl_tok, 100);
    }
}

Test(metrics, idle_workers_are_there_from_the_start_when_told_so)
{
    struct watcher w;
    watch_gauges(&w, "kv_aware", false, true);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(w.seen[i].n_gauges, 2);
    cr_assert_eq(w.gauges[0][0].last_ttft_s * w.gauges[0][1].last_ttft_s, -0.02,
                 "one of them served");
}

Test(metrics, only_the_kv_router_publishes_load)
{
    struct watcher w;
    watch_gauges(&w, "least_loaded", false, true);
    for (size_t i = 0; i < 5; i++) {
        cr_assert(w.seen[i].has_gauges, "a page without workers is no failure");
        cr_assert_eq(w.seen[i].n_gauges, 0);
    }
    watch_gauges(&w, "least_loaded", true, false);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(w.seen[i].n_gauges, 1);
}

/* ---- scrapes ---- */

/* With this seed scrapes are at 0.600128 s + k * interval, of an interval of 1 s. */
enum { SEED = 2 };
static const double phase_s = 0.600128;

Test(metrics, the_seed_draws_the_phase)
{
    struct pcg64 rng;
    pcg64_stream(&rng, SEED, "scrape", 0);
    double drawn_s = s_from_ns((int64_t)pcg64_below(&rng, NS_PER_S));
    cr_assert_float_eq(drawn_s, phase_s, 1e-6);
}

static struct watcher *watch_scrapes(struct watcher *w, double interval_s, const char *trace_text)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.seed = SEED;
    f.deployment.scrape_interval_ns = (int64_t)(interval_s * 1e9);
    *w = (struct watcher){.every_ns = 5 * NS_PER_S, .window_ns = 10 * NS_PER_S};
    run_watched(&f, w, trace_text);
    fixture_release(&f);
    return w;
}

/* Ten a second all the time. The window of 10 s holds 10 samples 9 s apart, between which 90
 * requests were completed: 90 * 10 / 9. */
Test(metrics, a_steady_counter_is_extrapolated_to_the_whole_window)
{
    struct watcher w;
    struct trace_text t = {0};
    add_steady(&t, 0, 20500, 100);
    watch_scrapes(&w, 1, t.text);
    for (size_t i = 2; i < 4; i++) {
        const struct traffic_window *seen = &w.seen[i].traffic;
        cr_assert_eq(seen->length_s, 10);
        cr_assert_float_eq(seen->n_requests, 100, 1e-9);
        cr_assert_float_eq(seen->n_arrived, 100, 1e-9);
        cr_assert_float_eq(seen->isl_sum_tok, 10000, 1e-7);
        cr_assert_float_eq(seen->ttft_sum_s / seen->n_ttft, 0.02, 1e-9);
        cr_assert(isnan(seen->n_itl), "there never was a second token");
    }
    free(t.text);
}

/* One that no worker can hold, so that the trace begins at 0 and no counter of completed ones does.
 */
static void add_rejected(struct trace_text *t)
{
    trace_text_add(t, 0, 20000, 1);
}

/* Requests every 100 ms from 7 s on. Samples at 7.6, 8.6 and 9.6 s know the series: 6 requests at
 * the first, 20 more at the last. It would have been 0 at 7 s, but is extrapolated by half a gap at
 * most. */
Test(metrics, a_series_that_begins_in_the_window_is_extrapolated_by_half_a_gap)
{
    struct watcher w;
    struct trace_text t = {0};
    add_rejected(&t);
    add_steady(&t, 7000, 12000, 100);
    watch_scrapes(&w, 1, t.text);
    cr_assert_eq(w.seen[0].traffic.n_requests, 0);
    cr_assert(isnan(w.seen[0].traffic.n_ttft), "no series yet");
    cr_assert_float_eq(w.seen[1].traffic.n_requests, 20 * (2 + 0.5 + 1 - phase_s) / 2, 1e-5);
    free(t.text);
}

/* From 7.5 s on: 1 request at 7.6 s and 20 more at 9.6 s, so that the counter would have been 0
 * at 7.5 s. */
Test(metrics, a_counter_is_not_extrapolated_below_zero)
{
    struct watcher w;
    struct trace_text t = {0};
    add_rejected(&t);
    add_steady(&t, 7500, 12000, 100);
    watch_scrapes(&w, 1, t.text);
    cr_assert_float_eq(w.seen[1].traffic.n_requests, 20 * (2 + 0.1 + 1 - phase_s) / 2, 1e-5);
    free(t.text);
}

/* What came after the last sample is seen one window later: 1 * 10 / 9 of it. */
Test(metrics, requests_after_the_last_scrape_are_not_seen_yet)
{
    struct watcher w;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 1);
    trace_text_add(&t, 9900, 100, 1);
    trace_text_add(&t, 16000, 100, 1);
    watch_scrapes(&w, 1, t.text);
    cr_assert_eq(w.seen[1].traffic.n_requests, 0,
                 "the first request was there when the series began");
    cr_assert_eq(w.seen[1].traffic.n_ttft, 0, "present, without growth: an idle window");
    cr_assert_float_eq(w.seen[2].traffic.n_requests, 10.0 / 9, 1e-9);
    free(t.text);
}

Test(metrics, one_sample_in_the_window_says_nothing)
{
    struct watcher w;
    struct trace_text t = {0};
    add_steady(&t, 0, 20500, 100);
    watch_scrapes(&w, 11, t.text);
    for (size_t i = 0; i < w.n; i++) {
        cr_assert_eq(w.seen[i].traffic.n_requests, 0);
        cr_assert(isnan(w.seen[i].traffic.n_ttft));
    }
    free(t.text);
}

/* Nobody looked before 12 s, but the window of that call is 10 s long all the same. */
Test(metrics, an_exact_window_begins_where_it_should_at_the_first_call_too)
{
    struct fixture f;
    struct watcher w = {.every_ns = 12 * NS_PER_S, .window_ns = 10 * NS_PER_S};
    struct trace_text t = {0};
    fixture_init(&f, false, 1);
    add_steady(&t, 0, 26000, 100);
    run_watched(&f, &w, t.text);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_float_eq(w.seen[i].traffic.length_s, 10, 1e-12);
        cr_assert_eq(w.seen[i].traffic.n_requests, 100);
    }
    free(t.text);
    fixture_release(&f);
}

/* ---- outage ---- */

Test(metrics, an_outage_fails_every_query_and_scrape_while_it_lasts)
{
    struct fixture f;
    struct watcher w = {.every_ns = 5 * NS_PER_S, .window_ns = 10 * NS_PER_S};
    struct trace_text t = {0};
    fixture_init(&f, false, 1);
    f.config.seed = SEED;
    f.deployment.any_router_publishes = true;
    f.deployment.scrape_interval_ns = NS_PER_S;
    f.deployment.outage_at_ns = 15 * NS_PER_S;
    f.deployment.outage_ns = 10 * NS_PER_S;
    add_steady(&t, 0, 36000, 100);
    run_watched(&f, &w, t.text);
    for (size_t i = 0; i < 7; i++) {
        bool out = i == 2 || i == 3; /* 15 and 20 s; at 25 s it is over */
        cr_assert_eq(w.seen[i].has_traffic, !out);
        cr_assert_eq(w.seen[i].has_gauges, !out);
    }
    /* At 25 s the window holds no sample, at 30 s five of them, 4 s apart with 40 requests between,
     * and the half of a gap before the first: the rest of the window is lost. At 35 s all is well
     * again. */
    cr_assert_eq(w.seen[4].traffic.n_requests, 0);
    cr_assert(isnan(w.seen[4].traffic.n_ttft));
    cr_assert_float_eq(w.seen[5].traffic.n_requests, 40 * (4 + 0.5 + 1 - phase_s) / 4, 1e-5);
    cr_assert_float_eq(w.seen[6].traffic.n_requests, 100, 1e-9);
    free(t.text);
    fixture_release(&f);
}

Test(metrics, exact_counters_know_the_window_in_which_an_outage_ended)
{
    struct fixture f;
    struct watcher w = {.every_ns = 5 * NS_PER_S, .window_ns = 10 * NS_PER_S};
    struct trace_text t = {0};
    fixture_init(&f, false, 1);
    f.deployment.outage_at_ns = 15 * NS_PER_S;
    f.deployment.outage_ns = 10 * NS_PER_S;
    add_steady(&t, 0, 26000, 100);
    run_watched(&f, &w, t.text);
    cr_assert_not(w.seen[3].has_traffic);
    cr_assert_float_eq(w.seen[4].traffic.n_requests, 100, 1e-9);
    free(t.text);
    fixture_release(&f);
}

/* ---- attainment windows ---- */

static void assert_window(const struct window_record *w, double arrived, uint64_t waited,
                          uint64_t came)
{
    cr_assert(w->traffic.n_arrived == arrived && w->n_waited == waited && w->n_first_token == came,
              "from %g s: %g arrived, %llu waited, first tokens %llu", s_from_ns(w->start_ns),
              w->traffic.n_arrived, (unsigned long long)w->n_waited,
              (unsigned long long)w->n_first_token);
}

Test(windows, tell_who_waited_in_an_outage)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.window_ns = NS_PER_S;
    f.deployment.scale_down = SCALE_DOWN_TERMINATE;
    f.deployment.retry_lost = true;
    f.config.drain_ns = 2 * NS_PER_S;
    fixture_scale_at(&f, 2, 0, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 2);
    trace_text_add(&t, 1100, 10, 1);   /* has no gaps */
    trace_text_add(&t, 1900, 10, 100); /* its worker goes after some tokens */
    trace_text_add(&t, 3500, 10, 1);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_UNFINISHED], 2);
    assert_window(&f.windows[0], 1, 1, 1);
    assert_window(&f.windows[1], 2, 2, 2);
    assert_window(&f.windows[2], 0, 1, 0); /* sent again */
    assert_window(&f.windows[3], 1, 2, 0);
    assert_window(&f.windows[4], 0, 2, 0);
    assert_window(&f.windows[5], 0, 2, 0);
    cr_assert_eq(f.n_windows, 6);
    free(t.text);
    fixture_release(&f);
}
