#include "scenarios/keys/layers.h"

#include <string.h>

#include "scenarios/text/yaml_tree.h"
#include "util/bug.h"

struct layers {
    struct yaml_node *root;
    struct arena *arena;
    struct diag *d;
};

/* ---- overlays and overrides ---- */

/* A map to put things into. What is there and is not a map is replaced, but for `router: NAME`,
 * which goes on to hold for the pools that are not named. */
static struct yaml_node *open_section(struct layers *l, struct yaml_node *parent, const char *key,
                                      struct source_pos at)
{
    struct yaml_node *found = yaml_node_child(parent, key);
    if (found && found->kind == NODE_MAP)
        return found;
    struct yaml_node *map = ARENA_NEW(l->arena, 1, struct yaml_node);
    if (!map)
        return NULL;
    map->kind = NODE_MAP;
    map->at = at;
    if (found && found->kind == NODE_TEXT && parent == l->root && strcmp(key, "router") == 0) {
        const struct yaml_node *pools = yaml_node_child(l->root, "pools");
        for (size_t i = 0; i < 3; i++) {
            if (!yaml_node_child(pools, pool_role_names[i]))
                continue;
            struct yaml_node *copy = yaml_node_copy(found, l->arena);
            if (!copy)
                return NULL;
            yaml_node_put(map, pool_role_names[i], found->key_at, copy);
        }
    }
    yaml_node_put(parent, key, at, map);
    return map;
}

static enum status apply_override(struct layers *l, const struct scenario_override *override)
{
    struct source_pos at = {.file = override->label};
    const char *equals = strchr(override->text, '=');
    struct yaml_node *value, *map = l->root;

    if (!equals || equals == override->text)
        return diag_fail_at(l->d, ST_INPUT, at,
                            "expected path=value, such as policy.min_endpoint=2");
    enum status s = yaml_tree_parse(&value, l->arena, override->label, equals + 1,
                                    strlen(equals + 1), true, l->d);
    if (s)
        return s;
    if (!value) { /* nothing after the sign */
        value = ARENA_NEW(l->arena, 1, struct yaml_node);
        if (!value)
            return diag_nomem(l->d, "override");
        value->at = at;
    }
    for (const char *p = override->text;;) {
        size_t n = strcspn(p, ".=");
        const char *key = arena_strndup(l->arena, p, n);
        if (!key)
            return diag_nomem(l->d, "override");
        if (n == 0)
            return diag_fail_at(l->d, ST_INPUT, at, "an empty name in the path");
        p += n;
        if (*p == '=') {
            yaml_node_put(map, key, at, value);
            return ST_OK;
        }
        p++;
        map = open_section(l, map, key, at);
        if (!map)
            return diag_nomem(l->d, "override");
    }
}

/* Values and lists of an overlay replace what is there, maps are merged. */
static enum status merge(struct layers *l, struct yaml_node *into, const struct yaml_node *from)
{
    enum status s = ST_OK;

    for (struct yaml_node *node = from->first, *next; node && !s; node = next) {
        next = node->next;
        node->next = NULL;
        if (node->kind != NODE_MAP) {
            yaml_node_put(into, node->key, node->key_at, node);
            continue;
        }
        struct yaml_node *map = open_section(l, into, node->key, node->key_at);
        s = map ? merge(l, map, node) : diag_nomem(l->d, "overlay");
    }
    return s;
}

static enum status read_map(struct yaml_node **map, struct layers *l,
                            const struct scenario_text *text, const char *expected)
{
    struct source_pos at = {.file = text->path};

    enum status s =
        yaml_tree_parse(map, l->arena, text->path, text->bytes, text->length, false, l->d);
    if (s)
        return s;
    if (!*map || (*map)->kind == NODE_NULL)
        return diag_fail_at(l->d, ST_INPUT, at, "empty; expected %s", expected);
    return (*map)->kind == NODE_MAP
               ? ST_OK
               : diag_fail_at(l->d, ST_INPUT, (*map)->at, "expected %s", expected);
}

