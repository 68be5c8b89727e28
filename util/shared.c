#include "util/shared.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/bug.h"

struct entry {
    struct entry *next;
    const struct shared_kind *kind;
    struct arena arena; /* of the key and the thing */
    const void *key;
    void *thing;
};

struct shared {
    pthread_mutex_t lock; /* of everything below; held while something is made: who asks for another
                             thing waits, which is rare and short */
    struct entry *entries;
};

enum status shared_create(struct shared **shared, struct diag *d)
{
    struct shared *s = calloc(1, sizeof *s);

    *shared = NULL;
    if (!s || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return diag_nomem(d, "what runs share");
    }
    *shared = s;
    return ST_OK;
}

static void entry_free(struct entry *e)
{
    arena_release(&e->arena);
    free(e);
}

void shared_free(struct shared *shared)
{
    if (!shared)
        return;
    while (shared->entries) {
        struct entry *e = shared->entries;
        shared->entries = e->next;
        if (e->kind->release)
            e->kind->release(e->thing);
        entry_free(e);
    }
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

static enum status entry_new(struct entry **entry, const struct shared_kind *kind, const void *key,
                             struct diag *d)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e)
        return diag_nomem(d, kind->what);
    arena_init(&e->arena);
    e->kind = kind;
    e->key = kind->keep(&e->arena, key);
    enum status s =
        e->key ? kind->make(&e->thing, &e->arena, e->key, d) : diag_nomem(d, kind->what);
    if (s)
        entry_free(e);
    else
        *entry = e;
    return s;
}

static enum status find(const void **thing, struct shared *shared, const struct shared_kind *kind,
                        const void *key, struct diag *d)
{
    struct entry *e = shared->entries;

    while (e && !(e->kind == kind && kind->same(e->key, key)))
        e = e->next;
    if (!e) {
        enum status s = entry_new(&e, kind, key, d);
        if (s)
            return s;
        e->next = shared->entries;
        shared->entries = e;
    }
    *thing = e->thing;
    return ST_OK;
}

enum status shared_get(const void **thing, struct shared *shared, const struct shared_kind *kind,
                       const void *key, struct diag *d)
{
    pthread_mutex_lock(&shared->lock);
    enum status s = find(thing, shared, kind, key, d);
    pthread_mutex_unlock(&shared->lock);
    return s;
}

enum status shared_or_own(const void **thing, struct shared *shared, struct arena *arena,
                          const struct shared_kind *kind, const void *key, struct diag *d)
{
    void *made = NULL;

    if (shared)
        return shared_get(thing, shared, kind, key, d);
    BUG_IF(kind->release);
    enum status s = kind->make(&made, arena, key, d);
    *thing = made;
    return s;
}

void *shared_keep_bytes(struct arena *arena, const void *key, size_t size)
{
    void *kept = arena_alloc(arena, 1, size);

    if (kept)
        memcpy(kept, key, size);
    return kept;
}
