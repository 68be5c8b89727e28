#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/lookup.h"
#include "scenarios/text/yaml_write.h"
#include "util/bug.h"

struct printer {
    const struct scenario *scenario;
    const char *working_dir;
    FILE *out;
    const char *indent;         /* of a section */
    bool of_run, of_deployment; /* which keys are printed */
};

static bool prints(const struct printer *p, const struct key *key)
{
    return scenario_key_at_top(p->scenario, key) ? p->of_run : p->of_deployment;
}

static void print_profile_name(FILE *out, const char *working_dir, const char *name)
{
    if (profile_is_path(name))
        yaml_write_path(out, working_dir, name);
    else
        yaml_write_text(out, name);
}

/* false: unset. */
static bool print_profile(FILE *out, const char *working_dir, const char *const profile[2])
{
    if (!profile[0])
        return false;
    fputs(profile[1] ? "[" : "", out);
    print_profile_name(out, working_dir, profile[0]);
    if (profile[1]) {
        fputs(", ", out);
        print_profile_name(out, working_dir, profile[1]);
        fputs("]", out);
    }
    return true;
}

static void print_prices(FILE *out, const struct gpu_prices *prices)
{
    if (prices->n == 0) {
        fputs("0", out);
    } else if (!prices->price[0].gpu_type) {
        yaml_write_number(out, prices->price[0].per_hour);
    } else {
        for (size_t i = 0; i < prices->n; i++) {
            fputs(i ? ", " : "{", out);
            yaml_write_text(out, prices->price[i].gpu_type);
            fputs(": ", out);
            yaml_write_number(out, prices->price[i].per_hour);
        }
        fputs("}", out);
    }
}

static void print_curve(FILE *out, const struct curve *curve)
{
    fputs("[", out);
    for (size_t i = 0; i < curve->n; i++) {
        fputs(i ? ", [" : "[", out);
        yaml_write_number(out, curve->point[i].at_s);
        fputs(", ", out);
        yaml_write_number(out, curve->point[i].value);
        fputs("]", out);
    }
    fputs("]", out);
}

static void print_expectations(FILE *out, const struct expectations *expect)
{
    fputs("[", out);
    for (size_t i = 0; i < expect->n; i++) {
        fputs(i ? ", " : "", out);
        yaml_write_quoted(out, expect->item[i].text);
    }
    fputs("]", out);
}

static void print_amount(FILE *out, const char *name, double value)
{
    if (isnan(value))
        return;
    fprintf(out, ", %s: ", name);
    yaml_write_number(out, value);
}

static void print_comparisons(FILE *out, const struct compare_rules *compare)
{
    fputs("[", out);
    for (size_t i = 0; i < compare->n; i++) {
        const struct compare_rule *c = &compare->item[i];
        fputs(i ? ", {key: " : "{key: ", out);
        yaml_write_text(out, c->key);
        print_amount(out, "absolute", c->absolute);
        print_amount(out, "relative", c->relative);
        print_amount(out, "statistical", c->level);
        if (c->worse != COMPARE_USUAL)
            fprintf(out, ", worse: %s", compare_worse_name(c->worse));
        fputs("}", out);
    }
    fputs("]", out);
}

static void print_names(FILE *out, const struct key *key, unsigned names)
{
    const char *separator = "";

    fputs("[", out);
    for (size_t i = 0; names >> i; i++) {
        if (names & (1u << i)) {
            fprintf(out, "%s%s", separator, key_choice(key, i));
            separator = ", ";
        }
    }
    fputs("]", out);
}

bool scenario_key_print(const struct key *key, const void *base, const char *working_dir, FILE *out)
{
    const void *field = (const char *)base + key->offset;

    switch (key->type) {
    case KEY_BOOL:
        fputs(*(const bool *)field ? "true" : "false", out);
        return true;
    case KEY_INT:
        if (key->unset && *(const int64_t *)field == 0)
            return false;
        fprintf(out, "%lld", (long long)*(const int64_t *)field);
        return true;
    case KEY_RANGE: {
        const struct tok_range *range = field;
        if (range->lowest < 0)
            return false;
        fprintf(out, "[%lld, %lld]", (long long)range->lowest, (long long)range->highest);
        return true;
    }
    case KEY_CURVE:
        if (((const struct curve *)field)->n == 0)
            return false;
        print_curve(out, field);
        return true;
    case KEY_NUMBER:
        if (isnan(*(const double *)field))
            return false;
        yaml_write_number(out, *(const double *)field);
        return true;
    case KEY_TEXT:
    case KEY_ENUM:
    case KEY_PATH:
    case KEY_PRESET:
    case KEY_ROUTER: {
        const char *text = *(const char *const *)field;
        if (!text)
            return false;
        if (key->type == KEY_PATH)
            yaml_write_path(out, working_dir, text);
        else
            yaml_write_text(out, text);
        return true;
    }
    case KEY_PROFILE:
        return print_profile(out, working_dir, field);
    case KEY_PRICES:
        print_prices(out, field);
        return true;
    case KEY_EXPECT:
        print_expectations(out, field);
        return true;
    case KEY_COMPARE:
        print_comparisons(out, field);
        return true;
    case KEY_POOLS:
        if (((const struct pool_names *)field)->n_axes == 0)
            return false;
        pool_names_print(field, out);
        return true;
    case KEY_RULES:
        priority_rules_print(field, out);
        return true;
    case KEY_NAMES:
        print_names(out, key, *(const unsigned *)field);
        return true;
    }
    BUG("key %s has no type", key->name);
}

