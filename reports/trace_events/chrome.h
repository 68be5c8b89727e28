/* The writer's state, and how events are written, for the files of this folder only.
 *
 * Processes are the run (decisions), one for each pool (its workers, two tracks or more each) and
 * the requests; of several deployments each has its own of them, and the run one for its nodes.
 * What has a length is written when it is over, so that one event holds it; a reader puts events in
 * order of time, and those of one time in the order of the file. */
#ifndef REPORTS_TRACE_EVENTS_CHROME_H
#define REPORTS_TRACE_EVENTS_CHROME_H

#include "reports/out_file.h"
#include "reports/row.h"
#include "reports/trace_events/trace_events.h"

enum {
    PID_RUN = 1,
    PID_POOL,
    PID_REQUESTS = PID_POOL + POLICY_MAX_POOLS,
    PIDS_PER_DEPLOYMENT = 10 /* from the first ten on, where there are several */
};
/* Tracks of the worker w of a pool: its life, then its ranks. No track has the number of a
 * process, which would make it the main one. */
enum { TIDS_PER_WORKER = 100, TID_DECISIONS = TIDS_PER_WORKER, TID_NODES };

/* A request that is there. */
struct traced_request {
    int64_t arrival_ns, since_ns; /* since_ns: of its phase */
    int64_t prompt_ns;            /* start of the step that ended its prompt on a prefill worker */
    uint32_t prompt_tid, worker;  /* worker: of its phase, or NO_WORKER */
    uint8_t phase, pool;
    bool begun;       /* its slice is in the file */
    bool prompt_here; /* the step at prompt_ns is */
};

/* The last step told of a rank. It is not in the file while the next may go on as it does. */
struct traced_rank {
    struct step_record step;
    bool pending, written, named;
};
struct traced_worker {
    struct traced_rank *ranks;
    uint32_t n_ranks;
    uint32_t last; /* the rank that was told of last */
};

/* First tokens of requests whose prompt came from elsewhere, whose step is not told of yet. */
struct arrow_end {
    int64_t at_ns;
    uint64_t request;
    size_t pool;
    uint32_t worker;
};

/* Of a deployment: where its events go, and what is kept of it. */
struct traced {
    struct trace_events *all;
    const struct run_info *info;
    int pid_base;       /* added to the numbers of its processes */
    int64_t sampled_ns; /* the sample before */
    struct traced_request *requests;
    size_t requests_capacity;
    struct traced_worker *workers[POLICY_MAX_POOLS];
    size_t workers_capacity[POLICY_MAX_POOLS];
    struct arrow_end *arrow_ends;
    size_t n_arrow_ends, arrow_ends_capacity;
};

struct trace_events {
    struct out_file file;
    int64_t from_ns, to_ns;
    bool has_events;
    uint64_t n_arrows;
    size_t n; /* deployments */
    struct traced *of;
    struct traced run; /* of several: what is of all of them */
};

static inline bool chrome_in_span(const struct traced *t, int64_t start_ns, int64_t end_ns)
{
    return end_ns >= t->all->from_ns && start_ns <= t->all->to_ns;
}

static inline int chrome_pool_pid(size_t pool)
{
    return PID_POOL + (int)pool;
}

static inline uint32_t chrome_life_tid(uint32_t worker)
{
    return (worker + 1) * TIDS_PER_WORKER;
}

static inline uint32_t chrome_rank_tid(const struct step_record *step)
{
    return chrome_life_tid(step->worker) + 1 + step->rank;
}

/* ---- events ---- */

/* An event from here to chrome_end, or to chrome_end_args within its arguments. */
void chrome_begin(struct traced *t, struct row *row, const char *phase, const char *name, int pid);
enum status chrome_end(struct traced *t, struct row *row, struct diag *d);
enum status chrome_end_args(struct traced *t, struct row *row, struct diag *d);
void chrome_text(struct row *row, const char *s);
void chrome_key_int(struct row *row, const char *key, int64_t v);
void chrome_arg_int(struct row *row, const char *key, int64_t v); /* one more */
void chrome_arg_text(struct row *row, const char *key, const char *v);
void chrome_at(struct row *row, int64_t ns);
/* Something on a track of a process that lasted. */
void chrome_begin_slice(struct traced *t, struct row *row, const char *name, const char *category,
                        int pid, uint32_t tid);
void chrome_lasts(struct row *row, int64_t start_ns, int64_t end_ns);
enum status chrome_name_track(struct traced *t, int pid, uint32_t tid, const char *name,
                              struct diag *d);
enum status chrome_name_process(struct traced *t, int pid, const char *name, struct diag *d);

/* ---- what the observer is told ---- */

/* workers.c */
enum status chrome_on_step(struct traced *t, const struct step_record *step, struct diag *d);
enum status chrome_on_worker(struct traced *t, const struct worker_record *w, struct diag *d);
/* The rank that took the step which ended then, with the step in the file; NULL: not told of yet.
 */
enum status chrome_ended_step(struct traced *t, size_t pool, uint32_t worker, int64_t at_ns,
                              const struct traced_rank **rank, struct diag *d);
/* The flow of a first token; *ended: its step is known, and the flow done with. */
enum status chrome_end_arrow(struct traced *t, const struct arrow_end *a, bool *ended,
                             struct diag *d);
/* requests.c */
enum status chrome_on_request_event(struct traced *t, const struct event_record *e, struct diag *d);
enum status chrome_on_request(struct traced *t, const struct request_record *q, struct diag *d);
/* moments.c */
enum status chrome_on_node_event(struct traced *t, const struct event_record *e, struct diag *d);
enum status chrome_on_fail(struct traced *t, const struct event_record *e, struct diag *d);
enum status chrome_on_decision(struct traced *t, const struct decision_record *c, struct diag *d);
enum status chrome_on_sample(struct traced *t, const struct sample_record *sample, struct diag *d);

#endif
