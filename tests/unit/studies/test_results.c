#include <criterion/criterion.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "studies/results.h"

static char dir[64];
static struct diag diag;

static void setup(void)
{
    strcpy(dir, "/tmp/headroom-test-XXXXXX");
    cr_assert(mkdtemp(dir));
    diag_init(&diag);
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void teardown(void)
{
    unlink(path_of("results.csv"));
    unlink(path_of("results.h5"));
    rmdir(dir);
}

TestSuite(results, .init = setup, .fini = teardown);

static const struct results_column columns[] = {{"index", NULL, RESULTS_INT, 0},
                                                {"a, b", NULL, RESULTS_TEXT, 11},
                                                {"x.y_s", "s", RESULTS_NUMBER, 0}};
enum { N_COLUMNS = 3 };

static enum status fill(void *context, uint64_t i, union results_cell *cells, struct arena *arena,
                        struct diag *d)
{
    static const char *const texts[] = {"ok", "say \"no\", x", "", "two\nlines"};
    static const double numbers[] = {0.1, NAN, 1e300, -0.0};

    (void)context, (void)d;
    cells[0].i = (int64_t)i;
    cells[1].text = arena_strdup(arena, texts[i % 4]);
    cells[2].number = numbers[i % 4] + (i >= 4 ? (double)i : 0);
    return ST_OK;
}

static void write_rows(uint64_t n_rows, size_t attribute_size)
{
    static const char *const list[] = {"one", "three"};
    char *text = malloc(attribute_size + 1);
    memset(text, 'x', attribute_size);
    text[attribute_size] = '\0';
    const struct results_attribute attributes[] = {
        {"scenario", text, 0, NULL}, {"vary", NULL, 2, list}, {"set", NULL, 0, NULL}};
    const struct results results = {N_COLUMNS, columns, n_rows, 3, attributes, fill, NULL};

    cr_assert_eq(results_write(&results, dir, &diag), ST_OK, "%s", diag.text);
    free(text);
}

static char *read_whole(const char *name, size_t *n)
{
    FILE *f = fopen(path_of(name), "rb");
    char *bytes = calloc(1, 1 << 22);

    cr_assert(f, "no %s", name);
    *n = fread(bytes, 1, (1 << 22) - 1, f);
    fclose(f);
    return bytes;
}

Test(results, csv_is_rfc_4180)
{
    size_t n;

    write_rows(4, 3);
    char *text = read_whole("results.csv", &n);
    cr_expect_str_eq(text, "index,\"a, b\",x.y_s\n0,ok,0.1\n1,\"say \"\"no\"\", x\",\n2,,1e+300\n"
                           "3,\"two\nlines\",0\n");
    free(text);
    cr_expect_neq(access(path_of("results.csv.part"), F_OK), 0);
    cr_expect_neq(access(path_of("results.h5.part"), F_OK), 0);
}

static void read_column(hid_t file, const char *name, hid_t memory, void *to)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);

    cr_assert(dataset >= 0, "%s", name);
    cr_assert(H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(dataset);
}

static void check_hdf5(uint64_t n_rows, size_t attribute_size)
{
    int64_t *index = calloc(n_rows + 1, sizeof *index);
    double *number = calloc(n_rows + 1, sizeof *number);
    char(*text)[11] = calloc(n_rows + 1, sizeof *text), unit[8] = "";

    write_rows(n_rows, attribute_size);
    hid_t file = H5Fopen(path_of("results.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    cr_assert(file >= 0);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, sizeof *text);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    read_column(file, "index", H5T_NATIVE_INT64, index);
    read_column(file, "x.y_s", H5T_NATIVE_DOUBLE, number);
    read_column(file, "a, b", type, text);
    for (uint64_t i = 0; i < n_rows; i++) {
        struct arena arena;
        union results_cell cells[N_COLUMNS];
        arena_init(&arena);
        fill(NULL, i, cells, &arena, NULL);
        cr_assert_eq(index[i], cells[0].i);
        cr_assert_eq(strncmp(text[i], cells[1].text, sizeof *text), 0);
        cr_assert(isnan(cells[2].number) ? isnan(number[i])
                                         : !(fabs(number[i] - cells[2].number) > 0));
        arena_release(&arena);
    }
    hid_t dataset = H5Dopen2(file, "x.y_s", H5P_DEFAULT);
    hid_t attribute = H5Aopen(dataset, "units", H5P_DEFAULT), its = H5Aget_type(attribute);
    cr_assert(H5Aread(attribute, its, unit) >= 0);
    cr_expect_str_eq(unit, "s");
    H5Aclose(attribute);
    H5Tclose(its);
    H5Dclose(dataset);
    attribute = H5Aopen(file, "scenario", H5P_DEFAULT);
    its = H5Aget_type(attribute);
    cr_expect_eq(H5Tget_size(its), attribute_size);
    H5Tclose(its);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Fclose(file);
    free(index);
    free(number);
    free(text);
}

Test(results, hdf5_has_every_column_with_its_unit)
{
    check_hdf5(3, 10);
}

/* Several blocks, and an attribute that no object header holds. */
Test(results, hdf5_of_many_rows)
{
    check_hdf5(10000, 200000);
}

Test(results, equal_tables_are_equal_bytes)
{
    size_t n[2];
    char *bytes[2];

    for (int i = 0; i < 2; i++) {
        write_rows(5000, 100);
        bytes[i] = read_whole("results.h5", &n[i]);
        if (i == 0)
            sleep(1); /* times in the file, were there any, would tell */
    }
    cr_expect_eq(n[0], n[1]);
    cr_expect_arr_eq(bytes[0], bytes[1], n[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static enum status fail_late(void *context, uint64_t i, union results_cell *cells,
                             struct arena *arena, struct diag *d)
{
    return i == 5 ? diag_fail(d, ST_IO, "gone") : fill(context, i, cells, arena, d);
}

Test(results, a_row_that_fails_leaves_no_file)
{
    const struct results results = {N_COLUMNS, columns, 10, 0, NULL, fail_late, NULL};

    cr_expect_eq(results_write(&results, dir, &diag), ST_IO);
    cr_expect_str_eq(diag.text, "gone");
    cr_expect_eq(rmdir(dir), 0, "not empty");
}

Test(results, an_unwritable_place)
{
    const struct results results = {N_COLUMNS, columns, 10, 0, NULL, fill, NULL};

    cr_expect_eq(results_write(&results, "/nowhere/at/all", &diag), ST_IO);
    cr_expect(strstr(diag.text, "cannot create '/nowhere/at/all/results.csv.part'"), "%s",
              diag.text);
}
