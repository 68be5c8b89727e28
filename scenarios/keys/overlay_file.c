#include "scenarios/keys/overlay_file.h"

#include <string.h>

#include "engines/profile/profile.h"
#include "scenarios/keys/lookup.h"
#include "scenarios/text/yaml_tree.h"
#include "scenarios/text/yaml_write.h"

struct writer {
    const struct overlay_content *content;
    struct arena *arena;
    struct yaml_node *root;
    struct diag *d;
};

/* What a path among the values is from here; other texts stay. */
static enum status make_absolute(struct writer *w, const struct key *key, struct yaml_node *node)
{
    bool path =
        key->type == KEY_PATH ||
        (key->type == KEY_PROFILE && node->kind == NODE_TEXT && profile_is_path(node->text)) ||
        (key->type == KEY_PRESET && node->kind == NODE_TEXT && strchr(node->text, '#'));
    enum status s = ST_OK;

    for (struct yaml_node *child = node->first; child && !s; child = child->next)
        s = make_absolute(w, key, child);
    if (!path || node->kind != NODE_TEXT || !*node->text || node->text[0] == '/')
        return s;
    node->text = arena_printf(w->arena, "%s/%s", w->content->working_dir, node->text);
    return node->text ? ST_OK : diag_nomem(w->d, "overlay");
}

static enum status inside_another(struct writer *w, const char *setting)
{
    return diag_fail(w->d, ST_INPUT,
                     "%.*s cannot be set beside a key that is inside it, or that it is inside of",
                     (int)strcspn(setting, "="), setting);
}

static enum status put(struct writer *w, const char *setting)
{
    struct source_pos at = {.file = setting};
    const char *equals = strchr(setting, '=');
    struct yaml_node *value, *map = w->root;
    const struct key *key;

    if (!equals || equals == setting)
        return diag_fail(w->d, ST_INPUT, "'%s' is no path=value", setting);
    const char *path = arena_strndup(w->arena, setting, (size_t)(equals - setting));
    if (!path)
        return diag_nomem(w->d, "overlay");
    enum status s = scenario_key_lookup(&key, w->content->policy, path, at, w->d);
    if (!s)
        s = yaml_tree_parse(&value, w->arena, setting, equals + 1, strlen(equals + 1), true, w->d);
    if (s)
        return s;
    if (!value) /* nothing after the sign */
        value = ARENA_NEW(w->arena, 1, struct yaml_node);
    s = value ? make_absolute(w, key, value) : diag_nomem(w->d, "overlay");
    while (!s) {
        size_t n = strcspn(path, ".");
        const char *name = arena_strndup(w->arena, path, n);
        struct yaml_node *found = name ? yaml_node_child(map, name) : NULL;
        if (!name)
            return diag_nomem(w->d, "overlay");
        /* A section has no position, unlike a map that is a value. */
        bool section = found && found->kind == NODE_MAP && !found->at.file;
        if (found && section == !path[n])
            return inside_another(w, setting);
        if (!path[n]) {
            yaml_node_put(map, name, at, value);
            return ST_OK;
        }
        if (!found) {
            found = ARENA_NEW(w->arena, 1, struct yaml_node);
            if (!found)
                return diag_nomem(w->d, "overlay");
            found->kind = NODE_MAP;
            yaml_node_put(map, name, (struct source_pos){0}, found);
        }
        map = found;
        path += n + 1;
    }
    return s;
}

static void write_section(FILE *out, const struct yaml_node *map, int indent)
{
    for (const struct yaml_node *child = map->first; child; child = child->next) {
        fprintf(out, "%*s", indent, "");
        yaml_write_text(out, child->key);
        if (child->kind == NODE_MAP && !child->at.file) {
            fputs(":\n", out);
            write_section(out, child, indent + 2);
        } else {
            fputs(": ", out);
            yaml_write_node(out, child);
            fputs("\n", out);
        }
    }
}

enum status overlay_file_write(const struct overlay_content *content, struct arena *arena,
                               FILE *out, struct diag *d)
{
    struct yaml_node root = {.kind = NODE_MAP};
    struct writer w = {content, arena, &root, d};

    for (size_t i = 0; i < content->n_settings; i++) {
        enum status s = put(&w, content->settings[i]);
        if (s)
            return s;
    }
    if (content->comment)
        yaml_write_comment(out, content->comment);
    if (root.n == 0)
        fputs("{}\n", out);
    write_section(out, &root, 0);
    return ST_OK;
}
