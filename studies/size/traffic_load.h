/* What a fleet would have to be by arithmetic alone: mean rate over the capacity of a worker. The
 * place where the search begins, and what its answer is held against. */
#ifndef STUDIES_SIZE_TRAFFIC_LOAD_H
#define STUDIES_SIZE_TRAFFIC_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "engines/profile/profile.h"
#include "traces/request_source.h"
#include "util/arena.h"
#include "util/status.h"

struct traffic_load {
    size_t n;              /* requests */
    const double *isl_tok; /* of each */
    double mean_isl_tok, mean_osl_tok;
    double rate_per_s;  /* mean */
    double peak_factor; /* of the busiest minute over the mean, >= 1 */
};

/* Reads the source to its end. ST_INPUT as of the source. */
enum status traffic_load_read(struct traffic_load *load, struct arena *arena,
                              const struct request_source *source, struct diag *d);

/* Workers that are busy with prompts, and with output, at the mean rate. Prompts one by one, at the
 * profile's TTFT; output at the best throughput among its points within tpot_ms with a context like
 * that of the traffic. */
void traffic_load_workers(double *prefill, double *decode, const struct traffic_load *load,
                          const struct profile *profile, int64_t gpus_per_worker, double tpot_ms);

#endif
