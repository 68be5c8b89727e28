/* The planner on forward-pass metrics as a policy: what it asks for, what it makes of what it is
 * told, and what it says. The rules themselves are in test_fpm_core.c. */
#include "planner_fixture.h"

#include <math.h>

#include "planner/fixes.h"
#include "planner/fpm/config.h"
#include "planner/policy.h"
#include "util/units.h"

static const struct policy_ops *ops = &policy_fpm_1_4_2;

/* A planner and the pools it steers; counts follow requests only when a test says so. */
struct scene {
    struct arena arena;
    struct diag d;
    struct profile profile;
    struct fpm_config config;
    struct policy_setup setup;
    struct policy_input input;
    struct policy_effects e;
    struct fpm_record passes[2][8], passed[8];
    void *state;
};

static void scene_init(struct scene *s, bool agg, const char *target)
{
    memset(s, 0, sizeof *s);
    arena_init(&s->arena);
    diag_init(&s->d);
    s->profile = fixture_profile();
    key_presets(fpm_keys, &s->config);
    s->config.mode = agg ? "agg" : "disagg";
    s->config.optimization_target = target;
    s->config.load_predictor = "constant";
    s->config.throughput_interval_s = 100;
    s->config.prefill_up_tok = 1000;
    s->config.prefill_down_tok = 10;
    s->config.decode_up_percent = 80;
    s->config.decode_down_percent = 30;
    s->setup.n_pools = s->input.n_pools = agg ? 1 : 2;
    s->setup.roles[0] = agg ? POOL_AGG : POOL_PREFILL;
    s->setup.roles[1] = POOL_DECODE;
    for (size_t i = 0; i < s->setup.n_pools; i++) {
        s->setup.replicas[i] = s->setup.gpus_per_worker[i] = 1;
        s->setup.profiles[i] = &s->profile;
        s->setup.limits[i] = (struct fpm_limits){.n_gpus = 1,
                                                 .max_batched_tok = 8192,
                                                 .max_seqs = 256,
                                                 .context_tok = 32768,
                                                 .max_kv_tok = 1000};
        s->input.passes[i] = s->passes[i];
    }
}

static void scene_start(struct scene *s)
{
    cr_assert_eq(ops->create(&s->state, &s->arena, &s->config, &s->setup, &s->e, &s->d), ST_OK,
                 "%s", s->d.text);
}

static void scene_release(struct scene *s)
{
    ops->release(s->state);
    arena_release(&s->arena);
}

/* So many ready workers of a pool, each with the queue and the KV. */
static void workers(struct scene *s, size_t pool, int n, double queued_tok, double kv_tok)
{
    s->input.has_passes = true;
    s->input.pools[pool] = (struct pool_counts){.target = n, .ready = n};
    s->input.n_passes[pool] = (size_t)n;
    for (int i = 0; i < n; i++)
        s->passes[pool][i] = (struct fpm_record){.worker_id = (uint32_t)i,
                                                 .wall_s = 0.01,
                                                 .n_decode = 1,
                                                 .decode_kv_tok = kv_tok,
                                                 .queued_prefill_tok = queued_tok};
}

/* Goes on to the next moment the policy asked for. */
static void step(struct scene *s)
{
    cr_assert_gt(s->e.next_ns, s->input.now_ns);
    s->input.now_ns = s->e.next_ns;
    cr_assert_eq(ops->tick(s->state, &s->input, &s->e, &s->d), ST_OK);
}

Test(policy_fpm, looks_at_the_passes_once_an_interval_and_grows_by_one)
{
    struct scene s;
    scene_init(&s, true, "throughput");
    scene_start(&s);
    cr_assert_eq(s.e.next_ns, 5 * NS_PER_S);
    cr_assert(s.e.next_needs & NEED_PASSES);
    workers(&s, 0, 2, 0, 999);
    step(&s);
    cr_assert_eq(s.e.next_ns, 10 * NS_PER_S);
    cr_assert(s.e.report && !s.e.scale);
    cr_assert_str_eq(s.e.kind, "load");
    cr_assert_str_eq(s.e.reason, "load no_change");
    workers(&s, 0, 2, 2, 999);
    step(&s);
    cr_assert(s.e.scale);
    cr_assert_eq(s.e.target[0], 3);
    cr_assert_eq(s.e.wanted[0], 3);
    cr_assert_str_eq(s.e.reason, "load scale_up");
    cr_assert_str_eq(ops->describe(s.state), "1.4.2, target throughput");
    cr_assert_null(ops->note(s.state));
    scene_release(&s);
}

