#include <string.h>

#include "cli/cli.h"
#include "scenarios/keys/deployments.h"
#include "scenarios/keys/scenario.h"

static enum status add_override(struct scenario_override *o, const struct cli_args *args,
                                const struct cli_given *given, struct diag *d)
{
    const char *name = given->option->name;
    const char *prefix = strcmp(name, "seed") == 0 ? "seed=" : "";

    o->label = arena_printf(args->arena, "--%s %s", name, given->value);
    o->text = arena_printf(args->arena, "%s%s", prefix, given->value);
    return o->label && o->text ? ST_OK : diag_nomem(d, "overrides");
}

enum status cli_scenario_source(struct scenario_source *source, const struct cli_args *args,
                                const char *path, struct diag *d)
{
    struct scenario_override *overrides =
        ARENA_NEW(args->arena, args->n_given, struct scenario_override);
    struct scenario_text *overlays = ARENA_NEW(args->arena, args->n_given, struct scenario_text);

    *source = (struct scenario_source){.overrides = overrides, .overlays = overlays};
    enum status s = overrides && overlays ? ST_OK : diag_nomem(d, "scenario");
    if (!s)
        s = scenario_text_read(&source->file, args->arena, path, "a scenario", d);
    for (size_t i = 0; i < args->n_given && !s; i++) {
        const struct cli_given *given = &args->given[i];
        const char *option = given->option->name;
        if (strcmp(option, "overlay") == 0)
            s = scenario_text_read(&overlays[source->n_overlays++], args->arena, given->value,
                                   "an overlay", d);
        else if (strcmp(option, "seed") == 0 || strcmp(option, "set") == 0)
            s = add_override(&overrides[source->n_overrides++], args, given, d);
    }
    return s ? s : cli_preset_dirs(&source->preset_dirs, args->arena, d);
}

enum status cli_load_scenario_at(struct scenario **scenario, struct scenario_source *source,
                                 const char *path, const struct cli_args *args, struct diag *d)
{
    *scenario = ARENA_NEW(args->arena, 1, struct scenario);
    enum status s = *scenario ? ST_OK : diag_nomem(d, "scenario");
    if (!s)
        s = cli_scenario_source(source, args, path, d);
    return s ? s : scenario_read(*scenario, args->arena, source, d);
}

enum status cli_load_scenario(struct scenario **scenario, struct scenario_source *source,
                              const struct cli_args *args, struct diag *d)
{
    return cli_load_scenario_at(scenario, source, args->words[0], args, d);
}

static const char *list_deployments(const struct scenario *scenario, struct arena *arena)
{
    const char *text = scenario->deployments[0].deployment;

    for (size_t i = 1; i < scenario->n_deployments && text; i++)
        text = arena_printf(arena, "%s, %s", text, scenario->deployments[i].deployment);
    return text;
}

static enum status find_deployment(const struct scenario **found, const struct scenario *scenario,
                                   const char *name, const char *option,
                                   const struct cli_args *args, struct diag *d)
{
    *found = scenario_deployment_find(scenario, name);
    if (*found)
        return ST_OK;
    if (!scenario->n_deployments)
        return diag_fail(d, ST_INPUT,
                         "%s: scenario '%s' has a single deployment, without a name; expected none",
                         option, scenario->name);
    const char *names = list_deployments(scenario, args->arena);
    if (!names)
        return diag_nomem(d, "deployments");
    return diag_fail(d, ST_INPUT, "%s: scenario '%s' has no deployment '%s'; expected one of: %s",
                     option, scenario->name, name, names);
}

enum status cli_find_deployment(const struct scenario **found, const struct scenario *scenario,
                                const char *name, const struct cli_args *args, struct diag *d)
{
    return find_deployment(found, scenario, name, "option '--deployment'", args, d);
}

enum status cli_check_vary(const struct scenario *scenario, const char *vary,
                           const struct cli_args *args, struct diag *d)
{
    char deployment[DEPLOYMENT_NAME_MAX + 1];
    const struct scenario *unused;

    scenario_path_in_deployment(deployment, vary);
    if (!*deployment)
        return ST_OK;
    const char *option = arena_printf(args->arena, "--vary %s", vary);
    return option ? find_deployment(&unused, scenario, deployment, option, args, d)
                  : diag_nomem(d, "option");
}

enum status cli_one_deployment(const struct scenario **one, const struct scenario *scenario,
                               const char *what, const struct cli_args *args, struct diag *d)
{
    const char *name = cli_value(args, "deployment"), *names;

    *one = scenario;
    if (name)
        return cli_find_deployment(one, scenario, name, args, d);
    if (!scenario->n_deployments)
        return ST_OK;
    names = list_deployments(scenario, args->arena);
    if (!names)
        return diag_nomem(d, "deployments");
    return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "deployments"),
                        "%s of one deployment, and there are several; expected --deployment with "
                        "one of: %s",
                        what, names);
}
