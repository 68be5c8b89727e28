#include "scenarios/keys/pools.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "scenarios/text/yaml_tree.h"
#include "scenarios/text/yaml_write.h"
#include "util/bug.h"
#include "util/json_out.h"

const char pool_names_expected[] =
    "a list of lists of deployments, such as [[fast, fast], [fast, slow]]";

const char *const pool_rule_members[] = {"target_pool", NULL};
const char *const target_rule_members[] = {"ttft_target_ms", "itl_target_ms", NULL};

const char *priority_rules_expected(const char *const *members)
{
    return members == pool_rule_members
               ? "a list of maps such as {min_priority: 5, max_priority: 9, target_pool: slow}"
               : "a list of maps such as {min_priority: 5, max_priority: 9, ttft_target_ms: 400, "
                 "itl_target_ms: 20}";
}

/* ---- grids of names ---- */

struct grid_reader {
    struct pool_names *to;
    const char **name;
    struct source_pos *at;
    size_t n;
    const char *path;
    struct diag *d;
};

static enum status refuse(const struct grid_reader *g, const struct yaml_node *node)
{
    char got[NODE_TEXT_SIZE];

    return diag_fail_at(g->d, ST_INPUT, node->at, "%s must be %s, not %s", g->path,
                        pool_names_expected, yaml_node_describe(got, node));
}

/* How deep the lists are, going by the first of each. */
static size_t depth_of(const struct yaml_node *node)
{
    size_t depth = 0;

    for (; node && node->kind == NODE_LIST; node = node->first)
        depth++;
    return depth;
}

static enum status read_level(struct grid_reader *g, const struct yaml_node *node, size_t axis)
{
    enum status s = ST_OK;

    if (axis == g->to->n_axes) {
        if (node->kind != NODE_TEXT)
            return refuse(g, node);
        g->name[g->n] = node->text;
        g->at[g->n++] = node->at;
        return ST_OK;
    }
    if (node->kind != NODE_LIST || node->n == 0)
        return refuse(g, node);
    if (node->n != g->to->size[axis])
        return diag_fail_at(g->d, ST_INPUT, node->at,
                            "%s: this list has %zu items, the first of its kind %zu; expected as "
                            "many in each",
                            g->path, node->n, g->to->size[axis]);
    for (const struct yaml_node *item = node->first; item && !s; item = item->next)
        s = read_level(g, item, axis + 1);
    return s;
}

enum status pool_names_read(struct pool_names *to, struct arena *arena,
                            const struct yaml_node *list, const char *path, struct diag *d)
{
    struct grid_reader g = {.to = to, .path = path, .d = d};
    size_t n = 1;

    *to = (struct pool_names){.n_axes = depth_of(list)};
    if (to->n_axes < 2 || to->n_axes > POOL_MAX_AXES)
        return refuse(&g, list);
    for (size_t axis = 0; axis < to->n_axes; axis++) {
        const struct yaml_node *first = list;
        for (size_t i = 0; i < axis; i++)
            first = first->first;
        to->size[axis] = first->n;
        n *= first->n; /* below the nodes of the file, but for lists of uneven lengths */
        if (n > YAML_TREE_MAX_NODES)
            return refuse(&g, first);
    }
    to->name = g.name = ARENA_NEW(arena, n, const char *);
    to->at = g.at = ARENA_NEW(arena, n, struct source_pos);
    if (!g.name || !g.at)
        return diag_nomem(d, "pools");
    return read_level(&g, list, 0);
}

static size_t print_level(const struct pool_names *names, size_t axis, size_t next, FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < names->size[axis]; i++) {
        fputs(i ? ", " : "", out);
        if (axis + 1 < names->n_axes)
            next = print_level(names, axis + 1, next, out);
        else
            yaml_write_text(out, names->name[next++]);
    }
    fputs("]", out);
    return next;
}

void pool_names_print(const struct pool_names *names, FILE *out)
{
    print_level(names, 0, 0, out);
}

/* ---- rules of priorities ---- */

struct rule_reader {
    const char *path;
    const char *const *members;
    struct diag *d;
};

static enum status refuse_member(const struct rule_reader *g, const struct yaml_node *node,
                                 const char *expected)
{
    char got[NODE_TEXT_SIZE];

    return diag_fail_at(g->d, ST_INPUT, node->at, "%s of %s must be %s, not %s", node->key, g->path,
                        expected, yaml_node_describe(got, node));
}

static bool is_member(const struct rule_reader *g, const char *name)
{
    const char *const *m = g->members;

    while (*m && strcmp(*m, name) != 0)
        m++;
    return *m != NULL;
}

