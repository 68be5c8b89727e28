#include "engines/profile/npz.h"

#include <zlib.h>

#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(npz, .init = fixture_begin, .fini = fixture_end);

static struct profile_file file;

static enum status read_bytes(const unsigned char *bytes, size_t n)
{
    return npz_read(&file, &arena, "x.npz", bytes, n, &diag);
}

static enum status read_path(const char *path)
{
    size_t n;
    const unsigned char *bytes = slurp(path, &n);
    return read_bytes(bytes, n);
}

/* A NPY of the given header and data. */
static unsigned char *npy(const char *header, const void *data, size_t n_data, size_t *n)
{
    *n = 10 + strlen(header) + n_data;
    unsigned char *bytes = arena_alloc(&arena, *n, 1);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (unsigned char)strlen(header);
    memcpy(bytes + 10, header, strlen(header));
    memcpy(bytes + 10 + strlen(header), data, n_data);
    return bytes;
}

static void put(unsigned char *p, size_t value, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (unsigned char)(value >> 8 * i);
}

/* An archive of one stored entry. */
static unsigned char *zip(const char *name, const unsigned char *bytes, size_t n, size_t *n_zip)
{
    size_t name_n = strlen(name), central = 30 + name_n + n, end = central + 46 + name_n;
    *n_zip = end + 22;
    unsigned char *z = arena_alloc(&arena, *n_zip, 1);
    memcpy(z, "PK\3\4", 4);
    put(z + 26, name_n, 2);
    memcpy(z + 30, name, name_n);
    memcpy(z + 30 + name_n, bytes, n);
    memcpy(z + central, "PK\1\2", 4);
    put(z + central + 16, crc32(0, bytes, (uInt)n), 4);
    put(z + central + 20, n, 4);
    put(z + central + 24, n, 4);
    put(z + central + 28, name_n, 2);
    memcpy(z + central + 46, name, name_n);
    memcpy(z + end, "PK\5\6", 4);
    put(z + end + 8, 1, 2);
    put(z + end + 10, 1, 2);
    put(z + end + 12, 46 + name_n, 4);
    put(z + end + 16, central, 4);
    return z;
}

static enum status read_npy(const char *header, const void *data, size_t n_data)
{
    size_t n;
    unsigned char *bytes = npy(header, data, n_data, &n);
    bytes = zip("k.npy", bytes, n, &n);
    return read_bytes(bytes, n);
}

static const struct profile_array *find(const char *key, size_t n, unsigned n_dims)
{
    const struct profile_array *a = profile_file_find(&file, key);
    cr_assert_not_null(a, "%s", key);
    cr_assert_eq(a->n, n, "%s", key);
    cr_assert_eq(a->n_dims, n_dims, "%s", key);
    return a;
}

static void expect_integers(const char *key, int64_t first, int64_t second)
{
    const struct profile_array *a = find(key, 2, 1);
    cr_assert_eq(a->kind, PROFILE_I64, "%s", key);
    cr_expect_eq(a->i64[0], first, "%s", key);
    cr_expect_eq(a->i64[1], second, "%s", key);
    cr_expect_eq(a->f64[0], (double)first, "%s", key);
}

static void expect_every_kind(void)
{
    const struct profile_array *a = find("f8", 3, 1);
    cr_expect(a->kind == PROFILE_F64 && a->f64[0] == 1.5 && a->f64[1] == -2.25 &&
              a->f64[2] == 1e-300);
    a = find("f4", 2, 1);
    cr_expect(a->kind == PROFILE_F64 && a->f64[0] == (double)0.1f && a->f64[1] == 2.5);
    expect_integers("i8", INT64_MIN, INT64_MAX);
    expect_integers("i4", -7, 7);
    expect_integers("i2", -300, 300);
    expect_integers("i1", -128, 127);
    expect_integers("u8", 0, INT64_MAX);
    expect_integers("u4", 0, UINT32_MAX);
    expect_integers("u1", 0, 255);
    expect_integers("b1", 1, 0);
    a = find("U", 3, 1);
    cr_assert_eq(a->kind, PROFILE_TEXT);
    cr_expect_str_eq(a->text[0], "");
    cr_expect_str_eq(a->text[1], "gr\u00fcn");
    cr_expect_str_eq(a->text[2], "\u65e5\u672c \U0001f600");
    cr_expect_str_eq(find("S", 2, 1)->text[0], "plain");
    cr_expect_eq(find("scalar", 1, 0)->i64[0], 42);
    find("empty", 0, 1);
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(find("c_order", 6, 2)->f64[i], i);
        cr_expect_eq(find("fortran", 6, 2)->f64[i], i);
        cr_expect_eq(find("fortran_text", 6, 2)->text[i][0], 'a' + i);
    }
    a = find("fortran", 6, 2);
    cr_expect(a->dims[0] == 2 && a->dims[1] == 3);
}

