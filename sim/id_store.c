#include "sim/id_store.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1 << 14 };

static unsigned class_of(uint32_t n)
{
    return n <= 1 ? 0 : 32u - (unsigned)__builtin_clz(n - 1);
}

void id_store_release(struct id_store *s)
{
    free(s->id);
    *s = (struct id_store){0};
}

enum status id_store_add(struct id_store *s, const uint64_t *ids, uint32_t n, uint64_t *offset, struct diag *d)
{
    *offset = 0;
    if (n == 0)
        return ST_OK;
    unsigned class = class_of(n);
    if (class >= ID_STORE_CLASSES)
        return diag_fail(d, ST_INPUT, "a prompt of %u block ids is longer than this program can hold", n);
    if (s->free_head[class]) {
        *offset = s->free_head[class] - 1;
        s->free_head[class] = s->id[*offset];
    } else {
        uint64_t end = s->used + (UINT64_C(1) << class);
        if (end > s->capacity) {
            uint64_t capacity = s->capacity ? s->capacity : FIRST_CAPACITY;
            while (capacity < end)
                capacity *= 2;
            uint64_t *grown = realloc(s->id, capacity * sizeof *grown);
            if (!grown)
                return diag_nomem(d, "block ids of requests in flight");
            s->id = grown;
            s->capacity = capacity;
        }
        *offset = s->used;
        s->used = end;
    }
    memcpy(s->id + *offset, ids, n * sizeof *ids);
    return ST_OK;
}

void id_store_remove(struct id_store *s, uint64_t offset, uint32_t n)
{
    if (n == 0)
        return;
    unsigned class = class_of(n);
    s->id[offset] = s->free_head[class];
    s->free_head[class] = offset + 1;
}
