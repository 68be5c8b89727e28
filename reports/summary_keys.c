#include <math.h>
#include <string.h>

#include "reports/causes/causes_report.h"
#include "reports/summary_internal.h"
#include "util/bug.h"

#define FIELD_KEY(key, type, member)                                                               \
    {                                                                                              \
        key, FIELD_##type, offsetof(struct summary, member)                                        \
    }
#define FIELD(type, member) FIELD_KEY(#member, type, member)
#define FIELDS_DISTRIBUTION(member)                                                                \
    FIELD(DOUBLE, member.mean), FIELD(DOUBLE, member.p50), FIELD(DOUBLE, member.p75),              \
        FIELD(DOUBLE, member.p90), FIELD(DOUBLE, member.p95), FIELD(DOUBLE, member.p99),           \
        FIELD(DOUBLE, member.max), FIELD(UINT, member.n)

static const struct summary_field fields[] = {
    FIELD(UINT, schema_version),
    FIELD(TEXT, headroom_version),
    FIELD(TEXT, scenario),
    FIELD(UINT, seed),
    FIELD(CHARS, trace_digest),
    FIELD(UINT, requests.offered),
    FIELD(UINT, requests.completed),
    FIELD(UINT, requests.lost),
    FIELD(UINT, requests.retried),
    FIELD(UINT, requests.rejected),
    FIELD(UINT, requests.unfinished),
    FIELD(UINT, requests.timed_out),
    FIELD(UINT, requests.good),
    FIELD(UINT, requests.retries),
    FIELD(UINT, requests.missed_ttft),
    FIELD(UINT, requests.missed_tpot),
    FIELD(UINT, requests.outside_span),
    FIELD(DOUBLE, sla.ttft_ms),
    FIELD(DOUBLE, sla.tpot_ms),
    FIELD(SHARE, attainment.overall),
    FIELD(SHARE, attainment.ttft),
    FIELD(SHARE, attainment.tpot),
    FIELD(SHARE, attainment.windows),
    FIELD(UINT, attainment.n_windows),
    FIELD(SHARE, windows.min_attainment),
    FIELD(DOUBLE, windows.max_ttft_ms),
    FIELD(DOUBLE, windows.max_itl_ms),
    FIELD(DOUBLE, windows.longest_missed_s),
    FIELD(CAUSES, causes),
    FIELD_KEY("lag", LAG, causes),
    FIELD(CAPACITY, capacity),
    FIELDS_DISTRIBUTION(latency_ms.ttft),
    FIELDS_DISTRIBUTION(latency_ms.itl),
    FIELDS_DISTRIBUTION(latency_ms.tpot),
    FIELDS_DISTRIBUTION(latency_ms.e2e),
    FIELDS_DISTRIBUTION(latency_ms.ttst),
    FIELD(DOUBLE, latency_ms.error_relative),
    FIELD(DOUBLE, latency_ms.itl_error_relative),
    FIELD(DOUBLE, throughput.span_s),
    FIELD(DOUBLE, throughput.requests_per_s),
    FIELD(DOUBLE, throughput.output_tokens_per_s),
    FIELD(DOUBLE, throughput.input_tokens_per_s),
    FIELD(DOUBLE, throughput.goodput_requests_per_s),
    FIELD(DOUBLE, throughput.goodput_output_tokens_per_s),
    FIELD(DOUBLE, throughput.goodput_requests_per_gpu_hour),
    FIELD(DOUBLE, gpu_hours.total),
    FIELD(DOUBLE, gpu_hours.starting),
    FIELD(DOUBLE, gpu_hours.idle),
    FIELD(DOUBLE, gpu_hours.busy),
    FIELD(DOUBLE, gpu_hours.draining),
    FIELD(DOUBLE, gpu_hours.wasted),
    FIELD(POOLS, gpu_hours.by_pool),
    FIELD(TEXT, cost.currency),
    FIELD(DOUBLE, cost.total),
    FIELD(DOUBLE, cost.per_million_output_tokens),
    FIELD(DOUBLE, cost.per_thousand_good_requests),
    FIELD(UINT, scaling.decisions),
    FIELD(UINT, scaling.up),
    FIELD(UINT, scaling.down),
    FIELD(UINT, scaling.failed),
    FIELD(UINT, scaling.failed_starts),
    FIELD(UINT, scaling.node_failures),
    FIELD(UINT, scaling.reclaims),
    FIELD(UINT, scaling.lost_with_nodes),
    FIELD(UINT, scaling.events),
    FIELD(INT, scaling.peak_workers),
    FIELD(INT, scaling.peak_gpus),
    FIELD(INT, scaling.peak_pending),
    FIELD(DOUBLE, scaling.mean_gpus),
    FIELD(POOLS, scaling.up_by_pool),
    FIELD(POOLS, scaling.down_by_pool),
    FIELD(POOLS, scaling.peak_workers_by_pool),
    FIELD(UINT, scaling.reversals),
    FIELD(UINT, scaling.flaps),
    FIELD(DOUBLE, scaling.first_up_s),
    FIELD(DOUBLE, scaling.first_down_s),
    FIELD(DOUBLE, scaling.last_change_s),
    FIELD(SHARE, kv.prefix_hit_rate),
    FIELD(SHARE, kv.peak_utilization),
    FIELD(UINT, kv.preemptions),
    FIELD(TEXT, policy.name),
    FIELD(OPTIONAL, policy.generation),
    FIELD(TEXT, policy.predictor),
    FIELD(TEXT, policy.details),
    FIELD(TEXT, engine.overheads),
    FIELD(NOTES, notes),
    FIELD(INTERVALS, intervals),
    FIELD(UNSERVED, unserved_gpu_hours),
    FIELD_KEY("arbiter", ARBITER, info),
    FIELD_KEY("gpus_per_worker", GPUS, info),
    FIELD(ABSENT, bounds.perfect_gpu_hours),
    FIELD(ABSENT, bounds.hindsight_gpu_hours),
    FIELD(ABSENT, bounds.regret),
    FIELD(DEPLOYMENTS, deployments),
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* Keys of performance.json. */
#define FIELD_HERE(type, member) FIELD_KEY(#member, type, performance.member)
static const struct summary_field performance_fields[] = {
    FIELD_HERE(DOUBLE, wall_s),
    FIELD_HERE(DOUBLE, cpu_s),
    FIELD_HERE(DOUBLE, simulated_s),
    FIELD_HERE(DOUBLE, speedup),
    FIELD_HERE(DOUBLE, requests_per_wall_s),
    FIELD_HERE(UINT, events),
    FIELD_HERE(DOUBLE, peak_rss_mib),
};

const struct summary_table summary_table = {fields, N_FIELDS};
const struct summary_table performance_table = {performance_fields, sizeof performance_fields /
                                                                        sizeof *performance_fields};

const char *summary_own_key(const char *key, const char **name, size_t *n_name)
{
    static const char section[] = "deployments.";
    size_t begin = sizeof section - 1, n;

    *n_name = 0;
    if (strncmp(key, section, begin) != 0)
        return key;
    n = strcspn(key + begin, ".");
    if (!key[begin + n])
        return key;
    *name = key + begin;
    *n_name = n;
    return key + begin + n + 1;
}

static const char *own_key(const char *key)
{
    const char *name;
    size_t n;

    return summary_own_key(key, &name, &n);
}
static bool is_number(const struct summary_field *f)
{
    switch (f->type) {
    case FIELD_UINT:
    case FIELD_INT:
    case FIELD_DOUBLE:
    case FIELD_SHARE:
    case FIELD_ABSENT:
        return true;
    case FIELD_TEXT:
    case FIELD_OPTIONAL:
    case FIELD_CHARS:
    case FIELD_POOLS:
    case FIELD_CAUSES:
    case FIELD_LAG:
    case FIELD_CAPACITY:
    case FIELD_NOTES:
    case FIELD_INTERVALS:
    case FIELD_DEPLOYMENTS:
    case FIELD_UNSERVED:
    case FIELD_ARBITER:
    case FIELD_GPUS:
        return false;
    }
    BUG("field %s has no type", f->key);
}

/* The field of a numeric key; with one under a FIELD_POOLS, also the index of the pool. */
static const struct summary_field *find_field(const char *key, size_t n_pools,
                                              const char *const *pool_names, size_t *pool)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        size_t n = strlen(f->key);
        if ((is_number(f) || f->type == FIELD_UNSERVED) && strcmp(f->key, key) == 0)
            return f;
        if (f->type != FIELD_POOLS || strncmp(f->key, key, n) != 0 || key[n] != '.')
            continue;
        for (*pool = 0; *pool < n_pools; ++*pool) {
            if (strcmp(pool_names[*pool], key + n + 1) == 0)
                return f;
        }
    }
    return NULL;
}

