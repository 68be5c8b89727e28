#include "planner_fixture.h"

#include <math.h>

static struct replica_rule rule_of(const struct fixture *f)
{
    return (struct replica_rule){.interval_s = 100,
                                 .min_endpoint = 1,
                                 .gpus_per_engine = 1,
                                 .ttft_ms = f->config.ttft_ms,
                                 .itl_ms = f->config.itl_ms};
}

Test(throughput, prefill_count_is_load_over_capacity_rounded_up)
{
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    /* 2,500 requests of 1,000 tokens in 100 s are 25,000 tokens/s: 2.5 engines. */
    struct traffic_forecast next = {2500, 1000, 100};
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &n, NULL));
    cr_assert_eq(n, 3);
    rule.gpus_per_engine = 2;
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &n, NULL));
    cr_assert_eq(n, 2);
    fixture_release(&f);
}

Test(throughput, prefill_correction_only_ever_lowers_the_load)
{
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    struct traffic_forecast next = {4500, 1000, 100};
    const struct {
        double correction;
        int64_t replicas;
    } cases[] = {{1, 5}, {0.5, 3}, {7, 5}, {NAN, 5}, {INFINITY, 5}, {0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(prefill_replicas(&f.prefill, &rule, &next, cases[i].correction, &n, NULL));
        cr_assert_eq(n, cases[i].replicas, "correction %g gave %lld", cases[i].correction,
                     (long long)n);
    }
    fixture_release(&f);
}

Test(throughput, the_ttft_target_plays_no_role_unless_fixed)
{
    struct fixture f;
    struct replica_basis basis;
    int64_t n, strict;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    struct traffic_forecast next = {9900, 1000, 100};
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &n, NULL));
    rule.ttft_ms = 120;
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &strict, NULL));
    cr_assert_eq(n, strict);
    cr_assert_eq(n, 10);
    rule.fixes = FIX_TTFT_TARGET;
    /* u = 2 * 20 / (2 * 20 + 100) = 2/7: 9.9 * 3.5 engines. */
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &strict, &basis));
    cr_assert_eq(strict, 35);
    cr_assert_not(basis.missed);
    rule.ttft_ms = 99;
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &strict, &basis));
    cr_assert_eq(strict, 10);
    cr_assert(basis.missed);
    fixture_release(&f);
}

Test(throughput, decode_count_uses_the_best_cell_for_the_corrected_target)
{
    struct fixture f;
    struct replica_basis basis;
    struct decode_point best;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    struct traffic_forecast next = {1000, 3900, 200};
    cr_assert(decode_replicas(&f.decode, &rule, &next, 1, &n, &basis));
    cr_assert(decode_model_best(&f.decode, 30, 4000, &best));
    cr_assert_eq(basis.cap, best.thpt);
    cr_assert_eq(n, (int64_t)ceil(2000 / best.thpt));
    cr_assert(decode_replicas(&f.decode, &rule, &next, 1.5, &n, &basis));
    cr_assert(decode_model_best(&f.decode, 20, 4000, &best));
    cr_assert_eq(basis.cap, best.thpt);
    cr_assert(decode_replicas(&f.decode, &rule, &next, -1, &n, &basis));
    cr_assert(decode_model_best(&f.decode, 30, 4000, &best));
    cr_assert_eq(basis.cap, best.thpt, "a correction of 0 or less is left out");
    fixture_release(&f);
}

Test(throughput, a_non_positive_cell_turns_heavy_load_into_min_endpoint)
{
    struct fixture f;
    struct replica_basis basis;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    struct traffic_forecast next = {1e6, 3900, 200};
    for (size_t i = 0; i < SURFACE_CELLS; i++)
        f.decode.thpt[i] = -3;
    rule.min_endpoint = 2;
    cr_assert(decode_replicas(&f.decode, &rule, &next, 1, &n, &basis));
    cr_assert_eq(n, 2);
    cr_assert(basis.no_cap);
    fixture_release(&f);
}

