/* Closed-loop clients: so many of them, each sends its next request when its last one has ended, as
 * the load generators of engine benchmarks do. All send their first at time 0.
 *
 * Request k has the same lengths whatever the engine does: lengths are drawn, or taken from a list,
 * in the order of sending. Prompts share nothing. */
#ifndef TRACES_CLIENTS_H
#define TRACES_CLIENTS_H

#include <stdint.h>

#include "traces/request_source.h"
#include "util/status.h"

struct clients_config {
    uint32_t n_clients;  /* > 0 */
    uint64_t n_requests; /* of all clients together, >= n_clients */
    /* Uniform, both ends included. */
    uint32_t isl_tok[2]; /* TRACE_ISL_MIN to TRACE_TOK_MAX */
    uint32_t osl_tok[2]; /* TRACE_OSL_MIN to TRACE_TOK_MAX */
    /* Of request k, n_requests of each, within the same limits, instead of drawn ones. Borrowed
     * until clients_free; NULL = they are drawn. */
    const uint32_t *isl_list, *osl_list;
    int64_t think_ns; /* from the end of a request to the next of its client, >= 0 */
    uint64_t seed;
};

struct clients; /* opaque */

enum status clients_create(struct clients **clients, const struct clients_config *config,
                           struct diag *d);
void clients_free(struct clients *clients); /* NULL is allowed */

/* For one run. The digest is of the lengths alone: when requests are sent is the engine's doing. */
struct request_source clients_source(struct clients *clients);

#endif
