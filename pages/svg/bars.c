#include <math.h>

#include "pages/svg/markup.h"
#include "pages/svg/plot.h"

enum { LINE = 30, BAR = 16, FOOT = 4, AWAY = 8 };
static const double BOLD = 1.15; /* wider than other text */

static bool has_interval(const struct svg_bar *bar)
{
    return isfinite(bar->low) && isfinite(bar->high) && bar->low < bar->high;
}

static const char *figures(char *text, size_t size, const struct svg_bar *bar, enum svg_scale scale)
{
    char value[MARKUP_NUMBER_SIZE], low[MARKUP_NUMBER_SIZE], high[MARKUP_NUMBER_SIZE];
    int n = snprintf(text, size, "%.150s: %s", bar->name, markup_value(value, scale, bar->value));

    if (has_interval(bar))
        snprintf(text + n, size - (size_t)n, " (%s to %s)", markup_value(low, scale, bar->low),
                 markup_value(high, scale, bar->high));
    return text;
}

/* What stands behind a bar. */
enum { LABEL_SIZE = 300 };
static const char *label(char text[LABEL_SIZE], const struct svg_bar *bar, enum svg_scale scale)
{
    char number[MARKUP_NUMBER_SIZE];

    snprintf(text, LABEL_SIZE, "%s%s%.150s", markup_value(number, scale, bar->value),
             bar->note ? " \xc2\xb7 " : "", bar->note ? bar->note : "");
    return text;
}

static void draw_interval(const struct plot *p, const struct svg_bar *bar, double y)
{
    double low = plot_place(&p->x, bar->low), high = plot_place(&p->x, bar->high);

    plot_line(p, "interval", low, y, high, y);
    plot_line(p, "interval", low, y - FOOT, low, y + FOOT);
    plot_line(p, "interval", high, y - FOOT, high, y + FOOT);
}

static void draw_bar(const struct plot *p, const struct svg_bar *bar, double y, double names,
                     double notes)
{
    double end = 0, start = plot_place(&p->x, fmax(p->x.e.low, fmin(p->x.e.high, 0)));
    char class[32], text[LABEL_SIZE];

    snprintf(class, sizeof class, "area s%u", bar->colour % SVG_COLOURS);
    figures(text, sizeof text, bar, p->x.scale);
    if (isfinite(bar->value)) {
        double at = plot_place(&p->x, bar->value);
        plot_rect(p, class, fmin(start, at), y - BAR / 2.0, fabs(at - start), BAR,
                  bar->title ? bar->title : text);
        end = fmax(start, at);
    }
    if (has_interval(bar)) {
        draw_interval(p, bar, y);
        end = fmax(end, plot_place(&p->x, bar->high));
    }
    plot_text(p, "name", p->left - 8, y + 4, PLOT_END, bar->name, names);
    plot_text(p, "figure", fmax(end, p->left) + AWAY, y + 4, PLOT_START,
              label(text, bar, p->x.scale), (notes - AWAY) / BOLD);
}

void svg_bars_with_intervals(FILE *out, const struct svg_bars *c)
{
    struct extent x = EXTENT_NONE;
    struct svg_axis axis = c->x;
    double names = 0, notes = 60;
    char text[LABEL_SIZE];
    struct svg_frame frame = c->frame;
    struct legend_item limit = {LEGEND_LIMIT, 0, c->limit.name};
    struct plot p;

    for (size_t i = 0; i < c->n; i++) {
        const struct svg_bar *bar = &c->bars[i];
        names = fmax(names, plot_text_width(bar->name));
        notes = fmax(notes, AWAY + BOLD * plot_text_width(label(text, bar, axis.scale)));
        extent_add(&x, axis.scale, bar->value);
        if (has_interval(bar)) {
            extent_add(&x, axis.scale, bar->low);
            extent_add(&x, axis.scale, bar->high);
        }
    }
    extent_add(&x, axis.scale, c->limit.at);
    bool marked = extent_shows(axis.scale, c->limit.at) && c->limit.name;
    axis.from_zero = true;
    frame.height = LINE * (double)(c->n ? c->n : 1) + 3 * PLOT_LINE + (marked ? PLOT_LINE + 8 : 0);
    plot_begin(&p, out, &frame, 720, 0);
    if (marked)
        plot_legend(&p, &limit, 1);
    names = fmin(names, 0.36 * p.width);
    notes = fmin(notes, 0.3 * p.width);
    p.left = names + 8;
    p.right -= notes;
    p.top += 4;
    p.bottom -= 2 * PLOT_LINE + 4;
    size_t about = (size_t)fmax(2, fmin(TICKS_MAX, (p.right - p.left) / 80));
    p.x = (struct plot_axis){axis.scale, axis_extent(&axis, x, about), p.left, p.right, {0}};
    ticks_find(&p.x.ticks, axis.scale, p.x.e, about);
    plot_draw_axes(&p, &axis, &(struct svg_axis){0}, 0, NULL);
    if (!c->n)
        plot_nothing(&p);
    plot_limit(&p, &p.x, &c->limit);
    for (size_t i = 0; i < c->n; i++)
        draw_bar(&p, &c->bars[i], p.top + LINE * ((double)i + 0.5), names, notes);
    plot_end(&p);
}