static bool lookup_own(const struct summary *summary, const char *key, double *value)
{
    size_t pool = 0, n_pools = summary->info->n_pools;
    const char *const *names = summary->info->pool_names;
    const struct summary_field *f = find_field(key, n_pools, names, &pool);

    if (!f && cause_key_begins(key))
        return cause_lookup(&summary->causes, key, n_pools, names, value);
    if (!f && capacity_key_begins(key))
        return capacity_lookup(&summary->capacity, key, n_pools, names, value);
    if (!f)
        return timeline_lookup(&summary->timeline, key, n_pools, names, value);
    const void *at = summary_field_at(summary, f);
    if (f->type == FIELD_UINT)
        *value = (double)*(const uint64_t *)at;
    else if (f->type == FIELD_INT)
        *value = (double)*(const int64_t *)at;
    else
        *value = ((const double *)at)[pool];
    return true;
}

bool summary_lookup(const struct summary *summary, const char *key, double *value)
{
    const char *name, *own;
    size_t n;

    own = summary_own_key(key, &name, &n);
    if (n == 0)
        return lookup_own(summary, key, value);
    for (size_t i = 0; i < summary->n_deployments; i++) {
        const struct summary *of = &summary->deployments[i];
        if (strncmp(of->info->deployment, name, n) == 0 && !of->info->deployment[n])
            return lookup_own(of, own, value);
    }
    return false;
}

