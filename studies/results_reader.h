/* results.csv read back, a row at a time: the table as it was, but that all cells are texts. */
#ifndef STUDIES_RESULTS_READER_H
#define STUDIES_RESULTS_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

struct results_reader; /* opaque */

/* DIR/results.csv, or another table with a line of names. ST_INPUT: it is empty; ST_IO. */
enum status results_open(struct results_reader **reader, const char *path, struct diag *d);
void results_close(struct results_reader *reader); /* NULL is allowed */

/* The next row; ST_END after the last. ST_INPUT: it has more cells than there are names, or less.
 */
enum status results_next(struct results_reader *reader, struct diag *d);

/* Where the column of a name is, from 0; -1 = there is none. */
int results_column(const struct results_reader *reader, const char *name);
/* Of the row: a copy in the arena without quotes, NULL when memory is out; the number, NaN where
 * the cell is empty or no number. */
const char *results_text(const struct results_reader *reader, int column, struct arena *arena);
bool results_is(const struct results_reader *reader, int column, const char *text);
double results_number(const struct results_reader *reader, int column);
/* For messages about the row. */
struct source_pos results_pos(const struct results_reader *reader);

#endif
