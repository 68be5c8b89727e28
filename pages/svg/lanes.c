#include <math.h>
#include <string.h>

#include "pages/svg/markup.h"
#include "pages/svg/plot.h"

/* Lanes that share one are shown in cells of time, each with the highest state that is in it. */
enum { CELLS = 360 };

struct layout {
    const struct svg_lanes *c;
    size_t each, n; /* workers to a lane; lanes */
    double height;  /* of a lane */
};

static double lane_top(const struct plot *p, const struct layout *l, size_t lane)
{
    return p->top + l->height * (double)lane;
}

static void add_box(const struct plot *p, const struct layout *l, size_t lane, double from,
                    double to)
{
    double gap = l->height > 3 ? 1 : 0, left = plot_place(&p->x, from);

    plot_box(p, left, lane_top(p, l, lane) + l->height - gap, plot_place(&p->x, to) - left,
             l->height - gap);
}

static bool span_shown(const struct svg_lanes *c, const struct svg_span *span)
{
    return isfinite(span->from) && isfinite(span->to) && span->from <= span->to &&
           span->part < c->n_parts;
}

static void draw_own(const struct plot *p, const struct layout *l, size_t part, bool *begun)
{
    const struct svg_lanes *c = l->c;

    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < c->lanes[i].n; k++) {
            const struct svg_span *span = &c->lanes[i].spans[k];
            if (span->part != part || !span_shown(c, span))
                continue;
            if (!*begun)
                plot_begin_hatched(p, c->parts[part].colour);
            *begun = true;
            add_box(p, l, i, span->from, span->to);
        }
    }
}

/* 1 + the highest state in each cell of a lane that several share; 0 = nobody is there. */
static void find_cells(size_t cells[CELLS], const struct plot *p, const struct layout *l,
                       size_t lane)
{
    const struct svg_lanes *c = l->c;
    double width = (p->right - p->left) / CELLS;

    memset(cells, 0, CELLS * sizeof *cells);
    for (size_t i = lane * l->each; i < (lane + 1) * l->each && i < c->n; i++) {
        for (size_t k = 0; k < c->lanes[i].n; k++) {
            const struct svg_span *span = &c->lanes[i].spans[k];
            if (!span_shown(c, span))
                continue;
            double from = (plot_place(&p->x, span->from) - p->left) / width;
            double to = (plot_place(&p->x, span->to) - p->left) / width;
            size_t last = (size_t)fmin(CELLS, fmax(ceil(to), floor(from) + 1));
            for (size_t at = (size_t)from; at < last; at++)
                cells[at] = cells[at] > span->part ? cells[at] : span->part + 1;
        }
    }
}

static void draw_shared(const struct plot *p, const struct layout *l, size_t part, bool *begun)
{
    size_t cells[CELLS];
    double step = (p->x.e.high - p->x.e.low) / CELLS;

    for (size_t lane = 0; lane < l->n; lane++) {
        find_cells(cells, p, l, lane);
        for (size_t from = 0, to; from < CELLS; from = to) {
            for (to = from + 1; to < CELLS && cells[to] == cells[from]; to++)
                ;
            if (cells[from] != part + 1)
                continue;
            if (!*begun)
                plot_begin_hatched(p, l->c->parts[part].colour);
            *begun = true;
            add_box(p, l, lane, p->x.e.low + step * (double)from, p->x.e.low + step * (double)to);
        }
    }
}

static void write_span(FILE *out, const struct svg_lanes *c, const struct svg_span *span)
{
    char from[MARKUP_NUMBER_SIZE], to[MARKUP_NUMBER_SIZE];

    if (!span_shown(c, span))
        return;
    fputs("\n", out);
    markup_text(out, c->parts[span->part].name);
    fprintf(out, " %s to %s", markup_value(from, c->x.scale, span->from),
            markup_value(to, c->x.scale, span->to));
}

/* Who is in a lane, and when it did what. */
static void draw_titles(const struct plot *p, const struct layout *l)
{
    enum { MOST_SPANS = 12 };
    const struct svg_lanes *c = l->c;
    char number[MARKUP_NUMBER_SIZE];

    for (size_t lane = 0; lane < l->n; lane++) {
        size_t from = lane * l->each, to = from + l->each < c->n ? from + l->each : c->n;
        const struct svg_lane *first = &c->lanes[from];
        fprintf(p->out, "<rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
                p->left, lane_top(p, l, lane), p->right - p->left, l->height);
        fputs("<title>", p->out);
        markup_text(p->out, first->name);
        if (to - from > 1) {
            fputs(" to ", p->out);
            markup_text(p->out, c->lanes[to - 1].name);
        }
        for (size_t k = 0; k < first->n && k < MOST_SPANS && to - from == 1; k++)
            write_span(p->out, c, &first->spans[k]);
        if (first->n > MOST_SPANS && to - from == 1)
            fputs("\n...", p->out);
        if (to - from == 1 && isfinite(first->lost))
            fprintf(p->out, "\nlost at %s", markup_value(number, c->x.scale, first->lost));
        fputs("</title></rect>\n", p->out);
    }
}

