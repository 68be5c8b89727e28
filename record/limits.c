#include "record/limits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/bug.h"
#include "util/text.h"
#include "util/units.h"

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, STOP_TEXT_SIZE - used, format, args);
    va_end(args);
}

static void append_why(char *text, const struct stopped_run *run, const struct run_limits *limits)
{
    char a[TEXT_FIGURE_SIZE];

    switch (run->why) {
    case STOP_STALL:
        append(text, "no request had moved for %s (limits.stall_s)",
               text_duration(a, s_from_ns(limits->stall_ns)));
        return;
    case STOP_DEAD_END:
        append(text, "nothing was to come that could move a request");
        return;
    case STOP_SIMULATED:
        append(text, "the clock ends there (limits.simulated_s)");
        return;
    case STOP_EVENTS:
        append(text, "%s events without a request that came or ended (limits.events)",
               text_grouped(a, limits->events));
        return;
    case RUN_GOES_ON:
        break;
    }
    BUG("the run has not stopped");
}

static void append_requests(char *text, uint64_t n, const char *where, const char *pool)
{
    char a[TEXT_FIGURE_SIZE];

    if (n)
        append(text, "; %s %s worker of pool %s", text_grouped(a, n), where, pool);
}

void run_stop_text(char text[STOP_TEXT_SIZE], const struct stopped_run *run,
                   const struct run_limits *limits)
{
    char a[TEXT_FIGURE_SIZE];
    uint64_t n_away = run->n_in_flight;

    text[0] = '\0';
    append(text, "stopped at %s: ", text_duration(a, s_from_ns(run->at_ns)));
    append_why(text, run, limits);
    append(text, "; %s request%s in flight%s", text_grouped(a, run->n_in_flight),
           run->n_in_flight == 1 ? "" : "s",
           run->more_was_to_come ? ", and more were to come" : "");
    for (size_t i = 0; i < run->n_pools; i++) {
        const struct stopped_pool *p = &run->pools[i];
        append_requests(text, p->n_unrouted, "waited for a", p->name);
        append_requests(text, p->n_waiting, "waited on a", p->name);
        append_requests(text, p->n_running, "ran on a", p->name);
        n_away -= p->n_unrouted + p->n_waiting + p->n_running;
    }
    if (n_away)
        append(text, "; %s with the client, to be sent again", text_grouped(a, n_away));
    for (size_t i = 0; i < run->n_pools; i++) {
        const struct stopped_pool *p = &run->pools[i];
        append(text, "; pool %s: target %d, %d ready", p->name, p->target, p->ready);
        if (p->starting > p->pending)
            append(text, ", %d starting", p->starting - p->pending);
        if (p->pending)
            append(text, ", %d waiting for GPUs", p->pending);
    }
}
