#include "studies/gate/gate_inputs.h"

#include <inttypes.h>
#include <string.h>

#include "scenarios/compose/build.h"
#include "studies/digests.h"

struct collector {
    struct arena *arena;
    struct baseline_input *to;
    size_t n;
    const char *deployment; /* NULL = the only one */
    struct diag *d;
};

static enum status add(struct collector *c, const char *name, const char *digest)
{
    const char *own = arena_strdup(c->arena, digest);

    if (name && c->deployment)
        name = arena_printf(c->arena, "deployments.%s.%s", c->deployment, name);
    if (!name || !own)
        return diag_nomem(c->d, "inputs");
    c->to[c->n++] = (struct baseline_input){name, own};
    return ST_OK;
}

static enum status add_file(struct collector *c, const char *name, const char *path)
{
    char hex[SHA256_HEX_SIZE];

    return path ? add(c, name, digest_file(hex, path)) : ST_OK;
}

static enum status add_profile(struct collector *c, const struct scenario *scenario,
                               enum pool_role role, struct run_resources *resources)
{
    const struct profile *profile;
    char hex[SHA256_HEX_SIZE] = "";
    struct diag ignored;

    if (!scenario->pools[role].present)
        return ST_OK;
    diag_init(&ignored);
    if (!scenario_load_profile(scenario, role, resources, &profile, &ignored))
        digest_profile(hex, profile);
    return add(c, arena_printf(c->arena, "profile.%s", pool_role_names[role]), hex);
}

/* The policy's own file, and those that its keys name. */
static enum status add_policy_files(struct collector *c, const struct scenario *sc)
{
    const struct key *key = scenario_policy(sc)->keys;
    enum status s = add_file(c, "policy.config", sc->policy.file);

    for (; key && key->name && !s; key++) {
        const char *field = (const char *)sc->policy.config + key->offset;
        if (key->type == KEY_PATH)
            s = add_file(c, arena_printf(c->arena, "policy.%s", key->name),
                         *(const char *const *)(const void *)field);
    }
    return s;
}

static size_t most_inputs(const struct scenario *scenario)
{
    const struct key *key = scenario_policy(scenario)->keys;
    size_t n = 5; /* trace, the policy's own file, profiles */

    for (; key && key->name; key++)
        n += key->type == KEY_PATH;
    return n;
}

static enum status add_deployment(struct collector *c, const struct scenario *scenario,
                                  struct run_resources *resources)
{
    c->deployment = scenario->deployment;
    enum status s = add_file(c, "trace", scenario->trace.path);
    for (size_t role = 0; role < 3 && !s; role++)
        s = add_profile(c, scenario, (enum pool_role)role, resources);
    return s ? s : add_policy_files(c, scenario);
}

enum status gate_inputs(struct baseline_entry *entry, struct arena *arena,
                        const struct scenario *scenario, struct run_resources *resources,
                        struct diag *d)
{
    struct collector c = {.arena = arena, .d = d};
    enum status s = ST_OK;
    size_t room = 0;

    for (size_t i = 0; i < scenario_n_deployments(scenario); i++)
        room += most_inputs(scenario_deployment(scenario, i));
    c.to = ARENA_NEW(arena, room, struct baseline_input);
    if (!c.to)
        return diag_nomem(d, "inputs");
    for (size_t i = 0; i < scenario_n_deployments(scenario) && !s; i++)
        s = add_deployment(&c, scenario_deployment(scenario, i), resources);
    entry->inputs = c.to;
    entry->n_inputs = c.n;
    return s;
}

/* ---- differences ---- */

static const char *digest_in(const struct baseline_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->n_inputs; i++) {
        if (strcmp(entry->inputs[i].name, name) == 0)
            return entry->inputs[i].digest;
    }
    return NULL;
}

static enum status note(struct gate_result *result, const char *text, struct diag *d)
{
    if (!text)
        return diag_nomem(d, "notes");
    result->notes[result->n_notes++] = text;
    return ST_OK;
}

static enum status note_inputs(struct gate_result *result, struct arena *arena,
                               const struct baseline_entry *before, struct diag *d)
{
    const struct baseline_entry *now = &result->entry;
    enum status s = ST_OK;

    for (size_t i = 0; i < now->n_inputs && !s; i++) {
        const char *name = now->inputs[i].name, *old = digest_in(before, name);
        if (!old)
            s = note(result, arena_printf(arena, "the baseline had no %s", name), d);
        else if (strcmp(old, now->inputs[i].digest) != 0)
            s = note(result,
                     arena_printf(arena, "another %s than the baseline's: %.12s, was %.12s", name,
                                  now->inputs[i].digest, old),
                     d);
    }
    for (size_t i = 0; i < before->n_inputs && !s; i++) {
        if (!digest_in(now, before->inputs[i].name))
            s = note(
                result,
                arena_printf(arena, "the baseline had a %s, this has none", before->inputs[i].name),
                d);
    }
    return s;
}

enum status gate_note_differences(struct gate_result *result, struct arena *arena,
                                  const struct baseline_entry *before, struct diag *d)
{
    const struct baseline_entry *now = &result->entry;
    enum status s = ST_OK;

    result->notes = ARENA_NEW(arena, 2 + now->n_inputs + before->n_inputs, const char *);
    if (!result->notes)
        return diag_nomem(d, "notes");
    if (strcmp(before->version, now->version) != 0)
        s = note(result,
                 arena_printf(arena, "the baseline is of headroom %.40s, this is %s",
                              before->version, now->version),
                 d);
    if (!s && before->seed != now->seed)
        s = note(result,
                 arena_printf(arena, "another seed than the baseline's: %" PRIu64 ", was %" PRIu64,
                              now->seed, before->seed),
                 d);
    return s ? s : note_inputs(result, arena, before, d);
}
