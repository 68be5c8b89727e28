#include <math.h>
#include <stdint.h>

#include "pages/svg/markup.h"
#include "pages/svg/plot.h"

static const char *const usual_names[SVG_DOT_KINDS] = {"other settings", "front", "default",
                                                       "recommended"};

static bool is_interval(double low, double high)
{
    return isfinite(low) && isfinite(high) && low < high;
}

static bool shown(const struct svg_scatter *c, size_t i)
{
    return extent_shows(c->x.scale, c->dots[i].x) && extent_shows(c->y.scale, c->dots[i].y);
}

static void add_side(struct extent *e, enum svg_scale scale, double at, double low, double high)
{
    extent_add(e, scale, at);
    if (is_interval(low, high)) {
        extent_add(e, scale, low);
        extent_add(e, scale, high);
    }
}

/* Bars of error in both directions. */
static void draw_intervals(const struct plot *p, const struct svg_scatter *c, size_t i)
{
    enum { FOOT = 3 };
    const struct svg_dot *dot = &c->dots[i];
    double x = plot_place(&p->x, dot->x), y = plot_place(&p->y, dot->y);

    if (is_interval(dot->x_low, dot->x_high) && extent_shows(p->x.scale, dot->x_low)) {
        double low = plot_place(&p->x, dot->x_low), high = plot_place(&p->x, dot->x_high);
        plot_line(p, "interval", low, y, high, y);
        plot_line(p, "interval", low, y - FOOT, low, y + FOOT);
        plot_line(p, "interval", high, y - FOOT, high, y + FOOT);
    }
    if (is_interval(dot->y_low, dot->y_high) && extent_shows(p->y.scale, dot->y_low)) {
        double low = plot_place(&p->y, dot->y_low), high = plot_place(&p->y, dot->y_high);
        plot_line(p, "interval", x, low, x, high);
        plot_line(p, "interval", x - FOOT, low, x + FOOT, low);
        plot_line(p, "interval", x - FOOT, high, x + FOOT, high);
    }
}

static void draw_dot(const struct plot *p, const struct svg_scatter *c, size_t i)
{
    const struct svg_dot *dot = &c->dots[i];
    char made[128], x[MARKUP_NUMBER_SIZE], y[MARKUP_NUMBER_SIZE];

    snprintf(made, sizeof made, "%s, %s", markup_value(x, c->x.scale, dot->x),
             markup_value(y, c->y.scale, dot->y));
    plot_dot(p, dot->kind, plot_place(&p->x, dot->x), plot_place(&p->y, dot->y),
             dot->title ? dot->title : made);
}

/* A grid of boxes as large as a dot: of the dots in one box the first is drawn. */
enum { BOX = 4, MOST_BOXES = 400 };

static bool is_free(uint64_t *taken, const struct plot *p, const struct svg_dot *dot)
{
    double x = plot_place(&p->x, dot->x), y = plot_place(&p->y, dot->y);
    size_t column = (size_t)fmin(MOST_BOXES - 1, fmax(0, x / BOX));
    size_t row = (size_t)fmin(MOST_BOXES - 1, fmax(0, y / BOX)), bit = row * MOST_BOXES + column;
    bool was = taken[bit / 64] >> bit % 64 & 1;

    taken[bit / 64] |= UINT64_C(1) << bit % 64;
    return !was;
}

/* How many were not drawn. */
static size_t draw_others(const struct plot *p, const struct svg_scatter *c)
{
    uint64_t taken[(MOST_BOXES * MOST_BOXES + 63) / 64] = {0};
    size_t n_hidden = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (c->dots[i].kind != SVG_DOT_OTHER || !shown(c, i))
            continue;
        if (is_free(taken, p, &c->dots[i]))
            draw_dot(p, c, i);
        else
            n_hidden++;
    }
    return n_hidden;
}

