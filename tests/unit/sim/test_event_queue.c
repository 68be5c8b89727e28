#include "sim/state/event_queue.h"

#include <criterion/criterion.h>

#include "util/pcg.h"

static void push(struct event_queue *q, int64_t at_ns, enum event_class class, uint32_t id)
{
    struct diag d;
    diag_init(&d);
    cr_assert_eq(event_queue_push(q, event_make(at_ns, class, 0, id, 0), &d), ST_OK);
}

Test(event_queue, simultaneous_events_come_by_class_then_id)
{
    struct event_queue q = {0};
    push(&q, 5, EVENT_CLASS_POLICY, 0);
    push(&q, 5, EVENT_CLASS_STEP_END, 9);
    push(&q, 5, EVENT_CLASS_TRANSFER_DONE, 1);
    push(&q, 5, EVENT_CLASS_STEP_END, 3);
    push(&q, 4, EVENT_CLASS_STOP, 0);
    static const struct {
        int64_t at_ns;
        enum event_class class;
        uint32_t id;
    } want[] = {{4, EVENT_CLASS_STOP, 0},
                {5, EVENT_CLASS_STEP_END, 3},
                {5, EVENT_CLASS_STEP_END, 9},
                {5, EVENT_CLASS_TRANSFER_DONE, 1},
                {5, EVENT_CLASS_POLICY, 0}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct event e = event_queue_peek(&q);
        event_queue_pop(&q);
        cr_assert_eq(e.at_ns, want[i].at_ns);
        cr_assert_eq(event_class_of(e), want[i].class);
        cr_assert_eq(event_id(e), want[i].id);
    }
    cr_assert_eq(q.n, 0);
    event_queue_release(&q);
}

Test(event_queue, random_pushes_and_pops_stay_in_order)
{
    struct event_queue q = {0};
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "test", 0);
    int64_t now_ns = 0;
    for (int i = 0; i < 200000; i++) {
        if (q.n == 0 || pcg64_below(&rng, 100) < 51) {
            push(&q, now_ns + (int64_t)pcg64_below(&rng, 1000), EVENT_CLASS_STEP_END, (uint32_t)i);
        } else {
            cr_assert_geq(event_queue_peek(&q).at_ns, now_ns);
            now_ns = event_queue_peek(&q).at_ns;
            event_queue_pop(&q);
        }
    }
    event_queue_release(&q);
}

Test(event_queue, a_new_generation_makes_an_event_stale)
{
    struct event e = event_make(1, EVENT_CLASS_STEP_END, 0, 7, 41);
    cr_assert(event_is_current(e, 41));
    cr_assert_not(event_is_current(e, 42));
    cr_assert_eq(event_id(e), 7);
}
