#include "scenarios/keys/scenario.h"

#include <math.h>
#include <string.h>

#include "scenarios/keys/deployments.h"
#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/layers.h"
#include "scenarios/keys/policy_file.h"
#include "scenarios/keys/preset_file.h"
#include "scenarios/keys/simulator.h"
#include "scenarios/text/file_text.h"
#include "scenarios/text/yaml_tree.h"
#include "util/bug.h"
#include "util/pcg.h"
#include "util/text.h"

const char *const pool_role_names[3] = {
    [POOL_AGG] = "agg", [POOL_PREFILL] = "prefill", [POOL_DECODE] = "decode"};

struct loader {
    struct scenario *scenario;
    struct arena *arena;
    struct yaml_node *root;
    const struct yaml_node *own; /* of root, what the deployment itself says; NULL = it is none */
    const struct scenario_source *source;
    const char *other_generation; /* keys left out; NULL = none */
    struct diag *d;
};

/* ---- values ---- */

static enum status unknown_key(const struct loader *l, const char *section,
                               const struct yaml_node *node)
{
    return scenario_key_unknown(scenario_policy(l->scenario), section, node->key, node->key_at,
                                l->d);
}

static void *base_of(struct loader *l, const struct key *key, struct pool_settings *pool)
{
    switch (key->place) {
    case PLACE_SCENARIO:
        return l->scenario;
    case PLACE_ENGINE:
        return pool ? &pool->engine : &l->scenario->engine;
    case PLACE_POOL:
        return pool;
    case PLACE_POLICY:
        return l->scenario->policy.config;
    }
    BUG("key %s has no place", key->name);
}

static enum status store(struct loader *l, const struct key *key, const char *section,
                         struct pool_settings *pool, const struct yaml_node *node)
{
    struct key_target target = {l->arena, NULL, base_of(l, key, pool)};

    target.path = *section ? arena_printf(l->arena, "%s.%s", section, node->key) : node->key;
    if (!target.path)
        return diag_nomem(l->d, "scenario");
    return scenario_key_store(key, &target, node, l->d);
}

static enum status need_map(struct loader *l, const char *section, const struct yaml_node *node)
{
    char got[NODE_TEXT_SIZE];

    BUG_IF(!node);
    if (node->kind == NODE_MAP || node->kind == NODE_NULL)
        return ST_OK;
    return diag_fail_at(l->d, ST_INPUT, node->at, "%s must be a map, not %s", section,
                        yaml_node_describe(got, node));
}

static enum status read_preset(struct loader *l, const char *section, const struct key *key,
                               const struct yaml_node *wanted)
{
    const struct preset_place place = {l->source->preset_dirs, key->presets, l->source->shared};
    const char *path = arena_printf(l->arena, "%s.%s", section, key->name);
    const struct yaml_node *preset;

    enum status s = path ? store(l, key, section, NULL, wanted) : diag_nomem(l->d, "scenario");
    if (s || wanted->kind == NODE_NULL)
        return s;
    s = preset_find(&preset, l->arena, &place, path, wanted, l->d);
    for (const struct yaml_node *node = s ? NULL : preset->first; node && !s; node = node->next) {
        const struct key *inner = scenario_key_find(section, node->key);
        if (strcmp(node->key, "summary") == 0)
            continue;
        if (inner == key)
            s = diag_fail_at(l->d, ST_INPUT, node->key_at, "a preset cannot name another");
        else
            s = inner ? store(l, inner, section, NULL, node) : unknown_key(l, section, node);
    }
    return s;
}

/* Sections that are read by functions of their own. */
static bool has_reader(const char *section)
{
    return strcmp(section, "pools") == 0 || strcmp(section, "policy") == 0 ||
           strcmp(section, "deployments") == 0;
}

/* The keys of one plain section, or the top level; those of its preset first. */
static enum status read_section(struct loader *l, const char *section, const struct yaml_node *map)
{
    const struct key *preset = scenario_key_find(section, "preset");
    const struct yaml_node *wanted = preset ? yaml_node_child(map, preset->name) : NULL;
    enum status s = need_map(l, section, map);

    if (!s && wanted)
        s = read_preset(l, section, preset, wanted);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        const struct key *key = scenario_key_find(section, node->key);
        if (node == wanted)
            continue;
        if (key && key->type == KEY_ROUTER && node->kind == NODE_MAP)
            continue; /* with the pools */
        if (key)
            s = store(l, key, section, NULL, node);
        else if (*section || !scenario_is_section(node->key))
            s = unknown_key(l, section, node);
        else if (!has_reader(node->key))
            s = read_section(l, node->key, node);
    }
    return s;
}

