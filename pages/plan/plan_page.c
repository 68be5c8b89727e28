#include "pages/plan/plan_page.h"

#include <inttypes.h>
#include <math.h>

#include "pages/bars.h"
#include "pages/html/page.h"
#include "pages/html/series.h"
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

/* ---- over time ---- */

/* A value for each interval, which holds up to its end. */
static double *values(const struct plan_view *v, const struct predictor_plan *p, size_t first,
                      double (*value)(const struct dryrun_row *row, int which), int which)
{
    size_t n = v->plan->n_rows;
    double *y = ARENA_NEW(v->arena, n + 1, double);

    for (size_t i = 0; y && i <= n; i++)
        y[i] = i < first ? NAN : value(&p->rows[i < n ? i : n - 1], which);
    return y;
}

static double observed(const struct dryrun_row *row, int series)
{
    return plan_observed(row, (enum plan_series)series);
}

static double predicted(const struct dryrun_row *row, int series)
{
    return plan_predicted(row, (enum plan_series)series);
}

static double replicas(const struct dryrun_row *row, int side)
{
    return (double)row->replicas[side];
}

static enum series_style style_of(size_t predictor)
{
    return predictor % 2 ? SERIES_STEP_DOTTED : SERIES_STEP_DASHED;
}

static enum status draw_panel(const struct plan_view *v, struct series_panel *panel)
{
    const struct plan *plan = v->plan;
    const struct dryrun_row *rows = plan->plans[0].rows;
    double *x = ARENA_NEW(v->arena, plan->n_rows + 1, double);
    bool is_there = x && panel->title && panel->label;

    for (size_t i = 0; i < panel->n_lines; i++)
        is_there = is_there && panel->lines[i].y;
    if (!is_there)
        return diag_nomem(v->d, "panel");
    for (size_t i = 0; i < plan->n_rows; i++)
        x[i] = (double)rows[i].start_s;
    x[plan->n_rows] = (double)(rows[plan->n_rows - 1].start_s + plan->interval_s);
    panel->n = plan->n_rows + 1;
    panel->x_s = x;
    panel->from_s = x[0];
    panel->to_s = x[plan->n_rows];
    panel->level.at = NAN;
    return series_panel(v->out, panel, v->arena, v->d);
}

static enum status draw_forecasts(const struct plan_view *v, int series)
{
    const struct plan *plan = v->plan;
    struct series_line *lines = ARENA_NEW(v->arena, 1 + plan->n, struct series_line);

    if (!lines)
        return diag_nomem(v->d, "panel");
    lines[0] = (struct series_line){"actual", 0, SERIES_STEP,
                                    values(v, &plan->plans[0], 0, observed, series)};
    for (size_t i = 0; i < plan->n; i++) /* the first interval has no forecast of its own */
        lines[i + 1] = (struct series_line){plan->plans[i].predictor, (unsigned)i + 1, style_of(i),
                                            values(v, &plan->plans[i], 1, predicted, series)};
    return draw_panel(v, &(struct series_panel){
                             .id = plan_series_names[series],
                             .title = series_texts[series],
                             .unit = "",
                             .label = arena_printf(v->arena, "%s over time: actual and forecast",
                                                   series_texts[series]),
                             .n_lines = 1 + plan->n,
                             .lines = lines});
}

static enum status draw_replicas(const struct plan_view *v, int side)
{
    const struct plan *plan = v->plan;
    struct series_line *lines = ARENA_NEW(v->arena, plan->n, struct series_line);

    if (!lines)
        return diag_nomem(v->d, "panel");
    for (size_t i = 0; i < plan->n; i++)
        lines[i] = (struct series_line){plan->plans[i].predictor, (unsigned)i + 1, style_of(i),
                                        values(v, &plan->plans[i], 0, replicas, side)};
    return draw_panel(
        v, &(struct series_panel){
               .id = side_texts[side],
               .title = arena_printf(v->arena, "Replicas of %s", side_texts[side]),
               .unit = "",
               .label = arena_printf(v->arena, "Replicas of %s over time, as the planner asks for",
                                     side_texts[side]),
               .n_lines = plan->n,
               .lines = lines});
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
    const struct svg_frame frame = {
        .id = "errors", .label = "Mean error of each predictor, in per cent of the actual"};
    const struct svg_axis x = {
        .label = "mean absolute error, of the actual", .scale = SVG_PERCENT, .from_zero = true};
    page_bars(v->out, &frame, &x, n, bars);
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

    static const char about[] = "What the planner would have asked for, had it seen the trace as "
                                "it is";
    series_page_begin(out, "headroom plan", scenario->name);
    page_heading(out, scenario->name,
                 scenario->deployment
                     ? arena_printf(arena, "Deployment %s. %s", scenario->deployment, about)
                     : about);
    write_head(&v, scenario);
    fputs("<h2>Forecast against actual</h2>\n<p>Drag to zoom, double-click to see all; with the "
          "keyboard: arrows, + and -, 0. A name hides its line.</p>\n<div class=\"panels\">\n",
          out);
    for (int k = 0; k < N_PLAN_SERIES && !s; k++)
        s = draw_forecasts(&v, k);
    fputs("</div>\n<h2>Replicas</h2>\n<div class=\"panels\">\n", out);
    for (int side = 0; side < N_SIDES && !s; side++) {
        if (plan->has_side[side])
            s = draw_replicas(&v, side);
    }
    fputs("</div>\n<h2>Error by predictor</h2>\n", out);
    if (!s)
        s = draw_errors(&v);
    write_errors(&v);
    write_worth(&v);
    if (plan->n == 1) {
        fputs("<h2>Intervals</h2>\n", out);
        write_intervals(&v);
    }
    series_page_end(out);
    return s;
}
