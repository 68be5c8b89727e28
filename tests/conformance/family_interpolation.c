#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/golden.h"

enum { WHERE_SIZE = 160 };

static void compare_grid(struct verdict *v, const char *profile, const char *name,
                         const cJSON *grid, const double *cells)
{
    const cJSON *row, *item;
    char where[WHERE_SIZE];
    double largest = 0;
    size_t cell = 0;

    cJSON_ArrayForEach(row, grid) cJSON_ArrayForEach(item, row)
    {
        largest = fmax(largest, fabs(golden_number(item)));
    }
    cJSON_ArrayForEach(row, grid) cJSON_ArrayForEach(item, row)
    {
        snprintf(where, sizeof where, "%s %s cell %zu", profile, name, cell);
        if (cell < SURFACE_CELLS)
            golden_close(v, where, cells[cell], golden_number(item), 1e-6, largest);
        cell++;
    }
}

static void run_grids(const cJSON *file, struct verdict *v)
{
    const cJSON *profile;

    cJSON_ArrayForEach(profile, golden_get(file, "profiles"))
    {
        struct arena arena;
        struct decode_model m;
        char where[WHERE_SIZE];
        arena_init(&arena);
        snprintf(where, sizeof where, "%s", profile->string);
        if (golden_models(file, profile->string, &arena, NULL, &m)) {
            compare_grid(v, where, "itl", golden_get(profile, "itl_grid"), m.itl_ms);
            compare_grid(v, where, "thpt", golden_get(profile, "thpt_grid"), m.thpt);
            if (golden_has(profile, "outside_hull_cells"))
                golden_equal(v, where, (double)m.n_outside,
                             golden_at(profile, "outside_hull_cells"));
        } else {
            golden_fail(v, where);
        }
        arena_release(&arena);
    }
    golden_judge(v, "1e-6 of the surface's largest value");
}

static double item_at(const cJSON *kase, const char *key, int i)
{
    return golden_number(cJSON_GetArrayItem(golden_get(kase, key), i));
}

static double largest_of(const double *cells)
{
    double largest = 0;

    for (size_t i = 0; i < SURFACE_CELLS; i++)
        largest = fmax(largest, fabs(cells[i]));
    return largest;
}

static void query_prefill(const cJSON *kase, struct verdict *v, const struct prefill_model *m)
{
    const char *id = golden_text(kase, "id");
    int n = cJSON_GetArraySize(golden_get(kase, "isl"));

    for (int i = 0; i < n; i++) {
        double isl = item_at(kase, "isl", i);
        golden_close(v, id, prefill_model_ttft_ms(m, isl), item_at(kase, "ttft_ms", i), 1e-9, 1e-9);
        golden_close(v, id, prefill_model_thpt(m, isl), item_at(kase, "thpt_per_gpu", i), 1e-9,
                     1e-9);
    }
}

static void query_decode(const cJSON *kase, struct verdict *v, const struct decode_model *m)
{
    const char *id = golden_text(kase, "id");
    double itl = largest_of(m->itl_ms), thpt = largest_of(m->thpt);
    int n = cJSON_GetArraySize(golden_get(kase, "context_length"));

    for (int i = 0; i < n; i++) {
        struct decode_point p = {0};
        if (!decode_model_at(m, item_at(kase, "concurrency", i), item_at(kase, "context_length", i),
                             &p)) {
            golden_fail(v, id);
            continue;
        }
        golden_equal(v, id, (double)p.ix, item_at(kase, "ix", i));
        golden_equal(v, id, (double)p.iy, item_at(kase, "iy", i));
        golden_close(v, id, p.itl_ms, item_at(kase, "itl_ms", i), 1e-6, itl);
        golden_close(v, id, p.thpt, item_at(kase, "thpt_per_gpu", i), 1e-6, thpt);
    }
}

static void query_best(const cJSON *kase, struct verdict *v, const struct decode_model *m)
{
    const char *id = golden_text(kase, "id");
    double itl = largest_of(m->itl_ms), thpt = largest_of(m->thpt);
    int n = cJSON_GetArraySize(golden_get(kase, "context_length"));

    for (int i = 0; i < n; i++) {
        struct decode_point p = {0};
        if (!decode_model_best(m, item_at(kase, "itl_target_ms", i),
                               item_at(kase, "context_length", i), &p)) {
            golden_fail(v, id);
            continue;
        }
        golden_close(v, id, p.kv_usage, item_at(kase, "kv_usage", i), 1e-12, 1e-12);
        golden_close(v, id, p.itl_ms, item_at(kase, "itl_ms", i), 1e-6, itl);
        golden_close(v, id, p.thpt, item_at(kase, "thpt_per_gpu", i), 1e-6, thpt);
    }
}

static void run_queries(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        const char *kind = golden_text(kase, "kind");
        struct arena arena;
        struct prefill_model prefill;
        struct decode_model decode;
        arena_init(&arena);
        if (!golden_models(file, golden_text(kase, "profile"), &arena, &prefill, &decode))
            golden_fail(v, golden_text(kase, "id"));
        else if (strcmp(kind, "prefill") == 0)
            query_prefill(kase, v, &prefill);
        else if (strcmp(kind, "decode") == 0)
            query_decode(kase, v, &decode);
        else
            query_best(kase, v, &decode);
        arena_release(&arena);
    }
    golden_judge(v, "cells exact; prefill 1e-9; decode 1e-6 of the surface's largest value");
}

const struct family family_interpolation[] = {
    {"interpolation", "decode grids", run_grids},
    {"interpolation", "look-ups and find_best", run_queries},
    {NULL, NULL, NULL},
};
