/* The folder of --out, and files that options name. */
#ifndef CLI_OUT_DIR_H
#define CLI_OUT_DIR_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"
#include "util/status.h"

/* It may be absent. One that holds anything but the files of an earlier run is refused (ST_INPUT),
 * so that nothing of the user's is replaced, unless `force`. */
enum status out_dir_check(const char *path, bool force, struct diag *d);
/* The same of another verb: `files`, ended by NULL, are its own, and `main_file` is the one that an
 * earlier result has in any case. */
enum status out_dir_check_for(const char *path, const char *const *files, const char *main_file,
                              bool force, struct diag *d);

/* Removes the files of a run, and the folder if there is nothing else in it. */
void out_dir_remove(const char *path);

/* Before the work: the file that an option names, if it is given, may not be there, unless --force,
 * and can be made (else ST_IO). */
enum status out_path_check(const struct cli_args *args, const char *option, struct diag *d);
/* A path in two. */
struct out_path {
    const char *folder, *name;
};
enum status out_path_split(struct out_path *at, const struct cli_args *args, const char *path,
                           struct diag *d);
/* Writes a file at a path, as out_file_put does. */
enum status out_path_put(const struct cli_args *args, const char *path, bool replace,
                         enum status (*write)(void *context, FILE *out, struct diag *d),
                         void *context, struct diag *d);

#endif
