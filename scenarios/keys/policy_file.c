#include "scenarios/keys/policy_file.h"

#include <string.h>
#include <strings.h>

#include "scenarios/text/file_text.h"
#include "scenarios/text/nearest.h"
#include "scenarios/text/yaml_tree.h"
#include "util/text.h"

static const char expected_file[] = "Dynamo's planner configuration";

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

/* What the reference's libraries make of it, where that differs from a plain reading. */
static void coerce(const struct policy_field *field, struct policy_value *v)
{
    static const char *const yes[] = {"true", "yes", "on", "y", "t", "1", NULL};
    static const char *const no[] = {"false", "no", "off", "n", "f", "0", NULL};
    bool number = field->type == POLICY_FIELD_INT || field->type == POLICY_FIELD_DOUBLE;
    const char *text = v->s;
    double value;

    if (field->type == POLICY_FIELD_BOOL && v->kind == POLICY_STRING && one_of(text, yes))
        *v = (struct policy_value){.kind = POLICY_BOOL, .b = true};
    else if (field->type == POLICY_FIELD_BOOL && v->kind == POLICY_STRING && one_of(text, no))
        *v = (struct policy_value){.kind = POLICY_BOOL, .b = false};
    else if (field->type == POLICY_FIELD_BOOL && v->kind == POLICY_INT && (v->i == 0 || v->i == 1))
        *v = (struct policy_value){.kind = POLICY_BOOL, .b = v->i == 1};
    else if (number && v->kind == POLICY_STRING &&
             text_double(text, strlen(text), &value) == TEXT_OK)
        *v = (struct policy_value){.kind = POLICY_DOUBLE, .d = value};
    else if (v->kind == POLICY_NULL && strcmp(field->name, "pre_deployment_sweeping_mode") == 0)
        *v = (struct policy_value){.kind = POLICY_STRING, .s = "none"};
}

/* false: a list or a map. */
static bool to_value(const struct yaml_node *node, struct policy_value *v)
{
    *v = (struct policy_value){.b = node->b, .i = node->i, .d = node->d, .s = node->text};
    switch (node->kind) {
    case NODE_NULL:
        v->kind = POLICY_NULL;
        return true;
    case NODE_BOOL:
        v->kind = POLICY_BOOL;
        return true;
    case NODE_INT:
        v->kind = POLICY_INT;
        return true;
    case NODE_NUMBER:
        v->kind = POLICY_DOUBLE;
        return true;
    case NODE_TEXT:
        v->kind = POLICY_STRING;
        return true;
    case NODE_LIST:
    case NODE_MAP:
        break;
    }
    return false;
}

static enum status unknown_field(const struct yaml_node *node, struct diag *d)
{
    const struct policy_field *field = policy_field_find(node->key);
    char shown[TEXT_EXCERPT_SIZE];
    struct nearest n;

    if (field)
        return diag_fail_at(d, ST_INPUT, node->key_at,
                            "unknown field '%s' in %s; set it as policy.%s of the scenario",
                            field->name, expected_file, field->name);
    nearest_init(&n, node->key);
    for (const struct policy_field *f = policy_fields; f->name; f++) {
        if (f->dynamo)
            nearest_offer(&n, f->name);
    }
    text_excerpt(shown, node->key, strlen(node->key));
    if (n.best)
        return diag_fail_at(d, ST_INPUT, node->key_at,
                            "unknown field '%s' in %s; did you mean '%s'?", shown, expected_file,
                            n.best);
    return diag_fail_at(d, ST_INPUT, node->key_at,
                        "unknown field '%s' in %s; 'headroom list keys' lists them under policy",
                        shown, expected_file);
}

/* Paths count from the folder of the file. */
static enum status resolve(struct policy_value *v, struct arena *arena, const char *file,
                           struct diag *d)
{
    const char *slash = strrchr(file, '/');

    if (v->kind != POLICY_STRING || v->s[0] == '/' || !slash)
        return ST_OK;
    v->s = arena_printf(arena, "%.*s%s", (int)(slash + 1 - file), file, v->s);
    return v->s ? ST_OK : diag_nomem(d, "path");
}

static enum status set_field(struct policy_config *config, struct arena *arena, const char *file,
                             const struct yaml_node *node, struct diag *d)
{
    const struct policy_field *field = policy_field_find(node->key);
    char got[NODE_TEXT_SIZE];
    struct policy_value v;

    if (!field || !field->dynamo)
        return unknown_field(node, d);
    if (!to_value(node, &v))
        return diag_fail_at(d, ST_INPUT, node->at, "'%s' must be a single value, not %s",
                            field->name, yaml_node_describe(got, node));
    coerce(field, &v);
    if (strcmp(field->name, "load_predictor_warmup_trace") == 0) {
        enum status s = resolve(&v, arena, file, d);
        if (s)
            return s;
    }
    return policy_config_set(config, field->name, &v, true, node->at, d);
}

enum status policy_file_parse(struct policy_config *config, const struct yaml_node **root,
                              struct arena *arena, const char *path, const char *bytes,
                              size_t length, struct diag *d)
{
    struct source_pos at = {.file = path};
    struct yaml_node *tree;

    enum status s = yaml_tree_parse(&tree, arena, path, bytes, length, false, d);
    if (s)
        return s;
    if (!tree || tree->kind == NODE_NULL)
        return diag_fail_at(d, ST_INPUT, at, "empty; expected %s", expected_file);
    if (tree->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, tree->at, "expected %s, a map of fields", expected_file);
    for (const struct yaml_node *node = tree->first; node && !s; node = node->next)
        s = set_field(config, arena, path, node, d);
    *root = tree;
    return s;
}

enum status policy_file_read(struct policy_config *config, const struct yaml_node **root,
                             struct arena *arena, const char *path, struct diag *d)
{
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, expected_file, d);
    return s ? s : policy_file_parse(config, root, arena, path, bytes, length, d);
}
