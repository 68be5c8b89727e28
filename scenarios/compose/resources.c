#include "scenarios/compose/resources.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct profile_entry {
    struct profile_entry *next;
    const struct profile_source *source;
    struct profile profile;
};

struct latency_entry {
    struct latency_entry *next;
    const struct latency_model_ops *model;
    const struct profile *profile;
    struct latency_config config;
    void *state;
};

struct trace_entry {
    struct trace_entry *next;
    const char *path;
    struct trace_options options; /* limit and speedup do not count */
    struct trace_table *table;
};

struct run_resources {
    const struct profile_search *search;
    pthread_mutex_t lock; /* of everything below; held while something loads: who asks for another
                             thing waits, which is rare and short */
    struct arena arena;
    struct profile_entry *profiles;
    struct latency_entry *latencies;
    struct trace_entry *traces;
};

enum status run_resources_create(struct run_resources **resources,
                                 const struct profile_search *search, struct diag *d)
{
    struct run_resources *r = calloc(1, sizeof *r);

    *resources = NULL;
    if (!r || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return diag_nomem(d, "what runs share");
    }
    r->search = search;
    arena_init(&r->arena);
    *resources = r;
    return ST_OK;
}

void run_resources_free(struct run_resources *r)
{
    if (!r)
        return;
    for (const struct trace_entry *e = r->traces; e; e = e->next)
        trace_table_free(e->table);
    arena_release(&r->arena);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_source(const struct profile_source *a, const struct profile_source *b)
{
    if (!a || !b)
        return a == b;
    return same_text(a->name[0], b->name[0]) && same_text(a->name[1], b->name[1]) &&
           a->tp == b->tp && a->max_kv_tokens == b->max_kv_tokens &&
           a->prefill_only == b->prefill_only && same_source(a->prefill_from, b->prefill_from);
}

static struct profile_source *copy_source(struct arena *arena, const struct profile_source *source)
{
    struct profile_source *copy = ARENA_NEW(arena, 1, struct profile_source);

    if (!copy)
        return NULL;
    *copy = *source;
    for (int i = 0; i < 2; i++) {
        copy->name[i] = source->name[i] ? arena_strdup(arena, source->name[i]) : NULL;
        if (source->name[i] && !copy->name[i])
            return NULL;
    }
    copy->prefill_from = source->prefill_from ? copy_source(arena, source->prefill_from) : NULL;
    return source->prefill_from && !copy->prefill_from ? NULL : copy;
}

static enum status find_profile(struct run_resources *r, const struct profile_source *source,
                                const struct profile **profile, struct diag *d)
{
    for (const struct profile_entry *e = r->profiles; e; e = e->next) {
        if (same_source(e->source, source)) {
            *profile = &e->profile;
            return ST_OK;
        }
    }
    struct profile_entry *e = ARENA_NEW(&r->arena, 1, struct profile_entry);
    const struct profile_source *own = copy_source(&r->arena, source);
    if (!e || !own)
        return diag_nomem(d, "profile");
    enum status s = profile_open(&e->profile, &r->arena, r->search, own, d);
    if (s)
        return s;
    e->source = own;
    e->next = r->profiles;
    r->profiles = e;
    *profile = &e->profile;
    return ST_OK;
}

static bool same_config(const struct latency_config *a, const struct latency_config *b)
{
    const double *x = &a->host_ms_per_step, *y = &b->host_ms_per_step;
    return a->max_num_seqs == b->max_num_seqs &&
           memcmp(x, y, sizeof *a - offsetof(struct latency_config, host_ms_per_step)) == 0;
}

static enum status find_latency(struct run_resources *r, const struct latency_model_ops *model,
                                const struct profile *profile, const struct latency_config *config,
                                const void **state, struct diag *d)
{
    for (const struct latency_entry *e = r->latencies; e; e = e->next) {
        if (e->model == model && e->profile == profile && same_config(&e->config, config)) {
            *state = e->state;
            return ST_OK;
        }
    }
    struct latency_entry *e = ARENA_NEW(&r->arena, 1, struct latency_entry);
    if (!e)
        return diag_nomem(d, "latency model");
    enum status s = model->create(&e->state, &r->arena, profile, config, d);
    if (s)
        return s;
    e->model = model;
    e->profile = profile;
    e->config = *config;
    e->next = r->latencies;
    r->latencies = e;
    *state = e->state;
    return ST_OK;
}

static enum status find_trace(struct run_resources *r, const char *path,
                              const struct trace_options *options, struct trace_table **table,
                              struct diag *d)
{
    for (const struct trace_entry *e = r->traces; e; e = e->next) {
        const struct trace_options *have = &e->options;
        if (strcmp(e->path, path) == 0 && strcmp(have->format, options->format) == 0 &&
            have->block_size_tok == options->block_size_tok && have->sort == options->sort) {
            *table = e->table;
            return ST_OK;
        }
    }
    struct trace_entry *e = ARENA_NEW(&r->arena, 1, struct trace_entry);
    const char *own_path = arena_strdup(&r->arena, path),
               *own_format = arena_strdup(&r->arena, options->format);
    if (!e || !own_path || !own_format)
        return diag_nomem(d, "trace");
    enum status s = trace_table_load(&e->table, path, options, d);
    if (s)
        return s;
    e->path = own_path;
    e->options = *options;
    e->options.format = own_format;
    e->next = r->traces;
    r->traces = e;
    *table = e->table;
    return ST_OK;
}

enum status run_resources_profile(struct run_resources *r, const struct profile_source *source,
                                  const struct profile **profile, struct diag *d)
{
    pthread_mutex_lock(&r->lock);
    enum status s = find_profile(r, source, profile, d);
    pthread_mutex_unlock(&r->lock);
    return s;
}

enum status run_resources_latency(struct run_resources *r, const struct latency_model_ops *model,
                                  const struct profile *profile,
                                  const struct latency_config *config, const void **state,
                                  struct diag *d)
{
    pthread_mutex_lock(&r->lock);
    enum status s = find_latency(r, model, profile, config, state, d);
    pthread_mutex_unlock(&r->lock);
    return s;
}

enum status run_resources_trace(struct run_resources *r, const char *path,
                                const struct trace_options *options, bool count_shared,
                                const struct trace_table **table, struct diag *d)
{
    struct trace_table *found = NULL;

    pthread_mutex_lock(&r->lock);
    enum status s = find_trace(r, path, options, &found, d);
    if (!s && count_shared)
        s = trace_table_count_shared(found, d);
    pthread_mutex_unlock(&r->lock);
    *table = found;
    return s;
}