Test(policy_fpm, waits_for_a_rollout_of_any_pool)
{
    struct scene s;
    scene_init(&s, false, "latency");
    scene_start(&s);
    workers(&s, 0, 1, 0, 0);
    workers(&s, 1, 1, 0, 500);
    s.input.pools[0].target = 2;
    s.input.pools[0].starting = 1;
    step(&s);
    cr_assert_not(s.e.scale);
    cr_assert_str_eq(s.e.reason, "load scaling_in_progress (prefill scaling_in_progress, decode "
                                 "scaling_in_progress)");
    s.input.pools[0] = (struct pool_counts){.target = 1, .ready = 1};
    step(&s);
    cr_assert(s.e.scale);
    cr_assert_eq(s.e.target[0], 1);
    cr_assert_eq(s.e.target[1], 2);
    cr_assert_str_eq(s.e.reason, "load scale_up (prefill no_change, decode scale_up)");
    scene_release(&s);
}

Test(policy_fpm, thresholds_of_its_own_with_target_load)
{
    struct scene s;
    scene_init(&s, false, "load");
    scene_start(&s);
    workers(&s, 0, 2, 1000, 0);
    workers(&s, 1, 2, 0, 300);
    step(&s);
    cr_assert_eq(s.e.target[0], 3);
    cr_assert_eq(s.e.target[1], 1);
    scene_release(&s);
}

Test(policy_fpm, records_that_cannot_be_read_or_do_not_match_decide_nothing)
{
    struct scene s;
    scene_init(&s, true, "throughput");
    scene_start(&s);
    workers(&s, 0, 2, 0, 5000);
    s.input.n_passes[0] = 1;
    step(&s);
    cr_assert_str_eq(s.e.reason, "load worker_count_mismatch");
    s.input.has_passes = false;
    step(&s);
    cr_assert_str_eq(s.e.reason, "load no_fpm_data");
    cr_assert_eq(s.e.next_ns, 15 * NS_PER_S);
    scene_release(&s);
}

Test(policy_fpm, advice_is_given_and_not_followed)
{
    struct scene s;
    scene_init(&s, true, "throughput");
    s.config.advisory = true;
    scene_start(&s);
    workers(&s, 0, 1, 0, 5000);
    step(&s);
    cr_assert_not(s.e.scale);
    cr_assert_eq(s.e.wanted[0], 2);
    cr_assert_str_eq(s.e.reason, "load scale_up; advisory");
    scene_release(&s);
}

Test(policy_fpm, counts_that_are_there_already_are_not_asked_for)
{
    struct scene s;
    scene_init(&s, true, "throughput");
    s.config.max_gpu_budget = 2;
    scene_start(&s);
    workers(&s, 0, 2, 0, 5000);
    step(&s);
    cr_assert_not(s.e.scale, "the budget has cut it");
    cr_assert_str_eq(s.e.reason, "load no_change");
    scene_release(&s);
}

Test(policy_fpm, gpus_come_from_the_deployment_or_in_a_virtual_one_from_the_configuration)
{
    static const char *const environments[] = {"kubernetes", "virtual"};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        scene_init(&s, true, "throughput");
        s.config.environment = environments[i];
        s.config.decode_engine_num_gpu = 4;
        scene_start(&s);
        workers(&s, 0, 2, 0, 5000);
        step(&s);
        cr_assert_eq(s.e.scale, i == 0, "8 GPUs are two of them");
        scene_release(&s);
    }
}

static void busy(struct scene *s, double n)
{
    s->input.has_traffic = true;
    s->input.traffic = fixture_traffic(n);
}

