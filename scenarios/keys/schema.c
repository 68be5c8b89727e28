#include <math.h>
#include <string.h>

#include "scenarios/keys/keys_internal.h"
#include "sim/state/config.h"
#include "util/bug.h"
#include "util/json_out.h"

static void write_number_type(struct json_out *j, const struct key *key, const char *type)
{
    if (key->unset) {
        json_key(j, "type");
        json_array_begin(j);
        json_string(j, type);
        json_string(j, "null");
        json_array_end(j);
    } else {
        json_key_string(j, "type", type);
    }
    if (key->least > 0) { /* or 0, for none */
        json_key(j, "anyOf");
        json_array_begin(j);
        json_object_begin(j);
        json_key_double(j, "maximum", key->min);
        json_object_end(j);
        json_object_begin(j);
        json_key_double(j, "minimum", key->least);
        json_object_end(j);
        json_array_end(j);
    }
    if (key->above_min)
        json_key_double(j, "exclusiveMinimum", key->min);
    else
        json_key_double(j, "minimum", key->min);
    json_key_double(j, "maximum", key->max);
}

static void write_choices(struct json_out *j, const struct key *key)
{
    json_key(j, "enum");
    json_array_begin(j);
    for (size_t i = 0; key_choice(key, i); i++) {
        const char *choice = key_choice(key, i);
        bool is_true = strcmp(choice, "true") == 0;
        if (is_true || strcmp(choice, "false") == 0)
            json_bool(j, is_true);
        else
            json_string(j, choice);
    }
    if (key->unset)
        json_null(j);
    json_array_end(j);
}

static void write_text_type(struct json_out *j, const struct key *key)
{
    json_key(j, "type");
    json_array_begin(j);
    json_string(j, "string");
    if (key->type == KEY_TEXT) { /* `name: 70` */
        json_string(j, "number");
        json_string(j, "boolean");
    }
    if (key->unset)
        json_string(j, "null");
    json_array_end(j);
    if (key->type != KEY_TEXT)
        json_key_int(j, "minLength", 1);
}

static void write_default(struct json_out *j, const struct key *key)
{
    if (key->required || key->unset)
        return;
    if (key->type == KEY_BOOL)
        json_key_bool(j, "default", key->preset > 0);
    else if (key->type == KEY_INT || key->type == KEY_NUMBER || key->type == KEY_PRICES)
        json_key_double(j, "default", key->preset);
    else if (key->preset_text)
        json_key_string(j, "default", key->preset_text);
}

static void write_description(struct json_out *j, const struct key *key)
{
    char text[512];

    snprintf(text, sizeof text, "%s%s%s%s", key->doc, key->unit ? " [" : "",
             key->unit ? key->unit : "", key->unit ? "]" : "");
    json_key_string(j, "description", text);
}

static void begin_map(struct json_out *j)
{
    json_object_begin(j);
    json_key_string(j, "type", "object");
    json_key_bool(j, "additionalProperties", false);
}

static void write_router_or_map(struct json_out *j, const struct key *key)
{
    json_key(j, "oneOf");
    json_array_begin(j);
    json_object_begin(j);
    write_choices(j, key);
    json_object_end(j);
    begin_map(j);
    json_key(j, "properties");
    json_object_begin(j);
    for (size_t role = 0; role < 3; role++) {
        json_key(j, pool_role_names[role]);
        json_object_begin(j);
        write_choices(j, key);
        json_object_end(j);
    }
    json_object_end(j);
    json_object_end(j);
    json_array_end(j);
}

static void write_text_or_pair(struct json_out *j, const struct key *key)
{
    json_key(j, "oneOf");
    json_array_begin(j);
    json_object_begin(j);
    write_text_type(j, key);
    json_object_end(j);
    json_object_begin(j);
    json_key_string(j, "type", "array");
    json_key(j, "items");
    json_object_begin(j);
    write_text_type(j, key);
    json_object_end(j);
    json_key_int(j, "minItems", 2);
    json_key_int(j, "maxItems", 2);
    json_object_end(j);
    json_array_end(j);
}

static void write_price_or_map(struct json_out *j, const struct key *key)
{
    json_key(j, "oneOf");
    json_array_begin(j);
    json_object_begin(j);
    write_number_type(j, key, "number");
    json_object_end(j);
    json_object_begin(j);
    json_key_string(j, "type", "object");
    json_key(j, "additionalProperties");
    json_object_begin(j);
    write_number_type(j, key, "number");
    json_object_end(j);
    json_object_end(j);
    json_array_end(j);
}

