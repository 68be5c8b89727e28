#include "util/word_pool.h"

#include <stdlib.h>

#include "util/pages.h"

enum { FIRST_CAPACITY = 1 << 14 };

void word_pool_release(struct word_pool *p)
{
    free(p->word);
    *p = (struct word_pool){0};
}

enum status word_pool_take(struct word_pool *p, unsigned class, uint64_t *offset, struct diag *d)
{
    if (p->free_head[class]) {
        *offset = p->free_head[class] - 1;
        p->free_head[class] = p->word[*offset];
        return ST_OK;
    }
    uint64_t end = p->used + (UINT64_C(1) << class);
    if (end > p->capacity) {
        uint64_t capacity = p->capacity ? p->capacity : FIRST_CAPACITY;
        while (capacity < end)
            capacity *= 2;
        uint64_t *grown = pages_grow(p->word, p->used * sizeof *grown, capacity * sizeof *grown);
        if (!grown)
            return diag_nomem(d, "block ids");
        p->word = grown;
        p->capacity = capacity;
    }
    *offset = p->used;
    p->used = end;
    return ST_OK;
}

void word_pool_give(struct word_pool *p, unsigned class, uint64_t offset)
{
    p->word[offset] = p->free_head[class];
    p->free_head[class] = offset + 1;
}
