#include "planner_fixture.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "planner/policy.h"
#include "util/pcg.h"
#include "util/units.h"

enum { N_DRAWS = 20000 };

static int64_t draw(struct pcg64 *rng, int64_t low, int64_t high)
{
    return low + (int64_t)pcg64_below(rng, (uint64_t)(high - low + 1));
}

Test(planner_property, budgets_are_never_exceeded)
{
    struct pcg64 rng;

    pcg64_seed(&rng, 1, 1);
    for (int i = 0; i < N_DRAWS; i++) {
        struct gpu_budget b = {.max_gpus = draw(&rng, 0, 200),
                               .min_endpoint = draw(&rng, 0, 4),
                               .fixes = i % 2 ? FIX_CAP_DECODE : 0};
        int64_t gp = draw(&rng, 1, 16), gd = draw(&rng, 1, 16);
        int64_t wanted_p = draw(&rng, 0, i % 3 ? 50 : REPLICAS_MAX), wanted_d = draw(&rng, 0, 50);
        int64_t p = wanted_p, q = wanted_d;
        budget_joint(&b, &p, gp, &q, gd);
        cr_assert(p >= 0 && q >= 0);
        cr_assert_leq(p * gp + q * gd, b.max_gpus, "%lld x %lld + %lld x %lld", (long long)p,
                      (long long)gp, (long long)q, (long long)gd);
        int64_t single = budget_component(&b, wanted_p, gp);
        cr_assert(single >= 0 && single <= wanted_p);
        cr_assert_leq(single * gp, b.max_gpus);
    }
}

Test(planner_property, more_requests_never_mean_fewer_replicas)
{
    struct fixture f;
    struct pcg64 rng;

    fixture_init(&f);
    pcg64_seed(&rng, 2, 1);
    for (int i = 0; i < N_DRAWS; i++) {
        struct replica_rule rule = {.interval_s = 100,
                                    .min_endpoint = draw(&rng, 0, 3),
                                    .gpus_per_engine = draw(&rng, 1, 8),
                                    .ttft_ms = 500,
                                    .itl_ms = 60 * pcg64_double(&rng),
                                    .fixes = i % 2 ? FIX_TTFT_TARGET : 0};
        struct traffic_forecast low = {(double)draw(&rng, -10, 5000), (double)draw(&rng, 0, 9000),
                                       (double)draw(&rng, 0, 3000)};
        struct traffic_forecast high = low;
        double correction = 3 * pcg64_double(&rng);
        int64_t before, after;
        high.n_requests += 1000 * pcg64_double(&rng);
        cr_assert(prefill_replicas(&f.prefill, &rule, &low, correction, &before, NULL));
        cr_assert(prefill_replicas(&f.prefill, &rule, &high, correction, &after, NULL));
        cr_assert_leq(before, after);
        cr_assert(decode_replicas(&f.decode, &rule, &low, correction, &before, NULL));
        cr_assert(decode_replicas(&f.decode, &rule, &high, correction, &after, NULL));
        cr_assert_leq(before, after);
    }
    fixture_release(&f);
}

static double *numbers(const cJSON *profile, const char *key, size_t *n)
{
    static double store[8][256];
    static int used;
    const cJSON *item;
    double *list = store[used++ % 8];

    *n = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(profile, key))
    {
        list[(*n)++] = item->valuedouble;
    }
    return list;
}

/* The measured Llama 70B profile, whose cubic surface dips below zero. */
static struct decode_model measured(struct arena *arena)
{
    static char text[1 << 20];
    FILE *in = fopen(TEST_DATA_DIR "/golden/interpolation.json", "rb");
    struct decode_model m;
    struct diag d;
    size_t n;

    cr_assert_not_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    cJSON *json = cJSON_Parse(text);
    const cJSON *p = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "profiles"), "h100_70b_tp2");
    cr_assert_not_null(p);
    diag_init(&d);
    double *kv = numbers(p, "x_kv_usage", &n), *context = numbers(p, "y_context_length", &n);
    double *itl = numbers(p, "z_itl", &n), *thpt = numbers(p, "z_thpt_per_gpu", &n);
    cr_assert_eq(decode_model_init(&m, arena, n, kv, context, itl, thpt,
                                   cJSON_GetObjectItem(p, "max_kv_tokens")->valuedouble, &d),
                 ST_OK, "%s", d.text);
    cJSON_Delete(json);
    return m;
}

/* Steps to a longer output at which the count falls because the cell found has no positive
 * throughput. */
static int n_falls(const struct decode_model *m)
{
    int falls = 0;

    for (double itl_ms = 20; itl_ms <= 60; itl_ms += 2) {
        const struct replica_rule rule = {
            .interval_s = 60, .min_endpoint = 1, .gpus_per_engine = 2, .itl_ms = itl_ms};
        int64_t before = 0;
        for (double osl = 100; osl < 20000; osl *= 1.1) {
            const struct traffic_forecast next = {5000, 14000, osl};
            struct replica_basis basis;
            int64_t n;
            cr_assert(decode_replicas(m, &rule, &next, 1, &n, &basis));
            falls += basis.no_cap && n < before;
            before = n;
        }
    }
    return falls;
}

