/* What every page begins and ends with.
 *
 * A page is one file that asks for nothing else, and runs no script but its own: both are said by
 * its Content-Security-Policy. It has the colours of the reader's system or those of its switch,
 * sorts its tables, and prints whole. */
#ifndef PAGES_HTML_PAGE_H
#define PAGES_HTML_PAGE_H

#include <stddef.h>
#include <stdio.h>

/* Up to the first heading, which is not among it. `maker` ("headroom check") is in the first 200
 * bytes, so that a file can be told to be such a page; the title is of the window. The caller
 * checks `out` for errors. */
void page_begin(FILE *out, const char *maker, const char *title);
void page_end(FILE *out);

/* Style and script that a page has besides, and the licence of what is not ours among them, which
 * the page has as a comment (no "--" in it). */
struct page_extra {
    const unsigned char *style, *script, *licence;
    size_t style_length, script_length, licence_length;
};
void page_begin_with(FILE *out, const char *maker, const char *title,
                     const struct page_extra *extra);
void page_end_with(FILE *out, const struct page_extra *extra);

/* ---- pieces ---- */

/* Escaped: <h1> with the title, and a line below that says what it is of (NULL = none). */
void page_heading(FILE *out, const char *title, const char *below);
/* The first lines of a page, which say how it stands. The caller writes the text and </p>. */
enum page_verdict { PAGE_HELD, PAGE_MISSED, PAGE_NEITHER };
void page_verdict_begin(FILE *out, enum page_verdict verdict);
/* <TAG>...</TAG> with a text that is escaped. */
void page_text(FILE *out, const char *tag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A remark. */
void page_note(FILE *out, const char *text);
/* Around a chart: a narrow screen scrolls it, so that it can be read. */
void page_figure_begin(FILE *out);
void page_figure_end(FILE *out);
/* Around small charts that stand side by side where there is room, and around each of them. */
void page_charts_begin(FILE *out);
void page_charts_end(FILE *out);
void page_chart_begin(FILE *out, const char *caption);
void page_chart_end(FILE *out);

#endif
