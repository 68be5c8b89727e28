/* The requests that a scenario is about, whatever they are made of. */
#ifndef SCENARIOS_COMPOSE_REQUESTS_H
#define SCENARIOS_COMPOSE_REQUESTS_H

#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "traces/clients.h"
#include "traces/open_load.h"
#include "traces/request_source.h"
#include "traces/trace_table.h"
#include "traces/traffic.h"

/* Stays where it was opened: the source points into it. */
struct scenario_requests {
    struct request_source source; /* at its first request */
    const char *trace_format;     /* NULL without a trace */
    /* What the source is, one of them. */
    struct trace_reader *reader;
    struct trace_cursor cursor;
    struct traffic *traffic;
    struct clients *clients;
    struct open_load *open_load;
};

/* With share_trace, and where more is asked for than the trace as it stands, that comes whole from
 * the resources; else it is read as a stream, in little memory. The scenario and the resources must
 * outlive the requests. Errors name the key at fault, or the line of the trace; then there is
 * nothing to close. */
enum status scenario_requests_open(struct scenario_requests *requests,
                                   const struct scenario *scenario, struct run_resources *resources,
                                   bool share_trace, struct diag *d);
void scenario_requests_close(struct scenario_requests *requests); /* a second time does nothing */

/* Where the last arrival of a scenario's trace is, ns after the first, before a part of it is
 * taken: what trace.from_s and trace.to_s are within. Errors as above. */
enum status scenario_trace_end(int64_t *end_ns, const struct scenario *scenario,
                               struct run_resources *resources, struct diag *d);

/* For people, beside the name of the trace: ", replicate 2, of them isl_tok 0 to 4000"; "" where it
 * is as it stands. NULL: no memory. */
const char *scenario_requests_text(const struct scenario *scenario, struct arena *arena);

#endif