static void write_int_or_range(struct json_out *j, const struct key *key)
{
    json_key(j, "oneOf");
    json_array_begin(j);
    json_object_begin(j);
    write_number_type(j, key, "integer");
    json_object_end(j);
    json_object_begin(j);
    json_key_string(j, "type", "array");
    json_key_int(j, "minItems", 2);
    json_key_int(j, "maxItems", 2);
    json_key(j, "items");
    json_object_begin(j);
    write_number_type(j, key, "integer");
    json_object_end(j);
    json_object_end(j);
    json_array_end(j);
}

static void write_points(struct json_out *j)
{
    json_key(j, "type");
    json_array_begin(j);
    json_string(j, "array");
    json_string(j, "null");
    json_array_end(j);
    json_key_int(j, "minItems", 1);
    json_key(j, "items");
    json_object_begin(j);
    json_key_string(j, "type", "array");
    json_key_int(j, "minItems", 2);
    json_key_int(j, "maxItems", 2);
    json_key(j, "items");
    json_object_begin(j);
    json_key_string(j, "type", "number");
    json_key_double(j, "minimum", 0);
    json_object_end(j);
    json_object_end(j);
}

static void write_list(struct json_out *j, const struct key *key)
{
    json_key_string(j, "type", "array");
    json_key(j, "items");
    json_object_begin(j);
    if (key->type == KEY_NAMES)
        write_choices(j, key);
    else
        json_key_string(j, "type", "string");
    json_object_end(j);
}

static void write_limited(struct json_out *j, const char *name, double min, const char *limit,
                          double value)
{
    json_key(j, name);
    json_object_begin(j);
    json_key_string(j, "type", "number");
    json_key_double(j, "minimum", min);
    if (limit)
        json_key_double(j, limit, value);
    json_object_end(j);
}

