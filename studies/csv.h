/* Cells of CSV (RFC 4180), as pandas reads it without options. */
#ifndef STUDIES_CSV_H
#define STUDIES_CSV_H

#include <stdio.h>

/* In quotes where it has to be. */
void csv_write_text(FILE *out, const char *text);
/* The shortest text that reads back equal; nothing for NaN and infinities. */
void csv_write_number(FILE *out, double number);

#endif
