/* Values at the ends of what the keys allow, by the table of keys: every run ends, and none in a
 * BUG. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "planner/policy.h"
#include "run_fixture.h"
#include "scenarios/keys/keys_internal.h"
#include "util/pcg.h"

/* What a run may take of a processor's time, and of memory; a refusal is as good as a result. */
enum { MOST_CPU_S = 20 };
#define MOST_BYTES ((rlim_t)6 << 30)

#ifdef __SANITIZE_ADDRESS__
/* Here too, memory that is not to be had is a refusal. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

#define REST                                                                                       \
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1, max_num_seqs: 8}\n"                     \
    "limits: {stall_s: 600, simulated_s: 100000, events: 300}\n"                                   \
    "sla: {window_s: 5}\noutput: {sample_s: 5}\n"
#define TINY "trace: {path: %s}\n" REST
#define BROKEN                                                                                     \
    "failures: {worker_mtbf_h: 0.01, node_mtbf_h: 0.02, spot_mtbf_h: 0.02, node_repair_h: 0.01,\n" \
    "  spot_return_h: 0.01, spot_notice_s: 3}\n"                                                   \
    "scale_down: {lost_requests: retry, grace_s: 2}\nclient: {backoff_s: 0.5}\n"                   \
    "startup: {delay_s: 1, cv: 0.5, failure_probability: 0.2, retry_s: 1}\n"
#define PLANNED                                                                                    \
    "policy: {type: planner, max_gpu_budget: 12, throughput_adjustment_interval: 5,\n"             \
    "  enable_load_scaling: true, load_adjustment_interval: 2, load_min_observations: 1,\n"        \
    "  load_predictor: kalman, no_correction: false, start_delay_s: 0}\n"
#define SPLIT "pools: {prefill: {replicas: 2}, decode: {replicas: 2}}\n"

/* Where one key or another matters. */
static const char *const bases[] = {
    TINY "pools: {agg: {replicas: 2}}\n" BROKEN,
    TINY SPLIT PLANNED BROKEN "router: kv_aware\ncluster: {nodes: 3}\n"
                              "kv_transfer: {links_per_node: 1}\n",
    TINY SPLIT PLANNED "compat: dynosim\nrouter: kv_aware\nkv_transfer: {bytes_per_token: 1000}\n",
    "traffic: {clients: 3, requests: 12, isl_tok: [10, 3000], osl_tok: [1, 30]}\n" REST
    "pools: {agg: {replicas: 2}}\nrouter: least_loaded\nrouter_view: {interval_s: 1}\n",
};
enum { N_BASES = sizeof bases / sizeof *bases };

static const char tiny_trace[] =
    "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 20, \"hash_ids\": [1, 2]}\n"
    "{\"timestamp\": 0, \"input_length\": 3000, \"output_length\": 40, \"hash_ids\": [1, 2, 3, 4, "
    "5, 6]}\n"
    "{\"timestamp\": 3000, \"input_length\": 10, \"output_length\": 1, \"hash_ids\": [9]}\n"
    "{\"timestamp\": 3000, \"input_length\": 3000, \"output_length\": 40, \"hash_ids\": [1, 2, 3, "
    "4, 5, 6]}\n"
    "{\"timestamp\": 6000, \"input_length\": 20000, \"output_length\": 60, \"hash_ids\": [8]}\n"
    "{\"timestamp\": 9000, \"input_length\": 500, \"output_length\": 10, \"hash_ids\": [11]}\n";

/* ---- settings ---- */

enum { MAX_SETTINGS = 4000, TEXT_MAX = 400, N_EXITS = 256 };

/* Their upper ends are so much of the same work. */
static const struct {
    const char *name;
    double most;
} work[] = {{"replicas", 300}, {"requests", 300}, {"min_endpoint", 1000}};

static double most_of(const struct key *key)
{
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        if (strcmp(key->name, work[i].name) == 0)
            return work[i].most;
    return key->max;
}

/* One value of one key, as `--set` has it. */
struct setting {
    const struct key *key;
    char text[TEXT_MAX];
};
struct settings {
    size_t n;
    struct setting item[MAX_SETTINGS];
};

__attribute__((format(printf, 4, 5))) static void add(struct settings *s, const struct key *key,
                                                      const char *path, const char *format, ...)
{
    struct setting *to = &s->item[s->n++];
    va_list args;

    cr_assert_lt(s->n, MAX_SETTINGS);
    to->key = key;
    int n = snprintf(to->text, TEXT_MAX, "%s=", path);
    va_start(args, format);
    vsnprintf(to->text + n, TEXT_MAX - (size_t)n, format, args);
    va_end(args);
}

static void add_numbers(struct settings *s, const struct key *key, const char *path, bool whole)
{
    double from = key->above_min ? nextafter(key->min, INFINITY) : key->min;
    double most = most_of(key);
    const double values[] = {from, whole ? from + 1 : nextafter(from, INFINITY),
                             key->least > 0 ? key->least : from,
                             whole ? most - 1 : nextafter(most, -INFINITY), most};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        add(s, key, path, "%.17g", values[i]);
}

