#include "planner_fixture.h"

#include <math.h>

Test(perf_model, prompt_lengths_are_held_within_the_profile)
{
    struct fixture f;

    fixture_init(&f);
    cr_assert_float_eq(prefill_model_ttft_ms(&f.prefill, 1500), 150, 1e-9);
    cr_assert_float_eq(prefill_model_ttft_ms(&f.prefill, 1), 10, 1e-9);
    cr_assert_float_eq(prefill_model_ttft_ms(&f.prefill, 1e9), 800, 1e-9);
    cr_assert_float_eq(prefill_model_ttft_ms(&f.prefill, NAN), 10, 1e-9);
    cr_assert_float_eq(prefill_model_thpt(&f.prefill, 3000), 10000, 1e-6);
    fixture_release(&f);
}

Test(perf_model, points_may_come_in_any_order)
{
    const double isl[] = {4000, 100, 2000, 1000}, ttft[] = {400, 10, 200, 100},
                 thpt[] = {4, 1, 3, 2};
    struct arena arena;
    struct prefill_model m;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    cr_assert_eq(prefill_model_init(&m, &arena, 4, isl, ttft, thpt, &d), ST_OK);
    cr_assert_float_eq(prefill_model_thpt(&m, 2000), 3, 1e-12);
    cr_assert_float_eq(prefill_model_ttft_ms(&m, 100), 10, 1e-12);
    arena_release(&arena);
}

Test(perf_model, a_profile_with_too_few_points_is_named)
{
    struct profile p = fixture_profile();
    struct arena arena;
    struct prefill_model m;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    p.prefill_ttft_ms.n = 3;
    cr_assert_eq(prefill_model_load(&m, &arena, &p, &d), ST_INPUT);
    cr_assert_str_eq(d.text,
                     "profile made-up, prefill: a cubic spline needs at least 4 points, got 3");
    arena_release(&arena);
}

Test(perf_model, cells_are_nearest_with_halves_to_even)
{
    struct fixture f;
    size_t ix, iy;

    fixture_init(&f);
    f.decode.max_kv_tokens = 1;
    f.decode.kv_step = 0.25;
    f.decode.context_step = 2;
    cr_assert(decode_model_cell(&f.decode, 2.625, 1, &ix, &iy));
    cr_assert_eq(ix, 10);
    cr_assert_eq(iy, 0);
    cr_assert(decode_model_cell(&f.decode, 2.875, 1, &ix, &iy));
    cr_assert_eq(ix, 12);
    cr_assert(decode_model_cell(&f.decode, 1, 3, &ix, &iy));
    cr_assert_eq(iy, 2);
    cr_assert(decode_model_cell(&f.decode, INFINITY, 1e9, &ix, &iy));
    cr_assert_eq(ix, 99);
    cr_assert_eq(iy, 99);
    cr_assert(decode_model_cell(&f.decode, -5, 1, &ix, &iy));
    cr_assert_eq(ix, 0);
    cr_assert_not(decode_model_cell(&f.decode, NAN, 1, &ix, &iy));
    cr_assert_not(decode_model_cell(&f.decode, 1, NAN, &ix, &iy));
    fixture_release(&f);
}

Test(perf_model, best_cell_is_the_fullest_within_target)
{
    struct fixture f;
    struct decode_point p;

    fixture_init(&f);
    cr_assert(decode_model_best(&f.decode, 30, 4000, &p));
    cr_assert(p.meets_target);
    cr_assert_leq(p.itl_ms, 30);
    cr_assert_float_eq(p.kv_usage, 0.5, 0.02);
    cr_assert_float_eq(p.thpt, 500, 20);
    cr_assert(decode_model_best(&f.decode, 1, 4000, &p));
    cr_assert_not(p.meets_target);
    cr_assert_eq(p.ix, 0);
    fixture_release(&f);
}

Test(perf_model, filling_replaces_non_positive_cells_by_the_nearest_along_usage)
{
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < SURFACE_CELLS; i++)
        f.decode.thpt[i] = (double)(i % SURFACE_SIDE) - 40.5;
    for (size_t ix = 0; ix < SURFACE_SIDE; ix++)
        f.decode.thpt[7 * SURFACE_SIDE + ix] = -1;
    decode_model_fill_negative(&f.decode);
    cr_assert_eq(f.decode.thpt[0], 0.5);
    cr_assert_eq(f.decode.thpt[40], 0.5);
    cr_assert_eq(f.decode.thpt[41], 0.5);
    cr_assert_eq(f.decode.thpt[42], 1.5);
    cr_assert_eq(f.decode.thpt[7 * SURFACE_SIDE + 50], 9.5,
                 "a row without any takes the one below");
    fixture_release(&f);
}

Test(perf_model, utilization_leaves_room_for_the_mean_wait)
{
    struct fixture f;

    fixture_init(&f);
    /* service 100 ms, target 500: u = 2 * 400 / (2 * 400 + 100); the wait u s / (2 (1 - u)) is then
     * 400. */
    double u = prefill_model_utilization(&f.prefill, 1000, 500);
    cr_assert_float_eq(u, 8.0 / 9, 1e-9);
    cr_assert_float_eq(u * 100 / (2 * (1 - u)), 400, 1e-6);
    cr_assert_eq(prefill_model_utilization(&f.prefill, 8000, 500), 1, "out of reach");
    fixture_release(&f);
}
