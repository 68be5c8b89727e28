#include <criterion/criterion.h>
#include <math.h>

#include "planner/fpm/fpm_core.h"
#include "planner/fpm/generation.h"

static struct arena arena;

static struct pass_engine make(const struct pass_family *family, enum pass_role role,
                               int64_t min_samples)
{
    const struct pass_model_config config = {64, 16, min_samples};
    struct pass_engine e;
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    cr_assert_eq(pass_engine_init(&e, &arena, family, role, &config, &d), ST_OK);
    return e;
}

/* A row: tokens of prefill, requests and KV of decode, seconds. */
struct row {
    double prefill_tok, n_decode, kv_tok, wall_s;
};

static struct pass pass_of(const struct row *row)
{
    return (struct pass){.n_prefill = row->prefill_tok > 0,
                         .prefill_tok = row->prefill_tok,
                         .n_decode = row->n_decode,
                         .decode_kv_tok = row->kv_tok};
}

static void learn(struct pass_engine *e, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct fpm_record r = {.wall_s = rows[i].wall_s,
                                     .n_prefill = rows[i].prefill_tok > 0,
                                     .prefill_tok = rows[i].prefill_tok,
                                     .n_decode = rows[i].n_decode,
                                     .decode_kv_tok = rows[i].kv_tok};
        pass_engine_learn(e, &r);
    }
}

/* Seconds that a new engine of 1.4.2 expects after these passes. */
static void expect(const struct row *seen, size_t n_seen, const struct row *asked, size_t n_asked)
{
    struct pass_engine e = make(&pass_by_kind, PASS_AGG, 5);

    learn(&e, seen, n_seen);
    for (size_t i = 0; i < n_asked; i++) {
        struct pass p = pass_of(&asked[i]);
        double got = pass_model_time_s(&e.models[pass_kind_of(&p)], &p);
        cr_expect(isnan(asked[i].wall_s) ? isnan(got) : fabs(got - asked[i].wall_s) < 1e-15,
                  "row %zu: %.12g for %.12g", i, got, asked[i].wall_s);
    }
    arena_release(&arena);
}

#define EXPECT(seen, asked)                                                                        \
    expect(seen, sizeof seen / sizeof *seen, asked, sizeof asked / sizeof *asked)

/* The figures below are answers of ai-dynamo 1.4.2's compiled module. */

static const struct row prefill[] = {{350, 0, 0, .0131},  {720, 0, 0, .0187},  {1100, 0, 0, .0291},
                                     {1700, 0, 0, .0432}, {2900, 0, 0, .0677}, {5100, 0, 0, .1212},
                                     {6000, 0, 0, .1398}, {8000, 0, 0, .2104}};

Test(pass_models, prefill_is_a_straight_line_of_five_passes_and_bends_from_six_on)
{
    static const struct row of_5[] = {{1, 0, 0, .004744516},
                                      {1000, 0, 0, .026611381},
                                      {4000, 0, 0, .092277643},
                                      {8192, 0, 0, .184035299}};
    static const struct row of_8[] = {{1, 0, 0, .004253721},
                                      {1000, 0, 0, .026529319},
                                      {4000, 0, 0, .093423006},
                                      {8192, 0, 0, .216135533}};
    static const struct row none[] = {{1000, 0, 0, NAN}};

    expect(prefill, 4, none, 1);
    expect(prefill, 5, of_5, 4);
    EXPECT(prefill, of_8);
}

Test(pass_models, the_bend_follows_a_knee)
{
    static const struct row seen[] = {{350, 0, 0, .02},  {720, 0, 0, .018},  {1100, 0, 0, .019},
                                      {1700, 0, 0, .02}, {2900, 0, 0, .021}, {5100, 0, 0, .09},
                                      {6000, 0, 0, .12}, {8000, 0, 0, .16}};
    static const struct row asked[] = {{1, 0, 0, .018467746},
                                       {1000, 0, 0, .019344841},
                                       {4000, 0, 0, .053679508},
                                       {8192, 0, 0, .178168635}};

    EXPECT(seen, asked);
}

Test(pass_models, a_time_that_falls_with_load_is_no_model)
{
    static const struct row seen[] = {{350, 0, 0, .05},  {720, 0, 0, .045},  {1100, 0, 0, .04},
                                      {1700, 0, 0, .04}, {2900, 0, 0, .035}, {5100, 0, 0, .03},
                                      {6000, 0, 0, .02}, {8000, 0, 0, .01}};
    static const struct row asked[] = {{1, 0, 0, NAN}, {8192, 0, 0, NAN}};

    EXPECT(seen, asked);
}

Test(pass_models, decode_goes_by_requests_and_context)
{
    static const struct row seen[] = {{0, 1, 1000, .0061},   {0, 8, 30000, .0083},
                                      {0, 20, 90000, .0121}, {0, 30, 70000, .0118},
                                      {0, 12, 15000, .0079}, {0, 40, 200000, .0191}};
    static const struct row asked[] = {
        {0, 1, 1, .006190381}, {0, 16, 50000, .009815558}, {0, 64, 256000, .023701025}};

    EXPECT(seen, asked);
}

Test(pass_models, what_seems_to_shorten_a_pass_is_left_out)
{
    struct row seen[] = {{0, 1, 1000, 0},   {0, 8, 30000, 0},  {0, 20, 90000, 0},
                         {0, 30, 70000, 0}, {0, 12, 15000, 0}, {0, 40, 200000, 0}};
    static const struct row asked[] = {
        {0, 1, 1, .01937115}, {0, 16, 50000, .019468822}, {0, 64, 256000, .019871238}};

    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        seen[i].wall_s = .02 - 1e-4 * seen[i].n_decode + 2e-8 * seen[i].kv_tok;
    EXPECT(seen, asked);
}

