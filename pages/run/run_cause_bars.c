/* The colours of causes, and how many requests missed for which of them, window by window. */
#include "pages/html/page.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/charts.h"

/* Of the most frequent one, the next, and so on: those first that the lines over the time do not
 * have. The last is of all others. */
static const unsigned colours[SVG_COLOURS] = {4, 6, 3, 5, 1, 2, 0, 7};
enum { OTHER = SVG_COLOURS - 1 };

unsigned run_cause_colour(const struct run_view *v, enum cause cause)
{
    unsigned rank = 0;

    while (rank < OTHER && v->causes->order[rank] != cause)
        rank++;
    return colours[rank];
}

const char *run_cause_colour_name(const struct run_view *v, unsigned colour)
{
    for (unsigned rank = 0; rank < OTHER; rank++) {
        if (colours[rank] == colour)
            return cause_phrase(v->causes->order[rank]);
    }
    return "missed for other reasons";
}

enum status run_page_cause_bars(const struct run_view *v)
{
    struct svg_part parts[SVG_COLOURS];
    double *values = ARENA_NEW(v->arena, v->n_windows * SVG_COLOURS, double);

    if (!values)
        return diag_nomem(v->d, "causes");
    for (unsigned i = 0; i < SVG_COLOURS; i++)
        parts[i] = (struct svg_part){run_cause_colour_name(v, colours[i]), colours[i]};
    for (size_t i = 0; i < v->n_windows * SVG_COLOURS; i++)
        values[i] = 0;
    for (size_t w = 0; w < v->n_windows; w++) {
        for (unsigned i = 0; i < N_CAUSES; i++)
            values[w * SVG_COLOURS + (i < OTHER ? i : OTHER)] +=
                (double)v->windows[w].by_cause[v->causes->order[i]];
    }
    const struct svg_stacked_bars bars = {
        .frame = {.id = "causes",
                  .label = "Requests that missed, by when they came and why",
                  .width = 960},
        .x = {.label = "time of arrival", .scale = SVG_TIME},
        .y = {.label = "requests that missed", .from_zero = true},
        .n_parts = SVG_COLOURS,
        .parts = parts,
        .n_bars = v->n_windows,
        .step = v->window_s,
        .values = values};
    page_figure_begin(v->out);
    svg_stacked_bars(v->out, &bars);
    page_figure_end(v->out);
    return ST_OK;
}
