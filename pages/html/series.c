#include "pages/html/series.h"

#include <math.h>

#include "pages/html/assets.h"
#include "pages/html/page.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"

static struct page_extra extra(void)
{
    return (struct page_extra){.style = series_style,
                               .style_length = series_style_length,
                               .script = series_script,
                               .script_length = series_script_length,
                               .licence = uplot_licence,
                               .licence_length = uplot_licence_length};
}

void series_page_begin(FILE *out, const char *maker, const char *title)
{
    const struct page_extra e = extra();

    page_begin_with(out, maker, title, &e);
}

void series_page_end(FILE *out)
{
    const struct page_extra e = extra();

    page_end_with(out, &e);
}

/* ---- fewer points ---- */

struct extremes {
    size_t n;
    double low, high;
    bool high_first;
};

static void extremes_add(struct extremes *e, double y)
{
    if (isnan(y))
        return;
    if (e->n == 0 || y < e->low) {
        e->low = y;
        e->high_first = e->n > 0;
    }
    if (e->n == 0 || y > e->high) {
        e->high = y;
        e->high_first = false;
    }
    e->n++;
}

size_t series_thin(double *to_x, double *to_y, size_t most, size_t n, const double *x,
                   const double *y)
{
    size_t n_stretches = most / 2, n_to = 0;
    double from = n ? x[0] : 0, length = n ? (x[n - 1] - from) / (double)n_stretches : 0;

    for (size_t i = 0, k = 0; k < n_stretches && i < n; k++) {
        double end = k + 1 < n_stretches ? from + length * (double)(k + 1) : INFINITY;
        struct extremes e = {.low = NAN, .high = NAN};
        double first = x[i];
        if (!(first < end))
            continue;
        for (; i < n && x[i] < end; i++)
            extremes_add(&e, y[i]);
        to_x[n_to] = first;
        to_y[n_to++] = e.high_first ? e.high : e.low;
        to_x[n_to] = first + length / 2;
        to_y[n_to++] = e.high_first ? e.low : e.high;
    }
    return n_to;
}

/* ---- a panel ---- */

static void write_number(FILE *out, int digits, double value)
{
    if (isfinite(value))
        fprintf(out, "%.*g", digits, value);
    else
        fputs("null", out);
}

/* Whole milliseconds are more than can be seen. */
static void write_times(FILE *out, size_t n, const double *x)
{
    fputs("[", out);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        write_number(out, 12, round(x[i] * 10) / 10);
    }
    fputs("]", out);
}

static void write_values(FILE *out, size_t n, const double *y)
{
    enum { DIGITS = 5 };

    fputs("[", out);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        write_number(out, DIGITS, y[i]);
    }
    fputs("]", out);
}

static void write_key_string(FILE *out, const char *key, const char *value)
{
    fprintf(out, "\"%s\":", key);
    markup_json_string(out, value);
}

static void write_line(FILE *out, const struct series_line *line, size_t n, const double *y)
{
    static const char *const styles[] = {[SERIES_SOLID] = "solid",
                                         [SERIES_DASHED] = "dashed",
                                         [SERIES_DOTTED] = "dotted",
                                         [SERIES_STEP] = "step solid",
                                         [SERIES_STEP_DASHED] = "step dashed",
                                         [SERIES_STEP_DOTTED] = "step dotted",
                                         [SERIES_AREA] = "step area",
                                         [SERIES_AREA_BELOW] = "step area below"};

    fputs("{", out);
    write_key_string(out, "name", line->name);
    fprintf(out, ",\"colour\":%u,\"style\":\"%s\",\"y\":", line->colour % SVG_COLOURS,
            styles[line->style]);
    write_values(out, n, y);
    fputs("}", out);
}

/* Of x and every y; as they are, or fewer. */
static enum status write_lines(FILE *out, const struct series_panel *p, struct arena *arena,
                               struct diag *d)
{
    bool thin = p->n > SERIES_MAX_POINTS;
    double *x = NULL, *y = NULL;
    size_t n = p->n;

