#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "scenarios/keys/keys_internal.h"
#include "scenarios/text/file_text.h"
#include "util/bug.h"
#include "util/text.h"

/* `2m` where seconds are meant: what it is in the key's unit; false: it is no such thing. */
static bool read_duration(const struct key *key, const struct yaml_node *node, double *value)
{
    static const struct {
        const char *name;
        double s;
    } units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    enum { N_UNITS = sizeof units / sizeof units[0] };
    size_t own = 0, typed = 0, n;

    if (node->kind != NODE_TEXT || !key->unit)
        return false;
    n = strspn(node->text, "0123456789.");
    while (own < N_UNITS && strcmp(units[own].name, key->unit) != 0)
        own++;
    while (typed < N_UNITS && strcmp(units[typed].name, node->text + n) != 0)
        typed++;
    if (own == N_UNITS || typed == N_UNITS || text_double(node->text, n, value) != TEXT_OK)
        return false;
    *value *= units[typed].s / units[own].s;
    return true;
}

static enum status refuse(const struct key *key, const struct key_target *to,
                          const struct yaml_node *node, bool above, struct diag *d)
{
    char expected[KEY_EXPECTED_SIZE], got[NODE_TEXT_SIZE];
    double value;

    scenario_key_expected(key, above, expected);
    if (read_duration(key, node, &value))
        return diag_fail_at(d, ST_INPUT, node->at,
                            "%s must be %s, not %s; expected %s, as in %.10g", to->path, expected,
                            yaml_node_describe(got, node),
                            strcmp(key->unit, "ms") == 0  ? "milliseconds"
                            : strcmp(key->unit, "h") == 0 ? "hours"
                                                          : "seconds",
                            value);
    return diag_fail_at(d, ST_INPUT, node->at, "%s must be %s, not %s", to->path, expected,
                        yaml_node_describe(got, node));
}

static enum status not_available(const struct key_target *to, const struct yaml_node *node,
                                 const char *available, struct diag *d)
{
    char got[NODE_TEXT_SIZE];

    return diag_fail_at(d, ST_INPUT, node->at,
                        "%s %s is not available in this version (available: %s)", to->path,
                        yaml_node_describe(got, node), available);
}

static enum status check_range(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    bool number = node->kind == NODE_INT || node->kind == NODE_NUMBER;

    bool in_gap = number && key->least > 0 && node->d > 0 && node->d < key->least;

    if (!number || in_gap || !(node->d >= key->min) || (key->above_min && node->d <= key->min))
        return refuse(key, to, node, false, d);
    if (!(node->d <= key->max))
        return refuse(key, to, node, true, d);
    return ST_OK;
}

static enum status store_bool(const struct key *key, const struct key_target *to,
                              const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_BOOL)
        return refuse(key, to, node, false, d);
    bool preset = key->preset > 0;
    if (key->fixed && node->b != preset)
        return not_available(to, node, preset ? "true" : "false", d);
    *KEY_FIELD(bool, to->base, key) = node->b;
    return ST_OK;
}

/* A number without a fraction will do, as in JSON Schema. */
static enum status read_int(const struct key *key, const struct key_target *to,
                            const struct yaml_node *node, int64_t *value, struct diag *d)
{
    enum status s = check_range(key, to, node, d);
    if (s)
        return s;
    *value = node->i;
    if (node->kind == NODE_NUMBER) {
        if (fabs(node->d) > 0x1p53 || trunc(node->d) < node->d || trunc(node->d) > node->d)
            return refuse(key, to, node, false, d);
        *value = (int64_t)node->d;
    }
    return ST_OK;
}

static enum status store_range(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    struct tok_range range = {0};
    bool two = node->kind == NODE_LIST && node->n == 2;

    if (node->kind == NODE_LIST && !two)
        return refuse(key, to, node, false, d);
    enum status s = read_int(key, to, two ? node->first : node, &range.lowest, d);
    range.highest = range.lowest;
    if (!s && two)
        s = read_int(key, to, node->first->next, &range.highest, d);
    if (s)
        return s;
    if (range.highest < range.lowest)
        return diag_fail_at(d, ST_INPUT, node->at, "%s is empty: %lld is above %lld", to->path,
                            (long long)range.lowest, (long long)range.highest);
    *KEY_FIELD(struct tok_range, to->base, key) = range;
    return ST_OK;
}

/* One point `[s, VALUE]` of a curve. */
static enum status read_point(const struct key *key, const struct key_target *to,
                              const struct yaml_node *node, struct curve_point *point,
                              struct diag *d)
{
    static const double longest_s = 1e9;
    const struct yaml_node *at = node->kind == NODE_LIST && node->n == 2 ? node->first : NULL;

