#include "pages/plan/plan_page.h"

#include <inttypes.h>
#include <math.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"

struct plan_view {
    const struct plan *plan;
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

/* For people: the names of plan_series_names are those of files. */
static const char *const series_texts[N_PLAN_SERIES] = {
    [PLAN_REQUESTS] = "Requests per interval",
    [PLAN_ISL] = "Input tokens per request",
    [PLAN_OSL] = "Output tokens per request",
};
static const char *const side_texts[N_SIDES] = {
    [SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

/* ---- lines over time ---- */

/* A series for each predictor, and one before them for what was observed. */
struct lines {
    const char *id, *label, *y;
    size_t n;
    struct svg_series *series;
};

static struct svg_point *points_of(const struct plan_view *v, const struct dryrun_row *rows)
{
    struct svg_point *points = ARENA_NEW(v->arena, v->plan->n_rows, struct svg_point);

    for (size_t i = 0; points && i < v->plan->n_rows; i++)
        points[i] =
            (struct svg_point){.x = (double)rows[i].start_s, .y = NAN, .low = NAN, .high = NAN};
    return points;
}

static void draw_lines(const struct plan_view *v, const struct lines *c)
{
    const struct svg_lines chart = {
        .frame = {.id = c->id, .label = c->label, .width = 960, .height = 260},
        .x = {.label = "time", .scale = SVG_TIME},
        .y = {.label = c->y, .from_zero = true},
        .n = c->n,
        .series = c->series,
        .level = {.at = NAN},
    };
    page_figure_begin(v->out);
    svg_lines(v->out, &chart);
    page_figure_end(v->out);
}

static enum status draw_forecasts(const struct plan_view *v, enum plan_series series)
{
    const struct plan *plan = v->plan;
    struct svg_series *all = ARENA_NEW(v->arena, 1 + plan->n, struct svg_series);

    if (!all)
        return diag_nomem(v->d, "series");
    for (size_t i = 0; i <= plan->n; i++) {
        const struct predictor_plan *p = &plan->plans[i ? i - 1 : 0];
        struct svg_point *points = points_of(v, p->rows);
        if (!points)
            return diag_nomem(v->d, "series");
        for (size_t k = i ? 1 : 0; k < plan->n_rows; k++) /* the first has no forecast of its own */
            points[k].y =
                i ? plan_predicted(&p->rows[k], series) : plan_observed(&p->rows[k], series);
        all[i] =
            (struct svg_series){i ? p->predictor : "actual", (unsigned)i, plan->n_rows, points};
    }
    const struct lines lines = {
        plan_series_names[series],
        arena_printf(v->arena, "%s over time: actual and forecast", series_texts[series]),
        series_texts[series], 1 + plan->n, all};
    if (!lines.label)
        return diag_nomem(v->d, "series");
    draw_lines(v, &lines);
    return ST_OK;
}

static enum status draw_replicas(const struct plan_view *v, enum planner_side side)
{
    const struct plan *plan = v->plan;
    struct svg_series *all = ARENA_NEW(v->arena, plan->n, struct svg_series);

    if (!all)
        return diag_nomem(v->d, "series");
    for (size_t i = 0; i < plan->n; i++) {
        const struct dryrun_row *rows = plan->plans[i].rows;
        struct svg_point *points = ARENA_NEW(v->arena, 2 * plan->n_rows, struct svg_point);
        if (!points)
            return diag_nomem(v->d, "series");
        for (size_t k = 0; k < 2 * plan->n_rows; k++) /* the same from its begin to its end */
            points[k] = (struct svg_point){
                .x = (double)(rows[k / 2].start_s + (k % 2 ? plan->interval_s : 0)),
                .y = (double)rows[k / 2].replicas[side],
                .low = NAN,
                .high = NAN};
        all[i] = (struct svg_series){plan->plans[i].predictor, (unsigned)i + 1, 2 * plan->n_rows,
                                     points};
    }
    const struct lines lines = {
        side_texts[side],
        arena_printf(v->arena, "%s replicas over time, as the planner asks for", side_texts[side]),
        arena_printf(v->arena, "%s replicas", side_texts[side]), plan->n, all};
    if (!lines.label || !lines.y)
        return diag_nomem(v->d, "series");
    draw_lines(v, &lines);
    return ST_OK;
}

/* ---- errors ---- */

static enum status draw_errors(const struct plan_view *v)
{
    const struct plan *plan = v->plan;
    struct svg_bar *bars = ARENA_NEW(v->arena, plan->n * N_PLAN_SERIES, struct svg_bar);
    size_t n = 0;

    if (!bars)
        return diag_nomem(v->d, "bars");
    for (int k = 0; k < N_PLAN_SERIES; k++) {
        for (size_t i = 0; i < plan->n; i++) {
            const char *name =
                arena_printf(v->arena, "%s, %s", series_texts[k], plan->plans[i].predictor);
            if (!name)
                return diag_nomem(v->d, "bars");
            bars[n++] = (struct svg_bar){.name = name,
                                         .value = plan->plans[i].error[k].mape,
                                         .low = NAN,
                                         .high = NAN,
                                         .colour = (unsigned)i + 1};
        }
    }
    const struct svg_bars chart = {
        .frame = {.id = "errors",
                  .label = "Mean error of each predictor, in per cent of the actual"},
        .x = {.label = "mean absolute error, of the actual",
              .scale = SVG_PERCENT,
              .from_zero = true},
        .n = n,
        .bars = bars,
        .limit = {.at = NAN},
    };
    page_figure_begin(v->out);
    svg_bars_with_intervals(v->out, &chart);
    page_figure_end(v->out);
    return ST_OK;
}

static void write_errors(const struct plan_view *v)
{
    static const char *const heads[] = {"predictor", "series",       "#MAE",         "#MAPE, %",
                                        "#bias",     "#pinball 0.5", "#pinball 0.9", NULL};

    html_table_begin(v->out, "How far each predictor was off", heads);
    for (size_t i = 0; i < v->plan->n; i++) {
        for (int k = 0; k < N_PLAN_SERIES; k++) {
            const struct forecast_error *e = &v->plan->plans[i].error[k];
            html_row_begin(v->out);
            html_row_name(v->out, v->plan->plans[i].predictor);
            html_cell(v->out, series_texts[k]);
            html_cell_number(v->out, 4, e->mae);
            html_cell_number(v->out, 3, 100 * e->mape);
            html_cell_change(v->out, 4, e->bias);
            html_cell_number(v->out, 4, e->pinball_50);
            html_cell_number(v->out, 4, e->pinball_90);
            html_row_end(v->out);
        }
    }
    html_table_end(v->out);
}

static void write_worth(const struct plan_view *v)
{
    static const char *const heads[] = {"predictor", "#GPU-hours", "#intervals short", NULL};

    html_table_begin(v->out, "What each predictor asks for", heads);
    for (size_t i = 0; i < v->plan->n; i++) {
        html_row_begin(v->out);
        html_row_name(v->out, v->plan->plans[i].predictor);
        html_cell_number(v->out, 5, v->plan->plans[i].gpu_hours);
        html_cell_number(v->out, 9, (double)v->plan->plans[i].n_short);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

/* ---- intervals ---- */

static void write_intervals(const struct plan_view *v)
{
    static const char *const heads[] = {"#start, s", "#requests", "#forecast", "#ISL",
                                        "#forecast", "#OSL",      "#forecast", "#prefill",
                                        "#decode",   NULL};
    const struct dryrun_row *rows = v->plan->plans[0].rows;

    html_table_begin(v->out, "Intervals", heads);
    for (size_t i = 0; i < v->plan->n_rows; i++) {
        html_row_begin(v->out);
        html_cell_number(v->out, 12, (double)rows[i].start_s);
        for (int k = 0; k < N_PLAN_SERIES; k++) {
            html_cell_number(v->out, 6, plan_observed(&rows[i], (enum plan_series)k));
            html_cell_number(v->out, 6, i ? plan_predicted(&rows[i], (enum plan_series)k) : NAN);
        }
        for (int side = 0; side < N_SIDES; side++)
            html_cell_number(v->out, 9,
                             v->plan->has_side[side] ? (double)rows[i].replicas[side] : NAN);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

/* ---- the page ---- */

static void write_head(const struct plan_view *v, const struct scenario *scenario)
{
    const struct planner_config *c = scenario_planner(scenario);

    fprintf(v->out, "<p>Mode %s, %zu interval%s of %" PRId64 " s, ", c->mode, v->plan->n_rows,
            v->plan->n_rows == 1 ? "" : "s", v->plan->interval_s);
    if (c->max_gpu_budget < 0)
        fputs("no GPU budget.</p>\n", v->out);
    else
        fprintf(v->out, "a budget of %" PRId64 " GPUs.</p>\n", c->max_gpu_budget);
    for (size_t i = 0; i < v->plan->notes.n; i++)
        page_note(v->out, v->plan->notes.text[i]);
}

enum status plan_page_write(const struct plan *plan, const struct scenario *scenario, FILE *out,
                            struct arena *arena, struct diag *d)
{
    const struct plan_view v = {plan, out, arena, d};
    enum status s = ST_OK;

    page_begin(out, "headroom plan", scenario->name);
    page_heading(out, scenario->name,
                 "What the planner would have asked for, had it seen the trace as it is");
    write_head(&v, scenario);
    fputs("<h2>Forecast against actual</h2>\n", out);
    for (int k = 0; k < N_PLAN_SERIES && !s; k++)
        s = draw_forecasts(&v, (enum plan_series)k);
    fputs("<h2>Replicas</h2>\n", out);
    for (int side = 0; side < N_SIDES && !s; side++) {
        if (plan->has_side[side])
            s = draw_replicas(&v, (enum planner_side)side);
    }
    fputs("<h2>Error by predictor</h2>\n", out);
    if (!s)
        s = draw_errors(&v);
    write_errors(&v);
    write_worth(&v);
    if (plan->n == 1) {
        fputs("<h2>Intervals</h2>\n", out);
        write_intervals(&v);
    }
    page_end(out);
    return s;
}
