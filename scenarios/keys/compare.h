/* Comparisons of a run's figures with those that a baseline holds (`compare:`, headroom check). */
#ifndef SCENARIOS_KEYS_COMPARE_H
#define SCENARIOS_KEYS_COMPARE_H

#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

struct yaml_node;

/* Which way of a figure is worse. */
enum compare_worse { COMPARE_USUAL, COMPARE_EITHER, COMPARE_LOWER, COMPARE_HIGHER };

/* How much worse a figure may be: `absolute`, or `relative` as a share of the baseline's; nothing
 * when both are NaN. With a level it is the mean over replicates that counts, and only what is
 * worse with that confidence. */
struct compare_rule {
    const char *key;           /* of summary.json */
    double absolute, relative; /* >= 0; one of them at most, NaN = not given */
    double level; /* `statistical`, 0.5 to below 1; NaN = the figure of the run itself */
    enum compare_worse worse; /* usual: what is so for users and costs */
    struct source_pos at;
};

struct compare_rules {
    size_t n;
    const struct compare_rule *item;
};

/* From a list of maps, {key: gpu_hours.total, relative: 0.02}; `path` is what messages call it. The
 * keys are not looked up. ST_INPUT says where and what was expected. */
enum status compare_rules_read(struct compare_rules *to, struct arena *arena,
                               const struct yaml_node *list, const char *path, struct diag *d);

/* "either", "lower", "higher"; NULL of COMPARE_USUAL, which is what it is when it is not said. */
const char *compare_worse_name(enum compare_worse worse);

#endif
