#include "engines/profile/profile.h"

#include <math.h>

#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(profile, .init = fixture_begin, .fini = fixture_end);

/* Sums over all values catch what single constants miss; the constants come from NumPy. */
static double sum(const double *x, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

#define expect_near(a, b)                                                                          \
    cr_expect(fabs((a) - (b)) <= 1e-12 * fabs(b), "%.17g, not %.17g", (a), (b))

static void expect_measured_8b(const struct profile *p)
{
    cr_assert_eq(p->prefill_ttft_ms.n, 17);
    cr_expect_eq(p->prefill_ttft_ms.x[0], 100);
    cr_expect_eq(p->prefill_ttft_ms.x[5], 5185);
    cr_expect_eq(p->prefill_ttft_ms.x[16], 16372);
    cr_expect_eq(p->prefill_ttft_ms.value[5], 104.89360099999999);
    expect_near(sum(p->prefill_ttft_ms.value, 17), 3069.515008);
    expect_near(p->prefill_thpt_per_gpu[5], 49431.04203277377);
    cr_assert_eq(p->n_decode, 41);
    cr_expect_eq(p->decode_kv_usage[5], 0.4855406553661316);
    cr_expect_eq(p->decode_context[40], 13585);
    cr_expect_eq(p->decode_itl_ms[0], 4.379871);
    expect_near(sum(p->decode_itl_ms, 41), 905.8593221362227);
    expect_near(p->decode_thpt_per_gpu[40], 1758.2197145433702);
    cr_expect_eq(p->max_kv_tokens, 945029);
    cr_expect_str_eq(p->gpu_type, "h200_sxm");
    cr_expect_str_eq(p->model, "nvidia/Llama-3.1-8B-Instruct-FP8");
    cr_expect_str_eq(p->framework, "vllm");
    cr_expect_str_eq(p->framework_version, "0.10.1.1");
    cr_expect(p->tp == 1 && p->dp == 1 && p->pp == 1 && p->block_size_tok == 128);
}

Test(profile, reads_a_measured_npz)
{
    struct profile p = load(MEASURED_8B, 0);
    expect_measured_8b(&p);
    cr_expect_str_eq(p.name, MEASURED_8B);
    cr_expect_str_eq(p.path, MEASURED_8B);
    cr_expect_eq(p.gpu_count, 1);
    cr_expect_eq(p.kv_bytes_per_token, 131072);
    cr_expect_str_eq(p.dtype, "fp8");
    cr_expect_str_eq(p.kv_dtype, "bf16");
    cr_expect_str_eq(p.source, "measured by NVIDIA with vLLM 0.10.1.1, from the ai-dynamo 1.2.1 "
                               "wheel (pre_swept_results), Apache-2.0");
    cr_expect_eq(p.max_context_length, 0);
    cr_expect_eq(p.decode_step_ms.n_x, 0);
    cr_expect_null(p.decode_step_ms.value);
    cr_expect_eq(p.step_other_ms.n, 0);
    cr_expect_eq(p.attn_skew_alpha[0], 0);
    cr_expect_eq(p.file.n_arrays, 24);
}

Test(profile, reads_the_same_from_a_file_of_h5py)
{
    struct profile p = load(PROFILES "measured_h5py.h5", 0);
    expect_measured_8b(&p);
    cr_expect_eq(p.file.n_arrays, 24);
    cr_expect_str_eq(p.file.arrays[0].key, "prefill_isl");
}

Test(profile, reads_dense_tables_of_an_estimate)
{
    struct profile p = load(ESTIMATE_8B, 1);
    cr_expect_eq(p.max_kv_tokens, 935980);
    cr_expect_eq(p.max_context_length, 131072);
    cr_assert(p.decode_step_ms.n_x == 20 && p.decode_step_ms.n_y == 11);
    cr_expect(p.decode_step_ms.x[19] == 1024 && p.decode_step_ms.y[0] == 128);
    cr_expect_eq(p.decode_step_ms.value[3 * 11 + 2], 4.623680417775196);
    cr_expect_eq(p.decode_step_ms.value[20 * 11 - 1], 3684.9349662622767);
    cr_assert(p.prefill_batch_ms.n_x == 5 && p.prefill_batch_ms.n_y == 10);
    cr_expect_eq(p.prefill_batch_ms.value[3 * 10 + 2], 38.1950438522938);
    cr_assert(p.chunk_attn_ms.n_x == 9 && p.chunk_attn_ms.n_y == 10);
    cr_expect_eq(p.chunk_attn_ms.x[0], 0);
    cr_expect_eq(p.chunk_attn_ms.value[3 * 10 + 2], 0.4770133495330784);
    cr_expect_eq(p.chunk_prefill_ms.value[9 * 10 - 1], 1428.9201755724603);
    cr_assert_eq(p.step_other_ms.n, 25);
    cr_expect_eq(p.step_other_ms.value[24], 276.9929600453374);
    cr_expect_eq(p.decode_attn_mixed_ms.n_x, 0);
    cr_expect_eq(p.n_decode, 93);
    expect_near(sum(p.decode_itl_ms, 93), 1527.0670915415294);
}

Test(profile, reads_mixed_attention_and_skew)
{
    struct profile p = load(MOE_DP2, 0);
    cr_expect(p.tp == 1 && p.dp == 2 && p.gpu_count == 2 && p.kv_bytes_per_token == 98304);
    cr_expect_eq(p.decode_step_ms.x[0], 2);
    cr_assert(p.decode_attn_mixed_ms.n_x == 20 && p.decode_attn_mixed_ms.n_y == 9);
    cr_expect_eq(p.decode_attn_mixed_ms.value[3 * 9 + 2], 1.2390863999999997);
    cr_expect_eq(p.attn_skew_alpha[0], 0.03905997189773486);
    cr_expect_eq(p.attn_skew_alpha[1], 0.053436705434375474);
}

Test(profile, joins_a_presweep_pair_from_either_half)
{
    struct profile p = load(PREFILL_8B, 0), q = load(DECODE_8B, 1);
    expect_measured_8b(&p);
    expect_measured_8b(&q);
    cr_expect_str_eq(p.path, PREFILL_8B);
    cr_expect_eq(p.file.n_arrays, 17);
    cr_assert_eq(q.file.n_arrays, p.file.n_arrays);
    for (size_t i = 0; i < p.file.n_arrays; i++)
        cr_expect_str_eq(p.file.arrays[i].key, q.file.arrays[i].key);
    cr_expect_eq(p.gpu_count, 0); /* the file's 8 are those of the sweep's node */
}

Test(profile, chooses_a_row_by_tp)
{
    static const double ttft[] = {1095.707717, 646.33145, 416.433654};
    static const double itl[] = {36.99464816883117, 27.092025857142858, 22.74960651082251};
    for (int i = 0; i < 3; i++) {
        struct profile p = load(i == 1 ? DECODE_70B : PREFILL_70B, 2 << i);
        cr_expect_eq(p.tp, 2 << i);
        cr_assert_eq(p.prefill_ttft_ms.n, 9);
        cr_expect_eq(p.prefill_ttft_ms.x[5], 10275);
        cr_expect_eq(p.prefill_ttft_ms.value[5], ttft[i]);
        cr_assert_eq(p.n_decode, 39);
        cr_expect_eq(p.decode_itl_ms[5], itl[i]);
        cr_expect_eq(p.max_kv_tokens, 224133);
    }
}

Test(profile, lists_the_tp_sizes_when_none_or_another_is_asked)
{
    struct profile p;
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, PREFILL_70B, 0, &diag),
               "%s: has rows for tp 8, 4, 2; choose one of them", PREFILL_70B);
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, PREFILL_70B, 3, &diag),
               "%s: has no row for tp 3 (it has tp 8, 4, 2)", PREFILL_70B);
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, MEASURED_8B, 4, &diag),
               "%s: is for tp 1, not 4", MEASURED_8B);
}

