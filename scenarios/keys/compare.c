#include "scenarios/keys/compare.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "scenarios/text/yaml_tree.h"
#include "util/bug.h"

static const char *const worse_names[] = {
    [COMPARE_EITHER] = "either", [COMPARE_LOWER] = "lower", [COMPARE_HIGHER] = "higher"};
enum { N_WORSE = sizeof worse_names / sizeof *worse_names };

const char *compare_worse_name(enum compare_worse worse)
{
    return worse_names[worse];
}

static enum status refuse(const struct yaml_node *node, const char *path, const char *name,
                          const char *expected, struct diag *d)
{
    char got[NODE_TEXT_SIZE];

    return diag_fail_at(d, ST_INPUT, node->at, "%s.%s must be %s, not %s", path, name, expected,
                        yaml_node_describe(got, node));
}

static bool is_number(const struct yaml_node *node)
{
    return (node->kind == NODE_INT || node->kind == NODE_NUMBER) && isfinite(node->d);
}

static enum status read_amount(double *to, const struct yaml_node *node, const char *path,
                               struct diag *d)
{
    if (!is_number(node) || node->d < 0)
        return refuse(node, path, node->key, "a number >= 0", d);
    *to = node->d;
    return ST_OK;
}

static enum status read_level(double *to, const struct yaml_node *node, const char *path,
                              struct diag *d)
{
    if (!is_number(node) || node->d < 0.5 || node->d >= 1)
        return refuse(node, path, node->key, "a level from 0.5 to below 1, such as 0.99", d);
    *to = node->d;
    return ST_OK;
}

static enum status read_worse(enum compare_worse *to, const struct yaml_node *node,
                              const char *path, struct diag *d)
{
    for (int i = COMPARE_USUAL + 1; i < N_WORSE && node->kind == NODE_TEXT; i++) {
        if (strcmp(node->text, worse_names[i]) == 0) {
            *to = (enum compare_worse)i;
            return ST_OK;
        }
    }
    return refuse(node, path, node->key, "lower, higher or either", d);
}

static enum status read_member(struct compare_rule *c, const struct yaml_node *node,
                               const char *path, struct diag *d)
{
    if (strcmp(node->key, "key") == 0)
        return node->kind == NODE_TEXT ? ST_OK
                                       : refuse(node, path, "key", "a figure of summary.json", d);
    if (strcmp(node->key, "absolute") == 0)
        return read_amount(&c->absolute, node, path, d);
    if (strcmp(node->key, "relative") == 0)
        return read_amount(&c->relative, node, path, d);
    if (strcmp(node->key, "statistical") == 0)
        return read_level(&c->level, node, path, d);
    if (strcmp(node->key, "worse") == 0)
        return read_worse(&c->worse, node, path, d);
    return diag_fail_at(d, ST_INPUT, node->key_at,
                        "unknown key '%.100s' in %s; expected key, absolute, relative, statistical "
                        "or worse",
                        node->key, path);
}

static enum status read_one(struct compare_rule *c, const struct yaml_node *map, const char *path,
                            struct diag *d)
{
    const struct yaml_node *key = yaml_node_child(map, "key");
    char got[NODE_TEXT_SIZE];
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, map->at,
                            "%s must be a list of maps such as {key: gpu_hours.total, relative: "
                            "0.02}, not of %s",
                            path, yaml_node_describe(got, map));
    if (!key)
        return diag_fail_at(d, ST_INPUT, map->at, "%s needs a key, such as gpu_hours.total", path);
    *c = (struct compare_rule){.key = key->text, .absolute = NAN, .relative = NAN, .level = NAN};
    c->at = map->at;
    for (const struct yaml_node *node = map->first; node && !s; node = node->next)
        s = read_member(c, node, path, d);
    if (s)
        return s;
    if (!isnan(c->absolute) && !isnan(c->relative))
        return diag_fail_at(d, ST_INPUT, map->at,
                            "%s of '%.100s' has both absolute and relative; expected one of them",
                            path, c->key);
    if (isnan(c->absolute) && isnan(c->relative) && isnan(c->level))
        return diag_fail_at(d, ST_INPUT, map->at,
                            "%s of '%.100s' says no tolerance; expected absolute, relative or "
                            "statistical",
                            path, c->key);
    return ST_OK;
}

enum status compare_rules_read(struct compare_rules *to, struct arena *arena,
                               const struct yaml_node *list, const char *path, struct diag *d)
{
    struct compare_rule *items = ARENA_NEW(arena, list->n, struct compare_rule);
    enum status s = ST_OK;
    size_t i = 0;

    BUG_IF(list->kind != NODE_LIST);
    if (!items)
        return diag_nomem(d, "comparisons");
    for (const struct yaml_node *item = list->first; item && !s; item = item->next)
        s = read_one(&items[i++], item, path, d);
    *to = (struct compare_rules){list->n, items};
    return s;
}
