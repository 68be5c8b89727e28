#include "calibration/measured/point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"

enum status measured_point_new(struct measured_point **point, struct measured *measured,
                               struct source_pos at, struct diag *d)
{
    if (measured->n_points == MEASURED_MAX_POINTS)
        return diag_fail_at(d, ST_INPUT, at, "more than %d measured points", MEASURED_MAX_POINTS);
    *point = &measured->point[measured->n_points++];
    **point = (struct measured_point){.at = at, .rate_per_s = NAN, .ttft_ms = NAN, .tpot_ms = NAN};
    return ST_OK;
}

static int by_start(const void *a, const void *b)
{
    const struct measured_request *x = a, *y = b;

    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* Arrays of n requests. */
static enum status allocate(struct measured_point *point, struct arena *arena, uint64_t n,
                            bool open_loop, uint32_t **isl_tok, uint32_t **osl_tok,
                            int64_t **arrival_ns, struct diag *d)
{
    if (n > MEASURED_MAX_REQUESTS)
        return diag_fail_at(d, ST_INPUT, point->at, "a point of more than %d requests",
                            MEASURED_MAX_REQUESTS);
    point->n_requests = n;
    point->isl_tok = *isl_tok = ARENA_NEW(arena, n, uint32_t);
    point->osl_tok = *osl_tok = ARENA_NEW(arena, n, uint32_t);
    point->arrival_ns = *arrival_ns = open_loop ? ARENA_NEW(arena, n, int64_t) : NULL;
    return *isl_tok && *osl_tok && (*arrival_ns || !open_loop) ? ST_OK
                                                               : diag_nomem(d, "measured requests");
}

static void set_means(struct measured_point *point)
{
    double isl = 0, osl = 0, n = (double)point->n_requests;

    for (uint64_t i = 0; i < point->n_requests; i++) {
        isl += point->isl_tok[i];
        osl += point->osl_tok[i];
    }
    point->mean_isl_tok = isl / n;
    point->mean_osl_tok = osl / n;
}

enum status measured_point_of_requests(struct measured_point *point, struct arena *arena,
                                       struct measured_request *requests, size_t n, bool open_loop,
                                       struct diag *d)
{
    uint32_t *isl_tok, *osl_tok;
    int64_t *arrival_ns;
    double ttft_ms = 0, tpot_ms = 0;
    size_t n_tpot = 0;

    BUG_IF(n == 0);
    enum status s = allocate(point, arena, n, open_loop, &isl_tok, &osl_tok, &arrival_ns, d);
    if (s)
        return s;
    qsort(requests, n, sizeof *requests, by_start);
    for (size_t i = 0; i < n; i++) {
        isl_tok[i] = requests[i].isl_tok;
        osl_tok[i] = requests[i].osl_tok;
        ttft_ms += requests[i].ttft_ms;
        if (!isnan(requests[i].tpot_ms)) {
            tpot_ms += requests[i].tpot_ms;
            n_tpot++;
        }
        if (open_loop)
            arrival_ns[i] = requests[i].start_ns - requests[0].start_ns;
    }
    point->ttft_ms = ttft_ms / (double)n;
    point->tpot_ms = n_tpot ? tpot_ms / (double)n_tpot : NAN;
    if (open_loop && arrival_ns[n - 1] > 0)
        point->rate_per_s = (double)(n - 1) / s_from_ns(arrival_ns[n - 1]);
    set_means(point);
    return ST_OK;
}

static uint32_t uniform(struct pcg64 *rng, struct measured_lengths range)
{
    return range.lowest + (uint32_t)pcg64_below(rng, (uint64_t)range.highest - range.lowest + 1);
}

enum status measured_point_of_means(struct measured_point *point, struct arena *arena,
                                    struct measured_lengths isl_range,
                                    struct measured_lengths osl_range, bool poisson, struct diag *d)
{
    uint32_t *isl_tok, *osl_tok;
    int64_t *arrival_ns;
    struct pcg64 lengths, gaps;
    double at_s = 0;

    enum status s = allocate(point, arena, point->n_requests, point->clients == 0, &isl_tok,
                             &osl_tok, &arrival_ns, d);
    if (s)
        return s;
    /* The same of every point, so that points differ by their load alone. */
    pcg64_stream(&lengths, 1, "measured lengths", 0);
    pcg64_stream(&gaps, 1, "measured gaps", 0);
    for (uint64_t i = 0; i < point->n_requests; i++) {
        isl_tok[i] = uniform(&lengths, isl_range);
        osl_tok[i] = uniform(&lengths, osl_range);
        if (!arrival_ns)
            continue;
        if (!ns_from_s(at_s, &arrival_ns[i]))
            return diag_fail_at(d, ST_INPUT, point->at, "requests that last longer than 73 years");
        at_s += poisson ? pcg64_exponential(&gaps, 1 / point->rate_per_s) : 1 / point->rate_per_s;
    }
    set_means(point);
    return ST_OK;
}

struct change {
    int64_t at_ns;
    int by;
};

/* At equal times a request ends before the next one starts. */
static int by_time(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns) : x->by - y->by;
}

enum status measured_flight(struct measured_flight *flight, const struct measured_request *requests,
                            size_t n, struct diag *d)
{
    struct change *changes = calloc(2 * n, sizeof *changes);
    int64_t now = 0, last_start_ns = INT64_MIN;
    double request_ns = 0;

    *flight = (struct measured_flight){0};
    if (!changes)
        return diag_nomem(d, "requests in flight");
    for (size_t i = 0; i < n; i++) {
        changes[2 * i] = (struct change){requests[i].start_ns, 1};
        changes[2 * i + 1] = (struct change){requests[i].end_ns, -1};
        if (requests[i].start_ns > last_start_ns)
            last_start_ns = requests[i].start_ns;
    }
    qsort(changes, 2 * n, sizeof *changes, by_time);
    for (size_t i = 0; i < 2 * n && changes[i].at_ns <= last_start_ns; i++) {
        if (i)
            request_ns += (double)now * (double)(changes[i].at_ns - changes[i - 1].at_ns);
        now += changes[i].by;
        if (now > 0 && (uint64_t)now > flight->peak)
            flight->peak = (uint64_t)now;
    }
    double length_ns = (double)(last_start_ns - changes[0].at_ns);
    flight->mean = length_ns > 0 ? request_ns / length_ns : (double)flight->peak;
    free(changes);
    return ST_OK;
}
