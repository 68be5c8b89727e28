/* What the planner is told at its ticks, against recordings of ai-dynamo 1.4.2 with its planner in
 * the loop (scripts/validate_dynosim_fpm): the decisions are those recorded, whatever made them, so
 * every worker and every forward pass has to be the same at every tick of the hour. */
#include <cjson/cJSON.h>

#include "dynosim_fixture.h"

/* Of a recorded pass, in order. */
enum pass_field {
    WORKER_ID,
    WALL_S,
    N_PREFILL,
    PREFILL_TOK,
    PREFILL_KV_TOK,
    N_DECODE,
    DECODE_KV_TOK,
    N_QUEUED_PREFILL,
    QUEUED_PREFILL_TOK,
    N_QUEUED_DECODE,
    QUEUED_DECODE_KV_TOK,
    N_PASS_FIELDS
};

struct recording {
    struct line_reader *lines;
    const struct dynosim_config *config;
    cJSON *tick; /* the next; NULL = there is none */
    size_t n_ticks, n_passes;
    struct diag diag;
};

static double number(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(value) ? value->valuedouble : NAN;
}

static void read_tick(struct recording *r)
{
    const char *line;
    size_t length;
    cJSON_Delete(r->tick);
    r->tick = NULL;
    enum status s = line_reader_next(r->lines, &line, &length, &r->diag);
    cr_assert(s == ST_OK || s == ST_END, "%s", r->diag.text);
    if (s == ST_OK) {
        r->tick = cJSON_ParseWithLength(line, length);
        cr_assert_not_null(r->tick);
    }
}

static void schedule_tick(const struct recording *r, struct policy_effects *effects)
{
    policy_effects_clear(effects, r->config->n_pools);
    effects->next_needs = NEED_PASSES;
    if (r->tick)
        effects->next_ns = (int64_t)llround(number(r->tick, "at_s") * 1e9);
}

static void check_pass(const struct fpm_record *pass, const cJSON *recorded, double at_s)
{
    const double ours[N_PASS_FIELDS] = {[WORKER_ID] = pass->worker_id,
                                        [WALL_S] = pass->wall_s,
                                        [N_PREFILL] = pass->n_prefill,
                                        [PREFILL_TOK] = pass->prefill_tok,
                                        [PREFILL_KV_TOK] = pass->prefill_kv_tok,
                                        [N_DECODE] = pass->n_decode,
                                        [DECODE_KV_TOK] = pass->decode_kv_tok,
                                        [N_QUEUED_PREFILL] = pass->n_queued_prefill,
                                        [QUEUED_PREFILL_TOK] = pass->queued_prefill_tok,
                                        [N_QUEUED_DECODE] = pass->n_queued_decode,
                                        [QUEUED_DECODE_KV_TOK] = pass->queued_decode_kv_tok};
    cr_assert_eq(cJSON_GetArraySize(recorded), N_PASS_FIELDS);
    for (int i = 0; i < N_PASS_FIELDS; i++)
        cr_assert_float_eq(ours[i], cJSON_GetArrayItem(recorded, i)->valuedouble, 0.6e-9,
                           "%g s, worker %u, field %d: %.9f, expected %.9f", at_s, pass->worker_id,
                           i, ours[i], cJSON_GetArrayItem(recorded, i)->valuedouble);
}

/* Compares one pool, and does to it what was done. */
static void follow_pool(struct recording *r, const struct policy_input *input, size_t p,
                        struct policy_effects *effects)
{
    const cJSON *pool =
        cJSON_GetObjectItem(cJSON_GetObjectItem(r->tick, "pools"), r->config->pools[p].name);
    const cJSON *passes = cJSON_GetObjectItem(pool, "passes");
    double at_s = number(r->tick, "at_s"), target = number(pool, "target");
    cr_assert_eq(input->pools[p].ready, number(pool, "ready"), "%g s", at_s);
    cr_assert_eq(input->pools[p].starting, number(pool, "starting"), "%g s", at_s);
    cr_assert_eq(input->pools[p].draining, number(pool, "draining"), "%g s", at_s);
    cr_assert_eq(input->n_passes[p], cJSON_GetArraySize(passes), "%g s", at_s);
    for (size_t i = 0; i < input->n_passes[p]; i++)
        check_pass(&input->passes[p][i], cJSON_GetArrayItem(passes, (int)i), at_s);
    r->n_passes += input->n_passes[p];
    effects->target[p] = isnan(target) ? input->pools[p].target : (int)target;
    effects->scale |= !isnan(target);
}

