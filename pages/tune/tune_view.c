#include "pages/tune/tune_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status read_knobs(struct tune_view *v, const char *path, struct diag *d)
{
    enum status s = json_need(v->root, "vary", NODE_LIST, path, d);
    const struct yaml_node *list = yaml_node_child(v->root, "vary");

    if (s)
        return s;
    v->knobs = ARENA_NEW(v->arena, list->n, const char *);
    if (!v->knobs)
        return diag_nomem(d, "knobs");
    for (const struct yaml_node *knob = list->first; knob && !s; knob = knob->next) {
        s = json_need(knob, "key", NODE_TEXT, path, d);
        if (!s)
            v->knobs[v->n_knobs++] = json_text_of(knob, "key");
    }
    return s;
}

/* Those of the part it was found on, in their order. */
static enum status read_figures(struct tune_view *v, const char *path, struct diag *d)
{
    const struct yaml_node *found = yaml_node_child(v->root, "found_on");
    const struct yaml_node *setting = yaml_node_child(found, "recommended");
    enum status s = json_need(setting, "figures", NODE_MAP, path, d);
    const struct yaml_node *figures = yaml_node_child(setting, "figures");

    if (s)
        return s;
    v->figures = ARENA_NEW(v->arena, figures->n, struct page_figure);
    if (!v->figures)
        return diag_nomem(d, "figures");
    for (const struct yaml_node *node = figures->first; node && !s; node = node->next)
        s = page_figure_of(&v->figures[v->n_figures++], node->key, NULL, v->arena, d);
    return s;
}

static void add_goal(struct tune_view *v, const char *key, size_t length, const char *bound)
{
    size_t i = 0;

    while (i < v->n_figures &&
           (strncmp(v->figures[i].key, key, length) != 0 || v->figures[i].key[length]))
        i++;
    if (i == v->n_figures || v->n_goals == TUNE_MAX_GOALS)
        return;
    struct tune_view_goal goal = {i, bound, NAN};
    if (bound)
        goal.at = strtod(bound + length + strspn(bound + length, "<>= "), NULL);
    v->goals[v->n_goals++] = goal;
}

static void read_goals(struct tune_view *v)
{
    for (const struct yaml_node *o = json_items_of(v->root, "objectives"); o; o = o->next) {
        const char *key = json_text_of(o, "key");
        if (key)
            add_goal(v, key, strlen(key), NULL);
    }
    for (const struct yaml_node *c = json_items_of(v->root, "subject_to"); c; c = c->next) {
        if (c->kind == NODE_TEXT)
            add_goal(v, c->text, strcspn(c->text, "<>= "), c->text);
    }
}

enum status tune_view_read(struct tune_view *v, struct arena *arena, const char *dir,
                           struct diag *d)
{
    const char *path = arena_printf(arena, "%s/tune.json", dir);
    struct yaml_node *root;

    *v = (struct tune_view){.dir = dir, .arena = arena};
    enum status s =
        path ? json_read(&root, arena, path, "tune.json of a tune", d) : diag_nomem(d, "path");
    if (s)
        return s;
    v->root = root;
    s = json_need(root, "scenario", NODE_TEXT, path, d);
    if (!s)
        s = json_need(root, "judged_on", NODE_MAP, path, d);
    if (!s)
        s = json_need(root, "verdict", NODE_TEXT, path, d);
    if (!s)
        s = read_knobs(v, path, d);
    if (!s)
        s = read_figures(v, path, d);
    if (!s)
        read_goals(v);
    return s;
}

struct page_value tune_view_value(const struct tune_view *v, const struct yaml_node *setting,
                                  size_t figure)
{
    const struct yaml_node *figures = yaml_node_child(setting, "figures");
    const struct yaml_node *value = yaml_node_child(figures, v->figures[figure].key);

    return (struct page_value){json_number_of(value, "mean"), json_number_of(value, "low"),
                               json_number_of(value, "high")};
}

const char *tune_view_knob(const struct tune_view *v, const struct yaml_node *setting, size_t knob)
{
    const struct yaml_node *settings = yaml_node_child(setting, "settings");
    const struct yaml_node *value = yaml_node_child(settings, v->knobs[knob]);

    return value ? value->text : NULL;
}

const char *tune_view_text(const struct tune_view *v, const struct yaml_node *setting)
{
    const char *text = "";

    for (size_t k = 0; k < v->n_knobs && text; k++) {
        const char *value = tune_view_knob(v, setting, k);
        if (value)
            text = arena_printf(v->arena, "%s%s%s=%s", text, *text ? ", " : "", v->knobs[k], value);
    }
    return text;
}

bool tune_view_same(const struct tune_view *v, const struct yaml_node *a, const struct yaml_node *b)
{
    for (size_t k = 0; k < v->n_knobs; k++) {
        const char *x = tune_view_knob(v, a, k), *y = tune_view_knob(v, b, k);
        if (x != y && (!x || !y || strcmp(x, y) != 0))
            return false;
    }
    return true;
}
