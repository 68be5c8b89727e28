/* The page of a run of several deployments: all of them together, then each. */
#include <math.h>

#include "pages/html/page.h"
#include "pages/html/series.h"
#include "pages/html/table.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/markup.h"
#include "util/units.h"

struct together {
    const struct recorded_whole *whole;
    struct run_files *files; /* of each */
    double end_s;            /* the same for all of them */
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

/* ---- a row for each ---- */

struct column {
    const char *head, *key;
    enum svg_scale scale;
};

static const struct column columns[] = {
    {"#requests", "requests.offered", SVG_LINEAR},
    {"#attainment", "attainment.overall", SVG_PERCENT},
    {"#windows held", "attainment.windows", SVG_PERCENT},
    {"#GPU-hours", "gpu_hours.total", SVG_LINEAR},
    {"#GPUs at most", "scaling.peak_gpus", SVG_LINEAR},
    {"#unserved GPU-hours", "unserved_gpu_hours", SVG_LINEAR},
    {"#cost", "cost.total", SVG_LINEAR}, /* the last: where there are prices */
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static void write_row(const struct together *t, const char *name, const struct recorded *run,
                      size_t n_columns)
{
    char text[MARKUP_NUMBER_SIZE];

    html_row_begin(t->out);
    html_row_name(t->out, name);
    html_cell(t->out, recorded_text(run, "policy.name"));
    for (size_t i = 0; i < n_columns; i++) {
        double value = recorded_figure(run, columns[i].key);
        if (columns[i].scale == SVG_PERCENT && !isnan(value))
            html_cell_sorted(t->out, value, markup_value(text, SVG_PERCENT, value));
        else
            html_cell_number(t->out, 5, value);
    }
    html_row_end(t->out);
}

static void write_table(const struct together *t)
{
    const char *heads[N_COLUMNS + 3] = {"deployment", "policy"};
    size_t n_columns =
        isnan(recorded_figure(&t->whole->all, "cost.total")) ? N_COLUMNS - 1 : N_COLUMNS;

    for (size_t i = 0; i < n_columns; i++)
        heads[2 + i] = columns[i].head;
    fputs("<h2 id=\"deployments\">Deployments</h2>\n", t->out);
    html_table_begin(t->out, "Figures of each deployment, and of all", heads);
    for (size_t i = 0; i < t->whole->n; i++)
        write_row(t, t->whole->names[i], &t->files[i].run, n_columns);
    write_row(t, "all", &t->whole->all, n_columns);
    html_table_end(t->out);
}

/* ---- all of them over time ---- */

static const enum series_style styles[] = {SERIES_SOLID, SERIES_DASHED, SERIES_DOTTED};
static const enum series_style steps[] = {SERIES_STEP, SERIES_STEP_DASHED, SERIES_STEP_DOTTED};
enum { N_STYLES = sizeof styles / sizeof *styles };

/* Colours go round, and each time with another style. */
static struct series_line line_of(const struct together *t, size_t i, const enum series_style *of,
                                  const double *y)
{
    return (struct series_line){t->whole->names[i], (unsigned)i,
                                of[(i + i / SVG_COLOURS) % N_STYLES], y};
}

static double gpus_per_worker(const struct together *t, const struct recorded *run, size_t pool)
{
    const char *key = arena_printf(t->arena, "gpus_per_worker.%s", run->pools[pool]);

    return key ? recorded_figure(run, key) : NAN;
}

/* What a deployment holds at the n times, which have to be its own. False: they are not, or it is
 * not known how many GPUs a worker has. */
static bool held_gpus(const struct together *t, const struct recorded *run, size_t n,
                      const double *x_s, double *gpus)
{
    double each[POLICY_MAX_POOLS];
    size_t at = 0;

    for (size_t p = 0; p < run->n_pools; p++)
        each[p] = gpus_per_worker(t, run, p);
    if (run->n_samples != n * run->n_pools)
        return false;
    for (size_t i = 0; i < n; i++) {
        gpus[i] = 0;
        for (size_t p = 0; p < run->n_pools; p++) {
            const struct recorded_sample *s = &run->samples[at++];
            if (s_from_ns(s->at_ns) != x_s[i])
                return false;
            gpus[i] += (double)(s->ready + s->starting + s->draining) * each[s->pool];
        }
        if (isnan(gpus[i]))
            return false;
    }
    return true;
}

/* The times of the samples; NULL: no memory. */
static const double *sample_times(const struct together *t, size_t *n)
{
    const struct recorded *run = &t->files[0].run;
    double *x_s;

    *n = run->n_samples / run->n_pools;
    x_s = ARENA_NEW(t->arena, *n, double);
    for (size_t i = 0; x_s && i < *n; i++)
        x_s[i] = s_from_ns(run->samples[i * run->n_pools].at_ns);
    return x_s;
}

static enum status draw_gpus(const struct together *t)
{
    size_t n, n_all = t->whole->n;
    const double *x_s = sample_times(t, &n);
    struct series_line *lines = ARENA_NEW(t->arena, n_all + 1, struct series_line);
    double *sum = ARENA_NEW(t->arena, n, double);

    if (!x_s || !lines || !sum)
        return diag_nomem(t->d, "panel");
    for (size_t k = 0; k < n; k++)
        sum[k] = 0;
    for (size_t i = 0; i < n_all; i++) {
        double *gpus = ARENA_NEW(t->arena, n, double);
        if (!gpus)
            return diag_nomem(t->d, "panel");
        if (n == 0 || !held_gpus(t, &t->files[i].run, n, x_s, gpus)) {
            page_note(t->out, "GPUs over time are left out: the run has no timeline of them.");
            return ST_OK;
        }
        for (size_t k = 0; k < n; k++)
            sum[k] += gpus[k];
        lines[i] = line_of(t, i, steps, gpus);
    }
    lines[n_all] = (struct series_line){"all", (unsigned)n_all, SERIES_STEP, sum};
    const struct series_panel panel = {
        .id = "gpus",
        .title = "GPUs held",
        .unit = "GPUs",
        .label = "GPUs that the workers of each deployment hold, and all of them, against the "
                 "budget",
        .note = "By workers that start, serve or drain, at the times of timeline.csv.",
        .to_s = t->end_s,
        .n = n,
        .x_s = x_s,
        .n_lines = n_all + 1,
        .lines = lines,
        .level = {recorded_figure(&t->whole->all, "arbiter.max_gpus"), "budget"}};
    return series_panel(t->out, &panel, t->arena, t->d);
}

static enum status draw_attainment(const struct together *t)
{
    const struct run_view *first = &t->files[0].view; /* all have the same windows */
    size_t n = first->n_windows;
    double *x_s = ARENA_NEW(t->arena, n, double);
    struct series_line *lines = ARENA_NEW(t->arena, t->whole->n, struct series_line);
    const char *note = arena_printf(t->arena,
                                    "Share of the requests that came in each %.9g s which were "
                                    "completed within the targets of their deployment.",
                                    first->window_s);

    if (!x_s || !lines || !note)
        return diag_nomem(t->d, "panel");
    for (size_t k = 0; k < n; k++) {
        double from_s = (double)k * first->window_s;
        x_s[k] = (from_s + fmin(from_s + first->window_s, t->end_s)) / 2;
    }
    for (size_t i = 0; i < t->whole->n; i++) {
        double *y = ARENA_NEW(t->arena, n, double);
        if (!y)
            return diag_nomem(t->d, "panel");
        for (size_t k = 0; k < n; k++) {
            const struct run_window *w = &t->files[i].view.windows[k];
            y[k] = w->n_offered ? 1 - (double)w->n_missed / (double)w->n_offered : NAN;
        }
        lines[i] = line_of(t, i, styles, y);
    }
    const struct series_panel panel = {
        .id = "attainment",
        .title = "Requests within their targets",
        .unit = "%",
        .label = "Share of the requests of each deployment that were within both targets, by when "
                 "they came",
        .note = note,
        .to_s = t->end_s,
        .n = n,
        .x_s = x_s,
        .n_lines = t->whole->n,
        .lines = lines,
        .level = {NAN, NULL}};
    return series_panel(t->out, &panel, t->arena, t->d);
}

static enum status write_together(const struct together *t)
{
    fputs("<h2 id=\"over-time\">Over time</h2>\n", t->out);
    run_page_panels_help(t->out);
    fputs("<div class=\"panels\">\n", t->out);
    enum status s = draw_gpus(t);
    if (!s)
        s = draw_attainment(t);
    fputs("</div>\n", t->out);
    return s;
}

/* ---- each of them ---- */

static enum status write_each(const struct together *t)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < t->whole->n && !s; i++) {
        const struct run_view *v = &t->files[i].view;
        fprintf(t->out, "<h2 id=\"deployment-%zu\">", i + 1);
        markup_text(t->out, t->whole->names[i]);
        fputs("</h2>\n", t->out);
        run_page_figures(v);
        if (v->causes)
            run_page_stories(v);
        s = run_page_draw_panels(v);
    }
    return s;
}

