#include <criterion/criterion.h>

#include "traces/clients.h"
#include "util/units.h"

static struct request_source open_clients(struct clients **clients, uint32_t n, uint64_t requests)
{
    struct clients_config config = {.n_clients = n,
                                    .n_requests = requests,
                                    .isl_tok = {10, 20},
                                    .osl_tok = {0, 5},
                                    .think_ns = 7,
                                    .seed = 1};
    struct diag d;
    diag_init(&d);
    cr_assert_eq(clients_create(clients, &config, &d), ST_OK);
    return clients_source(*clients);
}

static int64_t next_ns(const struct request_source *source)
{
    struct trace_request r;
    struct diag d;
    cr_assert_eq(request_source_next(source, &r, &d), ST_OK);
    return r.arrival_ns;
}

Test(clients, send_when_their_last_request_has_ended)
{
    struct clients *clients;
    struct request_source source = open_clients(&clients, 2, 4);
    struct trace_request r;
    struct diag d;
    cr_assert_eq(next_ns(&source), 0);
    cr_assert_eq(next_ns(&source), 0);
    cr_assert_eq(next_ns(&source), TIME_NEVER, "both wait");
    cr_assert_eq(source.ops->done(source.state, 1, 100, &d), ST_OK);
    cr_assert_eq(next_ns(&source), 107);
    cr_assert_eq(source.ops->done(source.state, 0, 200, &d), ST_OK);
    cr_assert_eq(next_ns(&source), 207);
    cr_assert_eq(request_source_next(&source, &r, &d), ST_END);
    cr_assert_eq(source.ops->done(source.state, 2, 300, &d), ST_OK);
    cr_assert_eq(request_source_next(&source, &r, &d), ST_END);
    clients_free(clients);
}

Test(clients, what_is_put_back_is_given_again)
{
    struct clients *a, *b;
    struct request_source left = open_clients(&a, 3, 50), right = open_clients(&b, 3, 50);
    struct trace_request x, y;
    struct diag d;
    for (int i = 0; i < 50; i++) {
        if (i >= 3) {
            left.ops->done(left.state, (uint64_t)i - 3, 10 * i, &d);
            right.ops->done(right.state, (uint64_t)i - 3, 10 * i, &d);
        }
        cr_assert_eq(request_source_next(&left, &x, &d), ST_OK);
        left.ops->put_back(left.state);
        cr_assert_eq(request_source_next(&left, &x, &d), ST_OK);
        cr_assert_eq(request_source_next(&right, &y, &d), ST_OK);
        cr_assert_eq(x.arrival_ns, y.arrival_ns);
        cr_assert_eq(x.isl_tok, y.isl_tok);
        cr_assert_eq(x.osl_tok, y.osl_tok);
    }
    cr_assert_eq(request_source_digest(&left), request_source_digest(&right));
    clients_free(a);
    clients_free(b);
}