Test(planner_property, negative_cells_let_more_load_mean_fewer_replicas_until_they_are_fixed)
{
    struct arena arena;

    arena_init(&arena);
    struct decode_model m = measured(&arena);
    cr_assert_gt(n_falls(&m), 0);
    decode_model_fill_negative(&m);
    cr_assert_eq(n_falls(&m), 0);
    for (size_t i = 0; i < SURFACE_CELLS; i++)
        cr_assert_gt(m.thpt[i], 0);
    arena_release(&arena);
}

/* Anything a metrics server could say, and more. */
static double wild(struct pcg64 *rng)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -1, 1e300, -1e300, 1e-300};

    if (pcg64_below(rng, 3) == 0)
        return odd[pcg64_below(rng, sizeof odd / sizeof *odd)];
    return exp(20 * pcg64_double(rng) - 5);
}

static void check_effects(const struct policy_effects *e, int64_t now_ns)
{
    cr_assert_gt(e->next_ns, now_ns);
    for (int i = 0; i < 2; i++) {
        cr_assert_geq(e->wanted[i], -1);
        if (e->scale)
            cr_assert_geq(e->target[i], 0);
    }
    if (e->report)
        cr_assert(*e->reason && strlen(e->reason) < POLICY_TEXT_SIZE);
}

static void wild_run(struct pcg64 *rng, const char *mode, const char *predictor, bool load,
                     unsigned fixes)
{
    struct profile profile = fixture_profile();
    struct planner_config config;
    struct worker_gauges gauges[6];
    struct policy_effects e;
    struct arena arena;
    struct diag d;
    void *state;
    bool agg = strcmp(mode, "agg") == 0;

    arena_init(&arena);
    diag_init(&d);
    key_presets(planner_keys, &config);
    config.mode = mode;
    config.load_predictor = predictor;
    config.enable_load_scaling = load;
    config.enable_throughput_scaling = !agg;
    config.no_correction = false;
    config.fixes = fixes;
    config.throughput_adjustment_interval_s = 10;
    config.load_adjustment_interval_s = 2;
    struct policy_setup setup = {.n_pools = agg ? 1 : 2,
                                 .roles = {agg ? POOL_AGG : POOL_PREFILL, POOL_DECODE},
                                 .gpus_per_worker = {1, 2},
                                 .profiles = {&profile, &profile},
                                 .start_delay_s = NAN};
    struct policy_input input = {.n_pools = setup.n_pools, .gauges = gauges};
    cr_assert_eq(policy_planner.create(&state, &arena, &config, &setup, &e, &d), ST_OK, "%s",
                 d.text);
    for (int i = 0; i < 1500 && e.next_ns < TIME_NEVER; i++) {
        double *counter = &input.traffic.length_s;
        input.now_ns = e.next_ns;
        input.has_traffic = pcg64_below(rng, 10) != 0;
        for (size_t k = 0; k < sizeof input.traffic / sizeof *counter; k++)
            counter[k] = wild(rng);
        input.has_gauges = pcg64_below(rng, 10) != 0;
        input.n_gauges = pcg64_below(rng, 7);
        for (size_t k = 0; k < input.n_gauges; k++)
            gauges[k] = (struct worker_gauges){.role = agg     ? POOL_AGG
                                                       : k % 2 ? POOL_DECODE
                                                               : POOL_PREFILL,
                                               .worker_id = (uint32_t)pcg64_below(rng, 6),
                                               .active_prefill_tok = wild(rng),
                                               .active_decode_blocks = wild(rng),
                                               .last_ttft_s = wild(rng),
                                               .last_isl_tok = wild(rng),
                                               .last_itl_s = wild(rng)};
        for (size_t k = 0; k < setup.n_pools; k++) {
            int ready = (int)pcg64_below(rng, 4);
            bool rollout = pcg64_below(rng, 4) == 0;
            input.pools[k] = (struct pool_counts){
                .target = ready + rollout, .ready = ready, .starting = rollout};
        }
        cr_assert_eq(policy_planner.tick(state, &input, &e, &d), ST_OK);
        check_effects(&e, input.now_ns);
    }
    policy_planner.release(state);
    arena_release(&arena);
}

Test(planner_property, no_negative_count_leaves_whatever_goes_in)
{
    static const char *const modes[] = {"disagg", "prefill", "decode", "agg"};
    struct pcg64 rng;

    pcg64_seed(&rng, 3, 1);
    for (int mode = 0; mode < 4; mode++) {
        for (int i = 0; i < 4; i++) {
            const char *predictor = i % 2 ? "kalman" : "constant";
            unsigned fixes = i < 2 ? 0 : ~0u;
            wild_run(&rng, modes[mode], predictor, mode == 3, fixes);
            wild_run(&rng, modes[mode], predictor, true, fixes);
        }
    }
}
