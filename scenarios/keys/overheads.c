#include "scenarios/keys/overheads.h"

#include <fnmatch.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engines/latency/latency.h"
#include "engines/profile/profile_trust.h"
#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/preset_file.h"
#include "scenarios/keys/simulator.h"
#include "scenarios/text/nearest.h"
#include "util/bug.h"
#include "util/text.h"

static const char file_name[] = "overheads.yaml";

struct subject {
    const struct profile *profile;
    const char *version; /* of the engine; "" = not known */
};

/* ---- `for` ---- */

struct condition;
typedef enum status condition_fits(bool *fits, const struct condition *c, const struct subject *s,
                                   const struct yaml_node *node, struct diag *d);

struct condition {
    const char *name;
    condition_fits *fits;
    size_t offset; /* of a text in struct profile */
};

static enum status fits_pattern(bool *fits, const struct yaml_node *node, const char *value,
                                struct diag *d)
{
    char got[NODE_TEXT_SIZE];

    if (node->kind != NODE_TEXT)
        return diag_fail_at(d, ST_INPUT, node->at, "for.%s must be a pattern, not %s", node->key,
                            yaml_node_describe(got, node));
    *fits = fnmatch(node->text, value, 0) == 0;
    return ST_OK;
}

static enum status fits_text(bool *fits, const struct condition *c, const struct subject *s,
                             const struct yaml_node *node, struct diag *d)
{
    const void *field = (const char *)s->profile + c->offset;

    return fits_pattern(fits, node, *(const char *const *)field, d);
}

static enum status fits_kind(bool *fits, const struct condition *c, const struct subject *s,
                             const struct yaml_node *node, struct diag *d)
{
    (void)c;
    return fits_pattern(fits, node, profile_trust(s->profile).kind, d);
}

static enum status fits_experts(bool *fits, const struct condition *c, const struct subject *s,
                                const struct yaml_node *node, struct diag *d)
{
    (void)c;
    char got[NODE_TEXT_SIZE];

    if (node->kind != NODE_BOOL)
        return diag_fail_at(d, ST_INPUT, node->at, "for.experts must be true or false, not %s",
                            yaml_node_describe(got, node));
    *fits = profile_has_experts(s->profile) == node->b;
    return ST_OK;
}