static enum status read_pool(struct loader *l, enum pool_role role, const struct yaml_node *map)
{
    struct pool_settings *pool = &l->scenario->pools[role];
    const char *section = arena_printf(l->arena, "pools.%s", pool_role_names[role]);
    bool has_replicas = false;

    if (!section)
        return diag_nomem(l->d, "scenario");
    enum status s = need_map(l, section, map);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        const struct key *key = scenario_key_find("pools.POOL", node->key);
        if (!key)
            key = scenario_key_find("engine", node->key);
        s = key ? store(l, key, section, pool, node) : unknown_key(l, section, node);
        has_replicas = has_replicas || strcmp(node->key, "replicas") == 0;
    }
    if (!s && !has_replicas)
        s = diag_fail_at(l->d, ST_INPUT, map->key_at, "%s needs replicas, the workers at the start",
                         section);
    return s;
}

/* `router: {prefill: NAME, decode: NAME}`; what a pool says itself wins. */
static enum status read_router_map(struct loader *l, const struct yaml_node *map)
{
    const struct key *key = scenario_key_find("pools.POOL", "router");
    enum status s = ST_OK;

    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        size_t role = 0;
        while (role < 3 && strcmp(node->key, pool_role_names[role]) != 0)
            role++;
        if (role == 3)
            s = unknown_key(l, "router", node);
        else if (!l->scenario->pools[role].present)
            s = diag_fail_at(l->d, ST_INPUT, node->key_at,
                             "router.%s: the scenario has no such pool", node->key);
        else
            s = store(l, key, "router", &l->scenario->pools[role], node);
    }
    return s;
}

static enum status check_layout(struct loader *l, const struct yaml_node *pools)
{
    const struct pool_settings *p = l->scenario->pools;
    bool agg = p[POOL_AGG].present, prefill = p[POOL_PREFILL].present,
         decode = p[POOL_DECODE].present;
    struct source_pos at = pools ? pools->key_at : (struct source_pos){.file = l->scenario->file};

    if (!agg && !prefill && !decode)
        return diag_fail_at(l->d, ST_INPUT, at,
                            "pools is missing; expected either agg, or prefill and decode");
    if (agg && (prefill || decode))
        return diag_fail_at(l->d, ST_INPUT, at,
                            "pools has both agg and %s; expected either agg, or prefill and decode",
                            prefill ? "prefill" : "decode");
    if (!agg && !(prefill && decode))
        return diag_fail_at(l->d, ST_INPUT, at, "pools has %s but not %s",
                            prefill ? "prefill" : "decode", prefill ? "decode" : "prefill");
    return ST_OK;
}

static enum status read_pools(struct loader *l)
{
    const struct yaml_node *pools = yaml_node_child(l->root, "pools");
    const struct yaml_node *router = yaml_node_child(l->root, "router");
    const struct yaml_node *given[3] = {NULL};
    enum status s = pools ? need_map(l, "pools", pools) : ST_OK;

    for (const struct yaml_node *node = pools ? pools->first : NULL; node && !s;
         node = node->next) {
        size_t role = 0;
        while (role < 3 && strcmp(node->key, pool_role_names[role]) != 0)
            role++;
        if (role == 3)
            return unknown_key(l, "pools", node);
        l->scenario->pools[role].present = node->kind != NODE_NULL;
        given[role] = node;
    }
    if (!s)
        s = check_layout(l, pools);
    for (size_t role = 0; role < 3; role++)
        l->scenario->pools[role].engine = l->scenario->engine;
    if (!s && router && router->kind == NODE_MAP)
        s = read_router_map(l, router);
    for (size_t role = 0; role < 3 && !s; role++) {
        if (l->scenario->pools[role].present)
            s = read_pool(l, (enum pool_role)role, given[role]);
    }
    return s;
}

/* ---- policy ---- */

static enum status leave_out(struct loader *l, const struct yaml_node *node)
{
    const char *before = l->other_generation;

    l->other_generation = arena_printf(
        l->arena, "%s%s%s", before ? before : "of another generation of the planner, left out: ",
        before ? ", policy." : "policy.", node->key);
    return l->other_generation ? ST_OK : diag_nomem(l->d, "policy");
}

