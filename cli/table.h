/* Aligned columns for the terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/arena.h"

enum { TABLE_MAX_COLUMNS = 16 };

struct table {
    struct arena *arena;
    size_t n_columns;
    bool right[TABLE_MAX_COLUMNS]; /* aligned to the right */
    size_t n_cells, room;
    const char **cell; /* row by row, the head first */
    bool failed;       /* out of memory */
};

void table_init(struct table *t, struct arena *arena, size_t n_columns);
/* Cells from left to right, row after row; a NULL cell and an empty one are "-". */
void table_add(struct table *t, const char *text);
void table_printf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row that is nothing but a name, of the rows below it. */
void table_part(struct table *t, const char *name);
/* On a terminal the last column is broken into lines that fit. false when memory was out. */
bool table_print(const struct table *t, FILE *out);

#endif
