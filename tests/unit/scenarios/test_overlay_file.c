#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/keys/overlay_file.h"
#include "scenarios/keys/scenario.h"
#include "tests/unit/arena_fixture.h"
#include "util/pcg.h"

TestSuite(overlay_file, .init = setup, .fini = teardown);

static enum status write_overlay(char **text, const char *const *settings, size_t n,
                                 const char *comment)
{
    const struct overlay_content content = {&policy_planner, "/work dir", n, settings, comment};
    size_t size;
    FILE *out = open_memstream(text, &size);

    cr_assert(out);
    diag_init(&diag);
    enum status s = overlay_file_write(&content, &arena, out, &diag);
    fclose(out);
    return s;
}

Test(overlay_file, is_nested_with_texts_quoted_where_they_have_to_be)
{
    static const char *const settings[] = {
        "policy.load_adjustment_interval=12",
        "policy.type=planner",
        "name='70'",
        "description=on",
        "pools.decode.replicas=3",
        "policy.fixes=[kalman-min-points]",
        "policy.load_predictor_warmup_trace=warm.jsonl",
        "engine.profile=[a.npz, /b/c.npz]",
        "expect=['attainment.overall >= 0.9']",
        "sla.ttft_ms=1e3",
        "policy.load_adjustment_interval=14.0",
        "kv_transfer.bytes_per_token=",
        "pools.prefill.router=kv",
        "cost.per_gpu_hour={h100 sxm: 2}",
    };
    char *text;

    cr_assert_eq(write_overlay(&text, settings, sizeof settings / sizeof settings[0],
                               "Found\nby \x01 tune.\n\nx"),
                 ST_OK, "%s", diag.text);
    cr_expect_str_eq(text, "# Found\n"
                           "# by   tune.\n"
                           "#\n"
                           "# x\n"
                           "policy:\n"
                           "  load_adjustment_interval: 14.0\n"
                           "  type: planner\n"
                           "  fixes: [kalman-min-points]\n"
                           "  load_predictor_warmup_trace: \"/work dir/warm.jsonl\"\n"
                           "name: \"70\"\n"
                           "description: \"on\"\n"
                           "pools:\n"
                           "  decode:\n"
                           "    replicas: 3\n"
                           "  prefill:\n"
                           "    router: kv\n"
                           "engine:\n"
                           "  profile: [\"/work dir/a.npz\", /b/c.npz]\n"
                           "expect: [\"attainment.overall >= 0.9\"]\n"
                           "sla:\n"
                           "  ttft_ms: 1e3\n"
                           "kv_transfer:\n"
                           "  bytes_per_token: null\n"
                           "cost:\n"
                           "  per_gpu_hour: {\"h100 sxm\": 2}\n");
    free(text);
}

Test(overlay_file, of_no_settings_is_one_that_changes_nothing)
{
    char *text;

    cr_assert_eq(write_overlay(&text, NULL, 0, NULL), ST_OK);
    cr_expect_str_eq(text, "{}\n");
    free(text);
}

