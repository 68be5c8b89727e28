/* Profiles of two files, and what a profiler's folder of results gives. */
#include <math.h>

#include "engines/profile/profile_gpus.h"
#include "tests/unit/engines/test_profile_fixture.h"

#define RESULTS TEST_DATA_DIR "/profiler/"
#define PREFILL_FILE "/selected_prefill_interpolation/raw_data.npz"
#define DECODE_FILE "/selected_decode_interpolation/raw_data.npz"

TestSuite(profile_pair, .init = fixture_begin, .fini = fixture_end);

static enum status open_source(struct profile *p, struct profile_source source)
{
    return profile_open(p, &arena, NULL, &source, &diag);
}

static struct profile opened(struct profile_source source)
{
    struct profile p;
    cr_assert_eq(open_source(&p, source), ST_OK, "%s", diag.text);
    return p;
}

static void expect_tp4(const struct profile *p)
{
    cr_expect_eq(p->prefill_ttft_ms.n, 6);
    cr_expect_eq(p->n_decode, 16);
    cr_expect_eq(p->max_kv_tokens, 400000);
    cr_expect_float_eq(p->prefill_gpus, 4, 1e-9);
    cr_expect_float_eq(p->decode_gpus, 4 / 0.97, 1e-9);
}

Test(profile_pair, is_a_folder_two_files_or_either_of_them)
{
    const struct profile_source sources[] = {
        {.name = {RESULTS "tp4"}},
        {.name = {RESULTS "tp4/"}},
        {.name = {RESULTS "tp4" PREFILL_FILE, RESULTS "tp4" DECODE_FILE}},
        {.name = {RESULTS "tp4" DECODE_FILE, RESULTS "tp4" PREFILL_FILE}},
        {.name = {RESULTS "tp4" PREFILL_FILE}},
        {.name = {RESULTS "tp4" DECODE_FILE}},
        {.name = {RESULTS "tp4/selected_decode_interpolation"}},
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct profile p = opened(sources[i]);
        expect_tp4(&p);
        cr_expect_str_eq(p.path, RESULTS "tp4" PREFILL_FILE);
    }
    struct profile p = opened(sources[2]);
    cr_expect_str_eq(p.name, RESULTS "tp4" PREFILL_FILE " + " RESULTS "tp4" DECODE_FILE);
}

Test(profile_pair, refuses_two_files_that_are_no_pair)
{
    struct profile p;
    fails_with(
        ST_INPUT,
        open_source(&p, (struct profile_source){.name = {RESULTS "tp4" PREFILL_FILE,
                                                         RESULTS "no_capacity" PREFILL_FILE}}),
        "%s holds the prefill half alone and %s the prefill half alone; expected the prefill "
        "half of an engine in one file and the decode half in the other",
        RESULTS "no_capacity" PREFILL_FILE, RESULTS "tp4" PREFILL_FILE);
    fails_with(
        ST_INPUT,
        open_source(&p, (struct profile_source){.name = {MEASURED_8B, RESULTS "tp4" PREFILL_FILE}}),
        "%s holds the prefill half alone and %s both halves; expected the prefill half of an "
        "engine "
        "in one file and the decode half in the other",
        RESULTS "tp4" PREFILL_FILE, MEASURED_8B);
    fails_with(ST_INPUT, open_source(&p, (struct profile_source){.name = {PROFILES}}),
               "the folder '%s' holds neither selected_prefill_interpolation/raw_data.npz nor "
               "selected_decode_interpolation/raw_data.npz",
               PROFILES);
}

Test(profile_pair, prefill_workers_need_no_decode_half)
{
    struct profile_source source = {.name = {RESULTS "prefill_alone"}, .prefill_only = true};
    struct profile p;
    cr_expect_eq(open_source(&p, source), ST_INPUT);
    cr_expect_not_null(strstr(diag.text, "key 'max_kv_tokens' is missing (found: prefill_isl, "
                                         "prefill_ttft, prefill_thpt_per_gpu); say how many"),
                       "%s", diag.text);
    diag_init(&diag);
    source.max_kv_tokens = 300000;
    p = opened(source);
    cr_expect_eq(p.n_decode, 0);
    cr_expect_eq(p.max_kv_tokens, 300000);
    source.name[0] = RESULTS "tp4"; /* both halves are of one engine */
    source.max_kv_tokens = 0;
    p = opened(source);
    expect_tp4(&p);
}

