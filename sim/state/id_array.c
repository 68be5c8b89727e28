#include "sim/state/id_array.h"

#include "util/array.h"

enum status id_array_push(struct id_array *a, uint32_t id, struct diag *d)
{
    enum status s = ARRAY_RESERVE(a->id, a->n, a->capacity, 1, "request ids", d);
    if (!s)
        a->id[a->n++] = id;
    return s;
}

void id_array_remove(struct id_array *a, uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->id[i] != id)
            a->id[kept++] = a->id[i];
    a->n = kept;
}
