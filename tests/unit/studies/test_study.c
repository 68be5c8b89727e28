#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/compose/run.h"
#include "studies/study.h"

static const char text[] =
    "trace: {path: " PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz, limit: 300}\n"
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
    "pools: {agg: {replicas: 2}}\n"
    "router: random\n";

static const char *const keys[] = {"latency_ms.ttft.mean", "kv.peak_utilization",
                                   "gpu_hours.by_pool.agg", "gpu_hours.by_pool.decode",
                                   "requests.offered"};
enum {
    N_KEYS = sizeof keys / sizeof *keys,
    N_VARIANTS = 12,
    BAD = 5,
    WRONG_TRACE = 7,
    INDEX_OWN = 2
};

static struct arena arena;
static struct diag diag;
static struct run_resources *resources;
static struct scenario_override base_overrides[] = {{"--set x", "sla.ttft_ms=900"}};
static struct scenario_source source;
static struct study_variant variants[N_VARIANTS];
static atomic_bool cancel;

/* More and more replicas, the odd ones with a seed of their own. */
static void setup(void)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    static const struct profile_search search = {dirs};

    arena_init(&arena);
    diag_init(&diag);
    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    source = (struct scenario_source){
        .file = {"s.yaml", text, strlen(text)}, .n_overrides = 1, .overrides = base_overrides};
    for (int i = 0; i < N_VARIANTS; i++) {
        struct scenario_override *o = ARENA_NEW(&arena, 2, struct scenario_override);
        o[0] = (struct scenario_override){"variant",
                                          arena_printf(&arena, "pools.agg.replicas=%d", 1 + i / 2)};
        o[1] = (struct scenario_override){"variant", arena_printf(&arena, "seed=%d", i)};
        if (i == BAD)
            o->text = "sla.ttft_ms=soon";
        if (i == WRONG_TRACE)
            o->text = "trace.path=none.jsonl";
        variants[i] = (struct study_variant){.n_overrides = i % 2 ? 2 : 1, .overrides = o};
    }
    atomic_store(&cancel, false);
}

static void teardown(void)
{
    run_resources_free(resources);
    arena_release(&arena);
}

TestSuite(study, .init = setup, .fini = teardown);

struct seen {
    size_t n_done, n_failed, stop_after, end_after;
    bool done[N_VARIANTS];
};

static bool see(void *context, size_t index, const struct study_row *row)
{
    struct seen *seen = context;

    cr_expect(!seen->done[index]);
    seen->done[index] = true;
    seen->n_failed += row->status != ST_OK;
    if (++seen->n_done == seen->stop_after)
        atomic_store(&cancel, true);
    return seen->n_done != seen->end_after;
}

static const struct study_row *run_on(size_t n_threads, struct seen *seen, enum status expected)
{
    const struct study_options options = {.source = &source,
                                          .n_variants = N_VARIANTS,
                                          .variants = variants,
                                          .n_keys = N_KEYS,
                                          .keys = keys,
                                          .resources = resources,
                                          .n_threads = n_threads,
                                          .cancel = &cancel,
                                          .row_done = see,
                                          .context = seen};
    const struct study_row *rows;

    cr_assert_eq(study_run(&rows, &arena, &options, &diag), expected, "%s", diag.text);
    return rows;
}

Test(study, rows_are_those_of_their_variants_on_any_number_of_threads)
{
    struct seen seen = {.n_done = 0};
    const struct study_row *one = run_on(1, &seen, ST_OK);

    cr_expect_eq(seen.n_done, N_VARIANTS);
    cr_expect_eq(seen.n_failed, 2);
    for (size_t n_threads = 2; n_threads <= 40; n_threads = n_threads * 4 - 1) {
        struct seen again = {.n_done = 0};
        const struct study_row *many = run_on(n_threads, &again, ST_OK);
        cr_expect_eq(again.n_done, N_VARIANTS);
        for (size_t i = 0; i < N_VARIANTS; i++) {
            cr_assert_eq(one[i].status, many[i].status);
            if (one[i].status)
                cr_expect_str_eq(one[i].message, many[i].message);
            else
                cr_expect_arr_eq(one[i].figures, many[i].figures, N_KEYS * sizeof(double));
        }
    }
}

Test(study, a_row_is_what_the_run_alone_gives)
{
    enum { INDEX = 3 };
    struct seen seen = {.n_done = 0};
    const struct study_row *row = &run_on(2, &seen, ST_OK)[INDEX];
    const struct scenario_override overrides[] = {base_overrides[0], variants[INDEX].overrides[0],
                                                  variants[INDEX].overrides[1]};
    const struct run_options options = {.version = ""};
    const struct summary *summary;
    struct scenario scenario;

    source.n_overrides = 3;
    source.overrides = overrides;
    cr_assert_eq(scenario_read(&scenario, &arena, &source, &diag), ST_OK);
    cr_assert_eq(run_scenario(&summary, &scenario, &arena, resources, &options, &diag), ST_OK);
    for (size_t i = 0; i < N_KEYS; i++) {
        double value;
        bool known = summary_lookup(summary, keys[i], &value);
        cr_expect(known ? row->figures[i] == value : isnan(row->figures[i]), "%s", keys[i]);
    }
    cr_expect_eq(row->figures[4], 300);
}