Test(profile_pair, prefill_workers_leave_out_the_half_of_another_engine)
{
    struct profile_source source = {
        .name = {RESULTS "prefill2_decode4"}, .max_kv_tokens = 200000, .prefill_only = true};
    struct profile p = opened(source);
    cr_expect_eq(p.n_decode, 0);
    cr_expect_eq(p.max_kv_tokens, 200000);
    cr_expect_float_eq(p.prefill_gpus, 2, 1e-9);
    source = (struct profile_source){.name = {RESULTS "prefill2_decode4"}};
    p = opened(source);
    cr_expect_eq(p.n_decode, 16);
    cr_expect_eq(p.max_kv_tokens, 400000);
}

Test(profile_pair, decode_workers_take_prefill_times_from_where_they_are)
{
    struct profile_source from = {.name = {RESULTS "prefill_alone"}};
    struct profile_source source = {.name = {RESULTS "decode_alone"}};
    struct profile p;
    cr_expect_eq(open_source(&p, source), ST_INPUT);
    cr_expect_not_null(strstr(diag.text, "key 'prefill_isl' is missing"), "%s", diag.text);
    cr_expect_not_null(strstr(diag.text, "this is the decode half alone"), "%s", diag.text);
    diag_init(&diag);
    source.prefill_from = &from;
    p = opened(source);
    expect_tp4(&p);
    from.name[0] = MEASURED_8B; /* a whole profile: what it says of its engine stays there */
    p = opened(source);
    cr_expect_eq(p.prefill_ttft_ms.n, 17);
    cr_expect_eq(p.n_decode, 16);
    cr_expect_str_eq(p.gpu_type, "");
}

Test(profile_pair, capacity_is_said_where_the_file_does_not)
{
    struct profile_source source = {.name = {RESULTS "no_capacity"}, .max_kv_tokens = 400000};
    struct profile p = opened(source);
    expect_tp4(&p);
    const char *path = in_folder("whole.npz");
    cr_assert_eq(profile_save(&p.file, path, 0, &diag), ST_OK, "%s", diag.text);
    p = load(path, 0);
    expect_tp4(&p);
    source = (struct profile_source){.name = {path}, .max_kv_tokens = 5};
    fails_with(
        ST_INPUT, open_source(&p, source),
        "%s: holds max_kv_tokens 400000 itself; the key is for files that lack it (kv_blocks "
        "sets the size of the KV cache)",
        path);
}

/* The first line names the files; what is wrong with them follows. */
static void expect_refused(const char *folder_name, const char *what)
{
    struct profile p;
    cr_expect_eq(open_source(&p, (struct profile_source){.name = {folder_name}}), ST_INPUT, "%s",
                 folder_name);
    cr_expect_not_null(strstr(diag.text, what), "%s", diag.text);
    diag_init(&diag);
}

Test(profile_pair, wrong_units_are_told_with_the_cure)
{
    expect_refused(RESULTS "ttft_in_s", ": 'prefill_ttft' seems to be in seconds (0.01801 for 100 "
                                        "tokens); it must be in milliseconds");
    expect_refused(RESULTS "itl_in_s",
                   ": 'z_itl' seems to be in seconds (0.0312 at most); it must be in milliseconds");
    expect_refused(RESULTS "usage_in_percent", ": 'x_kv_usage' seems to be in percent (up to 90); "
                                               "it must be a share of max_kv_tokens, 0 to 1");
}

/* The engine of tp4 with every value of some arrays times a factor. */
static const char *scaled(const char *a, double by_a, const char *b, double by_b, size_t first)
{
    struct profile p = opened((struct profile_source){.name = {RESULTS "tp4"}});
    struct profile_array *arrays = ARENA_NEW(&arena, p.file.n_arrays, struct profile_array);
    for (size_t i = 0; i < p.file.n_arrays; i++) {
        arrays[i] = p.file.arrays[i];
        double by = strcmp(arrays[i].key, a) == 0        ? by_a
                    : b && strcmp(arrays[i].key, b) == 0 ? by_b
                                                         : 1;
        double *f64 = ARENA_NEW(&arena, arrays[i].n, double);
        for (size_t k = 0; k < arrays[i].n; k++)
            f64[k] = arrays[i].f64[k] * (k >= first ? by : 1);
        arrays[i].f64 = f64;
    }
    const char *path = in_folder("scaled.npz");
    struct profile_file file = {p.file.n_arrays, arrays};
    cr_assert_eq(profile_save(&file, path, PROFILE_OVERWRITE, &diag), ST_OK, "%s", diag.text);
    return path;
}

