#include "pages/sweep/sweep_page.h"

#include <inttypes.h>
#include <math.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/markup.h"
#include "pages/sweep/sweep_charts.h"
#include "util/text.h"

/* From the worst to the best mean of a setting. */
static void write_span(FILE *out, const struct settings *st, size_t figure)
{
    const struct page_figure *f = &st->figures[figure];
    const struct setting *low = NULL, *high = NULL;
    char a[MARKUP_NUMBER_SIZE], b[MARKUP_NUMBER_SIZE];

    for (size_t i = 0; i < st->n; i++) {
        const struct setting *of = &st->of[i];
        double mean = of->figures[figure].mean;
        if (!isfinite(mean))
            continue;
        if (!low || mean < low->figures[figure].mean)
            low = of;
        if (!high || mean > high->figures[figure].mean)
            high = of;
    }
    if (!low)
        return;
    page_text(out, "p", "%s: %s (setting %" PRIu64 ") to %s (setting %" PRIu64 ").", f->name,
              markup_value(a, f->scale, low->figures[figure].mean), low->variant,
              markup_value(b, f->scale, high->figures[figure].mean), high->variant);
}

static void write_verdict(FILE *out, const struct settings *st)
{
    const struct sweep_shard *shard = &st->definition.shard;
    char runs[TEXT_FIGURE_SIZE], failed[TEXT_FIGURE_SIZE], settings[TEXT_FIGURE_SIZE];

    page_verdict_begin(out, st->n_failed ? PAGE_MISSED : PAGE_NEITHER);
    fprintf(out, "<strong>%s setting%s, %s run%s", text_grouped(settings, st->sweep.n_variants),
            st->sweep.n_variants > 1 ? "s" : "", text_grouped(runs, st->n_runs),
            st->n_runs > 1 ? "s" : "");
    if (st->n_failed)
        fprintf(out, ", %s of which failed (why: below)", text_grouped(failed, st->n_failed));
    fputs(".</strong>", out);
    if (st->n_effects && st->n_figures && st->effects[0].share[0] >= 0.005) {
        fputs("<br>", out);
        markup_text(out, st->effects[0].key);
        fprintf(out, " matters most: it goes with %.0f %% of the variance of ",
                100 * st->effects[0].share[0]);
        markup_text(out, st->figures[0].key);
        fputs(" between settings.", out);
    }
    fputs("</p>\n", out);
    for (size_t i = 0; i < 2 && i < st->n_figures; i++)
        write_span(out, st, i);
    if (shard->of > 1)
        page_text(out, "p", "Shard %" PRIu64 " of %" PRIu64 " alone: merge them to see all.",
                  shard->i, shard->of);
    if (st->every > 1)
        page_text(out, "p", "One setting in %" PRIu64 " is looked at here.", st->every);
}

static enum status write_failures(FILE *out, const struct settings *st, struct arena *arena,
                                  struct diag *d)
{
    static const char *const heads[] = {"why", "#runs", "the first", NULL};

    if (!st->n_messages)
        return ST_OK;
    page_text(out, "h2", "Runs that failed");
    html_table_begin(out, "Why, and of which setting the first was", heads);
    for (size_t i = 0; i < st->n_messages; i++) {
        const struct settings_message *m = &st->messages[i];
        const char *text = settings_text(st, m->variant, arena);
        if (!text)
            return diag_nomem(d, "table");
        html_row_begin(out);
        html_row_name(out, m->text);
        html_cell_number(out, 9, (double)m->n);
        html_cell(out, text);
        html_row_end(out);
    }
    html_table_end(out);
    return ST_OK;
}

static void write_question(FILE *out, const struct settings *st)
{
    const struct sweep_definition *def = &st->definition;

    page_text(out, "h2", "What was run");
    fputs("<pre>headroom sweep ", out);
    markup_text(out, def->source.file.path);
    for (size_t i = 0; i < def->source.n_overlays; i++) {
        fputs(" --overlay ", out);
        markup_text(out, def->source.overlays[i].path);
    }
    for (size_t i = 0; i < def->source.n_overrides; i++) {
        fputs(" \\\n    --set ", out);
        markup_text(out, def->source.overrides[i].text);
    }
    for (size_t i = 0; i < def->n_vary; i++) {
        fputs(" \\\n    --vary ", out);
        markup_text(out, def->vary[i]);
    }
    const struct {
        const char *option;
        uint64_t n;
    } counts[] = {
        {"sample", def->n_sample}, {"seeds", def->n_seeds}, {"replicates", def->n_replicates}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].n)
            fprintf(out, " --%s %" PRIu64, counts[i].option, counts[i].n);
    }
    fputs("</pre>\n", out);
    page_text(
        out, "p",
        "results.csv has a row for each run, with its setting as 'variant'. A row is repeated "
        "by headroom run with its keys as --set KEY=VALUE, and --set replicate=R.");
}

static enum status write_page(FILE *out, const struct settings *st, struct arena *arena,
                              struct diag *d)
{
    const char *path = st->definition.source.file.path;
    const char *title = arena_printf(arena, "Sweep of %s", path);

    if (!title)
        return diag_nomem(d, "page");
    page_begin(out, "headroom sweep", title);
    page_heading(out, title, "Figures of each setting over its runs, and what each knob does");
    write_verdict(out, st);
    enum status s = sweep_chart_front(out, st, arena, d);
    if (!s)
        s = sweep_chart_heat_maps(out, st, arena, d);
    if (!s)
        s = sweep_chart_effects(out, st, arena, d);
    if (!s)
        s = write_failures(out, st, arena, d);
    write_question(out, st);
    page_end(out);
    return s;
}

enum status sweep_page_write(const char *dir, FILE *out, struct diag *d)
{
    struct settings settings;
    struct arena arena;

    arena_init(&arena);
    enum status s = settings_read(&settings, &arena, dir, d);
    if (!s)
        s = write_page(out, &settings, &arena, d);
    arena_release(&arena);
    return s;
}