Test(policy_fpm, plans_from_the_profile_and_the_traffic_with_target_sla)
{
    struct scene s;
    scene_init(&s, false, "sla");
    s.config.max_gpu_budget = -1;
    for (int i = 0; i < 2; i++)
        s.setup.limits[i].max_kv_tok = FIXTURE_KV_TOKENS;
    scene_start(&s);
    workers(&s, 0, 1, 0, 0);
    workers(&s, 1, 1, 0, 100);
    while (s.e.next_ns < 100 * NS_PER_S) {
        cr_assert_not(s.e.next_needs & NEED_TRAFFIC);
        step(&s);
        cr_assert_not(s.e.report, "load scaling is off: passes are only learned");
    }
    cr_assert(s.e.next_needs & NEED_TRAFFIC);
    cr_assert_eq(s.e.window_ns, 100 * NS_PER_S);
    busy(&s, 2000);
    step(&s);
    cr_assert_str_eq(s.e.kind, "throughput");
    cr_assert_eq(s.e.seen.isl_tok, 1000);
    cr_assert_eq(s.e.predicted.n_requests, 2000);
    cr_assert(s.e.scale, "%s", s.e.reason);
    cr_assert(s.e.target[0] >= 1 && s.e.target[1] >= 1);
    cr_assert(strstr(s.e.reason, "throughput scale (prefill scale, decode scale), prefill "), "%s",
              s.e.reason);
    scene_release(&s);
}

/* An overloaded fleet completes fewer than come. */
Test(policy_fpm, demand_is_what_was_completed_unless_arrivals_are_counted)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        struct scene s;
        scene_init(&s, false, "sla");
        s.config.fixes = fix * FIX_COUNT_ARRIVALS;
        scene_start(&s);
        workers(&s, 0, 1, 0, 0);
        workers(&s, 1, 1, 0, 100);
        while (s.e.next_ns < 100 * NS_PER_S)
            step(&s);
        busy(&s, 2000);
        s.input.traffic.n_arrived = 3000;
        step(&s);
        cr_assert_eq(s.e.seen.n_requests, fix ? 3000 : 2000);
        cr_assert_eq(s.e.predicted.n_requests, fix ? 3000 : 2000);
        scene_release(&s);
    }
}

Test(policy_fpm, a_cold_model_plans_nothing)
{
    struct scene s;
    scene_init(&s, false, "sla");
    s.config.enable_load_scaling = true;
    s.config.enable_throughput_scaling = false;
    s.config.pre_deployment_sweeping_mode = "none";
    scene_start(&s);
    workers(&s, 0, 1, 0, 0);
    workers(&s, 1, 1, 0, 100);
    step(&s);
    cr_assert_str_eq(s.e.reason, "load insufficient_data (prefill insufficient_data, decode "
                                 "insufficient_data)");
    scene_release(&s);
}

/* Five of them are enough for a model. */
Test(policy_fpm, superseded_passes_are_learned_but_heartbeats)
{
    for (int n = 3; n <= 5; n++) {
        struct scene s;
        scene_init(&s, true, "sla");
        s.config.enable_load_scaling = true;
        s.config.enable_throughput_scaling = false;
        s.config.pre_deployment_sweeping_mode = "none";
        scene_start(&s);
        workers(&s, 0, 1, 0, 100);
        for (int i = 0; i < n; i++)
            s.passed[i] = (struct fpm_record){
                .wall_s = i == 0 ? 0 : 0.01 + 0.001 * i, .n_decode = i, .decode_kv_tok = 100 * i};
        s.input.passed[0] = s.passed;
        s.input.n_passed[0] = (size_t)n;
        step(&s);
        cr_assert_eq(strcmp(s.e.reason, "load insufficient_data") == 0, n < 5, "%d: %s", n,
                     s.e.reason);
        scene_release(&s);
    }
}

