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

/* Texts that users have given may hold anything; here they are shown, and do nothing else: what
 * text_escape names is written as its escape. So is it in all of the functions below. */
void terminal_text(FILE *out, const char *text);
/* A line with such texts, and its newline; cut after TERMINAL_LINE_SIZE bytes. */
enum { TERMINAL_LINE_SIZE = 8192 };
void terminal_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes `text` in lines that end between words and stay within the width. The cursor is at
 * `column` of the first; the others begin behind `indent` blanks. Ends with a newline. */
void terminal_wrap(FILE *out, const char *text, int column, int indent);

/* A name, and what is said of it: beside it where both fit the width, else below. */
void terminal_heading(FILE *out, const char *name, const char *rest);

/* Columns that a text of UTF-8 takes, at one for each character, an escape at those of it. */
size_t terminal_columns(const char *text);

/* A bar of height `share`, 0 to 1, for a curve in one line. */
const char *terminal_bar(const struct terminal *t, double share);

#endif
