/* How many GPUs one worker has: one number out of everything that says so. */
#ifndef ENGINES_PROFILE_PROFILE_GPUS_H
#define ENGINES_PROFILE_PROFILE_GPUS_H

#include <stdbool.h>
#include <stddef.h>

#include "engines/profile/profile.h"

enum { GPUS_MAX_SAID = 4 };

/* What is said outside the profile. Names are those of keys, for messages; 0 = not said. */
struct gpus_said {
    struct {
        const char *name;
        int64_t gpus;
    } key[GPUS_MAX_SAID];
    const char *tp_name;
    int64_t tp;
    int64_t ranks;     /* data-parallel ranks; 0 = those of the profile */
    bool decodes_only; /* the prefill half may be of another engine: it counts only if it agrees */
};

/* A key's number, gpu_count, tp x pp (each with the data-parallel ranks or without) and both
 * throughputs per GPU of the profile must be of the same worker; with none of them it has one GPU.
 * ST_INPUT names every source and what it says. */
enum status profile_gpus(int64_t *gpus, const struct profile *profile, const struct gpus_said *said,
                         struct diag *d);

/* Were both halves measured with as many GPUs? In a file each, they may be of two engines. */
bool profile_halves_agree(const struct profile *profile);

#endif
