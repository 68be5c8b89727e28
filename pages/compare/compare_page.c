#include "pages/compare/compare_page.h"

#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/html/series.h"
#include "pages/html/table.h"
#include "pages/svg/markup.h"
#include "util/units.h"

static void write_runs(const struct compare_view *v)
{
    static const char *const heads[] = {
        "run", "of", "scenario", "policy", "#TTFT target, ms", "#TPOT target, ms", NULL};

    html_table_begin(v->out, "Runs that are compared", heads);
    for (size_t i = 0; i < v->result->n_runs; i++) {
        const struct compare_run *run = &v->result->runs[i];
        const char name[] = {compare_letter(run, v->result), '\0'};
        html_row_begin(v->out);
        html_row_name(v->out, name);
        html_cell(v->out, run->input->name);
        html_cell(v->out, run->recorded.scenario);
        html_cell(v->out, run->recorded.policy);
        html_cell_number(v->out, 6, ms_from_ns(run->recorded.ttft_target_ns));
        html_cell_number(v->out, 6, ms_from_ns(run->recorded.tpot_target_ns));
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static enum status write_figures(const struct compare_view *v, const struct compare_pair *pair)
{
    fprintf(v->out, "<h2>%c against %c: figures</h2>\n", compare_letter(pair->b, v->result),
            compare_letter(pair->a, v->result));
    return compare_page_figures(v, pair);
}

static enum status write_pair(const struct compare_view *v, const struct compare_pair *pair)
{
    char a = compare_letter(pair->a, v->result), b = compare_letter(pair->b, v->result);

    fprintf(v->out, "<h2>%c against %c: decisions</h2>\n", b, a);
    enum status s = compare_page_decisions(v, pair);
    fprintf(v->out, "<h2>%c against %c: requests that changed sides</h2>\n", b, a);
    return s ? s : compare_page_requests(v, pair);
}

enum status compare_page_write(const struct compare_result *result, FILE *out, struct arena *arena,
                               struct diag *d)
{
    const struct compare_view v = {result, out, arena, d};
    enum status s = ST_OK;

    series_page_begin(out, "headroom compare", "headroom compare");
    page_heading(out, "headroom compare",
                 result->options->deployment
                     ? arena_printf(arena, "deployment %s", result->options->deployment)
                     : NULL);
    write_runs(&v);
    for (size_t i = 0; i < result->n_pairs && !s; i++)
        s = write_figures(&v, &result->pairs[i]);
    fputs("<h2>Over time</h2>\n", out);
    if (!s)
        s = compare_page_courses(&v);
    for (size_t i = 0; i < result->n_pairs && !s; i++)
        s = write_pair(&v, &result->pairs[i]);
    series_page_end(out);
    return s;
}
