/* Models of iterations, budgets and configurations of the planner on forward-pass metrics. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/fpm/engine_rate.h"
#include "planner/fpm/gpu_band.h"
#include "tests/conformance/golden_fpm.h"

enum { WHERE_SIZE = 120 };

/* ---- Regression ---- */

static bool start_model(const cJSON *kase, struct arena *arena, struct iteration_model *m)
{
    static const char *const kinds[] = {
        [ITERATION_PREFILL] = "prefill", [ITERATION_DECODE] = "decode", [ITERATION_AGG] = "agg"};
    struct iteration_model_config config = {golden_int(kase, "max_num_fpm_samples"),
                                            golden_int(kase, "bucket_count"),
                                            golden_int(kase, "min_observations")};
    struct diag d;
    int kind = 0;

    diag_init(&d);
    while (strcmp(kinds[kind], golden_text(kase, "kind")) != 0) {
        if (++kind > ITERATION_AGG)
            return false;
    }
    return iteration_model_init(m, arena, (enum iteration_kind)kind, &config, &d) == ST_OK;
}

/* Retained rows in order, each by the recorded index of its row. */
static void compare_samples(struct verdict *v, const char *where, const struct iteration_model *m,
                            const cJSON *kase, const cJSON *step)
{
    const cJSON *bucket, *index, *rows = golden_get(kase, "rows");
    const struct sample_table *t = &m->samples;
    size_t i = 0;

    golden_equal(v, where, (double)t->n, golden_at(step, "n"));
    for (size_t f = 0; f < t->n_features && t->n > 0; f++) {
        golden_equal(v, where, t->lo[f], golden_element(golden_get(step, "axis_min"), (int)f));
        golden_equal(v, where, t->hi[f], golden_element(golden_get(step, "axis_max"), (int)f));
    }
    cJSON_ArrayForEach(bucket, golden_get(step, "buckets"))
    {
        const cJSON *key = cJSON_GetArrayItem(bucket, 0);
        cJSON_ArrayForEach(index, cJSON_GetArrayItem(bucket, 1))
        {
            if (i == t->n)
                break;
            const struct fpm_sample *s = &t->rows[i++];
            const cJSON *row = cJSON_GetArrayItem(rows, index->valueint);
            int x0 = m->kind == ITERATION_DECODE ? 3 : 2;
            golden_equal(v, where, s->wall_s, golden_element(row, 0));
            golden_equal(v, where, s->x[0], golden_element(row, x0));
            if (t->n_features > 1)
                golden_equal(v, where, s->x[1], golden_element(row, 4));
            for (size_t f = 0; f < t->n_features; f++)
                golden_equal(v, where, s->bucket[f],
                             cJSON_IsArray(key) ? golden_element(key, (int)f) : golden_number(key));
        }
    }
    golden_equal(v, where, (double)i, (double)t->n);
}

static void compare_means(struct verdict *v, const char *where, const struct iteration_model *m,
                          const cJSON *avg)
{
    const struct {
        const char *key;
        const struct moving_mean *mean;
    } means[] = {{"isl", &m->isl_tok},
                 {"decode_len", &m->context_tok},
                 {"prefill_tokens", &m->prefill_tok},
                 {"num_prefill", &m->n_prefill},
                 {"num_decode", &m->n_decode}};

    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        if (golden_has(avg, means[i].key))
            golden_close(v, where, moving_mean_value(means[i].mean), golden_at(avg, means[i].key),
                         1e-12, 1e-9);
    }
}

static void compare_fit(struct verdict *v, const char *where, struct iteration_model *m,
                        const cJSON *step)
{
    const cJSON *coef = golden_get(step, "coef");
    double y = 0;

    for (size_t i = 0; i < m->samples.n; i++)
        y = fmax(y, fabs(m->samples.rows[i].wall_s));
    if (golden_has(step, "fitted"))
        golden_equal(v, where, iteration_model_fit(m), cJSON_IsTrue(golden_get(step, "fitted")));
    if (!coef || cJSON_IsNull(coef))
        return;
    (void)iteration_model_fit(m);
    for (size_t f = 0; f < m->samples.n_features; f++) {
        double x = fmax(fabs(m->samples.lo[f]), fabs(m->samples.hi[f]));
        golden_close(v, where, m->coef[f], golden_element(coef, (int)f), 1e-9, x > 0 ? y / x : y);
    }
    golden_close(v, where, m->intercept, golden_at(step, "intercept"), 1e-9, y);
}

