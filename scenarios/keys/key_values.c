#include "scenarios/keys/keys_internal.h"

#include <math.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "util/bug.h"

void scenario_key_preset(const struct key *key, void *base)
{
    switch (key->type) {
    case KEY_RANGE:
        *KEY_FIELD(struct tok_range, base, key) = (struct tok_range){-1, -1};
        return;
    case KEY_CURVE:
        *KEY_FIELD(struct curve, base, key) = (struct curve){0};
        return;
    case KEY_PROFILE: {
        const char **profile = KEY_FIELD(const char *, base, key);
        profile[0] = profile[1] = NULL;
        return;
    }
    case KEY_PRICES:
        *KEY_FIELD(struct gpu_prices, base, key) = (struct gpu_prices){0};
        return;
    case KEY_EXPECT:
        *KEY_FIELD(struct expectations, base, key) = (struct expectations){0};
        return;
    case KEY_COMPARE:
        *KEY_FIELD(struct compare_rules, base, key) = (struct compare_rules){0};
        return;
    case KEY_POOLS:
        *KEY_FIELD(struct pool_names, base, key) = (struct pool_names){0};
        return;
    case KEY_RULES:
        *KEY_FIELD(struct priority_rules, base, key) = (struct priority_rules){0};
        return;
    case KEY_BOOL:
    case KEY_INT:
    case KEY_NUMBER:
    case KEY_TEXT:
    case KEY_ENUM:
    case KEY_PATH:
    case KEY_PRESET:
    case KEY_ROUTER:
    case KEY_NAMES:
        key_preset(key, base);
        return;
    }
    BUG("key %s has no type", key->name);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Only for the types an engine, a pool or a policy has. */
bool scenario_key_equal(const struct key *key, const void *base, const void *other)
{
    switch (key->type) {
    case KEY_BOOL:
        return *KEY_CONST_FIELD(bool, base, key) == *KEY_CONST_FIELD(bool, other, key);
    case KEY_INT:
        return *KEY_CONST_FIELD(int64_t, base, key) == *KEY_CONST_FIELD(int64_t, other, key);
    case KEY_NUMBER:
        return memcmp(KEY_CONST_FIELD(double, base, key), KEY_CONST_FIELD(double, other, key),
                      sizeof(double)) == 0;
    case KEY_TEXT:
    case KEY_ENUM:
    case KEY_PATH:
        return same_text(*KEY_CONST_FIELD(const char *, base, key),
                         *KEY_CONST_FIELD(const char *, other, key));
    case KEY_PROFILE: {
        const char *const *a = KEY_CONST_FIELD(const char *, base, key), *const *b =
                                                                             KEY_CONST_FIELD(
                                                                                 const char *,
                                                                                 other, key);
        return same_text(a[0], b[0]) && same_text(a[1], b[1]);
    }
    case KEY_NAMES:
        return *KEY_CONST_FIELD(unsigned, base, key) == *KEY_CONST_FIELD(unsigned, other, key);
    case KEY_RANGE:
    case KEY_CURVE:
    case KEY_PRESET:
    case KEY_ROUTER:
    case KEY_PRICES:
    case KEY_EXPECT:
    case KEY_COMPARE:
    case KEY_POOLS:
    case KEY_RULES:
        break;
    }
    BUG("key %s is in no engine, pool or policy", key->name);
}

void scenario_key_preset_text(const struct key *key, char *out, size_t size)
{
    if (key->overhead && key->bare_text)
        snprintf(out, size, "%s", key->bare_text);
    else if (key->overhead)
        snprintf(out, size, "%.10g", key->bare);
    else if (key->unset)
        snprintf(out, size, "null");
    else if (key->type == KEY_BOOL)
        snprintf(out, size, "%s", key->preset > 0 ? "true" : "false");
    else if (key->type == KEY_NAMES || key->type == KEY_EXPECT || key->type == KEY_COMPARE ||
             key->type == KEY_RULES)
        snprintf(out, size, "[]");
    else if (key->preset_text)
        snprintf(out, size, "%s", key->preset_text);
    else
        snprintf(out, size, "%.10g", key->preset);
}

/* Set, but to what it is without overheads. */
static bool is_bare(const struct key *key, const void *base)
{
    if (key->type == KEY_NUMBER)
        return !(fabs(*KEY_CONST_FIELD(double, base, key) - key->bare) > 0) &&
               !isnan(*KEY_CONST_FIELD(double, base, key));
    return same_text(*KEY_CONST_FIELD(const char *, base, key), key->bare_text);
}

bool scenario_key_is_preset(const struct key *key, const void *base)
{
    enum { LARGEST = 32 };
    alignas(max_align_t) char preset[LARGEST];
    struct key moved = *key;
    const char *field = (const char *)base + key->offset;

    if (key->overhead && is_bare(key, base))
        return true;
    switch (key->type) {
    case KEY_PRICES:
        return KEY_CONST_FIELD(struct gpu_prices, base, key)->n == 0;
    case KEY_EXPECT:
        return KEY_CONST_FIELD(struct expectations, base, key)->n == 0;
    case KEY_COMPARE:
        return KEY_CONST_FIELD(struct compare_rules, base, key)->n == 0;
    case KEY_POOLS:
        return KEY_CONST_FIELD(struct pool_names, base, key)->n_axes == 0;
    case KEY_RULES:
        return KEY_CONST_FIELD(struct priority_rules, base, key)->n == 0;
    case KEY_RANGE:
        return KEY_CONST_FIELD(struct tok_range, base, key)->lowest < 0;
    case KEY_CURVE:
        return KEY_CONST_FIELD(struct curve, base, key)->n == 0;
    case KEY_NAMES:
        return *KEY_CONST_FIELD(unsigned, base, key) == 0;
    case KEY_PRESET:
    case KEY_ROUTER:
        return same_text(*KEY_CONST_FIELD(const char *, base, key), key->preset_text);
    case KEY_BOOL:
    case KEY_INT:
    case KEY_NUMBER:
    case KEY_TEXT:
    case KEY_ENUM:
    case KEY_PATH:
    case KEY_PROFILE:
        break;
    }
    moved.offset = 0;
    scenario_key_preset(&moved, preset);
    return scenario_key_equal(&moved, preset, field);
}

static void append(char out[KEY_EXPECTED_SIZE], const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, KEY_EXPECTED_SIZE - used, "%s", text);
}

