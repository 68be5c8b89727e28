/* The options --trace-events of a verb that runs a scenario. */
#ifndef CLI_TRACE_EVENTS_H
#define CLI_TRACE_EVENTS_H

#include "cli/cli.h"
#include "reports/trace_events/trace_events.h"

#define CLI_TRACE_EVENTS                                                                           \
    {"trace-events", '\0', "FILE",                                                                 \
     "also write the run as Chrome trace events, which Perfetto opens (docs/trace-events.md)"},    \
        {"trace-events-from", '\0', "S",                                                           \
         "with it: leave out what was over S seconds into the run"},                               \
    {                                                                                              \
        "trace-events-to", '\0', "S", "with it: leave out what began later"                        \
    }

/* Before the work: what is wrong with them. */
enum status cli_trace_events_check(const struct cli_args *args, struct diag *d);
/* The file; NULL where none is asked for. */
enum status cli_trace_events_open(struct trace_events **t, const struct cli_args *args,
                                  struct diag *d);

#endif
