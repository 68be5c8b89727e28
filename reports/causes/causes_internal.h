/* The steps of a verdict. */
#ifndef REPORTS_CAUSES_INTERNAL_H
#define REPORTS_CAUSES_INTERNAL_H

#include "reports/causes/causes.h"

/* Sorts the values; NaN of none. */
double quantile_of(double *values, size_t n, double share);

/* ---- by its parts alone ---- */

/* What is kept of a missed request until the end of the run. */
struct miss {
    struct cause_verdict v; /* so far */
    bool look_again;        /* the fleet may be why */
    bool in_line;           /* that is what it missed by */
    bool may_be_ahead;      /* `long_prompt` if v.ahead_tok is long for this run */
    bool gpus;              /* more of its wait for GPUs than for starts */
    int64_t from_ns, to_ns; /* of the wait, or of what it shared with others */
    int64_t ahead_ns;       /* of the wait, by the prompt of v.ahead_tok */
    int64_t backlog_ns;     /* -1 = none at its end */
};

/* false: the request did not miss. */
bool miss_of(struct miss *m, const struct request_record *q, const struct cause_targets *targets);

/* ---- what the pool was doing ---- */

enum course_state { COURSE_FAILED, COURSE_STARTS, COURSE_CLIPPED, COURSE_STEADY, N_COURSE_STATES };

struct course_decision {
    int64_t at_ns, before, after;
    int64_t wanted; /* -1 = not said */
};
/* How a worker came to serve no more. */
enum course_loss {
    LOSS_NONE,  /* it did not, or was called off */
    LOSS_MAYBE, /* drained or was killed: by a decision, or because its node was to go */
    LOSS_SURE   /* it failed, or its node did */
};
struct course_worker {
    int64_t wanted_ns, start_ns, ready_ns; /* -1 = did not happen */
    int64_t gone_ns;                       /* it served no more, or will not */
    enum course_loss loss;
};
/* The state from a moment on, and for how long each has been until then. */
struct course_mark {
    int64_t at_ns;
    enum course_state state;
    int64_t total_ns[N_COURSE_STATES];
};
/* A time in which more requests waited than there were workers. */
struct backlog {
    int64_t from_ns, to_ns;
    int64_t ahead_ns;   /* most that one prompt took of a wait in it, */
    uint32_t ahead_tok; /* and its ISL */
};
struct course {
    struct course_decision *decisions; /* by time */
    struct course_worker *workers;
    struct course_mark *marks; /* by time; the first is at 0 */
    struct backlog *backlogs;  /* by their beginning */
    size_t n_decisions, decisions_capacity, n_workers, workers_capacity, n_marks, marks_capacity,
        n_backlogs, backlogs_capacity;
    int64_t longest_start_ns; /* 0 = unknown */
};

/* Of one in line. */
enum status course_add_backlog(struct course *c, const struct miss *m, struct diag *d);
/* When all is there. */
enum status course_finish(struct course *c, struct diag *d);
void course_free(struct course *c);
/* scratch: room for as many as there are workers, or backlogs. */
void course_lag(const struct course *c, struct cause_lag *lag, double *scratch);

/* The second look. Prompts of more tokens than that are long. */
void course_decide(const struct course *c, const struct miss *m, double long_tok,
                   struct cause_verdict *v);

#endif