    if (thin) {
        x = ARENA_NEW(arena, SERIES_MAX_POINTS, double);
        y = ARENA_NEW(arena, SERIES_MAX_POINTS, double);
        if (!x || !y)
            return diag_nomem(d, "panel");
    }
    fputs(",\"lines\":[", out);
    for (size_t i = 0; i < p->n_lines; i++) {
        fputs(i ? "," : "", out);
        if (thin)
            n = series_thin(x, y, SERIES_MAX_POINTS, p->n, p->x_s, p->lines[i].y);
        write_line(out, &p->lines[i], n, thin ? y : p->lines[i].y);
    }
    fputs("],\"x\":", out);
    write_times(out, p->n_lines ? n : 0, thin ? x : p->x_s);
    return ST_OK;
}

static void write_bands_and_marks(FILE *out, const struct series_panel *p)
{
    fputs(",\"bands\":[", out);
    for (size_t i = 0; i < p->n_bands; i++) {
        const double span[] = {p->bands[i].from_s, p->bands[i].to_s};
        fputs(i ? ",{\"span\":" : "{\"span\":", out);
        write_times(out, 2, span);
        fputs(",", out);
        write_key_string(out, "text", p->bands[i].text);
        if (p->bands[i].name) {
            fprintf(out, ",\"colour\":%u,", p->bands[i].colour % SVG_COLOURS);
            write_key_string(out, "hatch", svg_hatch(p->bands[i].colour));
        }
        fputs("}", out);
    }
    fputs("],\"marks\":[", out);
    for (size_t i = 0; i < p->n_marks; i++) {
        fputs(i ? ",{\"at\":" : "{\"at\":", out);
        write_number(out, 12, round(p->marks[i].at_s * 10) / 10);
        fputs(",", out);
        write_key_string(out, "text", p->marks[i].text);
        fputs("}", out);
    }
    fputs("]", out);
}

static enum status write_data(FILE *out, const struct series_panel *p, struct arena *arena,
                              struct diag *d)
{
    const double span[] = {p->from_s, p->to_s};

    fputs("<script type=\"application/json\">{\"span\":", out);
    write_times(out, 2, span);
    fputs(",", out);
    write_key_string(out, "unit", p->unit);
    if (isfinite(p->level.at)) {
        fputs(",\"level\":{\"at\":", out);
        write_number(out, 12, p->level.at);
        fputs(",", out);
        write_key_string(out, "name", p->level.name);
        fputs("}", out);
    }
    enum status s = write_lines(out, p, arena, d);
    write_bands_and_marks(out, p);
    fputs("}</script>\n", out);
    return s;
}

/* Of the kinds of bands that there are. */
static void write_legend(FILE *out, const struct series_panel *p)
{
    const char *names[SVG_COLOURS] = {NULL};
    bool any = false;

    for (size_t i = 0; p->tells_kinds && i < p->n_bands; i++) {
        if (p->bands[i].name)
            names[p->bands[i].colour % SVG_COLOURS] = p->bands[i].name;
    }
    for (unsigned i = 0; i < SVG_COLOURS; i++) {
        if (!names[i])
            continue;
        fputs(any ? "\n<span>" : "<p class=\"kinds\"><span>", out);
        any = true;
        svg_swatch(out, p->id, i);
        markup_text(out, names[i]);
        fputs("</span>", out);
    }
    fputs(any ? "</p>\n" : "", out);
}

enum status series_panel(FILE *out, const struct series_panel *p, struct arena *arena,
                         struct diag *d)
{
    static const char fewer[] =
        "Drawn are the lowest and the highest of each of %d stretches of time.";

    fprintf(out, "<div class=\"panel\" id=\"%s\">\n<h3>", p->id);
    markup_text(out, p->title);
    fputs(" <span class=\"unit\">", out);
    markup_text(out, p->unit);
    fputs("</span></h3>\n<div class=\"lines\"></div>\n"
          "<div class=\"over-time\" role=\"application\" aria-roledescription=\"chart\" "
          "aria-label=\"",
          out);
    markup_text(out, p->label);
    fputs(". Arrows move the cursor, + and - zoom, 0 shows all.\"></div>\n<p class=\"told\">", out);
    if (p->note)
        markup_text(out, p->note);
    if (p->n > SERIES_MAX_POINTS) {
        fputs(p->note ? " " : "", out);
        fprintf(out, fewer, SERIES_MAX_POINTS / 2);
    }
    fputs("</p>\n", out);
    write_legend(out, p);
    enum status s = write_data(out, p, arena, d);
    fputs("</div>\n", out);
    return s;
}
