/* Text and numbers inside markup: HTML and SVG alike. */
#ifndef PAGES_SVG_MARKUP_H
#define PAGES_SVG_MARKUP_H

#include <stdio.h>

#include "pages/svg/charts.h"

/* As text or as the value of an attribute in double quotes: `&`, `<`, `>`, quotes as entities, what
 * XML cannot hold (control bytes, what is no UTF-8) as U+FFFD. NULL is nothing. */
void markup_text(FILE *out, const char *text);
/* As a string of JSON, with its quotes, inside a <script>, which it cannot end: `<`, `>`, `&` and
 * what breaks lines are \uXXXX, what is no UTF-8 is U+FFFD. NULL is "". */
void markup_json_string(FILE *out, const char *text);

/* A coordinate: at most one decimal, none where it is whole. */
enum { MARKUP_NUMBER_SIZE = 32 };
const char *markup_number(char out[MARKUP_NUMBER_SIZE], double value);

/* A figure for people, four digits or all of an integer below a million: 0.9532, 12,345, 1.234M,
 * 6.022e23; "none" of what is not finite. */
const char *markup_figure(char out[MARKUP_NUMBER_SIZE], double value);
/* The same on an axis: time as 1:05 (hours and minutes) or 0:00:05, shares in per cent. */
const char *markup_value(char out[MARKUP_NUMBER_SIZE], enum svg_scale scale, double value);

#endif
