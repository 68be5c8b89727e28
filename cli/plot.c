#include "cli/plot.h"

#include <math.h>
#include <string.h>

/* A character cell holds 2 x 4 dots. */
enum { COLUMNS = 64, WIDTH = COLUMNS + 8, ROWS = 15, MARGIN = 8, MAX_TICKS = 24 };
enum { DOTS_X = 2 * COLUMNS, DOTS_Y = 4 * ROWS };

struct axis {
    bool linear; /* else logarithmic */
    double low, high;
    size_t n_ticks;
    double ticks[MAX_TICKS];
};

struct canvas {
    struct axis x, y;
    unsigned char dots[ROWS][COLUMNS]; /* bits of the braille block U+2800 */
    char text[ROWS][WIDTH + 1];        /* over them: labels of curves; 0 = none */
};

void plot_add(struct plot_series *series, double x, double y)
{
    if (series->n == PLOT_MAX_POINTS)
        return;
    series->x[series->n] = x;
    series->y[series->n++] = y;
}

/* Where a value lies on its axis, 0 to 1. */
static double share(const struct axis *axis, double value)
{
    return axis->linear ? (value - axis->low) / (axis->high - axis->low)
                        : log(value / axis->low) / log(axis->high / axis->low);
}

/* 0 .. n - 1 */
static int cell_of(double part, int n)
{
    int i = (int)lround(part * (n - 1));
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void add_tick(struct axis *axis, double at)
{
    if (axis->n_ticks < MAX_TICKS)
        axis->ticks[axis->n_ticks++] = at;
}

static void powers_of_two(struct axis *axis)
{
    int power = (int)ceil(log2(axis->low) - 1e-9);
    for (; ldexp(1, power) <= axis->high * (1 + 1e-9); power++)
        add_tick(axis, ldexp(1, power));
}

/* 1, 2, 5, 10, ... or, when the axis is short, every multiple of 1, 10, ... */
static void decades(struct axis *axis)
{
    static const struct {
        int n, leads[9];
    } steps[] = {{3, {1, 2, 5}}, {9, {1, 2, 3, 4, 5, 6, 7, 8, 9}}};
    enum { ENOUGH = 5 };

    for (size_t k = 0; k < 2 && axis->n_ticks < ENOUGH; k++) {
        axis->n_ticks = 0;
        for (int power = (int)floor(log10(axis->low)); pow(10, power) <= axis->high; power++)
            for (int i = 0; i < steps[k].n; i++) {
                double at = pow(10, power) * steps[k].leads[i];
                if (at >= axis->low && at <= axis->high)
                    add_tick(axis, at);
            }
    }
}

/* About five round numbers. */
static void round_numbers(struct axis *axis)
{
    double rough = (axis->high - axis->low) / 5, power = pow(10, floor(log10(rough)));
    double step = power * (rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);

    for (size_t i = 0; (double)i * step <= axis->high - axis->low; i++) {
        double at = (ceil(axis->low / step) + (double)i) * step;
        if (at <= axis->high)
            add_tick(axis, at);
    }
}

/* A little air around what is there. */
static void widen(struct axis *axis)
{
    double air = 0.05 * (axis->high - axis->low);

    if (air <= 0)
        air = axis->high != 0 ? 0.05 * fabs(axis->high) : 1;
    axis->low -= air;
    axis->high += air;
}

static void set_dot(struct canvas *canvas, int x, int y)
{
    static const unsigned char bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int down = DOTS_Y - 1 - y;
    canvas->dots[down / 4][x / 2] |= bit[down % 4][x % 2];
}

/* Dots from one point of a curve to the next, without gaps. */
static void draw_piece(struct canvas *canvas, const struct plot_series *s, size_t i)
{
    double x0 = share(&canvas->x, s->x[i]), x1 = share(&canvas->x, s->x[i + 1]);
    double y0 = share(&canvas->y, s->y[i]), y1 = share(&canvas->y, s->y[i + 1]);
    int steps = 1 + (int)fmax(fabs(x1 - x0) * DOTS_X, fabs(y1 - y0) * DOTS_Y);
    for (int k = 0; k <= steps; k++) {
        double along = (double)k / steps;
        set_dot(canvas, cell_of(x0 + along * (x1 - x0), DOTS_X),
                cell_of(y0 + along * (y1 - y0), DOTS_Y));
    }
}

static void draw_points(struct canvas *canvas, const struct plot_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        int x = cell_of(share(&canvas->x, s->x[i]), DOTS_X);
        int y = cell_of(share(&canvas->y, s->y[i]), DOTS_Y);
        if (s->mark)
            canvas->text[ROWS - 1 - y / 4][x / 2] = s->mark;
        else
            set_dot(canvas, x, y);
    }
}

