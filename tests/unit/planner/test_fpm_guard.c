#include <criterion/criterion.h>
#include <math.h>

#include "planner/fpm/budget_guard.h"
#include "planner/fpm/fpm_core.h"
#include "planner/fpm/power_budget.h"

/* ---- Budgets ---- */

static void expect_pair(const int64_t got[N_SIDES], int64_t prefill, int64_t decode)
{
    cr_expect_eq(got[SIDE_PREFILL], prefill, "prefill %lld", (long long)got[SIDE_PREFILL]);
    cr_expect_eq(got[SIDE_DECODE], decode, "decode %lld", (long long)got[SIDE_DECODE]);
}

Test(fpm_guard, a_full_budget_holds_a_wish_instead_of_taking_from_the_other_side)
{
    const struct gpu_band band = {-1, 8, {1, 1}, 0};
    const struct guard_pair pair = {{4, 4}, {1, 1}};
    int64_t both_up[N_SIDES] = {5, 5}, trade[N_SIDES] = {3, 6};

    cr_expect_eq(guard_pair(&band, &pair, both_up), FPM_GUARD_HOLD);
    expect_pair(both_up, 4, 4);
    cr_expect_eq(guard_pair(&band, &pair, trade), FPM_NO_REASON);
    expect_pair(trade, 3, 5);
}

Test(fpm_guard, what_lies_outside_of_the_band_is_brought_back_whatever_is_wished)
{
    const struct gpu_band band = {-1, 6, {1, 1}, 0};
    const struct guard_pair pair = {{4, 4}, {1, 1}};
    int64_t wanted[N_SIDES] = {5, 4}, single = 9;

    cr_expect_eq(guard_pair(&band, &pair, wanted), FPM_RECONCILE);
    expect_pair(wanted, 3, 3);
    cr_expect_eq(guard_single(&band, SIDE_DECODE, 8, 1, &single), FPM_RECONCILE);
    cr_expect_eq(single, 6);
}

Test(fpm_guard, sides_that_trade_move_both_or_not_at_all)
{
    const struct gpu_band band = {-1, 8, {1, 1}, 0};
    /* A prefill replica frees 1 GPU, a decode replica takes 4. */
    const struct guard_pair pair = {{4, 1}, {1, 4}};
    int64_t wanted[N_SIDES] = {3, 2};

    guard_fit_pair(&band, &pair, wanted);
    expect_pair(wanted, 4, 1);
}

Test(fpm_guard, filling_up_to_the_floor_takes_nothing_from_decode)
{
    const struct gpu_band band = {8, -1, {1, 1}, 0};
    int64_t older[N_SIDES] = {1, 5}, newer[N_SIDES] = {1, 5};
    const int64_t cost[N_SIDES] = {4, 0}, one[N_SIDES] = {1, 1}, wide[N_SIDES] = {2, 1};

    guard_clamp_pair(&band, cost, newer);
    expect_pair(newer, 1, 5);
    band_joint(&band, &older[0], 2, &older[1], 1);
    expect_pair(older, 2, 4);
    guard_clamp_pair(&band, wide, newer);
    expect_pair(newer, 2, 5);
    guard_clamp_pair(&band, one, newer);
    cr_expect(newer[0] + newer[1] >= 7);
}

Test(fpm_guard, power_only_lowers_and_lets_shrinking_go_first)
{
    struct power_budget b = {
        .limit_w = 5000, .watts = {1000, 1000}, .min_endpoint = {1, 1}, .current = {1, 4}};
    int64_t trade[N_SIDES] = {4, 1}, up[N_SIDES] = {3, 4}, one_side[N_SIDES] = {4, -1};

    power_budget_apply(&b, trade);
    expect_pair(trade, 1, 1);
    power_budget_apply(&b, up);
    expect_pair(up, 1, 4);
    power_budget_apply(&b, one_side);
    expect_pair(one_side, 1, -1);
}

/* ---- Starting workers ---- */

static struct arena arena;
static struct fpm_config config;
static struct fpm_core core;

