#include "studies/sweep/inputs.h"

#include <string.h>

#include "scenarios/compose/build.h"
#include "studies/digests.h"
#include "studies/space.h"

struct finder {
    struct arena *arena;
    struct run_resources *resources;
    struct sweep_input *inputs;
    size_t n, room;
    struct diag *d;
};

/* NULL when it is not there yet. */
static const struct sweep_input *known(const struct finder *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->inputs[i].name, name) == 0)
            return &f->inputs[i];
    }
    return NULL;
}

static enum status add(struct finder *f, const char *name, const char *sha256)
{
    if (f->n == f->room) {
        size_t room = 2 * f->room + 8;
        struct sweep_input *larger = ARENA_NEW(f->arena, room, struct sweep_input);
        if (!larger)
            return diag_nomem(f->d, "inputs");
        if (f->n)
            memcpy(larger, f->inputs, f->n * sizeof *larger);
        f->inputs = larger;
        f->room = room;
    }
    const char *own_name = arena_strdup(f->arena, name), *own = arena_strdup(f->arena, sha256);
    if (!own_name || !own)
        return diag_nomem(f->d, "inputs");
    f->inputs[f->n++] = (struct sweep_input){own_name, own};
    return ST_OK;
}

static enum status add_file(struct finder *f, const char *path)
{
    char hex[SHA256_HEX_SIZE];

    return !path || known(f, path) ? ST_OK : add(f, path, digest_file(hex, path));
}

static enum status add_profile(struct finder *f, const struct scenario *scenario,
                               enum pool_role role)
{
    const char *const *name = scenario->pools[role].engine.profile;
    const struct profile *profile;
    char hex[SHA256_HEX_SIZE] = "";
    struct diag ignored;

    if (!name[0])
        return ST_OK;
    const char *both = name[1] ? arena_printf(f->arena, "%s, %s", name[0], name[1]) : name[0];
    if (!both)
        return diag_nomem(f->d, "inputs");
    if (known(f, both))
        return ST_OK;
    diag_init(&ignored);
    if (!scenario_load_profile(scenario, role, f->resources, &profile, &ignored))
        digest_profile(hex, profile);
    return add(f, both, hex);
}

static enum status add_deployment(struct finder *f, const struct scenario *scenario)
{
    const struct key *key = scenario_policy(scenario)->keys;
    enum status s = add_file(f, scenario->trace.path);

    if (!s)
        s = add_file(f, scenario->policy.file);
    for (; key && key->name && !s; key++) {
        const char *field = (const char *)scenario->policy.config + key->offset;
        if (key->type == KEY_PATH)
            s = add_file(f, *(const char *const *)(const void *)field);
    }
    for (size_t role = 0; role < 3 && !s; role++) {
        if (scenario->pools[role].present)
            s = add_profile(f, scenario, (enum pool_role)role);
    }
    return s;
}

static enum status add_all(struct finder *f, const struct scenario *scenario)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < scenario_n_deployments(scenario) && !s; i++)
        s = add_deployment(f, scenario_deployment(scenario, i));
    return s;
}

/* Of the scenario with one value of a knob; one that cannot be read by itself names no file. */
static enum status add_value(struct finder *f, const struct sweep_definition *def,
                             const struct knob *knob, const char *value)
{
    struct scenario_source source = def->source;
    struct scenario_override *overrides =
        ARENA_NEW(f->arena, source.n_overrides + 1, struct scenario_override);
    struct scenario scenario;
    struct diag ignored;

    if (!overrides)
        return diag_nomem(f->d, "inputs");
    for (size_t i = 0; i < source.n_overrides; i++)
        overrides[i] = source.overrides[i];
    const char *text = arena_printf(f->arena, "%s=%s", knob->key, value);
    if (!text)
        return diag_nomem(f->d, "inputs");
    overrides[source.n_overrides++] = (struct scenario_override){"--vary", text};
    source.overrides = overrides;
    diag_init(&ignored);
    return scenario_read(&scenario, f->arena, &source, &ignored) ? ST_OK : add_all(f, &scenario);
}

enum status sweep_find_inputs(struct sweep_definition *def, struct arena *arena,
                              const struct scenario *scenario, struct run_resources *resources,
                              struct diag *d)
{
    struct finder f = {.arena = arena, .resources = resources, .d = d};
    struct space space;

    enum status s = space_parse(&space, arena, def->policy, def->vary, def->n_vary, d);
    if (!s)
        s = add_all(&f, scenario);
    for (size_t k = 0; k < space.n && !s; k++) {
        const struct knob *knob = &space.knobs[k];
        bool names_files = knob->def->type == KEY_PATH || knob->def->type == KEY_PROFILE;
        for (size_t i = 0; names_files && i < knob->n && !s; i++)
            s = add_value(&f, def, knob, knob->values[i]);
    }
    def->inputs = f.inputs;
    def->n_inputs = f.n;
    return s;
}
