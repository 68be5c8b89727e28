/* An arena, a diag and a folder of its own for every test of profiles. */
#ifndef TEST_PROFILE_FIXTURE_H
#define TEST_PROFILE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engines/profile/profile.h"

#define PROFILES TEST_DATA_DIR "/profiles/"
#define MEASURED_8B PROFILES "H200_SXM__vllm__Llama-3.1-8B-FP8__TP1.measured.npz"
#define ESTIMATE_8B PROFILES "H200_SXM__vllm__Llama-3.1-8B-FP8__TP1.npz"
#define PREFILL_8B PROFILES "H200_SXM__vllm__Llama-3.1-8B-FP8__prefill.presweep.npz"
#define DECODE_8B PROFILES "H200_SXM__vllm__Llama-3.1-8B-FP8__decode.presweep.npz"
#define PREFILL_70B PROFILES "H100_SXM__vllm__Llama-3.3-70B-FP8__prefill.presweep.npz"
#define DECODE_70B PROFILES "H100_SXM__vllm__Llama-3.3-70B-FP8__decode.presweep.npz"
#define MOE_DP2 PROFILES "RTXPRO6000__vllm__Qwen3-30B-A3B-BF16__DP2EP2.npz"

static struct arena arena;
static struct diag diag;
static char folder[64];

static void fixture_begin(void)
{
    arena_init(&arena);
    diag_init(&diag);
    snprintf(folder, sizeof folder, "/tmp/headroom-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void fixture_end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(system(command), 0);
    arena_release(&arena);
}

/* A path in the test's folder. */
static inline const char *in_folder(const char *name)
{
    return arena_printf(&arena, "%s/%s", folder, name);
}

static inline unsigned char *slurp(const char *path, size_t *n)
{
    FILE *in = fopen(path, "rb");
    cr_assert_not_null(in, "%s", path);
    unsigned char *bytes = arena_alloc(&arena, 1 << 20, 1);
    *n = fread(bytes, 1, 1 << 20, in);
    fclose(in);
    return bytes;
}

static inline void spill(const char *path, const void *bytes, size_t n)
{
    FILE *out = fopen(path, "wb");
    cr_assert_not_null(out, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, n, out), n);
    cr_assert_eq(fclose(out), 0);
}

static inline bool same_bytes(const char *a, const char *b)
{
    size_t n, m;
    const unsigned char *x = slurp(a, &n), *y = slurp(b, &m);
    return n == m && memcmp(x, y, n) == 0;
}

static inline struct profile load(const char *path, int64_t tp)
{
    struct profile p;
    enum status st = profile_load(&p, &arena, NULL, path, tp, &diag);
    cr_assert_eq(st, ST_OK, "%s", diag.text);
    return p;
}

#define fails_with(status_expected, st, ...)                                                       \
    do {                                                                                           \
        cr_expect_eq((st), (status_expected));                                                     \
        cr_expect_str_eq(diag.text, arena_printf(&arena, __VA_ARGS__));                            \
        diag_init(&diag);                                                                          \
    } while (0)

#endif
