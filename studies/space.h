/* The space of settings that a study looks at: one knob for each `--vary KEY=SPEC`.
 *
 *     KEY=a,b,c           a list; commas inside brackets or quotes do not part values
 *     KEY=LO..HI:STEP     LO, LO + STEP, ... up to HI, computed in decimals
 *     KEY=LO..HI:log:N    N values from LO to HI, each the same factor above the last; rounded to
 *                         six digits, or of an integer key to integers (what is then twice is once)
 *     KEY=LO..HI          a range, for samples and optimisers; KEY=LO..HI:log the same, even in the
 *                         logarithm
 *
 * A setting is a text for each knob, as `--set KEY=TEXT` takes it. A place in the space is a number
 * u in [0, 1) for each knob; values of a knob have shares of [0, 1), in their order. */
#ifndef STUDIES_SPACE_H
#define STUDIES_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/key.h"
#include "util/status.h"

struct policy_ops;

enum knob_kind {
    KNOB_LIST,   /* values as they were given; no order is meant unless all are numbers */
    KNOB_LINEAR, /* a range, with or without a step */
    KNOB_LOG
};

struct knob {
    const char *key;       /* its path, as --set has it */
    const char *spec;      /* what followed the sign of equality */
    const char *unit;      /* of the key; NULL = none */
    const struct key *def; /* in the table of keys */
    enum knob_kind kind;
    bool integer; /* of a range: holds integers alone */
    bool number;  /* all values are numbers */
    size_t n;     /* values of a list or of a range with a step; 0 = a range without */
    const char *const *values;
    double low, high; /* of the numbers, low <= high; NaN unless `number` */
};

struct space {
    size_t n;
    struct knob *knobs;
};

enum { SPACE_MAX_VALUES = 1000000 }; /* of one knob */

/* `texts` are KEY=SPEC, all borrowed, and `policy` is the scenario's. Key, form and values (all of
 * a list, the ends of a range) are checked; rules across keys are not. ST_INPUT names the option
 * and the cure. */
enum status space_parse(struct space *space, struct arena *arena, const struct policy_ops *policy,
                        const char *const *texts, size_t n, struct diag *d);

/* Settings of the full grid. ST_INPUT: a range without a step, or more than 2^63. */
enum status space_grid_size(uint64_t *n, const struct space *space, struct diag *d);
/* Of a grid that has a size: setting i's value of a knob; the last knob goes round first. */
const char *space_grid_text(const struct space *space, uint64_t i, size_t knob);

/* Distinct values; 0 = a continuum. */
uint64_t space_n_values(const struct knob *knob);
/* The value whose share u is in, and the middle of the share of a value; of a knob with values. */
uint64_t space_index(const struct knob *knob, double u);
double space_u(const struct knob *knob, uint64_t index);
/* The text of a value by its index, or at u, where a continuum is rounded to six digits (more
 * when its ends differ by less than a tenth). In the arena, or the knob's; NULL when memory is out.
 */
const char *space_value(const struct knob *knob, uint64_t index, struct arena *arena);
const char *space_text(const struct knob *knob, double u, struct arena *arena);

/* The texts of all knobs at a place; NULL when memory is out. */
const char *const *space_texts(const struct space *space, const double *u, struct arena *arena);

/* n places, row by row, u of each dimension: every dimension has one place in each of n equal parts
 * of [0, 1), in random order (M. D. McKay, R. J. Beckman and W. J. Conover, A Comparison of Three
 * Methods for Selecting Values of Input Variables, Technometrics 21, 1979). ST_NOMEM. */
enum status latin_hypercube(double *u, size_t n, size_t n_dims, uint64_t seed, struct diag *d);
/* The same of a space's knobs, in the arena. */
enum status space_sample(const double **u, struct arena *arena, const struct space *space, size_t n,
                         uint64_t seed, struct diag *d);

#endif
