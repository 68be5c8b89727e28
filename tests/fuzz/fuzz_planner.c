/* A planner driven by arbitrary measurements: no count below zero, no call in the past, whatever is
 * scraped. The first bytes choose the configuration, the rest are the measurements, call by call.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "planner/dynamo1/config.h"
#include "planner/fixes.h"
#include "planner/policy.h"
#include "util/bug.h"
#include "util/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct bytes {
    const uint8_t *at, *end;
};

static unsigned next_byte(struct bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

/* Eight bytes as they come, or a small number: plain doubles are mostly huge. */
static double next_double(struct bytes *b)
{
    uint8_t raw[8];
    double value;

    if (next_byte(b) % 2)
        return 10.0 * next_byte(b) - 100;
    for (int i = 0; i < 8; i++)
        raw[i] = (uint8_t)next_byte(b);
    memcpy(&value, raw, sizeof value);
    return value;
}

static const double isl[] = {100, 1000, 2000, 4000, 8000}, ttft[] = {10, 100, 200, 400, 800};
static const double prefill_thpt[] = {10000, 10000, 10000, 10000, 10000};
static const double kv[] = {0, 0.5, 1, 0, 0.52, 1, 0, 0.53, 1};
static const double context[] = {100, 100, 100, 3000, 3000, 3000, 8000, 8000, 8000};
static const double itl[] = {10, 30, 50, 11, 31, 51, 12, 32, 52};
static const double decode_thpt[] = {1, 500, 900, 1, -400, 800, 1, 300, 700};

static const struct profile profile = {.name = "fuzz",
                                       .max_kv_tokens = 100000,
                                       .prefill_ttft_ms = {5, isl, ttft},
                                       .prefill_thpt_per_gpu = prefill_thpt,
                                       .n_decode = 9,
                                       .decode_kv_usage = kv,
                                       .decode_context = context,
                                       .decode_itl_ms = itl,
                                       .decode_thpt_per_gpu = decode_thpt};

static void configure(struct bytes *b, struct planner_config *c)
{
    static const char *const modes[] = {"disagg", "prefill", "decode", "agg"};
    static const char *const predictors[] = {"constant", "kalman"};
    static const char *const sources[] = {"frontend", "router"};
    unsigned flags = next_byte(b);

    key_presets(planner_keys, c);
    c->mode = modes[flags % 4];
    c->load_predictor = predictors[flags >> 2 & 1];
    c->throughput_metrics_source = sources[flags >> 3 & 1];
    c->enable_load_scaling = flags >> 4 & 1;
    c->no_correction = flags >> 5 & 1;
    c->load_predictor_log1p = flags >> 6 & 1;
    c->load_router_metrics_url = "router";
    c->environment = flags >> 7 & 1 ? "virtual" : "kubernetes";
    if (flags % 4 == 3) {
        c->enable_load_scaling = true;
        c->enable_throughput_scaling = false;
    }
    for (int i = 0; i < 3; i++)
        c->fixes |= next_byte(b) << 8 * i & planner_fixes_of("1.0.2");
    c->max_gpu_budget = (int64_t)next_byte(b) - 20;
    c->min_endpoint = next_byte(b) % 5;
    c->throughput_adjustment_interval_s = 10;
    c->load_adjustment_interval_s = 2;
}

enum { N_GAUGES_MAX = 6, N_CALLS_MAX = 400 };

static void measure(struct bytes *b, struct policy_input *input, struct worker_gauges *gauges)
{
    double *counter = &input->traffic.length_s;
    unsigned flags = next_byte(b);

    input->has_traffic = flags & 1;
    input->has_gauges = flags >> 1 & 1;
    for (size_t k = 0; input->has_traffic && k < sizeof input->traffic / sizeof *counter; k++)
        counter[k] = next_double(b);
    input->n_gauges = input->has_gauges ? next_byte(b) % (N_GAUGES_MAX + 1) : 0;
    for (size_t k = 0; k < input->n_gauges; k++) {
        unsigned who = next_byte(b);
        gauges[k] = (struct worker_gauges){.role = (enum pool_role)(who % 3),
                                           .worker_id = who >> 4,
                                           .active_prefill_tok = next_double(b),
                                           .active_decode_blocks = next_double(b),
                                           .last_ttft_s = next_double(b),
                                           .last_isl_tok = next_double(b),
                                           .last_itl_s = next_double(b)};
    }
    for (size_t k = 0; k < input->n_pools; k++) {
        unsigned counts = next_byte(b);
        input->pools[k] = (struct pool_counts){.target = (int)(counts & 7),
                                               .ready = (int)(counts >> 3 & 7),
                                               .starting = (int)(counts >> 6 & 1)};
    }
}

static void check(const struct policy_effects *e, const struct policy_input *input)
{
    if (e->next_ns <= input->now_ns)
        BUG("next call not in the future");
    for (size_t i = 0; i < input->n_pools; i++) {
        if (e->wanted[i] < -1 || (e->scale && e->target[i] < 0))
            BUG("a negative count");
    }
    if (e->report && (!e->kind || !memchr(e->reason, '\0', sizeof e->reason) || !*e->reason))
        BUG("a record without a reason");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes b = {data, data + n};
    struct planner_config config;
    struct worker_gauges gauges[N_GAUGES_MAX];
    struct policy_effects e;
    struct arena arena;
    struct diag d;
    void *state;

    configure(&b, &config);
    bool agg = !config.enable_throughput_scaling;
    struct policy_setup setup = {.n_pools = agg ? 1 : 2,
                                 .roles = {agg ? POOL_AGG : POOL_PREFILL, POOL_DECODE},
                                 .gpus_per_worker = {1, 2},
                                 .profiles = {&profile, &profile},
                                 .start_delay_s = NAN};
    struct policy_input input = {.n_pools = setup.n_pools, .gauges = gauges};
    arena_init(&arena);
    diag_init(&d);
    if (policy_planner.create(&state, &arena, &config, &setup, &e, &d) != ST_OK)
        BUG("%s", d.text);
    for (int i = 0; i < N_CALLS_MAX && b.at < b.end && e.next_ns < TIME_NEVER; i++) {
        input.now_ns = e.next_ns;
        measure(&b, &input, gauges);
        if (policy_planner.tick(state, &input, &e, &d) != ST_OK)
            BUG("%s", d.text);
        check(&e, &input);
    }
    policy_planner.release(state);
    arena_release(&arena);
    return 0;
}
