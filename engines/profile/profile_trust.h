/* How far a profile can be trusted: what its numbers were checked against, what error to expect,
 * and what is known to be wrong with them. Told from its metadata; docs/profiles.md holds every
 * text. */
#ifndef ENGINES_PROFILE_PROFILE_TRUST_H
#define ENGINES_PROFILE_PROFILE_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "engines/profile/profile.h"

enum { PROFILE_TRUST_MAX_NOTES = 12 };

struct profile_trust {
    const char *kind;    /* "measured", "estimated", "summed" or "not said" */
    const char *checked; /* against what, and the error to expect */
    size_t n_notes;
    const char *notes[PROFILE_TRUST_MAX_NOTES];
};

/* The texts are constants. */
struct profile_trust profile_trust(const struct profile *profile);

/* Summed of kernel tables of which there are newer ones. */
bool profile_has_older_tables(const struct profile *profile);
/* Its model is a mixture of experts, as far as its name tells. */
bool profile_has_experts(const struct profile *profile);

/* Every text that profile_trust may give, ended by NULL, one at a time: i = 0, 1, ... */
const char *profile_trust_text(size_t i);

#endif