static enum status read_member(struct priority_rule *rule, const struct yaml_node *node,
                               const struct rule_reader *g)
{
    bool lowest = strcmp(node->key, "min_priority") == 0;

    if (lowest || strcmp(node->key, "max_priority") == 0) {
        if (node->kind != NODE_INT || node->i < 0 || node->i > UINT32_MAX)
            return refuse_member(g, node, "an integer from 0 to 4294967295");
        rule->priority[lowest ? 0 : 1] = node->i;
        return ST_OK;
    }
    if (!is_member(g, node->key))
        return diag_fail_at(g->d, ST_INPUT, node->key_at,
                            "unknown key '%.100s' in %s; expected min_priority, max_priority%s%s%s",
                            node->key, g->path, g->members[1] ? ", " : " or ", g->members[0],
                            g->members[1] ? " or itl_target_ms" : "");
    if (strcmp(node->key, "target_pool") == 0) {
        if (node->kind != NODE_TEXT)
            return refuse_member(g, node, "the name of a deployment");
        rule->pool = node->text;
        rule->pool_at = node->at;
        return ST_OK;
    }
    if ((node->kind != NODE_INT && node->kind != NODE_NUMBER) || !(node->d >= 0 && node->d <= 1e12))
        return refuse_member(g, node, "a number of ms from 0 to 1e12");
    *(strcmp(node->key, "ttft_target_ms") == 0 ? &rule->ttft_ms : &rule->itl_ms) = node->d;
    return ST_OK;
}

static enum status read_rule(struct priority_rule *rule, const struct yaml_node *map,
                             const struct rule_reader *g)
{
    char got[NODE_TEXT_SIZE];
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return diag_fail_at(g->d, ST_INPUT, map->at, "%s must be %s, not a list of %s", g->path,
                            priority_rules_expected(g->members), yaml_node_describe(got, map));
    *rule = (struct priority_rule){
        .priority = {0, UINT32_MAX}, .ttft_ms = NAN, .itl_ms = NAN, .at = map->at};
    for (const struct yaml_node *node = map->first; node && !s; node = node->next)
        s = read_member(rule, node, g);
    if (s)
        return s;
    if (rule->priority[0] > rule->priority[1])
        return diag_fail_at(g->d, ST_INPUT, map->at,
                            "%s: min_priority %" PRId64 " is above max_priority %" PRId64
                            "; expected it to be lower, or the same",
                            g->path, rule->priority[0], rule->priority[1]);
    if (!rule->pool && isnan(rule->ttft_ms) && isnan(rule->itl_ms))
        return diag_fail_at(g->d, ST_INPUT, map->at, "%s: this rule says nothing; expected %s%s",
                            g->path, g->members[0], g->members[1] ? ", itl_target_ms or both" : "");
    return ST_OK;
}

enum status priority_rules_read(struct priority_rules *to, struct arena *arena,
                                const struct yaml_node *list, const char *path,
                                const char *const *members, struct diag *d)
{
    const struct rule_reader g = {path, members, d};
    struct priority_rule *items = ARENA_NEW(arena, list->n, struct priority_rule);
    enum status s = ST_OK;
    size_t i = 0;

    BUG_IF(list->kind != NODE_LIST);
    if (!items)
        return diag_nomem(d, "rules");
    for (const struct yaml_node *item = list->first; item && !s; item = item->next)
        s = read_rule(&items[i++], item, &g);
    *to = (struct priority_rules){list->n, items};
    return s;
}

static void print_target(FILE *out, const char *name, double ms)
{
    if (isnan(ms))
        return;
    fprintf(out, ", %s: ", name);
    yaml_write_number(out, ms);
}

void priority_rules_print(const struct priority_rules *rules, FILE *out)
{
    fputs("[", out);
    for (size_t i = 0; i < rules->n; i++) {
        const struct priority_rule *rule = &rules->item[i];
        fprintf(out, "%s{min_priority: %" PRId64 ", max_priority: %" PRId64, i ? ", " : "",
                rule->priority[0], rule->priority[1]);
        if (rule->pool) {
            fputs(", target_pool: ", out);
            yaml_write_text(out, rule->pool);
        }
        print_target(out, "ttft_target_ms", rule->ttft_ms);
        print_target(out, "itl_target_ms", rule->itl_ms);
        fputs("}", out);
    }
    fputs("]", out);
}

/* ---- JSON Schema ---- */

static void list_begin(struct json_out *j)
{
    json_key_string(j, "type", "array");
    json_key(j, "items");
    json_object_begin(j);
}

static void typed(struct json_out *j, const char *name, const char *type)
{
    json_key(j, name);
    json_object_begin(j);
    json_key_string(j, "type", type);
    if (strcmp(type, "string") != 0)
        json_key_double(j, "minimum", 0);
    json_object_end(j);
}

void pool_names_schema(struct json_out *j)
{
    list_begin(j);
    list_begin(j);
    json_key(j, "type");
    json_array_begin(j);
    json_string(j, "string");
    json_string(j, "array");
    json_array_end(j);
    json_key(j, "items");
    json_object_begin(j);
    json_key_string(j, "type", "string");
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

void priority_rules_schema(struct json_out *j, const char *const *members)
{
    list_begin(j);
    json_key_string(j, "type", "object");
    json_key_bool(j, "additionalProperties", false);
    json_key(j, "properties");
    json_object_begin(j);
    typed(j, "min_priority", "integer");
    typed(j, "max_priority", "integer");
    for (; *members; members++)
        typed(j, *members, strcmp(*members, "target_pool") == 0 ? "string" : "number");
    json_object_end(j);
    json_object_end(j);
}
