#include "pages/size/size_page.h"

#include <math.h>

#include "pages/html/page.h"
#include "pages/size/size_view.h"
#include "pages/svg/markup.h"

static const char expected[] = "the JSON of headroom size";

/* The cheapest at each load, or that there is none. */
static void write_verdict(FILE *out, const struct size_view *v)
{
    bool holds = true;
    double missing = json_number_of(v->root, "survive");
    char number[MARKUP_NUMBER_SIZE];

    for (size_t l = 0; l < v->n_loads; l++)
        holds = holds && size_view_cheapest(v, v->loads[l]);
    page_verdict_begin(out, holds && v->n_loads ? PAGE_HELD : PAGE_MISSED);
    for (size_t l = 0; l < v->n_loads; l++) {
        const struct size_view_choice *c = size_view_cheapest(v, v->loads[l]);
        fprintf(out, "%sAt %g times the load: ", l ? "<br>" : "", v->loads[l]);
        if (!c) {
            fputs("<strong>no fleet meets the target</strong>.", out);
            continue;
        }
        fputs("<strong>", out);
        markup_text(out, size_view_gpus(v, json_number_of(c->node, "gpus")));
        fputs("</strong>, ", out);
        markup_text(out, c->name);
        if (isfinite(json_number_of(c->node, "cost_per_day"))) {
            fprintf(out, ", %s ", markup_figure(number, json_number_of(c->node, "cost_per_day")));
            markup_text(out, v->currency);
            fputs(" a day", out);
        }
        fputs(".", out);
    }
    if (!v->n_loads)
        fputs("<strong>No choice could be run.</strong>", out);
    fputs("</p>\n", out);
    page_text(out, "p", "The smallest static fleets with %s%s.", json_text_of(v->root, "target"),
              missing > 0 ? ", also with workers of a pool missing (--survive)" : "");
    page_text(out, "p",
              "~, in another colour: cannot be told from the cheapest. Range: where the answer "
              "lies in other "
              "courses of the traffic, or with an engine as fast and as slow as the "
              "measured ones; none: no number of such engines is enough. Spare: so much "
              "more load the fleet carries.");
}

static enum status write_page(FILE *out, const struct size_view *v, struct diag *d)
{
    const char *name = json_text_of(v->root, "scenario");
    const char *title = arena_printf(v->arena, "Size of %s", name ? name : "a fleet");
    enum status s = ST_OK;

    if (!title)
        return diag_nomem(d, "page");
    page_begin(out, "headroom size", title);
    page_heading(out, title, "How many GPUs, and of which kind");
    write_verdict(out, v);
    s = size_page_what_if(out, v, d);
    for (size_t l = 0; l < v->n_loads && !s; l++)
        s = size_page_load(out, v, l, d);
    if (!s)
        s = size_page_growth(out, v, d);
    size_page_autoscaled(out, v);
    if (!s)
        s = size_page_bounded(out, v, d);
    if (v->n)
        size_page_trust(out, v);
    size_page_left_out(out, v);
    page_end(out);
    return s;
}

static enum status write_tree(const struct yaml_node *root, struct arena *arena, const char *path,
                              FILE *out, struct diag *d)
{
    struct size_view view;

    enum status s = size_view_make(&view, arena, root, path, d);
    return s ? s : write_page(out, &view, d);
}

enum status size_page_write_text(const char *name, const char *json, size_t n, FILE *out,
                                 struct diag *d)
{
    struct yaml_node *root;
    struct arena arena;

    arena_init(&arena);
    enum status s = json_parse(&root, &arena, name, json, n, expected, d);
    if (!s)
        s = write_tree(root, &arena, name, out, d);
    arena_release(&arena);
    return s;
}

enum status size_page_write(const char *path, FILE *out, struct diag *d)
{
    struct yaml_node *root;
    struct arena arena;

    arena_init(&arena);
    enum status s = json_read(&root, &arena, path, expected, d);
    if (!s)
        s = write_tree(root, &arena, path, out, d);
    arena_release(&arena);
    return s;
}
