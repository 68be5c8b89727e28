#include <math.h>
#include <stdint.h>

#include "pages/html/page.h"
#include "pages/run/run_panels.h"
#include "util/units.h"

/* ---- moves ---- */

bool run_pool_moves(const struct recorded_pool_decision *p)
{
    return !isnan(p->applied) && p->applied != (double)p->target;
}

bool run_decision_moves(const struct run_view *v, const struct recorded_decision *c)
{
    bool moves = false;

    for (size_t i = 0; i < v->run->n_pools; i++)
        moves = moves || run_pool_moves(&c->pools[i]);
    return moves;
}

enum { MOST_MARKS = 400 }; /* more cannot be told apart */

static enum status find_marks(struct run_panels *p, size_t pool)
{
    const struct run_view *v = p->v;
    struct series_mark *marks = ARENA_NEW(v->arena, MOST_MARKS, struct series_mark);
    size_t n = 0;

    if (!marks)
        return diag_nomem(v->d, "decisions");
    for (size_t i = 0; i < v->run->n_decisions; i++) {
        const struct recorded_decision *c = &v->run->decisions[i];
        if (!run_pool_moves(&c->pools[pool]))
            continue;
        p->n_moves[pool]++;
        if (n == MOST_MARKS)
            continue;
        const char *text =
            arena_printf(v->arena, "%lld \xe2\x86\x92 %.0f%s%s", (long long)c->pools[pool].target,
                         c->pools[pool].applied, c->reason ? ": " : "", c->reason ? c->reason : "");
        if (!text)
            return diag_nomem(v->d, "decisions");
        marks[n++] = (struct series_mark){s_from_ns(c->at_ns), text};
    }
    p->marks[pool] = marks;
    p->n_marks[pool] = n;
    return ST_OK;
}

/* ---- columns ---- */

typedef double (*sample_value)(const struct recorded_sample *s);

static double target(const struct recorded_sample *s)
{
    return (double)s->target;
}

static double ready(const struct recorded_sample *s)
{
    return (double)s->ready;
}

static double starting(const struct recorded_sample *s)
{
    return (double)s->starting;
}

static double draining(const struct recorded_sample *s)
{
    return (double)s->draining;
}

static double waiting(const struct recorded_sample *s)
{
    return s->n_waiting;
}

static double running(const struct recorded_sample *s)
{
    return s->n_running;
}

static double kv(const struct recorded_sample *s)
{
    return s->kv_utilization;
}

static double offered(const struct recorded_sample *s)
{
    return s->offered_per_s;
}

static double completed(const struct recorded_sample *s)
{
    return s->completed_per_s;
}

static double time_of(const struct recorded_sample *s)
{
    return s_from_ns(s->at_ns);
}

/* Of the samples of a pool; NULL: no memory. */
static double *column(const struct run_panels *p, size_t pool, sample_value value)
{
    const struct recorded *run = p->v->run;
    double *y = ARENA_NEW(p->v->arena, run->n_samples, double);
    size_t n = 0;

    for (size_t i = 0; i < run->n_samples && y; i++) {
        if (run->samples[i].pool == pool)
            y[n++] = value(&run->samples[i]);
    }
    return y;
}

static enum status find_times(struct run_panels *p)
{
    const struct recorded *run = p->v->run;

    for (size_t i = 0; i < run->n_samples; i++)
        p->n_samples[run->samples[i].pool]++;
    for (size_t i = 0; i < run->n_pools; i++) {
        p->at_s[i] = column(p, i, time_of);
        if (!p->at_s[i])
            return diag_nomem(p->v->d, "timeline");
    }
    return ST_OK;
}

enum status run_panels_draw(const struct run_panels *p, struct series_panel *panel,
                            enum run_miss shaded)
{
    for (size_t i = 0; i < panel->n_lines; i++) {
        if (!panel->lines[i].y || !panel->lines[i].name)
            return diag_nomem(p->v->d, "panel");
    }
    if (*p->v->id_prefix)
        panel->id = arena_printf(p->v->arena, "%s%s", p->v->id_prefix, panel->id);
    if (!panel->id)
        return diag_nomem(p->v->d, "panel");
    panel->to_s = p->v->end_s;
    panel->n_bands = p->n_bands[shaded];
    panel->bands = p->bands[shaded];
    return series_panel(p->v->out, panel, p->v->arena, p->v->d);
}

static enum status draw(const struct run_panels *p, struct series_panel *panel)
{
    return run_panels_draw(p, panel, RUN_MISS_ANY);
}

/* ---- the panels ---- */