/* The measured profile with one array replaced, or left out when `with` has no key. */
static const char *variant(const char *source, const char *key, struct profile_array with)
{
    struct profile p = load(source, 0);
    struct profile_array *arrays = ARENA_NEW(&arena, p.file.n_arrays, struct profile_array);
    size_t n = 0;
    for (size_t i = 0; i < p.file.n_arrays; i++) {
        if (strcmp(p.file.arrays[i].key, key) != 0)
            arrays[n++] = p.file.arrays[i];
        else if (with.key)
            arrays[n++] = with;
    }
    const char *path = in_folder("variant.npz");
    struct profile_file file = {n, arrays};
    cr_assert_eq(profile_save(&file, path, PROFILE_OVERWRITE, &diag), ST_OK, "%s", diag.text);
    return path;
}

/* The same with value i of an array replaced. */
static const char *with_value(const char *source, const char *key, size_t i, double value)
{
    struct profile p = load(source, 0);
    struct profile_array a = *profile_file_find(&p.file, key);
    double *f64 = ARENA_NEW(&arena, a.n, double);
    memcpy(f64, a.f64, a.n * sizeof *f64);
    f64[i] = value;
    a.kind = PROFILE_F64;
    a.f64 = f64;
    return variant(source, key, a);
}

static enum status reload(const char *path)
{
    struct profile p;
    return profile_load(&p, &arena, NULL, path, 0, &diag);
}