Test(npz, reads_every_type_stored)
{
    cr_assert_eq(read_path(PROFILES "kinds.npz"), ST_OK, "%s", diag.text);
    cr_expect_eq(file.n_arrays, 17);
    cr_expect_str_eq(file.arrays[0].key, "f8");
    expect_every_kind();
}

Test(npz, reads_every_type_deflated)
{
    cr_assert_eq(read_path(PROFILES "kinds_deflated.npz"), ST_OK, "%s", diag.text);
    expect_every_kind();
}

Test(npz, reads_back_what_it_writes_stored_and_deflated)
{
    for (int deflated = 0; deflated < 2; deflated++) {
        const unsigned char *bytes;
        size_t n;
        cr_assert_eq(read_path(PROFILES "kinds.npz"), ST_OK, "%s", diag.text);
        cr_assert_eq(npz_write(&file, deflated, &arena, &bytes, &n, &diag), ST_OK);
        cr_assert_eq(read_bytes(bytes, n), ST_OK, "%s", diag.text);
        expect_every_kind();
    }
}

Test(npz, reads_the_headers_of_all_three_npy_versions)
{
    const char *header = "{'descr':'<i8','fortran_order':False,'shape':(1,)}";
    int64_t value = 7;
    for (unsigned char version = 1; version <= 3; version++) {
        size_t n, n_zip, before = version == 1 ? 10 : 12;
        unsigned char *bytes = arena_alloc(&arena, 200, 1);
        n = before + strlen(header) + 8;
        memcpy(bytes, "\x93NUMPY", 6);
        bytes[6] = version;
        bytes[8] = (unsigned char)strlen(header);
        memcpy(bytes + before, header, strlen(header));
        memcpy(bytes + n - 8, &value, 8);
        bytes = zip("k.npy", bytes, n, &n_zip);
        cr_assert_eq(read_bytes(bytes, n_zip), ST_OK, "%s", diag.text);
        cr_expect_eq(find("k", 1, 1)->i64[0], 7);
    }
}

Test(npz, refuses_headers_it_does_not_understand)
{
    static const char *const headers[] = {
        "",
        "{}",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': false, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} and more",
        "{'descr': '<f8', 'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}"};
    double value = 1;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        fails_with(ST_INPUT, read_npy(headers[i], &value, 8),
                   "x.npz: entry 'k': NPY header is not understood");
}

Test(npz, names_types_it_does_not_read)
{
    static const char *const types[] = {"'>f8'", "'|O'",     "'<c16'",        "'<f2'",
                                        "'<U0'", "'<M8[s]'", "[('a','<f8')]", "'<f8x'"};
    double value = 1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *header =
            arena_printf(&arena, "{'descr':%s, 'fortran_order': False, 'shape': (1,), }", types[i]);
        fails_with(ST_INPUT, read_npy(header, &value, 8),
                   "x.npz: entry 'k': type %s is not read (expected little-endian numbers or text "
                   "such as '<f8', '<i8', '<U16')",
                   types[i]);
    }
}

Test(npz, refuses_shapes_that_do_not_fit)
{
    double values[2] = {1, 2};
    fails_with(ST_INPUT,
               read_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", values, 16),
               "x.npz: entry 'k': 16 bytes of data do not fit its shape (3 values of 8 bytes)");
    fails_with(
        ST_INPUT,
        read_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2, 1), }", values, 16),
        "x.npz: entry 'k': more than two dimensions");
    fails_with(ST_INPUT,
               read_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, "
                        "4294967296), }",
                        values, 16),
               "x.npz: entry 'k': shape overflows");
}

Test(npz, refuses_values_it_cannot_hold)
{
    uint64_t large = UINT64_C(1) << 63;
    uint32_t surrogate[2] = {'a', 0xd800};
    fails_with(ST_INPUT,
               read_npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", &large, 8),
               "x.npz: entry 'k': 9223372036854775808 at index 0 is too large");
    fails_with(ST_INPUT,
               read_npy("{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }", surrogate, 8),
               "x.npz: entry 'k': text 0 holds no Unicode character at 1");
    fails_with(ST_INPUT,
               read_npy("{'descr': '|S2', 'fortran_order': False, 'shape': (1,), }", "\xc3(", 2),
               "x.npz: 'k' is not UTF-8 text");
}

