#include <math.h>
#include <stdlib.h>

#include "pages/svg/markup.h"
#include "pages/svg/plot.h"

enum { LEGEND_MOST = 32 };

/* Of the parts that are anywhere above 0. */
static void draw_legend(struct plot *p, const struct svg_part *parts, size_t n,
                        const double *values, size_t n_bars)
{
    struct legend_item items[LEGEND_MOST];
    size_t n_items = 0;

    for (size_t i = 0; i < n && n_items < LEGEND_MOST; i++) {
        bool any = false;
        for (size_t bar = 0; bar < n_bars && !any; bar++)
            any = values[bar * n + i] > 0;
        if (any)
            items[n_items++] = (struct legend_item){LEGEND_AREA, parts[i].colour, parts[i].name};
    }
    plot_legend(p, items, n_items);
}

static double part_of(const struct svg_stacked_bars *c, size_t bar, size_t part)
{
    double value = c->values[bar * c->n_parts + part];

    return isfinite(value) && value > 0 ? fmin(value, 1e290) : 0;
}

/* Sum over bars from `from`, `each` of them, of the parts below `to`. */
static double sum(const struct svg_stacked_bars *c, size_t from, size_t each, size_t part,
                  size_t to)
{
    double total = 0;

    for (size_t bar = from; bar < from + each && bar < c->n_bars; bar++) {
        for (size_t i = part; i < to; i++)
            total += part_of(c, bar, i);
    }
    return total;
}

/* All boxes of a part as one path. */
static void draw_part(const struct plot *p, const struct svg_stacked_bars *c, size_t part,
                      size_t each)
{
    bool begun = false;

    for (size_t bar = 0; bar < c->n_bars; bar += each) {
        double below = sum(c, bar, each, 0, part), own = sum(c, bar, each, part, part + 1);
        if (!(own > 0))
            continue;
        double left = plot_place(&p->x, c->first + c->step * (double)bar);
        double right = plot_place(&p->x, c->first + c->step * (double)(bar + each));
        double low = plot_place(&p->y, below), high = plot_place(&p->y, below + own);
        double gap = right - left > 6 ? 1 : 0;
        if (!begun)
            plot_begin_hatched(p, c->parts[part].colour);
        begun = true;
        plot_box(p, left, low, right - left - gap, low - high);
    }
    if (begun)
        fputs("\"/>\n", p->out);
}

/* What is in a bar, where the mouse rests on it. */
static void draw_titles(const struct plot *p, const struct svg_stacked_bars *c, size_t each)
{
    char number[MARKUP_NUMBER_SIZE];

    for (size_t bar = 0; bar < c->n_bars; bar += each) {
        if (!(sum(c, bar, each, 0, c->n_parts) > 0))
            continue;
        double left = plot_place(&p->x, c->first + c->step * (double)bar);
        double right = plot_place(&p->x, c->first + c->step * (double)(bar + each));
        fprintf(p->out, "<rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
                left, p->top, right - left, p->bottom - p->top);
        fprintf(p->out, "<title>%s",
                markup_value(number, c->x.scale, c->first + c->step * (double)bar));
        for (size_t i = c->n_parts; i-- > 0;) {
            double value = sum(c, bar, each, i, i + 1);
            if (!(value > 0))
                continue;
            fputs("\n", p->out);
            markup_text(p->out, c->parts[i].name);
            fprintf(p->out, ": %s", markup_value(number, c->y.scale, value));
        }
        fputs("</title></rect>\n", p->out);
    }
}

void svg_stacked_bars(FILE *out, const struct svg_stacked_bars *c)
{
    enum { LEAST_WIDTH = 4, MARGINS = 90 };
    struct extent x = EXTENT_NONE, y = {0, 0};
    struct plot p;

    plot_begin(&p, out, &c->frame, 720, 320);
    size_t most = (size_t)fmax(1, (p.width - MARGINS) / LEAST_WIDTH);
    size_t each = 1 + (c->n_bars ? (c->n_bars - 1) / most : 0);
    for (size_t bar = 0; bar < c->n_bars; bar += each)
        extent_add(&y, c->y.scale, sum(c, bar, each, 0, c->n_parts));
    extent_add(&x, c->x.scale, c->first);
    extent_add(&x, c->x.scale, c->first + c->step * (double)c->n_bars);
    draw_legend(&p, c->parts, c->n_parts, c->values, c->n_bars);
    plot_patterns(&p, c->parts, c->n_parts);
    plot_axes(&p, &c->x, x, &c->y, y, each > 1);
    plot_exact_x(&p, x);
    plot_draw_axes(&p, &c->x, &c->y, 0, NULL);
    if (!(y.high > 0))
        plot_nothing(&p);
    for (size_t i = 0; i < c->n_parts; i++)
        draw_part(&p, c, i, each);
    draw_titles(&p, c, each);
    if (each > 1)
        plot_note(&p, "Each bar is the sum of %zu that follow each other.", each);
    plot_end(&p);
}

void svg_total_bar(FILE *out, const struct svg_total_bar *c)
{
    enum { BAR = 26, LINE = 20 };
    struct svg_frame frame = c->frame;
    double total = 0, at = 0;
    size_t n = 0;
    struct plot p;
    char number[MARKUP_NUMBER_SIZE], share[MARKUP_NUMBER_SIZE], text[256];

    for (size_t i = 0; i < c->n_parts; i++) {
        if (isfinite(c->values[i]) && c->values[i] > 0) {
            total += fmin(c->values[i], 1e290);
            n++;
        }
    }
    frame.height = n ? BAR + 12 + LINE * (double)n : BAR + LINE;
    plot_begin(&p, out, &frame, 720, 0);
    plot_patterns(&p, c->parts, c->n_parts);
    if (!n)
        plot_nothing(&p);
    double y = BAR + 24;
    for (size_t i = 0; i < c->n_parts; i++) {
        if (!(isfinite(c->values[i]) && c->values[i] > 0))
            continue;
        double part = fmin(c->values[i], 1e290) / total, width = part * p.width;
        snprintf(text, sizeof text, "%s %s", markup_figure(number, c->values[i]), c->unit);
        markup_value(share, SVG_PERCENT, round(part * 1000) / 1000);
        plot_begin_hatched(&p, c->parts[i].colour);
        plot_box(&p, at, BAR, width - 1, BAR);
        fputs("\"><title>", p.out);
        markup_text(p.out, c->parts[i].name);
        fprintf(p.out, ": %s, ", share);
        markup_text(p.out, text);
        fputs("</title></path>\n", p.out);
        plot_begin_hatched(&p, c->parts[i].colour);
        plot_box(&p, 0, y + 2, 14, 12);
        fputs("\"/>\n", p.out);
        plot_text(&p, "figure", 70, y, PLOT_END, share, INFINITY);
        plot_text(&p, "name", 82, y, PLOT_START, c->parts[i].name, p.width - 82 - 170);
        plot_text(&p, "tick", p.width, y, PLOT_END, text, 165);
        at += width;
        y += LINE;
    }
    plot_end(&p);
}