static enum status follow_tick(void *state, const struct policy_input *input,
                               struct policy_effects *effects, struct diag *d)
{
    struct recording *r = state;
    struct policy_effects done = {0};
    (void)d;
    cr_assert_eq(input->now_ns, (int64_t)llround(number(r->tick, "at_s") * 1e9));
    cr_assert(input->has_passes);
    for (size_t p = 0; p < input->n_pools; p++)
        follow_pool(r, input, p, &done);
    r->n_ticks++;
    read_tick(r);
    schedule_tick(r, effects);
    effects->scale = done.scale;
    memcpy(effects->target, done.target, sizeof effects->target);
    return ST_OK;
}

static const struct policy_ops follow = {.name = "follow", .tick = follow_tick};

static void check_recording(const char *name, bool disagg, uint32_t kv_blocks, int64_t startup_s,
                            size_t n_ticks)
{
    char path[256];
    struct dyno_fixture f;
    struct recording r = {.config = &f.config};
    struct observer nobody = {0};
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    if (disagg)
        dyno_fixture_disagg(&f, 2, 2);
    else
        dyno_fixture_agg(&f, 2);
    for (size_t p = 0; p < f.config.n_pools; p++) {
        f.config.pools[p].kv_blocks = kv_blocks;
        f.config.pools[p].startup_ns = startup_s * NS_PER_S;
    }
    diag_init(&r.diag);
    snprintf(path, sizeof path, TEST_DATA_DIR "/dynosim_fpm/%s.jsonl.gz", name);
    cr_assert_eq(line_reader_open(&r.lines, path, &r.diag), ST_OK, "%s", r.diag.text);
    read_tick(&r);
    f.config.policy = &follow;
    f.config.policy_state = &r;
    schedule_tick(&r, &f.config.policy_first);
    struct trace_reader *trace =
        dyno_fixture_open(&f, PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz");
    const struct request_source source = trace_reader_source(trace);
    cr_assert_eq(dynosim_run(&f.config, &source, &nobody, f.result, &f.diag), ST_OK, "%s",
                 f.diag.text);
    trace_close(trace);
    cr_expect_null(r.tick);
    cr_expect_eq(r.n_ticks, n_ticks);
    cr_log_info("%s: %zu ticks, %zu forward passes\n", name, r.n_ticks, r.n_passes);
    line_reader_close(r.lines);
    dyno_fixture_release(&f);
}

Test(dynosim_passes, aggregated)
{
    check_recording("agg-throughput", false, 7000, 0, 711);
    check_recording("agg-latency", false, 7000, 0, 710);
    check_recording("agg-load", false, 7000, 0, 711);
    check_recording("agg-sla", false, 7000, 0, 708);
}

Test(dynosim_passes, aggregated_that_take_a_minute_to_start)
{
    check_recording("agg-throughput-startup60", false, 7000, 60, 711);
    check_recording("agg-load-startup60", false, 7000, 60, 712);
}

Test(dynosim_passes, disaggregated)
{
    check_recording("disagg-throughput", true, 7000, 0, 710);
    check_recording("disagg-latency", true, 7000, 0, 709);
    check_recording("disagg-load", true, 7000, 0, 709);
    check_recording("disagg-sla", true, 7000, 0, 709);
}

Test(dynosim_passes, disaggregated_that_take_a_minute_to_start)
{
    check_recording("disagg-throughput-startup60", true, 7000, 60, 709);
    check_recording("disagg-load-startup60", true, 7000, 60, 711);
}

/* So few that requests are preempted and reservations wait. */
Test(dynosim_passes, few_blocks)
{
    check_recording("agg-throughput-900blocks", false, 900, 0, 708);
    check_recording("disagg-throughput-900blocks", true, 900, 0, 709);
}
