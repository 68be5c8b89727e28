/* A growable array of request ids. The zero value is empty; `id` is freed by its owner. */
#ifndef SIM_STATE_ID_ARRAY_H
#define SIM_STATE_ID_ARRAY_H

#include <stdint.h>

#include "util/status.h"

struct id_array {
    uint32_t *id;
    uint32_t n, capacity;
};
enum status id_array_push(struct id_array *a, uint32_t id, struct diag *d);
void id_array_remove(struct id_array *a, uint32_t id); /* no effect when absent; keeps the order */

#endif
