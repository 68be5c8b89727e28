/* State of one run, shared by the files of this folder only. */
#ifndef SIM_SIM_INTERNAL_H
#define SIM_SIM_INTERNAL_H

#include "record/observer.h"
#include "record/traffic.h"
#include "sim/config.h"
#include "sim/event_queue.h"
#include "sim/id_array.h"
#include "sim/request.h"
#include "sim/sim.h"
#include "sim/worker/decode_run.h"
#include "util/bug.h"
#include "util/units.h"
#include "util/word_pool.h"

enum worker_state { WORKER_FREE, WORKER_PENDING, WORKER_STARTING, WORKER_READY, WORKER_DRAINING };

/* What a worker's engine is doing. */
enum step_kind {
    STEP_NONE,   /* idle */
    STEP_SINGLE, /* one step, with prompt chunks in it (or the first of a cold engine) */
    STEP_RUN,    /* decode steps of an unchanged batch */
};

/* What routers know of a rank. Whole numbers, as doubles: a router computes with those of every
 * rank. */
struct rank_load {
    double n_requests; /* bound to it */
    double
        prompt_tok; /* of them, prompt tokens to be computed there whose first token is not out */
    double prompt_blocks; /* full blocks of their prompts, each prompt for itself */
};

/* A running sequence by the step that makes its last token. */
struct finish_entry {
    uint64_t step, admit_order;
    uint32_t request;
    uint32_t end_context_tok; /* tokens its last step attends to */
};

/* What a step computes beside the sequences that decode. */
struct step_plan {
    struct step_chunk *chunks; /* capacity max_num_seqs */
    uint32_t n_chunks;
    struct id_array chunked; /* whose chunks they are */
    struct id_array
        completing; /* those among them whose prompts end with this step, in running order */
    struct id_array joining; /* handed-over requests that begin to decode with this step */
};

/* A worker, or one data-parallel rank of it. The ranks schedule for themselves and step together;
 * life cycle and step events are the leader's, rank 0. */
struct worker {
    uint32_t slot, id; /* slot: index in sim->workers; id: counts up within the pool, never reused;
                          the leader's */
    struct pool *pool;
    struct worker *leader; /* itself when it leads */
    struct worker **ranks; /* n_ranks of them, itself first; the leader's */
    uint32_t n_ranks;
    enum worker_state state;
    uint32_t generation;       /* of its step events */
    uint32_t life_generation;  /* of its life-cycle events */
    uint32_t drain_generation; /* of the end of its grace period */
    int64_t idle_since_ns;     /* end of its last step */
    uint32_t place;            /* index in pool->routable while READY */
    uint32_t node;             /* first node it has GPUs on; NO_NODE while PENDING */
    uint32_t n_failed_starts;

    /* GPU time. */
    enum gpu_state gpu_state;
    int64_t gpu_since_ns;
    double share_s; /* seconds of steps so far, each divided by the requests in it */

    /* Requests bound to it. */
    struct request_list waiting;  /* FIFO; preempted ones in front */
    struct request_list arrived;  /* decode pool: their KV is here, they wait for the next step */
    struct request_list running;  /* in order of admission; includes the one being prefilled */
    struct request_list incoming; /* decode pool: prompts done elsewhere that wait for room here */
    uint32_t n_transfers;         /* on their way here, blocks reserved */
    uint32_t n_held;              /* prefill pool: prompts done here whose KV has not left yet */
    uint32_t partial; /* running request whose prompt is not wholly in a plan yet, or NO_REQUEST */
    uint64_t admit_count;

    /* KV. Blocks of decoding sequences grow as steps are committed: `growth[r]` counts the
     * sequences that need a new block at steps s with (s - 1 + r) divisible by the block size. */
    uint32_t kv_blocks;  /* of this rank */
    uint32_t kv_private; /* blocks held by one request alone */
    uint32_t peak_kv_used;
    struct kv_cache *cache; /* shared blocks; NULL without prefix cache */
    struct kv_cache *host;  /* what host memory keeps, all of it inactive; NULL without that tier */
    int64_t load_ns;        /* reading back for the step that is being put together */
    uint16_t *growth;

