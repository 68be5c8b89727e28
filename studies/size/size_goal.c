/* When a run is no longer worth going on with: enough requests have missed for the fleet to miss
 * the target, whatever the others do. How many those are is known of traffic that some run has been
 * through. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/quantiles.h"
#include "studies/size/size_internal.h"
#include "util/units.h"

static double scale_of(const struct size_choice *choice, const struct size_setting *setting)
{
    return choice->scale_load * setting->more_load;
}

static const struct size_traffic *traffic_of(const struct sizing *z,
                                             const struct size_choice *choice,
                                             const struct size_setting *setting)
{
    for (size_t i = 0; i < z->n_traffics; i++) {
        const struct size_traffic *t = &z->traffics[i];
        if (t->scale == scale_of(choice, setting) && t->replicate == setting->replicate)
            return t;
    }
    return NULL;
}

/* Targets that so many requests miss for certain: of the latencies in it those above the limit. */
static const struct goal {
    const char *key;
    bool ttft, tpot, e2e;
    bool percentile; /* the key goes on with it, and the limit is the bound; else it is a share
                        within the SLA, of requests that completed or not */
} goals[] = {
    {"attainment.overall", true, true, false, false},
    {"attainment.ttft", true, false, false, false},
    {"attainment.tpot", false, true, false, false},
    {"latency_ms.ttft.p", true, false, false, true},
    {"latency_ms.tpot.p", false, true, false, true},
    {"latency_ms.e2e.p", false, false, true, true},
};

static const struct goal *goal_named(const char *key)
{
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
        const struct goal *g = &goals[i];
        if (g->percentile ? strncmp(key, g->key, strlen(g->key)) == 0 : strcmp(key, g->key) == 0)
            return g;
    }
    return NULL;
}

/* NULL: how much comes in is up to the fleet (clients send the sooner the sooner they are served),
 * or the target is none of those. */
static const struct goal *goal_of(const struct size_options *options)
{
    return options->scenario->traffic.clients ? NULL : goal_named(options->target->key);
}

double size_value(const struct size_seen *seen, const struct expectation *target)
{
    const double *f = seen->figures;

    if (!seen->cut || goal_named(target->key)->percentile)
        return f[SIZE_TARGET];
    return f[SIZE_TARGET] * f[SIZE_OFFERED] / (f[SIZE_OFFERED] - f[SIZE_UNFINISHED]);
}

enum status size_learn(struct sizing *z, const struct size_choice *choice,
                       const struct size_setting *setting, const double *figures, struct diag *d)
{
    if (!goal_of(z->options) || traffic_of(z, choice, setting))
        return ST_OK;
    if (z->n_traffics == z->traffics_room) {
        size_t room = z->traffics_room ? 2 * z->traffics_room : 16;
        struct size_traffic *larger = ARENA_NEW(z->arena, room, struct size_traffic);
        if (!larger)
            return diag_nomem(d, "runs");
        if (z->n_traffics)
            memcpy(larger, z->traffics, z->n_traffics * sizeof *larger);
        z->traffics = larger;
        z->traffics_room = room;
    }
    z->traffics[z->n_traffics++] =
        (struct size_traffic){scale_of(choice, setting), setting->replicate, figures[SIZE_OFFERED]};
    return ST_OK;
}

/* The most of n that may miss; negative: none of them may. A percentile is of those that completed,
 * n or fewer, and lies between two of them at most. */
static double most_missed(const struct goal *g, const struct expectation *target, double n)
{
    double most;

    if (g->percentile)
        return ceil((n - 1) * (1 - strtod(target->key + strlen(g->key), NULL) / 100)) + 1;
    most = floor((1 - target->bound) * n) + 1;
    while (most >= 0 && !expectation_holds(target, (n - most) / n))
        most--;
    return most;
}

/* Percentiles are told within an error. */
static int64_t limit_ns(const struct goal *g, const struct expectation *target, double sla_ms)
{
    return g->percentile ? ns_from_ms_or_never(target->bound * (1 + QUANTILES_ERROR)) + 1
                         : ns_from_ms_or_never(sla_ms);
}

enum status size_goal(const struct run_goal **goal, const struct sizing *z,
                      const struct size_choice *choice, const struct size_setting *setting,
                      struct diag *d)
{
    const struct expectation *target = z->options->target;
    const struct scenario *sc = z->options->scenario;
    const struct goal *g = goal_of(z->options);
    const struct size_traffic *traffic = traffic_of(z, choice, setting);
    double most = traffic ? most_missed(g, target, traffic->n_offered) : -1;

    *goal = NULL;
    if (most < 0)
        return ST_OK;
    struct run_goal *to = ARENA_NEW(z->arena, 1, struct run_goal);
    if (!to)
        return diag_nomem(d, "runs");
    *to = (struct run_goal){
        .ttft_ns = g->ttft ? limit_ns(g, target, sc->sla.ttft_ms) : INT64_MAX,
        .tpot_ns = g->tpot ? limit_ns(g, target, sc->sla.tpot_ms) : INT64_MAX,
        .e2e_ns = g->e2e ? limit_ns(g, target, 0) : INT64_MAX,
        .completion = !g->percentile,
        .max_missed = (uint64_t)most,
    };
    *goal = to;
    return ST_OK;
}
