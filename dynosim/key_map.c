#include "dynosim/key_map.h"

#include <stddef.h>
#include <stdlib.h>

#include "util/bug.h"

enum { SMALLEST = 64 };

void key_map_release(struct key_map *map)
{
    free(map->entry);
    *map = (struct key_map){0};
}

static void insert(struct key_map *map, struct key_entry entry)
{
    uint32_t i = (uint32_t)entry.key & map->mask;
    while (map->entry[i].key)
        i = (i + 1) & map->mask;
    map->entry[i] = entry;
}

enum status key_map_reserve(struct key_map *map, uint32_t n, struct diag *d)
{
    uint64_t capacity = map->entry ? (uint64_t)map->mask + 1 : SMALLEST;
    while (capacity < 2 * (uint64_t)n)
        capacity *= 2;
    if (map->entry && capacity == (uint64_t)map->mask + 1)
        return ST_OK;
    struct key_map larger = {.mask = (uint32_t)(capacity - 1), .n = map->n};
    larger.entry = calloc(capacity, sizeof *larger.entry);
    if (!larger.entry)
        return diag_nomem(d, "block keys");
    for (uint64_t i = 0; map->entry && i <= map->mask; i++)
        if (map->entry[i].key)
            insert(&larger, map->entry[i]);
    free(map->entry);
    *map = larger;
    return ST_OK;
}

uint32_t *key_map_put(struct key_map *map, uint64_t key)
{
    BUG_IF(key == 0 || map->n >= map->mask);
    uint32_t i = (uint32_t)key & map->mask;
    while (map->entry[i].key)
        i = (i + 1) & map->mask;
    map->entry[i] = (struct key_entry){.key = key};
    map->n++;
    return &map->entry[i].value;
}

/* Entries behind the gap move up unless they are at home already. */
void key_map_remove(struct key_map *map, uint32_t *value)
{
    struct key_entry *removed =
        (struct key_entry *)(void *)((char *)value - offsetof(struct key_entry, value));
    uint32_t gap = (uint32_t)(removed - map->entry);
    BUG_IF(!removed->key);
    for (uint32_t i = (gap + 1) & map->mask; map->entry[i].key; i = (i + 1) & map->mask) {
        uint32_t home = (uint32_t)map->entry[i].key & map->mask;
        if (((i - home) & map->mask) >= ((i - gap) & map->mask)) {
            map->entry[gap] = map->entry[i];
            gap = i;
        }
    }
    map->entry[gap].key = 0;
    map->n--;
}
