/* Presets: files of named maps, each of keys of one section of a scenario.
 *
 *   dense-8b-nvme:
 *     summary: one line for lists
 *     weights_s: 8.2
 *
 * A scenario names one by `preset: NAME`, which is looked for in the preset folders, or by
 * `preset: PATH#NAME` for a file of its own; `preset: PATH.yaml` is a file that has the keys of one
 * preset and no name. Nothing here knows the keys. */
#ifndef SCENARIOS_KEYS_PRESET_FILE_H
#define SCENARIOS_KEYS_PRESET_FILE_H

#include <stddef.h>

#include "scenarios/text/yaml_tree.h"
#include "util/arena.h"
#include "util/status.h"

struct shared;

/* Where a preset is looked for. */
struct preset_place {
    const char *const *dirs; /* ended by NULL, the first that has the name wins; NULL = none */
    const char *file;        /* within each of them */
    struct shared *shared;   /* keeps what was read, for all who ask for it (util/shared.h); NULL =
                                it is read each time, into the arena */
};

/* The keys of a preset as a map, with its `summary`, which is no key of the scenario. `wanted` is
 * the text that the scenario has under `key` ("startup.preset"). Messages name the position of
 * `wanted`, but of what is wrong inside a preset file that position. ST_INPUT when there is no such
 * preset, ST_IO for a file that cannot be read. */
enum status preset_find(const struct yaml_node **preset, struct arena *arena,
                        const struct preset_place *place, const char *key,
                        const struct yaml_node *wanted, struct diag *d);

/* All presets of every folder as maps, in the order of the files, each name once. */
enum status preset_all(const struct yaml_node *const **presets, size_t *n, struct arena *arena,
                       const struct preset_place *place, struct diag *d);
/* Their names. */
struct preset_line {
    const char *name, *summary; /* summary may be "" */
};
enum status preset_list(const struct preset_line **lines, size_t *n, struct arena *arena,
                        const struct preset_place *place, struct diag *d);

#endif
