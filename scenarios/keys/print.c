#include <math.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "scenarios/keys/keys_internal.h"
#include "util/bug.h"
#include "util/json_out.h"

struct printer {
    const struct scenario *scenario;
    const char *working_dir;
    FILE *out;
};

/* Code point of the UTF-8 sequence at s, and its length; what libyaml lets through is valid. */
static unsigned decode(const unsigned char *s, size_t *n)
{
    unsigned code = s[0];

    *n = code < 0x80 ? 1 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
    if (*n > 1)
        code &= 0x7fu >> *n;
    for (size_t i = 1; i < *n; i++)
        code = code << 6 | (s[i] & 0x3fu);
    return code;
}

/* Double-quoted. Control characters, and what YAML takes for an end of line or does not take at
 * all, are escaped. */
static void print_quoted(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n;

    fputc('"', out);
    for (; *s; s += n) {
        unsigned code = decode(s, &n);
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            fprintf(out, "\\x%02x", code);
        else if (code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe ||
                 code == 0xffff)
            fprintf(out, "\\u%04x", code);
        else
            fwrite(s, 1, n, out);
    }
    fputc('"', out);
}

static void print_text(FILE *out, const char *text)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    static const char *const other[] = {"null", "Null",  "NULL",  "true",  "True",
                                        "TRUE", "false", "False", "FALSE", NULL};
    bool quote = !*text || text[strspn(text, plain)] || !strpbrk(text, plain) ||
                 strchr("-.0123456789", *text);

    for (size_t i = 0; other[i] && !quote; i++)
        quote = strcmp(text, other[i]) == 0;
    if (quote)
        print_quoted(out, text);
    else
        fputs(text, out);
}

static void print_number(FILE *out, double value)
{
    char text[JSON_NUMBER_SIZE];

    json_format_double(text, value);
    fputs(text, out);
}

static void print_path(const struct printer *p, const char *path)
{
    char whole[4096];

    if (path[0] != '/' &&
        (size_t)snprintf(whole, sizeof whole, "%s/%s", p->working_dir, path) < sizeof whole)
        path = whole;
    print_text(p->out, path);
}

static void print_profile_name(const struct printer *p, const char *name)
{
    if (profile_is_path(name))
        print_path(p, name);
    else
        print_text(p->out, name);
}

/* false: unset. */
static bool print_profile(const struct printer *p, const char *const profile[2])
{
    if (!profile[0])
        return false;
    fputs(profile[1] ? "[" : "", p->out);
    print_profile_name(p, profile[0]);
    if (profile[1]) {
        fputs(", ", p->out);
        print_profile_name(p, profile[1]);
        fputs("]", p->out);
    }
    return true;
}

static void print_prices(FILE *out, const struct gpu_prices *prices)
{
    if (prices->n == 0) {
        fputs("0", out);
    } else if (!prices->price[0].gpu_type) {
        print_number(out, prices->price[0].per_hour);
    } else {
        for (size_t i = 0; i < prices->n; i++) {
            fputs(i ? ", " : "{", out);
            print_text(out, prices->price[i].gpu_type);
            fputs(": ", out);
            print_number(out, prices->price[i].per_hour);
        }
        fputs("}", out);
    }
}

static void print_expectations(FILE *out, const struct expectations *expect)
{
    fputs("[", out);
    for (size_t i = 0; i < expect->n; i++) {
        fputs(i ? ", " : "", out);
        print_quoted(out, expect->item[i].text);
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

/* false: unset. */
static bool print_value(const struct printer *p, const struct key *key, const void *base)
{
    const void *field = (const char *)base + key->offset;
    FILE *out = p->out;

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
    case KEY_NUMBER:
        if (isnan(*(const double *)field))
            return false;
        print_number(out, *(const double *)field);
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
            print_path(p, text);
        else
            print_text(out, text);
        return true;
    }
    case KEY_PROFILE:
        return print_profile(p, field);
    case KEY_PRICES:
        print_prices(out, field);
        return true;
    case KEY_EXPECT:
        print_expectations(out, field);
        return true;
    case KEY_NAMES:
        print_names(out, key, *(const unsigned *)field);
        return true;
    }
    BUG("key %s has no type", key->name);
}

static void print_key(const struct printer *p, const char *indent, const struct key *key,
                      const void *base)
{
    fprintf(p->out, "%s%s: ", indent, key->name);
    if (!print_value(p, key, base))
        fprintf(p->out, "null # %s", key->unset ? key->unset : "set by each pool");
    fputs("\n", p->out);
}

/* What a pool has of its own: the rest is in `engine`. */
static void print_pools(const struct printer *p)
{
    fputs("pools:\n", p->out);
    for (size_t role = 0; role < 3; role++) {
        const struct pool_settings *pool = &p->scenario->pools[role];
        if (!pool->present)
            continue;
        fprintf(p->out, "  %s:\n", pool_role_names[role]);
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
    const struct policy_ops *policy = policy_find(p->scenario->policy.type);

    for (const struct key *k = policy->keys; k && k->name; k++)
        print_key(p, "  ", k, p->scenario->policy.config);
}

void scenario_print(const struct scenario *scenario, const char *working_dir, FILE *out)
{
    struct printer p = {scenario, working_dir, out};
    const char *section = "";

    for (const struct key *k = scenario_keys; k->name; k++) {
        bool entered = strcmp(k->section, section) != 0;
        section = k->section;
        if (k->place == PLACE_POOL) {
            if (entered)
                print_pools(&p);
            continue;
        }
        if (entered && *section)
            fprintf(out, "%s:\n", section);
        /* An engine key that is required may be set in each pool only. */
        if (k->place == PLACE_ENGINE && k->required && !scenario->engine.profile[0])
            continue;
        /* The planner's own file is part of the policy by now, and a preset of its section. */
        if (strcmp(section, "policy") == 0 && strcmp(k->name, "config") == 0)
            fputs("  config: null # every field is below\n", out);
        else if (k->type == KEY_PRESET)
            fprintf(out, "  %s: null # every key is below\n", k->name);
        else
            print_key(&p, *section ? "  " : "", k,
                      k->place == PLACE_ENGINE ? (const void *)&scenario->engine : scenario);
        if (strcmp(section, "policy") == 0 && strcmp(k[1].section, "policy") != 0)
            print_policy(&p);
    }
}
