#include <criterion/criterion.h>
#include <stdlib.h>

#include "util/array.h"

Test(array, items_added_one_by_one_are_kept_and_the_capacity_doubles)
{
    uint64_t *item = NULL;
    uint32_t n = 0, capacity = 0, n_grown = 0;
    struct diag d;
    diag_init(&d);
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t before = capacity;
        cr_assert_eq(ARRAY_RESERVE(item, n, capacity, 1, "items", &d), ST_OK);
        n_grown += capacity != before;
        item[n++] = i * 7;
        cr_assert_geq(capacity, n);
    }
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(item[i], i * 7);
    cr_assert_leq(n_grown, 14);
    free(item);
}

Test(array, room_for_many_at_once_is_at_least_that_many)
{
    double *item = NULL;
    size_t capacity = 0;
    cr_assert_eq(ARRAY_RESERVE(item, 0, capacity, 1000, "items", NULL), ST_OK);
    cr_assert_geq(capacity, 1000);
    item[999] = 1;
    double *same = item;
    size_t before = capacity;
    cr_assert_eq(ARRAY_RESERVE(item, 999, capacity, 1, "items", NULL), ST_OK);
    cr_assert_eq(item, same);
    cr_assert_eq(capacity, before);
    free(item);
}

Test(array, what_cannot_be_had_leaves_all_as_it_was)
{
    double *item = NULL;
    uint32_t capacity = 0;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(ARRAY_RESERVE(item, 0, capacity, 10, "items", &d), ST_OK);
    item[9] = 3;
    double *same = item;
    uint32_t before = capacity;
    size_t n_items[] = {(size_t)UINT32_MAX + 1, SIZE_MAX, SIZE_MAX - 9};
    for (size_t i = 0; i < sizeof n_items / sizeof *n_items; i++) {
        diag_init(&d);
        cr_assert_eq(array_reserve_u32(&item, sizeof *item, &capacity, 10, n_items[i], "items", &d),
                     ST_NOMEM);
        cr_assert_str_eq(d.text, "out of memory: items");
    }
    size_t large = capacity;
    cr_assert_eq(ARRAY_RESERVE(item, (size_t)10, large, SIZE_MAX / 8, "items", NULL), ST_NOMEM);
    cr_assert_eq(ARRAY_RESIZE(item, SIZE_MAX / 4, "items", NULL), ST_NOMEM);
    cr_assert_eq(large, before);
    cr_assert_eq(capacity, before);
    cr_assert_eq(item, same);
    cr_assert_eq(item[9], 3);
    free(item);
}

Test(array, several_arrays_of_one_size)
{
    int *a = NULL;
    char *b = NULL;
    cr_assert_eq(ARRAY_RESIZE(a, 100, "a", NULL), ST_OK);
    cr_assert_eq(ARRAY_RESIZE(b, 100, "b", NULL), ST_OK);
    a[99] = 1;
    b[99] = 'b';
    cr_assert_eq(ARRAY_RESIZE(a, 1000, "a", NULL), ST_OK);
    cr_assert_eq(a[99], 1);
    free(a);
    free(b);
}
