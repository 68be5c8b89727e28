/* A run read back from the folder that `headroom run --out` wrote.
 *
 * The files have to be those of one run, and whole: what is torn or from elsewhere is refused with
 * its line. Everything is in the arena. */
#ifndef STUDIES_RECORDED_RECORDED_H
#define STUDIES_RECORDED_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "record/observer.h"
#include "record/parts.h"
#include "reports/capacity.h"
#include "reports/causes/causes.h"
#include "util/arena.h"
#include "util/status.h"

/* Of requests.csv. Times are ns of the run's clock, -1 = none. */
struct recorded_request {
    uint64_t index; /* row of the trace */
    int64_t arrival_ns, ttft_ns, tpot_ns, e2e_ns;
    int64_t scheduled_ns, prefill_done_ns, first_token_ns, last_token_ns;
    uint32_t input_tok, output_tok; /* as in the trace */
    enum outcome outcome;
    bool measured; /* arrived in the measured span */
    bool good;     /* completed within both targets */
    uint32_t n_output_tok, cached_tok, n_attempts, n_preemptions;
    uint32_t prefill_worker, worker;        /* ids; NO_WORKER */
    int64_t ttft_target_ns, tpot_target_ns; /* of its own; 0, -1 = those of the run */
    bool decoded_elsewhere;                 /* on a worker of another deployment */
};

/* Of timeline.csv: a pool at a time. */
struct recorded_sample {
    int64_t at_ns;
    size_t pool; /* index */
    int64_t target, ready, starting, draining;
    /* NaN: there is none. Rates are of the whole deployment, since the sample before. */
    double n_waiting, n_running, kv_utilization, offered_per_s, completed_per_s;
};

/* Of decisions.jsonl. NaN = null. */
struct recorded_forecast {
    double n_requests, isl_tok, osl_tok;
};
struct recorded_pool_decision {
    int64_t target, ready, starting, draining; /* before it */
    double correction;
    double wanted;  /* before budgets */
    double applied; /* the new target; NaN: left as it was */
};
struct recorded_decision {
    int64_t at_ns;
    uint64_t number;
    const char *kind, *reason; /* NULL = none */
    struct recorded_forecast seen, predicted;
    double seen_ttft_ms, seen_itl_ms;
    double estimated_ttft_ms, estimated_itl_ms; /* at most; a planner on forward passes has them */
    struct recorded_pool_decision pools[POLICY_MAX_POOLS]; /* in the order of the run's */
};

/* Of windows.csv. */
struct recorded_window {
    int64_t from_ns, to_ns;
    struct capacity_window pools[POLICY_MAX_POOLS];
};

struct yaml_node;
struct recorded {
    const char *dir;
    const char *deployment; /* which of several; NULL: the only one */
    /* Of summary.json, which has all of them. */
    const char *scenario, *version, *trace_digest, *policy;
    int64_t ttft_target_ns, tpot_target_ns;
    size_t n_pools;
    const char *pools[POLICY_MAX_POOLS];
    /* Its requests are decoded in other deployments, whose pool is then pools[1]. */
    bool only_prefills;
    const struct yaml_node *summary; /* for recorded_figure */

    size_t n_requests;
    const struct recorded_request *requests; /* by index */
    const struct request_parts *parts; /* of each of them; NULL where the run did not keep them */
    size_t n_samples;                  /* 0 where the run had no timeline */
    const struct recorded_sample *samples; /* by time */
    size_t n_workers;                      /* 0 where the run was of an earlier version */
    const struct worker_record *workers;   /* of workers.csv; by pool and id */
    size_t n_decisions;
    const struct recorded_decision *decisions; /* by time */
    size_t n_windows; /* 0 until recorded_read_windows, and where there are none */
    const struct recorded_window *windows; /* by time */
};

/* How many pools its requests can wait for: pools[0] and on. */
static inline size_t recorded_n_waits(const struct recorded *run)
{
    return run->n_pools + run->only_prefills;
}

/* What the request is judged by, ns. */
static inline int64_t recorded_ttft_target(const struct recorded_request *q,
                                           const struct recorded *run)
{
    return q->ttft_target_ns > 0 ? q->ttft_target_ns : run->ttft_target_ns;
}
static inline int64_t recorded_tpot_target(const struct recorded_request *q,
                                           const struct recorded *run)
{
    return q->tpot_target_ns > 0 ? q->tpot_target_ns : run->tpot_target_ns;
}

/* `deployment`: which of several in the run; NULL = the only one. ST_INPUT: no folder, a file of it
 * is missing, torn, or not one of a run, with file, line and column. ST_IO, ST_NOMEM. */
enum status recorded_read(struct recorded *run, struct arena *arena, const char *dir,
                          const char *deployment, struct diag *d);

/* The same without run->requests and run->parts: the requests are told one by one, in the order in
 * which they ended, and not kept. Those of a file that turns out to be torn have been told until
 * there. */
