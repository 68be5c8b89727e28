/* What `size` prints. */
#ifndef CLI_SIZE_PRINT_H
#define CLI_SIZE_PRINT_H

#include <stdio.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "studies/size/size.h"

enum status size_print(const struct size_result *result, FILE *out, struct arena *arena,
                       struct diag *d);

/* A row a choice, a column a load; nothing where there is one load. */
enum status size_print_what_if(const struct size_result *result, FILE *out, struct arena *arena,
                               struct diag *d);

/* --growth and --months. ST_INPUT. */
enum status size_growth_option(struct size_options *options, const struct cli_args *args,
                               struct diag *d);
/* What has to be bought when, of the choices at a load; nothing where there is no plan. */
enum status size_print_growth(const struct size_result *result, double load, FILE *out,
                              struct arena *arena, struct diag *d);
/* Rows of a table of two columns, about one of the answers. */
void size_rows_courses(struct table *t, const struct size_choice *choice,
                       const struct size_options *options);
/* Static and autoscaled fleets side by side; nothing where no policy is asked for. */
enum status size_print_autoscaled(const struct size_result *result, double load, FILE *out,
                                  struct arena *arena, struct diag *d);

/* ---- what its tables share ---- */

enum { SIZE_MAX_ROWS = 12 }; /* of a load */

void size_cell_workers(struct table *t, const struct size_choice *choice, struct fleet workers);
/* "disagg a/b/TP8", "mixed a/b/TP4+TP8@1.0" for a/b/TP4@1.0 and a/b/TP8@1.0. NULL: no memory. */
const char *size_choice_text(const struct size_choice *choice, struct arena *arena);
void size_cell_choice(struct table *t, const struct size_choice *choice);
/* How many of n rows were left away. */
void size_print_more(size_t n, FILE *out);

#endif