bool summary_key_exists(const char *key, size_t n_pools, const char *const *pool_names)
{
    static const struct capacity_summary none;
    size_t pool;
    double value;
    return find_field(key, n_pools, pool_names, &pool) != NULL ||
           cause_key_exists(key, n_pools, pool_names) ||
           capacity_lookup(&none, key, n_pools, pool_names, &value) ||
           timeline_key_exists(key, n_pools, pool_names);
}

bool summary_key_needs_parts(const char *key)
{
    key = own_key(key);
    return cause_key_begins(key) || capacity_key_begins(key);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

bool summary_key_range(const char *key, double *min, double *max)
{
    key = own_key(key);
    *min = 0;
    *max = INFINITY;
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (strcmp(f->key, key) != 0)
            continue;
        if (f->type == FIELD_SHARE)
            *max = 1;
        return f->type != FIELD_ABSENT;
    }
    if (cause_key_begins(key) && ends_in(key, ".share"))
        *max = 1;
    return true; /* of one pool */
}

bool summary_key_is_result(const char *key)
{
    static const char *const asked_for[] = {"schema_version",
                                            "seed",
                                            "sla.ttft_ms",
                                            "sla.tpot_ms",
                                            "latency_ms.error_relative",
                                            "latency_ms.itl_error_relative"};

    key = own_key(key);
    for (size_t i = 0; i < sizeof asked_for / sizeof *asked_for; i++) {
        if (strcmp(asked_for[i], key) == 0)
            return false;
    }
    return true;
}