static void write_contents(const struct together *t)
{
    fputs("<nav aria-label=\"Contents\"><a href=\"#deployments\">Deployments</a>\n"
          "<a href=\"#over-time\">Over time</a>\n",
          t->out);
    for (size_t i = 0; i < t->whole->n; i++) {
        fprintf(t->out, "<a href=\"#deployment-%zu\">", i + 1);
        markup_text(t->out, t->whole->names[i]);
        fputs("</a>\n", t->out);
    }
    fputs("<a href=\"#grants\">Grants</a>\n<a href=\"#made\">How it was made</a>\n</nav>\n",
          t->out);
}

static void write_made(const struct together *t)
{
    fputs("<h2 id=\"made\">How it was made</h2>\n<p>From the files of <code>headroom run --out "
          "DIR</code>, version ",
          t->out);
    markup_text(t->out, t->whole->all.version);
    fprintf(t->out,
            ", seed %.0f; <code>headroom report DIR</code> makes it again. Figures are those of "
            "summary.json.</p>\n<p>Latencies over time are of windows of %.9g s%s. A panel of more "
            "than %d points shows the lowest and the highest of each stretch of time. Not on this "
            "page, and in requests.csv, workers.csv and decisions.jsonl: distributions of "
            "latencies, what each worker did, each decision, and the slowest requests. "
            "<code>headroom explain DIR --deployment NAME</code> has the causes in full.</p>\n",
            recorded_figure(&t->whole->all, "seed"), t->files[0].view.window_s,
            t->files[0].view.sampled, SERIES_MAX_POINTS);
}

