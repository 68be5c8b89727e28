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

const char *terminal_bar(const struct terminal *t, double share)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    int level = share > 0 ? (int)(share * 7 + 0.5) : 0;

    return t->utf8 ? blocks[level] : ascii[level];
}