static void start(const char *target)
{
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    key_presets(fpm_keys, &config);
    config.generation = FPM_1_6_1;
    config.mode = "agg";
    config.optimization_target = target;
    cr_assert_eq(fpm_config_check(&config, (struct source_pos){NULL, 0, 0}, &d), ST_OK, "%s",
                 d.text);
    cr_assert_eq(fpm_core_init(&core, &arena, &config, 0, &d), ST_OK);
    core.limits[SIDE_DECODE] = (struct fpm_limits){.n_gpus = 1,
                                                   .max_batched_tok = 8192,
                                                   .max_seqs = 256,
                                                   .context_tok = 32768,
                                                   .max_kv_tok = 1000};
}

static void stop(void)
{
    fpm_core_release(&core);
    arena_release(&arena);
}

/* The next round: n agg workers with so much KV each, and some that start. */
static struct fpm_output round_of(size_t n, double kv_tok, int64_t pending)
{
    struct fpm_record records[8] = {0};
    struct fpm_output out;

    for (size_t i = 0; i < n; i++)
        records[i] = (struct fpm_record){
            .worker_id = (uint32_t)i, .wall_s = 0.01, .n_decode = 1, .decode_kv_tok = kv_tok};
    struct fpm_input input = {.now_s = core.due.at_s,
                              .has_counts = true,
                              .ready = {NAN, (double)n},
                              .expected = {NAN, (double)n + (double)pending},
                              .in_progress = {false, pending > 0},
                              .pending = {0, pending},
                              .has_records = true,
                              .n_records = {0, n},
                              .records = {NULL, records}};
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    return out;
}

Test(fpm_guard, starting_workers_are_taken_back_after_a_full_interval_of_the_same_wish)
{
    start("throughput");
    struct fpm_output first = round_of(2, 10, 2), second = round_of(2, 10, 2);
    cr_expect_not(first.scale);
    cr_expect_eq(first.load.all, FPM_SCALE_DOWN);
    cr_assert(second.scale);
    cr_expect_eq(second.target[SIDE_DECODE], 1);
    stop();
}

Test(fpm_guard, another_wish_between_starts_the_interval_anew)
{
    start("throughput");
    cr_expect_not(round_of(2, 10, 2).scale);
    cr_expect_not(round_of(2, 800, 2).scale, "no wish to shrink");
    cr_expect_not(round_of(2, 10, 2).scale);
    cr_expect(round_of(2, 10, 2).scale);
    stop();
}

Test(fpm_guard, nobody_is_given_up_whose_load_would_call_for_one_at_once)
{
    start("throughput");
    cr_expect(round_of(3, 500, 0).scale, "3 x 0.5 fits 2");
    cr_expect_not(round_of(2, 510, 0).scale, "2 x 0.51 does not fit 1");
    stop();
}

Test(fpm_guard, counts_beyond_the_budget_come_back_without_a_wish)
{
    start("throughput");
    config.max_gpu_budget = 4;
    struct fpm_output out = round_of(6, 800, 0);
    cr_assert(out.scale);
    cr_expect_eq(out.target[SIDE_DECODE], 4);
    stop();
}

/* ---- Configuration ---- */

static enum status check(struct fpm_config *c)
{
    struct diag d;

    diag_init(&d);
    return fpm_config_check(c, (struct source_pos){NULL, 0, 0}, &d);
}

Test(fpm_guard, fields_of_1_6_1_are_refused_before_it_and_where_they_mean_nothing)
{
    struct fpm_config c = {.generation = FPM_1_4_2};

    key_presets(fpm_keys, &c);
    c.side_min_endpoint[SIDE_DECODE] = 2;
    cr_expect_eq(check(&c), ST_INPUT);
    c.generation = FPM_1_6_1;
    cr_expect_eq(check(&c), ST_OK);
    c.mode = "agg";
    cr_expect_eq(check(&c), ST_INPUT);
    c.mode = "prefill";
    cr_expect_eq(check(&c), ST_INPUT);
    c.mode = "decode";
    c.load_scaling_down_sensitivity = 101;
    cr_expect_eq(check(&c), ST_INPUT);
    c.load_scaling_down_sensitivity = 100;
    c.enable_power_awareness = true;
    cr_expect_eq(check(&c), ST_INPUT, "without watts");
    c.total_gpu_power_limit_w = 5000;
    cr_expect_eq(check(&c), ST_OK);
}
