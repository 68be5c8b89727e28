#include <math.h>
#include <string.h>

#include "engines/profile/profile_trust.h"
#include "scenarios/compose/build.h"
#include "studies/size/size_internal.h"

const char *const size_topology_names[N_SIZE_TOPOLOGIES] = {"agg", "disagg", "mixed"};

const char *size_choice_profile(const struct size_choice *choice, size_t pool)
{
    return pool > 0 && choice->decode_profile ? choice->decode_profile : choice->profile;
}

static const char *own_profile(const struct scenario *sc)
{
    for (size_t i = 0; i < 3; i++) {
        if (sc->pools[i].present && sc->pools[i].engine.profile[0])
            return sc->pools[i].engine.profile[0];
    }
    return sc->engine.profile[0];
}

/* What its pools are now, where the topology is the one it has. */
static struct size_pair own_engine(const struct scenario *sc, enum size_topology topology)
{
    const char *first = own_profile(sc), *decode = sc->pools[POOL_DECODE].engine.profile[0];

    return (struct size_pair){
        first, topology != SIZE_AGG && sc->pools[POOL_DECODE].present && decode ? decode : first};
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static double price_of(const struct gpu_prices *prices, const char *gpu_type)
{
    double price = NAN;

    for (size_t i = 0; i < prices->n; i++) {
        const struct gpu_price *p = &prices->price[i];
        if (!p->gpu_type || strcmp(p->gpu_type, gpu_type) == 0)
            price = p->per_hour;
    }
    return price > 0 ? price : NAN;
}

/* In a few words, and the error to expect with it. */
static const char *trust_of(const struct size_choice *c, const struct profile *profile,
                            struct arena *arena)
{
    bool measured = strcmp(profile_trust(profile).kind, "measured") == 0;
    bool checked = c->error && strstr(c->error->of, "same model");
    const char *what = measured  ? "measured"
                       : checked ? "estimate, checked against measurement"
                                 : "estimate only";
    const char *error = c->error ? model_error_text(c->error, arena) : "no error is known";

    return error ? arena_printf(arena, "%s: %s", what, error) : NULL;
}

static int64_t workers_of(double need)
{
    return need > 1 ? (int64_t)ceil(need) : 1;
}

static void set_arithmetic(struct size_choice *c, const struct scenario_run *run,
                           const struct traffic_load *load, double tpot_ms)
{
    double need[FLEET_MAX_POOLS], other;

    for (size_t i = 0; i < c->n_pools; i++)
        c->search.guess[i] = 1;
    if (load->n == 0)
        return;
    traffic_load_workers(&need[0], &need[1], load, run->configs[0].pools[0].profile,
                         c->gpus_per_worker[0], tpot_ms);
    if (c->n_pools > 1)
        traffic_load_workers(&other, &need[1], load, run->configs[0].pools[1].profile,
                             c->gpus_per_worker[1], tpot_ms);
    else
        need[0] += need[1];
    for (size_t i = 0; i < c->n_pools; i++) {
        c->arithmetic[i] = workers_of(need[i] * c->scale_load);
        c->search.guess[i] = workers_of(need[i] * c->scale_load * load->peak_factor);
    }
}

/* The first choice that can be built shows what comes in. */
static enum status read_traffic(struct traffic_load *load, bool *read, struct arena *arena,
                                const struct size_options *options, struct scenario_run *run,
                                struct diag *d)
{
    if (*read)
        return ST_OK;
    *read = true;
    *load = (struct traffic_load){.peak_factor = 1};
    if (options->scenario->traffic.clients)
        return ST_OK;
    enum status s = traffic_load_read(load, arena, &run->deployments[0].requests.source, d);
    if (!s && load->n == 0)
        s = diag_fail(d, ST_INPUT, "no request comes in: there is nothing to size for");
    return s;
}

static enum status look_at(struct size_choice *c, struct arena *arena,
                           const struct size_options *options, const struct scenario *scenario,
                           struct scenario_run *run, const struct traffic_load *load,
                           struct diag *d)
{
    const struct deployment_config *deployment = &run->configs[0];
    const struct profile *profile = deployment->pools[0].profile;

