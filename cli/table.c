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

static const char in_part[] = ""; /* the other cells of such a row */

void table_part(struct table *t, const char *name)
{
    table_add(t, name);
    for (size_t i = 1; i < t->n_columns; i++) {
        table_add(t, NULL);
        if (!t->failed)
            t->cell[t->n_cells - 1] = in_part;
    }
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

/* ---- what fits ---- */

static size_t cell_width(const struct table *t, size_t i)
{
    return terminal_columns(t->cell[i]);
}

/* Bytes of a head's first line of at most so many columns: up to behind a point, a blank or the
 * like. */
static size_t piece(const char *head, size_t width)
{
    size_t n = strlen(head), at = 0;

    if (n <= width)
        return n;
    for (size_t i = 0; i < width; i++)
        at = strchr("._- ,", head[i]) ? i + 1 : at;
    return at ? at : width;
}

/* Of the longest piece that cannot be broken. */
static size_t least_width(const char *head)
{
    size_t least = 0;

    while (*head) {
        size_t n = strcspn(head, "._- ,");
        n += head[n] != '\0';
        least = n > least ? n : least;
        head += n;
    }
    return least;
}

static size_t n_pieces(const char *head, size_t width)
{
    size_t n = 1;

    for (size_t used; (used = piece(head, width)) < strlen(head); n++)
        head += used;
    return n;
}

/* Columns of the table; a last column of text needs a few of them only. */
static size_t total(const struct table *t, const size_t *width)
{
    enum { LEAST = 20 };
    size_t sum = 2 * (t->n_columns - 1), last = t->n_columns - 1;

    for (size_t i = 0; i < last; i++)
        sum += width[i];
    return sum + (t->right[last] || width[last] < LEAST ? width[last] : LEAST);
}

/* Where the terminal is too narrow, heads are broken that are wider than what is below them; then
 * the first column is cut, and what is longer there gets a line of its own. */
static void fit(const struct table *t, const size_t *body, size_t *width)
{
    enum { LEAST_FIRST = 12 };

    while (total(t, width) > TERMINAL_WIDTH) {
        size_t widest = 0, most = 0;
        for (size_t i = 0; i < t->n_columns; i++) {
            size_t least = least_width(t->cell[i]);
            least = body[i] > least ? body[i] : least;
            if (width[i] > least && width[i] - least > most) {
                most = width[i] - least;
                widest = i;
            }
        }
        if (!most)
            break;
        width[widest]--;
    }
    size_t sum = total(t, width);
    if (sum > TERMINAL_WIDTH && t->n_columns > 1) {
        size_t over = sum - TERMINAL_WIDTH;
        width[0] = width[0] > over + LEAST_FIRST ? width[0] - over : LEAST_FIRST;
    }
}

/* ---- lines ---- */

static void print_cell(FILE *out, const char *text, size_t n, size_t width, bool right)
{
    int pad = (int)(width > n ? width - n : 0);

    if (right)
        fprintf(out, "%*s", pad, "");
    terminal_text(out, text);
    if (!right)
        fprintf(out, "%*s", pad, "");
}

/* The lines of the head but the last: pieces stand at the bottom. Returns what is left of each. */
static void print_upper_head(const struct table *t, const size_t *width, const char **rest,
                             FILE *out)
{
    size_t n_lines = 1, last = t->n_columns - 1;

    for (size_t c = 0; c < t->n_columns; c++) {
        rest[c] = t->cell[c];
        size_t n = c < last || t->right[c] ? n_pieces(rest[c], width[c]) : 1;
        n_lines = n > n_lines ? n : n_lines;
    }
    for (size_t left = n_lines; left > 1; left--) {
        int gap = 0;
        for (size_t c = 0; c < t->n_columns; c++) {
            bool begun = (c < last || t->right[c]) && n_pieces(rest[c], width[c]) >= left;
            size_t n = begun ? piece(rest[c], width[c]) : 0;
            size_t shown = n && rest[c][n - 1] == ' ' ? n - 1 : n;
            int pad = (int)(width[c] - shown);
            if (shown)
                fprintf(out, "%*s%.*s", gap + (t->right[c] ? pad : 0), "", (int)shown, rest[c]);
            gap = shown ? (t->right[c] ? 2 : pad + 2) : gap + pad + 2;
            rest[c] += n;
        }
        fputc('\n', out);
    }
}

static void print_row(const struct table *t, const char *const *cells, const size_t *width,
                      bool people, FILE *out)
{
    size_t last = t->n_columns - 1;
    int last_at = 2 * (int)last;

    if (last && cells[1] == in_part) {
        terminal_line(out, "%s", cells[0]);
        return;
    }
    for (size_t c = 0; c < last; c++)
        last_at += (int)width[c];
    for (size_t c = 0; c < t->n_columns; c++) {
        size_t n = terminal_columns(cells[c]);
        if (c == 0 && c < last && n > width[0]) { /* on a line of its own */
            terminal_line(out, "%s", cells[0]);
            print_cell(out, "", 0, width[0], false);
        } else if (c < last || t->right[c]) {
            print_cell(out, cells[c], n, width[c], t->right[c]);
        } else if (people) {
            terminal_wrap(out, cells[c], last_at, last_at);
        } else {
            terminal_line(out, "%s", cells[c]);
        }
        if (c < last || t->right[c])
            fputs(c == last ? "\n" : "  ", out);
    }
}

bool table_print(const struct table *t, FILE *out)
{
    size_t width[TABLE_MAX_COLUMNS] = {0}, body[TABLE_MAX_COLUMNS] = {0};
    const char *head[TABLE_MAX_COLUMNS];

    for (size_t i = 0; i < t->n_cells; i++) {
        size_t n = cell_width(t, i), column = i % t->n_columns;
        width[column] = n > width[column] ? n : width[column];
        if (i >= t->n_columns)
            body[column] = n > body[column] ? n : body[column];
    }
    bool people = isatty(fileno(out)); /* programs read a line a row */
    if (people)
        fit(t, body, width);
    for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns) {
        if (i == 0 && people)
            print_upper_head(t, width, head, out);
        print_row(t, i == 0 && people ? head : &t->cell[i], width, people, out);
    }
    return !t->failed;
}