/* What the decision before each sample said would come, per second of the time to the next. */
static double *forecast(const struct run_panels *p)
{
    const struct recorded *run = p->v->run;
    double *y = ARENA_NEW(p->v->arena, p->n_samples[0], double);
    const struct recorded_decision *now = NULL, *next = NULL;
    double rate = NAN;
    size_t k = 0;

    for (size_t i = 0; i < p->n_samples[0] && y && p->at_s[0]; i++) {
        while (k < run->n_decisions && s_from_ns(run->decisions[k].at_ns) <= p->at_s[0][i]) {
            const struct recorded_decision *c = &run->decisions[k++];
            if (isnan(c->predicted.n_requests))
                continue;
            now = next;
            next = c;
            double length_s = s_from_ns(now ? c->at_ns - now->at_ns : c->at_ns);
            rate = length_s > 0 ? c->predicted.n_requests / length_s : NAN;
        }
        y[i] = rate;
    }
    return y;
}

static enum status draw_load(const struct run_panels *p)
{
    bool has_forecast = false;

    for (size_t i = 0; i < p->v->run->n_decisions; i++)
        has_forecast = has_forecast || !isnan(p->v->run->decisions[i].predicted.n_requests);
    const struct series_line lines[] = {{"offered", 0, SERIES_SOLID, column(p, 0, offered)},
                                        {"completed", 2, SERIES_DOTTED, column(p, 0, completed)},
                                        {"forecast", 1, SERIES_STEP_DASHED, forecast(p)}};
    return draw(p, &(struct series_panel){
                       .id = "load",
                       .title = "Load",
                       .unit = "requests/s",
                       .label = "Requests offered and completed per second, and what the policy "
                                "forecast",
                       .note = has_forecast ? "The forecast of a decision is shown over the time "
                                              "that it was made for."
                                            : NULL,
                       .n = p->n_samples[0],
                       .x_s = p->at_s[0],
                       .n_lines = has_forecast ? 3 : 2,
                       .lines = lines,
                       .level = {NAN, NULL}});
}

struct latency_panel {
    const char *id, *title, *label;
    size_t offset; /* of a run_latency in a run_window */
    int64_t target_ns;
    const char *of, *or_else; /* whose latency a window has; when it is shaded, too */
    enum run_miss shaded;
};

static enum status draw_latency(const struct run_panels *p, const struct latency_panel *l)
{
    const struct run_view *v = p->v;
    double *x = ARENA_NEW(v->arena, v->n_windows, double);
    double *mean = ARENA_NEW(v->arena, v->n_windows, double);
    double *p50 = ARENA_NEW(v->arena, v->n_windows, double);
    double *p95 = ARENA_NEW(v->arena, v->n_windows, double);
    const char *note = arena_printf(
        v->arena,
        "Of %s each %.9g s%s%s. Shaded: the mean is above the target%s; the colour is that of most "
        "of the causes.",
        l->of, v->window_s, *v->sampled ? "; p50 and p95" : "", v->sampled, l->or_else);

    if (!x || !mean || !p50 || !p95 || !note)
        return diag_nomem(v->d, "windows");
    for (size_t i = 0; i < v->n_windows; i++) {
        const struct run_latency *at =
            (const struct run_latency *)(const void *)((const char *)&v->windows[i] + l->offset);
        double from_s = (double)i * v->window_s;
        x[i] = (from_s + fmin(from_s + v->window_s, v->end_s)) / 2;
        mean[i] = at->mean_ms;
        p50[i] = at->p50_ms;
        p95[i] = at->p95_ms;
    }
    const struct series_line lines[] = {{"mean", 0, SERIES_SOLID, mean},
                                        {"p50", 2, SERIES_DASHED, p50},
                                        {"p95", 1, SERIES_DOTTED, p95}};
    struct series_panel panel = {.id = l->id,
                                 .title = l->title,
                                 .unit = "ms",
                                 .label = l->label,
                                 .note = note,
                                 .n = v->n_windows,
                                 .x_s = x,
                                 .n_lines = 3,
                                 .lines = lines,
                                 .tells_kinds = true,
                                 .level = {ms_from_ns(l->target_ns), "SLA"}};
    return run_panels_draw(p, &panel, l->shaded);
}

static enum status draw_latencies(const struct run_panels *p)
{
    const struct latency_panel all[] = {
        {"ttft", "Time to first token",
         "TTFT per window: mean, median and 95th percentile, against the SLA",
         offsetof(struct run_window, ttft), p->v->run->ttft_target_ns, "first tokens that came in",
         ", or none came though requests did that missed", RUN_MISS_TTFT},
        {"tpot", "Time per output token",
         "TPOT per window: mean, median and 95th percentile, against the SLA",
         offsetof(struct run_window, tpot), p->v->run->tpot_target_ns, "requests that ended in", "",
         RUN_MISS_TPOT}};
    enum status s = ST_OK;

    for (size_t i = 0; i < 2 && !s; i++)
        s = draw_latency(p, &all[i]);
    return s;
}

static const char *marks_note(const struct run_panels *p, size_t pool)
{
    const char *first =
        p->n_marks[pool] < p->n_moves[pool]
            ? arena_printf(p->v->arena, "the first %zu of %zu", p->n_marks[pool], p->n_moves[pool])
            : "the";

    return first ? arena_printf(p->v->arena,
                                "Upright lines: %s decisions that changed the target; the reason "
                                "is shown where the cursor is near one.",
                                first)
                 : NULL;
}

