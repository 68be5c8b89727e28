#include "traces/request_source.h"

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    return trace_next(state, request, d);
}

static double progress(const void *state)
{
    return trace_progress(state);
}

static uint64_t digest(const void *state)
{
    return trace_digest(state);
}

struct request_source trace_reader_source(struct trace_reader *reader)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, reader};
}

uint64_t request_digest_begin(void)
{
    return UINT64_C(0x9E3779B97F4A7C15);
}

/* For a given second argument this is one-to-one in the first and the other way round, so two
 * inputs that differ in one number never meet. */
static inline uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0xD6E8FEB86659FD93);
    return h ^ h >> 32;
}

uint64_t request_digest_add(uint64_t digest, const struct trace_request *request)
{
    uint64_t h = mix(digest, (uint64_t)request->arrival_ns);
    h = mix(h, (uint64_t)request->isl_tok << 32 | request->osl_tok);
    h = mix(h, request->n_blocks);
    for (uint32_t i = 0; i < request->n_blocks; i++)
        h = mix(h, request->block_ids[i]);
    if (request->priority)
        h = mix(h, request->priority);
    return h;
}
