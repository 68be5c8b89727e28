/* What a run consists of, for every part of it: the run, its pools, and how they tell the observer.
 * A part's own state is in the part's header. */
#ifndef SIM_STATE_STATE_H
#define SIM_STATE_STATE_H

#include "record/line.h"
#include "record/observer.h"
#include "record/places.h"
#include "record/pool_clock.h"
#include "record/run_result.h"
#include "record/traffic.h"
#include "sim/state/cluster.h"
#include "sim/state/config.h"
#include "sim/state/event_queue.h"
#include "sim/state/id_array.h"
#include "sim/state/request.h"
#include "traces/request_source.h"
#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"
#include "util/word_pool.h"

struct fleet;
struct kept_parts;
struct kv_store;
struct metrics;
struct sim;
struct worker;

/* What routers know of a rank. Whole numbers, as doubles: a router computes with those of every
 * rank. */
struct rank_load {
    double n_requests; /* bound to it */
    double
        prompt_tok; /* of them, prompt tokens to be computed there whose first token is not out */
    double prompt_blocks; /* full blocks of their prompts, each prompt for itself */
};

struct pool {
    size_t index; /* within its deployment */
    const struct pool_config *config;
    struct deployment *deployment;
    uint32_t *routable; /* slots of ready workers, ascending id */
    uint32_t n_routable, routable_capacity;
    uint32_t *routable_ranks; /* slots of their ranks, n_ranks of each worker in turn */
    uint32_t next_worker_id;
    void *router; /* state of its router */
    int target, n_starting, n_ready, n_draining;
    int n_pending; /* of n_starting: waiting for GPUs */
    /* What the policy asked for, when (-1 = what was there at the start), and how many of them are
     * without GPUs since then; and would be if the wish had lapsed. */
    int wanted;
    int64_t wanted_ns;
    int n_unserved, n_unserved_lapsed;
    int64_t unserved_since_ns;
    struct pool_clock clock;
    struct pool_line line;         /* where parts are kept */
    struct request_list unrouted;  /* wait for a worker */
    bool unrouted_may_go;          /* one of them may have a worker now */
    struct kv_store *kv, *host_kv; /* of its workers' caches; NULL without them */
    struct pool_result *result;
};

/* Counters since the start of the run; windows are differences of two snapshots. */
struct traffic_counters {
    int64_t at_ns;
    struct traffic_window total; /* length_s unused */
};

/* Requests as they come: of one deployment, or of an endpoint with all of them behind it. */
struct stream {
    const struct request_source *source;
    struct deployment *only; /* they are for it; NULL: the endpoint says who gets a request */
    struct trace_request next;
    bool have_next; /* it arrives, at its time */
    bool must_read; /* what arrives next has to be asked for again */
    bool over;      /* nothing comes any more */
    bool stopped;   /* its time is up */
    uint64_t n_arrived;
};

/* Its pools and its policy. What happens in one deployment moves another by the GPUs it leaves,
 * and, behind an endpoint, by the prompts that the other decodes. */
struct deployment {
    size_t index;
    const struct deployment_config *config;
    struct sim *sim;
    uint64_t seed; /* of its streams */
    struct stream *stream;
    struct run_result *result;
    struct pool pools[POLICY_MAX_POOLS];

    struct worker **workers;
    uint32_t n_workers, workers_capacity;
    uint32_t first_free_worker; /* no slot before it is free */
    /* By worker slot. Together and not in the workers: routers look at all of them. */
    struct rank_load *load;
    struct rank_load *published; /* with a view interval: what routers know of it */
    int gpus_held, workers_held;

    bool wants_ids;                  /* a pool has a prefix cache */
    uint64_t n_offered, n_in_flight; /* of those that came to it */

    struct traffic_counters traffic;
    struct first_tokens first_tokens;
    struct places places;    /* of the requests */
    struct metrics *metrics; /* sim/metrics.h */

    struct policy_effects effects; /* of the last policy call */
    struct policy_stall stall;     /* that goes on; n_calls 0 = none does */
    uint32_t policy_generation;

    /* Kept per scaling request, for decisions.jsonl. */
    int n_started[POLICY_MAX_POOLS], n_cancelled[POLICY_MAX_POOLS], n_drained[POLICY_MAX_POOLS],
        n_terminated[POLICY_MAX_POOLS];
};

/* What all deployments share. */
struct sim {
    const struct sim_config *config;
    const struct observer *observer;
    struct diag *diag;

    int64_t now_ns;
    struct event_queue queue;
    struct request_table requests;
    struct kept_parts *parts; /* by request slot; NULL = nobody wants them */
    uint32_t parts_capacity;
    struct word_pool ids;  /* of the prompts in flight */
    uint64_t *key_scratch; /* keys of one prompt when trace and engine blocks do not divide */
    uint32_t key_scratch_capacity;

    struct cluster cluster;
    struct fleet *fleet; /* sim/fleet/fleet.h */
    struct deployment *deployments;
    size_t n_deployments;
    struct stream *streams;
    size_t n_streams;
    struct worker **kicked; /* may start a step at this instant */
    uint32_t n_kicked, kicked_capacity;
    bool unrouted_may_go;    /* in one of the pools */
    bool must_read;          /* from one of the streams */
    int64_t next_arrival_ns; /* of all streams; TIME_NEVER = none is known */

    uint64_t n_instants, n_events;
    uint64_t n_node_failures, n_reclaims;
    int peak_workers, peak_gpus, peak_pending; /* of all deployments together */
    int64_t moved_ns;          /* when a request last came, ended, or had a step end */
    uint64_t n_events_unmoved; /* since one came or ended, windows and samples aside */
};

static inline struct request *sim_request(struct sim *sim, uint32_t id)
{
    return &sim->requests.slot[id];
}
static inline struct deployment *sim_deployment_of(const struct sim *sim, const struct request *r)
{
    return &sim->deployments[r->deployment];
}
static inline struct deployment *sim_home_of(const struct sim *sim, const struct request *r)
{
    return &sim->deployments[r->home];
}
static inline struct pool *deployment_decode_pool(struct deployment *d)
{
    return &d->pools[d->config->n_pools - 1];
}
/* Of what is kept by pool of one request, whose decode pool may be another deployment's. */
static inline size_t pool_side(const struct pool *pool)
{
    return pool->config->role == POOL_DECODE;
}
static inline bool sim_measuring(const struct sim *sim, int64_t at_ns)
{
    return at_ns >= sim->config->warmup_ns;
}
/* May a decode worker be sent a prompt that nobody has computed? */
static inline bool deployment_prefills_on_decode(const struct deployment *d)
{
    return d->config->n_pools > 1 &&
           (d->config->local_prefill_max_tok || d->config->max_prefill_queue);
}
static inline void deployment_move(struct deployment *d, struct request *r, uint8_t place)
{
    places_move(&d->places, &r->place, place, d->sim->now_ns);
}
/* A random stream of the deployment. */
static inline void deployment_stream(const struct deployment *d, struct pcg64 *rng,
                                     const char *purpose, uint64_t entity)
{
    pcg64_stream(rng, d->seed, purpose, entity);
}
static inline enum status deployment_event(const struct deployment *d, enum event_kind kind,
                                           uint64_t request, size_t pool, uint32_t worker)
{
    const struct sim *sim = d->sim;
    if (!sim->observer->event)
        return ST_OK;
    struct event_record e = {sim->now_ns, kind, request, pool, worker, NO_NODE, d->index};
    return sim->observer->event(sim->observer->context, &e, sim->diag);
}

#endif