    /* Decoding sequences. */
    uint32_t n_decode;
    uint64_t step;      /* decode steps committed */
    int64_t decoded_ns; /* when the last of them ended */
    uint64_t
        context_sum_tok; /* tokens that step `step + 1` attends to, summed over the sequences */
    struct finish_entry *finish; /* binary heap by (step, admit_order) */
    uint32_t n_finish, finish_capacity;
    struct id_array first_next;  /* decoding, first token comes out with the next step */
    struct id_array second_next; /* decoding, second token comes out with the next step */

    /* The step or run in progress. */
    enum step_kind kind;
    int64_t step_start_ns, step_end_ns;
    struct decode_run run;
    uint32_t run_committed; /* steps of the run accounted for */
    struct step_plan plan;  /* of the step that runs */
    struct step_plan ahead; /* with async scheduling: of the one after it */
    bool decode_waits;      /* prefill first: the sequences sit this step out */
    bool stalled;           /* they have sat out a step since their last token */
    struct pcg64 rng;       /* step noise and draft acceptance */
    struct pcg64 life_rng;  /* start-up */
    bool admissions_held;   /* the queue was not looked at for this step */
    bool had_request;       /* one was bound to it once */
    bool kicked;            /* in sim->kicked */
    bool warm;              /* has run a step */

    /* Gauges. */
    double last_ttft_s, last_isl_tok, last_itl_s; /* -1 = none yet */
    uint64_t n_steps;
};

struct pool {
    size_t index;
    const struct pool_config *config;
    struct sim *sim;
    uint32_t *routable; /* slots of ready workers, ascending id */
    uint32_t n_routable, routable_capacity;
    uint32_t *routable_ranks; /* slots of their ranks, n_ranks of each worker in turn */
    uint32_t next_worker_id;
    uint64_t round_robin; /* counter of the round-robin router */
    struct pcg64 rng;     /* of the router */
    double *costs;        /* as many: of the workers, while the router draws among them */
    int target, n_starting, n_ready, n_draining;
    int n_pending;                 /* of n_starting: waiting for GPUs */
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

struct sim {
    const struct sim_config *config;
    const struct observer *observer;
    const struct request_source *source;
    struct run_result *result;
    struct diag *diag;

    int64_t now_ns;
    struct event_queue queue;
    struct request_table requests;
    struct word_pool ids;  /* of the prompts in flight */
    bool wants_ids;        /* a pool has a prefix cache */
    uint64_t *key_scratch; /* keys of one prompt when trace and engine blocks do not divide */
    uint32_t key_scratch_capacity;
    struct cluster cluster;
    uint32_t n_nodes_seen; /* whose failures are scheduled */
    struct id_array
        pending;        /* slots of workers that wait for GPUs, in the order they were asked for */
    bool room_appeared; /* since they were last looked at */
    struct worker **workers;
    uint32_t n_workers, workers_capacity;
    /* By worker slot. Together and not in the workers: routers look at all of them. */
    struct rank_load *load;
    struct rank_load *published; /* with a view interval: what routers know of it */
    double *base_cost;           /* of what is bound there: for kv_aware */
    uint32_t *cached_blocks;     /* of a request that is being routed */
    uint32_t first_free_worker;  /* no slot before it is free */
    struct pool pools[POLICY_MAX_POOLS];
    uint32_t *kicked; /* slots of workers that may start a step at this instant */
    uint32_t n_kicked, kicked_capacity;

    struct trace_request next_request;
    bool have_next; /* next_request arrives, at its time */
    bool must_read; /* what arrives next has to be asked for again */
    bool arrivals_over;
    uint64_t n_offered, n_instants;
    uint64_t n_in_flight;
    int64_t last_arrival_ns, last_activity_ns;

    struct traffic_counters traffic;
    struct traffic_counters
        *history; /* snapshots (or scrapes), oldest first, for the policy's windows */
    uint32_t first_history, n_history, history_capacity; /* those before the first are dropped */
    struct traffic_counters window_start, sample_start;

