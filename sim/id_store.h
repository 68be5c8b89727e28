/* Block ids of the prompts in flight: arrays of any length, reused by size class. Named by offset, since the store may
 * move when it grows. */
#ifndef SIM_ID_STORE_H
#define SIM_ID_STORE_H

#include <stdint.h>

#include "util/status.h"

enum { ID_STORE_CLASSES = 28 };

struct id_store {
    uint64_t *id;
    uint64_t used, capacity;
    uint64_t free_head[ID_STORE_CLASSES]; /* offset + 1 of the first free array of 2^class ids; 0 = none */
};

void id_store_release(struct id_store *s);
/* Copy n ids in; *offset names the copy (0 when n is 0). */
enum status id_store_add(struct id_store *s, const uint64_t *ids, uint32_t n, uint64_t *offset, struct diag *d);
/* n as it was added. */
void id_store_remove(struct id_store *s, uint64_t offset, uint32_t n);

#endif
