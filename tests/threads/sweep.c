/* A sweep on several threads, whose rows all go through one journal, gives the results of the same
 * sweep on one. Also run under thread sanitizer (preset tsan). */
#include <string.h>

#include "../unit/scenarios/run_fixture.h"
#include "studies/sweep/sweep.h"

enum { N_RUNS = 6 };

static const char *const vary[] = {"sla.ttft_ms=500,1000,1500"};

static struct scenario_source source;

static void count(void *context, uint64_t n_done, uint64_t n)
{
    uint64_t *calls = context;

    CHECK(n == N_RUNS && n_done == ++*calls, "run %d", (int)n_done);
}

static void clear(const char *dir)
{
    struct job job;

    strcpy(job.dir, dir);
    clean(&job);
}

static void run_on(size_t n_threads, const char *dir)
{
    struct run_resources *resources = make_resources();
    struct sweep_definition def = {.version = "test",
                                   .source = source,
                                   .n_vary = 1,
                                   .vary = vary,
                                   .n_seeds = 2,
                                   .shard = {1, 1}};
    uint64_t calls = 0;
    const struct sweep_running running = {.source = &source,
                                          .resources = resources,
                                          .n_threads = n_threads,
                                          .progress = count,
                                          .context = &calls};
    struct sweep_outcome outcome;
    struct scenario scenario;
    struct journal *journal;
    struct arena arena;
    struct sweep sweep;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    CHECK(scenario_read(&scenario, &arena, &source, &d) == ST_OK, "%s", d.text);
    CHECK(sweep_define(&def, &arena, &scenario, resources, &d) == ST_OK, "%s", d.text);
    CHECK(sweep_plan(&sweep, &arena, &def, &d) == ST_OK, "%s", d.text);
    CHECK(sweep_open(&journal, &sweep, dir, false, &d) == ST_OK, "%s", d.text);
    CHECK(sweep_execute(&sweep, journal, &running, &d) == ST_OK, "%s", d.text);
    CHECK(sweep_write(&outcome, &arena, &sweep, journal, dir, &d) == ST_OK, "%s", d.text);
    CHECK(calls == N_RUNS && outcome.n_rows == N_RUNS, "%d calls", (int)calls);
    CHECK(outcome.n_failed == 0, "%s", outcome.first_message);
    journal_close(journal);
    arena_release(&arena);
    run_resources_free(resources);
}

int main(void)
{
    static const char *const results[] = {"results.csv", "results.h5", "study.json"};
    char one[] = "/tmp/headroom-test-XXXXXX", many[] = "/tmp/headroom-test-XXXXXX";

    source = (struct scenario_source){.file = {"test.yaml", texts[0], strlen(texts[0])}};
    CHECK(mkdtemp(one) && mkdtemp(many), "no folder");
    run_on(1, one);
    run_on(4, many);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        size_t n[2];
        char *a = read_file(one, results[i], &n[0]), *b = read_file(many, results[i], &n[1]);
        CHECK(n[0] == n[1] && memcmp(a, b, n[0]) == 0, "%s differs", results[i]);
        free(a);
        free(b);
    }
    clear(one);
    clear(many);
    return 0;
}
