#include "pages/run/run_requests.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/units.h"

/* Lengths of stretches, each a multiple of the one before; the next when there are too many. */
static const int64_t steps_s[] = {1, 10, 60, 600, 3600, 21600};
enum { N_STEPS = sizeof steps_s / sizeof *steps_s, MAX_STRETCHES = 1 << 16 };

double run_requests_step_s(const struct run_requests *r)
{
    return (double)steps_s[r->step];
}

void run_requests_release(struct run_requests *r)
{
    free(r->kept);
    free(r->stretches);
    *r = (struct run_requests){0};
}

/* ---- for quantiles ---- */

/* Multiples of the golden ratio fall evenly: of any requests in a row about one in 2^thinned. */
static bool is_chosen(const struct run_requests *r, uint64_t index)
{
    return r->thinned == 0 || index * UINT64_C(0x9e3779b97f4a7c15) >> (64 - r->thinned) == 0;
}

static void thin(struct run_requests *r)
{
    size_t n = 0;

    r->thinned++;
    for (size_t i = 0; i < r->n_kept; i++) {
        if (is_chosen(r, r->kept[i].index))
            r->kept[n++] = r->kept[i];
    }
    r->n_kept = n;
}

static enum status keep(struct run_requests *r, const struct recorded_request *q, struct diag *d)
{
    size_t max = r->max_kept ? r->max_kept : RUN_REQUESTS_KEPT;

    while (r->n_kept == max && is_chosen(r, q->index))
        thin(r);
    if (!is_chosen(r, q->index))
        return ST_OK;
    enum status s = ARRAY_RESERVE(r->kept, r->n_kept, r->kept_capacity, 1, "requests", d);
    if (!s)
        r->kept[r->n_kept++] = (struct run_request){
            q->index,
            q->arrival_ns,
            {[RUN_TTFT] = q->ttft_ns, [RUN_TPOT] = q->tpot_ns, [RUN_E2E] = q->e2e_ns}};
    return s;
}

/* ---- over the time ---- */

static void add_up(struct run_stretch *to, const struct run_stretch *from)
{
    to->n_offered += from->n_offered;
    to->n_missed += from->n_missed;
    to->n_late += from->n_late;
    to->n_ttft += from->n_ttft;
    to->n_tpot += from->n_tpot;
    to->ttft_ns += from->ttft_ns;
    to->tpot_ns += from->tpot_ns;
    for (int i = 0; i < N_RUN_PARTS; i++)
        to->part_ns[i] += from->part_ns[i];
}

static void lengthen(struct run_requests *r)
{
    size_t ratio = (size_t)(steps_s[r->step + 1] / steps_s[r->step]);
    size_t n = (r->n_stretches + ratio - 1) / ratio;

    for (size_t i = 0; i < r->n_stretches; i++) {
        struct run_stretch one = r->stretches[i];
        if (i % ratio == 0)
            r->stretches[i / ratio] = one;
        else
            add_up(&r->stretches[i / ratio], &one);
    }
    r->n_stretches = n;
    r->step++;
}

static enum status stretch_at(struct run_stretch **stretch, struct run_requests *r, int64_t at_ns,
                              struct diag *d)
{
    size_t i;
    enum status s = ST_OK;

    while (i = (size_t)(at_ns / (steps_s[r->step] * NS_PER_S)),
           i >= MAX_STRETCHES && r->step + 1 < N_STEPS)
        lengthen(r);
    if (i >= r->n_stretches) {
        size_t more = i + 1 - r->n_stretches;
        s = ARRAY_RESERVE(r->stretches, r->n_stretches, r->stretches_capacity, more, "requests", d);
        if (s)
            return s;
        memset(r->stretches + r->n_stretches, 0, more * sizeof *r->stretches);
        r->n_stretches = i + 1;
    }
    *stretch = &r->stretches[i];
    return s;
}

static enum status count_arrival(struct run_requests *r, const struct recorded_request *q,
                                 const struct request_parts *parts, struct diag *d)
{
    struct run_stretch *at;
    enum status s = stretch_at(&at, r, q->arrival_ns, d);

    if (s)
        return s;
    at->n_offered++;
    at->n_missed += !q->good;
    if (q->good || q->ttft_ns < 0)
        return ST_OK;
    at->n_late++;
    for (int part = 0; part < N_REQUEST_PARTS && parts; part++)
        at->part_ns[run_part_of((enum request_part)part)] += (double)parts->ttft_ns[part];
    return ST_OK;
}

static enum status count_latencies(struct run_requests *r, const struct recorded_request *q,
                                   struct diag *d)
{
    struct run_stretch *at;
    enum status s = ST_OK;

    if (q->ttft_ns >= 0) {
        s = stretch_at(&at, r, q->arrival_ns + q->ttft_ns, d);
        if (s)
            return s;
        at->n_ttft++;
        at->ttft_ns += (double)q->ttft_ns;
    }
    if (q->tpot_ns >= 0 && q->e2e_ns >= 0) {
        s = stretch_at(&at, r, q->arrival_ns + q->e2e_ns, d);
        if (s)
            return s;
        at->n_tpot++;
        at->tpot_ns += (double)q->tpot_ns;
    }
    return s;
}

/* ---- the slowest ---- */

static const char *main_part(const struct recorded_request *q, const struct request_parts *parts)
{
    int most = 0;

    if (!parts || q->ttft_ns < 0)
        return NULL;
    for (int part = 1; part < N_REQUEST_PARTS; part++)
        most = parts->ttft_ns[part] > parts->ttft_ns[most] ? part : most;
    return request_part_name((enum request_part)most);
}

static bool is_slower(const struct recorded_request *q, const struct recorded_request *than)
{
    return q->ttft_ns != than->ttft_ns ? q->ttft_ns > than->ttft_ns : q->index < than->index;
}

static void rank(struct run_requests *r, const struct recorded_request *q,
                 const struct request_parts *parts)
{
    size_t i = r->n_slowest;

    if (i == RUN_N_SLOWEST && !is_slower(q, &r->slowest[--i].request))
        return;
    for (; i > 0 && is_slower(q, &r->slowest[i - 1].request); i--)
        r->slowest[i] = r->slowest[i - 1];
    r->slowest[i] = (struct run_slow_request){*q, main_part(q, parts)};
    r->n_slowest += r->n_slowest < RUN_N_SLOWEST;
}

enum status run_requests_add(struct run_requests *r, const struct recorded_request *q,
                             const struct request_parts *parts, struct diag *d)
{
    const int64_t ns[N_RUN_LATENCIES] = {q->ttft_ns, q->tpot_ns, q->e2e_ns};
    int64_t end_ns = q->arrival_ns + (q->e2e_ns > 0 ? q->e2e_ns : 0);

    for (int i = 0; i < N_RUN_LATENCIES; i++)
        r->max_ns[i] = r->n == 0 || ns[i] > r->max_ns[i] ? ns[i] : r->max_ns[i];
    r->end_ns = end_ns > r->end_ns ? end_ns : r->end_ns;
    r->n++;
    r->has_parts = r->has_parts || parts;
    rank(r, q, parts);
    enum status s = count_arrival(r, q, parts, d);
    if (!s)
        s = count_latencies(r, q, d);
    return s ? s : keep(r, q, d);
}