/* A null argument is 0, "not known", except for the hit rate. */
static double known(const cJSON *list, int i)
{
    double value = golden_element(list, i);
    return isnan(value) ? 0 : value;
}

static void compare_rate(struct verdict *v, const char *where, const cJSON *want, const double *got,
                         int n)
{
    for (int i = 0; i < n; i++)
        golden_close(v, where, got[i], golden_element(want, i), 1e-7, 1e-9);
}

static void compare_query(struct verdict *v, const char *where, struct iteration_model *m,
                          const cJSON *query)
{
    const char *function = cJSON_GetArrayItem(query, 0)->valuestring;
    const cJSON *a = cJSON_GetArrayItem(query, 1), *want = cJSON_GetArrayItem(query, 2);
    bool agg = m->kind == ITERATION_AGG;

    if (strcmp(function, "estimate_next_ttft") == 0) {
        double kv_tok = agg ? golden_element(a, 2) : 0;
        golden_close(v, where,
                     estimate_ttft_s(m, golden_element(a, 0), known(a, 1), kv_tok,
                                     golden_element(a, agg ? 3 : 2)),
                     golden_number(want), 1e-7, 1e-9);
    } else if (strcmp(function, "estimate_next_itl") == 0) {
        golden_close(v, where, estimate_itl_s(m, golden_element(a, 0) + golden_element(a, 1)),
                     golden_number(want), 1e-7, 1e-9);
    } else if (strcmp(function, "find_best_engine_prefill_rps") == 0) {
        struct engine_rate r = prefill_rate(m, golden_element(a, 1), known(a, 2));
        compare_rate(v, where, want, (double[]){r.requests_per_s, r.ttft_ms}, 2);
    } else if (strcmp(function, "find_best_engine_decode_rps") == 0) {
        struct fpm_limits limits = {.max_kv_tok = known(a, 3), .max_seqs = known(a, 4)};
        struct engine_rate r = decode_rate(m, golden_element(a, 0), golden_element(a, 1),
                                           golden_element(a, 2), &limits);
        compare_rate(v, where, want, (double[]){r.requests_per_s, r.itl_ms}, 2);
    } else {
        struct fpm_limits limits = {
            .max_batched_tok = known(a, 2), .max_kv_tok = known(a, 5), .max_seqs = known(a, 6)};
        struct engine_rate r =
            agg_rate(m, golden_element(a, 0), golden_element(a, 1), golden_element(a, 3),
                     golden_element(a, 4), golden_element(a, 7), &limits);
        compare_rate(v, where, want, (double[]){r.requests_per_s, r.ttft_ms, r.itl_ms}, 3);
    }
}

static void run_model(const cJSON *kase, struct verdict *v)
{
    const cJSON *step, *query, *row = golden_get(kase, "rows")->child;
    char where[WHERE_SIZE];
    struct iteration_model m;
    struct arena arena;
    int n_added = 0;

    arena_init(&arena);
    if (!start_model(kase, &arena, &m)) {
        golden_fail(v, golden_text(kase, "id"));
        arena_release(&arena);
        return;
    }
    cJSON_ArrayForEach(step, golden_get(kase, "steps"))
    {
        for (; row && n_added < golden_int(step, "after"); n_added++, row = row->next) {
            struct fpm_record r = golden_fpm_record(row, 0, false);
            iteration_model_add(&m, &r);
        }
        snprintf(where, sizeof where, "%s after %d", golden_text(kase, "id"), n_added);
        compare_samples(v, where, &m, kase, step);
        compare_means(v, where, &m, golden_get(step, "avg"));
        compare_fit(v, where, &m, step);
        if (golden_has(step, "max_observed_kv"))
            golden_equal(v, where, m.max_kv_seen_tok, golden_at(step, "max_observed_kv"));
        cJSON_ArrayForEach(query, golden_get(step, "queries"))
        {
            snprintf(where, sizeof where, "%s after %d %s", golden_text(kase, "id"), n_added,
                     cJSON_GetArrayItem(query, 0)->valuestring);
            compare_query(v, where, &m, query);
        }
    }
    arena_release(&arena);
}