    for (size_t i = 0; i < c->n_pools; i++)
        c->gpus_per_worker[i] = deployment->pools[i].gpus_per_worker;
    c->cluster = run->config.cluster;
    c->factors[0] = run->deployments[0].engines[0].prompt_factor;
    c->factors[1] = run->deployments[0].engines[c->n_pools - 1].decode_factor;
    c->gpu_type = arena_strdup(arena, profile->gpu_type);
    c->price = price_of(options->prices, profile->gpu_type);
    enum status s = model_error_find(&c->error, arena, run_resources_shared(options->resources),
                                     scenario->preset_dirs, profile,
                                     run->deployments[0].engines[0].framework_version, d);
    if (s)
        return s;
    c->trust = trust_of(c, profile, arena);
    c->search = (struct fleet_search){.n_pools = c->n_pools,
                                      .max_gpus = options->max_gpus ? options->max_gpus : INT64_MAX,
                                      .verify = true,
                                      .arena = arena};
    memcpy(c->search.gpus, c->gpus_per_worker, sizeof c->gpus_per_worker);
    set_arithmetic(c, run, load, options->scenario->sla.tpot_ms);
    for (size_t i = 0; i < c->n_pools; i++)
        c->search.guess[i] += options->n_missing;
    int64_t guess =
        c->search.guess[0] > c->search.guess[1] ? c->search.guess[0] : c->search.guess[1];
    c->search.max_workers = guess > 100 ? 64 * guess : 6400;
    if (c->search.max_workers > 50000)
        c->search.max_workers = 50000;
    return c->gpu_type && c->trust ? ST_OK : diag_nomem(d, "choices");
}

/* What is wrong with one choice is its message, and no reason to stop. */
static enum status prepare(struct size_choice *c, struct traffic_load *load, bool *traffic_read,
                           struct arena *arena, const struct size_options *options, struct diag *d)
{
    /* The load is read as the scenario has it. */
    const struct size_setting setting = {.fleet = {{1, 1}},
                                         .more_load = *traffic_read ? 1 : 1 / c->scale_load,
                                         .prompt_factor = 1,
                                         .decode_factor = 1};
    struct scenario_run *run = ARENA_NEW(arena, 1, struct scenario_run);
    struct scenario *scenario = ARENA_NEW(arena, 1, struct scenario);
    struct scenario_source source;
    struct study_variant variant;
    struct diag cause;

    diag_init(&cause);
    if (!run || !scenario)
        return diag_nomem(d, "choices");
    enum status s = size_variant(&variant, arena, options, c, &setting, d);
    if (!s)
        s = study_source(&source, arena, options->source, &variant, d);
    if (s)
        return s;
    source.shared = run_resources_shared(options->resources);
    s = scenario_read(scenario, arena, &source, &cause);
    if (!s)
        s = scenario_build(run, scenario, arena, options->resources, true, &cause);
    if (!s) {
        s = read_traffic(load, traffic_read, arena, options, run, d);
        if (!s)
            s = look_at(c, arena, options, scenario, run, load, &cause);
        scenario_run_release(run);
        if (d->status)
            return s;
    }
    if (s && s != ST_INPUT)
        return diag_fail(d, s, "%s", cause.text);
    if (s) {
        c->message = arena_strdup(arena, cause.text);
        if (!c->message)
            return diag_nomem(d, "choices");
    }
    return ST_OK;
}

/* The engines of a topology: pairs of profiles, of which most are one profile twice. */
static enum status engines_of(const struct size_pair **engines, size_t *n, struct arena *arena,
                              const struct size_options *options, enum size_topology topology,
                              struct diag *d)
{
    if (topology == SIZE_MIXED)
        return size_pairs(engines, n, arena, options, d);
    struct size_pair *to = ARENA_NEW(arena, options->n_profiles + 1, struct size_pair);
    if (!to)
        return diag_nomem(d, "engines");
    *engines = to;
    *n = options->n_profiles ? options->n_profiles : 1;
    to[0] = own_engine(options->scenario, topology);
    for (size_t i = 0; i < options->n_profiles; i++) {
        bool own = same_name(own_profile(options->scenario), options->profiles[i]);
        to[i] = own ? own_engine(options->scenario, topology)
                    : (struct size_pair){options->profiles[i], options->profiles[i]};
    }
    return ST_OK;
}

static struct size_choice new_choice(const struct size_options *options,
                                     enum size_topology topology, const struct size_pair *engine,
                                     double scale_load)
{
    const char *own = own_profile(options->scenario);
    bool agg = topology == SIZE_AGG;
    bool one_profile = same_name(engine->prefill, engine->decode);

    return (struct size_choice){
        .profile = engine->prefill,
        .decode_profile = one_profile ? NULL : engine->decode,
        .own = topology != SIZE_MIXED && (!options->n_profiles || same_name(own, engine->prefill)),
        .topology = topology,
        .scale_load = scale_load,
        .n_pools = agg ? 1 : 2,
        .pools = {pool_role_names[agg ? POOL_AGG : POOL_PREFILL], pool_role_names[POOL_DECODE]},
        .factors = {1, 1},
        .price = NAN};
}

enum status size_choices(struct size_choice **choices, size_t *n, struct arena *arena,
                         const struct size_options *options, struct diag *d)
{
    const struct size_pair *engines[N_SIZE_TOPOLOGIES];
    size_t n_engines[N_SIZE_TOPOLOGIES] = {0}, n_all = 0;
    struct traffic_load load = {.peak_factor = 1};
    bool traffic_read = false;
    enum status s = ST_OK;

    for (size_t t = 0; t < options->n_topologies && !s; t++) {
        s = engines_of(&engines[t], &n_engines[t], arena, options, options->topologies[t], d);
        n_all += n_engines[t] * options->n_loads;
    }
    struct size_choice *to = s ? NULL : ARENA_NEW(arena, n_all, struct size_choice);
    if (s || !to)
        return s ? s : diag_nomem(d, "choices");
    *choices = to;
    *n = 0;
    for (size_t t = 0; t < options->n_topologies; t++) {
        for (size_t e = 0; e < n_engines[t]; e++) {
            for (size_t l = 0; l < options->n_loads && !s; l++) {
                to[*n] =
                    new_choice(options, options->topologies[t], &engines[t][e], options->loads[l]);
                s = prepare(&to[(*n)++], &load, &traffic_read, arena, options, d);
            }
        }
    }
    return s;
}