/* What names the policy: `type` and `generation` where they are given. */
struct policy_nodes {
    const struct yaml_node *type, *generation;
};

/* Does the deployment itself say it, of its policy? */
static bool is_own(const struct loader *l, const struct yaml_node *node)
{
    const struct yaml_node *policy = yaml_node_child(l->own, "policy");

    return yaml_node_child(policy, node->key) != NULL;
}

/* A file's fields of another policy are left out when its type was changed by an overlay or an
 * override: `--set policy.type=static` is how a planner is held against a fixed fleet. The same of
 * its generation, which is said: there the other fields of the policy count on. So are those
 * for all deployments in one that has a type, or a generation, of its own. */
static enum status other_policy(struct loader *l, const struct policy_ops *policy,
                                const struct yaml_node *node, const struct policy_nodes *by)
{
    const struct scenario *sc = l->scenario;
    bool same_type = strcmp(sc->policy.type, policy->name) == 0;
    const struct yaml_node *chosen = same_type ? by->generation : by->type;
    const char *shown = arena_printf(l->arena, "policy.%s", node->key);

    if (!shown)
        return diag_nomem(l->d, "policy");
    if (chosen && (layers_rank(l->source, chosen->at) > layers_rank(l->source, node->key_at) ||
                   (is_own(l, chosen) && !is_own(l, node))))
        return same_type ? leave_out(l, node) : ST_OK;
    if (same_type)
        return policy_wrong_generation(scenario_policy(sc), shown, node, policy, l->d);
    return diag_fail_at(l->d, ST_INPUT, node->key_at,
                        "policy.%s does not belong to policy.type '%s', but to '%s'", node->key,
                        sc->policy.type, policy->name);
}

static const struct policy_ops *policy_with_file(void)
{
    const struct policy_ops *const *p = policies;

    while (!(*p)->own_file)
        p++;
    return *p;
}

static enum status note_taken(struct loader *l, const char *taken)
{
    struct scenario *sc = l->scenario;
    const char *text =
        arena_printf(l->arena, "without bearing on a simulation, of policy.config: %s", taken);

    if (!text)
        return diag_nomem(l->d, "scenario");
    sc->notes.text[sc->notes.n++] = text;
    return ST_OK;
}

/* The policy's own configuration file, when one is given; *file is its map, for what it says. */
static enum status read_policy_file(struct loader *l, const struct policy_ops *policy,
                                    const struct yaml_node *node, const struct policy_nodes *by,
                                    const struct yaml_node **file)
{
    struct scenario *sc = l->scenario;
    struct diag cause;
    const char *taken = NULL;

    *file = NULL;
    if (!node || node->kind == NODE_NULL)
        return ST_OK;
    if (!policy->own_file)
        return other_policy(l, policy_with_file(), node, by);
    enum status s = store(l, scenario_key_find("policy", "config"), "policy", NULL, node);
    if (s)
        return s;
    diag_init(&cause);
    s = policy_file_read(policy, sc->policy.config, file, &taken, l->arena, sc->policy.file,
                         &cause);
    if (s == ST_IO)
        return diag_fail_at(l->d, s, node->at, "policy.config: %s", cause.text);
    if (s)
        return diag_fail(l->d, s, "%s", cause.text);
    return taken ? note_taken(l, taken) : ST_OK;
}

static const struct key *key_at_path(const char *path)
{
    for (const struct key *k = scenario_keys; k->name; k++) {
        size_t n = strlen(k->section);
        if (strncmp(k->section, path, n) == 0 && path[n] == '.' &&
            strcmp(k->name, path + n + 1) == 0)
            return k;
    }
    BUG("no key %s", path);
}

static bool is_given(const char *name, const struct yaml_node *map, const struct yaml_node *file)
{
    const struct yaml_node *node = yaml_node_child(map, name);

    return node ? node->kind != NODE_NULL : yaml_node_child(file, name) != NULL;
}

/* What neither the scenario's policy nor the policy's own file gives is as another key has it; null
 * in the scenario's policy takes back what the file says. */
static void inherit(struct loader *l, const struct policy_ops *policy, const struct yaml_node *map,
                    const struct yaml_node *file)
{
    char *config = l->scenario->policy.config;

    for (const struct key *k = policy->keys; k && k->name; k++) {
        bool given = false;
        for (const struct key *name = k->unset_as ? policy->keys : NULL; name && name->name; name++)
            given |= name->offset == k->offset && is_given(name->name, map, file);
        if (!k->unset_as || given)
            continue;
        const struct key *from = key_at_path(k->unset_as);
        memcpy(config + k->offset, (const char *)l->scenario + from->offset, sizeof(double));
    }
}

