/* Many runs of one scenario as a study, for scripts/bench --study.
 *
 *   bench_study SCENARIO THREADS TIMES KEY < VARIANTS
 *
 * A line of VARIANTS is one run: its overrides, each PATH=VALUE, with spaces between. All of them
 * are run TIMES times over. Prints JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "studies/study.h"

static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
static const char *const presets[] = {PROJECT_DIR "/presets", NULL};

static void give_up(const char *text)
{
    fprintf(stderr, "bench_study: %s\n", text);
    exit(1);
}

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct study_variant read_variant(char *line, struct arena *arena)
{
    enum { MAX_OVERRIDES = 32 };
    struct scenario_override *overrides = ARENA_NEW(arena, MAX_OVERRIDES, struct scenario_override);
    struct study_variant variant = {.overrides = overrides};

    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        if (!overrides || variant.n_overrides == MAX_OVERRIDES)
            give_up("too many overrides");
        overrides[variant.n_overrides++] =
            (struct scenario_override){"variant", arena_strdup(arena, word)};
    }
    return variant;
}

static size_t read_variants(struct study_variant **variants, struct arena *arena)
{
    enum { MAX_VARIANTS = 100000, LINE_SIZE = 4096 };
    struct study_variant *all = ARENA_NEW(arena, MAX_VARIANTS, struct study_variant);
    char line[LINE_SIZE];
    size_t n = 0;

    while (all && n < MAX_VARIANTS && fgets(line, sizeof line, stdin))
        all[n++] = read_variant(line, arena);
    if (n == 0)
        give_up("no variants");
    *variants = all;
    return n;
}

int main(int argc, char **argv)
{
    const struct profile_search search = {dirs};
    struct scenario_source source = {.preset_dirs = presets};
    struct study_options options = {.source = &source, .n_keys = 1};
    struct run_resources *resources;
    struct study_variant *variants;
    struct rusage usage;
    struct arena arena;
    struct diag d;
    double sum = 0;

    if (argc != 5)
        give_up("usage: SCENARIO THREADS TIMES KEY < VARIANTS");
    arena_init(&arena);
    diag_init(&d);
    options.n_threads = (size_t)atoi(argv[2]);
    options.keys = (const char *const *)&argv[4];
    options.n_variants = read_variants(&variants, &arena);
    options.variants = variants;
    if (scenario_text_read(&source.file, &arena, argv[1], "a scenario", &d) ||
        run_resources_create(&resources, &search, &d))
        give_up(d.text);
    options.resources = resources;
    double wall_s = now_s(CLOCK_MONOTONIC), cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int t = 0; t < atoi(argv[3]); t++) {
        const struct study_row *rows;
        if (study_run(&rows, &arena, &options, &d))
            give_up(d.text);
        for (size_t i = 0; i < options.n_variants; i++) {
            if (rows[i].status)
                give_up(rows[i].message);
            sum += rows[i].figures[0];
        }
    }
    wall_s = now_s(CLOCK_MONOTONIC) - wall_s;
    cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "{\"runs\": %zu, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"system_s\": %.6f, \"faults\": %ld, "
        "\"peak_mib\": %.1f, \"sum\": %.17g}\n",
        options.n_variants * (size_t)atoi(argv[3]), wall_s, cpu_s,
        (double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec, usage.ru_minflt,
        (double)usage.ru_maxrss / 1024, sum);
    run_resources_free(resources);
    arena_release(&arena);
    return 0;
}
