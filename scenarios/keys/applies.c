/* Which keys can matter beside the others: what `when` of the key tables says. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/keys/keys_internal.h"
#include "util/bug.h"

/* A key is asked about for one pool, or (pool NULL) for the scenario, where any pool will do. */
struct applies {
    struct scenario *scenario;
    struct arena *arena;
    struct diag *d;
    const char *left_out; /* for the note; NULL = nothing */
};

static bool key_applies(const struct scenario *sc, const struct key *key, const char *role,
                        const char **failing);

/* ---- one condition ---- */

/* `PATH`, `PATH=A,B`, `PATH!=A,B` or `PATH>N`; borrowed from `when`. */
struct condition {
    const char *path, *words;
    size_t n_path, n_words;
    bool negated, above; /* above: the words are the number */
};

static struct condition read_condition(const char *text, size_t n)
{
    struct condition c = {.path = text, .n_path = strcspn(text, "!=> ")};

    if (c.n_path >= n) {
        c.n_path = n;
        return c;
    }
    c.negated = text[c.n_path] == '!';
    c.above = text[c.n_path] == '>';
    c.words = text + c.n_path + (c.negated ? 2 : 1);
    c.n_words = (size_t)(text + n - c.words);
    return c;
}

static bool is_path(const struct condition *c, const char *path)
{
    return strlen(path) == c->n_path && memcmp(c->path, path, c->n_path) == 0;
}

static bool has_word(const struct condition *c, const char *word)
{
    size_t n = word ? strlen(word) : 0;

    for (const char *p = c->words, *end = p + c->n_words; word && p < end;) {
        size_t length = strcspn(p, ",");
        if (length > (size_t)(end - p))
            length = (size_t)(end - p);
        if (length == n && memcmp(p, word, n) == 0)
            return true;
        p += length + 1;
    }
    return false;
}

static const struct key *find_key(const struct scenario *sc, const struct condition *c)
{
    const struct key *own = scenario_policy(sc)->keys;

    for (const struct key *k = scenario_keys; k->name; k++) {
        size_t n = strlen(k->section), dot = n > 0;
        if (n + dot + strlen(k->name) == c->n_path && strncmp(k->section, c->path, n) == 0 &&
            strncmp(k->name, c->path + n + dot, c->n_path - n - dot) == 0)
            return k;
    }
    for (const struct key *k = own; k && k->name; k++) {
        size_t n = strlen("policy.");
        if (c->n_path == n + strlen(k->name) && strncmp(k->name, c->path + n, c->n_path - n) == 0)
            return k;
    }
    return NULL;
}

static const void *base_of(const struct scenario *sc, const struct key *key, size_t role)
{
    if (key->place == PLACE_POLICY)
        return sc->policy.config;
    return key->place == PLACE_ENGINE ? (const void *)&sc->pools[role].engine : sc;
}

static bool has_value(const struct condition *c, const struct key *key, const void *base)
{
    const void *field = (const char *)base + key->offset;

    if (!c->words)
        return !scenario_key_is_preset(key, base);
    if (c->above && key->type == KEY_INT)
        return *(const int64_t *)field > strtoll(c->words, NULL, 10);
    if (c->above)
        return *(const double *)field > strtod(c->words, NULL);
    if (key->type == KEY_BOOL)
        return has_word(c, *(const bool *)field ? "true" : "false");
    if (key->type == KEY_NAMES) {
        for (size_t i = 0; key_choice(key, i); i++) {
            if (*(const unsigned *)field >> i & 1 && has_word(c, key_choice(key, i)))
                return true;
        }
        return false;
    }
    BUG_IF(key->type != KEY_ENUM && key->type != KEY_ROUTER && key->type != KEY_TEXT);
    return has_word(c, *(const char *const *)field);
}

