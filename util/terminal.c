#include "util/terminal.h"

#include "util/text.h"

void terminal_wrap(FILE *out, const char *text, int column, int indent)
{
    do {
        enum { LEAST = 20 }; /* where little room is left, the width gives way */
        int room = TERMINAL_WIDTH - column > LEAST ? TERMINAL_WIDTH - column : LEAST;
        size_t n = text_line(text, (size_t)room);
        fprintf(out, "%.*s\n", (int)n, text);
        text += n + (text[n] == ' ');
        column = indent;
        if (*text)
            fprintf(out, "%*s", indent, "");
    } while (*text);
}

void terminal_heading(FILE *out, const char *name, const char *rest)
{
    if (terminal_columns(name) + 3 + terminal_columns(rest) <= TERMINAL_WIDTH) {
        fprintf(out, "%s   %s\n", name, rest);
        return;
    }
    fprintf(out, "%s\n  ", name);
    terminal_wrap(out, rest, 2, 2);
}

size_t terminal_columns(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

const char *terminal_bar(const struct terminal *t, double share)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    int level = share > 0 ? (int)(share * 7 + 0.5) : 0;

    return t->utf8 ? blocks[level] : ascii[level];
}