    if (!at || (at->kind != NODE_INT && at->kind != NODE_NUMBER) || !(at->d >= 0) ||
        !(at->d <= longest_s))
        return refuse(key, to, node, false, d);
    *point = (struct curve_point){at->d, at->next->d};
    return check_range(key, to, at->next, d);
}

static enum status store_curve(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_LIST || node->n == 0)
        return refuse(key, to, node, false, d);
    struct curve_point *points = ARENA_NEW(to->arena, node->n, struct curve_point);
    size_t i = 0;
    if (!points)
        return diag_nomem(d, "points");
    for (const struct yaml_node *item = node->first; item; item = item->next, i++) {
        enum status s = read_point(key, to, item, &points[i], d);
        if (s)
            return s;
        if (i > 0 && points[i].at_s < points[i - 1].at_s)
            return refuse(key, to, item, false, d);
    }
    *KEY_FIELD(struct curve, to->base, key) = (struct curve){node->n, points};
    return ST_OK;
}

static enum status store_int(const struct key *key, const struct key_target *to,
                             const struct yaml_node *node, struct diag *d)
{
    int64_t value;
    enum status s = read_int(key, to, node, &value, d);
    if (s)
        return s;
    if (key->fixed && value != (int64_t)key->preset) {
        char available[24];
        snprintf(available, sizeof available, "%lld", (long long)key->preset);
        return not_available(to, node, available, d);
    }
    *KEY_FIELD(int64_t, to->base, key) = value;
    return ST_OK;
}

static enum status store_number(const struct key *key, const struct key_target *to,
                                const struct yaml_node *node, struct diag *d)
{
    enum status s = check_range(key, to, node, d);
    if (!s)
        *KEY_FIELD(double, to->base, key) = node->d;
    return s;
}

static bool listed(const char *const *words, const char *word)
{
    for (; words && *words; words++) {
        if (strcmp(*words, word) == 0)
            return true;
    }
    return false;
}

static enum status store_enum(const struct key *key, const struct key_target *to,
                              const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_TEXT && node->kind != NODE_BOOL)
        return refuse(key, to, node, false, d);
    const char *text = node->kind == NODE_TEXT ? node->text : node->b ? "true" : "false";
    for (size_t i = 0; key_choice(key, i); i++) {
        if (strcmp(key_choice(key, i), text) == 0) {
            *KEY_FIELD(const char *, to->base, key) = key_choice(key, i);
            return ST_OK;
        }
    }
    if (!listed(key->planned, node->text))
        return refuse(key, to, node, false, d);
    char available[KEY_EXPECTED_SIZE] = "";
    scenario_key_choices(key, available);
    return not_available(to, node, available, d);
}

static enum status store_path(const struct key *key, const struct key_target *to,
                              const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_TEXT || !*node->text)
        return refuse(key, to, node, false, d);
    if (key->fixed)
        return not_available(to, node, key->unset, d);
    const char *path = file_text_path(to->arena, node->at, node->text);
    if (!path)
        return diag_nomem(d, "path");
    *KEY_FIELD(const char *, to->base, key) = path;
    return ST_OK;
}

/* `name: 70` is meant as a name. */
static bool is_scalar(const struct yaml_node *node)
{
    return node->kind != NODE_LIST && node->kind != NODE_MAP && node->kind != NODE_NULL;
}

/* What is neither the path of a file nor of a folder is a bundled name. */
static enum status store_profile(const struct key *key, const struct key_target *to,
                                 const struct yaml_node *node, struct diag *d)
{
    bool list = node->kind == NODE_LIST;
    const struct yaml_node *item = list ? node->first : node;
    const char **profile = KEY_FIELD(const char *, to->base, key);

    if (list && node->n != 2)
        return refuse(key, to, node, false, d);
    profile[0] = profile[1] = NULL;
    for (size_t i = 0; i < (list ? 2 : 1); i++, item = item->next) {
        if (!is_scalar(item) || !*item->text)
            return refuse(key, to, item, false, d);
        const char *path = file_text_path(to->arena, item->at, item->text);
        if (!path)
            return diag_nomem(d, "path");
        profile[i] = profile_is_path(path) ? path : item->text;
    }
    return ST_OK;
}

static enum status store_text(const struct key *key, const struct key_target *to,
                              const struct yaml_node *node, struct diag *d)
{
    if (!is_scalar(node) || (key->type != KEY_TEXT && !*node->text))
        return refuse(key, to, node, false, d);
    *KEY_FIELD(const char *, to->base, key) = node->text;
    return ST_OK;
}

enum { GPU_TYPE_MAX = 64 };