/* Below 0: a comes before b. Their runs of digits count, one after another. */
static int compare_versions(const char *a, const char *b)
{
    while (*a || *b) {
        uint64_t x = 0, y = 0;
        while (*a && !text_is_digit(*a))
            a++;
        while (*b && !text_is_digit(*b))
            b++;
        for (; text_is_digit(*a); a++)
            x = 10 * x + (uint64_t)(*a - '0');
        for (; text_is_digit(*b); b++)
            y = 10 * y + (uint64_t)(*b - '0');
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* A version that is not known is taken for the newest. */
static enum status fits_version(bool *fits, const struct subject *s, const struct yaml_node *node,
                                bool below, struct diag *d)
{
    char got[NODE_TEXT_SIZE];

    if (node->kind != NODE_TEXT)
        return diag_fail_at(d, ST_INPUT, node->at,
                            "for.%s must be a text such as \"0.11.0\", not %s", node->key,
                            yaml_node_describe(got, node));
    bool before = *s->version && compare_versions(s->version, node->text) < 0;
    *fits = before == below;
    return ST_OK;
}

static enum status fits_from_version(bool *fits, const struct condition *c, const struct subject *s,
                                     const struct yaml_node *node, struct diag *d)
{
    (void)c;
    return fits_version(fits, s, node, false, d);
}

static enum status fits_below_version(bool *fits, const struct condition *c,
                                      const struct subject *s, const struct yaml_node *node,
                                      struct diag *d)
{
    (void)c;
    return fits_version(fits, s, node, true, d);
}

static const struct condition conditions[] = {
    {"framework", fits_text, offsetof(struct profile, framework)},
    {"gpu", fits_text, offsetof(struct profile, gpu_type)},
    {"model", fits_text, offsetof(struct profile, model)},
    {"dtype", fits_text, offsetof(struct profile, dtype)},
    {"source", fits_text, offsetof(struct profile, source)},
    {"kind", fits_kind, 0},
    {"experts", fits_experts, 0},
    {"from_version", fits_from_version, 0},
    {"below_version", fits_below_version, 0},
};
enum { N_CONDITIONS = sizeof conditions / sizeof conditions[0] };

static enum status no_condition(const struct yaml_node *node, struct diag *d)
{
    char known[200] = "";

    for (size_t i = 0; i < N_CONDITIONS; i++) {
        size_t n = strlen(known);
        const char *between = i == 0 ? "" : i + 1 < N_CONDITIONS ? ", " : " or ";
        snprintf(known + n, sizeof known - n, "%s%s", between, conditions[i].name);
    }
    return diag_fail_at(d, ST_INPUT, node->key_at, "for.%s is no condition; expected %s", node->key,
                        known);
}

static enum status entry_fits(bool *fits, const struct subject *subject,
                              const struct yaml_node *entry, struct diag *d)
{
    const struct yaml_node *wanted = yaml_node_child(entry, "for");
    char got[NODE_TEXT_SIZE];

    *fits = wanted != NULL;
    if (wanted && wanted->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, wanted->at, "for must be a map, not %s",
                            yaml_node_describe(got, wanted));
    for (const struct yaml_node *node = wanted ? wanted->first : NULL; node && *fits;
         node = node->next) {
        size_t i = 0;
        while (i < N_CONDITIONS && strcmp(conditions[i].name, node->key) != 0)
            i++;
        if (i == N_CONDITIONS)
            return no_condition(node, d);
        enum status s = conditions[i].fits(fits, &conditions[i], subject, node, d);
        if (s)
            return s;
    }
    return ST_OK;
}

enum status overheads_fit(bool *fits, const struct profile *profile, const char *version,
                          const struct yaml_node *entry, struct diag *d)
{
    return entry_fits(fits, &(struct subject){profile, version}, entry, d);
}

/* ---- the values of an entry ---- */

static bool is_text(const char *name)
{
    return strcmp(name, "summary") == 0 || strcmp(name, "evidence") == 0 ||
           strcmp(name, "for") == 0;
}

static void *value_of(const struct key *key, struct engine_settings *engine)
{
    return (char *)engine + key->offset;
}

static bool is_unset(const struct key *key, struct engine_settings *engine)
{
    const void *value = value_of(key, engine);

    return key->type == KEY_NUMBER ? isnan(*(const double *)value) : !*(const char *const *)value;
}

static void copy_value(const struct key *key, struct engine_settings *to,
                       struct engine_settings *from)
{
    memcpy(value_of(key, to), value_of(key, from),
           key->type == KEY_NUMBER ? sizeof(double) : sizeof(const char *));
}

/* What the user has set stays. */
static enum status fill(struct engine_settings *engine, struct arena *arena,
                        const struct yaml_node *entry, struct diag *d)
{
    enum status s = ST_OK;

    for (const struct yaml_node *node = entry->first; node && !s; node = node->next) {
        const struct key *key = scenario_key_find("engine", node->key);
        struct engine_settings read;
        const struct key_target target = {arena, node->key, &read};
        if (is_text(node->key))
            continue;
        if (!key || !key->overhead)
            return diag_fail_at(d, ST_INPUT, node->key_at,
                                "overheads %s: %s is no key of overheads", entry->key, node->key);
        s = scenario_key_store(key, &target, node, d);
        if (!s && is_unset(key, engine))
            copy_value(key, engine, &read);
    }
    return s;
}

static void fill_bare(struct engine_settings *engine)
{
    for (const struct key *key = scenario_keys; key->name; key++) {
        if (!key->overhead || !is_unset(key, engine))
            continue;
        if (key->type == KEY_NUMBER)
            *(double *)value_of(key, engine) = key->bare;
        else
            *(const char **)value_of(key, engine) = key->bare_text;
    }
}

/* With `auto` it is the profile that says whether there are parts of a step. */
static enum status refuse_parts(struct engine_settings *engine, const struct scenario *sc,
                                enum pool_role role, const struct profile *profile, struct diag *d)
{
    for (const struct key *key = scenario_keys; key->name; key++) {
        if (key->overhead && key->of_parts && !is_unset(key, engine))
            return diag_fail_at(d, ST_INPUT, scenario_engine_at(sc, role, key->name),
                                "engine.%s is of a part of a step, and profile '%s' has tables of "
                                "whole steps alone; expected step_factor",
                                key->name, profile->name);
    }
    return ST_OK;
}

/* ---- which entry ---- */

static enum status unknown(struct arena *arena, const struct yaml_node *const *entries, size_t n,
                           const char *name, struct source_pos at, struct diag *d)
{
    const char *known = "auto, none";
    char shown[TEXT_EXCERPT_SIZE];
    struct nearest near;

    nearest_init(&near, name);
    for (size_t i = 0; i < n && known; i++) {
        nearest_offer(&near, entries[i]->key);
        known = arena_printf(arena, "%s, %s", known, entries[i]->key);
    }
    if (!known)
        return diag_nomem(d, "overheads");
    return diag_fail_at(d, ST_INPUT, at,
                        "engine.overheads: no entry '%s'%s%s%s (known: %s; of your own: a file %s "
                        "in the folder HEADROOM_PRESETS)",
                        text_excerpt(shown, name, strlen(name)),
                        near.best ? "; did you mean '" : "", near.best ? near.best : "",
                        near.best ? "'?" : "", known, file_name);
}

static enum status find_entry(const struct yaml_node **entry, struct arena *arena,
                              struct shared *shared, const struct scenario *sc, enum pool_role role,
                              const struct subject *subject, const char *name, struct diag *d)
{
    const struct preset_place place = {sc->preset_dirs, file_name, shared};
    const struct yaml_node *const *entries;
    bool any = strcmp(name, "auto") == 0;
    size_t n;

    *entry = NULL;
    const char *kind = profile_trust(subject->profile).kind;
    /* What was measured of a running engine has them in it, unless another is meant. */
    if (any && strcmp(kind, "measured") == 0 &&
        strcmp(subject->version, subject->profile->framework_version) == 0)
        return ST_OK;
    enum status s = preset_all(&entries, &n, arena, &place, d);
    for (size_t i = 0; i < n && !s && !*entry; i++) {
        bool fits = false;
        if (any)
            s = entry_fits(&fits, subject, entries[i], d);
        if (fits || (!any && strcmp(entries[i]->key, name) == 0))
            *entry = entries[i];
    }
    if (!s && any && n == 0 && sc->preset_dirs && strcmp(kind, "estimated") == 0)
        return diag_fail_at(d, ST_INPUT, scenario_engine_at(sc, role, "overheads"),
                            "engine.overheads: there is no file %s; set HEADROOM_PRESETS to its "
                            "folder (presets of the source tree), or engine.overheads to none",
                            file_name);
    if (s || *entry || any)
        return s;
    return unknown(arena, entries, n, name, scenario_engine_at(sc, role, "overheads"), d);
}

enum status overheads_resolve(struct engine_settings *engine, const char **entry,
                              struct arena *arena, struct shared *shared,
                              const struct scenario *scenario, enum pool_role role,
                              const struct profile *profile, struct diag *d)
{
    const struct subject subject = {profile, engine->framework_version
                                                 ? engine->framework_version
                                                 : profile->framework_version};
    const struct simulator_ops *simulator = simulator_find(scenario->compat);
    const struct yaml_node *found = NULL;
    enum status s = ST_OK;

    BUG_IF(!simulator);
    if (strcmp(engine->latency_model, "auto") == 0)
        engine->latency_model =
            simulator->bare_engines ? "table" : latency_model_for(profile)->name;
    if (strcmp(engine->latency_model, "steps") != 0)
        s = refuse_parts(engine, scenario, role, profile, d);
    if (!s && !simulator->bare_engines && strcmp(engine->overheads, "none") != 0)
        s = find_entry(&found, arena, shared, scenario, role, &subject, engine->overheads, d);
    if (!s && found)
        s = fill(engine, arena, found, d);
    fill_bare(engine);
    *entry = found ? found->key : "none";
    if (!s && strcmp(engine->async_scheduling, "true") == 0 &&
        strcmp(engine->step_order, "prefill_first") == 0)
        s = diag_fail_at(d, ST_INPUT, scenario_engine_at(scenario, role, "step_order"),
                         "step_order 'prefill_first' of pool %s (overheads %s) does not go with "
                         "async_scheduling; expected 'decode_first'",
                         pool_role_names[role], *entry);
    return s;
}
