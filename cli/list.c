#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "engines/latency/latency.h"
#include "planner/arbiter.h"
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
LIST_REGISTRY(list_arbiters, arbiters)
LIST_REGISTRY(list_latency_models, latency_models)
LIST_REGISTRY(list_trace_formats, trace_formats)

static void list_fixes(struct table *t)
{
    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        table_add(t, planner_fixes[i].name);
        table_printf(t, "%s (%s)", planner_fixes[i].text, planner_fixes[i].generations);
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
    {"arbiters", list_arbiters},
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

/* ---- pages of long lines, for programs and for people ---- */

/* A line of a verb: its path and its options. */
static void wrap_verb(char *line)
{
    terminal_wrap(stdout, line, 0, 4);
}

/* The cells of a row of a Markdown table, at most n; how many there are. */
static size_t split_row(char *line, char **cells, size_t n)
{
    size_t found = 0;

    for (char *at = line + 2, *end; found < n && *at; at = end) {
        cells[found++] = at;
        end = strstr(at, " |");
        if (!end)
            break;
        *end = '\0';
        end += strlen(" |");
        end += *end == ' ';
    }
    return found;
}

/* A line of the reference in Markdown: a key as its name with what is said of it below. */
static void wrap_key(char *line)
{
    enum { NAME, VALUE, PRESET, MEANING, N_CELLS };
    char *cells[N_CELLS] = {"", "", "", ""}, text[2048];

    if (strncmp(line, "|---", 4) == 0 || strncmp(line, "| key ", 6) == 0)
        return;
    if (strncmp(line, "| ", 2) != 0) {
        terminal_wrap(stdout, line, 0, 0);
        return;
    }
    split_row(line, cells, N_CELLS);
    snprintf(text, sizeof text, "%s%s%s", cells[VALUE], *cells[PRESET] ? "; default: " : "",
             cells[PRESET]);
    printf("%s\n", cells[NAME]);
    const char *const below[] = {text, cells[MEANING]};
    for (size_t i = 0; i < 2; i++) {
        if (*below[i]) {
            fputs("    ", stdout);
            terminal_wrap(stdout, below[i], 4, 4);
        }
    }
}

/* Lines that are one paragraph become one line. */
static void join_paragraphs(char *page)
{
    bool text = false; /* not a heading, nor a row of a table */

    for (char *at = page; *at; at++) {
        if (at == page || at[-1] == '\n')
            text = !strchr("|#\n", *at);
        if (*at == '\n' && text && at[1] && !strchr("|#\n", at[1]))
            *at = ' ';
    }
}

/* As it is, or on a terminal each line by itself so that it fits. */
static enum status print_page(void (*write)(FILE *out), void (*prepare)(char *page),
                              void (*wrap)(char *line), struct diag *d)
{
    char *page = NULL;
    size_t size;

    if (!isatty(STDOUT_FILENO)) {
        write(stdout);
        return ST_OK;
    }
    FILE *out = open_memstream(&page, &size);
    if (!out)
        return diag_nomem(d, "list");
    write(out);
    bool failed = fclose(out) != 0;
    if (!failed && prepare)
        prepare(page);
    for (char *line = page, *end; !failed && *line; line = end + 1) {
        end = strchr(line, '\n');
        *end = '\0';
        wrap(line);
    }
    free(page);
    return failed ? diag_nomem(d, "list") : ST_OK;
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
    if (strcmp(what, "verbs") == 0)
        return print_page(cli_write_verbs, NULL, wrap_verb, d);
    if (strcmp(what, "keys") == 0)
        return print_page(scenario_write_reference, join_paragraphs, wrap_key, d);
    if (strcmp(what, "schema") != 0)
        return diag_fail(
            d, ST_INPUT,
            "cannot list '%s'; expected policies, predictors, routers, arbiters, latency-models, "
            "trace-formats, fixes, profiles, presets, keys, schema or verbs",
            what);
    scenario_write_schema(stdout);
    return ST_OK;
}
