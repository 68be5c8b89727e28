#include "pages/html/page.h"
#include "pages/html/series.h"
#include "pages/html/table.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/markup.h"

static const struct {
    const char *id, *name;
} sections[] = {{"over-time", "Over time"},      {"parts-of-ttft", "Where the time went"},
                {"latencies", "Latencies"},      {"gpus", "GPU-hours"},
                {"workers", "Workers"},          {"decisions", "Decisions"},
                {"slowest", "Slowest requests"}, {"made", "How it was made"}};

static void write_contents(FILE *out)
{
    fputs("<nav aria-label=\"Contents\">", out);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        fprintf(out, "<a href=\"#%s\">%s</a>\n", sections[i].id, sections[i].name);
    fputs("</nav>\n", out);
}

/* No time of day and no path: the same run gives the same page. */
static void write_made(const struct run_view *v)
{
    static const char *const heads[] = {"what", "value", NULL};
    char seed[MARKUP_NUMBER_SIZE];
    const char *const rows[][2] = {{"headroom", v->run->version},
                                   {"scenario", v->run->scenario},
                                   {"policy", v->run->policy},
                                   {"digest of the trace", v->run->trace_digest},
                                   {"seed", seed}};

    snprintf(seed, sizeof seed, "%.0f", recorded_figure(v->run, "seed"));
    fputs("<h2 id=\"made\">How it was made</h2>\n<p>From the files of <code>headroom run --out "
          "DIR</code>; <code>headroom report DIR</code> makes it again. Figures are those of "
          "summary.json.</p>\n",
          v->out);
    html_table_begin(v->out, "What the run was of", heads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        html_row_begin(v->out);
        html_row_name(v->out, rows[i][0]);
        html_cell(v->out, rows[i][1]);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static enum status write_parts(const struct run_view *v)
{
    enum status s = run_page_panels(v);

    if (!s)
        s = run_page_parts(v);
    if (!s)
        s = run_page_distributions(v);
    run_page_gpu_hours(v);
    if (!s)
        s = run_page_workers(v);
    run_page_decisions(v);
    return s ? s : run_page_slowest(v);
}

static enum status write_page(struct run_view *v)
{
    enum status s;

    series_page_begin(v->out, "headroom run", v->run->scenario);
    page_heading(v->out, v->run->scenario,
                 arena_printf(v->arena, "headroom run, policy %s", v->run->policy));
    run_page_figures(v);
    run_page_causes(v);
    write_contents(v->out);
    s = write_parts(v);
    write_made(v);
    series_page_end(v->out);
    return s;
}

/* The run, where its time went, why it missed. */
static enum status read(struct run_view *v, struct recorded *run, const char *dir)
{
    struct cause_summary *summary = ARENA_NEW(v->arena, 1, struct cause_summary);
    struct causes *causes = NULL;
    enum status s = summary ? recorded_read(run, v->arena, dir, v->d) : diag_nomem(v->d, "causes");

    if (!s)
        s = recorded_read_parts(run, v->arena, v->d);
    if (!s && run->parts) {
        s = recorded_causes(&causes, summary, run, v->d);
        v->causes = summary;
    }
    if (!s)
        s = run_page_windows(v, causes);
    causes_free(causes);
    return s;
}

enum status run_page_write(const char *dir, FILE *out, struct diag *d)
{
    struct recorded run;
    struct arena arena;

    arena_init(&arena);
    struct run_view v = {.run = &run, .out = out, .arena = &arena, .d = d};
    enum status s = read(&v, &run, dir);
    if (!s)
        s = write_page(&v);
    arena_release(&arena);
    return s;
}
