#include <math.h>

#include "studies/recorded/recorded_internal.h"
#include "traces/json_scan.h"
#include "util/text.h"
#include "util/units.h"

enum status json_lines_refuse(const struct json_lines *r, const struct yaml_node *node,
                              const char *key, const char *expected)
{
    struct source_pos at = line_reader_pos(r->lines);
    char found[NODE_TEXT_SIZE];

    if (!node)
        return diag_fail_at(r->d, ST_INPUT, at, "no '%s'; expected %s", key, r->what);
    at.column = node->at.column;
    return diag_fail_at(r->d, ST_INPUT, at, "'%s' must be %s, not %s", key, expected,
                        yaml_node_describe(found, node));
}

/* NaN for null. */
enum status json_lines_number(double *value, const struct json_lines *r,
                              const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    *value = NAN;
    if (node && node->kind == NODE_NULL)
        return ST_OK;
    if (!node || (node->kind != NODE_INT && node->kind != NODE_NUMBER) || !isfinite(node->d))
        return json_lines_refuse(r, node, key, "a number or null");
    *value = node->d;
    return ST_OK;
}

enum status json_lines_count(int64_t *value, const struct json_lines *r,
                             const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    if (!node || node->kind != NODE_INT || node->i < 0)
        return json_lines_refuse(r, node, key, "a number without sign or fraction");
    *value = node->i;
    return ST_OK;
}

enum status json_lines_text(const char **value, const struct json_lines *r,
                            const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    *value = NULL;
    if (node && node->kind == NODE_NULL)
        return ST_OK;
    if (!node || node->kind != NODE_TEXT)
        return json_lines_refuse(r, node, key, "a text or null");
    *value = node->text;
    return ST_OK;
}

/* JSON alone: a torn line is told with its place, which a tree of one line does not know. */
static enum status parse_line(struct yaml_node **root, const struct json_lines *r, const char *line,
                              size_t length)
{
    struct source_pos at = line_reader_pos(r->lines);
    struct json_error e;
    const char *end = json_value_end(json_skip_space(line), 0, &e);
    char found[TEXT_EXCERPT_SIZE];

    if (end && (end = json_skip_space(end)) != line + length)
        e = (struct json_error){end, "the end of the line"};
    else if (end)
        return yaml_tree_parse(root, r->arena, r->path, line, length, false, r->d);
    at.column = (unsigned long)(e.at - line) + 1;
    if (e.at == line + length)
        return diag_fail_at(r->d, ST_INPUT, at,
                            "not valid JSON: expected %s, found the end of the line: the file is "
                            "torn, or not %s",
                            e.expected, r->what);
    return diag_fail_at(r->d, ST_INPUT, at, "not valid JSON: expected %s, found '%s'", e.expected,
                        text_excerpt(found, e.at, 1));
}

enum status json_lines_open(struct json_lines *r, struct arena *arena, const char *path,
                            const char *what, struct diag *d)
{
    *r = (struct json_lines){.arena = arena, .path = path, .what = what, .d = d};
    return line_reader_open(&r->lines, path, d);
}

void json_lines_close(struct json_lines *r)
{
    line_reader_close(r->lines);
}

enum status json_lines_next(struct json_lines *r, struct yaml_node **root)
{
    size_t length;
    const char *line;
    enum status s = line_reader_next(r->lines, &line, &length, r->d);

    *root = NULL;
    if (!s)
        s = parse_line(root, r, line, length);
    if (!s && (!*root || (*root)->kind != NODE_MAP))
        s = diag_fail_at(r->d, ST_INPUT, line_reader_pos(r->lines),
                         "expected an object: a line of %s", r->what);
    return s;
}

enum status json_lines_time(int64_t *at_ns, const struct json_lines *r,
                            const struct yaml_node *root, int64_t last_ns)
{
    double at_s;
    enum status s = json_lines_number(&at_s, r, root, "at_s");

    if (!s && (!ns_from_s(at_s, at_ns) || *at_ns < last_ns))
        s = json_lines_refuse(r, yaml_node_child(root, "at_s"), "at_s",
                              "seconds, no less than in the line before");
    return s;
}