const char *summary_key_unit(const char *key, const char *currency)
{
    static const struct {
        const char *begin, *end, *unit;
    } units[] = {
        {"latency_ms.", ".n", NULL},
        {"latency_ms.", "error_relative", NULL},
        {"latency_ms.", "", "ms"},
        {"", "_ms", "ms"},
        {"", "requests_per_s", "requests/s"},
        {"", "tokens_per_s", "tokens/s"},
        {"", "requests_per_gpu_hour", "requests/h"},
        {"", "_worker_s", "worker-s"},
        {"", "_tok_per_s", "tokens/s"},
        {"", "_s", "s"},
        {"gpu_hours.", "", "h"},
        {"", "gpu_hours", "h"},
        {"requests.", "", "requests"},
    };

    key = own_key(key);
    if (strncmp(key, "cost.", 5) == 0)
        return currency;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strncmp(key, units[i].begin, strlen(units[i].begin)) == 0 && ends_in(key, units[i].end))
            return units[i].unit;
    }
    return NULL;
}

enum summary_worse summary_key_worse(const char *key)
{
    /* The first that fits. */
    static const struct {
        const char *begin, *end;
        enum summary_worse worse;
    } sides[] = {
        {"attainment.n_windows", "", SUMMARY_WORSE_EITHER},
        {"attainment.", "", SUMMARY_WORSE_LOWER},
        {"windows.min_", "", SUMMARY_WORSE_LOWER},
        {"windows.", "", SUMMARY_WORSE_HIGHER},
        {"requests.offered", "", SUMMARY_WORSE_EITHER},
        {"requests.outside_span", "", SUMMARY_WORSE_EITHER},
        {"requests.completed", "", SUMMARY_WORSE_LOWER},
        {"requests.good", "", SUMMARY_WORSE_LOWER},
        {"requests.", "", SUMMARY_WORSE_HIGHER},
        {"latency_ms.", ".n", SUMMARY_WORSE_EITHER},
        {"latency_ms.", "error_relative", SUMMARY_WORSE_EITHER},
        {"latency_ms.", "", SUMMARY_WORSE_HIGHER},
        {"throughput.span_s", "", SUMMARY_WORSE_EITHER},
        {"throughput.", "", SUMMARY_WORSE_LOWER},
        {"gpu_hours.", "", SUMMARY_WORSE_HIGHER},
        {"unserved_", "", SUMMARY_WORSE_HIGHER},
        {"cost.", "", SUMMARY_WORSE_HIGHER},
        {"scaling.first_", "", SUMMARY_WORSE_EITHER},
        {"scaling.decisions", "", SUMMARY_WORSE_EITHER},
        {"scaling.", "", SUMMARY_WORSE_HIGHER},
        {"causes.", "", SUMMARY_WORSE_HIGHER},
        {"lag.", "", SUMMARY_WORSE_HIGHER},
        {"capacity.", "_tok_per_s", SUMMARY_WORSE_LOWER},
        {"capacity.", ".demand_worker_s", SUMMARY_WORSE_EITHER},
        {"capacity.", ".ready_worker_s", SUMMARY_WORSE_EITHER},
        {"capacity.", "", SUMMARY_WORSE_HIGHER},
        {"kv.prefix_hit_rate", "", SUMMARY_WORSE_LOWER},
        {"kv.", "", SUMMARY_WORSE_HIGHER},
    };

    key = own_key(key);
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        if (strncmp(key, sides[i].begin, strlen(sides[i].begin)) == 0 && ends_in(key, sides[i].end))
            return sides[i].worse;
    }
    return SUMMARY_WORSE_EITHER;
}

const struct summary_field *summary_number(size_t i)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (is_number(f) && i-- == 0)
            return f;
    }
    return NULL;
}

const char *summary_key(size_t i)
{
    const struct summary_field *f = summary_number(i);

    return f ? f->key : NULL;
}

const char *summary_pool_key(size_t i)
{
    for (const struct summary_field *f = fields; f < fields + N_FIELDS; f++) {
        if (f->type == FIELD_POOLS && i-- == 0)
            return f->key;
    }
    return NULL;
}
