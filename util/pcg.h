/* PCG random numbers: XSL-RR 128/64, the generator NumPy calls PCG64.
 *
 * M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
 * Random Number Generation", Harvey Mudd College HMC-CS-2014-0905. State belongs to the caller;
 * there is no global generator. One stream per purpose and entity (`pcg64_stream`), so that a draw
 * added in one place moves nothing elsewhere. */
#ifndef UTIL_PCG_H
#define UTIL_PCG_H

#include <stdint.h>

__extension__ typedef unsigned __int128 uint128;

struct pcg64 {
    uint128 state, increment;
};

/* Official seeding: seed and stream are separate numbers. */
void pcg64_seed(struct pcg64 *rng, uint128 seed, uint128 stream);
uint64_t pcg64_next(struct pcg64 *rng);

/* The generator of one purpose (a short constant text such as "router") and one entity of a run. */
void pcg64_stream(struct pcg64 *rng, uint64_t run_seed, const char *purpose, uint64_t entity);

/* Uniform in [0, 1), 53 bits. */
double pcg64_double(struct pcg64 *rng);
/* Uniform integer in [0, bound), unbiased. bound > 0. */
uint64_t pcg64_below(struct pcg64 *rng, uint64_t bound);
/* Exponential with the given mean > 0. */
double pcg64_exponential(struct pcg64 *rng, double mean);
/* Standard normal (polar method, two uniforms or more per call, no state kept between calls). */
double pcg64_normal(struct pcg64 *rng);
/* Log-normal with mean 1 and this coefficient of variation >= 0. */
double pcg64_lognormal(struct pcg64 *rng, double cv);

#endif
