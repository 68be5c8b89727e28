/* Expectations on the figures of a run: `KEY OP NUMBER`, such as "attainment.overall >= 0.9". */
#ifndef SCENARIOS_KEYS_EXPECT_H
#define SCENARIOS_KEYS_EXPECT_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/status.h"

enum expect_op { EXPECT_GE, EXPECT_LE, EXPECT_GT, EXPECT_LT, EXPECT_EQ, EXPECT_NE };

struct expectation {
    const char *text; /* as written */
    const char *key;  /* of summary.json */
    enum expect_op op;
    double bound; /* finite */
    struct source_pos at;
};

/* ST_INPUT at `at` when the text is not of this form. Texts go into the arena; the key is not
 * looked up. */
enum status expectation_parse(struct expectation *e, struct arena *arena, const char *text,
                              struct source_pos at, struct diag *d);

/* A figure that does not exist (NaN) holds nothing, not even `!=`. */
bool expectation_holds(const struct expectation *e, double value);

#endif
