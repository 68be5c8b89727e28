#include "util/pcg.h"

#include <math.h>

#define U128(high, low) (((uint128)(high) << 64) | (uint128)(low))
#define PCG64_MULTIPLIER U128(0x2360ED051FC65DA4u, 0x4385DF649FCCF645u)

void pcg64_seed(struct pcg64 *rng, uint128 seed, uint128 stream)
{
    rng->increment = (stream << 1) | 1u;
    rng->state = rng->increment + seed;
    rng->state = rng->state * PCG64_MULTIPLIER + rng->increment;
}

uint64_t pcg64_next(struct pcg64 *rng)
{
    rng->state = rng->state * PCG64_MULTIPLIER + rng->increment;
    uint64_t folded = (uint64_t)(rng->state >> 64) ^ (uint64_t)rng->state;
    unsigned turn = (unsigned)(rng->state >> 122);
    return (folded >> turn) | (folded << ((64 - turn) & 63));
}

void pcg64_stream(struct pcg64 *rng, uint64_t run_seed, const char *purpose, uint64_t entity)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a of the purpose */
    for (const char *c = purpose; *c; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001B3u;
    pcg64_seed(rng, U128(h, run_seed), U128(entity, h));
}

double pcg64_double(struct pcg64 *rng)
{
    return (double)(pcg64_next(rng) >> 11) * 0x1p-53;
}

uint64_t pcg64_below(struct pcg64 *rng, uint64_t bound)
{
    uint64_t threshold =
        (0 - bound) % bound; /* 2^64 mod bound: the draws that would be one too many */
    uint64_t draw;
    do
        draw = pcg64_next(rng);
    while (draw < threshold);
    return draw % bound;
}

double pcg64_exponential(struct pcg64 *rng, double mean)
{
    return -mean * log1p(-pcg64_double(rng));
}

double pcg64_normal(struct pcg64 *rng)
{
    for (;;) {
        double x = 2 * pcg64_double(rng) - 1, y = 2 * pcg64_double(rng) - 1;
        double r2 = x * x + y * y;
        if (r2 > 0 && r2 < 1)
            return x * sqrt(-2 * log(r2) / r2);
    }
}

double pcg64_lognormal(struct pcg64 *rng, double cv)
{
    double variance = log1p(cv * cv); /* of the logarithm */
    return exp(sqrt(variance) * pcg64_normal(rng) - variance / 2);
}