/* Another profile with a part of step_other_ms, everywhere alike, in the place of what nothing
 * reads. */
static const char *with_part(const char *key, double ms)
{
    struct profile p = load(MOE_DP2, 0);
    struct profile_array a = *profile_file_find(&p.file, "step_other_ms");
    double *f64 = ARENA_NEW(&arena, a.n, double);
    for (size_t i = 0; i < a.n; i++)
        f64[i] = ms;
    a.key = key;
    a.f64 = f64;
    return variant(MOE_DP2, "gpu_power_w", a);
}

Test(profile, parts_of_a_step_are_no_more_than_it)
{
    struct profile p = load(with_part("step_comm_ms", 1.5), 0);
    cr_assert_eq(p.step_comm_ms.n, p.step_other_ms.n);
    cr_expect_eq(p.step_comm_ms.value[3], 1.5);
    cr_expect_eq(p.step_experts_ms.n, 0);
    const char *path = with_part("step_experts_ms", 6.5);
    fails_with(ST_INPUT, reload(path),
               "%s: 'step_experts_ms' and 'step_comm_ms' are parts of 'step_other_ms', but more "
               "than it at 1 tokens",
               path);
}

Test(profile, names_a_missing_key_and_those_found)
{
    double one = 1;
    struct profile_array a = {
        .key = "z_itl", .kind = PROFILE_F64, .n_dims = 1, .dims = {1, 1}, .n = 1, .f64 = &one};
    struct profile_array b = a;
    b.key = "prefill_isl";
    struct profile_array arrays[2] = {a, b};
    const char *path = in_folder("few.h5");
    cr_assert_eq(profile_save(&(struct profile_file){2, arrays}, path, 0, &diag), ST_OK);
    fails_with(ST_INPUT, reload(path), "%s: 'prefill_isl' has 1 values (expected 2 or more)", path);
    arrays[1].key = "x_kv_usage";
    cr_assert_eq(profile_save(&(struct profile_file){2, arrays}, path, PROFILE_OVERWRITE, &diag),
                 ST_OK);
    fails_with(ST_INPUT, reload(path),
               "%s: key 'prefill_isl' is missing (found: z_itl, x_kv_usage); this is the decode "
               "half alone: the file of the prefill half is needed too",
               path);
    static const char *const keys[] = {"prefill_isl",    "prefill_ttft",     "prefill_thpt_per_gpu",
                                       "x_kv_usage",     "y_context_length", "z_itl",
                                       "z_thpt_per_gpu", "max_kv_tokens"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        path = variant(MEASURED_8B, keys[i], (struct profile_array){0});
        cr_expect_eq(reload(path), ST_INPUT);
        const char *begin = arena_printf(&arena, "%s: key '%s' is missing (found: ", path, keys[i]);
        cr_expect_eq(strncmp(diag.text, begin, strlen(begin)), 0, "%s", diag.text);
        diag_init(&diag);
    }
}