Test(study, one_bad_variant_is_one_row_with_its_message)
{
    struct seen seen = {.n_done = 0};
    const struct study_row *rows = run_on(3, &seen, ST_OK);

    cr_expect_eq(rows[BAD].status, ST_INPUT);
    cr_expect_str_eq(rows[BAD].message, "variant: sla.ttft_ms must be a number > 0, not 'soon'");
    cr_expect_null(rows[BAD].figures);
    cr_expect_eq(rows[WRONG_TRACE].status, ST_IO);
    cr_expect_str_eq(rows[WRONG_TRACE].message, "variant: trace.path: none.jsonl: cannot open: No "
                                                "such file or directory");
    cr_expect_eq(rows[BAD + 1].status, ST_OK);
    cr_expect_null(rows[BAD + 1].message);
}

Test(study, a_variant_may_have_a_scenario_of_its_own)
{
    static const char short_text[] =
        "trace: {path: " PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz, limit: 50}\n"
        "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
        "pools: {agg: {replicas: 1}}\n";
    const struct scenario_source own = {.file = {"t.yaml", short_text, strlen(short_text)}};
    struct seen seen = {.n_done = 0};

    variants[INDEX_OWN].source = &own;
    const struct study_row *rows = run_on(2, &seen, ST_OK);
    for (size_t i = INDEX_OWN - 1; i <= INDEX_OWN + 1; i++) {
        cr_assert_eq(rows[i].status, ST_OK, "%s", rows[i].message);
        cr_expect_eq(rows[i].figures[4], i == INDEX_OWN ? 50 : 300);
    }
}

/* All the same run but for what it is for: one that cannot have it any longer ends, and one that
 * has it, or misses it by its last requests, is as if it was for nothing. */
Test(study, a_run_ends_when_its_goal_is_out_of_reach)
{
    struct scenario_override seed = {"variant", "seed=1"};
    struct run_goal goals[N_VARIANTS];
    struct seen seen = {.n_done = 0};
    size_t n_gave_up = 0;

    for (size_t i = 0; i < N_VARIANTS; i++) {
        goals[i] = (struct run_goal){900000000, INT64_MAX, INT64_MAX, i % 2, 20 * i};
        variants[i] = (struct study_variant){
            .n_overrides = 1, .overrides = &seed, .goal = i < N_VARIANTS - 1 ? &goals[i] : NULL};
    }
    const struct study_row *rows = run_on(2, &seen, ST_OK), *whole = &rows[N_VARIANTS - 1];
    cr_expect_eq(whole->end, RUN_WHOLE);
    for (size_t i = 0; i < N_VARIANTS - 1; i++) {
        cr_assert_eq(rows[i].status, ST_OK, "%s", rows[i].message);
        n_gave_up += rows[i].end == RUN_GAVE_UP;
        if (rows[i].end == RUN_WHOLE)
            cr_expect_arr_eq(rows[i].figures, whole->figures, N_KEYS * sizeof(double));
        else
            cr_expect_gt(rows[i].figures[4], 20 * i);
    }
    cr_expect_lt(rows[0].figures[4], 150);
    cr_expect(n_gave_up >= 2 && n_gave_up < N_VARIANTS - 1, "%zu gave up", n_gave_up);
}

Test(study, ends_when_it_is_cancelled)
{
    struct seen seen = {.stop_after = 2};
    const struct study_row *rows = run_on(2, &seen, ST_CANCELLED);
    size_t n_done = 0;

    for (size_t i = 0; i < N_VARIANTS; i++) {
        n_done += rows[i].status != ST_CANCELLED;
        cr_expect_eq(rows[i].status != ST_CANCELLED, seen.done[i]);
        if (rows[i].status == ST_CANCELLED)
            cr_expect_str_eq(rows[i].message, "stopped");
    }
    cr_expect(n_done >= 2 && n_done <= 3, "%zu", n_done);
    cr_expect_eq(seen.n_done, n_done);
}

Test(study, ends_when_told_so_by_row_done)
{
    struct seen seen = {.end_after = 2};
    const struct study_row *rows = run_on(1, &seen, ST_CANCELLED);

    cr_expect_eq(seen.n_done, 2);
    cr_expect_eq(rows[1].status, ST_OK);
    cr_expect_eq(rows[2].status, ST_CANCELLED);
}

Test(study, without_variants_or_keys)
{
    const struct study_options none = {.source = &source, .resources = resources, .n_threads = 2};
    struct study_options no_keys = none;
    const struct study_row *rows;

    cr_expect_eq(study_run(&rows, &arena, &none, &diag), ST_OK);
    no_keys.n_variants = 1;
    no_keys.variants = variants;
    cr_expect_eq(study_run(&rows, &arena, &no_keys, &diag), ST_OK);
    cr_expect_eq(rows[0].status, ST_OK);
}