/* The rules across keys. What the policy's own file gets wrong by itself is said of that file. */
static enum status check_policy(struct loader *l, const struct policy_ops *policy, void *file_alone,
                                const struct yaml_node *file)
{
    struct source_pos at = scenario_at(l->scenario, "policy");
    struct diag ignored;

    if (!policy->check)
        return ST_OK;
    diag_init(&ignored);
    if (file && policy->check(file_alone, at, &ignored))
        at = file->at;
    return policy->check(l->scenario->policy.config, at, l->d);
}

static enum status read_policy_key(struct loader *l, const struct policy_ops *policy,
                                   const struct yaml_node *node, const struct policy_nodes *by)
{
    const struct key *key = scenario_key_find("policy", node->key);
    const struct policy_ops *other = policy_with_key(node->key, policy);

    if (!key)
        key = key_find(policy->keys, node->key);
    if (key)
        return store(l, key, "policy", NULL, node);
    if (other)
        return other_policy(l, other, node, by);
    const struct foreign_key *foreign = policy_foreign_find(policy, node->key);
    const char *shown = arena_printf(l->arena, "policy.%s", node->key);
    if (!shown)
        return diag_nomem(l->d, "policy");
    if (foreign && foreign->version)
        return policy_wrong_version(policy, shown, node, foreign, l->d);
    if (foreign)
        return diag_fail_at(l->d, ST_INPUT, node->key_at,
                            "policy.%s has no bearing on a simulation; leave it out",
                            foreign->name);
    return unknown_key(l, "policy", node);
}

static enum status read_policy(struct loader *l)
{
    static const struct yaml_node empty = {.kind = NODE_MAP};
    const struct yaml_node *map = yaml_node_child(l->root, "policy"), *file;
    struct scenario *sc = l->scenario;

    if (!map)
        map = &empty;
    enum status s = need_map(l, "policy", map);
    const struct policy_nodes by = {yaml_node_child(map, "type"),
                                    yaml_node_child(map, "generation")};
    if (!s && by.type)
        s = store(l, scenario_key_find("policy", "type"), "policy", NULL, by.type);
    if (!s && by.generation)
        s = store(l, scenario_key_find("policy", "generation"), "policy", NULL, by.generation);
    if (s)
        return s;
    const struct policy_ops *policy = scenario_policy(sc);
    void *file_alone = ARENA_NEW(l->arena, policy->config_size, char);
    sc->policy.config = policy_config_new(policy, l->arena);
    if (!sc->policy.config || !file_alone)
        return diag_nomem(l->d, "policy");
    const struct yaml_node *config = yaml_node_child(map, "config");
    s = read_policy_file(l, policy, config, &by, &file);
    if (policy->config_size)
        memcpy(file_alone, sc->policy.config, policy->config_size);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        if (node != by.type && node != by.generation && node != config)
            s = read_policy_key(l, policy, node, &by);
    }
    if (l->other_generation)
        sc->notes.text[sc->notes.n++] = l->other_generation;
    if (!s)
        s = scenario_check_applies(sc, l->arena, l->d);
    if (s)
        return s;
    inherit(l, policy, map, file);
    return check_policy(l, policy, file_alone, file);
}

/* ---- rules across keys ---- */

static enum status check_pool(struct loader *l, enum pool_role role)
{
    const struct engine_settings *e = &l->scenario->pools[role].engine;
    const char *name = pool_role_names[role];

    if (!e->profile[0])
        return diag_fail_at(l->d, ST_INPUT, scenario_engine_at(l->scenario, role, "profile"),
                            "engine.profile is missing; expected the name of a bundled profile "
                            "(headroom profile list), or a path");
    if (e->max_num_batched_tokens < e->max_num_seqs)
        return diag_fail_at(
            l->d, ST_INPUT, scenario_engine_at(l->scenario, role, "max_num_batched_tokens"),
            "max_num_batched_tokens of pool %s must be >= max_num_seqs (%lld), not %lld", name,
            (long long)e->max_num_seqs, (long long)e->max_num_batched_tokens);
    return ST_OK;
}

