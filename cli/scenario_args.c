#include <string.h>

#include "cli/cli.h"
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

enum status cli_load_scenario(struct scenario **scenario, const struct cli_args *args,
                              struct diag *d)
{
    struct scenario_override *overrides =
        ARENA_NEW(args->arena, args->n_given, struct scenario_override);
    const char *const *preset_dirs = NULL;
    size_t n = 0;

    *scenario = ARENA_NEW(args->arena, 1, struct scenario);
    enum status s = overrides && *scenario ? ST_OK : diag_nomem(d, "scenario");
    for (size_t i = 0; i < args->n_given && !s; i++) {
        const char *option = args->given[i].option->name;
        if (strcmp(option, "seed") == 0 || strcmp(option, "set") == 0)
            s = add_override(&overrides[n++], args, &args->given[i], d);
    }
    if (!s)
        s = cli_preset_dirs(&preset_dirs, args->arena, d);
    return s ? s
             : scenario_load(*scenario, args->arena, args->words[0], overrides, n, preset_dirs, d);
}