static enum status draw_fleet(const struct run_panels *p, size_t pool)
{
    const char *name = p->v->run->pools[pool];
    const struct series_line lines[] = {
        {"ready", 0, SERIES_AREA, column(p, pool, ready)},
        {"target", 1, SERIES_STEP_DASHED, column(p, pool, target)},
        {"starting", 4, SERIES_STEP, column(p, pool, starting)},
        {"draining", 3, SERIES_STEP_DOTTED, column(p, pool, draining)}};
    struct series_panel panel = {
        .id = arena_printf(p->v->arena, "fleet-%zu", pool + 1),
        .title = arena_printf(p->v->arena, "Workers of %s", name),
        .unit = "workers",
        .label = arena_printf(p->v->arena, "Workers of %s by state, against the target", name),
        .note = p->n_marks[pool] ? marks_note(p, pool) : NULL,
        .n = p->n_samples[pool],
        .x_s = p->at_s[pool],
        .n_lines = 4,
        .lines = lines,
        .n_marks = p->n_marks[pool],
        .marks = p->marks[pool],
        .level = {NAN, NULL}};

    if (!panel.id || !panel.title || !panel.label || (p->n_marks[pool] && !panel.note))
        return diag_nomem(p->v->d, "panel");
    return draw(p, &panel);
}

/* A line for each pool, or two. */
static enum status draw_pools(const struct run_panels *p, const struct series_panel *like,
                              const sample_value values[2], const char *const names[2])
{
    static const enum series_style styles[] = {SERIES_SOLID, SERIES_DASHED};
    struct series_line lines[2 * POLICY_MAX_POOLS];
    struct series_panel panel = *like;
    size_t n = 0;

    for (size_t k = 0; k < 2 && values[k]; k++) {
        for (size_t i = 0; i < p->v->run->n_pools; i++)
            lines[n++] = (struct series_line){
                arena_printf(p->v->arena, "%s%s", p->v->run->pools[i], names[k]),
                (unsigned)(2 * k + i), styles[i % 2], column(p, i, values[k])};
    }
    panel.n = p->n_samples[0];
    for (size_t i = 1; i < p->v->run->n_pools; i++) /* equal, unless the file was cut */
        panel.n = panel.n < p->n_samples[i] ? panel.n : p->n_samples[i];
    panel.x_s = p->at_s[0];
    panel.n_lines = n;
    panel.lines = lines;
    panel.level = (struct series_level){NAN, NULL};
    return draw(p, &panel);
}

static enum status draw_requests(const struct run_panels *p)
{
    static const sample_value values[2] = {waiting, running};
    static const char *const names[2] = {" waiting", " running"};
    const struct series_panel panel = {.id = "requests",
                                       .title = "Requests in the pools",
                                       .unit = "requests",
                                       .label = "Requests that wait and that run, by pool",
                                       .note = "On average since the sample before."};

    return draw_pools(p, &panel, values, names);
}

static enum status draw_kv(const struct run_panels *p)
{
    static const sample_value values[2] = {kv, NULL};
    static const char *const names[2] = {"", ""};
    const struct series_panel panel = {.id = "kv",
                                       .title = "KV cache in use",
                                       .unit = "%",
                                       .label = "Share of the KV blocks in use, by pool"};

    return draw_pools(p, &panel, values, names);
}

enum status run_page_draw_panels(const struct run_view *v)
{
    struct run_panels p = {.v = v};
    enum status s = run_panels_find_bands(&p);

    for (size_t i = 0; i < v->run->n_pools && !s; i++)
        s = find_marks(&p, i);
    if (!s)
        s = find_times(&p);
    if (!v->run->n_samples)
        page_note(v->out, "The run has no timeline: load, workers, requests and KV are left out.");
    fputs("<div class=\"panels\">\n", v->out);
    if (!s)
        s = draw_latencies(&p);
    if (v->run->n_samples) {
        s = s ? s : draw_load(&p);
        s = s ? s : draw_requests(&p);
        s = s ? s : draw_kv(&p);
        for (size_t i = 0; i < v->run->n_pools && !s; i++)
            s = draw_fleet(&p, i);
    }
    s = s ? s : run_panels_capacity(&p);
    s = s ? s : run_panels_estimates(&p);
    fputs("</div>\n", v->out);
    return s;
}

void run_page_panels_help(FILE *out)
{
    fputs("<p>Hours and minutes of the run. Drag to zoom, double-click to see all; with the "
          "keyboard: arrows, + and -, 0. A name hides its line. </p>\n",
          out);
}

enum status run_page_panels(const struct run_view *v)
{
    fputs("<h2 id=\"over-time\">Over time</h2>\n", v->out);
    run_page_panels_help(v->out);
    return run_page_draw_panels(v);
}
