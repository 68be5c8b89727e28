#include "pages/tune/tune_page.h"

#include <math.h>
#include <string.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/markup.h"
#include "pages/tune/tune_view.h"

/* The first sentence, and the others below it. */
static void write_verdict(FILE *out, const struct tune_view *v)
{
    const struct yaml_node *sentence = json_items_of(v->root, "sentences");
    bool holds = json_flag_of(v->root, "holds") && json_flag_of(v->root, "judged_holds");

    page_verdict_begin(out, holds ? PAGE_HELD : PAGE_MISSED);
    fputs("<strong>", out);
    markup_text(out, sentence ? sentence->text : json_text_of(v->root, "verdict"));
    fputs("</strong></p>\n", out);
    for (sentence = sentence ? sentence->next : NULL; sentence; sentence = sentence->next)
        page_text(out, "p", "%s", sentence->text);
}

static void write_knobs(FILE *out, const struct tune_view *v)
{
    static const char *const heads[] = {"knob", "range", "own", "recommended", NULL};
    const struct yaml_node *found = yaml_node_child(v->root, "found_on");
    size_t i = 0;

    page_text(out, "h2", "Recommended");
    html_table_begin(out, "The recommended setting beside the scenario's own", heads);
    for (const struct yaml_node *k = json_items_of(v->root, "vary"); k; k = k->next, i++) {
        html_row_begin(out);
        html_row_name(out, v->knobs[i]);
        html_cell(out, json_text_of(k, "spec"));
        html_cell(out, tune_view_knob(v, yaml_node_child(found, "default"), i));
        html_cell(out, tune_view_knob(v, yaml_node_child(found, "recommended"), i));
        html_row_end(out);
    }
    html_table_end(out);
}

/* "0 to 2,122 s", or nothing where there is no trace to have parts. */
static const char *part_text(char out[VALUE_TEXT_SIZE], const struct yaml_node *part)
{
    char from[MARKUP_NUMBER_SIZE], to[MARKUP_NUMBER_SIZE];
    double from_s = json_number_of(part, "from_s"), to_s = json_number_of(part, "to_s");

    *out = '\0';
    if (isfinite(from_s) && isfinite(to_s))
        snprintf(out, VALUE_TEXT_SIZE, ", %s to %s s", markup_figure(from, from_s),
                 markup_figure(to, to_s));
    return out;
}

static void write_holds(FILE *out, const struct yaml_node *setting)
{
    double holds = json_number_of(setting, "holds");
    char text[VALUE_TEXT_SIZE] = "-";

    if (isfinite(holds))
        snprintf(text, sizeof text, "%.0f %%", 100 * holds);
    html_cell_sorted(out, holds, text);
}

static void write_part(FILE *out, const struct tune_view *v, const char *key, const char *title)
{
    static const char *const heads[] = {"figure", "#own settings", "#recommended", "#difference",
                                        NULL};
    const struct yaml_node *part = yaml_node_child(v->root, key);
    const struct yaml_node *own = yaml_node_child(part, "default");
    const struct yaml_node *recommended = yaml_node_child(part, "recommended");
    const struct yaml_node *differences = yaml_node_child(part, "differences");
    char caption[2 * VALUE_TEXT_SIZE], span[VALUE_TEXT_SIZE];

    snprintf(caption, sizeof caption, "%s%s", title, part_text(span, part));
    html_table_begin(out, caption, heads);
    for (size_t i = 0; i < v->n_figures; i++) {
        const struct yaml_node *d = yaml_node_child(differences, v->figures[i].key);
        enum svg_scale scale = v->figures[i].scale;
        struct page_value a = tune_view_value(v, own, i), b = tune_view_value(v, recommended, i);
        struct page_value difference = {json_number_of(d, "mean"), json_number_of(d, "low"),
                                        json_number_of(d, "high")};
        html_row_begin(out);
        html_row_name(out, v->figures[i].name);
        html_cell_value(out, scale, &a);
        html_cell_value(out, scale, &b);
        html_cell_difference(out, scale, &difference);
        html_row_end(out);
    }
    html_row_begin(out);
    html_row_name(out, "bounds are kept in");
    write_holds(out, own);
    write_holds(out, recommended);
    html_cell_sorted(out, NAN, "");
    html_row_end(out);
    html_table_end(out);
}

/* What it was asked. */
static void write_question(FILE *out, const struct tune_view *v)
{
    const struct yaml_node *root = v->root;

    page_text(out, "h2", "What was asked");
    fputs("<ul>\n", out);
    for (const struct yaml_node *o = json_items_of(root, "objectives"); o; o = o->next)
        page_text(out, "li", "%s %s", json_text_of(o, "aim"), json_text_of(o, "key"));
    for (const struct yaml_node *c = json_items_of(root, "subject_to"); c; c = c->next)
        page_text(out, "li", "keep %s in %.0f %% of fresh traffic", c->text,
                  100 * json_number_of(root, "confidence"));
    page_text(out, "li", "%.0f runs of %.0f settings, by %s", json_number_of(root, "runs"),
              json_number_of(root, "settings"), json_text_of(root, "method"));
    if (json_number_of(root, "failed") > 0)
        page_text(out, "li", "%.0f settings could not be run; trials.csv says why",
                  json_number_of(root, "failed"));
    fputs("</ul>\n", out);
}

static enum status write_page(FILE *out, const struct tune_view *v, struct diag *d)
{
    const char *name = json_text_of(v->root, "scenario");
    const char *title = arena_printf(v->arena, "Tune of %s", name);

    if (!title)
        return diag_nomem(d, "page");
    page_begin(out, "headroom tune", title);
    page_heading(out, title, "Settings that cost little and keep what was promised");
    write_verdict(out, v);
    write_knobs(out, v);
    page_text(out, "h2", "Recommended against own settings");
    page_text(out, "p",
              "On the same replicates of the traffic; \xc2\xb1: 95 %% interval of the mean. "
              "The search has not seen the part that is judged on.");
    write_part(out, v, "judged_on", "Judged");
    write_part(out, v, "found_on", "Found");
    enum status s = tune_chart_front(out, v, d);
    if (!s)
        s = tune_chart_knobs(out, v, d);
    write_question(out, v);
    page_end(out);
    return s;
}

enum status tune_page_write(const char *dir, FILE *out, struct diag *d)
{
    struct tune_view view;
    struct arena arena;

    arena_init(&arena);
    enum status s = tune_view_read(&view, &arena, dir, d);
    if (!s)
        s = write_page(out, &view, d);
    arena_release(&arena);
    return s;
}
