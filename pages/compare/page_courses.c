#include <math.h>

#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/html/series.h"
#include "util/units.h"

/* A figure of the windows of every run. */
struct course {
    const char *id, *title, *unit, *label;
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
    static const enum series_style styles[] = {SERIES_STEP, SERIES_STEP_DASHED, SERIES_STEP_DOTTED};
    const struct compare_result *r = v->result;
    size_t n = v->n_windows + 1; /* the last holds up to the end */
    double length_s = s_from_ns(r->options->window_ns), *x = ARENA_NEW(v->arena, n, double);
    struct series_line lines[COMPARE_MAX_RUNS];

    const char *id = arena_printf(v->arena, "%s%s", v->id_prefix, c->id);

    if (!x || !id)
        return diag_nomem(v->d, "panel");
    for (size_t w = 0; w < n; w++)
        x[w] = (double)w * length_s;
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct compare_run *run = &r->runs[i];
        double *y = ARENA_NEW(v->arena, n, double);
        const char *name =
            arena_printf(v->arena, "%c %s", compare_letter(run, r), run->input->name);
        if (!y || !name)
            return diag_nomem(v->d, "panel");
        for (size_t w = 0; w < n; w++)
            y[w] = w < run->n_windows         ? c->value(&run->windows[w], c->pool)
                   : w && w == run->n_windows ? y[w - 1]
                                              : NAN;
        lines[i] = (struct series_line){name, (unsigned)i, styles[i % 3], y};
    }
    return series_panel(v->out,
                        &(struct series_panel){.id = id,
                                               .title = c->title,
                                               .unit = c->unit,
                                               .label = c->label,
                                               .to_s = x[n - 1],
                                               .n = n,
                                               .x_s = x,
                                               .n_lines = r->n_runs,
                                               .lines = lines,
                                               .level = {level, "target"}},
                        v->arena, v->d);
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
        {"ttft", "Mean TTFT", "ms", "Mean TTFT of the requests that arrive in a window", ttft, 0},
        {"tpot", "Mean TPOT", "ms", "Mean TPOT of the requests that arrive in a window", tpot, 0}};
    const struct course requests[] = {
        {"missed", "Missed", "requests", "Requests of a window that missed", missed, 0},
        {"offered", "Offered", "requests", "Requests that arrive in a window", offered, 0}};
    enum status s = ST_OK;

    fputs("<div class=\"panels\">\n", v->out);
    for (size_t i = 0; i < 2 && !s; i++)
        s = draw(v, &requests[i], NAN);
    for (size_t i = 0; i < 2 && !s; i++)
        s = draw(v, &latencies[i], common_target(r, i == 1));
    for (size_t p = 0; p < first->n_pools && same_pools(r) && !s; p++) {
        const struct course c = {arena_printf(v->arena, "workers-%zu", p + 1),
                                 arena_printf(v->arena, "Workers of %s", first->pools[p]),
                                 "workers",
                                 arena_printf(v->arena,
                                              "Workers of %s that are ready, mean of a window",
                                              first->pools[p]),
                                 workers,
                                 p};
        s = c.id && c.title && c.label ? draw(v, &c, NAN) : diag_nomem(v->d, "series");
    }
    fputs("</div>\n", v->out);
    return s;
}
