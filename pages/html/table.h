/* Tables of a page. Their heads sort them where there is a script; a narrow screen scrolls them. */
#ifndef PAGES_HTML_TABLE_H
#define PAGES_HTML_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Heads from left to right, ended by NULL; those that begin with '#' (which is not shown) are of
 * numbers. The caption is for those who do not see the page. */
void html_table_begin(FILE *out, const char *caption, const char *const *heads);
void html_table_end(FILE *out);

void html_row_begin(FILE *out);
void html_row_end(FILE *out);
/* The first cell of a row, which names it. */
void html_row_name(FILE *out, const char *text);
/* "-" of NULL, and of NaN. */
void html_cell(FILE *out, const char *text);
void html_cell_number(FILE *out, int digits, double value);
/* With a sign. */
void html_cell_change(FILE *out, int digits, double value);
/* A text that sorts as the number. */
void html_cell_sorted(FILE *out, double value, const char *text);

#endif
