#include <sys/stat.h>

#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(profile_find, .init = fixture_begin, .fini = fixture_end);

#define BUNDLED PROJECT_DIR "/engines/data"
static const char *const bundled[] = {BUNDLED, NULL};
static const struct profile_search search = {bundled};

static void add(const char *name)
{
    const char *path = in_folder(name);
    cr_assert_eq(system(arena_printf(&arena, "mkdir -p \"$(dirname '%s')\"", path)), 0);
    size_t n;
    const unsigned char *bytes = slurp(MEASURED_8B, &n);
    spill(path, bytes, n);
}

Test(profile_find, lists_bundled_profiles_sorted)
{
    const char *const *names;
    size_t n;
    cr_assert_eq(profile_list(&search, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    cr_assert_geq(n, 4);
    for (size_t i = 1; i < n; i++)
        cr_expect_lt(strcmp(names[i - 1], names[i]), 0);
    for (size_t i = 0; i < n; i++) {
        struct profile p;
        enum status st = profile_load(&p, &arena, &search, names[i], 0, &diag);
        cr_assert_eq(st, ST_OK, "%s", diag.text);
        cr_expect_str_eq(p.name, names[i]);
        cr_expect_eq(strncmp(p.name, p.gpu_type, strcspn(p.name, "/")), 0, "%s", p.name);
    }
}

Test(profile_find, bundles_the_measured_profiles)
{
    struct profile p, q = load(MEASURED_8B, 0);
    cr_assert_eq(profile_load(&p, &arena, &search, "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1", 0, &diag),
                 ST_OK, "%s", diag.text);
    cr_expect_str_eq(p.path, BUNDLED "/h200_sxm/vllm/Llama-3.1-8B-FP8/TP1.npz");
    cr_assert_eq(profile_save(&p.file, in_folder("p.npz"), 0, &diag), ST_OK);
    cr_assert_eq(profile_save(&q.file, in_folder("q.npz"), 0, &diag), ST_OK);
    cr_expect(same_bytes(in_folder("p.npz"), in_folder("q.npz")));
    for (int64_t tp = 2; tp <= 8; tp *= 2) {
        const char *name = arena_printf(&arena, "h100_sxm/vllm/Llama-3.3-70B-FP8/TP%d", (int)tp);
        cr_assert_eq(profile_load(&p, &arena, &search, name, tp, &diag), ST_OK, "%s", diag.text);
        struct profile rows = load(PREFILL_70B, tp);
        cr_expect(p.tp == tp && p.gpu_count == tp && p.prefill_ttft_ms.n == 9 && p.n_decode == 39);
        cr_expect_eq(memcmp(p.decode_itl_ms, rows.decode_itl_ms, 39 * sizeof(double)), 0);
        cr_expect_eq(
            memcmp(p.prefill_ttft_ms.value, rows.prefill_ttft_ms.value, 9 * sizeof(double)), 0);
    }
}

Test(profile_find, takes_the_first_folder_that_has_the_name)
{
    add("one/gpu/a.h5");
    add("two/gpu/a.npz");
    add("two/gpu/a.h5");
    add("two/gpu/deep/er/b.h5");
    add("two/gpu/not-a-profile.txt");
    const char *const dirs[] = {in_folder("absent"), in_folder("one"), in_folder("two"), NULL};
    struct profile_search both = {dirs};
    const char *const *names;
    size_t n;
    cr_assert_eq(profile_list(&both, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(names[0], "gpu/a");
    cr_expect_str_eq(names[1], "gpu/deep/er/b");
    struct profile p;
    cr_assert_eq(profile_load(&p, &arena, &both, "gpu/a", 0, &diag), ST_OK);
    cr_expect_str_eq(p.path, in_folder("one/gpu/a.h5"));
    struct profile_search second = {dirs + 2};
    cr_assert_eq(profile_load(&p, &arena, &second, "gpu/a", 0, &diag), ST_OK);
    cr_expect_str_eq(p.path, in_folder("two/gpu/a.npz"));
}

Test(profile_find, lists_nothing_without_folders)
{
    const char *const *names;
    size_t n = 1;
    cr_assert_eq(profile_list(NULL, &arena, &names, &n, &diag), ST_OK);
    cr_expect_eq(n, 0);
}

Test(profile_find, offers_the_closest_names)
{
    add("p/h100/vllm/8B/TP1.h5");
    add("p/h100/vllm/70B/TP2.h5");
    add("p/h100/vllm/70B/TP4.h5");
    add("p/h200/vllm/8B/TP1.h5");
    add("p/l40s/sglang/Mixtral/TP1.h5");
    add("p/b200/trtllm/DeepSeek/TP8EP8.h5");
    const char *const dirs[] = {in_folder("p"), in_folder("q"), NULL};
    struct profile_search both = {dirs};
    struct profile p;
    fails_with(
        ST_INPUT, profile_load(&p, &arena, &both, "H100/vllm/70B/TP8", 0, &diag),
        "no profile 'H100/vllm/70B/TP8' (closest: h100/vllm/70B/TP2, h100/vllm/70B/TP4, "
        "h100/vllm/8B/TP1, h200/vllm/8B/TP1, b200/trtllm/DeepSeek/TP8EP8; looked in: %s, %s)",
        dirs[0], dirs[1]);
    cr_expect_eq(profile_load(&p, &arena, &both, "Deep", 0, &diag), ST_INPUT);
    cr_expect_not_null(strstr(diag.text, "(closest: b200/trtllm/DeepSeek/TP8EP8, "), "%s",
                       diag.text);
}

Test(profile_find, says_so_when_there_is_nothing_to_offer)
{
    struct profile p;
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, "x", 0, &diag),
               "no profile 'x': it is no file, and there is no folder of bundled profiles; set "
               "HEADROOM_PROFILES to it (engines/data of the source tree)");
    const char *const dirs[] = {folder, NULL};
    struct profile_search empty = {dirs};
    fails_with(ST_INPUT, profile_load(&p, &arena, &empty, "", 0, &diag),
               "no profile '' (looked in: %s)", folder);
}

Test(profile_find, reads_a_path_of_any_ending)
{
    add("plain");
    struct profile p = load(in_folder("plain"), 0);
    cr_expect_eq(p.max_kv_tokens, 945029);
}