static void add_choices(struct settings *s, const struct key *key, const char *path)
{
    char all[TEXT_MAX] = "";

    for (size_t i = 0; key_choice(key, i); i++) {
        if (key->type == KEY_NAMES)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "",
                     key_choice(key, i));
        else
            add(s, key, path, "%s", key_choice(key, i));
    }
    if (key->type == KEY_NAMES)
        add(s, key, path, "[%s]", all);
}

static void add_values(struct settings *s, const struct key *key, const char *path)
{
    switch (key->type) {
    case KEY_BOOL:
        add(s, key, path, "true");
        add(s, key, path, "false");
        return;
    case KEY_INT:
    case KEY_NUMBER:
    case KEY_PRICES:
        add_numbers(s, key, path, key->type == KEY_INT);
        return;
    case KEY_RANGE:
        add(s, key, path, "[%.17g, %.17g]", key->min, key->min);
        add(s, key, path, "[%.17g, %.17g]", key->min, key->max);
        add(s, key, path, "[%.17g, %.17g]", key->max, key->max);
        return;
    case KEY_CURVE:
        add(s, key, path, "[[0, %.17g], [0, %.17g]]", key->min, key->min);
        add(s, key, path, "[[0, %.17g], [1e9, %.17g]]", key->min, 1 / 1e8);
        add(s, key, path, "[[0, %.17g], [1e-6, %.17g]]", key->min, key->max);
        return;
    case KEY_ENUM:
    case KEY_ROUTER:
    case KEY_NAMES:
        add_choices(s, key, path);
        return;
    case KEY_TEXT:
    case KEY_PATH:
    case KEY_PROFILE:
    case KEY_PRESET:
    case KEY_EXPECT:
    case KEY_COMPARE:
    case KEY_POOLS:
    case KEY_RULES:
        return; /* have no ends */
    }
}

static void add_key(struct settings *s, const struct key *key)
{
    static const char *const pools[] = {"agg", "prefill", "decode"};
    char path[200];

    if (strcmp(key->section, "pools.POOL") != 0) {
        snprintf(path, sizeof path, "%s%s%s", key->section, *key->section ? "." : "", key->name);
        add_values(s, key, path);
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "pools.%s.%s", pools[i], key->name);
        add_values(s, key, path);
    }
}

/* Of every key there is. */
static struct settings *all_settings(void)
{
    struct settings *s = calloc(1, sizeof *s);

    for (const struct key *key = scenario_keys; key->name; key++)
        add_key(s, key);
    for (size_t i = 0; policies[i]; i++)
        for (const struct key *key = policies[i]->keys; key && key->name; key++)
            add_key(s, key);
    return s;
}

/* ---- runs ---- */

static char trace_path[] = "/tmp/headroom-extremes-XXXXXX";

static void write_trace(void)
{
    int file = mkstemp(trace_path);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, tiny_trace, sizeof tiny_trace - 1), (ssize_t)sizeof tiny_trace - 1);
    close(file);
}

/* Takes out the setting that cannot matter beside the others; false: that is not what is wrong. */
static bool drop_idle(struct scenario_override *overrides, size_t *n, const char *message)
{
    const char *path = message + strlen("--set: ");

    if (!strstr(message, " has no effect here: "))
        return false;
    for (size_t i = 0; i < *n; i++) {
        size_t length = strcspn(overrides[i].text, "=");
        if (strncmp(path, overrides[i].text, length) == 0 && path[length] == ' ') {
            overrides[i] = overrides[--*n];
            return true;
        }
    }
    return false;
}

static enum status run(const char *base, struct scenario_override *overrides, size_t n,
                       struct run_resources *resources)
{
    char text[4000];
    const struct run_options options = {.version = "test", .share_trace = true};
    const struct summary *summary;
    struct scenario scenario;
    struct arena arena;
    struct diag d;
    enum status s;

    snprintf(text, sizeof text, base, trace_path);
    do {
        arena_init(&arena);
        diag_init(&d);
        s = scenario_parse(&scenario, &arena, "test.yaml", text, strlen(text), overrides, n, NULL,
                           &d);
        if (!s)
            s = run_scenario(&summary, &scenario, &arena, resources, &options, &d);
        arena_release(&arena);
    } while (s == ST_INPUT && drop_idle(overrides, &n, d.text));
    return s;
}

/* In a process of its own: it may end in an abort, or not at all. */
static void check_run(size_t base, const struct setting *const *set, size_t n,
                      struct run_resources *resources, size_t n_status[N_EXITS])
{
    struct scenario_override overrides[16];
    char all[16 * TEXT_MAX] = "";
    int ended;

