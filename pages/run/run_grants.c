/* What an arbiter granted, on the page of several deployments. */
#include <string.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/run/run_page_internal.h"
#include "planner/arbiter.h"
#include "util/text.h"
#include "util/units.h"

enum { MOST_GRANTS = 200 };

static const char *pools_text(const struct recorded_grant *g, struct arena *arena)
{
    const char *text = "";

    for (size_t p = 0; text && p < g->n_pools; p++)
        text = arena_printf(arena, "%s%s%s %lld \xe2\x86\x92 %lld, wanted %lld", text,
                            p ? "; " : "", g->pools[p].name, (long long)g->pools[p].before,
                            (long long)g->pools[p].granted, (long long)g->pools[p].wanted);
    return text;
}

/* How often each happened. */
static void write_counts(const struct recorded_grant *grants, size_t n, FILE *out)
{
    static const char *const heads[] = {"grant", "#times", "what it is", NULL};

    html_table_begin(out, "Grants by what they are", heads);
    for (int kind = 0; kind < N_GRANTS; kind++) {
        const char *name = grant_name((enum grant)kind);
        size_t n_of = 0;
        for (size_t i = 0; i < n; i++)
            n_of += grants[i].grant && strcmp(grants[i].grant, name) == 0;
        if (n_of == 0)
            continue;
        html_row_begin(out);
        html_row_name(out, name);
        html_cell_number(out, 12, (double)n_of);
        html_cell(out, grant_text((enum grant)kind));
        html_row_end(out);
    }
    html_table_end(out);
}

static enum status write_rows(const struct recorded_grant *grants, size_t n, FILE *out,
                              struct arena *arena, struct diag *d)
{
    static const char *const heads[] = {"#time", "deployment", "asked by",
                                        "grant", "workers",    NULL};

    html_table_begin(out, "What was granted", heads);
    for (size_t i = 0; i < n; i++) {
        const struct recorded_grant *g = &grants[i];
        const char *text = pools_text(g, arena);
        if (!text)
            return diag_nomem(d, "grants");
        html_row_begin(out);
        run_cell_time(out, g->at_ns);
        html_cell(out, g->deployment);
        html_cell(out, g->asker);
        html_cell(out, g->grant);
        html_cell(out, text);
        html_row_end(out);
    }
    html_table_end(out);
    return ST_OK;
}

enum status run_page_grants(const struct recorded_whole *whole, FILE *out, struct arena *arena,
                            struct diag *d)
{
    const struct recorded_grant *grants;
    size_t n;

    enum status s = recorded_read_grants(&grants, &n, arena, whole->all.dir, d);
    if (s)
        return s;
    fputs("<h2 id=\"grants\">Grants</h2>\n", out);
    if (n == 0) {
        page_note(out, "No arbiter granted anything: each deployment got what it asked for, as far "
                       "as nodes had room.");
        return ST_OK;
    }
    write_counts(grants, n, out);
    fputs("<p>Workers: their target before and after it, and how many were wanted.", out);
    if (n > MOST_GRANTS)
        fprintf(out, " The first %d of %zu; grants.jsonl has all.", MOST_GRANTS, n);
    fputs("</p>\n", out);
    return write_rows(grants, n < MOST_GRANTS ? n : MOST_GRANTS, out, arena, d);
}
