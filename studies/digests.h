/* Digests of the files that runs read. */
#ifndef STUDIES_DIGESTS_H
#define STUDIES_DIGESTS_H

#include "engines/profile/profile.h"
#include "util/sha256.h"

/* SHA-256 of the bytes of a file; "" for what is no plain file, such as a pipe: it can be read only
 * once. Returns `hex`. */
const char *digest_file(char hex[SHA256_HEX_SIZE], const char *path);
/* Of what a profile holds, from however many files of whichever format; "" when memory is out. */
const char *digest_profile(char hex[SHA256_HEX_SIZE], const struct profile *profile);

#endif