Test(profile, says_where_a_value_is_not_usable)
{
    const char *path = with_value(MEASURED_8B, "z_itl", 3, NAN);
    fails_with(ST_INPUT, reload(path), "%s: 'z_itl' holds NaN at index 3", path);
    path = with_value(MEASURED_8B, "prefill_ttft", 0, -1);
    fails_with(ST_INPUT, reload(path),
               "%s: 'prefill_ttft' holds -1 at index 0 (expected a finite number above 0)", path);
    path = with_value(MEASURED_8B, "x_kv_usage", 2, INFINITY);
    fails_with(ST_INPUT, reload(path),
               "%s: 'x_kv_usage' holds inf at index 2 (expected a finite number above 0)", path);
    path = with_value(MEASURED_8B, "max_kv_tokens", 0, 0.5);
    fails_with(ST_INPUT, reload(path),
               "%s: 'max_kv_tokens' holds 0.5 (expected a whole number from 1 up)", path);
    path = with_value(ESTIMATE_8B, "decode_step_ms", 14, 0);
    fails_with(ST_INPUT, reload(path),
               "%s: 'decode_step_ms' holds 0 at index 1,3 (expected a finite number above 0)",
               path);
    path = with_value(ESTIMATE_8B, "chunk_attn_ms", 0, -0.5);
    fails_with(
        ST_INPUT, reload(path),
        "%s: 'chunk_attn_ms' holds -0.5 at index 0,0 (expected a finite number of 0 or more)",
        path);
    cr_expect_eq(reload(with_value(ESTIMATE_8B, "chunk_attn_ms", 0, 0)), ST_OK, "%s", diag.text);
}

Test(profile, refuses_axes_that_do_not_increase)
{
    const char *path = with_value(MEASURED_8B, "prefill_isl", 2, 1117);
    fails_with(ST_INPUT, reload(path),
               "%s: 'prefill_isl' must increase, but holds 1117 after 1117 at index 2", path);
    path = with_value(ESTIMATE_8B, "decode_batch", 1, 0.5);
    fails_with(ST_INPUT, reload(path),
               "%s: 'decode_batch' must increase, but holds 0.5 after 1 at index 1", path);
    path = with_value(ESTIMATE_8B, "step_tokens", 3, 4);
    fails_with(ST_INPUT, reload(path),
               "%s: 'step_tokens' must increase, but holds 4 after 4 at index 3", path);
}

Test(profile, refuses_wrong_shapes_and_types)
{
    double values[40] = {0};
    for (int i = 0; i < 40; i++)
        values[i] = i + 1;
    struct profile_array a = {
        .key = "z_itl", .kind = PROFILE_F64, .n_dims = 1, .dims = {40, 1}, .n = 40, .f64 = values};
    const char *path = variant(MEASURED_8B, "z_itl", a);
    fails_with(ST_INPUT, reload(path),
               "%s: 'z_itl' has 40 values (expected 41, as many as 'x_kv_usage')", path);
    a.n_dims = 2;
    a.dims[0] = 4;
    a.dims[1] = 10;
    path = variant(MEASURED_8B, "z_itl", a);
    fails_with(
        ST_INPUT, reload(path),
        "%s: 'prefill_isl' has no row per TP size (every key must be two-dimensional with as "
        "many rows as 'prefill_isl')",
        path);
    a.key = "decode_step_ms";
    path = variant(ESTIMATE_8B, "decode_step_ms", a);
    fails_with(ST_INPUT, reload(path),
               "%s: 'decode_step_ms' has shape (4, 10) (expected numbers of shape (20, 11), "
               "'decode_batch' by 'decode_context')",
               path);
    const char *text = "a text";
    struct profile_array t = {
        .key = "z_itl", .kind = PROFILE_TEXT, .n_dims = 0, .dims = {1, 1}, .n = 1, .text = &text};
    path = variant(MEASURED_8B, "z_itl", t);
    fails_with(ST_INPUT, reload(path), "%s: 'z_itl' holds text (expected numbers)", path);
    a = (struct profile_array){
        .key = "model", .kind = PROFILE_F64, .n_dims = 1, .dims = {1, 1}, .n = 1, .f64 = values};
    path = variant(MEASURED_8B, "model", a);
    fails_with(ST_INPUT, reload(path), "%s: 'model' must be one text", path);
    t.key = "tp";
    path = variant(MEASURED_8B, "tp", t);
    fails_with(ST_INPUT, reload(path), "%s: 'tp' must be one number", path);
    path = variant(ESTIMATE_8B, "chunk_new", (struct profile_array){0});
    cr_expect_eq(reload(path), ST_INPUT);
    cr_expect_not_null(strstr(diag.text, ": key 'chunk_new' is missing"), "%s", diag.text);
}

static void copy(const char *from, const char *to)
{
    size_t n;
    const unsigned char *bytes = slurp(from, &n);
    spill(in_folder(to), bytes, n);
}

