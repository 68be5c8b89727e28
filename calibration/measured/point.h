/* Making points of what the readers find. */
#ifndef CALIBRATION_MEASURED_POINT_H
#define CALIBRATION_MEASURED_POINT_H

#include "calibration/measured/measured.h"

/* One request as it was measured; times are those of the file's clock. */
struct measured_request {
    int64_t start_ns, end_ns; /* 0 when not known */
    uint32_t isl_tok, osl_tok;
    double ttft_ms, tpot_ms; /* tpot_ms: NaN with one output token */
};

/* The next point, zeroed. ST_INPUT when there are too many. */
enum status measured_point_new(struct measured_point **point, struct measured *measured,
                               struct source_pos at, struct diag *d);

/* Lengths, and with `open_loop` arrivals, of these requests, which are put in order of start. Means
 * of TTFT and TPOT as well. n > 0. */
enum status measured_point_of_requests(struct measured_point *point, struct arena *arena,
                                       struct measured_request *requests, size_t n, bool open_loop,
                                       struct diag *d);

/* The same of a point that is known by its means alone: n_requests of it, both lengths drawn evenly
 * from their ranges; at rate_per_s (clients 0), evenly spaced or as a Poisson process. */
struct measured_lengths {
    uint32_t lowest, highest;
};
enum status measured_point_of_means(struct measured_point *point, struct arena *arena,
                                    struct measured_lengths isl_tok,
                                    struct measured_lengths osl_tok, bool poisson, struct diag *d);

/* How many requests were in flight: at most, and on average up to the last start. */
struct measured_flight {
    uint64_t peak;
    double mean;
};
enum status measured_flight(struct measured_flight *flight, const struct measured_request *requests,
                            size_t n, struct diag *d);

#endif
