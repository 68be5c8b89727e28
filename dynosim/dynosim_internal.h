/* State of one run of the reference's engine, shared by the files sim/dynosim*.c only. */
#ifndef DYNOSIM_DYNOSIM_INTERNAL_H
#define DYNOSIM_DYNOSIM_INTERNAL_H

#include "dynosim/blocks.h"
#include "dynosim/dynosim.h"
#include "dynosim/parts.h"
#include "dynosim/queue.h"
#include "record/places.h"
#include "record/traffic.h"
#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"

#define NO_ID UINT32_MAX

/* Blocks a request holds on one worker, in order. */
struct block_list {
    uint32_t *block;
    uint32_t n, capacity;
};

struct dyno_request {
    /* Touched by every pass; of the worker it runs on. */
    uint32_t known_tok;    /* L: prompt + tokens generated so far */
    uint32_t computed_tok; /* C: KV is there or being computed */
    uint32_t before_tok;   /* C before the pass that runs */
    uint32_t end_tok;      /* L at which it leaves */
    uint32_t isl_tok;
    uint32_t n_findable; /* leading blocks that have been published or were hits */
    struct block_list blocks;
    int64_t last_token_ns; /* -1 = none yet */
    bool recomputing;      /* preempted, and not back to where it was */
    bool handed_over; /* its KV came with it: needs no admission test, no budget, no new block */

    uint64_t index;
    uint32_t osl_tok, n_output_tok;
    uint32_t n_preemptions, cached_tok;
    uint32_t next, previous; /* in the list it stands in */
    uint32_t worker, source; /* where it is bound; the prefill worker that holds its KV; NO_ID */
    uint32_t prefill_id, worker_id; /* for the record */
    uint32_t routed_tok;            /* its share of the router's pending prompt tokens */
    int64_t arrival_ns, scheduled_ns, prefill_done_ns, first_token_ns, second_token_ns;
    struct block_list source_blocks;
    uint64_t *keys; /* of the full blocks of its prompt, each with all before it */
    uint32_t n_keys, keys_capacity;
    uint8_t place;         /* record/places.h */
    bool is_used, is_over; /* slot in use; recorded (the source may still hold its blocks) */
};

struct dyno_list {
    uint32_t head, tail, n;
};

/* What is done between the end of passes and the start of the next ones, first in, first out. */
enum action_kind { ACTION_SUBMIT, ACTION_RESERVE, ACTION_ACTIVATE, ACTION_RELEASE_SOURCE };
struct action {
    enum action_kind kind;
    uint32_t request;
};
struct action_list {
    struct action *action;
    uint32_t head, n, capacity; /* n from head on */
};

enum dyno_worker_state { DYNO_STARTING, DYNO_READY, DYNO_DRAINING, DYNO_GONE };

/* What waits for a pass of a worker: prompts in full, whatever will hit; those that were preempted
 * by what they hold; all of a decode worker decode, by their prompts. */
struct dyno_queued {
    uint32_t n_prefill, n_decode;
    uint64_t prefill_tok, decode_tok;
};

/* What the last pass held, for the planner and for the observer. */
struct pass_snapshot {
    int64_t start_ns;
    uint64_t prefill_tok, queued_tok, decode_tok;
    uint32_t n_prefill, n_decode;
    struct fpm_record published; /* what it publishes when it ends */
};

struct dyno_worker {
    uint32_t slot,
        id; /* slot: index in run->workers, never reused; id: counts up within the pool */
    struct dyno_pool *pool;
    enum dyno_worker_state state;

    struct block_pool kv;
    uint32_t *running; /* in order of admission; room for max_num_seqs */
    uint32_t n_running;
    struct dyno_list waiting;
    struct dyno_list rejected; /* by the pass that runs; over at its end */
    struct step_chunk *chunks; /* only with latency model tables */

    bool busy;
    bool kicked;
    bool made_room; /* its last try for a pass did nothing but preempt: there is to be another */

    /* Decode pool. */
    struct dyno_list reservations; /* waiting for room */
    bool head_failed;
    uint32_t n_transfers; /* granted, not activated */
    /* Put off until the end of the pass. */
    struct action_list deferred;
    uint32_t n_held;      /* prefill pool: requests whose blocks are kept for their transfer */
    int64_t link_free_ns; /* prefill pool: when the last of its transfers ends */