static enum status check_part(struct loader *l)
{
    const struct scenario *sc = l->scenario;

    if (sc->trace.to_s == 0 || sc->trace.to_s - sc->trace.from_s >= 0.001)
        return ST_OK;
    return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "trace.to_s"),
                        "trace.to_s must be 0 or 0.001 above trace.from_s (%g) at least, not %g",
                        sc->trace.from_s, sc->trace.to_s);
}

static enum status check_rate(struct loader *l)
{
    const struct scenario *sc = l->scenario;
    const struct curve *rate = &sc->traffic.rate_per_s;

    if (rate->point[0].at_s > 0)
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "traffic.rate_per_s"),
                            "traffic.rate_per_s must begin at 0 s, not at %g", rate->point[0].at_s);
    if (!(curve_area(rate) > 0))
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "traffic.rate_per_s"),
                            "traffic.rate_per_s has no request; expected points between which "
                            "time passes and the rate is above 0");
    return ST_OK;
}

/* Requests come from a trace, from clients, or at a rate. */
static enum status check_traffic(struct loader *l)
{
    struct scenario *sc = l->scenario;
    bool clients = sc->traffic.clients > 0, open = sc->traffic.rate_per_s.n > 0;
    const char *key = clients ? "traffic.clients" : "traffic.rate_per_s";

    if (!clients && !open) {
        if (sc->trace.path)
            return check_part(l);
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "trace"),
                            "trace.path is missing; expected a file of requests (or "
                            "traffic.clients, or traffic.rate_per_s)");
    }
    if (sc->trace.path || (clients && open))
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, key),
                            "%s and %s are both set; expected one of them", key,
                            sc->trace.path ? "trace.path" : "traffic.rate_per_s");
    if (sc->traffic.isl_tok.lowest < 0 || sc->traffic.osl_tok.lowest < 0)
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "traffic"),
                            "traffic.%s is missing; expected the tokens of a request, as in 1024 "
                            "or [819, 1024]",
                            sc->traffic.isl_tok.lowest < 0 ? "isl_tok" : "osl_tok");
    if (open)
        return check_rate(l);
    if (sc->traffic.requests == 0)
        sc->traffic.requests = 10 * sc->traffic.clients;
    if (sc->traffic.requests < sc->traffic.clients)
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "traffic.requests"),
                            "traffic.requests must be >= traffic.clients (%lld), not %lld",
                            (long long)sc->traffic.clients, (long long)sc->traffic.requests);
    return ST_OK;
}

static enum status check_output(const struct loader *l)
{
    const struct scenario *sc = l->scenario;

    if (sc->output.sample_s > 0 && sc->output.sample_s < 0.001)
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "output.sample_s"),
                            "output.sample_s must be 0 or >= 0.001, not %g", sc->output.sample_s);
    return ST_OK;
}

static enum status check_scenario(struct loader *l)
{
    struct scenario *sc = l->scenario;
    int64_t workers = 0;

    enum status wrong = check_traffic(l);
    if (!wrong)
        wrong = endpoint_check(sc, l->d);
    if (!wrong)
        wrong = check_output(l);
    if (wrong)
        return wrong;
    for (size_t role = 0; role < 3; role++) {
        if (!sc->pools[role].present)
            continue;
        workers += sc->pools[role].replicas;
        enum status s = check_pool(l, (enum pool_role)role);
        if (s)
            return s;
    }
    if (workers == 0)
        return diag_fail_at(l->d, ST_INPUT, scenario_at(sc, "pools"),
                            "pools has no worker at all; expected at least one replica");
    return ST_OK;
}

/* ---- loading ---- */

static enum status set_names(struct loader *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);

    l->scenario->file = path;
    l->scenario->name = arena_strndup(l->arena, base, n);
    if (!l->scenario->name)
        return diag_nomem(l->d, "scenario");
    return ST_OK;
}

static void set_presets(struct scenario *sc)
{
    for (const struct key *k = scenario_keys; k->name; k++) {
        if (k->place == PLACE_SCENARIO)
            scenario_key_preset(k, sc);
        else if (k->place == PLACE_ENGINE)
            scenario_key_preset(k, &sc->engine);
    }
}

