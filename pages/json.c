#include "pages/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

/* ST_INPUT: larger than anything of ours. */
static enum status read_all(char **bytes, size_t *n, FILE *in, const char *path, struct diag *d)
{
    enum { AT_ONCE = 1 << 16, MOST = 1 << 28 };
    size_t capacity = 0;
    enum status s = ST_OK;

    for (size_t got = 1; got && !s;) {
        s = ARRAY_RESERVE(*bytes, *n, capacity, AT_ONCE, "file", d);
        got = s ? 0 : fread(*bytes + *n, 1, AT_ONCE, in);
        *n += got;
        if (*n > MOST)
            s = diag_fail(d, ST_INPUT, "'%s' is too large to be results of Headroom", path);
    }
    if (!s && ferror(in))
        s = diag_fail(d, ST_IO, "cannot read '%s': %s", path, strerror(errno));
    return s;
}

enum status json_parse(struct yaml_node **root, struct arena *arena, const char *path,
                       const char *bytes, size_t n, const char *expected, struct diag *d)
{
    enum status s = yaml_tree_parse(root, arena, path, bytes, n, false, d);

    if (!s && (!*root || (*root)->kind != NODE_MAP))
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path}, "expected %s", expected);
    return s;
}

enum status json_read(struct yaml_node **root, struct arena *arena, const char *path,
                      const char *expected, struct diag *d)
{
    char *bytes = NULL;
    size_t n = 0;
    FILE *in = fopen(path, "rb");

    *root = NULL;
    if (!in)
        return diag_fail(d, ST_IO, "cannot open '%s': %s", path, strerror(errno));
    enum status s = read_all(&bytes, &n, in, path, d);
    fclose(in);
    if (!s)
        s = json_parse(root, arena, path, bytes, n, expected, d);
    free(bytes);
    return s;
}

double json_number_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    return node && (node->kind == NODE_INT || node->kind == NODE_NUMBER) ? node->d : NAN;
}

const char *json_text_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    return node && node->kind == NODE_TEXT ? node->text : NULL;
}

bool json_flag_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    return node && node->kind == NODE_BOOL && node->b;
}

const struct yaml_node *json_items_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    return node && node->kind == NODE_LIST ? node->first : NULL;
}

enum status json_need(const struct yaml_node *map, const char *key, enum node_kind kind,
                      const char *path, struct diag *d)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    if (node && node->kind == kind)
        return ST_OK;
    struct source_pos at = node ? node->at : (struct source_pos){.file = path};
    return diag_fail_at(d, ST_INPUT, at, node ? "'%s' is not what it should be" : "no '%s'", key);
}