    /* What the router knows. */
    uint64_t pending_tok;  /* P */
    uint64_t bound_blocks; /* decode pool: full prompt blocks of the requests bound here */
    uint32_t n_bound;      /* requests routed here and not over */
    struct key_map
        active; /* agg pool: contents of prompt blocks to the number of requests with it */

    struct dyno_queued queued;
    struct pass_snapshot snapshot;
    struct fpm_record published;                  /* by the last pass that ended */
    int64_t published_ns;                         /* -1 = none yet */
    double last_ttft_s, last_isl_tok, last_itl_s; /* -1 = none yet */

    enum gpu_state gpu_state;
    int64_t gpu_since_ns;
    uint32_t peak_in_use;

    struct worker_record life; /* what has happened to it so far */
    struct dyno_clocks clocks; /* where parts are kept */
};

struct dyno_pool {
    size_t index;
    const struct dynosim_pool *config;
    struct pool_result *result;
    uint32_t *ready; /* slots of ready workers, ascending id */
    uint32_t n_ready, ready_capacity;
    uint32_t next_id;
    uint32_t next_turn; /* of round robin */
    int target, n_starting, n_draining;
    struct dyno_list unrouted;    /* no worker was ready */
    int64_t gpu_ns[N_GPU_STATES]; /* worker time */
    struct pool_clock clock;
    struct pool_line line; /* where parts are kept */
};

struct dyno_counters {
    int64_t at_ns;
    struct traffic_window total;
};

struct dyno_run {
    const struct dynosim_config *config;
    const struct dynosim_semantics *semantics;
    const struct observer *observer;
    const struct request_source *source;
    struct run_result *result;
    struct diag *diag;

    int64_t now_ns;
    struct dyno_queue queue;
    struct dyno_request *requests;
    uint32_t n_requests, requests_capacity,
        free_request;        /* slots; free ones are linked by `next` */
    struct dyno_kept *parts; /* by slot of the request; only where they are kept */
    uint32_t parts_capacity;
    struct dyno_worker **workers;
    uint32_t n_workers, workers_capacity;
    struct dyno_pool pools[POLICY_MAX_POOLS];
    struct action_list actions;
    uint32_t *kicked; /* idle workers to which something happened at this instant */
    uint32_t n_kicked, kicked_capacity;
    struct pcg64 ties;
    double *costs; /* of a pool's ready workers */
    uint32_t costs_capacity;

    struct trace_request next;
    int64_t next_arrival_ns;
    bool have_next;
    uint64_t n_offered, n_in_flight, n_instants;
    int64_t moved_ns;          /* when a request last came, ended, or had a pass end */
    uint64_t n_events_unmoved; /* since one came or ended, windows and samples aside */

    struct dyno_counters traffic, window_start, sample_start, policy_start;
    struct first_tokens first_tokens, window_first_tokens; /* now, and as of window_start */
    struct places places;                                  /* of the requests */
    struct policy_effects effects;
    struct worker_gauges *gauges;
    uint32_t gauges_capacity;
    struct fpm_record *passes[POLICY_MAX_POOLS];
    uint32_t passes_capacity[POLICY_MAX_POOLS];
    int workers_held, gpus_held;
    int n_started[POLICY_MAX_POOLS], n_cancelled[POLICY_MAX_POOLS], n_drained[POLICY_MAX_POOLS];
};

static inline void dyno_move(struct dyno_run *run, uint32_t id, uint8_t place)
{
    places_move(&run->places, &run->requests[id].place, place, run->now_ns);
}
static inline struct dyno_pool *dyno_last_pool(struct dyno_run *run)
{
    return &run->pools[run->config->n_pools - 1];
}

/* dynosim_request.c */
enum status dyno_request_add(struct dyno_run *run, uint32_t *id);
void dyno_request_remove(struct dyno_run *run,
                         uint32_t id); /* gives the slot back once nothing holds it */
void dyno_requests_release(struct dyno_run *run);
enum status dyno_request_set_keys(struct dyno_run *run, struct dyno_request *r,
                                  const struct trace_request *t);
/* Key of its block i on a worker: of the prompt, else of generated tokens that nobody shares. */
uint64_t dyno_request_key(const struct dyno_request *r, uint32_t i);
enum status dyno_blocks_reserve(struct dyno_run *run, const struct dyno_worker *w,
                                struct dyno_request *r);
void dyno_list_init(struct dyno_list *l);
void dyno_list_push_back(struct dyno_run *run, struct dyno_list *l, uint32_t id);
void dyno_list_push_front(struct dyno_run *run, struct dyno_list *l, uint32_t id);
void dyno_list_remove(struct dyno_run *run, struct dyno_list *l, uint32_t id);
enum status dyno_action_push(struct dyno_run *run, struct action_list *l, enum action_kind kind,
                             uint32_t id);

