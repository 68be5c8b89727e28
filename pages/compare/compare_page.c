#include "pages/compare/compare_page.h"

#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/html/series.h"
#include "pages/html/table.h"
#include "pages/svg/markup.h"
#include "util/units.h"

static void write_run(const struct compare_view *v, const struct compare_run *run, char letter)
{
    const struct recorded *r = &run->recorded;
    const char name[] = {letter, '\0'}, *generation = recorded_generation(r);

    html_row_begin(v->out);
    html_row_name(v->out, name);
    html_cell(v->out, run->input->name);
    html_cell(v->out, r->scenario);
    if (v->result->of_all)
        html_cell(v->out, r->deployment);
    html_cell(v->out,
              generation ? arena_printf(v->arena, "%s %s", r->policy, generation) : r->policy);
    html_cell_number(v->out, 6, ms_from_ns(r->ttft_target_ns));
    html_cell_number(v->out, 6, ms_from_ns(r->tpot_target_ns));
    html_row_end(v->out);
}

static void write_runs(const struct compare_view *v)
{
    static const char *const heads[] = {
        "run", "of", "scenario", "policy", "#TTFT target, ms", "#TPOT target, ms", NULL};
    static const char *const of_all[] = {
        "run", "of", "scenario", "deployment", "policy", "#TTFT target, ms", "#TPOT target, ms",
        NULL};
    const struct compare_result *r = v->result;

    html_table_begin(v->out, "Runs that are compared", r->of_all ? of_all : heads);
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct compare_run *run = &r->runs[i];
        if (run->recorded.n_pools) /* it has one deployment */
            write_run(v, run, compare_letter(run, r));
        for (size_t k = 0; k < r->n_deployments; k++)
            write_run(v, &r->deployments[k].runs[i], compare_letter(run, r));
    }
    html_table_end(v->out);
}

/* "B against A: decisions", "B against A: decisions, chat" */
static void write_head(const struct compare_view *v, const struct compare_pair *pair,
                       const char *what)
{
    fprintf(v->out, "<h2>%c against %c: %s", compare_letter(pair->b, v->result),
            compare_letter(pair->a, v->result), what);
    if (*v->id_prefix) {
        fputs(", ", v->out);
        markup_text(v->out, v->result->deployment);
    }
    fputs(v->result->of_all ? ", all deployments</h2>\n" : "</h2>\n", v->out);
}

static enum status write_figures(const struct compare_view *v, size_t pair)
{
    write_head(v, &v->result->pairs[pair], "figures");
    return compare_page_figures(v, &v->result->pairs[pair]);
}

static enum status write_pair(const struct compare_view *v, const struct compare_pair *pair)
{
    write_head(v, pair, "decisions");
    enum status s = compare_page_decisions(v, pair);
    write_head(v, pair, "requests that changed sides");
    return s ? s : compare_page_requests(v, pair);
}

static enum status write_courses(const struct compare_view *each, size_t n)
{
    const struct compare_view *v = each;
    enum status s = ST_OK;

    if (n == 0)
        return ST_OK;
    fprintf(v->out,
            "<h2>Over time</h2>\n<p>Windows of %.9g s, requests by their arrival. Drag to zoom, "
            "double-click to see all; with the keyboard: arrows, + and -, 0. A name hides its "
            "line.</p>\n",
            s_from_ns(v->result->options->window_ns));
    for (size_t i = 0; i < n && !s; i++) {
        if (*each[i].id_prefix) {
            fputs("<h3>", v->out);
            markup_text(v->out, each[i].result->deployment);
            fputs("</h3>\n", v->out);
        }
        s = compare_page_courses(&each[i]);
    }
    return s;
}

/* The views of what has courses: the deployments, or the only one. */
static enum status make_views(struct compare_view **views, size_t *n, const struct compare_view *v)
{
    const struct compare_result *r = v->result;
    size_t n_windows = 0;

    *n = r->of_all ? r->n_deployments : 1;
    *views = ARENA_NEW(v->arena, *n, struct compare_view);
    if (!*views)
        return diag_nomem(v->d, "page");
    for (size_t i = 0; i < *n; i++) {
        struct compare_view *to = &(*views)[i];
        *to = *v;
        if (r->of_all) {
            to->result = &r->deployments[i];
            to->id_prefix = arena_printf(v->arena, "d%zu-", i + 1);
        }
        if (!to->id_prefix)
            return diag_nomem(v->d, "page");
        for (size_t k = 0; k < r->n_runs; k++) {
            size_t own = to->result->runs[k].n_windows;
            n_windows = own > n_windows ? own : n_windows;
        }
    }
    for (size_t i = 0; i < *n; i++)
        (*views)[i].n_windows = n_windows;
    return ST_OK;
}

static enum status write_page(const struct compare_view *v, const struct compare_view *each,
                              size_t n)
{
    const struct compare_result *r = v->result;
    enum status s = ST_OK;

    write_runs(v);
    for (size_t i = 0; i < r->n_pairs && !s; i++) {
        s = write_figures(v, i);
        for (size_t k = 0; k < n && r->of_all && !s; k++)
            s = write_figures(&each[k], i);
    }
    if (!s)
        s = write_courses(each, n);
    for (size_t i = 0; i < r->n_pairs && !s; i++) {
        for (size_t k = 0; k < n && !s; k++)
            s = write_pair(&each[k], &each[k].result->pairs[i]);
    }
    return s;
}

enum status compare_page_write(const struct compare_result *result, FILE *out, struct arena *arena,
                               struct diag *d)
{
    const struct compare_view v = {result, "", 0, out, arena, d};
    struct compare_view *each;
    size_t n;

    enum status s = make_views(&each, &n, &v);
    if (s)
        return s;
    series_page_begin(out, "headroom compare", "headroom compare");
    page_heading(out, "headroom compare",
                 result->deployment ? arena_printf(arena, "deployment %s", result->deployment)
                                    : NULL);
    s = write_page(&v, each, n);
    series_page_end(out);
    return s;
}