/* A cross where a worker was lost. */
static void draw_losses(const struct plot *p, const struct layout *l)
{
    for (size_t i = 0; i < l->c->n; i++) {
        if (!isfinite(l->c->lanes[i].lost))
            continue;
        double x = plot_place(&p->x, l->c->lanes[i].lost);
        double y = lane_top(p, l, i / l->each) + l->height / 2, r = 4;
        fputs("<path class=\"lost\" d=\"M", p->out);
        plot_xy(p, x - r, y - r);
        plot_xy(p, x + r, y + r);
        fputs("M", p->out);
        plot_xy(p, x - r, y + r);
        plot_xy(p, x + r, y - r);
        fputs("\"/>\n", p->out);
    }
}

/* Each where its lanes begin, if there is room, and a line above it. */
static void draw_groups(const struct plot *p, const struct layout *l)
{
    const struct svg_lanes *c = l->c;
    double free = -INFINITY;
    const char *last = NULL;

    for (size_t i = 0; i < c->n; i += l->each) {
        const char *group = c->lanes[i].group;
        if (!group || (last && strcmp(group, last) == 0))
            continue;
        double y = lane_top(p, l, i / l->each);
        plot_line(p, "grid", 0, y, p->right, y);
        if (y >= free) {
            plot_text(p, "tick", 0, y + 12, PLOT_START, group, p->left - 6);
            free = y + 14;
        }
        last = group;
    }
}

static void draw_legend(struct plot *p, const struct svg_lanes *c)
{
    enum { MOST = 16 };
    struct legend_item items[MOST];
    size_t n = 0;

    for (; n < c->n_parts && n < MOST; n++)
        items[n] = (struct legend_item){LEGEND_AREA, c->parts[n].colour, c->parts[n].name};
    plot_legend(p, items, n);
}

void svg_lanes(FILE *out, const struct svg_lanes *c)
{
    enum { FOOT = 3 * PLOT_LINE + 6, HEAD = 2 * PLOT_LINE };
    struct layout l = {.c = c, .each = 1 + (c->n ? (c->n - 1) / SVG_MAX_LANES : 0)};
    struct svg_frame frame = c->frame;
    double names = 0;
    struct extent x = EXTENT_NONE;
    struct plot p;

    l.n = c->n ? (c->n - 1) / l.each + 1 : 0;
    l.height = fmax(3, fmin(16, 480 / fmax(1, (double)l.n)));
    for (size_t i = 0; i < c->n; i++)
        names = fmax(names, plot_text_width(c->lanes[i].group));
    extent_add(&x, c->x.scale, c->from);
    extent_add(&x, c->x.scale, c->to);
    frame.height = HEAD + FOOT + fmax(PLOT_LINE, l.height * (double)l.n);
    plot_begin(&p, out, &frame, 720, 0);
    draw_legend(&p, c);
    plot_patterns(&p, c->parts, c->n_parts);
    p.left = names > 0 ? fmin(names, 0.25 * p.width) + 8 : 0;
    p.right -= 28;
    p.top = HEAD;
    p.bottom = p.height - FOOT;
    p.x = (struct plot_axis){c->x.scale, {0, 1}, p.left, p.right, {0}};
    plot_exact_x(&p, x);
    draw_groups(&p, &l);
    plot_draw_axes(&p, &c->x, &(struct svg_axis){0}, 0, NULL);
    if (!c->n)
        plot_nothing(&p);
    for (size_t part = 0; part < c->n_parts; part++) {
        bool begun = false;
        (l.each > 1 ? draw_shared : draw_own)(&p, &l, part, &begun);
        if (begun)
            fputs("\"/>\n", p.out);
    }
    draw_losses(&p, &l);
    draw_titles(&p, &l);
    if (l.each > 1)
        plot_note(&p,
                  "Each lane is %zu workers that follow each other, and shows the state that "
                  "matters most.",
                  l.each);
    plot_end(&p);
}