static enum status store_prices(const struct key *key, const struct key_target *to,
                                const struct yaml_node *node, struct diag *d)
{
    size_t n = node->kind == NODE_MAP ? node->n : 1;
    struct gpu_price *price = ARENA_NEW(to->arena, n, struct gpu_price);
    enum status s = ST_OK;

    if (!price)
        return diag_nomem(d, "prices");
    if (node->kind != NODE_MAP) {
        s = check_range(key, to, node, d);
        price[0] = (struct gpu_price){NULL, node->d};
    } else {
        size_t i = 0;
        for (const struct yaml_node *item = node->first; item && !s; item = item->next) {
            struct key_target inner = *to;
            if (strlen(item->key) > GPU_TYPE_MAX)
                return diag_fail_at(d, ST_INPUT, item->key_at,
                                    "%s: a GPU type of more than %d characters", to->path,
                                    GPU_TYPE_MAX);
            char shown[TEXT_EXCERPT_SIZE];
            inner.path = arena_printf(to->arena, "%s.%s", to->path,
                                      text_excerpt(shown, item->key, strlen(item->key)));
            if (!inner.path)
                return diag_nomem(d, "prices");
            s = check_range(key, &inner, item, d);
            price[i++] = (struct gpu_price){item->key, item->d};
        }
    }
    if (!s)
        *KEY_FIELD(struct gpu_prices, to->base, key) = (struct gpu_prices){n, price};
    return s;
}

static enum status store_expectations(const struct key *key, const struct key_target *to,
                                      const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_LIST)
        return refuse(key, to, node, false, d);
    struct expectation *items = ARENA_NEW(to->arena, node->n, struct expectation);
    size_t i = 0;
    if (!items)
        return diag_nomem(d, "expectations");
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        if (item->kind != NODE_TEXT)
            return refuse(key, to, item, false, d);
        enum status s = expectation_parse(&items[i++], to->arena, item->text, item->at, d);
        if (s)
            return s;
    }
    *KEY_FIELD(struct expectations, to->base, key) = (struct expectations){node->n, items};
    return ST_OK;
}

static enum status store_comparisons(const struct key *key, const struct key_target *to,
                                     const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_LIST)
        return refuse(key, to, node, false, d);
    return compare_rules_read(KEY_FIELD(struct compare_rules, to->base, key), to->arena, node,
                              to->path, d);
}

static enum status store_pools(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    return pool_names_read(KEY_FIELD(struct pool_names, to->base, key), to->arena, node, to->path,
                           d);
}

static enum status store_rules(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    if (node->kind != NODE_LIST)
        return refuse(key, to, node, false, d);
    return priority_rules_read(KEY_FIELD(struct priority_rules, to->base, key), to->arena, node,
                               to->path, key->choices, d);
}

static enum status store_names(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    unsigned names = 0;

    if (node->kind != NODE_LIST)
        return refuse(key, to, node, false, d);
    for (const struct yaml_node *item = node->first; item; item = item->next) {
        size_t i = 0;
        const char *choice = NULL;
        if (item->kind == NODE_TEXT)
            while ((choice = key_choice(key, i)) && strcmp(choice, item->text) != 0)
                i++;
        if (!choice)
            return refuse(key, to, item, false, d);
        names |= 1u << i;
    }
    *KEY_FIELD(unsigned, to->base, key) = names;
    return ST_OK;
}

enum status scenario_key_store(const struct key *key, const struct key_target *to,
                               const struct yaml_node *node, struct diag *d)
{
    if (node->kind == NODE_NULL && key->unset) {
        scenario_key_preset(key, to->base);
        return ST_OK;
    }
    switch (key->type) {
    case KEY_BOOL:
        return store_bool(key, to, node, d);
    case KEY_INT:
        return store_int(key, to, node, d);
    case KEY_RANGE:
        return store_range(key, to, node, d);
    case KEY_CURVE:
        return store_curve(key, to, node, d);
    case KEY_NUMBER:
        return store_number(key, to, node, d);
    case KEY_ENUM:
    case KEY_ROUTER:
        return store_enum(key, to, node, d);
    case KEY_PATH:
        return store_path(key, to, node, d);
    case KEY_PROFILE:
        return store_profile(key, to, node, d);
    case KEY_TEXT:
    case KEY_PRESET:
        return store_text(key, to, node, d);
    case KEY_PRICES:
        return store_prices(key, to, node, d);
    case KEY_EXPECT:
        return store_expectations(key, to, node, d);
    case KEY_COMPARE:
        return store_comparisons(key, to, node, d);
    case KEY_POOLS:
        return store_pools(key, to, node, d);
    case KEY_RULES:
        return store_rules(key, to, node, d);
    case KEY_NAMES:
        return store_names(key, to, node, d);
    }
    BUG("key %s has no type", key->name);
}
