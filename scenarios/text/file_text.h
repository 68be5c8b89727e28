/* A small file as a whole. */
#ifndef SCENARIOS_TEXT_FILE_TEXT_H
#define SCENARIOS_TEXT_FILE_TEXT_H

#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

/* At most this much: what is larger is not a file that someone wrote by hand. */
enum { FILE_TEXT_MAX_BYTES = 1 << 20 };

/* `expected` says in messages what the file should have been. ST_IO when it cannot be read,
 * ST_INPUT when it is too large. */
enum status file_text_read(const char **bytes, size_t *length, struct arena *arena,
                           const char *path, const char *expected, struct diag *d);

/* A path as a text at this position means it: a relative one counts from the folder of the file,
 * and one of the command line (no line) from the working directory. NULL: memory is out. */
const char *file_text_path(struct arena *arena, struct source_pos at, const char *path);

#endif
