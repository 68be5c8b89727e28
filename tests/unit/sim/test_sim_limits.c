/* Runs that would not end by themselves. */
#include "sim_fixture.h"

/* No workers, and a policy that does nothing about it, every 10 s. */
static enum status idle_tick(void *state, const struct policy_input *input,
                             struct policy_effects *effects, struct diag *d)
{
    (void)state;
    (void)d;
    effects->next_ns = input->now_ns + 10 * NS_PER_S;
    return ST_OK;
}

static const struct policy_ops idle_policy = {.name = "idle", .tick = idle_tick};
static int idle_state;

static const char two_requests[] =
    "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 2}\n"
    "{\"timestamp\": 1500, \"input_length\": 10, \"output_length\": 2}\n";

static void run_starved(struct fixture *f, int64_t sample_ns, int64_t window_ns)
{
    fixture_init(f, false, 0);
    f->config.sample_ns = sample_ns;
    f->config.window_ns = window_ns;
    f->deployment.pools[0].startup_phase_ns[0] = 30 * NS_PER_S;
    fixture_run_policy(f, two_requests, &idle_policy, &idle_state, 10 * NS_PER_S);
    cr_assert_eq(f->n_outcome[OUTCOME_UNFINISHED], 2);
}

Test(sim_limits, a_starved_run_ends_whatever_is_sampled)
{
    static const int64_t every_ns[] = {0, NS_PER_S, 7 * NS_PER_S, 10 * NS_PER_S, 99999 * NS_PER_S};
    for (size_t i = 0; i < 5; i++) {
        struct fixture f;
        run_starved(&f, every_ns[i], every_ns[4 - i] ? every_ns[4 - i] : NS_PER_S);
        cr_assert_eq(f.result->end_ns, 1500 * NS_PER_MS + 3600 * NS_PER_S);
        cr_assert_str_eq(f.result->stopped,
                         "stopped at 1 h 0 min: no request had moved for 1 h 0 min "
                         "(limits.stall_s); 2 requests in flight; 2 waited for a worker of pool "
                         "agg; pool agg: target 0, 0 ready");
        fixture_release(&f);
    }
}

Test(sim_limits, workers_that_fail_and_start_again_are_no_progress)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].startup_phase_ns[0] = 30 * NS_PER_S;
    f.deployment.worker_mtbf_s = 0.001;
    f.deployment.retry_lost = true;
    f.config.limits.stall_ns = 60 * NS_PER_S;
    fixture_run(&f, two_requests);
    cr_assert_eq(f.n_outcome[OUTCOME_UNFINISHED], 2);
    cr_assert_eq(f.result->end_ns, 61500 * NS_PER_MS);
    cr_assert_gt(f.result->pools[0].n_failed, 10000);
    fixture_release(&f);
}

Test(sim_limits, a_step_that_does_not_end_is_no_progress)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.cold_start_ns = 1000000 * NS_PER_S;
    fixture_run(&f, two_requests);
    cr_assert_not_null(strstr(f.result->stopped,
                              "1 waited on a worker of pool agg; 1 ran on a worker of pool agg"),
                       "%s", f.result->stopped);
    cr_assert_eq(f.result->end_ns, 3601500 * NS_PER_MS);
    fixture_release(&f);
}

/* Tokens come out all the time, without an event of their own or with one each. */
Test(sim_limits, a_long_output_is_no_stall)
{
    for (int exact = 0; exact < 2; exact++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.config.exact_stepper = exact;
        f.deployment.pools[0].engine.kv_blocks = 100000;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 10, 400000); /* of 11 ms each */
        f.deployment.policy = &idle_policy;
        fixture_run_policy(&f, t.text, &idle_policy, &idle_state, 10 * NS_PER_S);
        cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 1, "%s", f.result->stopped);
        cr_assert_str_eq(f.result->stopped, "");
        free(t.text);
        fixture_release(&f);
    }
}

Test(sim_limits, the_clock_ends)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.limits.simulated_ns = NS_PER_S;
    fixture_run(&f, two_requests);
    cr_assert_eq(f.n_records, 1);
    cr_assert_eq(f.result->end_ns, NS_PER_S);
    cr_assert_not_null(strstr(f.result->stopped, "0 requests in flight, and more were to come"),
                       "%s", f.result->stopped);
    fixture_release(&f);
}

Test(sim_limits, events_are_counted_from_the_last_request_on)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    f.config.limits.events = 50;
    f.config.limits.stall_ns = TIME_NEVER;
    f.config.sample_ns = NS_PER_MS;
    fixture_run_policy(&f, two_requests, &idle_policy, &idle_state, 10 * NS_PER_S);
    cr_assert_eq(f.result->end_ns, 510 * NS_PER_S); /* at the 51st call */
    cr_assert_not_null(strstr(f.result->stopped, "50 events"), "%s", f.result->stopped);
    fixture_release(&f);
}

Test(sim_limits, nothing_to_come_ends_at_once)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    f.config.sample_ns = NS_PER_S;
    fixture_run(&f, two_requests);
    cr_assert_eq(f.result->end_ns, 1500 * NS_PER_MS);
    cr_assert_not_null(strstr(f.result->stopped, "nothing was to come"), "%s", f.result->stopped);
    fixture_release(&f);
}
