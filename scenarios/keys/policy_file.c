#include "scenarios/keys/policy_file.h"

#include <string.h>
#include <strings.h>

#include "scenarios/keys/keys_internal.h"
#include "scenarios/text/file_text.h"
#include "scenarios/text/nearest.h"
#include "scenarios/text/yaml_tree.h"
#include "util/text.h"

struct reader {
    const struct policy_ops *policy;
    void *config;
    struct arena *arena;
    struct diag *d;
    const char *taken; /* names of what has no bearing, for a note; NULL = none */
};

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

/* What the reference's libraries make of it, where that differs from a plain reading. */
static void coerce(const struct key *key, struct yaml_node *node)
{
    static const char *const yes[] = {"true", "yes", "on", "y", "t", "1", NULL};
    static const char *const no[] = {"false", "no", "off", "n", "f", "0", NULL};
    bool number = key->type == KEY_INT || key->type == KEY_NUMBER, text = node->kind == NODE_TEXT;
    bool bit = node->kind == NODE_INT && (node->i == 0 || node->i == 1);
    double value;

    if (key->type == KEY_BOOL && ((text && one_of(node->text, yes)) || (bit && node->i == 1))) {
        node->kind = NODE_BOOL;
        node->b = true;
    } else if (key->type == KEY_BOOL && ((text && one_of(node->text, no)) || bit)) {
        node->kind = NODE_BOOL;
        node->b = false;
    } else if (number && text && text_double(node->text, strlen(node->text), &value) == TEXT_OK) {
        node->kind = NODE_NUMBER;
        node->d = value;
    } else if (node->kind == NODE_NULL && key->own_file_null) {
        node->kind = NODE_TEXT;
        node->text = key->own_file_null;
    }
}

static enum status wrong_version(struct diag *d, const struct yaml_node *node,
                                 const struct foreign_key *foreign)
{
    char shown[TEXT_EXCERPT_SIZE];

    text_excerpt(shown, node->key, strlen(node->key));
    return diag_fail_at(d, ST_INPUT, node->key_at,
                        "field '%s' is %s, and the planner here is that of ai-dynamo 1.0.2: %s",
                        shown, foreign->version, foreign->cure);
}

const struct foreign_key *policy_foreign_find(const struct policy_ops *policy, const char *name)
{
    for (const struct foreign_key *f = policy->foreign; f && f->name; f++) {
        const char *a = f->name, *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == '-'))) { /* a command-line option */
            a++;
            b++;
        }
        if (*a == *b)
            return f;
    }
    return NULL;
}

/* What has no bearing here, or says nothing, is taken. */
static enum status foreign_field(struct reader *r, const struct yaml_node *node,
                                 const struct foreign_key *foreign)
{
    if (foreign->version && node->kind != NODE_NULL)
        return wrong_version(r->d, node, foreign);
    r->taken = r->taken ? arena_printf(r->arena, "%s, %s", r->taken, foreign->name) : foreign->name;
    return r->taken ? ST_OK : diag_nomem(r->d, "planner configuration");
}

static enum status unknown_field(const struct reader *r, const struct yaml_node *node)
{
    const struct policy_ops *policy = r->policy;
    const struct key *key = key_find(policy->keys, node->key);
    char shown[TEXT_EXCERPT_SIZE];
    struct nearest n;

    if (key)
        return diag_fail_at(r->d, ST_INPUT, node->key_at,
                            "unknown field '%s' in %s; set it as policy.%s of the scenario",
                            key->name, policy->own_file, key->name);
    nearest_init(&n, node->key);
    for (const struct key *k = policy->keys; k->name; k++) {
        if (k->in_own_file)
            nearest_offer(&n, k->name);
    }
    text_excerpt(shown, node->key, strlen(node->key));
    if (n.best)
        return diag_fail_at(r->d, ST_INPUT, node->key_at,
                            "unknown field '%s' in %s; did you mean '%s'?", shown, policy->own_file,
                            n.best);
    return diag_fail_at(r->d, ST_INPUT, node->key_at,
                        "unknown field '%s' in %s; 'headroom list keys' lists them under policy",
                        shown, policy->own_file);
}

static enum status set_field(struct reader *r, const struct yaml_node *node)
{
    const struct key *key = key_find(r->policy->keys, node->key);
    const struct key_target target = {r->arena, node->key, r->config};
    struct yaml_node value = *node;

    const struct foreign_key *foreign = policy_foreign_find(r->policy, node->key);
    if (foreign)
        return foreign_field(r, node, foreign);
    if (!key || !key->in_own_file)
        return unknown_field(r, node);
    coerce(key, &value);
    struct key here = *key;
    if (key->unset_as)
        here.unset = NULL; /* there is no scenario there to take it from */
    return scenario_key_store(&here, &target, &value, r->d);
}

enum status policy_file_parse(const struct policy_ops *policy, void *config,
                              const struct yaml_node **root, const char **taken,
                              struct arena *arena, const char *path, const char *bytes,
                              size_t length, struct diag *d)
{
    struct reader r = {policy, config, arena, d, NULL};
    struct source_pos at = {.file = path};
    struct yaml_node *tree;

    enum status s = yaml_tree_parse(&tree, arena, path, bytes, length, false, d);
    if (s)
        return s;
    if (!tree || tree->kind == NODE_NULL)
        return diag_fail_at(d, ST_INPUT, at, "empty; expected %s", policy->own_file);
    if (tree->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, tree->at, "expected %s, a map of fields",
                            policy->own_file);
    for (const struct yaml_node *node = tree->first; node && !s; node = node->next)
        s = set_field(&r, node);
    *root = tree;
    *taken = r.taken;
    return s;
}

enum status policy_file_read(const struct policy_ops *policy, void *config,
                             const struct yaml_node **root, const char **taken, struct arena *arena,
                             const char *path, struct diag *d)
{
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, policy->own_file, d);
    return s ? s : policy_file_parse(policy, config, root, taken, arena, path, bytes, length, d);
}