static bool holds_for(const struct scenario *sc, const struct condition *c, size_t role)
{
    const struct pool_settings *pool = &sc->pools[role];

    if (is_path(c, "pools"))
        return has_word(c, role == POOL_AGG ? "agg" : "disagg");
    if (is_path(c, "role"))
        return has_word(c, pool_role_names[role]);
    if (is_path(c, "router"))
        return has_word(c, pool->router ? pool->router : sc->router) != c->negated;
    const struct key *key = find_key(sc, c);
    if (!key)
        return c->negated; /* of another policy */
    bool counts = c->negated || key_applies(sc, key, pool_role_names[role], NULL);
    return (counts && has_value(c, key, base_of(sc, key, role))) != c->negated;
}

/* role NULL: in any pool. */
static bool holds(const struct scenario *sc, const struct condition *c, const char *role)
{
    for (size_t i = 0; i < 3; i++) {
        if (sc->pools[i].present && (!role || strcmp(role, pool_role_names[i]) == 0) &&
            holds_for(sc, c, i))
            return true;
    }
    return false;
}

/* ---- the conditions of a key ---- */

/* The part of `text` before the separator, and what comes after it; NULL = that was the last. */
static const char *split(const char *text, size_t n, const char *separator, size_t *length)
{
    const char *found = strstr(text, separator);

    if (!found || found >= text + n) {
        *length = n;
        return NULL;
    }
    *length = (size_t)(found - text);
    return found + strlen(separator);
}

static bool clause_holds(const struct scenario *sc, const char *clause, size_t n, const char *role)
{
    for (const char *next, *p = clause, *end = clause + n; p; p = next) {
        size_t length;
        next = split(p, (size_t)(end - p), " | ", &length);
        struct condition c = read_condition(p, length);
        if (holds(sc, &c, role))
            return true;
    }
    return false;
}

/* *failing: the first clause that does not hold, up to the next " & ". */
static bool all_hold(const struct scenario *sc, const char *when, const char *role,
                     const char **failing)
{
    for (const char *next, *p = when; p; p = next) {
        size_t length;
        next = split(p, strlen(p), " & ", &length);
        if (!clause_holds(sc, p, length, role)) {
            if (failing)
                *failing = p;
            return false;
        }
    }
    return true;
}

static bool key_applies(const struct scenario *sc, const struct key *key, const char *role,
                        const char **failing)
{
    return all_hold(sc, key->when, role, failing);
}

bool scenario_key_applies(const struct scenario *scenario, const struct key *key)
{
    return key_applies(scenario, key, NULL, NULL);
}

/* ---- what is said about it ---- */

