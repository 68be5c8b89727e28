/* An output file that only gets its name when it is complete. */
#ifndef REPORTS_OUT_FILE_H
#define REPORTS_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/status.h"

/* The zero value is a file that is not there: closing, naming and discarding it do nothing. */
struct out_file {
    FILE *stream; /* NULL when closed */
    char *buffer;
    char *path, *part; /* DIR/NAME, DIR/NAME.part */
};

/* Creates DIR/NAME.part. ST_IO, ST_NOMEM; ST_INPUT when DIR/NAME is there and `replace` is false.
 */
enum status out_file_open(struct out_file *f, const char *dir, const char *name, bool replace,
                          struct diag *d);
enum status out_file_write(struct out_file *f, const char *bytes, size_t n, struct diag *d);
/* For what went straight to the stream. Set errno = 0 before writing there. */
enum status out_file_check(struct out_file *f, struct diag *d);
/* On the disk, whatever happens to the machine; before it is closed. */
enum status out_file_sync(struct out_file *f, struct diag *d);
/* All bytes are handed to the system; the file is still NAME.part. */
enum status out_file_close(struct out_file *f, struct diag *d);
/* NAME.part becomes NAME. */
enum status out_file_publish(struct out_file *f, struct diag *d);
/* Removes NAME.part, unless it was published, and releases the memory. */
void out_file_release(struct out_file *f);

/* A file in one call: it gets its name when `write` has put everything there. Errors as above, and
 * what `write` says. */
enum status out_file_put(const char *dir, const char *name, bool replace,
                         enum status (*write)(void *context, FILE *out, struct diag *d),
                         void *context, struct diag *d);

/* Removes DIR/NAME if it is there. ST_IO, ST_NOMEM. */
enum status out_file_remove(const char *dir, const char *name, struct diag *d);

/* With the folders above it; one that is there is fine. ST_IO. */
enum status out_folder_create(const char *path, struct diag *d);

#endif
