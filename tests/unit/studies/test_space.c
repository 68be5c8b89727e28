#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "planner/policy.h"
#include "studies/space.h"
#include "tests/unit/arena_fixture.h"

TestSuite(space, .init = setup, .fini = teardown);

static struct space parse(size_t n, const char *const *texts)
{
    struct space space;

    cr_assert_eq(space_parse(&space, &arena, &policy_planner, texts, n, &diag), ST_OK, "%s",
                 diag.text);
    return space;
}

static const struct knob *knob(const char *text)
{
    return parse(1, &text).knobs;
}

/* The values of a grid of one knob, joined by blanks. */
static const char *values(const char *text)
{
    const char *joined = "";
    const struct knob *k = knob(text);

    for (size_t i = 0; i < k->n; i++)
        joined = arena_printf(&arena, "%s%s%s", joined, i ? " " : "", k->values[i]);
    return joined;
}

static const char *refusal(size_t n, const char *const *texts)
{
    struct space space;

    diag_init(&diag);
    cr_assert_eq(space_parse(&space, &arena, &policy_planner, texts, n, &diag), ST_INPUT, "%s",
                 texts[0]);
    return diag.text;
}

Test(space, values_of_lists_and_of_ranges_with_a_step)
{
    static const char *const cases[][2] = {
        {"policy.min_endpoint=1,2,4", "1 2 4"},
        {"policy.load_predictor=constant, kalman", "constant kalman"},
        {"traffic.isl_tok=[819,1024],[100, 200],5", "[819,1024] [100, 200] 5"},
        {"name='a,b',c", "'a,b' c"},
        {"cost.per_gpu_hour={b: 1, c: 2},3", "{b: 1, c: 2} 3"},
        {"name=\"d,e\",f", "\"d,e\" f"},
        {"trace.path=../a..b,c", "../a..b c"},
        {"policy.min_endpoint=1..7:2", "1 3 5 7"},
        {"policy.min_endpoint=1..8:2", "1 3 5 7"},
        {"kv_router.temperature=0.1..0.5:0.1", "0.1 0.2 0.3 0.4 0.5"},
        {"kv_router.temperature=0..1:0.25", "0 0.25 0.5 0.75 1"},
        {"startup.delay_s=1e2..3e2:1e2", "100 200 300"},
        {"startup.delay_s=1..1.5:2.5e-1", "1 1.25 1.5"},
        {"startup.delay_s=1..100:log:3", "1 10 100"},
        {"startup.delay_s=10..20:log:4", "10 12.5992 15.874 20"},
        {"policy.min_endpoint=1..4:log:9", "1 2 3 4"},
        {"cost.per_gpu_hour.h200_sxm=1.5..2:0.5", "1.5 2"},
        {"policy.min_endpoint=0..2:1", "0 1 2"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(values(cases[i][0]), cases[i][1], "%s", cases[i][0]);
}

Test(space, of_keys_anywhere_in_a_scenario)
{
    static const char *const texts[] = {
        "seed=1,2",      "router=round_robin",     "router.decode=round_robin",
        "engine.tp=1",   "pools.decode.tp=1",      "pools.prefill.replicas=1",
        "sla.ttft_ms=5", "policy.type=static",     "policy.load_learning_window=50",
        "cost.preset=x", "cost.per_gpu_hour.a.b=1"};

    cr_expect_eq(parse(sizeof texts / sizeof *texts, texts).n, sizeof texts / sizeof *texts);
    cr_expect_str_eq(knob("sla.ttft_ms=5")->unit, "ms");
    cr_expect(knob("sla.ttft_ms=5,1e3")->number);
    cr_expect_eq(knob("sla.ttft_ms=5,1e3,7")->high, 1000);
    cr_expect_not(knob("policy.type=static,planner")->number);
}

Test(space, grids_go_round_from_the_last)
{
    static const char *const texts[] = {"policy.min_endpoint=1,2", "startup.delay_s=5..6:0.5"};
    const struct space space = parse(2, texts);
    const char *joined = "";
    uint64_t n;

    cr_assert_eq(space_grid_size(&n, &space, &diag), ST_OK);
    cr_assert_eq(n, 6);
    for (uint64_t i = 0; i < n; i++)
        joined = arena_printf(&arena, "%s %s,%s", joined, space_grid_text(&space, i, 0),
                              space_grid_text(&space, i, 1));
    cr_expect_str_eq(joined, " 1,5 1,5.5 1,6 2,5 2,5.5 2,6");
}

Test(space, grids_that_have_no_size)
{
    static const char *const ranges[] = {"startup.delay_s=5..6"};
    static const char *const many[] = {"startup.delay_s=1..1e6:1", "startup.warmup_s=1..1e6:1",
                                       "startup.weights_s=1..1e6:1", "startup.retry_s=1..1e6:1"};
    struct space space = parse(1, ranges);
    uint64_t n;

    cr_expect_eq(space_grid_size(&n, &space, &diag), ST_INPUT);
    cr_expect_str_eq(diag.text, "--vary startup.delay_s=5..6: a grid needs a step: LO..HI:STEP or "
                                "LO..HI:log:N (or --sample N)");
    diag_init(&diag);
    space = parse(4, many);
    cr_expect_eq(space_grid_size(&n, &space, &diag), ST_INPUT);
    cr_expect_str_eq(diag.text, "the grid has more than 2^63 settings");
}

Test(space, mistakes_are_named)
{
    static const char *const cases[][2] = {
        {"x", "expected KEY=a,b,c, KEY=LO..HI:STEP or KEY=LO..HI:log:N"},
        {"=1", "expected KEY=a,b,c, KEY=LO..HI:STEP or KEY=LO..HI:log:N"},
        {"policy.min_endpiont=1",
         "unknown key 'min_endpiont' in policy; did you mean 'min_endpoint'?"},
        {"polcy.x=1", "unknown key 'polcy' in the scenario; did you mean 'policy'?"},
        {"pools.decod.tp=1", "unknown key 'decod' in pools; did you mean 'decode'?"},
        {"seed.x=1", "'seed' is a key; it has no 'x'"},
        {"engine.tp.x=1", "'tp' is a key; it has no 'x'"},
        {"policy=static", "'policy' is a section of a scenario; expected one key of it"},
        {"pools.decode=1", "'pools.decode' is a section of a scenario; expected one key of it"},
        {"startup.delay_s=", "no value; expected a,b,c, LO..HI:STEP or LO..HI:log:N"},
        {"startup.delay_s=1,,2", "a value is missing; expected a,b,c"},
        {"startup.delay_s=1,2,", "a value is missing; expected a,b,c"},
        {"startup.delay_s=1,2,1", "the value '1' is there twice"},
        {"startup.delay_s=1,x", "startup.delay_s must be a number >= 0, not 'x'"},
        {"startup.delay_s=1,-2", "startup.delay_s must be a number >= 0, not '-2'"},
        {"policy.min_endpoint=1,1.5", "policy.min_endpoint must be an integer >= 0, not '1.5'"},
        {"startup.delay_s=-1..5:1", "startup.delay_s must be a number >= 0, not '-1'"},
        {"startup.delay_s=9..5:1", "the range is reversed: 9 is above 5"},
        {"startup.delay_s=5..5", "the range is empty: both ends are 5"},
        {"startup.delay_s=1..5:0", "the step must be > 0, not 0"},
        {"startup.delay_s=1..5:-1", "the step must be > 0, not -1"},
        {"startup.delay_s=1..5:", "the step '' is not a number; expected LO..HI:STEP or "
                                  "LO..HI:log:N"},
        {"startup.delay_s=1..5:lin", "the step 'lin' is not a number; expected LO..HI:STEP or "
                                     "LO..HI:log:N"},
        {"startup.delay_s=1..x:1", "'x' is not a number; expected LO..HI:STEP or LO..HI:log:N"},
        {"startup.delay_s=..5:1", "'' is not a number; expected LO..HI:STEP or LO..HI:log:N"},
        {"startup.delay_s=0..5:log:3", "a range by logarithm must be above 0, not from 0"},
        {"startup.delay_s=1..5:log:1", "the number of values must be an integer >= 2, not '1'; "
                                       "expected LO..HI:log:N"},
        {"startup.delay_s=1..5:log:", "the number of values must be an integer >= 2, not ''; "
                                      "expected LO..HI:log:N"},
        {"startup.delay_s=1..5:1e-16", "too many digits for a step"},
        {"startup.delay_s=1..5:1e-9", "more than 1000000 values"},
        {"policy.min_endpoint=1..5:0.5", "policy.min_endpoint is an integer, and so must be its "
                                         "step, not 0.5"},
        {"policy.type=1..5:1", "policy.type takes no range; expected a list a,b,c"},
        {"policy.type=static,plannr", "policy.type must be one of static, planner, not 'plannr'"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *expected = arena_printf(&arena, "--vary %s: %s", cases[i][0], cases[i][1]);
        cr_expect_str_eq(refusal(1, &cases[i][0]), expected);
    }
    static const char *const twice[] = {"seed=1,2", "sla.ttft_ms=1", "seed=3"};
    cr_expect_str_eq(refusal(3, twice), "--vary seed=3: seed is varied twice");
}

Test(space, shares_of_values)
{
    static const char *const texts[] = {"policy.load_predictor=constant,kalman,arima",
                                        "policy.min_endpoint=2..6", "policy.min_endpoint=1..9:2",
                                        "engine.max_num_seqs=1..1000:log", "startup.delay_s=1,5"};
    static const uint64_t n_values[] = {3, 5, 5, 1000, 2};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct knob *k = knob(texts[i]);
        cr_assert_eq(space_n_values(k), n_values[i], "%s", texts[i]);
        for (uint64_t v = 0; v < n_values[i]; v++) {
            cr_expect_eq(space_index(k, space_u(k, v)), v, "%s: %d", texts[i], (int)v);
            cr_expect_str_eq(space_text(k, space_u(k, v), &arena), space_value(k, v, &arena));
        }
        cr_expect_eq(space_index(k, 0), 0);
        cr_expect_eq(space_index(k, nextafter(1, 0)), n_values[i] - 1);
    }
    cr_expect_str_eq(space_text(knob("policy.min_endpoint=2..6"), 0.5, &arena), "4");
    /* Half of the logarithm lies below the geometric mean. */
    cr_expect_str_eq(space_text(knob("engine.max_num_seqs=1..1000:log"), 0.5, &arena), "31");
}

Test(space, texts_of_a_continuum_are_short_and_within_the_range)
{
    static const struct {
        const char *text;
        double u;
        const char *expected;
    } cases[] = {
        {"startup.delay_s=0.1..0.3", 0.5, "0.2"},
        {"startup.delay_s=0.1..0.3", 0, "0.1"},
        {"startup.delay_s=0..3", 1.0 / 3, "1"},
        {"startup.delay_s=5..59", 1.0 / 3, "23"},
        {"startup.delay_s=0..1", 1.0 / 3, "0.333333"},
        {"startup.delay_s=1..100:log", 0.5, "10"},
        {"startup.delay_s=1..100:log", 0.25, "3.16228"},
        {"startup.delay_s=1000000..1000001", 1.0 / 3, "1000000.33333"},
        {"startup.delay_s=0.1..0.30000001", 0.9999999999, "0.3"},
    };

    cr_expect_eq(space_n_values(knob(cases[0].text)), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(space_text(knob(cases[i].text), cases[i].u, &arena), cases[i].expected);
}

Test(space, a_latin_hypercube_has_one_place_in_each_part)
{
    enum { N = 50 };
    static const char *const texts[] = {"startup.delay_s=0..1", "startup.warmup_s=0..1",
                                        "policy.load_predictor=constant,kalman"};
    const struct space space = parse(3, texts);
    const double *u, *again, *other;
    size_t n_kalman = 0;

    cr_assert_eq(space_sample(&u, &arena, &space, N, 7, &diag), ST_OK);
    cr_assert_eq(space_sample(&again, &arena, &space, N, 7, &diag), ST_OK);
    cr_assert_eq(space_sample(&other, &arena, &space, N, 8, &diag), ST_OK);
    cr_expect_arr_eq(u, again, N * 3 * sizeof *u);
    cr_expect_arr_neq(u, other, N * 3 * sizeof *u);
    for (size_t k = 0; k < 3; k++) {
        int seen[N] = {0};
        for (size_t i = 0; i < N; i++)
            seen[(size_t)(u[i * 3 + k] * N)]++;
        for (size_t part = 0; part < N; part++)
            cr_expect_eq(seen[part], 1, "knob %zu, part %zu: %d", k, part, seen[part]);
    }
    for (size_t i = 0; i < N; i++)
        n_kalman += strcmp(space_text(&space.knobs[2], u[i * 3 + 2], &arena), "kalman") == 0;
    cr_expect_eq(n_kalman, N / 2);
}
