#include "util/terminal.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "util/text.h"

/* Of a text's first n bytes. */
static void print_piece(FILE *out, const char *text, size_t n)
{
    char escape[TEXT_ESCAPE_SIZE];

    for (const char *s = text; *s && (size_t)(s - text) < n;) {
        size_t bytes = text_character(s);
        const char *instead = text_escape(escape, s, bytes);
        if (instead)
            fputs(instead, out);
        else
            fwrite(s, 1, bytes, out);
        s += bytes ? bytes : 1;
    }
}

void terminal_text(FILE *out, const char *text)
{
    print_piece(out, text, SIZE_MAX);
}

void terminal_line(FILE *out, const char *format, ...)
{
    char text[TERMINAL_LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    terminal_text(out, text);
    fputc('\n', out);
}

void terminal_wrap(FILE *out, const char *text, int column, int indent)
{
    do {
        enum { LEAST = 20 }; /* where little room is left, the width gives way */
        int room = TERMINAL_WIDTH - column > LEAST ? TERMINAL_WIDTH - column : LEAST;
        size_t n = text_line(text, (size_t)room);
        print_piece(out, text, n);
        fputc('\n', out);
        text += n + (text[n] == ' ');
        column = indent;
        if (*text)
            fprintf(out, "%*s", indent, "");
    } while (*text);
}

void terminal_heading(FILE *out, const char *name, const char *rest)
{
    if (terminal_columns(name) + 3 + terminal_columns(rest) <= TERMINAL_WIDTH) {
        terminal_line(out, "%s   %s", name, rest);
        return;
    }
    terminal_line(out, "%s", name);
    fputs("  ", out);
    terminal_wrap(out, rest, 2, 2);
}

size_t terminal_columns(const char *text)
{
    char escape[TEXT_ESCAPE_SIZE];
    size_t n = 0;

    while (*text) {
        size_t bytes = text_character(text);
        const char *instead = text_escape(escape, text, bytes);
        n += instead ? strlen(instead) : 1;
        text += bytes ? bytes : 1;
    }
    return n;
}

const char *terminal_bar(const struct terminal *t, double share)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    int level = share > 0 ? (int)(share * 7 + 0.5) : 0;

    return t->utf8 ? blocks[level] : ascii[level];
}
