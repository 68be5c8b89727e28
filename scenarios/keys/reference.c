#include <string.h>

#include "scenarios/keys/keys_internal.h"
#include "util/json_out.h"

static void write_preset(const struct key *key, FILE *out)
{
    char number[JSON_NUMBER_SIZE];

    if (key->required)
        fputs("required", out);
    else if (key->unset)
        fputs(key->unset, out);
    else if (key->type == KEY_BOOL)
        fputs(key->preset > 0 ? "true" : "false", out);
    else if (key->type == KEY_EXPECT || key->type == KEY_COMPARE || key->type == KEY_NAMES ||
             key->type == KEY_RULES)
        fputs("[]", out);
    else if (key->preset_text)
        fputs(*key->preset_text ? key->preset_text : "empty", out);
    else {
        json_format_double(number, key->preset);
        fputs(number, out);
    }
}

static void write_row(const struct key *key, FILE *out)
{
    char expected[KEY_EXPECTED_SIZE];

    scenario_key_expected(key, false, expected);
    /* Names that matter here or there have a page of their own. */
    fprintf(out, "| `%s` | %s", key->name, key->choice_when ? "a list of names" : expected);
    if ((key->type == KEY_INT || key->type == KEY_NUMBER) && !strstr(expected, "to "))
        fprintf(out, ", up to %g", key->max);
    fprintf(out, "%s%s | ", key->unit ? ", " : "", key->unit ? key->unit : "");
    write_preset(key, out);
    fprintf(out, " | %s", key->doc);
    if (key->fixed)
        fputs(" (only the default is available)", out);
    fputs(" |\n", out);
}

static void write_deployments(FILE *out)
{
    fputs(
        "\nA deployment has everything that stands beside `deployments`, and over it what it says "
        "itself, such as\n`deployments.chat.policy.type`. Of the whole run, and only at the top "
        "level:\n",
        out);
    for (const struct scenario_section *s = scenario_sections + 1; s->name; s++) {
        if (s->of_run)
            fprintf(out, "`%s`, ", s->name);
    }
    fputs("and the keys", out);
    const char *separator = " ";
    for (const struct key *k = scenario_keys; k->name; k++) {
        if (!k->of_run)
            continue;
        fprintf(out, "%s`%s%s%s`", separator, k->section, *k->section ? "." : "", k->name);
        separator = ", ";
    }
    fputs(".\n", out);
}

static void write_head(const char *title, const char *text, FILE *out)
{
    fprintf(out, "\n## `%s`\n\n%s.\n", title, text);
}

static void write_table_head(FILE *out)
{
    fputs("\n| key | value | default | meaning |\n|---|---|---|---|\n", out);
}

static void write_policy_keys(FILE *out)
{
    for (const struct policy_ops *const *p = policies; *p; p++) {
        if ((*p)->keys && policy_find((*p)->name, NULL) != *p)
            fprintf(out,
                    "\n### `policy` with `generation: %s`\n\n%s. Beside `type`, `config` and "
                    "`generation`:\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
                    (*p)->generation, (*p)->summary);
        for (const struct key *k = (*p)->keys; k && k->name; k++) {
            if (k->same_as)
                fprintf(out, "| `%s` | | | another name of `%s` |\n", k->name, k->same_as);
            else
                write_row(k, out);
        }
    }
}

static void write_sections(FILE *out)
{
    for (const struct scenario_section *s = scenario_sections + 1; s->name; s++)
        fprintf(out, "| `%s` | a map | | %s |\n", s->name, s->doc);
}

void scenario_write_reference(FILE *out)
{
    fputs(
        "# The scenario file\n\n"
        "YAML (or JSON) by the rules of YAML 1.2: `no` and `on` are texts, `010` is ten. Every "
        "key but those\n"
        "marked required may be left out. A path is relative to the file it stands in; given with\n"
        "`--set PATH=VALUE` it is relative to the working directory. A file of some of these keys, "
        "given with\n"
        "`--overlay FILE`, goes over the scenario: maps are merged, values and lists replaced; "
        "later ones win, and\n"
        "`--set` wins over all. A key that cannot matter beside the others is left\n"
        "out, and a note says so; given with `--set` it is refused. `headroom run FILE "
        "--print-scenario`\n"
        "prints a file with every default filled in. This page is what `headroom list keys` "
        "prints.\n\n"
        "## Top level\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
        out);
    for (const struct scenario_section *s = scenario_sections; s->name; s++) {
        const char *section = s->name;
        if (strcmp(section, "pools") == 0) {
            section = "pools.POOL";
            write_head("pools.agg`, `pools.prefill`, `pools.decode", s->doc, out);
        } else if (*section) {
            write_head(section, s->doc, out);
        }
        if (strcmp(section, "deployments") == 0) {
            write_deployments(out);
            continue;
        }
        if (*section)
            write_table_head(out);
        for (const struct key *k = scenario_keys; k->name; k++) {
            if (strcmp(k->section, section) == 0)
                write_row(k, out);
        }
        if (strcmp(section, "pools.POOL") == 0)
            fputs("| any key of `engine` | | that of `engine` | |\n", out);
        else if (strcmp(section, "policy") == 0)
            write_policy_keys(out);
        else if (!*section)
            write_sections(out);
    }
}
