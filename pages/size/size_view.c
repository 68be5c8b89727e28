#include "pages/size/size_view.h"

#include <math.h>
#include <string.h>

#include "pages/svg/markup.h"

const char *size_view_name(const struct size_view *v, const struct yaml_node *choice)
{
    const char *topology = json_text_of(choice, "topology");
    const char *profile = json_text_of(choice, "profile");
    const char *decode = json_text_of(choice, "decode_profile");

    return arena_printf(v->arena, "%s %s%s%s", topology ? topology : "", profile ? profile : "",
                        decode ? " + " : "", decode ? decode : "");
}

/* "13", or "4+2" of several pools. */
static const char *workers_of(const struct yaml_node *choice, struct arena *arena)
{
    const struct yaml_node *pools = yaml_node_child(choice, "workers");
    const char *text = "";

    for (const struct yaml_node *p = pools ? pools->first : NULL; p && text; p = p->next)
        text = arena_printf(arena, "%s%s%s", text, *text ? "+" : "", p->text ? p->text : "-");
    return text;
}

static enum status add_choices(struct size_view *v, struct size_view_choice *to, const char *key,
                               bool reached, struct diag *d)
{
    for (const struct yaml_node *c = json_items_of(v->root, key); c; c = c->next) {
        struct size_view_choice choice = {c, size_view_name(v, c), workers_of(c, v->arena),
                                          json_number_of(c, "scale_load"), reached};
        size_t i = 0;
        if (!choice.name || !choice.workers)
            return diag_nomem(d, "choices");
        to[v->n++] = choice;
        while (i < v->n_loads && v->loads[i] != choice.load)
            i++;
        if (i == v->n_loads && i < SIZE_VIEW_MAX_LOADS && isfinite(choice.load))
            v->loads[v->n_loads++] = choice.load;
    }
    return ST_OK;
}

static void sort_loads(struct size_view *v)
{
    for (size_t i = 1; i < v->n_loads; i++) {
        double load = v->loads[i];
        size_t at = i;
        for (; at > 0 && v->loads[at - 1] > load; at--)
            v->loads[at] = v->loads[at - 1];
        v->loads[at] = load;
    }
}

enum status size_view_make(struct size_view *v, struct arena *arena, const struct yaml_node *root,
                           const char *path, struct diag *d)
{
    const struct yaml_node *choices = yaml_node_child(root, "choices");
    const struct yaml_node *others = yaml_node_child(root, "unreachable");

    *v = (struct size_view){.root = root, .arena = arena};
    enum status s = json_need(root, "target", NODE_TEXT, path, d);
    if (!s)
        s = json_need(root, "choices", NODE_LIST, path, d);
    if (!s)
        s = json_need(root, "unreachable", NODE_LIST, path, d);
    if (s)
        return s;
    v->currency = json_text_of(root, "currency");
    v->currency = v->currency ? v->currency : "cost";
    struct size_view_choice *to = ARENA_NEW(arena, choices->n + others->n, struct size_view_choice);
    v->choices = to;
    if (!to)
        return diag_nomem(d, "choices");
    s = add_choices(v, to, "choices", true, d);
    if (!s)
        s = add_choices(v, to, "unreachable", false, d);
    sort_loads(v);
    return s;
}

const struct size_view_choice *size_view_cheapest(const struct size_view *v, double load)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->choices[i].reached && v->choices[i].load == load)
            return &v->choices[i];
    }
    return NULL;
}

const struct size_view_choice *size_view_at(const struct size_view *v, const char *name,
                                            double load)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct size_view_choice *c = &v->choices[i];
        if (c->reached && c->load == load && strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

const char *size_view_gpus(const struct size_view *v, double n)
{
    char number[MARKUP_NUMBER_SIZE];

    return arena_printf(v->arena, "%s GPU%s", markup_figure(number, n), n == 1 ? "" : "s");
}
