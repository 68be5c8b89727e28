#include "sim/id_array.h"

#include <stdlib.h>

enum status id_array_push(struct id_array *a, uint32_t id, struct diag *d)
{
    if (a->n == a->capacity) {
        uint32_t capacity = a->capacity ? 2 * a->capacity : 16;
        uint32_t *ids = realloc(a->id, capacity * sizeof *ids);
        if (!ids)
            return diag_nomem(d, "request ids");
        a->id = ids;
        a->capacity = capacity;
    }
    a->id[a->n++] = id;
    return ST_OK;
}

void id_array_remove(struct id_array *a, uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->id[i] != id)
            a->id[kept++] = a->id[i];
    a->n = kept;
}
