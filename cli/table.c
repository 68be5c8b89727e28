#include "cli/table.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "util/terminal.h"

void table_init(struct table *t, struct arena *arena, size_t n_columns)
{
    *t = (struct table){.arena = arena, .n_columns = n_columns};
}

void table_add(struct table *t, const char *text)
{
    if (t->n_cells == t->room) {
        size_t room = t->room ? t->room * 2 : 256;
        const char **larger = ARENA_NEW(t->arena, room, const char *);
        if (!larger) {
            t->failed = true;
            return;
        }
        if (t->n_cells)
            memcpy(larger, t->cell, t->n_cells * sizeof *larger);
        t->cell = larger;
        t->room = room;
    }
    const char *copy = arena_strdup(t->arena, text && *text ? text : "-");
    t->failed = t->failed || !copy;
    t->cell[t->n_cells++] = copy ? copy : "-";
}

void table_printf(struct table *t, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_add(t, text);
}

bool table_print(const struct table *t, FILE *out)
{
    size_t width[TABLE_MAX_COLUMNS] = {0};

    for (size_t i = 0; i < t->n_cells; i++) {
        size_t n = strlen(t->cell[i]), column = i % t->n_columns;
        width[column] = n > width[column] ? n : width[column];
    }
    bool people = isatty(fileno(out)); /* programs read a line a row */
    int last_at = 2 * ((int)t->n_columns - 1);
    for (size_t i = 0; i + 1 < t->n_columns; i++)
        last_at += (int)width[i];
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t column = i % t->n_columns;
        bool last = column + 1 == t->n_columns;
        if (t->right[column])
            fprintf(out, "%*s", (int)width[column], t->cell[i]);
        else if (!last)
            fprintf(out, "%-*s", (int)width[column], t->cell[i]);
        else if (people)
            terminal_wrap(out, t->cell[i], last_at, last_at);
        else
            fprintf(out, "%s\n", t->cell[i]);
        if (!last || t->right[column])
            fputs(last ? "\n" : "  ", out);
    }
    return !t->failed;
}