Test(overlay_file, refuses_what_cannot_be_set)
{
    static const struct {
        const char *settings[2], *message;
    } cases[] = {
        {{"seed", "seed=1"}, "'seed' is no path=value"},
        {{"=1", "seed=1"}, "'=1' is no path=value"},
        {{"seed=1", "sed=2"}, "sed=2: unknown key 'sed' in the scenario; did you mean 'seed'?"},
        {{"router=kv", "router.decode=random"},
         "router.decode cannot be set beside a key that is inside it, or that it is inside of"},
        {{"router.decode=random", "router=kv"},
         "router cannot be set beside a key that is inside it, or that it is inside of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text;
        cr_expect_eq(write_overlay(&text, cases[i].settings, 2, NULL), ST_INPUT, "%zu", i);
        cr_expect_str_eq(diag.text, cases[i].message);
        cr_expect_str_eq(text, "", "nothing of it is written");
        free(text);
    }
    static const char *const not_yaml[] = {"seed=[1"};
    char *text;
    cr_expect_eq(write_overlay(&text, not_yaml, 1, NULL), ST_INPUT);
    cr_expect(strstr(diag.text, "seed=[1: not valid YAML"), "%s", diag.text);
    free(text);
}

static const char base[] =
    "trace: {path: t.jsonl}\nengine: {profile: p}\nsla: {ttft_ms: 700, tpot_ms: 33}\n"
    "pools: {prefill: {replicas: 1}, decode: {replicas: 1}}\npolicy: {type: planner}\n";

/* The scenario with settings given by --set, or by an overlay, as --print-scenario shows it. */
static char *printed(const struct scenario_override *overrides, size_t n, const char *overlay)
{
    const struct scenario_text over = {"/far/away/o.yaml", overlay, overlay ? strlen(overlay) : 0};
    const struct scenario_source source = {.file = {"s.yaml", base, strlen(base)},
                                           .n_overlays = overlay ? 1 : 0,
                                           .overlays = &over,
                                           .n_overrides = n,
                                           .overrides = overrides};
    struct scenario sc;
    char *text;
    size_t size;

    diag_init(&diag);
    if (scenario_read(&sc, &arena, &source, &diag))
        return NULL;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out);
    scenario_print(&sc, "/work dir", out);
    fclose(out);
    return text;
}

Test(overlay_file, has_the_effect_of_set)
{
    static const char *const choices[] = {
        "seed=7",
        "name=yes",
        "name='true'",
        "name=\"a: b # c, [d]\"",
        "description='null'",
        "description='- x'",
        "description=\"tab\\tline\\nend \\u2028 \\u00e9 \\\\ '\"",
        "description=''",
        "description='0x1F'",
        "description='~'",
        "description=.5x",
        "sla.ttft_ms=0x10",
        "sla.ttft_ms=1234.5678901234567",
        "sla.tpot_ms=1e-3",
        "trace.limit=10",
        "trace.path=../other dir/t.jsonl",
        "trace.sort=true",
        "engine.profile=sub/p.npz",
        "engine.profile=[a.npz, b.npz]",
        "engine.chunked_prefill=False",
        "engine.max_num_seqs=16.0",
        "engine.overheads=none",
        "pools.decode.replicas=4",
        "pools.decode.max_num_seqs=9",
        "pools.prefill.router=random",
        "router=least-loaded",
        "policy.min_endpoint=2",
        "policy.ttft=null",
        "policy.itl=12.5",
        "policy.load_predictor=constant",
        "policy.compat=fixed",
        "policy.load_predictor_warmup_trace=w.jsonl",
        "policy.max_gpu_budget=-1",
        "cost.per_gpu_hour=2.5",
        "cost.per_gpu_hour={h100_sxm: 2, \"a b\": 1e1}",
        "cost.currency='€'",
        "expect=['attainment.overall >= 0.9', 'gpu_hours.total<3']",
        "expect=[]",
        "startup.delay_s=30",
        "kv_transfer.bytes_per_token=null",
        "output.sample_s=5"};
    enum { N = sizeof choices / sizeof choices[0], N_TRIES = 300 };
    struct pcg64 rng;
    size_t n_compared = 0;

    pcg64_stream(&rng, 1, "test", 0);
    for (int t = 0; t < N_TRIES; t++) {
        struct scenario_override overrides[N];
        const char *settings[N];
        size_t n = 1 + pcg64_below(&rng, 8);
        char *text;
        for (size_t i = 0; i < n; i++) {
            settings[i] = choices[pcg64_below(&rng, N)];
            overrides[i] = (struct scenario_override){settings[i], settings[i]};
        }
        char *set = printed(overrides, n, NULL);
        if (!set)
            continue;
        cr_assert_eq(write_overlay(&text, settings, n, "From here."), ST_OK, "%s", diag.text);
        char *overlaid = printed(NULL, 0, text);
        cr_assert(overlaid, "%s: %s", diag.text, text);
        cr_assert_str_eq(overlaid, set, "%s", text);
        free(overlaid);
        free(text);
        free(set);
        n_compared++;
    }
    cr_expect_gt(n_compared, N_TRIES / 2, "%zu", n_compared);
}
