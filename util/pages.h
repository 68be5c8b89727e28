/* Memory for large arrays that are read in no order.
 *
 * From 2 MiB on they are put on huge pages where the system offers them: with small pages a run of
 * many workers waits for the translation of addresses as long as for the data. */
#ifndef UTIL_PAGES_H
#define UTIL_PAGES_H

#include <stddef.h>

enum { CACHE_LINE = 64 };

/* As realloc, but aligned to a cache line: the first old_size bytes are kept (size >= old_size),
 * the others hold anything. Given back by free. NULL: out of memory, and `old` is as it was. */
void *pages_grow(void *old, size_t old_size, size_t size);

#endif