static void run_models(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        run_model(kase, v);
    }
    golden_judge(v, "samples exact; means 1e-12; fit 1e-9 of the largest values; estimates 1e-7");
}

/* ---- Budgets ---- */

static int64_t whole(const cJSON *row, int i)
{
    return (int64_t)golden_element(row, i);
}

static void run_checks(const cJSON *file, struct verdict *v)
{
    static const char *const sides[] = {
        [BAND_WITHIN] = "", [BAND_BELOW] = "below", [BAND_ABOVE] = "above"};
    const cJSON *row;

    cJSON_ArrayForEach(row, golden_get(file, "compute_tolerance"))
    {
        int64_t gpus[8];
        const cJSON *list = cJSON_GetArrayItem(row, 0);
        int n = cJSON_GetArraySize(list);
        for (int i = 0; i < n && i < 8; i++)
            gpus[i] = whole(list, i);
        golden_equal(v, "compute_tolerance", (double)band_tolerance(gpus, n),
                     golden_element(row, 1));
    }
    cJSON_ArrayForEach(row, golden_get(file, "bounds_for_total"))
    {
        const cJSON *a = cJSON_GetArrayItem(row, 0);
        struct gpu_band band = {.min_gpus = whole(a, 1), .max_gpus = whole(a, 2)};
        enum band_side side = band_check(&band, whole(a, 0), whole(a, 3));
        golden_equal(v, "bounds_for_total",
                     strcmp(sides[side], cJSON_GetArrayItem(row, 2)->valuestring), 0);
    }
}

static void run_bands(const cJSON *file, struct verdict *v)
{
    const cJSON *row;
    char where[WHERE_SIZE];
    int i = 0;

    run_checks(file, v);
    cJSON_ArrayForEach(row, golden_get(file, "pair"))
    {
        struct gpu_band band = {whole(row, 4), whole(row, 5), {whole(row, 6), whole(row, 6)}, 0};
        int64_t p = whole(row, 0), d = whole(row, 1);
        band_joint(&band, &p, whole(row, 2), &d, whole(row, 3));
        snprintf(where, sizeof where, "pair[%d]", i++);
        golden_equal(v, where, (double)p, golden_element(row, 7));
        golden_equal(v, where, (double)d, golden_element(row, 8));
    }
    cJSON_ArrayForEach(row, golden_get(file, "single"))
    {
        struct gpu_band band = {whole(row, 2), whole(row, 3), {whole(row, 4), whole(row, 4)}, 0};
        golden_equal(v, "single",
                     (double)band_single(&band, SIDE_DECODE, whole(row, 0), whole(row, 1)),
                     golden_element(row, 5));
    }
    golden_judge(v, "exact");
}

/* ---- Configurations ---- */

static void compare_effective(struct verdict *v, const char *where, const struct fpm_config *c,
                              const cJSON *effective)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, effective)
    {
        const struct key *key = key_find(fpm_keys, item->string);
        if (!key) {
            golden_fail(v, item->string);
            continue;
        }
        const void *at = (const char *)c + key->offset;
        if (key->type == KEY_BOOL)
            golden_equal(v, where, *(const bool *)at, cJSON_IsTrue(item));
        else if (key->type == KEY_INT)
            golden_equal(v, where, (double)*(const int64_t *)at, golden_number(item));
        else if (key->type == KEY_NUMBER)
            golden_equal(v, where, *(const double *)at, golden_number(item));
        else
            golden_equal(v, where, strcmp(*(const char *const *)at, item->valuestring), 0);
    }
}

static void run_configs(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;
    char where[WHERE_SIZE];
    int i = 0;

    cJSON_ArrayForEach(kase, golden_get(file, "config"))
    {
        struct fpm_config config;
        bool accepted = golden_fpm_config(golden_get(kase, "given"), FPM_1_2_1, &config);
        snprintf(where, sizeof where, "config[%d]", i++);
        golden_equal(v, where, accepted, cJSON_IsTrue(golden_get(kase, "accepted")));
        if (accepted)
            compare_effective(v, where, &config, golden_get(kase, "effective"));
    }
    golden_judge(v, "exact");
}

const struct family family_fpm_models[] = {
    {"fpm_regression", "models of iterations", run_models},
    {"fpm_budget", "GPU bands", run_bands},
    {"fpm_bootstrap", "configurations", run_configs},
    {NULL, NULL, NULL},
};