Test(throughput, what_is_not_a_number_gives_no_count)
{
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    const struct traffic_forecast bad[] = {
        {NAN, 1000, 100}, {INFINITY, 1000, 100}, {100, INFINITY, 100}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(prefill_replicas(&f.prefill, &rule, &bad[i], 1, &n, NULL), "case %zu", i);
    const struct traffic_forecast no_length = {100, 1000, NAN};
    cr_assert_not(decode_replicas(&f.decode, &rule, &no_length, 1, &n, NULL));
    fixture_release(&f);
}

Test(throughput, negative_forecasts_fall_to_min_endpoint)
{
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    struct replica_rule rule = rule_of(&f);
    const struct traffic_forecast next = {-500, 1000, 100};
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &n, NULL));
    cr_assert_eq(n, 1);
    rule.min_endpoint = 0;
    cr_assert(prefill_replicas(&f.prefill, &rule, &next, 1, &n, NULL));
    cr_assert_eq(n, 0);
    fixture_release(&f);
}

Test(throughput, component_budget_scales_first_and_multiplies_then)
{
    const struct gpu_budget b = {.max_gpus = 8, .min_endpoint = 1};

    cr_assert_eq(budget_component(&b, 3, 2), 3);
    cr_assert_eq(budget_component(&b, 13, 4), 2);
    cr_assert_eq(budget_component(&b, 5, 9), 0, "not one engine fits");
    const struct gpu_budget none = {.max_gpus = -1, .min_endpoint = 1};
    cr_assert_eq(budget_component(&none, 500, 8), 500);
    /* 49 * (29 / 49) is just below 29 in binary. */
    const struct gpu_budget odd = {.max_gpus = 29, .min_endpoint = 1};
    cr_assert_eq(budget_component(&odd, 49, 1), (int64_t)floor(49 * (29.0 / 49.0)));
}

Test(throughput, joint_budget_fixes_prefill_first_and_gives_decode_the_rest)
{
    struct gpu_budget b = {.max_gpus = 8, .min_endpoint = 1};
    int64_t p = 7, q = 5;

    budget_joint(&b, &p, 1, &q, 1);
    cr_assert_eq(p, 4);
    cr_assert_eq(q, 4);
    p = 9;
    q = 1;
    budget_joint(&b, &p, 1, &q, 1);
    cr_assert_eq(p, 7);
    cr_assert_eq(q, 1);
    /* Prefill rounds down, and decode ends above its wish. */
    b.max_gpus = 9;
    p = 4;
    q = 2;
    budget_joint(&b, &p, 2, &q, 1);
    cr_assert_eq(p, 3);
    cr_assert_eq(q, 3);
    b.fixes = FIX_CAP_DECODE;
    p = 4;
    q = 2;
    budget_joint(&b, &p, 2, &q, 1);
    cr_assert_eq(p, 3);
    cr_assert_eq(q, 2);
    b.max_gpus = 2;
    p = 4;
    q = 2;
    budget_joint(&b, &p, 2, &q, 1);
    cr_assert_eq(p, 0);
    cr_assert_eq(q, 0);
}

Test(throughput, traffic_needs_all_six_numbers)
{
    struct traffic_means t = {1, 2, 3, 4, 5, 6};

    cr_assert(traffic_is_valid(&t));
    t.itl_ms = NAN;
    cr_assert_not(traffic_is_valid(&t));
    cr_assert_str_eq(traffic_missing(&t), "itl");
    t.itl_ms = 0;
    t.duration_s = NAN;
    cr_assert_str_eq(traffic_missing(&t), "request duration");
}

Test(throughput, corrections_compare_the_measured_with_the_profile)
{
    struct fixture f;
    double factor = 0;

    fixture_init(&f);
    struct traffic_means seen = {.ttft_ms = 300,
                                 .itl_ms = 60,
                                 .n_requests = 500,
                                 .duration_s = 10,
                                 .isl_tok = 1000,
                                 .osl_tok = 0};
    cr_assert_float_eq(prefill_correction(&f.prefill, &seen), 3, 1e-9);
    /* 500 requests x 10 s / 100 s over 2 workers = 25 at once, a quarter of the KV cache: 20 ms. */
    cr_assert(decode_correction(&f.decode, &seen, 2, 100, &factor));
    cr_assert_float_eq(factor, 3, 0.05);
    seen.n_requests = NAN;
    cr_assert_not(decode_correction(&f.decode, &seen, 2, 100, &factor));
    fixture_release(&f);
}
