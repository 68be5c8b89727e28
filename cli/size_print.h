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

/* ---- what its tables share ---- */

enum { SIZE_MAX_ROWS = 12 };

void size_cell_workers(struct table *t, const struct size_choice *choice, struct fleet workers);
void size_cell_choice(struct table *t, const struct size_choice *choice);
/* How many of n rows were left away. */
void size_print_more(size_t n, FILE *out);

#endif