void scenario_key_choices(const struct key *key, char out[KEY_EXPECTED_SIZE])
{
    for (size_t i = 0; key_choice(key, i); i++) {
        append(out, i ? ", " : "");
        append(out, key_choice(key, i));
    }
}

/* A range is told whole when both ends say something, else by the end that matters. */
static void append_range(const struct key *key, bool above, char out[KEY_EXPECTED_SIZE])
{
    enum { TELLING = 1000000 };
    char range[96];

    if (key->least > 0 && above)
        snprintf(range, sizeof range, " <= %.16g", key->max);
    else if (key->least > 0)
        snprintf(range, sizeof range, ", 0 or >= %.10g", key->least);
    else if (key->max < TELLING && key->min > -TELLING)
        snprintf(range, sizeof range,
                 key->above_min ? " above %.10g, up to %.10g" : " from %.10g to %.10g", key->min,
                 key->max);
    else if (above)
        snprintf(range, sizeof range, " <= %.16g", key->max);
    else if (key->min <= -TELLING)
        snprintf(range, sizeof range, " >= %.16g", key->min);
    else
        snprintf(range, sizeof range, key->above_min ? " > %.10g" : " >= %.10g", key->min);
    append(out, range);
}

void scenario_key_expected(const struct key *key, bool above, char out[KEY_EXPECTED_SIZE])
{
    out[0] = '\0';
    switch (key->type) {
    case KEY_BOOL:
        append(out, "true or false");
        return;
    case KEY_INT:
        append(out, "an integer");
        append_range(key, above, out);
        return;
    case KEY_NUMBER:
        append(out, "a number");
        append_range(key, above, out);
        return;
    case KEY_RANGE:
        append(out, "an integer");
        append_range(key, above, out);
        append(out, ", or a list of the lowest and the highest");
        return;
    case KEY_CURVE:
        append(out, "a list of points [s, VALUE], such as [[0, 2], [600, 5]], with times that do "
                    "not decrease and each value a number");
        append_range(key, above, out);
        return;
    case KEY_PRICES:
        append(out, "a number >= 0, or a map of GPU type to such a number");
        return;
    case KEY_TEXT:
        append(out, "a text");
        return;
    case KEY_PATH:
        append(out, "the path of a file");
        return;
    case KEY_PROFILE:
        append(out, "the name of a bundled profile, the path of a file or folder, or a list of two "
                    "files");
        return;
    case KEY_PRESET:
        append(out, "the name of a bundled preset, PATH#NAME or PATH.yaml");
        return;
    case KEY_ENUM:
        append(out, "one of ");
        scenario_key_choices(key, out);
        return;
    case KEY_ROUTER:
        append(out, "one of ");
        scenario_key_choices(key, out);
        append(out, ", or a map of pool to one of these");
        return;
    case KEY_EXPECT:
        append(out, "a list of texts such as 'attainment.overall >= 0.9'");
        return;
    case KEY_COMPARE:
        append(out, "a list of maps such as {key: gpu_hours.total, relative: 0.02}");
        return;
    case KEY_POOLS:
        append(out, pool_names_expected);
        return;
    case KEY_RULES:
        append(out, priority_rules_expected(key->choices));
        return;
    case KEY_NAMES:
        append(out, "a list of ");
        scenario_key_choices(key, out);
        return;
    }
    BUG("key %s has no type", key->name);
}
