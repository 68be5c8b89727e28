#include "planner/fpm/arbiter.h"

#include <math.h>
#include <stdlib.h>

#include "planner/fpm/gpu_band.h"

static int64_t change_gpus(const struct arbiter *a, const struct arbiter_change *c)
{
    return (c->replicas - a->pools[c->pool].replicas) * a->pools[c->pool].gpus;
}

static int64_t total_gpus(const struct arbiter *a)
{
    int64_t total = 0;

    for (size_t i = 0; i < a->n_pools; i++) {
        if (a->known[i])
            total += a->pools[i].replicas * a->pools[i].gpus;
    }
    return total;
}

static enum band_side check(const struct arbiter *a, int64_t total, int64_t tolerance)
{
    const struct gpu_band band = {.min_gpus = a->min_gpus, .max_gpus = a->max_gpus};

    return band_check(&band, total, tolerance);
}

static bool is_asked(size_t pool, size_t n, const struct arbiter_change *wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (wanted[i].pool == pool)
            return true;
    }
    return false;
}

/* Open wishes that point against the request: its own deployment's first, then by size. */
static size_t candidates(const struct arbiter *a, double now_s, size_t n,
                         const struct arbiter_change *wanted, int64_t delta,
                         struct arbiter_change found[ARBITER_MAX_POOLS])
{
    int own = a->pools[wanted[0].pool].deployment;
    size_t n_found = 0;

    for (int others = 0; others < 2; others++) {
        size_t first = n_found;
        for (size_t i = 0; i < a->n_pools; i++) {
            const struct arbiter_pool *p = &a->pools[i];
            struct arbiter_change c = {i, p->wish};
            if (!a->known[i] || (p->deployment != own) != others || is_asked(i, n, wanted) ||
                p->gpus <= 0 || !p->has_wish || now_s - p->wish_s > a->wish_ttl_s)
                continue;
            int64_t gpus = change_gpus(a, &c);
            if (gpus == 0 || (gpus > 0) == (delta > 0))
                continue;
            size_t at = n_found++;
            for (; at > first && llabs(change_gpus(a, &found[at - 1])) > llabs(gpus); at--)
                found[at] = found[at - 1];
            found[at] = c;
        }
    }
    return n_found;
}

/* As much of a wish as brings `total` (without it) into the band. false: none. */
static bool take_part(const struct arbiter *a, struct arbiter_change *c, int64_t total,
                      int64_t tolerance)
{
    const struct arbiter_pool *p = &a->pools[c->pool];

    if (c->replicas > p->replicas) {
        if (a->max_gpus < 0)
            return true;
        int64_t room = (int64_t)floor((double)(a->max_gpus - total) / (double)p->gpus);
        int64_t part = p->replicas + (room > 1 ? room : 1);
        c->replicas = part < c->replicas ? part : c->replicas;
        return true;
    }
    if (a->min_gpus < 0)
        return true;
    int64_t floor_gpus = a->min_gpus - tolerance;
    if (total < floor_gpus)
        return false;
    int64_t part = p->replicas + (int64_t)ceil((double)(floor_gpus - total) / (double)p->gpus);
    c->replicas = part > c->replicas ? part : c->replicas;
    return c->replicas < p->replicas;
}

/* Adds partners to the plan until the total is in the band. false: it cannot be. */
static bool pair(const struct arbiter *a, int64_t total, int64_t delta, int64_t tolerance,
                 size_t n_candidates, const struct arbiter_change *found, struct arbiter_plan *plan)
{
    enum band_side start = delta > 0 ? BAND_ABOVE : BAND_BELOW;
    size_t n_own = plan->n;

    for (size_t i = 0; i < n_candidates; i++) {
        struct arbiter_change c = found[i];
        enum band_side side = check(a, total + change_gpus(a, &c), tolerance);
        bool overshoots = side != BAND_WITHIN && side != start;
        if (overshoots && (!take_part(a, &c, total, tolerance) ||
                           check(a, total + change_gpus(a, &c), tolerance) != BAND_WITHIN))
            break;
        total += change_gpus(a, &c);
        plan->changes[plan->n++] = c;
        if (overshoots)
            break;
    }
    return plan->n > n_own && check(a, total, tolerance) == BAND_WITHIN;
}

static void keep_wishes(struct arbiter *a, double now_s, size_t n,
                        const struct arbiter_change *wanted)
{
    for (size_t i = 0; i < n; i++) {
        struct arbiter_pool *p = &a->pools[wanted[i].pool];
        p->has_wish = true;
        p->wish = wanted[i].replicas;
        p->wish_s = now_s;
    }
}

void arbiter_request(struct arbiter *a, double now_s, size_t n, const struct arbiter_change *wanted,
                     struct arbiter_plan *plan)
{
    struct arbiter_change found[ARBITER_MAX_POOLS];
    int64_t delta = 0, largest = 0, total = total_gpus(a);
    bool grows = false, shrinks = false;

    keep_wishes(a, now_s, n, wanted);
    plan->n = n;
    for (size_t i = 0; i < n; i++) {
        int64_t gpus = change_gpus(a, &wanted[i]);
        plan->changes[i] = wanted[i];
        delta += gpus;
        grows |= gpus > 0;
        shrinks |= gpus < 0;
        if (gpus != 0 && a->pools[wanted[i].pool].gpus > largest)
            largest = a->pools[wanted[i].pool].gpus;
    }
    if (n == 0 || (a->min_gpus < 0 && a->max_gpus < 0))
        return;
    total += delta;
    bool alone = check(a, total, grows && shrinks ? largest : 0) == BAND_WITHIN;
    if (delta != 0) {
        size_t n_found = candidates(a, now_s, n, wanted, delta, found);
        for (size_t i = 0; i < n_found; i++) {
            if (a->pools[found[i].pool].gpus > largest)
                largest = a->pools[found[i].pool].gpus;
        }
        if (pair(a, total, delta, largest, n_found, found, plan))
            return;
    }
    plan->n = alone ? n : 0;
}

size_t arbiter_order(const struct arbiter *a, const struct arbiter_plan *plan, int *deployments)
{
    int64_t gpus[ARBITER_MAX_POOLS] = {0};
    size_t n = 0;

    for (size_t i = 0; i < plan->n; i++) {
        int deployment = a->pools[plan->changes[i].pool].deployment;
        size_t at = 0;
        while (at < n && deployments[at] != deployment)
            at++;
        if (at == n)
            deployments[n++] = deployment;
        gpus[at] += change_gpus(a, &plan->changes[i]);
    }
    for (size_t i = 1; i < n; i++) {
        for (size_t at = i; at > 0 && gpus[at - 1] > gpus[at]; at--) {
            int64_t g = gpus[at];
            int deployment = deployments[at];
            gpus[at] = gpus[at - 1];
            gpus[at - 1] = g;
            deployments[at] = deployments[at - 1];
            deployments[at - 1] = deployment;
        }
    }
    return n;
}