/* What scenario and deployment begin with; the file's name is that of both until one is given. */
static enum status read_keys(struct loader *l)
{
    *l->scenario = (struct scenario){.preset_dirs = l->source->preset_dirs,
                                     .tree = l->root,
                                     .deployment = l->own ? l->own->key : NULL};
    set_presets(l->scenario);
    enum status s = set_names(l, l->source->file.path);
    const char *default_name = l->scenario->name;
    if (!s)
        s = read_section(l, "", l->root);
    if (!s && !l->scenario->name)
        l->scenario->name = default_name;
    return s;
}

/* The scenario of a deployment, or of a run that knows none. */
static enum status read_whole(struct loader *l)
{
    enum status s = read_keys(l);

    if (!s)
        s = read_pools(l);
    if (!s)
        s = read_policy(l);
    return s ? s : check_scenario(l);
}

static enum status read_deployment(struct scenario *to, const struct loader *of,
                                   const struct yaml_node *own)
{
    struct diag why;
    struct loader l = {
        .scenario = to, .arena = of->arena, .own = own, .source = of->source, .d = &why};

    diag_init(&why);
    enum status s = deployment_check(own, of->scenario, of->d);
    if (s)
        return s;
    s = layers_of_deployment(&l.root, l.arena, of->root, own, &why);
    if (!s)
        s = read_whole(&l);
    to->expect.n = to->compare.n = 0; /* of the run */
    return s ? diag_fail(of->d, s, "%s (deployment %s)", why.text, own->key) : ST_OK;
}

static enum status read_deployments(struct loader *l, const struct yaml_node *map)
{
    struct scenario *sc = l->scenario;
    const struct policy_ops *policy = scenario_policy(sc);

    enum status s = deployments_check(map, l->d);
    if (!s && !simulator_find(sc->compat)->has_deployments)
        s = diag_fail_at(l->d, ST_INPUT, map->key_at,
                         "deployments has no counterpart in the reference simulator; with compat "
                         "dynosim, expected a scenario of one deployment");
    struct scenario *all = s ? NULL : ARENA_NEW(l->arena, map->n, struct scenario);
    sc->policy.config = policy_config_new(policy, l->arena);
    if (!s && (!all || !sc->policy.config))
        s = diag_nomem(l->d, "deployments");
    if (!s)
        s = check_output(l);
    for (const struct yaml_node *own = map->first; own && !s; own = own->next)
        s = read_deployment(&all[sc->n_deployments++], l, own);
    sc->deployments = all;
    if (!s && scenario_has_endpoint(sc))
        s = endpoint_classes(all, sc, l->arena, l->d);
    return s ? s : scenario_check_run_applies(sc, l->arena, l->d);
}

enum status scenario_read(struct scenario *scenario, struct arena *arena,
                          const struct scenario_source *source, struct diag *d)
{
    struct loader l = {.scenario = scenario, .arena = arena, .source = source, .d = d};

    *scenario = (struct scenario){0};
    enum status s = layers_read(&l.root, arena, source, d);
    const struct yaml_node *deployments = s ? NULL : yaml_node_child(l.root, "deployments");
    if (s || !deployments || deployments->kind == NODE_NULL)
        return s ? s : read_whole(&l);
    s = read_keys(&l);
    return s ? s : read_deployments(&l, deployments);
}

enum status scenario_parse(struct scenario *scenario, struct arena *arena, const char *path,
                           const char *bytes, size_t length,
                           const struct scenario_override *overrides, size_t n_overrides,
                           const char *const *preset_dirs, struct diag *d)
{
    const struct scenario_source source = {.file = {path, bytes, length},
                                           .n_overrides = n_overrides,
                                           .overrides = overrides,
                                           .preset_dirs = preset_dirs};

    return scenario_read(scenario, arena, &source, d);
}

enum status scenario_text_read(struct scenario_text *text, struct arena *arena, const char *path,
                               const char *expected, struct diag *d)
{
    text->path = path;
    return file_text_read(&text->bytes, &text->length, arena, path, expected, d);
}

enum status scenario_source_overlay(struct scenario_source *source, struct arena *arena,
                                    const char *path, const char *expected, struct diag *d)
{
    size_t n = source->n_overlays;
    struct scenario_text *overlays = ARENA_NEW(arena, n + 1, struct scenario_text);

    if (!overlays)
        return diag_nomem(d, "overlays");
    for (size_t i = 0; i < n; i++)
        overlays[i] = source->overlays[i];
    source->overlays = overlays;
    source->n_overlays = n + 1;
    return scenario_text_read(&overlays[n], arena, path, expected, d);
}

