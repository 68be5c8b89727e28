/* Arrays of 64-bit words of any length out of one block of memory, reused by size class: a load
 * that repeats stops allocating. Named by offset, since the block may move whenever an array is
 * taken. */
#ifndef UTIL_WORD_POOL_H
#define UTIL_WORD_POOL_H

#include <stdint.h>

#include "util/status.h"

enum { WORD_POOL_CLASSES = 33 };

struct word_pool {
    uint64_t *word;
    uint64_t used, capacity;
    uint64_t free_head[WORD_POOL_CLASSES]; /* offset + 1 of the first free array of 2^class words; 0
                                              = none */
};

void word_pool_release(struct word_pool *p);
/* Smallest class whose arrays, 2^class words long, hold n > 0. */
static inline unsigned word_pool_class(uint32_t n)
{
    return n <= 1 ? 0 : 32u - (unsigned)__builtin_clz(n - 1);
}
/* An array of the class; what is in it is undefined. */
enum status word_pool_take(struct word_pool *p, unsigned class, uint64_t *offset, struct diag *d);
void word_pool_give(struct word_pool *p, unsigned class, uint64_t offset);

#endif
