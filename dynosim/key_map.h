/* Block content keys to 32-bit values: an open-addressing table with linear probing. Keys are well
 * mixed 64-bit hashes and never 0. Pointers to values hold until the next put or remove. */
#ifndef DYNOSIM_KEY_MAP_H
#define DYNOSIM_KEY_MAP_H

#include <stdint.h>

#include "util/status.h"

struct key_entry {
    uint64_t key; /* 0 = empty */
    uint32_t value;
};
struct key_map {
    struct key_entry *entry;
    uint32_t mask; /* capacity - 1 */
    uint32_t n;
};

/* Room for n keys without growing. The zero value is an empty map. */
enum status key_map_reserve(struct key_map *map, uint32_t n, struct diag *d);
void key_map_release(struct key_map *map);

/* NULL when absent. */
static inline uint32_t *key_map_find(const struct key_map *map, uint64_t key)
{
    if (map->n == 0)
        return 0;
    for (uint32_t i = (uint32_t)key & map->mask; map->entry[i].key; i = (i + 1) & map->mask)
        if (map->entry[i].key == key)
            return &map->entry[i].value;
    return 0;
}
/* The value of a key that is absent, set to 0. There must be room. */
uint32_t *key_map_put(struct key_map *map, uint64_t key);
/* `value` as found. */
void key_map_remove(struct key_map *map, uint32_t *value);

#endif
