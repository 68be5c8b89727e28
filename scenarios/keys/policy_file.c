#include "scenarios/keys/policy_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/lookup.h"
#include "scenarios/text/file_text.h"
#include "scenarios/text/nearest.h"
#include "scenarios/text/yaml_tree.h"
#include "scenarios/text/yaml_write.h"
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

enum status policy_wrong_version(const struct policy_ops *policy, const char *shown,
                                 const struct yaml_node *node, const struct foreign_key *foreign,
                                 struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, node->key_at,
                        "%s is %s, and the planner here is that of ai-dynamo %s: %s", shown,
                        foreign->version, policy->generation, foreign->cure);
}

enum status policy_wrong_generation(const struct policy_ops *policy, const char *shown,
                                    const struct yaml_node *node, const struct policy_ops *other,
                                    struct diag *d)
{
    const struct foreign_key *foreign = policy_foreign_find(policy, node->key);

    return diag_fail_at(d, ST_INPUT, node->key_at,
                        "%s is of policy.generation %s, and this is %s: %s, or set the generation",
                        shown, other->generation, policy->generation,
                        foreign && foreign->cure ? foreign->cure : "leave it out");
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

/* What has no bearing here, or says nothing, is taken. */
static enum status take(struct reader *r, const char *name)
{
    r->taken = r->taken ? arena_printf(r->arena, "%s, %s", r->taken, name) : name;
    return r->taken ? ST_OK : diag_nomem(r->d, "planner configuration");
}

/* A field that is no key of the policy. */
static enum status foreign_field(struct reader *r, const struct yaml_node *node)
{
    const struct policy_ops *other = policy_with_key(node->key, r->policy);
    const struct foreign_key *foreign = policy_foreign_find(r->policy, node->key);
    bool says = node->kind != NODE_NULL;
    char excerpt[TEXT_EXCERPT_SIZE], shown[TEXT_EXCERPT_SIZE + 16];

    text_excerpt(excerpt, node->key, strlen(node->key));
    snprintf(shown, sizeof shown, "field '%s'", excerpt);
    if (other && strcmp(other->name, r->policy->name) == 0 &&
        key_find(other->keys, node->key)->in_own_file)
        return says ? policy_wrong_generation(r->policy, shown, node, other, r->d)
                    : take(r, node->key);
    if (!foreign)
        return unknown_field(r, node);
    return foreign->version && says ? policy_wrong_version(r->policy, shown, node, foreign, r->d)
                                    : take(r, foreign->name);
}

static enum status set_field(struct reader *r, const struct yaml_node *node)
{
    const struct key *key = key_find(r->policy->keys, node->key);
    const struct key_target target = {r->arena, node->key, r->config};
    struct yaml_node value = *node;

    if (!key)
        return foreign_field(r, node);
    if (!key->in_own_file)
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

/* ---- writing ---- */

struct writer {
    const struct policy_file_content *content;
    const struct policy_ops *policy;
    struct arena *arena;
    const char *left_out; /* names; NULL = none */
    const char *comment;  /* and their values, a line each */
    struct diag *d;
};

static enum status leave_out(struct writer *w, const char *path, size_t n, const char *value)
{
    const char *before = w->left_out, *comment = w->comment;

    w->left_out =
        arena_printf(w->arena, "%s%s%.*s", before ? before : "", before ? ", " : "", (int)n, path);
    w->comment = arena_printf(w->arena, "%s%s  %.*s: %s", comment ? comment : "",
                              comment ? "\n" : "", (int)n, path, value);
    return w->left_out && w->comment ? ST_OK : diag_nomem(w->d, "planner configuration");
}

static enum status leave_out_key(struct writer *w, const struct key *key)
{
    const struct policy_file_content *c = w->content;
    char *value = NULL;
    size_t size;

    FILE *text = open_memstream(&value, &size);
    if (!text)
        return diag_nomem(w->d, "planner configuration");
    bool set = scenario_key_print(key, c->scenario->policy.config, c->working_dir, text);
    const char *path = arena_printf(w->arena, "policy.%s", key->name);
    enum status s = fclose(text) || !path ? diag_nomem(w->d, "planner configuration")
                                          : leave_out(w, path, strlen(path), set ? value : "null");
    free(value);
    return s;
}

/* A setting that is not of the policy; those of the policy are fields, or keys left out. */
static enum status look_at_setting(struct writer *w, const char *setting)
{
    struct source_pos at = {.file = setting};
    size_t n = strcspn(setting, "=");
    const char *path = arena_strndup(w->arena, setting, n);
    const struct key *key;

    if (!path)
        return diag_nomem(w->d, "planner configuration");
    if (!setting[n])
        return diag_fail(w->d, ST_INPUT, "'%s' is no path=value", setting);
    enum status s = scenario_key_lookup(&key, w->policy, path, at, w->d);
    if (s || strcmp(key->section, "policy") == 0)
        return s;
    return leave_out(w, path, n, setting + n + 1);
}

static bool named(const struct policy_file_content *content, const struct key *key)
{
    size_t section = strlen("policy."), n = strlen(key->name);

    for (size_t i = 0; i < content->n_settings; i++) {
        const char *setting = content->settings[i];
        if (strncmp(setting, "policy.", section) == 0 &&
            strncmp(setting + section, key->name, n) == 0 && setting[section + n] == '=')
            return true;
    }
    return false;
}

enum status policy_file_write(const struct policy_file_content *content, const char **left_out,
                              struct arena *arena, FILE *out, struct diag *d)
{
    const void *config = content->scenario->policy.config;
    struct writer w = {content, scenario_policy(content->scenario), arena, NULL, NULL, d};
    enum status s = ST_OK;

    if (!w.policy->own_file)
        return diag_fail(d, ST_INPUT,
                         "policy.type '%s' has no configuration file of its own to be written",
                         w.policy->name);
    for (const struct key *k = w.policy->keys; k->name && !s; k++) {
        if (!k->in_own_file && !scenario_key_is_preset(k, config) &&
            scenario_key_applies(content->scenario, k))
            s = leave_out_key(&w, k);
    }
    for (size_t i = 0; i < content->n_settings && !s; i++)
        s = look_at_setting(&w, content->settings[i]);
    if (s)
        return s;
    if (content->comment)
        yaml_write_comment(out, content->comment);
    if (w.left_out) {
        fprintf(out, "# Not written, as %s has no such fields:\n", w.policy->own_file);
        yaml_write_comment(out, w.comment);
    }
    for (const struct key *k = w.policy->keys; k->name; k++) {
        if (!k->in_own_file || k->same_as ||
            (!k->unset_as && scenario_key_is_preset(k, config) && !named(content, k)))
            continue;
        fprintf(out, "%s: ", k->name);
        if (!scenario_key_print(k, config, content->working_dir, out))
            fputs("null", out);
        fputs("\n", out);
    }
    *left_out = w.left_out;
    return ST_OK;
}