static bool is_free(const struct canvas *canvas, int row, int column, int n)
{
    if (row < 0 || row >= ROWS || column < 0 || column + n > WIDTH)
        return false;
    for (int i = column; i < column + n; i++)
        if (canvas->text[row][i] || (i < COLUMNS && canvas->dots[row][i]))
            return false;
    return true;
}

/* To the right of the curve's end, else above or below it; not at all when there is no room. */
static void place_label(struct canvas *canvas, const struct plot_series *s)
{
    int n = (int)strlen(s->label), column = cell_of(share(&canvas->x, s->x[s->n - 1]), DOTS_X) / 2;
    int row = ROWS - 1 - cell_of(share(&canvas->y, s->y[s->n - 1]), DOTS_Y) / 4;
    static const struct {
        int down, right;
    } places[] = {{0, 2}, {-1, 1}, {1, 2}, {-2, 0}, {2, 2}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int at_row = row + places[i].down, at_column = column + places[i].right;
        if (is_free(canvas, at_row, at_column, n)) {
            memcpy(&canvas->text[at_row][at_column], s->label, (size_t)n);
            return;
        }
    }
}

static int tick_row(const struct canvas *canvas, double value)
{
    return ROWS - 1 - cell_of(share(&canvas->y, value), DOTS_Y) / 4;
}

static int tick_column(const struct canvas *canvas, double value)
{
    return cell_of(share(&canvas->x, value), DOTS_X) / 2;
}

/* What the picture is made of beside dots: in UTF-8, in ASCII. */
struct glyphs {
    const char *tick_y, *axis_y, *grid, *corner, *tick_x, *axis_x;
};
static const struct glyphs lines = {"┤", "│", "·", "└", "┴", "─"},
                           ascii = {"+", "|", " ", "+", "+", "-"};

static void print_dots(unsigned char dots, const struct terminal *terminal)
{
    enum { UPPER = 0x1b, LOWER = 0xe4 }; /* the two upper rows of dots, the two lower */

    if (terminal->utf8) /* U+2800 + dots */
        fprintf(terminal->out, "\xe2%c%c", 0xa0 + dots / 64, 0x80 + dots % 64);
    else
        putc(!(dots & LOWER) ? '\'' : !(dots & UPPER) ? '.' : ':', terminal->out);
}

static void print_row(const struct canvas *canvas, int row, const struct terminal *terminal)
{
    const struct glyphs *g = terminal->utf8 ? &lines : &ascii;
    FILE *out = terminal->out;
    bool at_tick = false, column_tick[COLUMNS] = {false};
    for (size_t i = canvas->y.n_ticks; i-- > 0 && !at_tick;) {
        if (tick_row(canvas, canvas->y.ticks[i]) == row) {
            fprintf(out, "%*g %s", MARGIN - 2, canvas->y.ticks[i], g->tick_y);
            at_tick = true;
        }
    }
    if (!at_tick)
        fprintf(out, "%*s%s", MARGIN - 1, "", g->axis_y);
    for (size_t i = 0; at_tick && i < canvas->x.n_ticks; i++)
        column_tick[tick_column(canvas, canvas->x.ticks[i])] = true;
    int last = WIDTH - 1;
    while (last >= 0 && !canvas->text[row][last] &&
           (last >= COLUMNS || (!canvas->dots[row][last] && !column_tick[last])))
        last--;
    for (int column = 0; column <= last; column++) {
        unsigned char dots = column < COLUMNS ? canvas->dots[row][column] : 0;
        if (canvas->text[row][column])
            putc(canvas->text[row][column], out);
        else if (dots)
            print_dots(dots, terminal);
        else
            fputs(column < COLUMNS && column_tick[column] ? g->grid : " ", out);
    }
    putc('\n', out);
}

