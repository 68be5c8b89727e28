#include "util/sort_uint64.h"

enum { DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, N_PASSES = 6 };

const uint64_t *sort_uint64(uint64_t *from, size_t n)
{
    size_t count[N_PASSES][N_DIGITS] = {{0}};
    uint64_t *to = from + n;

    for (size_t i = 0; i < n; i++) {
        for (unsigned pass = 0; pass < N_PASSES; pass++)
            count[pass][from[i] >> (pass * DIGIT_BITS) & (N_DIGITS - 1)]++;
    }
    for (unsigned pass = 0; pass < N_PASSES && n; pass++) {
        unsigned shift = pass * DIGIT_BITS;
        size_t *next = count[pass], at = 0;
        if (next[from[0] >> shift & (N_DIGITS - 1)] == n)
            continue;
        for (size_t digit = 0; digit < N_DIGITS; digit++) {
            size_t here = next[digit];
            next[digit] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            to[next[from[i] >> shift & (N_DIGITS - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}
