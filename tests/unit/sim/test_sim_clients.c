/* Clients that wait for their answers, against queueing theory and against each other. */
#include "sim_fixture.h"
#include "traces/clients.h"

static void run(struct fixture *f, const struct clients_config *config)
{
    struct clients *clients;
    cr_assert_eq(clients_create(&clients, config, &f->diag), ST_OK);
    const struct request_source source = clients_source(clients);
    cr_assert_eq(fixture_try_source(f, &source), ST_OK, "%s", f->diag.text);
    clients_free(clients);
    cr_assert_eq(f->n_records, config->n_requests);
}

/* Decode steps that take as long as they have sequences share the engine evenly. Mean value
 * analysis of N clients that think for Z and share one server of demand D (Reiser and Lavenberg,
 * J. ACM 27(2), 1980); neither distribution matters. */
static double mva_response_s(unsigned n, double demand_s, double think_s)
{
    double queue = 0, response_s = 0;
    for (unsigned k = 1; k <= n; k++) {
        response_s = demand_s * (1 + queue);
        queue = k * response_s / (think_s + response_s);
    }
    return response_s;
}

Test(sim_clients, throughput_and_response_are_those_of_mean_value_analysis)
{
    static const unsigned n_clients[] = {1, 4, 10, 16, 48};
    for (size_t i = 0; i < sizeof n_clients / sizeof *n_clients; i++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.model = (struct linear_model){.base_ms = 1e-4, .seq_ms = 1};
        struct clients_config config = {.n_clients = n_clients[i],
                                        .n_requests = 20000,
                                        .isl_tok = {1, 1},
                                        .osl_tok = {1, 201},
                                        .think_ns = NS_PER_S,
                                        .seed = 1};
        run(&f, &config);
        double sum_s = 0;
        for (size_t k = 0; k < f.n_records; k++)
            sum_s += s_from_ns(f.records[k].last_token_ns - f.records[k].arrival_ns);
        double response_s = sum_s / (double)f.n_records;
        double rate = (double)f.n_records / s_from_ns(f.result->end_ns);
        double want_s = mva_response_s(config.n_clients, 0.1, 1);
        double want_rate = config.n_clients / (1 + want_s);
        cr_expect_float_eq(response_s, want_s, 0.02 * want_s, "%u clients: %.5f s, want %.5f",
                           config.n_clients, response_s, want_s);
        cr_expect_float_eq(rate, want_rate, 0.02 * want_rate, "%u clients: %g/s, want %g",
                           config.n_clients, rate, want_rate);
        fixture_release(&f);
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The k-th end is the arrival of the request that takes its place. */
static void assert_always_in_flight(const struct fixture *f, size_t n_clients, int64_t think_ns)
{
    int64_t *end_ns = malloc(f->n_records * sizeof *end_ns);
    for (size_t k = 0; k < f->n_records; k++)
        end_ns[k] = f->records[k].end_ns;
    qsort(end_ns, f->n_records, sizeof *end_ns, by_time);
    for (size_t k = 0; k < f->n_records; k++) {
        int64_t want_ns = k < n_clients ? 0 : end_ns[k - n_clients] + think_ns;
        cr_assert_eq(f->records[k].arrival_ns, want_ns, "request %zu", k);
    }
    free(end_ns);
}

Test(sim_clients, as_many_as_clients_are_in_flight_at_every_instant)
{
    for (int disagg = 0; disagg < 2; disagg++) {
        struct fixture f;
        fixture_init(&f, disagg, 2);
        struct clients_config config = {
            .n_clients = 24, .n_requests = 600, .isl_tok = {1, 900}, .osl_tok = {1, 60}, .seed = 3};
        run(&f, &config);
        assert_always_in_flight(&f, 24, 0);
        fixture_release(&f);
    }
}

Test(sim_clients, however_a_request_ends_its_client_goes_on)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.pools[0].engine.kv_blocks = 50;           /* 800 tokens: some are rejected */
    f.deployment.first_token_timeout_ns = 150 * NS_PER_MS; /* some time out */
    f.deployment.scale_down = SCALE_DOWN_TERMINATE;        /* some are lost */
    fixture_scale_at(&f, 1, 1, 0);
    fixture_scale_at(&f, 2, 2, 0);
    struct clients_config config = {.n_clients = 24,
                                    .n_requests = 600,
                                    .isl_tok = {1, 900},
                                    .osl_tok = {1, 60},
                                    .think_ns = 20 * NS_PER_MS,
                                    .seed = 3};
    run(&f, &config);
    cr_assert_gt(f.n_outcome[OUTCOME_REJECTED], 0);
    cr_assert_gt(f.n_outcome[OUTCOME_TIMED_OUT], 0);
    cr_assert_gt(f.n_outcome[OUTCOME_LOST], 0);
    cr_assert_gt(f.n_outcome[OUTCOME_COMPLETED], 0);
    assert_always_in_flight(&f, 24, 20 * NS_PER_MS);
    fixture_release(&f);
}

Test(sim_clients, lengths_do_not_depend_on_the_engine)
{
    struct fixture fast, slow;
    struct clients_config config = {
        .n_clients = 7, .n_requests = 200, .isl_tok = {100, 300}, .osl_tok = {1, 60}, .seed = 9};
    fixture_init(&fast, false, 1);
    run(&fast, &config);
    fixture_init(&slow, false, 1);
    slow.model.new_ms = 3;
    run(&slow, &config);
    for (size_t k = 0; k < 200; k++) {
        cr_assert_eq(fast.records[k].isl_tok, slow.records[k].isl_tok);
        cr_assert_eq(fast.records[k].osl_tok, slow.records[k].osl_tok);
        cr_assert(fast.records[k].isl_tok >= 100 && fast.records[k].isl_tok <= 300);
        cr_assert(fast.records[k].osl_tok >= 1 && fast.records[k].osl_tok <= 60);
    }
    cr_assert_gt(slow.result->end_ns, fast.result->end_ns);
    fixture_release(&fast);
    fixture_release(&slow);
}

/* The measured span ends while all wait; later ones are never sent. */
Test(sim_clients, a_span_that_ends_stops_the_sending)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.duration_ns = NS_PER_S;
    f.config.drain_ns = 100 * NS_PER_MS;
    struct clients *clients;
    struct clients_config config = {
        .n_clients = 8, .n_requests = 5000, .isl_tok = {100, 100}, .osl_tok = {50, 50}, .seed = 1};
    cr_assert_eq(clients_create(&clients, &config, &f.diag), ST_OK);
    const struct request_source source = clients_source(clients);
    cr_assert_eq(fixture_try_source(&f, &source), ST_OK);
    cr_assert_leq(f.result->end_ns, 1100 * NS_PER_MS);
    cr_assert_gt(f.n_records, 8);
    for (size_t k = 0; k < f.n_records; k++)
        cr_assert_lt(f.records[k].arrival_ns, NS_PER_S);
    clients_free(clients);
    fixture_release(&f);
}