Test(npz, refuses_entries_that_are_no_arrays)
{
    size_t n;
    unsigned char *z = zip("readme.txt", (const unsigned char *)"hello", 5, &n);
    fails_with(ST_INPUT, read_bytes(z, n),
               "x.npz: zip entry at byte 45 is not named 'key.npy' with a printable key");
    z = zip("../k.npy", (const unsigned char *)"hello", 5, &n);
    fails_with(ST_INPUT, read_bytes(z, n),
               "x.npz: zip entry at byte 43 is not named 'key.npy' with a printable key");
    z = zip("k.npy", (const unsigned char *)"hello", 5, &n);
    fails_with(ST_INPUT, read_bytes(z, n), "x.npz: entry 'k': is not an NPY array");
    z = zip("k.npy", (const unsigned char *)"\x93NUMPY\4\0\0\0", 10, &n);
    fails_with(ST_INPUT, read_bytes(z, n),
               "x.npz: entry 'k': NPY version 4.0 (expected 1.0, 2.0 or 3.0)");
    z = zip("k.npy", (const unsigned char *)"\x93NUMPY\1\0\xff\0", 10, &n);
    fails_with(ST_INPUT, read_bytes(z, n), "x.npz: entry 'k': NPY header is cut short");
}

Test(npz, refuses_damaged_archives)
{
    size_t n;
    unsigned char *bytes = slurp(PROFILES "kinds.npz", &n);
    fails_with(ST_INPUT, read_bytes((const unsigned char *)"hello", 5),
               "x.npz: is not an NPZ file");
    fails_with(ST_INPUT, read_bytes(bytes, n - 1),
               "x.npz: no end of the zip directory (truncated?)");
    fails_with(ST_INPUT, read_bytes(bytes, 100), "x.npz: no end of the zip directory (truncated?)");

    unsigned char *end = bytes + n - 22;
    size_t directory = end[16] | (size_t)end[17] << 8;
    unsigned char *entry = bytes + directory;
    entry[8] = 1;
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'f8': is encrypted");
    entry[8] = 0;
    entry[10] = 12;
    fails_with(ST_INPUT, read_bytes(bytes, n),
               "x.npz: entry 'f8': compression method 12 (expected stored or deflated)");
    entry[10] = 8;
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'f8': damaged deflate data");
    entry[10] = 0;
    entry[20]++;
    fails_with(ST_INPUT, read_bytes(bytes, n),
               "x.npz: entry 'f8': stored with two different sizes");
    entry[20]--;
    entry[42] = 1;
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'f8': no zip header at byte 1");
    entry[42] = 0;
    entry[22] = 1;
    fails_with(ST_INPUT, read_bytes(bytes, n),
               "x.npz: entry 'f8': data run past the end of the file (truncated?)");
    entry[22] = 0;
    entry[0] = 'X';
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: damaged zip directory at byte %zu",
               directory);
    entry[0] = 'P';
    end[16]++;
    end[19] = 1;
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: damaged end of the zip directory");
}

Test(npz, checks_the_checksum)
{
    size_t n;
    int64_t value = 7;
    unsigned char *bytes =
        npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", &value, 8, &n);
    uint32_t expected = (uint32_t)crc32(0, bytes, (uInt)n);
    bytes[n - 1] ^= 1;
    uint32_t actual = (uint32_t)crc32(0, bytes, (uInt)n);
    bytes[n - 1] ^= 1;
    size_t n_npy = n;
    bytes = zip("k.npy", bytes, n, &n);
    bytes[30 + 5 + n_npy - 1] ^= 1;
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'k': checksum is %08x (expected %08x)",
               actual, expected);
}

Test(npz, refuses_one_key_twice)
{
    double value = 1;
    struct profile_array arrays[2] = {
        {.key = "k", .kind = PROFILE_F64, .n_dims = 1, .dims = {1, 1}, .n = 1, .f64 = &value},
        {.key = "k", .kind = PROFILE_F64, .n_dims = 1, .dims = {1, 1}, .n = 1, .f64 = &value}};
    const unsigned char *bytes;
    size_t n;
    cr_assert_eq(npz_write(&(struct profile_file){2, arrays}, false, &arena, &bytes, &n, &diag),
                 ST_OK);
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'k': is there twice");
}

/* 60 MiB of zeros pack into 60 kB; a second such entry is one too many. */
Test(npz, refuses_to_unpack_without_bound)
{
    size_t n_values = (60 << 20) / 16, n;
    struct profile_array array = {.key = "k", .kind = PROFILE_F64, .n_dims = 1, .n = n_values};
    array.dims[0] = n_values;
    array.dims[1] = 1;
    array.f64 = ARENA_NEW(&arena, n_values, double);
    struct profile_array arrays[3] = {array, array, array};
    arrays[1].key = "l";
    arrays[2].key = "m";
    const unsigned char *bytes;
    cr_assert_eq(npz_write(&(struct profile_file){3, arrays}, true, &arena, &bytes, &n, &diag),
                 ST_OK);
    fails_with(ST_INPUT, read_bytes(bytes, n), "x.npz: entry 'l': more than 64 MiB of arrays");
}
