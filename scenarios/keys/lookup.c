#include "scenarios/keys/lookup.h"

#include <stdalign.h>
#include <string.h>

#include "planner/policy.h"
#include "scenarios/keys/keys_internal.h"
#include "scenarios/text/nearest.h"
#include "util/text.h"

/* ---- unknown keys ---- */

/* Offers the names that may stand in a section, to `n` and to the list. */
static void offer(struct nearest *n, char list[KEY_EXPECTED_SIZE], const char *name)
{
    nearest_offer(n, name);
    size_t used = strlen(list);
    snprintf(list + used, KEY_EXPECTED_SIZE - used, "%s%s", used ? ", " : "", name);
}

static void offer_section(const struct policy_ops *policy, struct nearest *n,
                          char list[KEY_EXPECTED_SIZE], const char *section)
{
    bool pool = strncmp(section, "pools.", 6) == 0;

    for (const struct key *k = scenario_keys; k->name; k++) {
        if (strcmp(k->section, pool ? "pools.POOL" : section) == 0 ||
            (pool && k->place == PLACE_ENGINE))
            offer(n, list, k->name);
    }
    if (strcmp(section, "") == 0) {
        for (const struct scenario_section *s = scenario_sections + 1; s->name; s++)
            offer(n, list, s->name);
    } else if (strcmp(section, "pools") == 0 || strcmp(section, "router") == 0) {
        for (size_t i = 0; i < 3; i++)
            offer(n, list, pool_role_names[i]);
    } else if (strcmp(section, "policy") == 0) {
        for (const struct key *k = policy->keys; k && k->name; k++)
            offer(n, list, k->name);
    }
}

enum status scenario_key_unknown(const struct policy_ops *policy, const char *section,
                                 const char *name, struct source_pos at, struct diag *d)
{
    char list[KEY_EXPECTED_SIZE] = "", shown[TEXT_EXCERPT_SIZE];
    const char *where = *section ? section : "the scenario";
    struct nearest n;

    nearest_init(&n, name);
    offer_section(policy, &n, list, section);
    text_excerpt(shown, name, strlen(name));
    if (n.best)
        return diag_fail_at(d, ST_INPUT, at, "unknown key '%s' in %s; did you mean '%s'?", shown,
                            where, n.best);
    return diag_fail_at(d, ST_INPUT, at, "unknown key '%s' in %s; valid keys: %s", shown, where,
                        list);
}

/* ---- by path ---- */

static bool is_pool(const char *name)
{
    size_t role = 0;

    while (role < 3 && strcmp(name, pool_role_names[role]) != 0)
        role++;
    return role < 3;
}

static const struct key *find_in(const struct policy_ops *policy, const char *section,
                                 const char *name)
{
    const struct key *key;

    if (strncmp(section, "pools.", 6) == 0) {
        key = scenario_key_find("pools.POOL", name);
        return key ? key : scenario_key_find("engine", name);
    }
    key = scenario_key_find(section, name);
    if (key || strcmp(section, "policy") != 0)
        return key;
    const struct policy_ops *other = policy_with_key(name, policy);
    key = key_find(policy->keys, name);
    return key || !other ? key : key_find(other->keys, name);
}

/* A path taken apart. "a.b.c" of pools is the section "a.b", of others it names part of a value. */
struct path {
    char section[64], name[64];
    const char *rest; /* what follows the name, without its dot; "" */
};

static enum status split(struct path *to, const char *path, struct source_pos at, struct diag *d)
{
    bool in_pool = strncmp(path, "pools.", 6) == 0;
    size_t section = strcspn(path, ".");

    if (in_pool && path[section])
        section += 1 + strcspn(path + section + 1, ".");
    const char *name = path + section + (path[section] == '.');
    size_t n = strcspn(name, ".");
    if (!path[section]) { /* one word, or a pool */
        name = path;
        section = 0;
        n = strcspn(path, ".");
    }
    if (section >= sizeof to->section || n >= sizeof to->name)
        return diag_fail_at(d, ST_INPUT, at, "no key has so long a name");
    snprintf(to->section, sizeof to->section, "%.*s", (int)section, path);
    snprintf(to->name, sizeof to->name, "%.*s", (int)n, name);
    to->rest = name[n] == '.' ? name + n + 1 : "";
    return ST_OK;
}

static enum status not_a_section(const char *name, const char *rest, struct source_pos at,
                                 struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, at, "'%s' is a key; it has no '%s'", name, rest);
}

static enum status not_a_value(const char *path, struct source_pos at, struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, at, "'%s' is a section of a scenario; expected one key of it",
                        path);
}