static void write_comparisons(struct json_out *j)
{
    json_key_string(j, "type", "array");
    json_key(j, "items");
    begin_map(j);
    json_key(j, "required");
    json_array_begin(j);
    json_string(j, "key");
    json_array_end(j);
    json_key(j, "properties");
    json_object_begin(j);
    json_key(j, "key");
    json_object_begin(j);
    json_key_string(j, "type", "string");
    json_object_end(j);
    write_limited(j, "absolute", 0, NULL, 0);
    write_limited(j, "relative", 0, NULL, 0);
    write_limited(j, "statistical", 0.5, "exclusiveMaximum", 1);
    json_key(j, "worse");
    json_object_begin(j);
    json_key(j, "enum");
    json_array_begin(j);
    for (enum compare_worse w = COMPARE_EITHER; w <= COMPARE_HIGHER; w++)
        json_string(j, compare_worse_name(w));
    json_array_end(j);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void write_value(struct json_out *j, const struct key *key)
{
    switch (key->type) {
    case KEY_BOOL:
        if (key->fixed)
            json_key_bool(j, "const", key->preset > 0);
        else
            json_key_string(j, "type", "boolean");
        return;
    case KEY_INT:
        if (key->fixed)
            json_key_double(j, "const", key->preset);
        else
            write_number_type(j, key, "integer");
        return;
    case KEY_NUMBER:
        write_number_type(j, key, "number");
        return;
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_PRESET:
        if (key->fixed)
            json_key_string(j, "type", "null");
        else
            write_text_type(j, key);
        return;
    case KEY_ENUM:
        write_choices(j, key);
        return;
    case KEY_PROFILE:
        write_text_or_pair(j, key);
        return;
    case KEY_ROUTER:
        write_router_or_map(j, key);
        return;
    case KEY_RANGE:
        write_int_or_range(j, key);
        return;
    case KEY_CURVE:
        write_points(j);
        return;
    case KEY_PRICES:
        write_price_or_map(j, key);
        return;
    case KEY_COMPARE:
        write_comparisons(j);
        return;
    case KEY_POOLS:
        pool_names_schema(j);
        return;
    case KEY_RULES:
        priority_rules_schema(j, key->choices);
        return;
    case KEY_EXPECT:
    case KEY_NAMES:
        write_list(j, key);
        return;
    }
    BUG("key %s has no type", key->name);
}

static void write_key(struct json_out *j, const struct key *key)
{
    json_key(j, key->name);
    json_object_begin(j);
    write_description(j, key);
    write_value(j, key);
    write_default(j, key);
    json_object_end(j);
}

/* of_deployment: only what may stand in one. */
static void write_keys_of(struct json_out *j, const char *section, bool of_deployment)
{
    for (const struct key *k = scenario_keys; k->name; k++) {
        if (strcmp(k->section, section) == 0 && !(of_deployment && k->of_run))
            write_key(j, k);
    }
}

/* Policies may share a name; then the first one's stands for all. */
static void write_policy_keys(struct json_out *j, const struct policy_ops *policy)
{
    for (const struct key *k = policy->keys; k && k->name; k++) {
        if (policy_with_key(k->name, NULL) == policy)
            write_key(j, k);
    }
}

static void write_required(struct json_out *j, const char *const *names)
{
    json_key(j, "required");
    json_array_begin(j);
    for (; *names; names++)
        json_string(j, *names);
    json_array_end(j);
}

static void write_pools(struct json_out *j)
{
    static const char *const agg[] = {"agg", NULL};
    static const char *const disagg[] = {"prefill", "decode", NULL};
    static const char *const *const layouts[] = {agg, disagg};

    json_key(j, "oneOf");
    json_array_begin(j);
    for (size_t i = 0; i < 2; i++) {
        begin_map(j);
        write_required(j, layouts[i]);
        json_key(j, "properties");
        json_object_begin(j);
        for (const char *const *name = layouts[i]; *name; name++) {
            json_key(j, *name);
            json_object_begin(j);
            json_key_string(j, "$ref", "#/definitions/pool");
            json_object_end(j);
        }
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static void write_deployments(struct json_out *j, const struct scenario_section *section)
{
    json_object_begin(j);
    json_key(j, "type");
    json_array_begin(j);
    json_string(j, "object");
    json_string(j, "null");
    json_array_end(j);
    json_key_string(j, "description", section->doc);
    json_key_int(j, "minProperties", 1);
    json_key_int(j, "maxProperties", MAX_DEPLOYMENTS);
    json_key(j, "additionalProperties");
    json_object_begin(j);
    json_key_string(j, "$ref", "#/definitions/deployment");
    json_object_end(j);
    json_object_end(j);
}

static void write_section(struct json_out *j, const struct scenario_section *section,
                          bool of_deployment)
{
    json_key(j, section->name);
    if (strcmp(section->name, "deployments") == 0) {
        write_deployments(j, section);
        return;
    }
    if (strcmp(section->name, "pools") == 0) {
        json_object_begin(j);
        json_key_string(j, "description", section->doc);
        write_pools(j);
        json_object_end(j);
        return;
    }
    json_object_begin(j);
    json_key(j, "type"); /* every key of a section may be commented out */
    json_array_begin(j);
    json_string(j, "object");
    json_string(j, "null");
    json_array_end(j);
    json_key_bool(j, "additionalProperties", false);
    json_key_string(j, "description", section->doc);
    json_key(j, "properties");
    json_object_begin(j);
    write_keys_of(j, section->name, of_deployment);
    if (strcmp(section->name, "policy") == 0) {
        for (const struct policy_ops *const *p = policies; *p; p++)
            write_policy_keys(j, *p);
    }
    json_object_end(j);
    json_object_end(j);
}

static void write_deployment(struct json_out *j)
{
    json_key(j, "deployment");
    begin_map(j);
    json_key(j, "properties");
    json_object_begin(j);
    write_keys_of(j, "", true);
    for (const struct scenario_section *s = scenario_sections + 1; s->name; s++) {
        if (!s->of_run && strcmp(s->name, "deployments") != 0)
            write_section(j, s, true);
    }
    json_object_end(j);
    json_object_end(j);
}

/* Pools: of the scenario, or in each of its deployments. */
static void write_either_required(struct json_out *j)
{
    static const char *const either[] = {"pools", "deployments"};

    json_key(j, "anyOf");
    json_array_begin(j);
    for (size_t i = 0; i < 2; i++) {
        json_object_begin(j);
        write_required(j, (const char *const[]){either[i], NULL});
        json_object_end(j);
    }
    json_array_end(j);
}

void scenario_write_schema(FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    json_object_begin(&j);
    json_key_string(&j, "$schema", "http://json-schema.org/draft-07/schema#");
    json_key_string(&j, "title", "Headroom scenario");
    json_key_string(&j, "type", "object");
    json_key_bool(&j, "additionalProperties", false);
    write_either_required(&j);
    json_key(&j, "properties");
    json_object_begin(&j);
    write_keys_of(&j, "", false);
    for (const struct scenario_section *s = scenario_sections + 1; s->name; s++)
        write_section(&j, s, false);
    json_object_end(&j);
    json_key(&j, "definitions");
    json_object_begin(&j);
    json_key(&j, "pool");
    begin_map(&j);
    write_required(&j, (const char *const[]){"replicas", NULL});
    json_key(&j, "properties");
    json_object_begin(&j);
    write_keys_of(&j, "pools.POOL", false);
    write_keys_of(&j, "engine", false);
    json_object_end(&j);
    json_object_end(&j);
    write_deployment(&j);
    json_object_end(&j);
    json_object_end(&j);
    fputs("\n", out);
}
