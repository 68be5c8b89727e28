#include "reports/medians.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

/* Values from 2^LOW_BITS ns (1 us) to 2^(LOW_BITS + N_OCTAVES) ns (13 days); others count at the
 * ends. */
enum { LOW_BITS = 10, N_OCTAVES = 40, N_COUNTS = N_OCTAVES * MEDIANS_STEPS };

struct medians {
    int64_t length_ns;    /* of a stretch */
    size_t low, n_places; /* where anything has been counted: few of all, and the rest is 0 */
    uint32_t count[MEDIANS_STRETCHES][N_COUNTS];
};

struct medians *medians_new(void)
{
    struct medians *m = calloc(1, sizeof *m);

    if (m)
        m->length_ns = NS_PER_S / 16;
    return m;
}

void medians_free(struct medians *m)
{
    free(m);
}

/* Two stretches become one. */
static void lengthen(struct medians *m)
{
    for (size_t i = 1; i < MEDIANS_STRETCHES; i++) {
        uint32_t *restrict from = &m->count[i][m->low], *restrict to = &m->count[i / 2][m->low];
        for (size_t k = 0; k < m->n_places; k++)
            to[k] += from[k];
        memset(from, 0, m->n_places * sizeof *from);
    }
    m->length_ns *= 2;
}

/* The place is among those that have been counted at. */
static void reach(struct medians *m, size_t place)
{
    size_t end = m->low + m->n_places;

    if (m->n_places == 0 || place < m->low) {
        m->n_places = m->n_places ? end - place : 1;
        m->low = place;
    } else if (place >= end) {
        m->n_places = place + 1 - m->low;
    }
}

static size_t place_of(int64_t value_ns)
{
    int exponent;
    double part = frexp((double)value_ns, &exponent); /* 0.5 to 1, times 2^exponent */
    int octave = exponent - 1 - LOW_BITS;

    if (octave < 0)
        return 0;
    if (octave >= N_OCTAVES)
        return N_COUNTS - 1;
    return (size_t)octave * MEDIANS_STEPS + (size_t)((2 * part - 1) * MEDIANS_STEPS);
}

static double middle_of(size_t place)
{
    double part = 1 + ((double)(place % MEDIANS_STEPS) + 0.5) / MEDIANS_STEPS;

    return ldexp(part, (int)(place / MEDIANS_STEPS) + LOW_BITS);
}

void medians_add(struct medians *m, int64_t at_ns, int64_t value_ns)
{
    while (at_ns / m->length_ns >= MEDIANS_STRETCHES)
        lengthen(m);
    size_t place = place_of(value_ns);
    reach(m, place);
    m->count[at_ns / m->length_ns][place]++;
}

double medians_between(const struct medians *m, int64_t from_ns, int64_t to_ns)
{
    uint64_t count[N_COUNTS] = {0}, n = 0, before = 0;
    int64_t first = (from_ns + m->length_ns - 1) / m->length_ns;

    for (int64_t i = first; i < MEDIANS_STRETCHES && i * m->length_ns < to_ns; i++) {
        for (size_t k = m->low; k < m->low + m->n_places; k++) {
            count[k] += m->count[i][k];
            n += m->count[i][k];
        }
    }
    if (n == 0)
        return NAN;
    for (size_t k = 0;; k++) {
        before += count[k];
        if (before > (n - 1) / 2)
            return middle_of(k);
    }
}
