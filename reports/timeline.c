#include "reports/timeline.h"

#include <math.h>
#include <string.h>

#include "util/text.h"
#include "util/units.h"

static const char beginning[] = "timeline.";

static const char *const columns[N_TIMELINE_COLUMNS] = {
#define XX(id, name) [TIMELINE_##id] = name,
    TIMELINE_COLUMN_MAP(XX)
#undef XX
};

enum stat { STAT_MIN, STAT_MEAN, STAT_MAX, N_STATS };
static const char *const stats[N_STATS] = {
    [STAT_MIN] = "min", [STAT_MEAN] = "mean", [STAT_MAX] = "max"};

struct timeline_key {
    bool at_once; /* at to_ns */
    int64_t from_ns, to_ns;
    size_t pool, column, stat;
};

/* What is left of a key. A part that is not as it should be is not taken. */
struct rest {
    const char *text;
};

static bool take_seconds(struct rest *rest, int64_t *ns)
{
    size_t n = strspn(rest->text, "0123456789");
    uint64_t s;

    if (text_uint64(rest->text, n, &s) != TEXT_OK || s > (uint64_t)(TIME_NEVER / NS_PER_S))
        return false;
    rest->text += n;
    *ns = (int64_t)s * NS_PER_S;
    return true;
}

static bool take(struct rest *rest, char c)
{
    if (*rest->text != c)
        return false;
    rest->text++;
    return true;
}

/* The part up to the next dot, as an index into the names. */
static bool take_name(struct rest *rest, const char *const *names, size_t n_names, size_t *index)
{
    size_t n = strcspn(rest->text, ".");

    for (*index = 0; *index < n_names; ++*index) {
        if (strlen(names[*index]) == n && strncmp(names[*index], rest->text, n) == 0) {
            rest->text += n;
            return true;
        }
    }
    return false;
}

static bool parse(struct timeline_key *k, const char *text, size_t n_pools,
                  const char *const *pool_names)
{
    struct rest rest = {text + strlen(beginning)};

    *k = (struct timeline_key){.at_once = true};
    if (!timeline_key_begins(text) || !take_seconds(&rest, &k->from_ns))
        return false;
    k->to_ns = k->from_ns;
    if (take(&rest, '_')) {
        k->at_once = false;
        if (!take_seconds(&rest, &k->to_ns) || k->to_ns < k->from_ns)
            return false;
    }
    if (!take(&rest, '.') || !take_name(&rest, pool_names, n_pools, &k->pool) ||
        !take(&rest, '.') || !take_name(&rest, columns, N_TIMELINE_COLUMNS, &k->column))
        return false;
    if (!k->at_once && (!take(&rest, '.') || !take_name(&rest, stats, N_STATS, &k->stat)))
        return false;
    return *rest.text == '\0';
}

bool timeline_key_begins(const char *key)
{
    return strncmp(key, beginning, strlen(beginning)) == 0;
}

bool timeline_key_exists(const char *key, size_t n_pools, const char *const *pool_names)
{
    struct timeline_key k;

    return parse(&k, key, n_pools, pool_names);
}

static double value_at(const struct timeline *t, const struct timeline_key *k)
{
    double value = NAN;

    for (size_t i = 0; i < t->n && t->point[i].at_ns <= k->to_ns; i++)
        value = t->point[i].count[k->pool][k->column];
    return value;
}

static double value_of(const struct timeline *t, const struct timeline_key *k)
{
    double least = NAN, most = NAN, sum = 0, n = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (t->point[i].at_ns < k->from_ns || t->point[i].at_ns > k->to_ns)
            continue;
        double count = t->point[i].count[k->pool][k->column];
        least = fmin(least, count);
        most = fmax(most, count);
        sum += count;
        n++;
    }
    return k->stat == STAT_MIN ? least : k->stat == STAT_MAX ? most : n > 0 ? sum / n : NAN;
}

bool timeline_lookup(const struct timeline *timeline, const char *key, size_t n_pools,
                     const char *const *pool_names, double *value)
{
    struct timeline_key k;

    if (!parse(&k, key, n_pools, pool_names))
        return false;
    *value = k.at_once ? value_at(timeline, &k) : value_of(timeline, &k);
    return true;
}
