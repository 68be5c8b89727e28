#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/markup.h"
#include "reports/capacity.h"
#include "reports/causes/causes_report.h"

void run_page_stories(const struct run_view *v)
{
    enum { MOST = 3 };
    char story[CAUSE_STORY_SIZE];

    for (int kind = 0; kind < N_MISS_KINDS; kind++) {
        cause_story(story, v->causes, (enum miss_kind)kind, MOST, v->run->n_pools, v->run->pools);
        if (!*story)
            continue;
        fputs("<p>", v->out);
        markup_text(v->out, story);
        fputs(".</p>\n", v->out);
    }
}

static void write_table(const struct run_view *v)
{
    static const char *const heads[] = {
        "cause", "#requests", "#share", "#above, ms", "what would have helped", NULL};
    const struct cause_summary *y = v->causes;
    char text[MARKUP_NUMBER_SIZE];

    html_table_begin(v->out, "Causes of the requests that missed, and by how much (median)", heads);
    for (int i = 0; i < N_CAUSES && y->of[y->order[i]].requests; i++) {
        enum cause c = y->order[i];
        const struct cause_total *total = &y->of[c];
        double share = (double)total->requests / (double)y->missed;
        html_row_begin(v->out);
        html_row_name(v->out, cause_text(c));
        html_cell_number(v->out, 12, (double)total->requests);
        html_cell_sorted(v->out, share, markup_value(text, SVG_PERCENT, share));
        html_cell_number(v->out, 5, total->median_excess_ms);
        html_cell(v->out, cause_help(c));
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static void write_capacity(const struct run_view *v)
{
    char text[CAPACITY_SENTENCE_SIZE];

    for (size_t p = 0; p < v->run->n_pools; p++) {
        struct capacity_total t;
        if (!recorded_capacity(&t, v->run, p))
            continue;
        fputs(p ? "; " : "<p>Capacity: ", v->out);
        markup_text(v->out, capacity_sentence(text, &t, v->run->pools[p]));
        fputs(p + 1 == v->run->n_pools ? ".</p>\n" : "", v->out);
    }
}

enum status run_page_causes(const struct run_view *v)
{
    if (!v->causes || !v->causes->missed)
        return ST_OK;
    fputs("<h2 id=\"why\">Why</h2>\n", v->out);
    run_page_stories(v);
    write_capacity(v);
    write_table(v);
    return run_page_cause_bars(v);
}