Test(profile, tells_what_a_half_without_its_sibling_lacks)
{
    copy(PREFILL_8B, "alone.prefill.npz");
    fails_with(ST_INPUT, reload(in_folder("alone.prefill.npz")),
               "%s: key 'x_kv_usage' is missing (found: prefill_isl, prefill_ttft, "
               "prefill_thpt_per_gpu, gpu_type, model, framework, framework_version, tp, dp, pp, "
               "block_size, max_batch_size); this is the prefill half alone: the file of the "
               "decode half is needed too",
               in_folder("alone.prefill.npz"));
}

Test(profile, refuses_halves_of_different_engines)
{
    copy(PREFILL_8B, "prefill.npz");
    copy(DECODE_70B, "decode.npz");
    struct profile p;
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, in_folder("prefill.npz"), 0, &diag),
               "%s: has rows for tp 8, 4, 2; choose one of them", in_folder("decode.npz"));
    copy(PREFILL_70B, "prefill.npz");
    copy(DECODE_8B, "decode.npz");
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, in_folder("decode.npz"), 1, &diag),
               "%s: has no row for tp 1 (it has tp 8, 4, 2)", in_folder("prefill.npz"));
    struct profile big = load(DECODE_70B, 8);
    const char *path = in_folder("decode.npz");
    struct profile_array *arrays = ARENA_NEW(&arena, big.file.n_arrays, struct profile_array);
    size_t n = 0;
    for (size_t i = 0; i < big.file.n_arrays; i++)
        if (strncmp(big.file.arrays[i].key, "prefill", 7) != 0)
            arrays[n++] = big.file.arrays[i];
    cr_assert_eq(profile_save(&(struct profile_file){n, arrays}, path, PROFILE_OVERWRITE, &diag),
                 ST_OK);
    copy(PREFILL_8B, "prefill.npz");
    fails_with(ST_INPUT, profile_load(&p, &arena, NULL, path, 0, &diag),
               "%s: 'gpu_type' differs from that of %s", path, in_folder("prefill.npz"));
}

Test(profile, tells_files_apart_by_content)
{
    size_t n;
    spill(in_folder("empty.npz"), "", 0);
    fails_with(ST_INPUT, reload(in_folder("empty.npz")), "%s: is empty", in_folder("empty.npz"));
    spill(in_folder("text.h5"), "hello", 5);
    fails_with(ST_INPUT, reload(in_folder("text.h5")), "%s: is neither an NPZ nor an HDF5 file",
               in_folder("text.h5"));
    const unsigned char *bytes = slurp(MEASURED_8B, &n);
    spill(in_folder("really_npz.h5"), bytes, n);
    struct profile p = load(in_folder("really_npz.h5"), 0);
    expect_measured_8b(&p);
    spill(in_folder("cut.npz"), bytes, n / 2);
    fails_with(ST_INPUT, reload(in_folder("cut.npz")),
               "%s: no end of the zip directory (truncated?)", in_folder("cut.npz"));
    bytes = slurp(PROFILES "measured_h5py.h5", &n);
    for (size_t cut = n - 1; cut > 8; cut /= 2) {
        spill(in_folder("cut.h5"), bytes, cut);
        cr_expect_eq(reload(in_folder("cut.h5")), ST_INPUT);
        const char *begin = arena_printf(&arena, "%s: damaged or truncated HDF5 file: HDF5 says '",
                                         in_folder("cut.h5"));
        cr_expect_eq(strncmp(diag.text, begin, strlen(begin)), 0, "%s", diag.text);
        diag_init(&diag);
    }
}

Test(profile, says_why_a_path_cannot_be_read)
{
    fails_with(ST_INPUT, reload("nowhere/x.npz"),
               "cannot read 'nowhere/x.npz': No such file or directory");
    fails_with(ST_INPUT, reload("/dev/null/x.h5"), "cannot read '/dev/null/x.h5': Not a directory");
    const char *path = in_folder("folder.h5");
    cr_assert_eq(system(arena_printf(&arena, "mkdir '%s'", path)), 0);
    fails_with(ST_INPUT, reload(path),
               "the folder '%s' holds neither selected_prefill_interpolation/raw_data.npz nor "
               "selected_decode_interpolation/raw_data.npz",
               path);
}