/* dynosim.c: the life of a request. */
enum status dyno_route(struct dyno_run *run, struct dyno_pool *pool, uint32_t id);
enum status dyno_finish(struct dyno_run *run, uint32_t id, enum outcome outcome);
enum status dyno_kick(struct dyno_run *run, struct dyno_worker *w);
enum status dyno_event(struct dyno_run *run, enum event_kind kind, uint32_t id,
                       const struct dyno_worker *w);

/* dynosim_worker.c: passes. */
struct dyno_hits {
    uint32_t n, n_referenced;
};
/* Leading blocks of the request that can be found on the worker, at most `max`. */
struct dyno_hits dyno_find_hits(const struct dyno_worker *w, const struct dyno_request *r,
                                uint32_t max);
/* Hold n hits and take private blocks up to n_blocks. There must be room. */
void dyno_take_blocks(struct dyno_worker *w, struct dyno_request *r, uint32_t n_hits,
                      uint32_t n_blocks);
/* Its full blocks up to that many tokens can be hit from now on. */
void dyno_publish(struct dyno_worker *w, struct dyno_request *r, uint32_t tokens);
void dyno_drop_blocks(struct dyno_worker *w,
                      struct block_list *blocks); /* from the tail to the head */
/* *started = false: there was nothing to do, or nothing but to preempt. A pass of zero length is
 * over on return. */
enum status dyno_start_pass(struct dyno_run *run, struct dyno_worker *w, bool *started);
enum status dyno_end_pass(struct dyno_run *run, struct dyno_worker *w);
bool dyno_worker_is_empty(const struct dyno_worker *w);
/* It waits there, or no longer. What it has made does not change in between. */
void dyno_queue_count(struct dyno_worker *w, const struct dyno_request *r, bool waits);
/* Why its queue does not move, unless for room. */
enum line_reason dyno_line_at(const struct dyno_worker *w);

/* What it is in the middle of, when the run is over. */
enum status dyno_tell_cut_pass(struct dyno_run *run, struct dyno_worker *w);

/* dynosim_pass_time.c: how long the scheduled pass takes; its prefill and decode part each rounded.
 */
int64_t dyno_pass_ns(struct dyno_run *run, struct dyno_worker *w);

/* dynosim_handoff.c: from a prefill worker to a decode worker. */
enum status dyno_handoff_run(struct dyno_run *run); /* every action of the list */
enum status dyno_try_reservation(struct dyno_run *run, struct dyno_worker *w);
enum status dyno_transferred(struct dyno_run *run, uint32_t id);
enum status dyno_check_reservation(struct dyno_run *run, const struct dyno_worker *w, uint32_t id);

/* dynosim_router.c */
enum status dyno_choose(struct dyno_run *run, struct dyno_pool *pool, uint32_t id,
                        struct dyno_worker **w);
/* The router's books: bound to the worker; first token out (prefill pool: done); gone. */
enum status dyno_router_bind(struct dyno_run *run, struct dyno_worker *w, struct dyno_request *r);
void dyno_router_prefilled(struct dyno_worker *w, struct dyno_request *r);
void dyno_router_unbind(struct dyno_worker *w, struct dyno_request *r);

/* dynosim_fleet.c: workers over time. */
enum status dyno_fleet_init(struct dyno_run *run);
void dyno_fleet_release(struct dyno_run *run);
/* The run ends: account for GPU time up to now, and tell of the workers that are left. */
enum status dyno_fleet_close(struct dyno_run *run);
enum status dyno_fleet_scale(struct dyno_run *run, struct dyno_pool *pool, int target);
enum status dyno_worker_ready(struct dyno_run *run, struct dyno_worker *w);
enum status dyno_remove_drained(struct dyno_run *run, struct dyno_worker *w);
void dyno_set_gpu_state(struct dyno_run *run, struct dyno_worker *w, enum gpu_state state);

/* dynosim_observe.c: what can be seen from outside. */
void dyno_count_completion(struct dyno_run *run, const struct dyno_request *r);
enum status dyno_report(struct dyno_run *run, const struct dyno_request *r, enum outcome outcome);
enum status dyno_close_window(struct dyno_run *run);
enum status dyno_take_sample(struct dyno_run *run);
enum status dyno_call_policy(struct dyno_run *run);

#endif
