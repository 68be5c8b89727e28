#include <stdlib.h>

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
    fprintf(v->out,
            "<p>Not all of the run is here. Latencies over time are of windows of %.9g s, their "
            "distributions at %d quantiles, and %d requests are named; a panel of more than %d "
            "points shows the lowest and the highest of each stretch of time. Counts, means and "
            "maxima are of all requests%s%s. requests.csv, timeline.csv, workers.csv and "
            "decisions.jsonl have everything.</p>\n",
            v->window_s, RUN_N_QUANTILES, RUN_N_SLOWEST, SERIES_MAX_POINTS,
            *v->sampled ? ", other quantiles" : "", v->sampled);
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
    run_page_slowest(v);
    return s;
}

static enum status write_page(struct run_view *v)
{
    enum status s;

    series_page_begin(v->out, "headroom run", v->run->scenario);
    page_heading(v->out, v->run->scenario,
                 arena_printf(v->arena, "headroom run, policy %s", v->run->policy));
    run_page_figures(v);
    s = run_page_causes(v);
    write_contents(v->out);
    if (!s)
        s = write_parts(v);
    write_made(v);
    series_page_end(v->out);
    return s;
}

/* ---- out of its files ---- */

static enum status visit_request(void *context, const struct recorded_request *q,
                                 const struct request_parts *parts, struct diag *d)
{
    struct run_files *f = context;
    enum status s = run_requests_add(&f->requests, q, parts, d);

    if (s || !parts)
        return s;
    if (!f->causes)
        f->causes = recorded_causes_new(&f->run);
    if (!f->causes)
        return diag_nomem(d, "causes");
    const struct request_record record = recorded_record(q, parts);
    return causes_add_request(f->causes, &record, d);
}

static enum status read_files(struct run_files *files, const struct recorded_whole *whole,
                              struct arena *arena, struct diag *d)
{
    struct recorded_visitor *visitors = ARENA_NEW(arena, whole->n, struct recorded_visitor);
    struct recorded **runs = ARENA_NEW(arena, whole->n, struct recorded *);

    if (whole->n == 0) {
        const struct recorded_visitor visitor = {files, visit_request};
        return recorded_visit(&files->run, arena, whole->all.dir, NULL, &visitor, d);
    }
    if (!visitors || !runs)
        return diag_nomem(d, "deployments");
    for (size_t i = 0; i < whole->n; i++) {
        visitors[i] = (struct recorded_visitor){&files[i], visit_request};
        runs[i] = &files[i].run;
    }
    return recorded_read_each(runs, arena, whole, visitors, d);
}

enum status run_files_read(struct run_files *files, const struct recorded_whole *whole, FILE *out,
                           struct arena *arena, struct diag *d)
{
    size_t n = whole->n ? whole->n : 1;

    for (size_t i = 0; i < n; i++)
        files[i] = (struct run_files){.view = {.run = &files[i].run,
                                               .requests = &files[i].requests,
                                               .id_prefix = "",
                                               .out = out,
                                               .arena = arena,
                                               .d = d}};
    enum status s = read_files(files, whole, arena, d);
    for (size_t i = 0; i < n && !s; i++) {
        struct run_files *f = &files[i];
        if (f->causes) {
            s = recorded_causes_finish(f->causes, &f->summary, &f->run, d);
            f->view.causes = &f->summary;
        }
        if (!s)
            s = recorded_read_windows(&f->run, arena, d);
    }
    return s;
}

void run_files_release(struct run_files *f)
{
    causes_free(f->causes);
    run_requests_release(&f->requests);
}

static enum status write_one(const struct recorded_whole *whole, FILE *out, struct arena *arena,
                             struct diag *d)
{
    struct run_files files;

    enum status s = run_files_read(&files, whole, out, arena, d);
    if (!s)
        s = run_page_windows(&files.view, files.causes);
    if (!s)
        s = write_page(&files.view);
    run_files_release(&files);
    return s;
}

enum status run_page_write(const char *dir, FILE *out, struct diag *d)
{
    struct recorded_whole whole;
    struct arena arena;

    arena_init(&arena);
    enum status s = recorded_read_whole(&whole, &arena, dir, d);
    if (!s)
        s = whole.n ? run_page_deployments(&whole, out, &arena, d)
                    : write_one(&whole, out, &arena, d);
    arena_release(&arena);
    return s;
}

/* ---- out of the run ---- */

struct run_page {
    struct run_watcher watcher;
    int64_t ttft_target_ns, tpot_target_ns;
    struct collected *collected;
    struct run_requests requests;
};

static void begin(void *context, const struct run_info *info)
{
    struct run_page *page = context;

    page->ttft_target_ns = info->ttft_target_ns;
    page->tpot_target_ns = info->tpot_target_ns;
}

static enum status on_request(void *context, const struct request_record *q, struct diag *d)
{
    struct run_page *page = context;
    const struct recorded_request request =
        collected_request(q, page->ttft_target_ns, page->tpot_target_ns);

    return run_requests_add(&page->requests, &request, q->parts, d);
}

static enum status on_sample(void *context, const struct sample_record *s, struct diag *d)
{
    return collected_sample(((struct run_page *)context)->collected, s, d);
}

static enum status on_decision(void *context, const struct decision_record *r, struct diag *d)
{
    return collected_decision(((struct run_page *)context)->collected, r, d);
}

static enum status on_worker(void *context, const struct worker_record *w, struct diag *d)
{
    return collected_worker(((struct run_page *)context)->collected, w, d);
}

struct run_page *run_page_new(void)
{
    struct run_page *page = calloc(1, sizeof *page);

    if (!page)
        return NULL;
    page->collected = collected_new();
    page->watcher = (struct run_watcher){.context = page,
                                         .begin = begin,
                                         .observer = {.context = page,
                                                      .request = on_request,
                                                      .sample = on_sample,
                                                      .decision = on_decision,
                                                      .worker = on_worker}};
    if (page->collected)
        return page;
    run_page_free(page);
    return NULL;
}

void run_page_free(struct run_page *page)
{
    if (!page)
        return;
    collected_free(page->collected);
    causes_free(page->watcher.causes);
    run_requests_release(&page->requests);
    free(page);
}

struct run_watcher *run_page_watcher(struct run_page *page)
{
    return &page->watcher;
}

enum status run_page_finish(struct run_page *page, const char *dir,
                            const struct cause_summary *causes, FILE *out, struct diag *d)
{
    struct recorded run;
    struct arena arena;

    arena_init(&arena);
    struct run_view v = {.run = &run,
                         .requests = &page->requests,
                         .id_prefix = "",
                         .out = out,
                         .arena = &arena,
                         .d = d,
                         .causes = page->requests.has_parts ? causes : NULL};
    enum status s = collected_finish(&run, page->collected, &arena, dir, d);
    if (!s)
        s = recorded_read_windows(&run, &arena, d);
    if (!s)
        s = run_page_windows(&v, v.causes ? page->watcher.causes : NULL);
    if (!s)
        s = write_page(&v);
    arena_release(&arena);
    return s;
}
