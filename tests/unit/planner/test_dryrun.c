#include "planner_fixture.h"

#include <math.h>

#include "planner/dynamo1/dryrun.h"

static const struct trace_window windows[] = {
    {0, 1000, 1000, 100}, {100, 3000, 1000, 100}, {200, 500, 1000, 100}, {300, 500, 6000, 100}};

static void run(struct fixture *f, struct dryrun_row rows[4], int64_t gpus)
{
    struct planner_setup setup = {
        .prefill = &f->prefill, .decode = &f->decode, .gpus = {gpus, gpus}};
    const int64_t start[N_SIDES] = {1, 1};
    struct dryrun r;

    cr_assert_eq(dryrun_init(&r, &f->arena, &f->config, &setup, &f->d), ST_OK, "%s", f->d.text);
    cr_assert_eq(dryrun_run(&r, windows, 4, start, rows, &f->d), ST_OK, "%s", f->d.text);
    dryrun_release(&r);
}

Test(dryrun, plans_each_interval_from_the_ones_before)
{
    struct fixture f;
    struct dryrun_row rows[4];

    fixture_init(&f);
    run(&f, rows, 1);
    cr_assert_eq(rows[0].predicted.n_requests, 1000, "row 0 repeats the observation");
    cr_assert_eq(rows[0].replicas[SIDE_PREFILL], 1);
    cr_assert_eq(rows[1].predicted.n_requests, 1000);
    cr_assert_eq(rows[1].replicas[SIDE_PREFILL], 1);
    cr_assert_eq(rows[2].predicted.n_requests, 3000);
    cr_assert_eq(rows[2].replicas[SIDE_PREFILL], 3);
    cr_assert_eq(rows[1].load_tok[SIDE_PREFILL], 3e6);
    cr_assert_eq(rows[1].load_tok[SIDE_DECODE], 3e5);
    cr_assert_float_eq(rows[2].safe_tok[SIDE_PREFILL], 3 * 10000 * 100, 1e-3);
    cr_assert_eq(rows[3].safe_tok[SIDE_PREFILL], 0,
                 "600 ms for a prompt of 6000 is beyond the target");
    fixture_release(&f);
}

Test(dryrun, safe_throughput_counts_gpus_only_with_the_fix)
{
    struct fixture f;
    struct dryrun_row plain[4], fixed[4];

    fixture_init(&f);
    run(&f, plain, 2);
    f.config.fixes = FIX_SAFE_THROUGHPUT;
    run(&f, fixed, 2);
    for (int i = 0; i < 4; i++) {
        for (int side = 0; side < N_SIDES; side++) {
            cr_assert_eq(fixed[i].replicas[side], plain[i].replicas[side]);
            cr_assert_eq(fixed[i].safe_tok[side], 2 * plain[i].safe_tok[side]);
        }
    }
    fixture_release(&f);
}

Test(dryrun, one_sided_modes_leave_the_other_side_out)
{
    struct fixture f;
    struct dryrun_row rows[4];

    fixture_init(&f);
    f.config.mode = "decode";
    f.config.max_gpu_budget = 2;
    run(&f, rows, 1);
    cr_assert_eq(rows[2].replicas[SIDE_PREFILL], -1);
    cr_assert_leq(rows[2].replicas[SIDE_DECODE], 2);
    cr_assert_eq(rows[2].load_tok[SIDE_PREFILL], 0);
    fixture_release(&f);
}

Test(dryrun, refuses_load_scaling_and_agg)
{
    struct fixture f;
    struct planner_setup setup = {.gpus = {1, 1}};
    struct dryrun r;

    fixture_init(&f);
    f.config.enable_load_scaling = true;
    cr_assert_eq(dryrun_init(&r, &f.arena, &f.config, &setup, &f.d), ST_INPUT);
    cr_assert_str_eq(f.d.text, "a dry run has throughput scaling only");
    dryrun_release(&r);
    diag_init(&f.d);
    f.config.enable_load_scaling = false;
    f.config.mode = "agg";
    cr_assert_eq(dryrun_init(&r, &f.arena, &f.config, &setup, &f.d), ST_INPUT);
    cr_assert_str_eq(f.d.text, "a dry run has no mode 'agg'");
    dryrun_release(&r);
    fixture_release(&f);
}
