#include <criterion/criterion.h>

#include "planner/connector.h"
#include "util/units.h"

static struct pool_counts settled(int n)
{
    return (struct pool_counts){.target = n, .ready = n};
}

Test(connector, kubernetes_drops_requests_during_a_rollout)
{
    struct connector c;
    struct pool_counts starting = {.target = 3, .ready = 2, .starting = 1}, ready = settled(3);
    const int want = 5;

    connector_init(&c, CONNECTOR_KUBERNETES, 1, false);
    cr_assert_eq(connector_request(&c, 0, &starting, &want, true), CONNECTOR_NOT_READY);
    cr_assert_not(c.waiting, "a dropped request does not block");
    cr_assert_eq(connector_request(&c, 0, &ready, &want, false), CONNECTOR_SENT);
    cr_assert_not(c.waiting);
    const int same = 3;
    cr_assert_eq(connector_request(&c, 0, &ready, &same, false), CONNECTOR_UNCHANGED);
}

Test(connector, draining_workers_do_not_hold_a_deployment_back)
{
    struct pool_counts p = {.target = 2, .ready = 2, .draining = 4};

    cr_assert(pools_ready(&p, 1));
}

Test(connector, kubernetes_polls_every_10_s_and_ends_after_180_polls)
{
    struct connector c;
    struct pool_counts ready = settled(1), starting = {.target = 2, .ready = 1, .starting = 1};
    const int want = 2;
    int64_t now = 5 * NS_PER_S;
    int polls = 0;

    connector_init(&c, CONNECTOR_KUBERNETES, 1, false);
    cr_assert_eq(connector_request(&c, now, &ready, &want, true), CONNECTOR_SENT);
    cr_assert(c.waiting);
    cr_assert_eq(c.next_poll_ns, 15 * NS_PER_S);
    enum connector_poll p;
    do {
        now = c.next_poll_ns;
        p = connector_poll(&c, now, &starting);
        polls++;
    } while (p == CONNECTOR_WAITING);
    cr_assert_eq(p, CONNECTOR_TIMEOUT);
    cr_assert_eq(polls, 180);
    cr_assert_eq(now, 1805 * NS_PER_S);
    cr_assert_not(c.waiting);
}

Test(connector, kubernetes_wait_ends_at_the_first_poll_that_finds_it_ready)
{
    struct connector c;
    struct pool_counts one = settled(1), two = settled(2);
    const int want = 2;

    connector_init(&c, CONNECTOR_KUBERNETES, 1, false);
    connector_request(&c, 0, &one, &want, true);
    cr_assert_eq(connector_poll(&c, c.next_poll_ns, &two), CONNECTOR_DONE);
    cr_assert_not(c.waiting);
}

Test(connector, virtual_ignores_new_decisions_until_acknowledged_or_1800_s)
{
    struct connector c;
    struct pool_counts before = settled(1), starting = {.target = 2, .ready = 1, .starting = 1};
    const int two = 2, three = 3;

    connector_init(&c, CONNECTOR_VIRTUAL, 1, false);
    cr_assert_eq(connector_request(&c, 0, &before, &two, false), CONNECTOR_SENT);
    cr_assert_eq(c.decision_id, 0);
    connector_acknowledge(&c, &before);
    cr_assert_eq(c.acknowledged_id, -1, "the deployment has not got there yet");
    cr_assert_eq(connector_request(&c, 1, &starting, &two, false), CONNECTOR_UNCHANGED);
    cr_assert_eq(connector_request(&c, 100 * NS_PER_S, &starting, &three, false),
                 CONNECTOR_PENDING);
    cr_assert_eq(connector_request(&c, 1899 * NS_PER_S, &starting, &three, false),
                 CONNECTOR_PENDING);
    cr_assert_eq(connector_request(&c, 1900 * NS_PER_S, &starting, &three, false), CONNECTOR_SENT);
    cr_assert_eq(c.decision_id, 1);
    struct pool_counts done = settled(3);
    connector_acknowledge(&c, &done);
    cr_assert_eq(c.acknowledged_id, 1);
    cr_assert_eq(connector_request(&c, 1901 * NS_PER_S, &done, &two, false), CONNECTOR_SENT);
}

Test(connector, virtual_wait_sleeps_only_before_the_first_acknowledgement)
{
    struct connector c;
    struct pool_counts one = settled(1), two = settled(2);
    const int want[] = {2, 3};

    connector_init(&c, CONNECTOR_VIRTUAL, 1, false);
    connector_request(&c, 0, &one, &want[0], true);
    cr_assert_eq(c.next_poll_ns, 0, "asks before it sleeps");
    cr_assert_eq(connector_poll(&c, 0, &one), CONNECTOR_WAITING);
    cr_assert_eq(c.next_poll_ns, 10 * NS_PER_S);
    cr_assert_eq(connector_poll(&c, 10 * NS_PER_S, &two), CONNECTOR_DONE);
    connector_request(&c, 20 * NS_PER_S, &two, &want[1], true);
    cr_assert_eq(connector_poll(&c, 20 * NS_PER_S, &two), CONNECTOR_GAVE_UP);
    c.virtual_waits = true;
    c.acknowledged_id = 0;
    c.waiting = true;
    cr_assert_eq(connector_poll(&c, 20 * NS_PER_S, &two), CONNECTOR_WAITING, "with the fix");
}
