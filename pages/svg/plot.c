#include "pages/svg/plot.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "pages/svg/markup.h"
#include "util/bug.h"

void plot_begin(struct plot *p, FILE *out, const struct svg_frame *frame, double usual_width,
                double usual_height)
{
    char w[MARKUP_NUMBER_SIZE], h[MARKUP_NUMBER_SIZE];

    *p = (struct plot){.out = out, .frame = frame};
    p->width = p->right = frame->width > 0 ? frame->width : usual_width;
    p->height = p->bottom = frame->height > 0 ? frame->height : usual_height;
    markup_number(w, p->width);
    markup_number(h, p->height);
    fprintf(out, "<svg class=\"chart\" id=\"");
    markup_text(out, frame->id);
    fprintf(out, "\" width=\"%s\" height=\"%s\" viewBox=\"0 0 %s %s\" role=\"img\" aria-label=\"",
            w, h, w, h);
    markup_text(out, frame->label);
    fputs("\">\n", out);
}

void plot_end(const struct plot *p)
{
    fputs("</svg>\n", p->out);
}

void plot_note(const struct plot *p, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    plot_text(p, "note", 0, p->height - 4, PLOT_START, text, p->width);
}

void plot_nothing(const struct plot *p)
{
    plot_text(p, "note", (p->left + p->right) / 2, (p->top + p->bottom) / 2, PLOT_MIDDLE,
              "nothing to show", INFINITY);
}

/* ---- pieces ---- */

