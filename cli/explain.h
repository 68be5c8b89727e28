/* The stories that `headroom explain` tells. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "studies/recorded/recorded.h"
#include "util/arena.h"

enum { EXPLAIN_WINDOW_S = 60 };

struct explain {
    const struct recorded *run;
    const struct causes *causes;
    const struct cause_summary *summary;
    struct arena *arena;
};

/* A decision in a line or two: what was asked for, and why. */
void explain_decision(const struct explain *e, const struct recorded_decision *c);

void explain_request(const struct explain *e, size_t i);
/* Of the requests that arrived from then on, for EXPLAIN_WINDOW_S. ST_NOMEM. */
enum status explain_window(const struct explain *e, int64_t from_ns, struct diag *d);

/* Who missed, by how long their prompts and their answers are. */
void explain_classes(const struct explain *e);

#endif
