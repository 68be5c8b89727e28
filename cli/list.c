#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "engines/latency/latency.h"
#include "planner/fixes.h"
#include "planner/forecast/predictor.h"
#include "planner/policy.h"
#include "scenarios/keys/scenario.h"
#include "sim/routing/router.h"
#include "traces/trace.h"

#define LIST_REGISTRY(function, registry)                                                          \
    static void function(struct table *t)                                                          \
    {                                                                                              \
        for (size_t i = 0; registry[i]; i++) {                                                     \
            table_add(t, registry[i]->name);                                                       \
            table_add(t, registry[i]->summary);                                                    \
        }                                                                                          \
    }
LIST_REGISTRY(list_policies, policies)
LIST_REGISTRY(list_predictors, predictors)
LIST_REGISTRY(list_routers, routers)
LIST_REGISTRY(list_latency_models, latency_models)
LIST_REGISTRY(list_trace_formats, trace_formats)

static void list_fixes(struct table *t)
{
    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        table_add(t, planner_fixes[i].name);
        table_add(t, planner_fixes[i].text);
    }
}

/* Names with a line each. */
static const struct {
    const char *name;
    void (*fill)(struct table *t);
} tables[] = {
    {"policies", list_policies},
    {"predictors", list_predictors},
    {"routers", list_routers},
    {"latency-models", list_latency_models},
    {"trace-formats", list_trace_formats},
    {"fixes", list_fixes},
};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

static enum status print_list(const struct cli_args *args, void (*fill)(struct table *t),
                              struct diag *d)
{
    struct table t;

    table_init(&t, args->arena, 2);
    fill(&t);
    return table_print(&t, stdout) ? ST_OK : diag_nomem(d, "list");
}

static enum status print_all(const struct cli_args *args, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < N_TABLES && !s; i++) {
        printf("%s%s:\n", i ? "\n" : "", tables[i].name);
        s = print_list(args, tables[i].fill, d);
    }
    return s;
}

static enum status print_profiles(const struct cli_args *args, struct diag *d)
{
    struct profile_search search;
    const char *const *names;
    size_t n;

    enum status s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = cli_need_folder(search.dirs, "HEADROOM_PROFILES", d);
    if (!s)
        s = profile_list(&search, args->arena, &names, &n, d);
    for (size_t i = 0; !s && i < n; i++)
        puts(names[i]);
    return s;
}

static enum status print_presets(const struct cli_args *args, struct diag *d)
{
    const struct scenario_preset *presets;
    const char *const *dirs;
    struct table t;
    size_t n;

    enum status s = cli_preset_dirs(&dirs, args->arena, d);
    if (!s)
        s = cli_need_folder(dirs, "HEADROOM_PRESETS", d);
    if (!s)
        s = scenario_presets(&presets, &n, args->arena, dirs, d);
    if (s)
        return s;
    table_init(&t, args->arena, 3);
    for (size_t i = 0; i < n; i++) {
        table_add(&t, presets[i].section);
        table_add(&t, presets[i].name);
        table_add(&t, presets[i].summary);
    }
    return table_print(&t, stdout) ? ST_OK : diag_nomem(d, "list");
}

enum status list_run(const struct cli_args *args, struct diag *d)
{
    if (args->n_words == 0)
        return print_all(args, d);
    const char *what = args->words[0];
    for (size_t i = 0; i < N_TABLES; i++) {
        if (strcmp(tables[i].name, what) == 0)
            return print_list(args, tables[i].fill, d);
    }
    if (strcmp(what, "profiles") == 0)
        return print_profiles(args, d);
    if (strcmp(what, "presets") == 0)
        return print_presets(args, d);
    if (strcmp(what, "keys") == 0)
        scenario_write_reference(stdout);
    else if (strcmp(what, "schema") == 0)
        scenario_write_schema(stdout);
    else if (strcmp(what, "verbs") == 0)
        cli_write_verbs(stdout);
    else
        return diag_fail(
            d, ST_INPUT,
            "cannot list '%s'; expected policies, predictors, routers, latency-models, "
            "trace-formats, fixes, profiles, presets, keys, schema or verbs",
            what);
    return ST_OK;
}
