#include <criterion/criterion.h>
#include <math.h>

#include "fpm_core_fixture.h"

static void start(const char *mode, const char *target)
{
    key_presets(fpm_keys, &config);
    config.mode = mode;
    config.optimization_target = target;
    config.prefill_up_tok = 1000;
    config.prefill_down_tok = 10;
    config.decode_up_percent = 80;
    config.decode_down_percent = 30;
    start_core(1000);
}

/* A load round of `n` agg workers that hold so much KV each. */
static struct fpm_output round_of(size_t n, const double kv_tok[])
{
    struct fpm_record records[8] = {0};
    struct fpm_output out;

    for (size_t i = 0; i < n; i++) {
        records[i] = (struct fpm_record){
            .worker_id = (uint32_t)i, .wall_s = 0.01, .n_decode = 1, .decode_kv_tok = kv_tok[i]};
    }
    struct fpm_input input = {.now_s = core.due.at_s,
                              .has_counts = true,
                              .ready = {0, (double)n},
                              .expected = {NAN, (double)n},
                              .has_records = true,
                              .n_records = {0, n},
                              .records = {NULL, records}};
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    return out;
}

Test(fpm_core, one_full_worker_is_enough_to_grow_and_all_must_be_idle_to_shrink)
{
    start("agg", "load");
    struct fpm_output out = round_of(2, (double[]){100, 800});
    cr_assert(out.scale);
    cr_assert_eq(out.target[SIDE_DECODE], 3);
    cr_assert_eq(out.load.all, FPM_SCALE_UP);
    out = round_of(2, (double[]){100, 400});
    cr_assert_not(out.scale);
    cr_assert_eq(out.load.all, FPM_NO_CHANGE);
    out = round_of(2, (double[]){100, 300});
    cr_assert_eq(out.target[SIDE_DECODE], 1);
    stop();
}

Test(fpm_core, the_full_cache_is_not_enough_for_target_throughput)
{
    start("agg", "throughput");
    cr_assert_eq(round_of(1, (double[]){1000}).load.all, FPM_NO_CHANGE);
    cr_assert_eq(round_of(1, (double[]){1001}).load.all, FPM_SCALE_UP);
    stop();
}

Test(fpm_core, records_of_a_worker_that_is_not_counted_stop_the_round)
{
    start("agg", "load");
    core.ready[SIDE_DECODE] = 2;
    struct fpm_record record = {.worker_id = 1, .wall_s = 0.01};
    struct fpm_input input = {
        .now_s = 5, .has_records = true, .n_records = {0, 1}, .records = {NULL, &record}};
    struct fpm_output out;
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    cr_assert_eq(out.load.all, FPM_COUNT_MISMATCH);
    input.has_counts = true;
    input.now_s = 10;
    input.ready[SIDE_DECODE] = 1;
    input.expected[SIDE_DECODE] = 2;
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    cr_assert_eq(out.load.all, FPM_IN_PROGRESS);
    stop();
}

Test(fpm_core, near_ticks_are_one_and_lateness_is_kept)
{
    start("agg", "sla");
    cr_assert_eq(core.due.at_s, 5);
    cr_assert(core.due.load, "records are learned also where load scaling is off");
    struct fpm_input input = {.now_s = 179.6};
    struct fpm_output out;
    core.next_load_s = 179.6;
    core.due = (struct fpm_due){.at_s = 179.6, .load = true, .throughput = true};
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    cr_assert_float_eq(core.next_throughput_s, 359.6, 1e-9);
    cr_assert_float_eq(core.due.at_s, 184.6, 1e-9);
    cr_assert_not(core.due.throughput);
    stop();
}

Test(fpm_core, a_target_other_than_sla_decides_what_is_on)
{
    start("disagg", "latency");
    cr_assert(config.enable_load_scaling);
    cr_assert_not(config.enable_throughput_scaling);
    stop();
}

Test(fpm_core, thresholds_of_target_load_must_be_there_and_in_order)
{
    struct diag d;

    diag_init(&d);
    key_presets(fpm_keys, &config);
    config.optimization_target = "load";
    cr_assert_eq(fpm_config_check(&config, (struct source_pos){NULL, 0, 0}, &d), ST_INPUT);
    config.mode = "decode";
    config.decode_up_percent = 50;
    config.decode_down_percent = 50;
    cr_assert_eq(fpm_config_check(&config, (struct source_pos){NULL, 0, 0}, &d), ST_INPUT);
    config.decode_down_percent = 40;
    cr_assert_eq(fpm_config_check(&config, (struct source_pos){NULL, 0, 0}, &d), ST_OK);
}
