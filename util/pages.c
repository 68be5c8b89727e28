#define _DEFAULT_SOURCE /* madvise */
#include "util/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *pages_grow(void *old, size_t old_size, size_t size)
{
    size_t alignment = size < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE;
    void *grown = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!grown)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        madvise(grown, size, MADV_HUGEPAGE); /* without them it is only slower */
#endif
    if (old)
        memcpy(grown, old, old_size);
    free(old);
    return grown;
}
