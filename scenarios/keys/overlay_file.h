/* Writing an overlay: a YAML file of keys that win over those of a scenario (`run --overlay`). */
#ifndef SCENARIOS_KEYS_OVERLAY_FILE_H
#define SCENARIOS_KEYS_OVERLAY_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "util/arena.h"
#include "util/status.h"

struct overlay_content {
    const struct policy_ops *policy; /* of the scenario */
    const char *working_dir; /* what relative paths among the values count from; they are written
                                as absolute ones, as an overlay's count from its own folder */
    size_t n_settings;
    const char *const
        *settings;       /* "path=value", as --set takes them; of one path, the last holds */
    const char *comment; /* lines before the keys; NULL = none */
};

/* An overlay with the same effect as --set of the settings. Whether `out` took it is the caller's
 * to look at. ST_INPUT: no path=value, a key that does not exist, one that is inside another, a
 * value that is not YAML. ST_NOMEM. */
enum status overlay_file_write(const struct overlay_content *content, struct arena *arena,
                               FILE *out, struct diag *d);

#endif