static enum status apply_overlay(struct layers *l, const struct scenario_text *overlay)
{
    struct yaml_node *map;

    enum status s =
        read_map(&map, l, overlay, "an overlay: keys of a scenario (trace, engine, pools, ...)");
    return s ? s : merge(l, l->root, map);
}

/* ---- one of several deployments ---- */

/* What only means something where there are several. */
static bool is_of_several(const char *key)
{
    static const char *const keys[] = {"deployments", "arbiter", "endpoint", "share",
                                       "serves",      "expect",  "compare"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* A copy of a map, without its `deployments`, or without all that is of several. NULL: no memory.
 */
static struct yaml_node *copy_map(const struct yaml_node *map, bool alone, struct arena *arena)
{
    struct yaml_node *to = ARENA_NEW(arena, 1, struct yaml_node);

    if (!to)
        return NULL;
    to->kind = NODE_MAP;
    to->at = map->at;
    for (const struct yaml_node *node = map->first; node; node = node->next) {
        if (alone ? is_of_several(node->key) : strcmp(node->key, "deployments") == 0)
            continue;
        struct yaml_node *copy = yaml_node_copy(node, arena);
        if (!copy)
            return NULL;
        yaml_node_put(to, node->key, node->key_at, copy);
    }
    return to;
}

static enum status lay_over(struct yaml_node **tree, struct arena *arena,
                            const struct yaml_node *root, const struct yaml_node *own, bool alone,
                            struct diag *d)
{
    struct layers l = {.arena = arena, .d = d, .root = copy_map(root, alone, arena)};
    struct yaml_node *over = copy_map(own, alone, arena);

    *tree = l.root;
    return l.root && over ? merge(&l, l.root, over) : diag_nomem(d, "deployment");
}

enum status layers_of_deployment(struct yaml_node **tree, struct arena *arena,
                                 const struct yaml_node *root, const struct yaml_node *own,
                                 struct diag *d)
{
    return lay_over(tree, arena, root, own, false, d);
}

/* ---- all of it ---- */

/* Overlays and overrides from the given ones on, up to others. */
static enum status apply(struct layers *l, const struct scenario_source *source, size_t overlay,
                         size_t n_overlays, size_t override, size_t n_overrides)
{
    enum status s = ST_OK;

    for (size_t i = overlay; i < n_overlays && !s; i++)
        s = apply_overlay(l, &source->overlays[i]);
    for (size_t i = override; i < n_overrides && !s; i++)
        s = apply_override(l, &source->overrides[i]);
    return s;
}

enum status layers_read(struct yaml_node **root, const struct yaml_node **own, struct arena *arena,
                        const struct scenario_source *source, struct diag *d)
{
    struct layers l = {.arena = arena, .d = d};
    bool alone = source->deployment;
    size_t n_overlays = alone ? source->n_overlays_of_all : source->n_overlays;
    size_t n_overrides = alone ? source->n_overrides_of_all : source->n_overrides;

    *own = NULL;
    enum status s =
        read_map(&l.root, &l, &source->file, "a scenario (keys trace, engine, pools, ...)");
    if (!s)
        s = apply(&l, source, 0, n_overlays, 0, n_overrides);
    if (!s && alone) {
        *own = yaml_node_child(yaml_node_child(l.root, "deployments"), source->deployment);
        BUG_IF(!*own);
        s = lay_over(&l.root, arena, l.root, *own, true, d);
    }
    if (!s && alone)
        s = apply(&l, source, n_overlays, source->n_overlays, n_overrides, source->n_overrides);
    *root = l.root;
    return s;
}

size_t layers_rank(const struct scenario_source *source, struct source_pos at)
{
    size_t i = 0;

    if (at.line == 0)
        return source->n_overlays + 1;
    while (i < source->n_overlays && at.file != source->overlays[i].path)
        i++;
    return i < source->n_overlays ? i + 1 : 0;
}
