#include <criterion/criterion.h>
#include <string.h>

#include "record/limits.h"
#include "util/units.h"

static const struct run_limits limits = RUN_LIMITS_USUAL;

Test(limits, text_says_what_was_waited_for)
{
    char text[STOP_TEXT_SIZE];
    struct stopped_run run = {
        .why = STOP_STALL,
        .at_ns = 7200 * NS_PER_S,
        .n_in_flight = 11395,
        .n_pools = 2,
        .pools =
            {{.name = "prefill", .target = 1, .ready = 1, .n_waiting = 4, .n_running = 1},
             {.name = "decode", .n_unrouted = 11388, .target = 3, .starting = 3, .pending = 1}},
    };
    run_stop_text(text, &run, &limits);
    cr_assert_str_eq(text, "stopped at 2 h 0 min: no request had moved for 1 h 0 min "
                           "(limits.stall_s); 11,395 requests in flight; 4 waited on a "
                           "worker of pool prefill; 1 ran on a worker of pool prefill; 11,388 "
                           "waited for a worker of pool decode; "
                           "2 with the client, to be sent again; pool prefill: target 1, 1 ready; "
                           "pool decode: target 3, 0 ready, 2 starting, 1 waiting for GPUs");
}

Test(limits, every_reason_names_its_key)
{
    static const struct {
        enum run_stop why;
        const char *text;
    } reasons[] = {
        {STOP_STALL, "(limits.stall_s)"},
        {STOP_SIMULATED, "(limits.simulated_s)"},
        {STOP_EVENTS, "100,000,000 events without a request that came or ended (limits.events)"},
        {STOP_DEAD_END, "nothing was to come that could move a request"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        char text[STOP_TEXT_SIZE];
        struct stopped_run run = {.why = reasons[i].why, .more_was_to_come = true};
        run_stop_text(text, &run, &limits);
        cr_expect_not_null(strstr(text, reasons[i].text), "%s", text);
        cr_expect_not_null(strstr(text, "0 requests in flight, and more were to come"), "%s", text);
    }
}
