/* Why the requests of a run missed, by the rules of reports/causes. */
#include "studies/compare/compare_internal.h"

static const uint8_t no_cause = UINT8_MAX;
_Static_assert((int)N_CAUSES < UINT8_MAX, "a byte for each");

enum status compare_find_causes(struct compare_run *run, struct arena *arena, struct diag *d)
{
    struct recorded *recorded = &run->recorded;
    struct cause_summary unused;
    struct causes *causes = NULL;

    if (!recorded->parts)
        return ST_OK;
    uint8_t *of = ARENA_NEW(arena, recorded->n_requests, uint8_t);
    enum status s = of ? recorded_causes(&causes, &unused, recorded, d) : diag_nomem(d, "causes");
    for (size_t i = 0; i < recorded->n_requests && !s; i++) {
        const struct request_record q = recorded_request_record(recorded, i);
        struct cause_verdict verdict;
        of[i] = causes_verdict(causes, &q, &verdict) ? (uint8_t)verdict.cause : no_cause;
    }
    causes_free(causes);
    run->causes = s ? NULL : of;
    return s;
}

bool compare_cause(enum cause *cause, const struct compare_run *run,
                   const struct recorded_request *q)
{
    if (!run->causes)
        return false;
    uint8_t found = run->causes[q - run->recorded.requests];
    *cause = (enum cause)found;
    return found != no_cause;
}