static enum status lookup_plain(const struct key **key, const struct policy_ops *policy,
                                const char *path, struct source_pos at, struct diag *d)
{
    struct path p;

    enum status s = split(&p, path, at, d);
    if (s)
        return s;
    if (!*p.section && scenario_is_section(p.name))
        return not_a_value(path, at, d);
    if (strcmp(p.section, "router") == 0 && is_pool(p.name) && !*p.rest) {
        *key = scenario_key_find("pools.POOL", "router");
        return ST_OK;
    }
    char *dot = strchr(p.section, '.');
    if (dot && !is_pool(dot + 1))
        return scenario_key_unknown(policy, "pools", dot + 1, at, d);
    bool is_router = strcmp(p.section, "router") == 0;
    if (*p.section && !dot && !is_router && !scenario_is_section(p.section))
        return scenario_key_find("", p.section)
                   ? not_a_section(p.section, p.name, at, d)
                   : scenario_key_unknown(policy, "", p.section, at, d);
    *key = find_in(policy, p.section, p.name);
    if (!*key)
        return scenario_key_unknown(policy, p.section, p.name, at, d);
    return *p.rest && (*key)->type != KEY_PRICES ? not_a_section(p.name, p.rest, at, d) : ST_OK;
}

enum status scenario_key_lookup(const struct key **key, const struct policy_ops *policy,
                                const char *path, struct source_pos at, struct diag *d)
{
    char deployment[DEPLOYMENT_NAME_MAX + 1];
    const char *rest = scenario_path_in_deployment(deployment, path);

    if (!rest)
        return not_a_value(path, at, d);
    enum status s = lookup_plain(key, policy, rest, at, d);
    if (s || !*deployment || !scenario_key_of_run(*key))
        return s;
    return scenario_key_not_in_deployment(rest, deployment, at, d);
}

bool scenario_key_is_of_policy(const struct policy_ops *policy, const char *path)
{
    static const char section[] = "policy.";
    size_t n = sizeof section - 1;

    return strncmp(path, section, n) != 0 || scenario_key_find("policy", path + n) ||
           key_find(policy->keys, path + n);
}

struct path_list {
    struct arena *arena;
    const struct scenario *scenario;
    const char **paths;
    size_t n;
    bool failed;
};

static void add_if_set(struct path_list *list, const char *path)
{
    struct source_pos at;

    list->failed = list->failed || !path;
    if (path && scenario_is_set(list->scenario, path, &at))
        list->paths[list->n++] = path;
}

enum status scenario_profile_keys(const char *const **paths, struct arena *arena,
                                  const struct scenario *scenario, struct diag *d)
{
    enum { N_ROLES = sizeof pool_role_names / sizeof *pool_role_names };
    struct path_list list = {.arena = arena, .scenario = scenario};
    size_t n = 0;

    for (const struct key *k = scenario_keys; k->name; k++)
        n += k->of_profile;
    list.paths = ARENA_NEW(arena, (1 + N_ROLES) * n + 1, const char *);
    if (!list.paths)
        return diag_nomem(d, "keys");
    for (const struct key *k = scenario_keys; k->name; k++) {
        if (!k->of_profile)
            continue;
        if (k->place != PLACE_POOL)
            add_if_set(&list, arena_printf(arena, "%s.%s", k->section, k->name));
        for (size_t i = 0; k->place != PLACE_SCENARIO && i < N_ROLES; i++)
            add_if_set(&list, arena_printf(arena, "pools.%s.%s", pool_role_names[i], k->name));
    }
    list.paths[list.n] = NULL;
    *paths = list.paths;
    return list.failed ? diag_nomem(d, "keys") : ST_OK;
}

/* ---- values ---- */

bool scenario_key_is_number(const struct key *key)
{
    return key->type == KEY_NUMBER || key->type == KEY_PRICES || scenario_key_is_integer(key);
}

bool scenario_key_is_integer(const struct key *key)
{
    return key->type == KEY_INT || key->type == KEY_RANGE;
}

enum status scenario_key_check(const struct key *key, const char *path, const char *value,
                               struct source_pos at, struct arena *arena, struct diag *d)
{
    enum { LARGEST = 64 };
    alignas(max_align_t) char somewhere[LARGEST];
    struct key moved = *key;
    struct key_target target = {arena, path, somewhere};
    struct yaml_node *node, empty = {.at = at};

    enum status s = yaml_tree_parse(&node, arena, at.file, value, strlen(value), true, d);
    moved.offset = 0;
    return s ? s : scenario_key_store(&moved, &target, node ? node : &empty, d);
}
