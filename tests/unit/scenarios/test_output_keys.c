/* What is recorded does not change what happens: every key of `output`, by the table of keys. */
#include <criterion/criterion.h>
#include <math.h>

#include "run_fixture.h"
#include "scenarios/keys/keys_internal.h"

#define FEW                                                                                        \
    "trace: {path: " PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz, limit: 300}\n"      \
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
#define STARVING                                                                                   \
    "pools: {prefill: {replicas: 2}, decode: {replicas: 2}}\n"                                     \
    "policy: {type: planner, max_gpu_budget: 1, load_predictor: constant,\n"                       \
    "  throughput_adjustment_interval: 30, start_delay_s: 0}\n"
#define ENDING "pools: {agg: {replicas: 3}}\n"

static const struct {
    const char *text;
    bool starves;
} cases[] = {
    {FEW STARVING, true},
    {FEW ENDING, false},
    {FEW STARVING "compat: dynosim\n", true},
    {FEW ENDING "compat: dynosim\n", false},
};

/* All but timeline.csv, which is the output itself. */
static void check_same_results(const struct job *a, const struct job *b)
{
    for (size_t i = 0; i < N_FILES; i++) {
        size_t n_a, n_b;
        if (strcmp(files[i], "timeline.csv") == 0)
            continue;
        char *in_a = read_file(a->dir, files[i], &n_a), *in_b = read_file(b->dir, files[i], &n_b);
        CHECK(n_a == n_b && memcmp(in_a, in_b, n_a) == 0, "%s differs of:\n%s\nand\n%s", files[i],
              a->text, b->text);
        free(in_a);
        free(in_b);
    }
}

static bool starved(const struct job *job)
{
    size_t n;
    char *summary = read_file(job->dir, "summary.json", &n);
    summary[n] = '\0';
    bool yes = strstr(summary, "no request had moved") != NULL;
    free(summary);
    return yes;
}

static void check_value(const struct key *key, double value, const struct job *usual,
                        struct run_resources *resources)
{
    char text[2000];
    struct job job;
    snprintf(text, sizeof text, "%soutput: {%s: %.17g}\n", usual->text, key->name, value);
    prepare(&job, text, resources);
    run_job(&job);
    cr_assert_eq(job.status, ST_OK, "%s%s", text, job.diag.text);
    check_same_results(usual, &job);
    clean(&job);
}

static void check_key(const struct key *key, const struct job *usual,
                      struct run_resources *resources)
{
    const double numbers[] = {key->min, 0.25, 3, 37, 1e4, key->max};
    switch (key->type) {
    case KEY_BOOL:
        check_value(key, !(key->preset > 0), usual, resources);
        return;
    case KEY_INT:
    case KEY_NUMBER:
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (numbers[i] >= key->min && numbers[i] <= key->max &&
                (key->type == KEY_NUMBER || trunc(numbers[i]) == numbers[i]))
                check_value(key, numbers[i], usual, resources);
        return;
    default:
        cr_assert_fail("how does one change output.%s?", key->name);
    }
}

Test(output_keys, change_no_result)
{
    struct run_resources *resources = make_resources();
    size_t n_keys = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job usual;
        prepare(&usual, cases[i].text, resources);
        run_job(&usual);
        cr_assert_eq(usual.status, ST_OK, "%s", usual.diag.text);
        cr_assert_eq(starved(&usual), cases[i].starves, "%s", cases[i].text);
        for (const struct key *key = scenario_keys; key->name; key++) {
            if (strcmp(key->section, "output") != 0)
                continue;
            check_key(key, &usual, resources);
            n_keys++;
        }
        clean(&usual);
    }
    cr_assert_geq(n_keys, 4);
    run_resources_free(resources);
}
