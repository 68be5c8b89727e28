/* What a terminal can show, for text that people read. Only cli/ knows; others are told. */
#ifndef UTIL_TERMINAL_H
#define UTIL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TERMINAL_WIDTH = 80 }; /* columns that every line fits */

struct terminal {
    FILE *out;
    bool colour;
    bool utf8; /* else ASCII */
};

/* Writes `text` in lines that end between words and stay within the width. The cursor is at
 * `column` of the first; the others begin behind `indent` blanks. Ends with a newline. */
void terminal_wrap(FILE *out, const char *text, int column, int indent);

/* A name, and what is said of it: beside it where both fit the width, else below. */
void terminal_heading(FILE *out, const char *name, const char *rest);

/* Columns that a text of UTF-8 takes, at one for each character. */
size_t terminal_columns(const char *text);

/* A bar of height `share`, 0 to 1, for a curve in one line. */
const char *terminal_bar(const struct terminal *t, double share);

#endif
