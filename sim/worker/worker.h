/* A worker: its state, and continuous batching on it. */
#ifndef SIM_WORKER_WORKER_H
#define SIM_WORKER_WORKER_H

#include "sim/state/state.h"
#include "sim/worker/decode_run.h"
#include "sim/worker/parts.h"
#include "sim/worker/passes.h"
#include "util/pcg.h"

enum worker_state { WORKER_FREE, WORKER_PENDING, WORKER_STARTING, WORKER_READY, WORKER_DRAINING };

/* What a worker's engine is doing. */
enum step_kind {
    STEP_NONE,   /* idle */
    STEP_SINGLE, /* one step, with prompt chunks in it (or the first of a cold engine) */
    STEP_RUN,    /* decode steps of an unchanged batch */
};

/* A running sequence by the step that makes its last token. */
struct finish_entry {
    uint64_t step, admit_order;
    uint32_t request;
    uint32_t end_context_tok; /* tokens its last step attends to */
};

/* By how much its context is ahead of the count of steps: all its life the same. */
static inline int64_t finish_ahead(const struct finish_entry *e)
{
    return (int64_t)e->end_context_tok - (int64_t)e->step;
}

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
    uint32_t slot, id; /* slot: index in deployment->workers; id: counts up within the pool, never
                          reused; the leader's */
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
    struct queued_work queued;

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
    uint64_t step;             /* decode steps committed */
    int64_t decoded_ns;        /* when the last of them ended */
    uint64_t looked_step;      /* the step before which the queue was looked at */
    uint64_t waits_since_step; /* its first prompt: the step that it could have been in */
    uint64_t
        context_sum_tok; /* tokens that step `step + 1` attends to, summed over the sequences */
    struct finish_entry *finish; /* binary heap by (step, admit_order) */
    uint32_t n_finish, finish_capacity;
    bool longest_known;          /* else it is to be looked for */
    int64_t longest_ahead;       /* the largest of the entries' finish_ahead */
    struct id_array first_next;  /* decoding, first token comes out with the next step */
    struct id_array second_next; /* decoding, second token comes out with the next step */

    /* The step or run in progress. */
    enum step_kind kind;
    int64_t step_start_ns, step_end_ns; /* the leader's */
    struct decode_run run;              /* of all ranks; the leader's */
    struct decode_piece_curve slowest;  /* of the run, where there are ranks; the leader's */
    struct decode_piece own;            /* of its run: this rank by itself, where there are ranks */
    uint32_t run_committed;             /* steps of the run that are accounted for on this rank */
    struct step_plan plan;              /* of the step that runs */
    struct step_plan ahead;             /* with async scheduling: of the one after it */
    bool decode_waits;                  /* prefill first: the sequences sit this step out */
    bool stalled;                       /* they have sat out a step since their last token */
    struct pcg64 rng;                   /* step noise and draft acceptance */
    struct pcg64 life_rng;              /* start-up */
    bool admissions_held;               /* the queue was not looked at for this step */
    bool had_request;                   /* one was bound to it once */
    bool kicked;                        /* in sim->kicked */
    bool warm;                          /* has run a step */

    struct worker_clocks clocks; /* where parts are kept */

    struct last_pass pass; /* where passes are kept */

    /* Gauges. */
    double last_ttft_s, last_isl_tok, last_itl_s; /* -1 = none yet */
    uint64_t n_steps;

    struct worker_record life; /* what has happened to it so far; the leader's */
};

static inline bool worker_leads(const struct worker *w)
{
    return w->state != WORKER_FREE && w->leader == w;
}

/* Of it, in the queue. */
static inline struct event worker_event(const struct worker *w, int64_t at_ns,
                                        enum event_class class, uint32_t generation)
{
    return event_make(at_ns, class, w->pool->deployment->index, w->slot, generation);
}

/* It may start a step at this instant. */
enum status worker_kick(struct sim *sim, struct worker *leader);
enum status worker_enqueue(struct sim *sim, struct worker *w, uint32_t id);
/* Something joined the worker: let its current run end with the step that is running now. */
enum status worker_interrupt(struct sim *sim, struct worker *w);
enum status worker_start_step(struct sim *sim, struct worker *w);
enum status worker_end_step(struct sim *sim, struct worker *w);
/* What its ranks are in the middle of, when it is taken away or the run is over. */
enum status worker_tell_cut_step(struct sim *sim, struct worker *leader);
/* Take a request of any state off its worker, which forgets it and its blocks. */
enum status worker_remove(struct sim *sim, struct worker *w, uint32_t id);
/* Before a worker is taken away with all it has: its step so far was spent on those in it. */
enum status worker_charge_cut_step(struct sim *sim, struct worker *leader);
bool worker_is_empty(const struct worker *leader);
/* A request is bound to the worker from its routing until it leaves. */
void worker_bind(struct worker *w, struct request *r);
void worker_unbind(struct worker *w, struct request *r);
/* A prompt is to be computed here; and no longer is. */
void worker_add_pending(struct worker *w, const struct request *r);
void worker_drop_pending(struct worker *w, const struct request *r);
struct rank_load *worker_rank_load(const struct worker *w);
double worker_load(const struct worker *leader); /* requests bound to it */
/* The rank that gets the next request: least of 4 * waiting + running, as vLLM balances its ranks.
 */
struct worker *worker_choose_rank(struct worker *leader);
void worker_check(const struct sim *sim, const struct worker *w); /* BUG on a broken invariant */

#endif
