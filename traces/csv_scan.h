/* One line of CSV (RFC 4180) scanned in place, that ends in '\n' (line_reader's lines do). Fields
 * may be quoted but not span lines. */
#ifndef TRACES_CSV_SCAN_H
#define TRACES_CSV_SCAN_H

struct csv_field {
    const char *from, *end; /* without the quotes; a doubled quote stays doubled */
};

/* The field that begins at `p`, and where it ends: at a comma or at `end`, the line's. NULL when a
 * quote is not closed or something follows it. */
const char *csv_field_end(const char *p, const char *end, struct csv_field *field);

#endif