Test(pass_models, passes_of_one_kind_say_nothing_about_another)
{
    static const struct row seen[] = {{500, 4, 20000, .021},
                                      {1500, 9, 60000, .045},
                                      {2500, 2, 10000, .064},
                                      {4000, 20, 120000, .101},
                                      {8000, 7, 50000, .182}};
    static const struct row asked[] = {{1000, 1, 5000, .031390405},
                                       {8192, 100, 280000, .198129171},
                                       {1000, 0, 0, NAN},
                                       {0, 1, 100, NAN}};

    EXPECT(seen, asked);
}

Test(pass_models, half_a_nanosecond_is_rounded_by_what_the_product_loses)
{
    for (int i = 1; i < 1000; i += 2) {
        double time_s = (double)(9639517 + i * 1000) / 1e9 / 2;
        long double exact_ns = (long double)time_s * 1e9L;
        cr_expect_eq(pass_whole_s(&pass_by_kind, time_s), (double)roundl(exact_ns) / 1e9);
    }
    cr_expect_eq(pass_whole_s(&pass_by_attention, 1.0 / 3), 1.0 / 3, "these have no steps");
}

Test(pass_models, of_1_6_1_a_pass_costs_its_attention_and_its_tokens)
{
    struct pass_engine e = make(&pass_by_attention, PASS_DECODE, 5);
    const struct pass asked = {.n_decode = 4, .decode_kv_tok = 20000};

    for (int i = 1; i <= 8; i++) {
        struct row row = {0, i % 3 + 1, 1000.0 * i, 0};
        row.wall_s = 0.005 + 1e-6 * row.kv_tok + 1e-4 * row.n_decode;
        cr_assert_eq(pass_engine_ready(&e), i > 5);
        learn(&e, &row, 1);
    }
    cr_expect_float_eq(pass_model_time_s(&e.models[KIND_DECODE], &asked), 0.0254, 1e-12);
    arena_release(&arena);
}

/* Passes of which a heavier one took less time. */
Test(pass_models, of_1_6_1_two_passes_can_be_told_by_their_mean_and_three_cannot)
{
    static const struct row falls[] = {
        {0, 10, 10000, .02}, {0, 30, 20000, .01}, {0, 20, 30000, .005}};
    static const struct row same[] = {{0, 10, 10000, .02}, {0, 10, 10000, .03}};
    const struct pass asked = {.n_decode = 40, .decode_kv_tok = 120000};
    struct pass_engine e = make(&pass_by_attention, PASS_DECODE, 2);

    learn(&e, falls, 2);
    cr_expect_float_eq(pass_model_time_s(&e.models[KIND_DECODE], &asked), .015, 1e-15);
    arena_release(&arena);
    e = make(&pass_by_attention, PASS_DECODE, 2);
    learn(&e, same, 2);
    cr_expect_not(pass_engine_ready(&e), "nothing varies");
    arena_release(&arena);
    e = make(&pass_by_attention, PASS_DECODE, 3);
    learn(&e, falls, 3);
    cr_expect_not(pass_engine_ready(&e));
    arena_release(&arena);
}

Test(pass_models, of_1_6_1_attention_takes_all_of_two_passes)
{
    static const struct row seen[] = {{0, 39, 112782, .011539}, {0, 6, 6682, .005511}};
    const struct pass asked = {.n_decode = 10, .decode_kv_tok = 50000};
    struct pass_engine e = make(&pass_by_attention, PASS_DECODE, 2);

    learn(&e, seen, 2);
    cr_expect_float_eq(pass_model_time_s(&e.models[KIND_DECODE], &asked), .007972082978322337,
                       1e-15);
    arena_release(&arena);
}

/* ---- The order of records ---- */

/* A model keeps 5 records. Of 12 workers that report at once those are left whose names, as text,
 * are the last, and of the averages of requests those that came last. */
Test(pass_models, workers_are_learned_by_name_and_requests_averaged_as_they_came)
{
    struct fpm_config config;
    struct fpm_core core;
    struct diag d;
    struct fpm_record records[12];
    struct fpm_output out;

    diag_init(&d);
    arena_init(&arena);
    key_presets(fpm_keys, &config);
    config.generation = FPM_1_4_2;
    config.mode = "agg";
    config.optimization_target = "sla";
    config.max_num_fpm_samples = 5;
    cr_assert_eq(fpm_core_init(&core, &arena, &config, 0, &d), ST_OK);
    for (uint32_t i = 0; i < 12; i++)
        records[i] = (struct fpm_record){
            .worker_id = i, .n_prefill = 1, .prefill_tok = i + 1, .n_decode = 1, .wall_s = 1};
    struct fpm_input input = {.now_s = core.due.at_s,
                              .has_records = true,
                              .n_records = {[SIDE_DECODE] = 12},
                              .records = {[SIDE_DECODE] = records}};
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    const struct pass_engine *e = &core.engines[SIDE_DECODE];
    cr_expect_eq(moving_mean_value(&e->isl_tok), (8 + 9 + 10 + 11 + 12) / 5.0);
    cr_expect_eq(moving_mean_value(&e->prefill_tok), (6 + 7 + 8 + 9 + 10) / 5.0);
    fpm_core_release(&core);
    arena_release(&arena);
}