static size_t n_characters(const char *text)
{
    size_t n = 0;

    for (; text && *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

#define CHARACTER_WIDTH 7.2 /* of 12 pixels' text, in a wide font */

double plot_text_width(const char *text)
{
    return CHARACTER_WIDTH * (double)n_characters(text);
}

/* Bytes of the first n characters. */
static size_t prefix(const char *text, size_t n)
{
    size_t i = 0;

    for (; text[i]; i++) {
        if ((text[i] & 0xc0) != 0x80 && n-- == 0)
            break;
    }
    return i;
}

void plot_text(const struct plot *p, const char *class, double x, double y, enum plot_anchor anchor,
               const char *text, double room)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    char nx[MARKUP_NUMBER_SIZE], ny[MARKUP_NUMBER_SIZE], cut[128];
    size_t n = n_characters(text);
    size_t most = room < CHARACTER_WIDTH * (double)n ? (size_t)fmax(1, room / CHARACTER_WIDTH) : n;

    fprintf(p->out, "<text class=\"%s\" x=\"%s\" y=\"%s\"%s>", class, markup_number(nx, x),
            markup_number(ny, y), anchors[anchor]);
    if (most < n) {
        size_t length = prefix(text, most - 1);
        length = length < sizeof cut ? length : prefix(text, (sizeof cut - 1) / 4);
        memcpy(cut, text, length);
        cut[length] = '\0';
        fputs("<title>", p->out);
        markup_text(p->out, text);
        fputs("</title>", p->out);
        markup_text(p->out, cut);
        fputs("\xe2\x80\xa6", p->out);
    } else {
        markup_text(p->out, text);
    }
    fputs("</text>\n", p->out);
}

void plot_line(const struct plot *p, const char *class, double x1, double y1, double x2, double y2)
{
    char a[MARKUP_NUMBER_SIZE], b[MARKUP_NUMBER_SIZE], c[MARKUP_NUMBER_SIZE], d[MARKUP_NUMBER_SIZE];

    fprintf(p->out, "<path class=\"%s\" d=\"M%s,%sL%s,%s\"/>\n", class, markup_number(a, x1),
            markup_number(b, y1), markup_number(c, x2), markup_number(d, y2));
}

void plot_rect(const struct plot *p, const char *class, double x, double y, double width,
               double height, const char *title)
{
    char a[MARKUP_NUMBER_SIZE], b[MARKUP_NUMBER_SIZE], c[MARKUP_NUMBER_SIZE], d[MARKUP_NUMBER_SIZE];

    fprintf(p->out, "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"", class,
            markup_number(a, x), markup_number(b, y), markup_number(c, width),
            markup_number(d, height));
    if (title) {
        fputs("><title>", p->out);
        markup_text(p->out, title);
        fputs("</title></rect>\n", p->out);
    } else {
        fputs("/>\n", p->out);
    }
}

void plot_xy(const struct plot *p, double x, double y)
{
    char nx[MARKUP_NUMBER_SIZE], ny[MARKUP_NUMBER_SIZE];

    fprintf(p->out, " %s,%s", markup_number(nx, x), markup_number(ny, y));
}

const char *plot_dashes(unsigned colour)
{
    static const char *const dashes[SVG_COLOURS] = {"",    "6 3",      "2 3", "9 3 2 3",
                                                    "4 2", "12 3 3 3", "1 2", "8 5"};

    return dashes[colour % SVG_COLOURS];
}

void plot_marker(const struct plot *p, const char *class, unsigned shape, double x, double y,
                 double radius, const char *title)
{
    /* Corners as multiples of the radius: square, triangle, diamond, triangle upside down, plus,
     * star, hourglass. */
    static const struct {
        size_t n;
        signed char tenths[24];
    } shapes[SVG_COLOURS] = {
        {0, {0}},
        {4, {-9, -9, 9, -9, 9, 9, -9, 9}},
        {3, {0, -12, 11, 8, -11, 8}},
        {4, {0, -13, 13, 0, 0, 13, -13, 0}},
        {3, {0, 12, 11, -8, -11, -8}},
        {12, {-4, -12, 4,  -12, 4,  -4, 12,  -4, 12,  4,  4,  4,
              4,  12,  -4, 12,  -4, 4,  -12, 4,  -12, -4, -4, -4}},
        {10, {0, -15, 4, -5, 14, -5, 6, 2, 9, 12, 0, 6, -9, 12, -6, 2, -14, -5, -4, -5}},
        {4, {-10, -11, 10, -11, -10, 11, 10, 11}},
    };
    char a[MARKUP_NUMBER_SIZE], b[MARKUP_NUMBER_SIZE], c[MARKUP_NUMBER_SIZE];
    const char *tag = "circle";

    shape %= SVG_COLOURS;
    if (shapes[shape].n == 0) {
        fprintf(p->out, "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"", class,
                markup_number(a, x), markup_number(b, y), markup_number(c, radius));
    } else {
        tag = "path";
        fprintf(p->out, "<path class=\"%s\" d=\"M", class);
        for (size_t i = 0; i < shapes[shape].n; i++)
            plot_xy(p, x + radius * shapes[shape].tenths[2 * i] / 10,
                    y + radius * shapes[shape].tenths[2 * i + 1] / 10);
        fputs("z\"", p->out);
    }
    if (title) {
        fputs("><title>", p->out);
        markup_text(p->out, title);
        fprintf(p->out, "</title></%s>\n", tag);
    } else {
        fputs("/>\n", p->out);
    }
}

const char *svg_hatch(unsigned colour)
{
    static const char *const strokes[SVG_COLOURS] = {"",
                                                     "M-2,8L8,-2M-2,2L2,-2M4,8L8,4",
                                                     "M0,3H6",
                                                     "M-2,-2L8,8M4,-2L8,2M-2,4L2,8",
                                                     "M3,2V4",
                                                     "M3,0V6",
                                                     "M0,3H6M3,0V6",
                                                     "M0,0L6,6M6,0L0,6"};

    return strokes[colour % SVG_COLOURS];
}

void plot_patterns(const struct plot *p, const struct svg_part *parts, size_t n)
{
    unsigned seen = 0;

    fputs("<defs>\n", p->out);
    for (size_t i = 0; i < n; i++) {
        unsigned k = parts[i].colour % SVG_COLOURS;
        if (seen & 1u << k)
            continue;
        seen |= 1u << k;
        fputs("<pattern id=\"", p->out);
        markup_text(p->out, p->frame->id);
        fprintf(p->out,
                "-p%u\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
                "<rect class=\"area s%u\" width=\"6\" height=\"6\"/>",
                k, k);
        if (*svg_hatch(k))
            fprintf(p->out, "<path class=\"hatch\" d=\"%s\"/>", svg_hatch(k));
        fputs("</pattern>\n", p->out);
    }
    fputs("</defs>\n", p->out);
}

void svg_swatch(FILE *out, const char *id, unsigned colour)
{
    const struct svg_frame frame = {.id = id};
    const struct plot p = {.out = out, .frame = &frame};
    const struct svg_part part = {NULL, colour};

    fputs("<svg class=\"chart swatch\" width=\"18\" height=\"12\" aria-hidden=\"true\">", out);
    plot_patterns(&p, &part, 1);
    plot_begin_hatched(&p, colour);
    fputs("M0,0H18V12H0Z\"/></svg>", out);
}

void plot_begin_hatched(const struct plot *p, unsigned colour)
{
    fputs("<path fill=\"url(#", p->out);
    markup_text(p->out, p->frame->id);
    fprintf(p->out, "-p%u)\" d=\"", colour % SVG_COLOURS);
}

void plot_box(const struct plot *p, double x, double y, double width, double height)
{
    char nx[MARKUP_NUMBER_SIZE], ny[MARKUP_NUMBER_SIZE], w[MARKUP_NUMBER_SIZE],
        h[MARKUP_NUMBER_SIZE];

    markup_number(w, fmax(0.5, width));
    fprintf(p->out, "M%s %sh%sv-%sh-%sz", markup_number(nx, x), markup_number(ny, y), w,
            markup_number(h, fmax(0, height)), w);
}

void plot_dot(const struct plot *p, enum svg_dot_kind kind, double x, double y, const char *title)
{
    static const struct {
        const char *class;
        unsigned shape;
        double radius;
    } looks[SVG_DOT_KINDS] = {
        {"kind0", 0, 3}, {"kind1", 0, 4.5}, {"kind2", 1, 5.5}, {"kind3", 6, 6.5}};

    plot_marker(p, looks[kind].class, looks[kind].shape, x, y, looks[kind].radius, title);
}

/* ---- legend ---- */

static void draw_sign(const struct plot *p, const struct legend_item *item, double x, double y)
{
    char class[32];
    unsigned k = item->colour % SVG_COLOURS;

    switch (item->sign) {
    case LEGEND_LINE:
        fprintf(p->out, "<path class=\"curve s%u\" stroke-dasharray=\"%s\" d=\"M", k,
                plot_dashes(k));
        plot_xy(p, x, y);
        plot_xy(p, x + 22, y);
        fputs("\"/>\n", p->out);
        snprintf(class, sizeof class, "dot s%u", k);
        plot_marker(p, class, k, x + 11, y, 3, NULL);
        break;
    case LEGEND_AREA:
        plot_begin_hatched(p, k);
        plot_box(p, x, y + 6, 14, 12);
        fputs("\"/>\n", p->out);
        break;
    case LEGEND_DOT:
        plot_dot(p, item->colour, x + 6, y, NULL);
        break;
    case LEGEND_LIMIT:
        plot_line(p, "limit", x, y, x + 22, y);
        break;
    }
}

void plot_legend(struct plot *p, const struct legend_item *items, size_t n)
{
    static const double sign_width[] = {28, 20, 18, 28};
    enum { GAP = 16 };
    double x = p->left, y = p->top + 9;

    for (size_t i = 0; i < n; i++) {
        double sign = sign_width[items[i].sign];
        double width = fmin(sign + plot_text_width(items[i].name), p->right - p->left);
        if (x > p->left && x + width > p->right) {
            x = p->left;
            y += PLOT_LINE;
        }
        draw_sign(p, &items[i], x, y);
        plot_text(p, "name", x + sign, y + 4, PLOT_START, items[i].name, width - sign + 1);
        x += width + GAP;
    }
    if (n)
        p->top = y + PLOT_LINE;
}

/* ---- axes ---- */

enum { TICK_X = 84, TICK_Y = 44 }; /* least room from one to the next */

static size_t about_ticks(double room, double each)
{
    return (size_t)fmax(2, fmin(TICKS_MAX, room / each));
}

static void make_axis(struct plot_axis *axis, const struct svg_axis *as, struct extent e,
                      size_t about)
{
    axis->scale = as->scale;
    axis->e = axis_extent(as, e, about);
    ticks_find(&axis->ticks, as->scale, axis->e, about);
}

void plot_axes(struct plot *p, const struct svg_axis *x, struct extent x_extent,
               const struct svg_axis *y, struct extent y_extent, size_t n_notes)
{
    enum { GAP = 8, RIGHT = 28 };
    double widest = 0;

    p->bottom -= (x->label ? 2 : 1) * PLOT_LINE + 4 + (double)n_notes * PLOT_LINE;
    p->top += y->label ? PLOT_LINE + 10 : GAP;
    make_axis(&p->y, y, y_extent, about_ticks(p->bottom - p->top, TICK_Y));
    for (size_t i = 0; i < p->y.ticks.n; i++)
        widest = fmax(widest, plot_text_width(p->y.ticks.label[i]));
    p->left += widest + GAP;
    p->right -= RIGHT;
    p->right = fmax(p->right, p->left + 1);
    p->bottom = fmax(p->bottom, p->top + 1);
    make_axis(&p->x, x, x_extent, about_ticks(p->right - p->left, TICK_X));
    p->x.from = p->left;
    p->x.to = p->right;
    p->y.from = p->bottom;
    p->y.to = p->top;
}

void plot_exact_x(struct plot *p, struct extent x)
{
    if (!(x.low < x.high))
        return;
    p->x.e = x;
    ticks_find(&p->x.ticks, p->x.scale, x, about_ticks(p->right - p->left, TICK_X));
}

double plot_place(const struct plot_axis *axis, double value)
{
    double low = axis->e.low, high = axis->e.high, share;

    BUG_IF(!extent_shows(axis->scale, value));
    if (axis->scale == SVG_LOG) /* of what is near 0 the logarithm still is a number */
        share = (log(value) - log(low)) / (log(high) - log(low));
    else
        share = (value / 2 - low / 2) / (high / 2 - low / 2);
    return axis->from + fmax(0, fmin(1, share)) * (axis->to - axis->from);
}

static void draw_labels(const struct plot *p, size_t n, const char *const *labels)
{
    double room = n > 1 ? (p->right - p->left) / (double)n - 6 : p->right - p->left;
    size_t every = (size_t)ceil(30 / fmax(1, room));

    for (size_t i = 0; i < n; i += every) {
        double x = plot_place(&p->x, (double)i);
        plot_text(p, "tick", x, p->bottom + 15, PLOT_MIDDLE, labels[i],
                  fmax(24, room * (double)every));
    }
}

void plot_draw_axes(const struct plot *p, const struct svg_axis *x, const struct svg_axis *y,
                    size_t n_labels, const char *const *labels)
{
    for (size_t i = 0; i < p->y.ticks.n; i++) {
        double at = plot_place(&p->y, p->y.ticks.at[i]);
        plot_line(p, "grid", p->left, at, p->right, at);
        plot_text(p, "tick", p->left - 6, at + 4, PLOT_END, p->y.ticks.label[i], INFINITY);
    }
    for (size_t i = 0; i < p->x.ticks.n && !n_labels; i++) {
        double at = plot_place(&p->x, p->x.ticks.at[i]);
        plot_line(p, "grid", at, p->top, at, p->bottom);
        double half = plot_text_width(p->x.ticks.label[i]) / 2;
        plot_text(p, "tick", fmin(at, p->width - half), p->bottom + 15, PLOT_MIDDLE,
                  p->x.ticks.label[i], INFINITY);
    }
    draw_labels(p, n_labels, labels);
    plot_line(p, "axis", p->left, p->bottom, p->right, p->bottom);
    if (y->label)
        plot_text(p, "label", 0, p->top - 14, PLOT_START, y->label, p->width);
    if (x->label)
        plot_text(p, "label", (p->left + p->right) / 2, p->bottom + 15 + PLOT_LINE, PLOT_MIDDLE,
                  x->label, p->right - p->left);
}

void plot_limit(const struct plot *p, const struct plot_axis *axis, const struct svg_mark *mark)
{
    if (!extent_shows(axis->scale, mark->at))
        return;
    double at = plot_place(axis, mark->at);
    if (axis == &p->y)
        plot_line(p, "limit", p->left, at, p->right, at);
    else
        plot_line(p, "limit", at, p->top, at, p->bottom);
}