    struct policy_effects effects; /* of the last policy call */
    uint32_t policy_generation;
    struct worker_gauges *gauges;
    uint32_t gauges_capacity;
    int gpus_held, workers_held;

    /* Kept per scaling request, for decisions.jsonl. */
    int n_started[POLICY_MAX_POOLS], n_cancelled[POLICY_MAX_POOLS], n_drained[POLICY_MAX_POOLS],
        n_terminated[POLICY_MAX_POOLS];
};

static inline struct request *sim_request(struct sim *sim, uint32_t id)
{
    return &sim->requests.slot[id];
}
static inline bool sim_measuring(const struct sim *sim, int64_t at_ns)
{
    return at_ns >= sim->config->warmup_ns;
}
/* May a decode worker be sent a prompt that nobody has computed? */
static inline bool sim_prefills_on_decode(const struct sim *sim)
{
    return sim->config->n_pools > 1 &&
           (sim->config->local_prefill_max_tok || sim->config->max_prefill_queue);
}
static inline enum status sim_event(struct sim *sim, enum event_kind kind, uint64_t request,
                                    size_t pool, uint32_t worker)
{
    if (!sim->observer->event)
        return ST_OK;
    struct event_record e = {sim->now_ns, kind, request, pool, worker, NO_NODE};
    return sim->observer->event(sim->observer->context, &e, sim->diag);
}

/* Of a node, or of a worker and the node it is on. */
static inline enum status sim_node_event(struct sim *sim, enum event_kind kind,
                                         const struct worker *w, uint32_t node)
{
    if (!sim->observer->event)
        return ST_OK;
    struct event_record e = {sim->now_ns,           kind, UINT64_MAX, w ? w->pool->index : SIZE_MAX,
                             w ? w->id : NO_WORKER, node};
    return sim->observer->event(sim->observer->context, &e, sim->diag);
}

/* sim.c: the life of a request. */
/* Findable blocks of its prompt, as the pool cuts them. */
enum status sim_prompt(struct sim *sim, const struct pool *pool, const struct request *r,
                       struct kv_prompt *prompt);
/* The last token is out (or there is none): record it and free the slot. */
enum status sim_complete(struct sim *sim, uint32_t id);
/* Its worker is gone: lost, or sent again. */
enum status sim_lose(struct sim *sim, uint32_t id);
enum status sim_kick(struct sim *sim, struct worker *w);

/* route.c: to a worker. */
enum status route_new(struct sim *sim, uint32_t id); /* one that comes from its client */
enum status route(struct sim *sim, struct pool *pool, uint32_t id);
enum status route_unrouted(struct sim *sim, struct pool *pool); /* those that find a worker now */
void route_note_done(struct worker *w);           /* it has a prompt less to compute */
void route_note_load(const struct worker *w);     /* its load has changed */
bool route_waits_for_view(const struct sim *sim); /* requests are held until the workers publish */
const struct rank_load *
route_view(const struct sim *sim); /* what routers know of each rank, by worker slot */
double route_view_requests(const struct pool *pool,
                           uint32_t i);    /* bound to routable worker i, as far as they know */
void route_publish(struct worker *leader); /* now, what routers know of it is what is */
void route_publish_all(struct sim *sim);

/* handoff.c: from a prefill worker to a decode worker. */
enum status handoff_begin(struct sim *sim, uint32_t id);
enum status handoff_grant(struct sim *sim,
                          struct worker *w); /* those of w->incoming that fit now */
enum status handoff_transferred(struct sim *sim, uint32_t id);
/* The source's blocks are given back (also when the request dies elsewhere). */
enum status handoff_release_source(struct sim *sim, struct request *r);

/* worker_kv.c: the blocks of one rank. */
static inline uint32_t blocks_for(uint32_t tokens, uint32_t block_size_tok)
{
    return tokens / block_size_tok + (tokens % block_size_tok != 0);
}
static inline uint32_t worker_block_size(const struct worker *w)
{
    return w->pool->config->engine.block_size_tok;
}
uint32_t worker_kv_used(const struct worker *w); /* blocks that somebody holds */
uint32_t worker_kv_free(const struct worker *w);
void worker_kv_take(struct worker *w, uint32_t blocks);
void worker_kv_give(struct worker *w, uint32_t blocks);
/* Give blocks back; `full_blocks` of them hold computed tokens and may stay as evictable. `tail`:
 * what its request finds again when it comes back; NULL when it does not. */
enum status worker_give_back(struct sim *sim, struct worker *w, struct kv_hold *hold,
                             uint32_t blocks, uint32_t full_blocks, struct kv_tail *tail);
/* Blocks of the prompt's first `limit` that are in its cache. */
enum status worker_cached_blocks(struct sim *sim, struct worker *w, const struct request *r,
                                 uint32_t limit, uint32_t *blocks);
/* Make the prompt's blocks findable up to its first computed_tok tokens. */
enum status worker_share(struct sim *sim, struct worker *w, uint32_t id, uint32_t computed_tok);
/* Take what the prompt (its first `limit` blocks) finds here, if the rest of its blocks fits too
 * and leaves `keep_free`. */
enum status worker_take_hits(struct sim *sim, struct worker *w, uint32_t id, uint32_t limit,
                             uint32_t blocks, uint32_t keep_free, bool *fits);
/* Reserve room for a prompt's KV beside what is here already; false when it does not fit now. */
enum status worker_reserve(struct sim *sim, struct worker *w, uint32_t id, bool *fits);

/* decode_set.c: the sequences that decode. */
bool decode_in_step(const struct worker *w); /* does a step run that holds its blocks already? */
uint32_t decode_covered_tok(const struct worker *w,
                            const struct request *r);             /* tokens whose KV it holds */
uint32_t decode_growth_at(const struct worker *w, uint64_t step); /* blocks that step needs */
/* Start decoding: `tokens_out` are out, the next comes with the next step. */
enum status decode_join(struct sim *sim, struct worker *w, uint32_t id, uint32_t tokens_out);
void decode_leave(struct sim *sim, struct worker *w,
                  uint32_t id); /* its finish entry is the caller's */
void decode_finish_remove(struct worker *w, uint32_t id);
bool decode_pop_finished(struct worker *w, uint32_t *id); /* one that finished with the last step */
uint32_t decode_finishing(const struct worker *w);        /* how many finish with the next step */
/* Gaps of a step that ends now, sequence by sequence: each since its own last token. */
void decode_count_stalled_gaps(struct sim *sim, struct worker *w, int64_t end_ns);
/* Draft tokens that this step had accepted, beside the one it made for sure. */
enum status decode_accept_drafts(struct sim *sim, struct worker *w, int64_t end_ns);
/* Bring the token count and last token time of a decoding request up to date. */
void worker_note_tokens(const struct worker *w, struct request *r);
void worker_drop_pending(struct worker *w,
                         const struct request *r); /* its prompt no longer waits here */
void decode_count_gaps(struct sim *sim, struct worker *w, int64_t total_ns, uint32_t n_steps,
                       uint32_t n_sequences);
enum status decode_first_token(struct sim *sim, struct worker *w, uint32_t id, int64_t at_ns);
enum status decode_advance(struct sim *sim, struct worker *w, uint32_t n, int64_t total_ns,
                           int64_t end_ns);
enum status decode_commit(struct sim *sim, struct worker *w, uint32_t upto);
uint32_t decode_run_length(const struct worker *w);
double decode_longest_context(const struct worker *w);
/* Account for the steps that have ended by now, leaving the run as it is. */
enum status worker_sync(struct sim *sim, struct worker *w);

/* worker.c: batching. */
enum status worker_enqueue(struct sim *sim, struct worker *w, uint32_t id);
/* Something joined the worker: let its current run end with the step that is running now. */
enum status worker_interrupt(struct sim *sim, struct worker *w);
enum status worker_start_step(struct sim *sim, struct worker *w);
enum status worker_end_step(struct sim *sim, struct worker *w);
/* Take a request of any state off its worker, which forgets it and its blocks. */
enum status worker_remove(struct sim *sim, struct worker *w, uint32_t id);
/* Before a worker is taken away with all it has: its step so far was spent on those in it. */
enum status worker_charge_cut_step(struct sim *sim, struct worker *leader);
bool worker_is_empty(const struct worker *leader);
/* A request is bound to the worker from its routing until it leaves. */
void worker_bind(struct worker *w, struct request *r);
void worker_unbind(struct worker *w, struct request *r);
struct rank_load *worker_rank_load(const struct worker *w);
double worker_load(const struct worker *leader); /* requests bound to it */
/* The rank that gets the next request: least of 4 * waiting + running, as vLLM balances its ranks.
 */
struct worker *worker_choose_rank(struct worker *leader);
void worker_check(const struct sim *sim, const struct worker *w); /* BUG on a broken invariant */

/* fleet.c: workers over time. */
enum status fleet_init(struct sim *sim);
void fleet_release(struct sim *sim);
enum status fleet_scale(struct sim *sim, struct pool *pool, int target);
/* A worker without GPUs, which start_worker gets it. */
enum status fleet_worker_new(struct sim *sim, struct pool *pool, struct worker **leader);
void fleet_set_state(struct worker *leader, enum worker_state state);
enum status fleet_worker_event(struct sim *sim, const struct worker *w, enum event_kind kind);
enum status fleet_worker_ready(struct sim *sim, struct worker *w);
void fleet_withdraw(struct sim *sim, struct worker *w); /* not routable any more: it drains */
/* Withdrawn, and what it has may end within grace_ns (TIME_NEVER: whenever it does). */
enum status fleet_drain_worker(struct sim *sim, struct worker *w, int64_t grace_ns);
enum status fleet_stop_worker(struct sim *sim,
                              struct worker *w); /* empty: it gives its GPUs back */
enum status fleet_kill_worker(struct sim *sim,
                              struct worker *w); /* at once, with everything on it */
enum status fleet_remove_drained(struct sim *sim, struct worker *w);
void fleet_set_gpu_state(struct sim *sim, struct worker *w, enum gpu_state state);
void fleet_close(struct sim *sim); /* account GPU time up to now */
void fleet_note_rank_results(const struct worker *leader);
static inline bool worker_leads(const struct worker *w)
{
    return w->state != WORKER_FREE && w->leader == w;
}

/* startup.c: from a worker that is wanted to one that is ready. */
/* at_once: it has been there all along (the replicas of time 0, for which there is room). */
enum status startup_begin(struct sim *sim, struct pool *pool, bool at_once);
enum status startup_ends(struct sim *sim, struct worker *w);
enum status
startup_place_pending(struct sim *sim); /* GPUs for those that wait, where there are any now */
enum status startup_restore(struct sim *sim); /* start what is missing to the pools' targets */

/* failures.c: what breaks. */
enum status failures_schedule_worker(struct sim *sim, const struct worker *w);
enum status failures_schedule_nodes(struct sim *sim); /* those that have appeared */
enum status failures_worker_fails(struct sim *sim, struct worker *w);
enum status failures_node(struct sim *sim, enum event_class what, uint32_t node);

/* metrics.c: what can be seen. */
struct traffic_window traffic_since(const struct sim *sim, const struct traffic_counters *start);
enum status metrics_sync(struct sim *sim);     /* commit every worker's steps up to now */
bool metrics_out(const struct sim *sim);       /* nothing can be read now */
enum status metrics_snapshot(struct sim *sim); /* remember the counters as of now */
enum status metrics_begin(struct sim *sim); /* the first snapshot, or the first scrape on its way */
enum status
metrics_expect_call(struct sim *sim); /* of the policy: its window may begin between now and then */
enum status metrics_scrape(struct sim *sim); /* that is due, and the next on its way */
/* Traffic of the last window_ns, as far as it can be known. */
struct traffic_window metrics_window(const struct sim *sim, int64_t window_ns);
enum status metrics_gauges(struct sim *sim, size_t *n);

#endif
