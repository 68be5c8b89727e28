/* Arrays that grow, for structs that keep the pointer, the number of items and the capacity as
 * members of their own. */
#ifndef UTIL_ARRAY_H
#define UTIL_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

/* Room for n + more items in `array`, a pointer which now has room for `capacity`, n of them in
 * use. When it grows it doubles, or more where that is not enough, so that items added one by one
 * cost a constant time each. ST_NOMEM (message: `what`; d may be NULL) leaves all as it was, also
 * where the sum is more than `capacity` can hold. `array` and `capacity` (uint32_t or size_t) are
 * assigned to; all arguments are evaluated more than once. */
#define ARRAY_RESERVE(array, n, capacity, more, what, d)                                           \
    ((more) <= (capacity) - (n)                                                                    \
         ? ST_OK                                                                                   \
         : _Generic(&(capacity), uint32_t *                                                        \
                    : array_reserve_u32, size_t *                                                  \
                    : array_reserve)(&(array), sizeof(*(array)), &(capacity), (n), (more), (what), \
                                     (d)))

/* Room for exactly `capacity` items, for arrays that share a capacity, or whose size is known. */
#define ARRAY_RESIZE(array, capacity, what, d)                                                     \
    array_resize(&(array), sizeof(*(array)), (capacity), (what), (d))

/* What the macros call: `array` is the address of the pointer, whatever it points to. */
enum status array_reserve(void *array, size_t item_size, size_t *capacity, size_t n, size_t more,
                          const char *what, struct diag *d);
enum status array_reserve_u32(void *array, size_t item_size, uint32_t *capacity, size_t n,
                              size_t more, const char *what, struct diag *d);
enum status array_resize(void *array, size_t item_size, size_t capacity, const char *what,
                         struct diag *d);

#endif
