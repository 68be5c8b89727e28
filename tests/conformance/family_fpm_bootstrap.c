/* The iterations that models begin with. */
#include <stdio.h>
#include <string.h>

#include "planner/fpm/bootstrap.h"
#include "tests/conformance/golden_fpm.h"

enum { WHERE_SIZE = 64 };

/* The recorded rows still to come. */
struct rows {
    struct verdict *v;
    const char *where;
    const cJSON *next;
};

static void compare_row(void *context, const struct fpm_record *r)
{
    struct rows *rows = context;

    if (!rows->next) {
        golden_fail(rows->v, rows->where);
        return;
    }
    struct fpm_record want = golden_fpm_record(rows->next, 0, false);
    golden_close(rows->v, rows->where, r->wall_s, want.wall_s, 1e-12, 1e-9);
    golden_equal(rows->v, rows->where, r->n_prefill, want.n_prefill);
    golden_equal(rows->v, rows->where, r->prefill_tok, want.prefill_tok);
    golden_equal(rows->v, rows->where, r->n_decode, want.n_decode);
    golden_equal(rows->v, rows->where, r->decode_kv_tok, want.decode_kv_tok);
    rows->next = rows->next->next;
}

static struct rows begin(struct verdict *v, const char *where, const cJSON *list)
{
    return (struct rows){v, where, list ? list->child : NULL};
}

static void run_profile(const cJSON *profile, struct verdict *v)
{
    const cJSON *p = golden_get(profile, "prefill"), *d = golden_get(profile, "decode");
    const cJSON *isl = golden_get(p, "prefill_isl"), *usage = golden_get(d, "x_kv_usage");
    struct rows rows =
        begin(v, "profile prefill", golden_get(golden_get(profile, "samples"), "prefill"));

    for (int i = 0; i < cJSON_GetArraySize(isl); i++) {
        struct fpm_record r = bootstrap_prefill(golden_element(isl, i),
                                                golden_element(golden_get(p, "prefill_ttft"), i));
        compare_row(&rows, &r);
    }
    rows = begin(v, "profile decode", golden_get(golden_get(profile, "samples"), "decode"));
    for (int i = 0; i < cJSON_GetArraySize(usage); i++) {
        struct fpm_record r = bootstrap_decode(
            golden_element(usage, i), golden_element(golden_get(d, "y_context_length"), i),
            golden_element(golden_get(d, "z_itl"), i), golden_at(d, "max_kv_tokens"));
        compare_row(&rows, &r);
    }
    golden_equal(v, "profile rows left", rows.next != NULL, 0);
}

/* The stand-in that the recording was made with. */
static double latency(void *context, int64_t isl_tok, int64_t batch)
{
    double isl = (double)isl_tok, b = (double)batch;

    (void)context;
    return batch == 0 ? 5 + 0.04 * isl : 6 + 0.01 * b + 1e-5 * b * isl;
}

static void run_sweep(const cJSON *kase, struct verdict *v)
{
    struct bootstrap_sweep sweep = {
        golden_int(kase, "sweep_max_context_length"), golden_int(kase, "prefill_granularity"),
        golden_int(kase, "decode_granularity"), golden_int(kase, "attention_dp"),
        golden_int(kase, "per_rank_max_kv")};
    struct rows rows = begin(v, "sweep prefill", golden_get(kase, "prefill"));

    bootstrap_sweep_prefill(&sweep, latency, compare_row, &rows);
    golden_equal(v, "sweep prefill rows left", rows.next != NULL, 0);
    rows = begin(v, "sweep decode", golden_get(kase, "decode"));
    bootstrap_sweep_decode(&sweep, latency, compare_row, &rows);
    golden_equal(v, "sweep decode rows left", rows.next != NULL, 0);
}

static void run_concurrencies(const cJSON *row, struct verdict *v)
{
    const cJSON *points = cJSON_GetArrayItem(row, 2);
    int n = cJSON_GetArraySize(points);

    for (int i = 0; i <= n; i++) {
        int64_t got = bootstrap_concurrency((int64_t)golden_element(row, 0),
                                            (int64_t)golden_element(row, 1), i);
        golden_equal(v, "concurrency_sweep", (double)got, i < n ? golden_element(points, i) : 0);
    }
}

static void run_bootstrap(const cJSON *file, struct verdict *v)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, golden_get(file, "profiles"))
    {
        run_profile(item, v);
    }
    cJSON_ArrayForEach(item, golden_get(file, "concurrency_sweep"))
    {
        run_concurrencies(item, v);
    }
    cJSON_ArrayForEach(item, golden_get(file, "sweeps"))
    {
        run_sweep(item, v);
    }
    golden_judge(v, "exact, sweep wall times 1e-12");
}

const struct family family_fpm_bootstrap[] = {
    {"fpm_bootstrap", "iterations to begin with", run_bootstrap},
    {NULL, NULL, NULL},
};
