#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "util/pcg.h"
#include "util/sort_uint64.h"

static int by_value(const void *a, const void *b)
{
    uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;

    return (p > q) - (p < q);
}

Test(sort_uint64, none_and_one)
{
    uint64_t values[2] = {7};

    (void)sort_uint64(values, 0);
    cr_assert_eq(*sort_uint64(values, 1), 7);
}

/* Of few and of many different digits, equal ones among them. */
Test(sort_uint64, as_qsort)
{
    enum { N = 3000 };
    static uint64_t values[2 * N], expected[N];
    struct pcg64 rng;

    pcg64_seed(&rng, 1, 2);
    for (unsigned shift = 0; shift < 64; shift += 7) {
        for (size_t i = 0; i < N; i++)
            values[i] = expected[i] = pcg64_next(&rng) >> shift;
        qsort(expected, N, sizeof *expected, by_value);
        const uint64_t *sorted = sort_uint64(values, N);
        cr_assert_eq(memcmp(sorted, expected, sizeof expected), 0);
    }
}