static void print_x_axis(const struct canvas *canvas, const char *label,
                         const struct terminal *terminal)
{
    const struct glyphs *g = terminal->utf8 ? &lines : &ascii;
    FILE *out = terminal->out;
    char line[MARGIN + COLUMNS + 8];
    bool tick[COLUMNS] = {false};
    memset(line, ' ', sizeof line);
    size_t end = 0;
    for (size_t i = 0; i < canvas->x.n_ticks; i++) {
        char text[16];
        int column = tick_column(canvas, canvas->x.ticks[i]);
        int n = snprintf(text, sizeof text, canvas->x.linear ? "%g" : "%.0f", canvas->x.ticks[i]);
        size_t from = (size_t)(MARGIN + column - n / 2);
        tick[column] = true;
        if (n <= 0 || from < end + 1 || from + (size_t)n > sizeof line)
            continue; /* no room */
        memcpy(line + from, text, (size_t)n);
        end = from + (size_t)n;
    }
    fprintf(out, "%*s%s", MARGIN - 1, "", g->corner);
    for (int column = 0; column < COLUMNS; column++)
        fputs(tick[column] ? g->tick_x : g->axis_x, out);
    fprintf(out, "\n%.*s\n%*s%s\n", (int)end, line, MARGIN + 1, "", label);
}

static void set_ticks(struct canvas *canvas)
{
    if (canvas->x.linear) {
        struct axis *const axes[] = {&canvas->x, &canvas->y};
        for (size_t i = 0; i < 2; i++) {
            widen(axes[i]);
            round_numbers(axes[i]);
        }
        return;
    }
    powers_of_two(&canvas->x);
    canvas->y.low *= 0.93; /* a little air, and a curve that is level is still one */
    canvas->y.high *= 1.07;
    decades(&canvas->y);
}

void plot_print(const struct plot *plot, const struct terminal *terminal)
{
    struct canvas canvas = {.x = {plot->linear, INFINITY, -INFINITY, 0, {0}},
                            .y = {plot->linear, INFINITY, -INFINITY, 0, {0}}};
    for (size_t k = 0; k < plot->n_series; k++) {
        const struct plot_series *s = &plot->series[k];
        for (size_t i = 0; i < s->n; i++) {
            canvas.x.low = fmin(canvas.x.low, s->x[i]);
            canvas.x.high = fmax(canvas.x.high, s->x[i]);
            canvas.y.low = fmin(canvas.y.low, s->y[i]);
            canvas.y.high = fmax(canvas.y.high, s->y[i]);
        }
    }
    if (!(canvas.x.low < canvas.x.high + plot->linear))
        return;
    set_ticks(&canvas);
    for (size_t k = 0; k < plot->n_series; k++) {
        const struct plot_series *s = &plot->series[k];
        for (size_t i = 0; !s->points && i + 1 < s->n; i++)
            draw_piece(&canvas, s, i);
        if (s->points)
            draw_points(&canvas, s);
    }
    for (size_t k = 0; k < plot->n_series; k++)
        if (plot->series[k].n && !plot->series[k].points)
            place_label(&canvas, &plot->series[k]);
    fprintf(terminal->out, "%*s%s\n", MARGIN - 1, "", plot->y_label);
    for (int row = 0; row < ROWS; row++)
        print_row(&canvas, row, terminal);
    print_x_axis(&canvas, plot->x_label, terminal);
}
