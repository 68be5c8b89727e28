/* Memory that lives together and is freed together.
 *
 * Everything that lasts as long as a run (configuration, names, profiles, policy state) comes from
 * one arena and is released once. Memory is zeroed, so the zero value of a struct is its start
 * value. */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *last;
    unsigned char *next, *end;
};

void arena_init(struct arena *a);
void arena_release(struct arena *a);

/* n objects of the given size, zeroed, aligned for any type. NULL when memory is out or n * size
 * overflows. n = 0 gives a valid pointer to nothing. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
#define ARENA_NEW(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))

/* Copies, terminated by '\0'. NULL when memory is out. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
