/* An open load: requests that come at a rate told over time, whatever becomes of those before.
 *
 * *Poisson*: they come independently of one another. *Even*: as evenly as the rate allows, one in
 * each slot in which one is due, at a random moment of it; a window has the requests it should have
 * but for one or two. Lengths are drawn evenly, the prompt's times a factor over time. Prompts
 * share nothing. */
#ifndef TRACES_OPEN_LOAD_H
#define TRACES_OPEN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "traces/request_source.h"
#include "util/curve.h"
#include "util/status.h"

struct open_load_config {
    struct curve rate_per_s; /* from time 0 on; area > 0; ends where it ends */
    struct curve isl_factor; /* n 0: 1 */
    bool even;
    /* Uniform, both ends included. */
    uint32_t isl_tok[2]; /* TRACE_ISL_MIN to TRACE_TOK_MAX, also after the factor */
    uint32_t osl_tok[2]; /* TRACE_OSL_MIN to TRACE_TOK_MAX */
    uint64_t seed;
};

struct open_load; /* opaque */

/* Points are borrowed until open_load_free. ST_NOMEM. */
enum status open_load_create(struct open_load **load, const struct open_load_config *config,
                             struct diag *d);
void open_load_free(struct open_load *load); /* NULL is allowed */

/* For one run. */
struct request_source open_load_source(struct open_load *load);

#endif