struct recorded_visitor {
    void *context;
    /* parts NULL: the run did not keep them. */
    enum status (*request)(void *context, const struct recorded_request *q,
                           const struct request_parts *parts, struct diag *d);
};
enum status recorded_visit(struct recorded *run, struct arena *arena, const char *dir,
                           const char *deployment, const struct recorded_visitor *visitor,
                           struct diag *d);

/* ---- several deployments ---- */

/* Of summary.json alone: what a run of several deployments says of all of them. n = 0: it has one,
 * and `all` nothing but its figures. */
struct recorded_whole {
    /* For recorded_figure, _text, _interval and _note; its policy is NULL where they differ. */
    struct recorded all;
    size_t n;
    const char **names;
};
/* ST_INPUT, ST_IO, ST_NOMEM. */
enum status recorded_read_whole(struct recorded_whole *whole, struct arena *arena, const char *dir,
                                struct diag *d);

/* Each of the deployments, in their order, as recorded_read, or with a visitor for each as
 * recorded_visit: requests.csv is read once. Errors as of these. */
enum status recorded_read_each(struct recorded *const *runs, struct arena *arena,
                               const struct recorded_whole *whole,
                               const struct recorded_visitor *visitors, struct diag *d);

/* Of grants.jsonl: what an arbiter granted a deployment. Texts are in the arena. */
struct recorded_grant {
    int64_t at_ns;
    const char *deployment;
    const char *asker; /* NULL: nobody, other nodes were there */
    const char *grant; /* how: as_asked, taken, ... */
    size_t n_pools;
    struct {
        const char *name;
        int64_t wanted, before, granted; /* replicas; targets */
    } pools[POLICY_MAX_POOLS];
};
/* By time; *n is 0 where the run had no arbiter. ST_INPUT, ST_IO, ST_NOMEM. */
enum status recorded_read_grants(const struct recorded_grant **grants, size_t *n,
                                 struct arena *arena, const char *dir, struct diag *d);

/* ---- out of the run itself ---- */

/* What recorded_visit finds in the files, collected from the records of a run while it goes on, and
 * rounded as the files are: both are the same to the bit. */
struct collected; /* opaque */

/* NULL: no memory. */
struct collected *collected_new(void);
void collected_free(struct collected *c);
/* What an observer is told; ST_NOMEM. */
enum status collected_sample(struct collected *c, const struct sample_record *s, struct diag *d);
enum status collected_worker(struct collected *c, const struct worker_record *w, struct diag *d);
enum status collected_decision(struct collected *c, const struct decision_record *r,
                               struct diag *d);
/* Requests are not kept: a row of requests.csv, for whoever keeps something of it. */
struct recorded_request collected_request(const struct request_record *q, int64_t ttft_target_ns,
                                          int64_t tpot_target_ns);
/* When the run is over and its summary.json written, of which the figures are. *run borrows from
 * `c`, and has no requests. Errors as of recorded_read. */
enum status collected_finish(struct recorded *run, const struct collected *c, struct arena *arena,
                             const char *dir, struct diag *d);

/* A request as its run told it, with its parts, which it borrows. */
struct request_record recorded_record(const struct recorded_request *q,
                                      const struct request_parts *parts);
/* Of one that was kept; needs run->parts. */
struct request_record recorded_request_record(const struct recorded *run, size_t i);
/* Why its requests missed (reports/causes/causes.h); needs run->parts. The caller frees *causes,
 * also after an error. ST_NOMEM. */
enum status recorded_causes(struct causes **causes, struct cause_summary *summary,
                            const struct recorded *run, struct diag *d);
/* The same where requests are not kept: add each of them to the causes between these two. NULL, or
 * ST_NOMEM: no memory. */
struct causes *recorded_causes_new(const struct recorded *run);
enum status recorded_causes_finish(struct causes *causes, struct cause_summary *summary,
                                   const struct recorded *run, struct diag *d);

/* What its pools could do by window, when it has its summary; a run without has none, and it is no
 * error. */
enum status recorded_read_windows(struct recorded *run, struct arena *arena, struct diag *d);
/* What one of its pools was short of, and had too much (short_worker_s, short_windows and the
 * GPU-hours); false: the run did not keep it. */
bool recorded_capacity(struct capacity_total *total, const struct recorded *run, size_t pool);

/* The number under a dotted key of summary.json; NaN for null, for what is no number, and for a key
 * that is not there. */
double recorded_figure(const struct recorded *run, const char *key);
/* The text under one; NULL where there is none. */
const char *recorded_text(const struct recorded *run, const char *key);
/* Of its policy: which of those of the name; NULL = there is only one. Not of a whole. */
const char *recorded_generation(const struct recorded *run);
/* The interval that another such run's figure lies in; false: the run has none of it. */
bool recorded_interval(double *low, double *high, const struct recorded *run, const char *key);
/* Of `notes`, from 0 on; NULL after the last. */
const char *recorded_note(const struct recorded *run, size_t i);

#endif