Test(policy_fpm, an_idle_window_is_traffic_and_a_broken_one_is_none)
{
    struct scene s;
    scene_init(&s, false, "sla");
    scene_start(&s);
    workers(&s, 0, 1, 0, 0);
    workers(&s, 1, 1, 0, 100);
    while (s.e.next_ns < 100 * NS_PER_S)
        step(&s);
    busy(&s, 0);
    s.input.traffic.n_ttft = s.input.traffic.ttft_sum_s = NAN;
    step(&s);
    cr_assert_eq(s.e.predicted.n_requests, 0);
    while (s.e.next_ns < 200 * NS_PER_S)
        step(&s);
    busy(&s, 10);
    s.input.traffic.n_ttft = s.input.traffic.ttft_sum_s = 0;
    step(&s);
    cr_assert_str_eq(s.e.reason, "throughput no_traffic_data");
    scene_release(&s);
}

Test(policy_fpm,
     the_planner_of_1_6_1_takes_starting_workers_back_when_that_is_wished_for_long_enough)
{
    struct scene s;
    ops = &policy_fpm_1_6_1;
    scene_init(&s, true, "throughput");
    scene_start(&s);
    workers(&s, 0, 2, 0, 0);
    s.input.pools[0] = (struct pool_counts){.target = 4, .ready = 2, .starting = 2};
    step(&s);
    cr_assert_not(s.e.scale, "%s", s.e.reason);
    step(&s);
    cr_assert(s.e.scale, "%s", s.e.reason);
    cr_assert_eq(s.e.target[0], 1);
    s.input.pools[0].draining = 1;
    step(&s);
    cr_assert_not(s.e.scale, "a worker is going");
    cr_assert_str_eq(ops->describe(s.state), "1.6.1, target throughput");
    scene_release(&s);
}

Test(policy_fpm, keys_of_other_generations_are_at_their_presets)
{
    static const struct policy_ops *const generations[] = {&policy_fpm_1_4_2, &policy_fpm_1_6_1};
    for (int i = 0; i < 2; i++) {
        struct arena arena;
        struct diag d;
        arena_init(&arena);
        diag_init(&d);
        struct fpm_config *c = policy_config_new(generations[i], &arena);
        cr_assert_eq(generations[i]->check(c, (struct source_pos){NULL, 0, 0}, &d), ST_OK, "%s",
                     d.text);
        cr_assert_eq(c->side_min_endpoint[SIDE_PREFILL], -1);
        cr_assert_eq(c->total_gpu_power_limit_w, -1);
        arena_release(&arena);
    }
}

Test(policy_fpm, pools_must_fit_the_mode)
{
    struct scene s;
    scene_init(&s, true, "throughput");
    s.config.mode = "disagg";
    cr_assert_eq(ops->create(&s.state, &s.arena, &s.config, &s.setup, &s.e, &s.d), ST_INPUT);
    cr_assert_str_eq(s.d.text, "planner mode 'disagg' needs a pool 'prefill'");
    arena_release(&s.arena);
}

Test(policy_fpm, says_that_a_prefill_queue_cannot_be_judged)
{
    struct scene s;
    scene_init(&s, false, "throughput");
    s.setup.limits[0].context_tok = 0;
    scene_start(&s);
    cr_assert_str_eq(ops->note(s.state),
                     "prefill is never scaled by its queue: set engine.max_model_len");
    scene_release(&s);
}

Test(policy_fpm, every_key_has_a_word_about_it_and_other_names_are_of_keys)
{
    cr_assert_str_eq(fpm_keys[FPM_KEYS_1_6_1].name, "prefill_min_endpoint");
    cr_assert_str_eq(fpm_keys[FPM_KEYS_1_4_2].name, "environment");
    for (const struct key *k = fpm_keys; k->name; k++) {
        cr_assert(*k->doc, "%s", k->name);
        cr_assert_eq(key_find(fpm_keys, k->name), k, "%s is there twice", k->name);
        const struct key *same = k->same_as ? key_find(fpm_keys, k->same_as) : NULL;
        cr_assert(!k->same_as || (same && same->offset == k->offset && !same->same_as), "%s",
                  k->name);
        for (const struct key *other = fpm_keys; other < k; other++)
            cr_assert(other->offset != k->offset || k->same_as, "%s", k->name);
    }
}