/* Where the value of a key is kept; NULL: the scenario has no such pool, or another policy. */
static const void *base_of(const struct scenario *scenario, const struct key *key, const char *path)
{
    const struct policy_ops *policy = scenario_policy(scenario);

    if (key->place == PLACE_POOL || strncmp(path, "pools.", 6) == 0) {
        const char *pool = strchr(path, '.') + 1;
        size_t role = 0, n = strcspn(pool, ".");
        while (strncmp(pool_role_names[role], pool, n) != 0 || pool_role_names[role][n])
            role++;
        const struct pool_settings *at = &scenario->pools[role];
        return !at->present ? NULL : key->place == PLACE_ENGINE ? (const void *)&at->engine : at;
    }
    if (key->place == PLACE_ENGINE)
        return &scenario->engine;
    if (strncmp(path, "policy.", 7) == 0 && scenario_key_find("policy", key->name) != key)
        return key_find(policy->keys, key->name) == key ? scenario->policy.config : NULL;
    return scenario;
}

enum status scenario_key_text(const char **text, struct arena *arena,
                              const struct scenario *scenario, const char *path, struct diag *d)
{
    char deployment[DEPLOYMENT_NAME_MAX + 1];
    const struct key *key;
    char *bytes = NULL;
    size_t n;

    const char *rest = scenario_path_in_deployment(deployment, path);
    const struct scenario *of =
        *deployment ? scenario_deployment_find(scenario, deployment) : scenario;
    enum status s = scenario_key_lookup(&key, scenario_policy(of ? of : scenario), path,
                                        (struct source_pos){NULL, 0, 0}, d);
    if (s)
        return s;
    const void *base = of ? base_of(of, key, rest) : NULL;
    FILE *out = open_memstream(&bytes, &n);
    if (!out)
        return diag_nomem(d, "value");
    if (!base || !scenario_key_print(key, base, ".", out))
        fputs("null", out);
    fclose(out);
    *text = arena_strdup(arena, bytes);
    free(bytes);
    return *text ? ST_OK : diag_nomem(d, "value");
}

static void print_key(const struct printer *p, const char *indent, const struct key *key,
                      const void *base)
{
    if (!prints(p, key))
        return;
    fprintf(p->out, "%s%s%s: ", p->indent, indent, key->name);
    if (!scenario_key_print(key, base, p->working_dir, p->out))
        fprintf(p->out, "null # %s", key->unset ? key->unset : "set by each pool");
    fputs("\n", p->out);
}

/* What a pool has of its own: the rest is in `engine`. */
static void print_pools(const struct printer *p)
{
    if (!p->of_deployment)
        return;
    fprintf(p->out, "%spools:\n", p->indent);
    for (size_t role = 0; role < 3; role++) {
        const struct pool_settings *pool = &p->scenario->pools[role];
        if (!pool->present)
            continue;
        fprintf(p->out, "%s  %s:\n", p->indent, pool_role_names[role]);
        for (const struct key *k = scenario_keys; k->name; k++) {
            if (k->place == PLACE_POOL)
                print_key(p, "    ", k, pool);
            else if (k->place == PLACE_ENGINE &&
                     !scenario_key_equal(k, &pool->engine, &p->scenario->engine))
                print_key(p, "    ", k, &pool->engine);
        }
    }
}

static void print_policy(const struct printer *p)
{
    const struct policy_ops *policy = scenario_policy(p->scenario);

    for (const struct key *k = policy->keys; k && k->name; k++) {
        if (!k->same_as)
            print_key(p, "  ", k, p->scenario->policy.config);
    }
}

static void print_plain(const struct printer *p, const struct key *k)
{
    const struct scenario *sc = p->scenario;

    /* An engine key that is required may be set in each pool only. */
    if (k->place == PLACE_ENGINE && k->required && !sc->engine.profile[0])
        return;
    /* The planner's own file is part of the policy by now, and a preset of its section. */
    if (strcmp(k->section, "policy") == 0 && strcmp(k->name, "config") == 0)
        fprintf(p->out, "%s  config: null # every field is below\n", p->indent);
    else if (k->type == KEY_PRESET)
        fprintf(p->out, "%s  %s: null # every key is below\n", p->indent, k->name);
    else
        print_key(p, *k->section ? "  " : "", k,
                  k->place == PLACE_ENGINE ? (const void *)&sc->engine : sc);
}

static void print_keys(const struct printer *p)
{
    const char *section = "", *head = "";

    for (const struct key *k = scenario_keys; k->name; k++) {
        bool entered = strcmp(k->section, section) != 0;
        section = k->section;
        if (k->place == PLACE_POOL) {
            if (entered)
                print_pools(p);
            head = section;
            continue;
        }
        if (!prints(p, k))
            continue;
        if (*section && strcmp(head, section) != 0)
            fprintf(p->out, "%s%s:\n", p->indent, section);
        head = section;
        print_plain(p, k);
        if (strcmp(section, "policy") == 0 && strcmp(k[1].section, "policy") != 0)
            print_policy(p);
    }
}

void scenario_print(const struct scenario *scenario, const char *working_dir, FILE *out)
{
    const struct printer whole = {.scenario = scenario,
                                  .working_dir = working_dir,
                                  .out = out,
                                  .indent = "",
                                  .of_run = true,
                                  .of_deployment = scenario->n_deployments == 0};

    print_keys(&whole);
    if (scenario->n_deployments)
        fputs("deployments:\n", out);
    for (size_t i = 0; i < scenario->n_deployments; i++) {
        const struct printer one = {.scenario = &scenario->deployments[i],
                                    .working_dir = working_dir,
                                    .out = out,
                                    .indent = "    ",
                                    .of_deployment = true};
        fprintf(out, "  %s:\n", one.scenario->deployment);
        print_keys(&one);
    }
}