    cr_assert_leq(n, 16);
    for (size_t i = 0; i < n; i++) {
        overrides[i] = (struct scenario_override){"--set", set[i]->text};
        snprintf(all + strlen(all), sizeof all - strlen(all), " --set %s", set[i]->text);
    }
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        const struct rlimit cpu = {MOST_CPU_S, MOST_CPU_S}, core = {0, 0};
        struct sigaction usual = {.sa_handler = SIG_DFL};
        sigaction(SIGABRT, &usual, NULL);
        sigaction(SIGSEGV, &usual, NULL);
        setrlimit(RLIMIT_CPU, &cpu);
        setrlimit(RLIMIT_CORE, &core);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        const struct rlimit memory = {MOST_BYTES, MOST_BYTES};
        setrlimit(RLIMIT_AS, &memory);
#endif
        _exit((int)run(bases[base], overrides, n, resources));
    }
    cr_assert_eq(waitpid(child, &ended, 0), child);
    cr_expect(WIFEXITED(ended), "signal %d with base %zu and%s", WTERMSIG(ended), base, all);
    if (WIFEXITED(ended))
        n_status[WEXITSTATUS(ended)]++;
}

/* Most of what is tried must be tried in earnest. */
static void check_counts(const size_t n_status[N_EXITS], size_t n)
{
    fprintf(stderr, "%zu runs: %zu ended well, %zu were refused, %zu had no memory\n", n,
            n_status[ST_OK], n_status[ST_INPUT], n_status[ST_NOMEM]);
    cr_expect_gt(n_status[ST_OK], n / 4);
    cr_expect_eq(n_status[ST_OK] + n_status[ST_INPUT] + n_status[ST_NOMEM], n);
}

/* Others are refused before anything happens. */
static bool applies(size_t base, const struct setting *s)
{
    bool split = strstr(bases[base], SPLIT) != NULL;

    if (s->key->place == PLACE_POLICY)
        return strstr(bases[base], "planner") != NULL;
    if (strncmp(s->text, "pools.", 6) == 0)
        return split == (strncmp(s->text, "pools.agg.", 10) != 0);
    return true;
}

static void check_alone(size_t base)
{
    struct run_resources *resources = make_resources();
    struct settings *s = all_settings();
    size_t n_status[N_EXITS] = {0}, n = 0;

    write_trace();
    for (size_t i = 0; i < s->n; i++) {
        const struct setting *one = &s->item[i];
        if (!applies(base, one))
            continue;
        check_run(base, &one, 1, resources, n_status);
        n++;
    }
    check_counts(n_status, n);
    unlink(trace_path);
    free(s);
    run_resources_free(resources);
}

Test(extremes, one_at_a_time_where_things_break)
{
    check_alone(0);
}
Test(extremes, one_at_a_time_with_a_planner)
{
    check_alone(1);
}
Test(extremes, one_at_a_time_in_the_reference_simulator)
{
    check_alone(2);
}
Test(extremes, one_at_a_time_with_clients)
{
    check_alone(3);
}

/* Those of `limits` say how long a run may take. */
static const struct setting *draw(struct pcg64 *rng, const struct settings *s, size_t base)
{
    for (;;) {
        const struct setting *one = &s->item[pcg64_below(rng, s->n)];
        if (applies(base, one) && strcmp(one->key->section, "limits") != 0)
            return one;
    }
}

Test(extremes, two_at_a_time)
{
    enum { N = 600 };
    struct run_resources *resources = make_resources();
    struct settings *s = all_settings();
    size_t n_status[N_EXITS] = {0};
    struct pcg64 rng;

    pcg64_seed(&rng, 7, 1);
    write_trace();
    for (size_t i = 0; i < N; i++) {
        const struct setting *pair[] = {draw(&rng, s, i % N_BASES), draw(&rng, s, i % N_BASES)};
        check_run(i % N_BASES, pair, 2, resources, n_status);
    }
    check_counts(n_status, N);
    unlink(trace_path);
    free(s);
    run_resources_free(resources);
}

/* A value within the range, or another choice. */
static void draw_value(struct pcg64 *rng, const struct setting *from, struct setting *to)
{
    const struct key *key = from->key;
    double least = key->least > 0 ? key->least : key->min > 0 ? key->min : 1e-3;

    *to = *from;
    if (key->type != KEY_INT && key->type != KEY_NUMBER)
        return;
    double value = least * pow(most_of(key) / least, pcg64_double(rng));
    value = key->type == KEY_INT ? floor(value) : value;
    value = fmin(fmax(value, key->min), most_of(key));
    snprintf(strchr(to->text, '=') + 1, 40, "%.17g", value);
}

Test(extremes, random_scenarios)
{
    enum { N = 200, N_KEYS = 6 };
    struct run_resources *resources = make_resources();
    struct settings *s = all_settings();
    size_t n_status[N_EXITS] = {0};
    struct pcg64 rng;

    pcg64_seed(&rng, 8, 1);
    write_trace();
    for (size_t i = 0; i < N; i++) {
        struct setting drawn[N_KEYS];
        const struct setting *set[N_KEYS];
        for (size_t k = 0; k < N_KEYS; k++) {
            draw_value(&rng, draw(&rng, s, i % N_BASES), &drawn[k]);
            set[k] = &drawn[k];
        }
        check_run(i % N_BASES, set, N_KEYS, resources, n_status);
    }
    check_counts(n_status, N);
    unlink(trace_path);
    free(s);
    run_resources_free(resources);
}
