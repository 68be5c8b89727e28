/* Many integers in order, faster than qsort. */
#ifndef UTIL_SORT_UINT64_H
#define UTIL_SORT_UINT64_H

#include <stddef.h>
#include <stdint.h>

/* `from` has room for 2 n, of which the first n are the values; returned are those n in ascending
 * order, in one of its halves. Takes no memory of its own but 96 KiB of stack. */
const uint64_t *sort_uint64(uint64_t *from, size_t n);

#endif
