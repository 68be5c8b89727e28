/* The file that `headroom check` compares with: what the figures of scenarios were, and of what.
 *
 * A small text, a value a line, sorted, so that a change of it can be reviewed:
 *
 *     headroom_baseline: 1
 *     scenarios:
 *       NAME:
 *         version: 0.1.0
 *         seed: 1
 *         inputs:
 *           trace: SHA-256
 *           profile.agg: SHA-256
 *         figures:
 *           attainment.overall: 0.97
 *         replicates:
 *           attainment.overall: [0.97, 0.96, ...]
 *     end: 1
 *
 * `end` counts the scenarios, and tells a file that is whole from one that was cut. A figure is
 * null where the run had no such. */
#ifndef STUDIES_GATE_BASELINE_H
#define STUDIES_GATE_BASELINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/arena.h"
#include "util/status.h"

enum { BASELINE_SCHEMA_VERSION = 1 };

struct baseline_input {
    const char *name;   /* "trace", "profile.decode", "policy.config" */
    const char *digest; /* SHA-256 in hex; "" = it cannot be told, as of a pipe */
};

struct baseline_figure {
    const char *key; /* of summary.json */
    double value;    /* of the run as the scenario has it; NaN: it had none */
    size_t n;        /* replicates 1 to n; 0 = none were run */
    const double *replicates;
};

struct baseline_entry {
    const char *name; /* of the scenario */
    const char *version;
    uint64_t seed;
    size_t n_inputs;
    const struct baseline_input *inputs;
    size_t n_figures;
    const struct baseline_figure *figures; /* by key */
    struct source_pos at;
};

struct baseline {
    const char *path;
    size_t n;
    const struct baseline_entry *entries; /* by name */
};

/* From a file in memory; `path` is for messages and must live as long. ST_INPUT says where: it is
 * no baseline, one of another version, cut short, or has a figure that is no number. */
enum status baseline_parse(struct baseline *baseline, struct arena *arena, const char *path,
                           const char *bytes, size_t length, struct diag *d);
/* ST_IO: it cannot be read. */
enum status baseline_read(struct baseline *baseline, struct arena *arena, const char *path,
                          struct diag *d);

/* NULL: it has none. */
const struct baseline_entry *baseline_find(const struct baseline *baseline, const char *name);
const struct baseline_figure *baseline_figure(const struct baseline_entry *entry, const char *key);

/* `old` with the new entries in the place of those of the same names, in order. ST_NOMEM. */
enum status baseline_merge(struct baseline *merged, struct arena *arena, const struct baseline *old,
                           const struct baseline_entry *entries, size_t n, struct diag *d);
/* Equal baselines give equal bytes, which baseline_parse reads back to the same. */
void baseline_write(const struct baseline *baseline, FILE *out);

#endif
