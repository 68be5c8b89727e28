/* The figures of a choice, in the one list that the files for scripts are written from: a member
 * of a JSON object and a column of CSV each. */
#ifndef STUDIES_SIZE_SIZE_COLUMNS_H
#define STUDIES_SIZE_SIZE_COLUMNS_H

#include <stddef.h>

#include "studies/size/size.h"

/* What stands at `offset` of struct size_choice. */
enum size_column_type {
    SIZE_COLUMN_TEXT,     /* const char *; NULL = there is none */
    SIZE_COLUMN_INTEGER,  /* int64_t */
    SIZE_COLUMN_NUMBER,   /* double; NaN and infinities are null, and empty cells */
    SIZE_COLUMN_FLAG,     /* bool */
    SIZE_COLUMN_TOPOLOGY, /* enum size_topology */
    SIZE_COLUMN_POOLS     /* int64_t[FLEET_MAX_POOLS], 0 in the first = not known; in JSON an
                             object with a member for each pool, in CSV a column of each role */
};

struct size_column {
    const char *name; /* with the unit in it; of SIZE_COLUMN_POOLS followed by _ROLE in CSV */
    enum size_column_type type;
    size_t offset;
    enum size_outcome known_to; /* known of choices that came this far: its place in the enum or
                                   an earlier one */
    const char *group; /* in JSON an object of those that follow each other, in CSV GROUP_name;
                          NULL = none */
    bool (*known)(const struct size_choice *choice); /* NULL = always */
};
extern const struct size_column size_columns[]; /* ended by name NULL */

/* Where the value is; NULL: it is not known of this choice. */
const void *size_column_value(const struct size_column *column, const struct size_choice *choice);

#endif