/* ---- the page ---- */

static enum status write_page(const struct together *t)
{
    const struct recorded *all = &t->whole->all;
    const char *arbiter = recorded_text(all, "arbiter.type");
    const struct run_view v = {.run = all, .is_whole = true, .out = t->out, .arena = t->arena};

    series_page_begin(t->out, "headroom run", all->scenario);
    page_heading(t->out, all->scenario,
                 arena_printf(t->arena, "headroom run, %zu deployments, arbiter %s", t->whole->n,
                              arbiter ? arbiter : "not known"));
    run_page_figures(&v);
    write_contents(t);
    write_table(t);
    enum status s = write_together(t);
    if (!s)
        s = write_each(t);
    if (!s)
        s = run_page_grants(t->whole, t->out, t->arena, t->d);
    write_made(t);
    series_page_end(t->out);
    return s;
}

/* All have the same times, so that one zoom and one cursor is for all. */
static enum status find_windows(struct together *t)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < t->whole->n; i++)
        t->end_s = fmax(t->end_s, run_page_end_s(&t->files[i].view));
    for (size_t i = 0; i < t->whole->n && !s; i++) {
        struct run_files *f = &t->files[i];
        f->view.end_s = t->end_s;
        f->view.id_prefix = arena_printf(t->arena, "d%zu-", i + 1);
        s = f->view.id_prefix ? run_page_windows(&f->view, f->causes) : diag_nomem(t->d, "windows");
    }
    return s;
}

enum status run_page_deployments(const struct recorded_whole *whole, FILE *out, struct arena *arena,
                                 struct diag *d)
{
    struct together t = {whole, ARENA_NEW(arena, whole->n, struct run_files), 0, out, arena, d};

    if (!t.files)
        return diag_nomem(d, "deployments");
    enum status s = run_files_read(t.files, whole, out, arena, d);
    if (!s)
        s = find_windows(&t);
    if (!s)
        s = write_page(&t);
    for (size_t i = 0; i < whole->n; i++)
        run_files_release(&t.files[i]);
    return s;
}
