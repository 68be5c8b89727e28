#include <unistd.h>

#include "engines/profile/hdf5.h"
#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(profile_save, .init = fixture_begin, .fini = fixture_end);

static void save(const struct profile_file *file, const char *name, unsigned flags)
{
    cr_assert_eq(profile_save(file, in_folder(name), flags, &diag), ST_OK, "%s", diag.text);
}

static void resave(const char *from, const char *name, unsigned flags)
{
    struct profile p = load(in_folder(from), 0);
    save(&p.file, name, flags);
}

static void expect_same_arrays(const struct profile_file *a, const struct profile_file *b)
{
    cr_assert_eq(a->n_arrays, b->n_arrays);
    for (size_t i = 0; i < a->n_arrays; i++) {
        const struct profile_array *x = &a->arrays[i], *y = &b->arrays[i];
        cr_assert_str_eq(x->key, y->key);
        cr_assert(x->kind == y->kind && x->n_dims == y->n_dims && x->n == y->n, "%s", x->key);
        cr_assert(x->dims[0] == y->dims[0] && x->dims[1] == y->dims[1], "%s", x->key);
        for (size_t j = 0; j < x->n; j++) {
            if (x->kind == PROFILE_TEXT)
                cr_expect_str_eq(x->text[j], y->text[j], "%s", x->key);
            else
                cr_expect_eq(memcmp(&x->f64[j], &y->f64[j], 8), 0, "%s", x->key);
            if (x->kind == PROFILE_I64)
                cr_expect_eq(x->i64[j], y->i64[j], "%s", x->key);
        }
    }
}

Test(profile_save, keeps_every_bit_through_both_formats)
{
    static const char *const sources[] = {MEASURED_8B, ESTIMATE_8B, MOE_DP2, DECODE_8B};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct profile p = load(sources[i], 0);
        save(&p.file, "a.npz", PROFILE_OVERWRITE);
        resave("a.npz", "b.h5", PROFILE_OVERWRITE);
        resave("b.h5", "c.npz", PROFILE_OVERWRITE | PROFILE_DEFLATE);
        resave("c.npz", "d.npz", PROFILE_OVERWRITE);
        struct profile q = load(in_folder("d.npz"), 0);
        expect_same_arrays(&p.file, &q.file);
        cr_expect(same_bytes(in_folder("a.npz"), in_folder("d.npz")));
    }
}

Test(profile_save, writes_the_same_bytes_again)
{
    struct profile p = load(ESTIMATE_8B, 0);
    for (int round = 0; round < 2; round++) {
        save(&p.file, round ? "b.npz" : "a.npz", 0);
        save(&p.file, round ? "b.h5" : "a.h5", 0);
        save(&p.file, round ? "bd.npz" : "ad.npz", PROFILE_DEFLATE);
        if (round == 0)
            sleep(1); /* a time stamp would tell */
    }
    cr_expect(same_bytes(in_folder("a.npz"), in_folder("b.npz")));
    cr_expect(same_bytes(in_folder("a.h5"), in_folder("b.h5")));
    cr_expect(same_bytes(in_folder("ad.npz"), in_folder("bd.npz")));
    size_t stored, deflated;
    slurp(in_folder("a.npz"), &stored);
    slurp(in_folder("ad.npz"), &deflated);
    cr_expect_lt(deflated, stored);
}

Test(profile_save, keeps_odd_arrays_through_hdf5)
{
    size_t n;
    struct profile_file kinds, again;
    const unsigned char *bytes = slurp(PROFILES "kinds_h5py.h5", &n), *written;
    cr_assert_eq(hdf5_read(&kinds, &arena, "kinds", bytes, n, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(kinds.n_arrays, 18);
    cr_assert_eq(hdf5_write(&kinds, &arena, &written, &n, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(hdf5_read(&again, &arena, "again", written, n, &diag), ST_OK, "%s", diag.text);
    expect_same_arrays(&kinds, &again);
    const struct profile_array *a = profile_file_find(&again, "U");
    cr_expect_str_eq(a->text[2], "\u65e5\u672c \U0001f600");
    cr_expect_eq(profile_file_find(&again, "i8")->i64[0], INT64_MIN);
    cr_expect_eq(profile_file_find(&again, "b1")->i64[0], 1);
    cr_expect_str_eq(profile_file_find(&again, "spaces")->text[1], "b c");
    cr_expect_eq(profile_file_find(&again, "fortran")->f64[1], 1);
}

Test(profile_save, compresses_large_datasets)
{
    size_t n_values = 100000, n;
    double *values = ARENA_NEW(&arena, n_values, double);
    for (size_t i = 0; i < n_values; i++)
        values[i] = (double)(i / 100);
    struct profile_array a = {.key = "large", .kind = PROFILE_F64, .n_dims = 2, .n = n_values};
    a.dims[0] = 1000;
    a.dims[1] = 100;
    a.f64 = values;
    const unsigned char *bytes;
    struct profile_file file = {1, &a}, again;
    cr_assert_eq(hdf5_write(&file, &arena, &bytes, &n, &diag), ST_OK, "%s", diag.text);
    cr_expect_lt(n, n_values);
    cr_assert_eq(hdf5_read(&again, &arena, "large", bytes, n, &diag), ST_OK, "%s", diag.text);
    expect_same_arrays(&file, &again);
}

Test(profile_save, does_not_overwrite_unless_told)
{
    struct profile p = load(MEASURED_8B, 0);
    const char *path = in_folder("there.h5");
    spill(path, "mine", 4);
    fails_with(ST_INPUT, profile_save(&p.file, path, 0, &diag), "'%s' exists already", path);
    size_t n;
    cr_expect_eq(memcmp(slurp(path, &n), "mine", 4), 0);
    save(&p.file, "there.h5", PROFILE_OVERWRITE);
    load(path, 0);
}

Test(profile_save, says_why_it_cannot_write_and_leaves_nothing)
{
    struct profile p = load(MEASURED_8B, 0);
    fails_with(ST_IO, profile_save(&p.file, "/nowhere/x.npz", 0, &diag),
               "cannot write '/nowhere/x.npz': No such file or directory");
    const char *path = in_folder("taken.h5");
    cr_assert_eq(system(arena_printf(&arena, "mkdir '%s'", path)), 0);
    fails_with(ST_IO, profile_save(&p.file, path, PROFILE_OVERWRITE, &diag),
               "cannot write '%s': Is a directory", path);
    fails_with(ST_INPUT, profile_save(&p.file, in_folder("x.csv"), 0, &diag),
               "'%s' must end in .npz or .h5, which chooses the format", in_folder("x.csv"));
    const char *command = arena_printf(&arena, "test \"$(ls -A '%s')\" = taken.h5", folder);
    cr_expect_eq(system(command), 0);
}
