#include "planner/fpm/record_cache.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"

void record_cache_release(struct record_cache *c)
{
    free(c->records);
    *c = (struct record_cache){0};
}

static enum status put(struct record_cache *c, const struct fpm_record *r)
{
    enum status s;

    for (size_t i = 0; i < c->n; i++) {
        if (c->records[i].worker_id == r->worker_id) {
            c->records[i] = *r;
            return ST_OK;
        }
    }
    s = ARRAY_RESERVE(c->records, c->n, c->capacity, 1, "records of workers", NULL);
    if (s == ST_OK)
        c->records[c->n++] = *r;
    return s;
}

static void drop_highest(struct record_cache *c)
{
    size_t highest = 0;

    for (size_t i = 1; i < c->n; i++) {
        if (c->records[i].worker_id > c->records[highest].worker_id)
            highest = i;
    }
    c->n--;
    memmove(&c->records[highest], &c->records[highest + 1], (c->n - highest) * sizeof *c->records);
}

enum status record_cache_update(struct record_cache *c, size_t n, const struct fpm_record *window,
                                size_t n_active)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < n && s == ST_OK; i++)
        s = put(c, &window[i]);
    while (c->n > n_active)
        drop_highest(c);
    return s;
}

bool record_is_passed(size_t n, const struct fpm_record *window, size_t i)
{
    for (size_t j = i + 1; j < n; j++) {
        if (window[j].worker_id == window[i].worker_id)
            return true;
    }
    return false;
}
