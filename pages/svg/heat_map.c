#include <math.h>

#include "pages/svg/markup.h"
#include "pages/svg/plot.h"

enum { N_STEPS = 9, LEGEND_STEP = 34, LEGEND_HEIGHT = 12 };

static enum svg_scale scale_of(const struct svg_heat_map *c)
{
    return c->percent ? SVG_PERCENT : SVG_LINEAR;
}

static unsigned step_of(struct extent e, double value)
{
    double share = e.high > e.low ? (value / 2 - e.low / 2) / (e.high / 2 - e.low / 2) : 0.5;

    return (unsigned)fmin(N_STEPS - 1, fmax(0, floor(share * N_STEPS)));
}

/* The steps of colour, and what the first, the middle and the last stand for. */
static void draw_scale(struct plot *p, const struct svg_heat_map *c, struct extent e)
{
    double x = p->left, y = p->top + PLOT_LINE + 2;
    double ends[] = {e.low, e.low / 2 + e.high / 2, e.high};
    char number[MARKUP_NUMBER_SIZE], class[16];

    plot_text(p, "label", 0, p->top + 12, PLOT_START, c->value_label, p->width);
    for (unsigned i = 0; i < N_STEPS; i++) {
        snprintf(class, sizeof class, "h%u", i);
        plot_rect(p, class, x + LEGEND_STEP * i, y, LEGEND_STEP, LEGEND_HEIGHT, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        static const enum plot_anchor anchors[] = {PLOT_START, PLOT_MIDDLE, PLOT_END};
        if (i == 0 || e.high > e.low)
            plot_text(p, "tick", x + LEGEND_STEP * N_STEPS * 0.5 * (double)i,
                      y + LEGEND_HEIGHT + 14, anchors[i],
                      markup_value(number, scale_of(c), ends[i]), INFINITY);
    }
    double missing = x + LEGEND_STEP * (N_STEPS + 1);
    if (missing + 80 < p->width) {
        plot_rect(p, "missing", missing, y, LEGEND_STEP, LEGEND_HEIGHT, NULL);
        plot_text(p, "tick", missing + LEGEND_STEP + 6, y + 10, PLOT_START, "no run", INFINITY);
    }
    p->top += 3 * PLOT_LINE + 4;
}

static void draw_cell(const struct plot *p, const struct svg_heat_map *c, struct extent e, size_t x,
                      size_t y)
{
    double width = (p->right - p->left) / (double)c->n_x;
    double height = (p->bottom - p->top) / (double)c->n_y;
    double left = p->left + width * (double)x, top = p->bottom - height * (double)(y + 1);
    double value = c->values[y * c->n_x + x];
    char class[16], made[300], number[MARKUP_NUMBER_SIZE], short_number[MARKUP_NUMBER_SIZE];
    const char *title = c->titles ? c->titles[y * c->n_x + x] : NULL;

    markup_value(number, scale_of(c), value);
    snprintf(short_number, sizeof short_number, "%.3g", c->percent ? 100 * value : value);
    snprintf(made, sizeof made, "%.80s, %.80s: %s", c->x[x], c->y[y],
             isfinite(value) ? number : "no run");
    if (isfinite(value))
        snprintf(class, sizeof class, "h%u", step_of(e, value));
    double gap = width > 8 && height > 8 ? 1 : 0;
    plot_rect(p, isfinite(value) ? class : "missing", left, top, width - gap, height - gap,
              title ? title : made);
    if (!isfinite(value) || height < 16 || width < plot_text_width(short_number) + 4)
        return;
    snprintf(class, sizeof class, "on%u", step_of(e, value));
    plot_text(p, class, left + width / 2, top + height / 2 + 4, PLOT_MIDDLE, short_number,
              INFINITY);
}

static void draw_names(const struct plot *p, const struct svg_heat_map *c)
{
    double width = (p->right - p->left) / (double)c->n_x;
    double height = (p->bottom - p->top) / (double)c->n_y;
    double widest = 24;

    for (size_t i = 0; i < c->n_x; i++)
        widest = fmax(widest, plot_text_width(c->x[i]) + 6);
    size_t every_x = (size_t)ceil(fmin(widest, 90) / width), every_y = (size_t)ceil(14 / height);
    for (size_t i = 0; i < c->n_x; i += every_x)
        plot_text(p, "tick", p->left + width * ((double)i + 0.5), p->bottom + 15, PLOT_MIDDLE,
                  c->x[i], width * (double)every_x - 4);
    for (size_t i = 0; i < c->n_y; i += every_y)
        plot_text(p, "tick", p->left - 6, p->bottom - height * ((double)i + 0.5) + 4, PLOT_END,
                  c->y[i], p->left - 8);
    plot_text(p, "label", (p->left + p->right) / 2, p->bottom + 15 + PLOT_LINE, PLOT_MIDDLE,
              c->x_label, p->right - p->left);
    plot_text(p, "label", 0, p->top - 10, PLOT_START, c->y_label, p->width);
}

void svg_heat_map(FILE *out, const struct svg_heat_map *c)
{
    struct extent e = EXTENT_NONE;
    struct svg_frame frame = c->frame;
    double widest = 0;
    struct plot p;

    for (size_t i = 0; i < c->n_x * c->n_y; i++)
        extent_add(&e, SVG_LINEAR, c->values[i]);
    for (size_t i = 0; i < c->n_y; i++)
        widest = fmax(widest, plot_text_width(c->y[i]));
    if (frame.height <= 0)
        frame.height = 8 * PLOT_LINE + fmax(60, fmin(420, 34 * (double)c->n_y));
    plot_begin(&p, out, &frame, 560, 300);
    if (c->n_x == 0 || c->n_y == 0 || !(e.low <= e.high)) {
        plot_nothing(&p);
        plot_end(&p);
        return;
    }
    draw_scale(&p, c, e);
    p.left = fmin(widest + 1, 0.3 * p.width) + 8;
    p.top += PLOT_LINE + 4;
    p.bottom -= 2 * PLOT_LINE + 4;
    for (size_t y = 0; y < c->n_y; y++) {
        for (size_t x = 0; x < c->n_x; x++)
            draw_cell(&p, c, e, x, y);
    }
    draw_names(&p, c);
    plot_end(&p);
}
