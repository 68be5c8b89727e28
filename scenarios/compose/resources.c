#include "scenarios/compose/resources.h"

#include <stdlib.h>
#include <string.h>

#include "util/shared.h"

struct run_resources {
    const struct profile_search *search;
    struct shared *shared;
};

enum status run_resources_create(struct run_resources **resources,
                                 const struct profile_search *search, struct diag *d)
{
    struct run_resources *r = calloc(1, sizeof *r);

    *resources = NULL;
    if (!r)
        return diag_nomem(d, "what runs share");
    enum status s = shared_create(&r->shared, d);
    if (s) {
        free(r);
        return s;
    }
    r->search = search;
    *resources = r;
    return ST_OK;
}

void run_resources_free(struct run_resources *r)
{
    if (!r)
        return;
    shared_free(r->shared);
    free(r);
}

struct shared *run_resources_shared(struct run_resources *r)
{
    return r->shared;
}

/* ---- profiles ---- */

struct profile_key {
    const struct profile_search *search;
    const struct profile_source *source;
};

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

static bool same_profile(const void *key, const void *other)
{
    const struct profile_key *a = key, *b = other;

    return a->search == b->search && same_source(a->source, b->source);
}

static const void *keep_profile(struct arena *arena, const void *key)
{
    struct profile_key *kept = shared_keep_bytes(arena, key, sizeof *kept);

    if (!kept)
        return NULL;
    kept->source = copy_source(arena, kept->source);
    return kept->source ? kept : NULL;
}

static enum status make_profile(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    const struct profile_key *wanted = key;
    struct profile *profile = ARENA_NEW(arena, 1, struct profile);

    if (!profile)
        return diag_nomem(d, "profile");
    *thing = profile;
    return profile_open(profile, arena, wanted->search, wanted->source, d);
}

enum status run_resources_profile(struct run_resources *r, const struct profile_source *source,
                                  const struct profile **profile, struct diag *d)
{
    static const struct shared_kind kind = {"profile", same_profile, keep_profile, make_profile,
                                            NULL};
    const struct profile_key key = {r->search, source};
    const void *thing = NULL;

    enum status s = shared_get(&thing, r->shared, &kind, &key, d);
    *profile = thing;
    return s;
}

/* ---- latency models ---- */

struct latency_key {
    const struct latency_model_ops *model;
    const struct profile *profile;
    struct latency_config config;
};

static bool same_latency(const void *key, const void *other)
{
    const struct latency_key *a = key, *b = other;
    const double *x = &a->config.host_ms_per_step, *y = &b->config.host_ms_per_step;

    return a->model == b->model && a->profile == b->profile &&
           a->config.max_num_seqs == b->config.max_num_seqs &&
           memcmp(x, y, sizeof a->config - offsetof(struct latency_config, host_ms_per_step)) == 0;
}

static const void *keep_latency(struct arena *arena, const void *key)
{
    return shared_keep_bytes(arena, key, sizeof(struct latency_key));
}

static enum status make_latency(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    const struct latency_key *wanted = key;

    return wanted->model->create(thing, arena, wanted->profile, &wanted->config, d);
}

enum status run_resources_latency(struct run_resources *r, const struct latency_model_ops *model,
                                  const struct profile *profile,
                                  const struct latency_config *config, const void **state,
                                  struct diag *d)
{
    static const struct shared_kind kind = {"latency model", same_latency, keep_latency,
                                            make_latency, NULL};
    const struct latency_key key = {model, profile, *config};

    return shared_get(state, r->shared, &kind, &key, d);
}

/* ---- traces ---- */

enum status run_resources_trace(struct run_resources *r, const char *path,
                                const struct trace_options *options, bool count_shared,
                                const struct trace_table **table, struct diag *d)
{
    return trace_table_find(table, r->shared, path, options, count_shared, d);
}
