/* A study on several threads, of variants that differ in policy, trace and profile, gives the
 * figures of the same study on one. Also run under thread sanitizer (preset tsan). */
#include <string.h>

#include "../unit/scenarios/run_fixture.h"
#include "studies/study.h"

enum { N_VARIANTS = 8, N_KEYS = 3 };

static const char *const keys[N_KEYS] = {"latency_ms.ttft.mean", "latency_ms.itl.p99",
                                         "gpu_hours.total"};

static const struct scenario_override overrides[] = {
    {"", "policy.load_predictor=kalman"}, {"", "trace.limit=900"},
    {"", "engine.latency_model=table"},   {"", "engine.max_num_seqs=32"},
    {"", "policy.load_predictor=nobody"}, {"", "replicate=2"},
};
enum { N_OVERRIDES = sizeof overrides / sizeof *overrides };

static const struct study_row *run_on(size_t n_threads, const char *text, struct arena *arena)
{
    const struct scenario_source source = {.file = {"test.yaml", text, strlen(text)}};
    struct scenario_override own[N_VARIANTS][2];
    struct study_variant variants[N_VARIANTS];
    struct run_resources *resources = make_resources();
    const struct study_row *rows;
    struct diag d;

    for (size_t i = 0; i < N_VARIANTS; i++) {
        own[i][0] = overrides[i % N_OVERRIDES];
        own[i][1] = (struct scenario_override){"", arena_printf(arena, "seed=%zu", i)};
        variants[i] = (struct study_variant){.n_overrides = 2, .overrides = own[i]};
    }
    const struct study_options options = {.source = &source,
                                          .n_variants = N_VARIANTS,
                                          .variants = variants,
                                          .n_keys = N_KEYS,
                                          .keys = keys,
                                          .resources = resources,
                                          .n_threads = n_threads};
    diag_init(&d);
    CHECK(study_run(&rows, arena, &options, &d) == ST_OK, "%s", d.text);
    run_resources_free(resources);
    return rows;
}

int main(void)
{
    struct arena arena;

    arena_init(&arena);
    for (size_t t = 0; t < N_TEXTS; t++) {
        const struct study_row *one = run_on(1, texts[t], &arena),
                               *many = run_on(4, texts[t], &arena);
        size_t n_good = 0;
        for (size_t i = 0; i < N_VARIANTS; i++) {
            CHECK(one[i].status == many[i].status, "row %zu of: %s", i, texts[t]);
            if (one[i].status) {
                CHECK(strcmp(one[i].message, many[i].message) == 0, "%s", many[i].message);
                continue;
            }
            n_good++;
            CHECK(memcmp(one[i].figures, many[i].figures, N_KEYS * sizeof(double)) == 0,
                  "row %zu differs of: %s", i, texts[t]);
        }
        CHECK(n_good >= N_VARIANTS / 2, "few good rows");
    }
    arena_release(&arena);
    return 0;
}
