#include "scenarios/keys/scenario.h"

#include <math.h>
#include <string.h>

#include "scenarios/keys/deployments.h"
#include "scenarios/keys/layers.h"
#include "scenarios/keys/loader.h"
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

/* ---- values ---- */

enum status loader_unknown_key(const struct loader *l, const char *section,
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

enum status loader_store(struct loader *l, const struct key *key, const char *section,
                         struct pool_settings *pool, const struct yaml_node *node)
{
    struct key_target target = {l->arena, NULL, base_of(l, key, pool)};

    target.path = *section ? arena_printf(l->arena, "%s.%s", section, node->key) : node->key;
    if (!target.path)
        return diag_nomem(l->d, "scenario");
    return scenario_key_store(key, &target, node, l->d);
}

enum status loader_need_map(struct loader *l, const char *section, const struct yaml_node *node)
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

    enum status s =
        path ? loader_store(l, key, section, NULL, wanted) : diag_nomem(l->d, "scenario");
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
            s = inner ? loader_store(l, inner, section, NULL, node)
                      : loader_unknown_key(l, section, node);
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
    enum status s = loader_need_map(l, section, map);

    if (!s && wanted)
        s = read_preset(l, section, preset, wanted);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        const struct key *key = scenario_key_find(section, node->key);
        if (node == wanted)
            continue;
        if (key && key->type == KEY_ROUTER && node->kind == NODE_MAP)
            continue; /* with the pools */
        if (key)
            s = loader_store(l, key, section, NULL, node);
        else if (*section || !scenario_is_section(node->key))
            s = loader_unknown_key(l, section, node);
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
    enum status s = loader_need_map(l, section, map);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        const struct key *key = scenario_key_find("pools.POOL", node->key);
        if (!key)
            key = scenario_key_find("engine", node->key);
        s = key ? loader_store(l, key, section, pool, node) : loader_unknown_key(l, section, node);
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
            s = loader_unknown_key(l, "router", node);
        else if (!l->scenario->pools[role].present)
            s = diag_fail_at(l->d, ST_INPUT, node->key_at,
                             "router.%s: the scenario has no such pool", node->key);
        else
            s = loader_store(l, key, "router", &l->scenario->pools[role], node);
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
    /* Behind the grids of an endpoint, another deployment may have the other. */
    if (!agg && !(prefill && decode) && strcmp(l->scenario->endpoint.by, "grid") != 0)
        return diag_fail_at(l->d, ST_INPUT, at, "pools has %s but not %s",
                            prefill ? "prefill" : "decode", prefill ? "decode" : "prefill");
    return ST_OK;
}

static enum status read_pools(struct loader *l)
{
    const struct yaml_node *pools = yaml_node_child(l->root, "pools");
    const struct yaml_node *router = yaml_node_child(l->root, "router");
    const struct yaml_node *given[3] = {NULL};
    enum status s = pools ? loader_need_map(l, "pools", pools) : ST_OK;

    for (const struct yaml_node *node = pools ? pools->first : NULL; node && !s;
         node = node->next) {
        size_t role = 0;
        while (role < 3 && strcmp(node->key, pool_role_names[role]) != 0)
            role++;
        if (role == 3)
            return loader_unknown_key(l, "pools", node);
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
    *l->scenario =
        (struct scenario){.preset_dirs = l->source->preset_dirs,
                          .tree = l->root,
                          .deployment = l->own && !l->source->deployment ? l->own->key : NULL,
                          .drawn_as = l->own ? l->own->key : NULL};
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
        s = loader_read_policy(l);
    return s ? s : rules_check(l->scenario, l->d);
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
        s = rules_check_output(sc, l->d);
    for (const struct yaml_node *own = map->first; own && !s; own = own->next)
        s = read_deployment(&all[sc->n_deployments++], l, own);
    sc->deployments = all;
    if (!s)
        s = endpoint_build(sc, l->arena, l->d);
    return s ? s : scenario_check_run_applies(sc, l->arena, l->d);
}

enum status scenario_read(struct scenario *scenario, struct arena *arena,
                          const struct scenario_source *source, struct diag *d)
{
    struct loader l = {.scenario = scenario, .arena = arena, .source = source, .d = d};

    *scenario = (struct scenario){0};
    enum status s = layers_read(&l.root, &l.own, arena, source, d);
    const struct yaml_node *deployments = s ? NULL : yaml_node_child(l.root, "deployments");
    if (s)
        return s;
    if (source->deployment) {
        s = read_whole(&l);
        if (!s)
            scenario->name = arena_printf(arena, "%s, deployment %s", scenario->name, l.own->key);
        return s || scenario->name ? s : diag_nomem(d, "scenario");
    }
    if (!deployments || deployments->kind == NODE_NULL)
        return read_whole(&l);
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

enum status scenario_source_alone(struct scenario_source *source, const struct scenario *deployment,
                                  struct diag *d)
{
    if (scenario_has_endpoint(deployment))
        return diag_fail_at(d, ST_INPUT, scenario_at(deployment, "endpoint.by"),
                            "the requests of deployment %s are its share of an endpoint's, which "
                            "it has not alone; expected a scenario with a trace, or traffic, of "
                            "its own",
                            deployment->deployment);
    source->deployment = deployment->deployment;
    source->n_overlays_of_all = source->n_overlays;
    source->n_overrides_of_all = source->n_overrides;
    return ST_OK;
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
    if (!scenario->drawn_as)
        return seed;
    pcg64_stream(&rng, seed, scenario->drawn_as, 0);
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
