/* What a sweep is: everything that decides the bytes of its results, and study.json, which holds
 * it. Two sweeps are the same when these texts are. */
#ifndef STUDIES_SWEEP_DEFINITION_H
#define STUDIES_SWEEP_DEFINITION_H

#include <stdint.h>

#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/sha256.h"
#include "util/status.h"

/* Runs i - 1, i - 1 + of, i - 1 + 2 of, ...; 1 of 1 = all. */
struct sweep_shard {
    uint64_t i, of;
};

/* A file that runs read, by the name that the scenario or a variation has it by. */
struct sweep_input {
    const char *name;
    const char *sha256; /* of the bytes; of a profile, of its arrays; "" = it cannot be read */
};

struct sweep_definition {
    const char *version;           /* of this program */
    struct scenario_source source; /* file, overlays and overrides */
    size_t n_vary;
    const char *const *vary; /* KEY=SPEC, as space_parse takes them */
    uint64_t n_sample;       /* settings of a Latin hypercube; 0 = the full grid */
    uint64_t n_seeds;        /* `seed` from 1 to this; 0 = that of the scenario */
    uint64_t n_replicates;   /* `replicate` from 1 to this; 0 = that of the scenario */
    size_t n_keys;
    const char *const *keys; /* of summary.json */
    struct sweep_shard shard;

    /* Of the scenario without any variation, read into it by sweep_define. */
    const struct policy_ops *policy;
    const char *currency; /* NULL = no prices */
    int64_t seed, replicate;
    size_t n_inputs;
    const struct sweep_input *inputs; /* in the order of first use */
};

/* Fills in the scenario's part, and `keys` with every result when there are none. Reads the files
 * that runs will read. ST_INPUT names a key that summary.json does not have. */
enum status sweep_define(struct sweep_definition *definition, struct arena *arena,
                         const struct scenario *scenario, struct run_resources *resources,
                         struct diag *d);

/* study.json; `shard` false: without its last line, which says the shard. In the arena. */
const char *sweep_definition_text(const struct sweep_definition *definition, bool shard,
                                  struct arena *arena);
/* From that text. The source has no preset folders. ST_INPUT: it is none of this version. */
enum status sweep_definition_read(struct sweep_definition *definition, struct arena *arena,
                                  const char *path, const char *bytes, size_t length,
                                  struct diag *d);

#endif
