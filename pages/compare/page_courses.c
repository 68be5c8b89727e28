#include <math.h>

#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/svg/charts.h"
#include "util/units.h"

/* A figure of the windows of every run. */
struct course {
    const char *id, *label, *y;
    double (*value)(const struct compare_window *w, size_t pool);
    size_t pool;
};

static double missed(const struct compare_window *w, size_t pool)
{
    (void)pool;
    return (double)(w->n_offered - w->n_good);
}

static double offered(const struct compare_window *w, size_t pool)
{
    (void)pool;
    return (double)w->n_offered;
}

static double ttft(const struct compare_window *w, size_t pool)
{
    (void)pool;
    return w->ttft_ms;
}

static double tpot(const struct compare_window *w, size_t pool)
{
    (void)pool;
    return w->tpot_ms;
}

static double workers(const struct compare_window *w, size_t pool)
{
    return w->workers[pool];
}

static enum status draw(const struct compare_view *v, const struct course *c, double level)
{
    const struct compare_result *r = v->result;
    struct svg_series *series = ARENA_NEW(v->arena, r->n_runs, struct svg_series);

    if (!series)
        return diag_nomem(v->d, "series");
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct compare_run *run = &r->runs[i];
        struct svg_point *points = ARENA_NEW(v->arena, run->n_windows, struct svg_point);
        const char *name =
            arena_printf(v->arena, "%c %s", compare_letter(run, r), run->input->name);
        if (!points || !name)
            return diag_nomem(v->d, "series");
        for (size_t w = 0; w < run->n_windows; w++)
            points[w] = (struct svg_point){.x = (double)w * s_from_ns(r->options->window_ns),
                                           .y = c->value(&run->windows[w], c->pool),
                                           .low = NAN,
                                           .high = NAN};
        series[i] = (struct svg_series){name, (unsigned)i, run->n_windows, points};
    }
    const struct svg_lines chart = {
        .frame = {.id = c->id, .label = c->label, .width = 960, .height = 260},
        .x = {.label = "time", .scale = SVG_TIME},
        .y = {.label = c->y, .from_zero = true},
        .n = r->n_runs,
        .series = series,
        .level = {level, isnan(level) ? NULL : "target"},
    };
    page_figure_begin(v->out);
    svg_lines(v->out, &chart);
    page_figure_end(v->out);
    return ST_OK;
}

/* Pools that all runs have. */
static bool same_pools(const struct compare_result *r)
{
    bool same = true;

    for (size_t i = 0; i < r->n_pairs; i++)
        same = same && r->pairs[i].same_pools;
    return same;
}

/* NaN: runs have other targets. */
static double common_target(const struct compare_result *r, bool of_tpot)
{
    double target = NAN;

    for (size_t i = 0; i < r->n_runs; i++) {
        const struct recorded *run = &r->runs[i].recorded;
        double own = ms_from_ns(of_tpot ? run->tpot_target_ns : run->ttft_target_ns);
        if (i && own != target)
            return NAN;
        target = own;
    }
    return target;
}

enum status compare_page_courses(const struct compare_view *v)
{
    const struct compare_result *r = v->result;
    const struct recorded *first = &r->runs[0].recorded;
    const struct course latencies[] = {
        {"ttft", "Mean TTFT of the requests that arrive in a window", "mean TTFT, ms", ttft, 0},
        {"tpot", "Mean TPOT of the requests that arrive in a window", "mean TPOT, ms", tpot, 0}};
    const struct course requests[] = {
        {"missed", "Requests of a window that missed", "requests missed", missed, 0},
        {"offered", "Requests that arrive in a window", "requests offered", offered, 0}};
    enum status s = ST_OK;

    fprintf(v->out, "<p>Windows of %.9g s, requests by their arrival.</p>\n",
            s_from_ns(r->options->window_ns));
    for (size_t i = 0; i < 2 && !s; i++)
        s = draw(v, &requests[i], NAN);
    for (size_t i = 0; i < 2 && !s; i++)
        s = draw(v, &latencies[i], common_target(r, i == 1));
    for (size_t p = 0; p < first->n_pools && same_pools(r) && !s; p++) {
        const struct course c = {
            arena_printf(v->arena, "workers-%zu", p + 1),
            arena_printf(v->arena, "Workers of %s that are ready", first->pools[p]),
            arena_printf(v->arena, "%s workers", first->pools[p]), workers, p};
        s = c.id && c.label && c.y ? draw(v, &c, NAN) : diag_nomem(v->d, "series");
    }
    return s;
}