/* From one dot of the front to the next, by x. */
static void draw_front(const struct plot *p, const struct svg_scatter *c)
{
    double last = -INFINITY;
    size_t last_index = 0, n = 0;

    for (;;) {
        size_t next = SIZE_MAX;
        for (size_t i = 0; i < c->n; i++) {
            double x = c->dots[i].x;
            if (c->dots[i].kind != SVG_DOT_FRONT && c->dots[i].kind != SVG_DOT_RECOMMENDED)
                continue;
            bool later = x > last || (x == last && n > 0 && i > last_index);
            if (shown(c, i) && later && (next == SIZE_MAX || x < c->dots[next].x))
                next = i;
        }
        if (next == SIZE_MAX)
            break;
        if (n++ == 0)
            fputs("<path class=\"front\" d=\"M", p->out);
        plot_xy(p, plot_place(&p->x, c->dots[next].x), plot_place(&p->y, c->dots[next].y));
        last = c->dots[next].x;
        last_index = next;
    }
    if (n)
        fputs("\"/>\n", p->out);
}

static void draw_legend(struct plot *p, const struct svg_scatter *c)
{
    static const enum svg_dot_kind order[] = {SVG_DOT_RECOMMENDED, SVG_DOT_DEFAULT, SVG_DOT_FRONT,
                                              SVG_DOT_OTHER};
    const struct svg_mark *marks[] = {&c->x_limit, &c->y_limit};
    const enum svg_scale scales[] = {c->x.scale, c->y.scale};
    struct legend_item items[SVG_DOT_KINDS + 2];
    size_t n = 0;

    for (size_t k = 0; k < SVG_DOT_KINDS; k++) {
        bool any = false;
        for (size_t i = 0; i < c->n && !any; i++)
            any = c->dots[i].kind == order[k] && shown(c, i);
        if (any)
            items[n++] = (struct legend_item){LEGEND_DOT, order[k],
                                              c->names[order[k]] ? c->names[order[k]]
                                                                 : usual_names[order[k]]};
    }
    for (size_t k = 0; k < 2; k++) {
        if (extent_shows(scales[k], marks[k]->at) && marks[k]->name)
            items[n++] = (struct legend_item){LEGEND_LIMIT, 0, marks[k]->name};
    }
    plot_legend(p, items, n);
}

void svg_scatter_front(FILE *out, const struct svg_scatter *c)
{
    struct extent x = EXTENT_NONE, y = EXTENT_NONE;
    struct plot p;

    for (size_t i = 0; i < c->n; i++) {
        const struct svg_dot *dot = &c->dots[i];
        if (!shown(c, i))
            continue;
        add_side(&x, c->x.scale, dot->x, dot->x_low, dot->x_high);
        add_side(&y, c->y.scale, dot->y, dot->y_low, dot->y_high);
    }
    bool empty = !(x.low <= x.high);
    extent_add(&x, c->x.scale, c->x_limit.at);
    extent_add(&y, c->y.scale, c->y_limit.at);
    plot_begin(&p, out, &c->frame, 720, 400);
    draw_legend(&p, c);
    plot_axes(&p, &c->x, x, &c->y, y, 1);
    plot_draw_axes(&p, &c->x, &c->y, 0, NULL);
    plot_limit(&p, &p.x, &c->x_limit);
    plot_limit(&p, &p.y, &c->y_limit);
    if (empty)
        plot_nothing(&p);
    size_t n_hidden = draw_others(&p, c);
    draw_front(&p, c);
    for (size_t i = 0; i < c->n; i++) {
        if (shown(c, i) && c->dots[i].kind != SVG_DOT_OTHER)
            draw_intervals(&p, c, i);
    }
    for (unsigned kind = SVG_DOT_FRONT; kind < SVG_DOT_KINDS; kind++) {
        for (size_t i = 0; i < c->n; i++) {
            if (shown(c, i) && c->dots[i].kind == kind)
                draw_dot(&p, c, i);
        }
    }
    if (n_hidden)
        plot_note(&p, "%zu other settings lie on those drawn, and are not.", n_hidden);
    plot_end(&p);
}