Test(profile_pair, seconds_are_told_when_the_throughput_goes_along)
{
    expect_refused(scaled("prefill_ttft", 1e-3, "prefill_thpt_per_gpu", 1e3, 0),
                   ": 'prefill_ttft' seems to be in seconds");
    expect_refused(scaled("z_itl", 1e-3, "z_thpt_per_gpu", 1e3, 0),
                   ": 'z_itl' seems to be in seconds");
}

Test(profile_pair, throughput_times_ttft_is_the_prompt)
{
    expect_refused(scaled("prefill_thpt_per_gpu", 2, NULL, 1, 5),
                   ": 'prefill_thpt_per_gpu' holds 6514.66 at index 5, where prefill_isl / "
                   "prefill_ttft is 13029.3 tokens/s: that is 2 GPUs, but 4 at the other points");
    expect_refused(scaled("prefill_thpt_per_gpu", 8, NULL, 1, 0),
                   ": 'prefill_thpt_per_gpu' is 2 times prefill_isl / prefill_ttft");
}

Test(profile_pair, gpus_are_what_all_sources_say)
{
    struct profile p = opened((struct profile_source){.name = {RESULTS "tp4"}});
    struct gpus_said said = {.tp = 0};
    int64_t gpus;

    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(gpus, 4);
    said = (struct gpus_said){.key = {{"k", 4}, {"l", 4}}, .tp_name = "engine.tp", .tp = 4};
    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(gpus, 4);

    p.decode_gpus = 0; /* not so clear */
    said = (struct gpus_said){.key = {{"k", 2}}};
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "k says 2, prefill_thpt_per_gpu of the profile (ISL / TTFT over it) says 4; all "
               "must be the same whole number, so correct the wrong one");
    p.prefill_gpus = 0;
    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK);
    cr_expect_eq(gpus, 2);
    p.decode_gpus = 4.1;
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "k says 2, z_thpt_per_gpu of the profile (sequences / ITL over it) says 4.1; all "
               "must be the same whole number, so correct the wrong one");
    p.decode_gpus = 0;
    said = (struct gpus_said){.key = {{"k", 2}, {"l", 4}}};
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "k says 2, l says 4; all must be the same whole number, so correct the wrong one");
    said = (struct gpus_said){.key = {{"k", 2}}, .tp_name = "engine.tp", .tp = 4};
    fails_with(
        ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
        "k says 2, engine.tp says 4; all must be the same whole number, so correct the wrong one");
    said.key[0].gpus = 0;
    p.gpu_count = 8;
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "engine.tp says 4, gpu_count of the profile says 8; all must be the same whole "
               "number, so correct the wrong one");
    p.gpu_count = 0;
    said.tp = 0;
    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK);
    cr_expect_eq(gpus, 1); /* nothing is said */
    p.prefill_gpus = 1.5;
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "prefill_thpt_per_gpu of the profile (ISL / TTFT over it) says 1.5; all must be the "
               "same whole number, so correct the wrong one");
}

Test(profile_pair, gpus_of_an_engine_of_several_parts)
{
    struct profile p = {.tp = 2, .pp = 3, .dp = 1};
    struct gpus_said said = {.tp = 0};
    int64_t gpus;

    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK);
    cr_expect_eq(gpus, 6);
    /* Dynamo's profiler counts the prefill throughput of one data-parallel rank. */
    p = (struct profile){.tp = 1, .pp = 1, .dp = 8, .gpu_count = 8, .prefill_gpus = 1};
    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(gpus, 8);
    p.gpu_count = 0;
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "tp of the profile says 1, prefill_thpt_per_gpu of the profile (ISL / TTFT over it) "
               "says 1; with 8 data-parallel ranks that may be 1 or 8: set gpus_per_worker");
    p.prefill_gpus = 8;
    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(gpus, 8);
}

Test(profile_pair, decode_workers_are_not_measured_by_the_prefill_half_of_others)
{
    struct profile p = opened((struct profile_source){.name = {RESULTS "prefill2_decode4"}});
    struct gpus_said said = {.decodes_only = true};
    int64_t gpus;

    cr_expect_eq(profile_gpus(&gpus, &p, &said, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(gpus, 4);
    said.decodes_only = false;
    fails_with(ST_INPUT, profile_gpus(&gpus, &p, &said, &diag),
               "z_thpt_per_gpu of the profile (sequences / ITL over it) says 4.12, "
               "prefill_thpt_per_gpu of the profile (ISL / TTFT over it) says 2; all must be the "
               "same whole number, so correct the wrong one");
    cr_expect(!profile_halves_agree(&p));
}
