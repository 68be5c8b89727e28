/* What several runs use, made once, when one first asks for it, and kept until the end: traces,
 * profiles, tables made of them. None of it changes after that, so that threads use it at the same
 * time; the calls lock by themselves. */
#ifndef UTIL_SHARED_H
#define UTIL_SHARED_H

#include <stdbool.h>

#include "util/arena.h"
#include "util/status.h"

struct shared; /* opaque */

/* One kind of thing. What it is made of is a key, a struct of the kind's own. */
struct shared_kind {
    const char *what; /* for messages */
    bool (*same)(const void *key, const void *other);
    /* A copy of the key that lives as long as the arena; NULL when memory is out. */
    const void *(*keep)(struct arena *arena, const void *key);
    /* The thing may borrow from the arena, and from what the key points to. */
    enum status (*make)(void **thing, struct arena *arena, const void *key, struct diag *d);
    void (*release)(void *thing); /* of what is not in the arena; NULL = nothing */
};

/* ST_NOMEM. */
enum status shared_create(struct shared **shared, struct diag *d);
void shared_free(struct shared *shared); /* NULL is allowed */

/* The same answer for the same key. `make` must not ask for anything shared. ST_NOMEM, or what
 * `make` says; a later call tries again. */
enum status shared_get(const void **thing, struct shared *shared, const struct shared_kind *kind,
                       const void *key, struct diag *d);

/* Without anything shared (NULL) it is made anew, in the arena. For kinds without `release`. */
enum status shared_or_own(const void **thing, struct shared *shared, struct arena *arena,
                          const struct shared_kind *kind, const void *key, struct diag *d);

/* For keys without pointers to text or to anything else that ends before the arena. */
void *shared_keep_bytes(struct arena *arena, const void *key, size_t size);

#endif
