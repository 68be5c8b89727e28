#include "traces/open_load.h"

#include <math.h>
#include <stdlib.h>

#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"

/* Time is stretched until the rate is 1 everywhere: request k comes there at about k. */
struct open_load {
    struct open_load_config config;
    struct pcg64 arrivals, lengths;
    double due, end; /* in stretched time: of the request before, of the curve */
    int64_t last_ns;
    uint64_t n_sent, digest;
    bool ended;
};

enum status open_load_create(struct open_load **load, const struct open_load_config *config,
                             struct diag *d)
{
    struct open_load *l = calloc(1, sizeof *l);

    *load = NULL;
    if (!l)
        return diag_nomem(d, "requests");
    BUG_IF(config->isl_tok[0] > config->isl_tok[1] || config->osl_tok[0] > config->osl_tok[1]);
    l->config = *config;
    l->end = curve_area(&config->rate_per_s);
    l->digest = request_digest_begin();
    pcg64_stream(&l->arrivals, config->seed, "arrivals", 0);
    pcg64_stream(&l->lengths, config->seed, "lengths", 0);
    *load = l;
    return ST_OK;
}

void open_load_free(struct open_load *l)
{
    free(l);
}

static double uniform(struct pcg64 *rng, const uint32_t range[2])
{
    return (double)range[0] + (double)pcg64_below(rng, (uint64_t)range[1] - range[0] + 1);
}

static uint32_t as_tok(double n)
{
    return (uint32_t)fmax(TRACE_ISL_MIN, fmin(nearbyint(n), TRACE_TOK_MAX));
}

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct open_load *l = state;
    const struct curve *factor = &l->config.isl_factor;

    (void)d;
    l->due = l->config.even ? (double)l->n_sent + pcg64_double(&l->arrivals)
                            : l->due + pcg64_exponential(&l->arrivals, 1);
    l->ended = l->ended || !(l->due < l->end);
    if (l->ended)
        return ST_END;
    double at_s = curve_when(&l->config.rate_per_s, l->due);
    double isl = uniform(&l->lengths, l->config.isl_tok);
    *request = (struct trace_request){
        .isl_tok = as_tok(factor->n ? isl * curve_value(factor, at_s) : isl),
        .osl_tok = (uint32_t)uniform(&l->lengths, l->config.osl_tok),
    };
    BUG_IF(!ns_from_s(at_s, &request->arrival_ns));
    if (request->arrival_ns < l->last_ns) /* of two in a row, by rounding */
        request->arrival_ns = l->last_ns;
    l->last_ns = request->arrival_ns;
    l->n_sent++;
    l->digest = request_digest_add(l->digest, request);
    return ST_OK;
}

static double progress(const void *state)
{
    const struct open_load *l = state;

    return l->ended ? 1 : l->due / l->end;
}

static uint64_t digest(const void *state)
{
    return ((const struct open_load *)state)->digest;
}

struct request_source open_load_source(struct open_load *load)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, load};
}