static const char *append(struct arena *arena, const char *text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL when memory is out, and then for good. */
static const char *append(struct arena *arena, const char *text, const char *format, ...)
{
    char more[256];
    va_list args;

    va_start(args, format);
    vsnprintf(more, sizeof more, format, args);
    va_end(args);
    return text ? arena_printf(arena, "%s%s", text, more) : NULL;
}

static const char *describe_condition(const struct applies *a, const struct condition *c,
                                      const char *text)
{
    if (is_path(c, "pools"))
        return append(a->arena, text,
                      has_word(c, "agg") ? "the pool agg" : "the pools prefill and decode");
    if (is_path(c, "role"))
        return append(a->arena, text, "the pool %.*s", (int)c->n_words, c->words);
    text = append(a->arena, text, "%.*s", (int)c->n_path, c->path);
    if (!c->words)
        return text;
    text = append(a->arena, text, c->negated ? " other than " : c->above ? " above " : " ");
    for (const char *p = c->words, *end = p + c->n_words; p < end;) {
        size_t n = strcspn(p, ", ");
        text = append(a->arena, text, "%s%.*s", p == c->words ? "" : " or ", (int)n, p);
        p += n + 1;
    }
    return text;
}

static const char *describe_clause(const struct applies *a, const char *clause)
{
    const char *text = "", *next;
    size_t n;

    (void)split(clause, strlen(clause), " & ", &n);
    for (const char *p = clause, *end = clause + n; p; p = next) {
        size_t length;
        next = split(p, (size_t)(end - p), " | ", &length);
        struct condition c = read_condition(p, length);
        text = append(a->arena, text, "%s", p == clause ? "" : ", or ");
        text = describe_condition(a, &c, text);
    }
    return text;
}

/* The reference simulator lacks what the key is about: the figures would be those of something else
 * than the file says. */
static bool is_ours(const char *clause)
{
    size_t n = strlen("compat=none");

    return strncmp(clause, "compat=none", n) == 0 && (!clause[n] || clause[n + 1] == '&');
}

/* `what` is to be left out: the key, or one of its names, which `path` ends with then. */
static enum status refuse(struct applies *a, const struct key *key, const char *path,
                          const char *what, const char *clause, struct source_pos at)
{
    char expected[96];

    if (is_ours(clause)) {
        scenario_key_preset_text(key, expected, sizeof expected);
        return diag_fail_at(a->d, ST_INPUT, at,
                            "%s has no counterpart in the reference simulator; with compat "
                            "dynosim, expected %s",
                            path, expected);
    }
    const char *needs = describe_clause(a, clause);
    if (!needs)
        return diag_nomem(a->d, "scenario");
    return diag_fail_at(a->d, ST_INPUT, at,
                        "%s has no effect here: it needs %s; set that, or leave %s out", path,
                        needs, what);
}

/* For the note. */
static enum status leave_out(struct applies *a, const char *path, const char *clause)
{
    const char *needs = describe_clause(a, clause), *before = a->left_out;
    a->left_out =
        needs ? append(a->arena, before ? before : "without effect here: ", "%s%s (needs %s)",
                       before ? "; " : "", path, needs)
              : NULL;
    return a->left_out ? ST_OK : diag_nomem(a->d, "scenario");
}

/* A key that is set, and does not apply. */
static enum status report(struct applies *a, const struct key *key, void *base, const char *path,
                          const char *clause)
{
    bool of_compat = is_ours(clause);
    struct source_pos at;
    bool set = scenario_is_set(a->scenario, path, &at);

    if (of_compat || (set && at.line == 0))
        return refuse(a, key, path, "the key", clause, at);
    scenario_key_preset(key, base);
    return leave_out(a, path, clause);
}

/* Names of a list that are there, and do not apply. */
static enum status check_names(struct applies *a, const struct key *key, void *base,
                               const char *path)
{
    unsigned *names = (unsigned *)((char *)base + key->offset);
    enum status s = ST_OK;

    for (size_t i = 0; !s && key_choice(key, i); i++) {
        const char *failing, *name = key_choice(key, i);
        struct source_pos at;
        if (!(*names >> i & 1) || all_hold(a->scenario, key->choice_when(i), NULL, &failing))
            continue;
        const char *shown = arena_printf(a->arena, "%s %s", path, name);
        if (!shown)
            return diag_nomem(a->d, "scenario");
        bool set = scenario_is_set(a->scenario, path, &at);
        if (is_ours(failing) || (set && at.line == 0))
            return refuse(a, key, shown, name, failing, at);
        *names &= ~(1u << i);
        s = leave_out(a, shown, failing);
    }
    return s;
}

/* ---- all keys ---- */

static enum status check_engine_key(struct applies *a, const struct key *key)
{
    struct scenario *sc = a->scenario;
    const char *failing = NULL, *engine_path = arena_printf(a->arena, "engine.%s", key->name);
    bool anywhere = false;
    enum status s = ST_OK;

    if (!engine_path)
        return diag_nomem(a->d, "scenario");
    for (size_t role = 0; role < 3 && !s; role++) {
        struct pool_settings *pool = &sc->pools[role];
        struct source_pos at;
        const char *path = arena_printf(a->arena, "pools.%s.%s", pool_role_names[role], key->name);
        if (!path)
            return diag_nomem(a->d, "scenario");
        if (!pool->present)
            continue;
        bool applies = key_applies(sc, key, pool_role_names[role], &failing);
        anywhere = anywhere || applies;
        if (!applies && !scenario_key_is_preset(key, &pool->engine) &&
            scenario_is_set(sc, path, &at))
            s = report(a, key, &pool->engine, path, failing);
    }
    if (s || anywhere || scenario_key_is_preset(key, &sc->engine))
        return s;
    for (size_t role = 0; role < 3; role++)
        scenario_key_preset(key, &sc->pools[role].engine);
    return report(a, key, &sc->engine, engine_path, failing);
}

static enum status check_pool_key(struct applies *a, const struct key *key)
{
    enum status s = ST_OK;

    for (size_t role = 0; role < 3 && !s; role++) {
        struct pool_settings *pool = &a->scenario->pools[role];
        const char *failing, *name = pool_role_names[role];
        if (!pool->present || scenario_key_is_preset(key, pool) ||
            key_applies(a->scenario, key, name, &failing))
            continue;
        const char *path = arena_printf(a->arena, "pools.%s.%s", name, key->name);
        s = path ? report(a, key, pool, path, failing) : diag_nomem(a->d, "scenario");
    }
    return s;
}

static enum status check_key(struct applies *a, const struct key *key)
{
    struct scenario *sc = a->scenario;
    void *base = key->place == PLACE_POLICY ? sc->policy.config : sc;
    const char *failing;

    if (!key->when || (sc->deployment && scenario_key_of_run(key)))
        return ST_OK;
    if (key->choice_when && key_applies(sc, key, NULL, NULL))
        return check_names(a, key, base, arena_printf(a->arena, "%s.%s", key->section, key->name));
    if (key->place == PLACE_ENGINE)
        return check_engine_key(a, key);
    if (key->place == PLACE_POOL)
        return check_pool_key(a, key);
    if (scenario_key_is_preset(key, base) || key_applies(sc, key, NULL, &failing))
        return ST_OK;
    const char *path =
        *key->section ? arena_printf(a->arena, "%s.%s", key->section, key->name) : key->name;
    return path ? report(a, key, base, path, failing) : diag_nomem(a->d, "scenario");
}

static bool is_policy_key_set(const struct scenario *scenario, const struct key *key)
{
    return yaml_node_child(yaml_node_child(scenario->tree, "policy"), key->name) != NULL;
}

enum status scenario_check_applies(struct scenario *scenario, struct arena *arena, struct diag *d)
{
    struct applies a = {.scenario = scenario, .arena = arena, .d = d};
    const struct key *own = scenario_policy(scenario)->keys;
    enum status s = ST_OK;

    for (const struct key *k = scenario_keys; k->name && !s; k++)
        s = check_key(&a, k);
    /* Under the name by which it was set. */
    for (const struct key *k = own; k && k->name && !s; k++) {
        if (k->same_as && is_policy_key_set(scenario, k))
            s = check_key(&a, k);
    }
    for (const struct key *k = own; k && k->name && !s; k++) {
        if (!k->same_as)
            s = check_key(&a, k);
    }
    if (!s && a.left_out)
        scenario->notes.text[scenario->notes.n++] = a.left_out;
    return s;
}

static bool applies_to_one(const struct scenario *sc, const struct key *key, const char **failing)
{
    for (size_t i = 0; i < sc->n_deployments; i++) {
        if (key_applies(&sc->deployments[i], key, NULL, failing))
            return true;
    }
    return false;
}

enum status scenario_check_run_applies(struct scenario *scenario, struct arena *arena,
                                       struct diag *d)
{
    struct applies a = {.scenario = scenario, .arena = arena, .d = d};
    enum status s = ST_OK;

    for (const struct key *k = scenario_keys; k->name && !s; k++) {
        const char *failing = k->when;
        if (!k->when || !scenario_key_of_run(k) || scenario_key_is_preset(k, scenario) ||
            applies_to_one(scenario, k, &failing))
            continue;
        const char *path =
            *k->section ? arena_printf(arena, "%s.%s", k->section, k->name) : k->name;
        s = path ? report(&a, k, scenario, path, failing) : diag_nomem(d, "scenario");
    }
    if (!s && a.left_out)
        scenario->notes.text[scenario->notes.n++] = a.left_out;
    return s;
}
