#include "util/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static enum status nomem(struct diag *d, const char *what)
{
    return d ? diag_nomem(d, what) : ST_NOMEM;
}

enum status array_resize(void *array, size_t item_size, size_t capacity, const char *what,
                         struct diag *d)
{
    void *items;
    size_t size;
    if (__builtin_mul_overflow(capacity, item_size, &size))
        return nomem(d, what);
    memcpy(&items, array, sizeof items); /* an `int *` may not be read as a `void *` */
    void *larger = realloc(items, size);
    if (!larger && size)
        return nomem(d, what);
    memcpy(array, &larger, sizeof larger);
    return ST_OK;
}

/* At most `limit` items. */
static enum status reserve(void *array, size_t item_size, size_t *capacity, size_t limit, size_t n,
                           size_t more, const char *what, struct diag *d)
{
    size_t need;
    if (__builtin_add_overflow(n, more, &need) || need > limit)
        return nomem(d, what);
    size_t larger = *capacity > limit / 2 ? limit : 2 * *capacity;
    if (larger < FIRST_CAPACITY)
        larger = FIRST_CAPACITY;
    if (larger < need)
        larger = need;
    enum status s = array_resize(array, item_size, larger, what, d);
    if (!s)
        *capacity = larger;
    return s;
}

enum status array_reserve(void *array, size_t item_size, size_t *capacity, size_t n, size_t more,
                          const char *what, struct diag *d)
{
    return reserve(array, item_size, capacity, SIZE_MAX, n, more, what, d);
}

enum status array_reserve_u32(void *array, size_t item_size, uint32_t *capacity, size_t n,
                              size_t more, const char *what, struct diag *d)
{
    size_t larger = *capacity;
    enum status s = reserve(array, item_size, &larger, UINT32_MAX, n, more, what, d);
    *capacity = (uint32_t)larger;
    return s;
}