static enum status append_presets(struct scenario_preset **all, size_t *n, struct arena *arena,
                                  const char *section, const struct preset_line *lines,
                                  size_t n_lines, struct diag *d)
{
    struct scenario_preset *longer = ARENA_NEW(arena, *n + n_lines, struct scenario_preset);

    if (!longer)
        return diag_nomem(d, "presets");
    for (size_t i = 0; i < *n; i++)
        longer[i] = (*all)[i];
    for (size_t i = 0; i < n_lines; i++)
        longer[*n + i] = (struct scenario_preset){section, lines[i].name, lines[i].summary};
    *all = longer;
    *n += n_lines;
    return ST_OK;
}

enum status scenario_presets(const struct scenario_preset **presets, size_t *n, struct arena *arena,
                             const char *const *preset_dirs, struct diag *d)
{
    struct scenario_preset *all = NULL;
    enum status s = ST_OK;

    *n = 0;
    for (const struct key *key = scenario_keys; key->name && !s; key++) {
        const struct preset_place place = {preset_dirs, key->presets, NULL};
        const struct preset_line *lines;
        size_t n_lines;
        if (key->type != KEY_PRESET)
            continue;
        s = preset_list(&lines, &n_lines, arena, &place, d);
        if (!s)
            s = append_presets(&all, n, arena, key->section, lines, n_lines, d);
    }
    *presets = all;
    return s;
}

static uint64_t seed_of_run(const struct scenario *scenario)
{
    struct pcg64 rng;

    uint64_t seed = (uint64_t)scenario->seed;
    if (scenario->replicate > 0) {
        pcg64_stream(&rng, seed, "replicate", (uint64_t)scenario->replicate);
        seed = pcg64_next(&rng) & INT64_MAX;
    }
    return seed;
}

uint64_t scenario_seed(const struct scenario *scenario)
{
    struct pcg64 rng;

    uint64_t seed = seed_of_run(scenario);
    if (!scenario->deployment)
        return seed;
    pcg64_stream(&rng, seed, scenario->deployment, 0);
    return pcg64_next(&rng) & INT64_MAX;
}

uint64_t scenario_traffic_seed(const struct scenario *scenario)
{
    return scenario_has_endpoint(scenario) ? seed_of_run(scenario) : scenario_seed(scenario);
}

const struct policy_ops *scenario_policy(const struct scenario *scenario)
{
    return policy_find(scenario->policy.type, scenario->policy.generation);
}

bool scenario_planner_terms(const struct scenario *scenario, struct policy_terms *terms)
{
    const struct policy_ops *policy = scenario_policy(scenario);

    if (policy->terms)
        policy->terms(scenario->policy.config, terms);
    return policy->terms != NULL;
}

const struct planner_config *scenario_planner(const struct scenario *scenario)
{
    return scenario_policy(scenario) == &policy_planner ? scenario->policy.config : NULL;
}

/* ---- positions ---- */

/* Of the last part of the path that is there; `whole` is set when it all is. */
static struct source_pos find_at(const struct scenario *sc, const char *path, bool *whole)
{
    struct source_pos at = {.file = sc->file};
    const struct yaml_node *map = sc->tree;

    *whole = true;
    while (*path) {
        size_t n = strcspn(path, ".");
        const struct yaml_node *child = map && map->kind == NODE_MAP ? map->first : NULL;
        while (child && !(strlen(child->key) == n && memcmp(child->key, path, n) == 0))
            child = child->next;
        if (!child) {
            *whole = false;
            return at;
        }
        at = child->kind == NODE_MAP ? child->key_at : child->at;
        map = child;
        path += n + (path[n] == '.');
    }
    return at;
}

struct source_pos scenario_at(const struct scenario *scenario, const char *path)
{
    bool whole;

    return find_at(scenario, path, &whole);
}

bool scenario_is_set(const struct scenario *scenario, const char *path, struct source_pos *at)
{
    bool whole;

    *at = find_at(scenario, path, &whole);
    return whole;
}

struct source_pos scenario_engine_at(const struct scenario *scenario, enum pool_role role,
                                     const char *key)
{
    char path[96];
    bool whole;

    snprintf(path, sizeof path, "pools.%s.%s", pool_role_names[role], key);
    struct source_pos at = find_at(scenario, path, &whole);
    if (whole)
        return at;
    snprintf(path, sizeof path, "engine.%s", key);
    return find_at(scenario, path, &whole);
}
