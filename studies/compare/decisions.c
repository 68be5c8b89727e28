/* Where two policies part: the first moment after which they want other fleets. */
#include <math.h>
#include <string.h>

#include "studies/compare/compare_internal.h"

const char *const compare_input_names[] = {"fleet", "tick",      "workers",
                                           "seen",  "predicted", "settings"};
const char *const compare_input_texts[] = {
    "they begin with other fleets",
    "only one of them decided at that time",
    "other workers were there: the runs had parted before",
    "other traffic was seen: the runs had parted before",
    "the same was seen, but another forecast made of it",
    "the same was seen and predicted: the policies or their settings differ",
};

/* The targets of a run as its decisions go by. */
struct walk {
    const struct recorded *run;
    size_t next;
    const struct recorded_decision *last; /* NULL = none yet */
    int64_t before[POLICY_MAX_POOLS], target[POLICY_MAX_POOLS];
};

static void walk_init(struct walk *w, const struct recorded *run)
{
    *w = (struct walk){.run = run};
    for (size_t i = run->n_samples; i-- > 0;)
        w->target[run->samples[i].pool] = run->samples[i].target; /* the first of each pool stays */
    for (size_t p = 0; p < run->n_pools && run->n_decisions; p++)
        w->target[p] = run->decisions[0].pools[p].target;
    memcpy(w->before, w->target, sizeof w->before);
}

/* Nobody's turn any more: INT64_MAX. */
static int64_t next_ns(const struct walk *w)
{
    return w->next < w->run->n_decisions ? w->run->decisions[w->next].at_ns : INT64_MAX;
}

static void walk_to(struct walk *w, int64_t at_ns)
{
    memcpy(w->before, w->target, sizeof w->before);
    while (next_ns(w) <= at_ns) {
        w->last = &w->run->decisions[w->next++];
        for (size_t p = 0; p < w->run->n_pools; p++) {
            double applied = w->last->pools[p].applied;
            w->target[p] = isnan(applied) ? w->last->pools[p].target : (int64_t)applied;
        }
    }
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_forecast(const struct recorded_forecast *a, const struct recorded_forecast *b)
{
    return same(a->n_requests, b->n_requests) && same(a->isl_tok, b->isl_tok) &&
           same(a->osl_tok, b->osl_tok);
}

static bool same_workers(const struct recorded_decision *a, const struct recorded_decision *b,
                         size_t n_pools)
{
    for (size_t p = 0; p < n_pools; p++) {
        const struct recorded_pool_decision *x = &a->pools[p], *y = &b->pools[p];
        if (x->target != y->target || x->ready != y->ready || x->starting != y->starting ||
            x->draining != y->draining)
            return false;
    }
    return true;
}

static enum compare_input_difference input_of(const struct recorded_decision *a,
                                              const struct recorded_decision *b, int64_t at_ns,
                                              size_t n_pools)
{
    if (!a || !b || a->at_ns != at_ns || b->at_ns != at_ns)
        return COMPARE_TICKS;
    if (!same_workers(a, b, n_pools))
        return COMPARE_WORKERS;
    if (!same_forecast(&a->seen, &b->seen) || !same(a->seen_ttft_ms, b->seen_ttft_ms) ||
        !same(a->seen_itl_ms, b->seen_itl_ms))
        return COMPARE_SEEN;
    return same_forecast(&a->predicted, &b->predicted) ? COMPARE_SETTINGS : COMPARE_PREDICTED;
}

static void found(struct compare_decision *decision, const struct walk *a, const struct walk *b,
                  int64_t at_ns, enum compare_input_difference input)
{
    *decision = (struct compare_decision){
        .found = true, .at_ns = at_ns, .input = input, .a = a->last, .b = b->last};
    memcpy(decision->from_a, a->before, sizeof a->before);
    memcpy(decision->from_b, b->before, sizeof b->before);
    memcpy(decision->to_a, a->target, sizeof a->target);
    memcpy(decision->to_b, b->target, sizeof b->target);
}

static const struct recorded_decision *decided(const struct walk *w, int64_t at_ns)
{
    return w->last && w->last->at_ns == at_ns ? w->last : NULL;
}

static void add_apart(struct compare_apart *to, const struct walk *a, const struct walk *b,
                      int64_t at_ns)
{
    *to = (struct compare_apart){at_ns, decided(a, at_ns), decided(b, at_ns), {0}, {0}};
    memcpy(to->to_a, a->target, sizeof a->target);
    memcpy(to->to_b, b->target, sizeof b->target);
}

enum status compare_decisions(struct compare_pair *pair, struct arena *arena, struct diag *d)
{
    const struct recorded *of_a = &pair->a->recorded, *of_b = &pair->b->recorded;
    struct walk a, b;

    if (!pair->same_pools)
        return ST_OK;
    struct compare_apart *apart =
        ARENA_NEW(arena, of_a->n_decisions + of_b->n_decisions, struct compare_apart);
    if (!apart)
        return diag_nomem(d, "decisions");
    pair->apart = apart;
    walk_init(&a, of_a);
    walk_init(&b, of_b);
    if (memcmp(a.target, b.target, sizeof a.target) != 0)
        found(&pair->decision, &a, &b, 0, COMPARE_FLEETS);
    for (;;) {
        int64_t at_ns = next_ns(&a) < next_ns(&b) ? next_ns(&a) : next_ns(&b);
        if (at_ns == INT64_MAX)
            return ST_OK;
        walk_to(&a, at_ns);
        walk_to(&b, at_ns);
        if (memcmp(a.target, b.target, sizeof a.target) == 0)
            continue;
        if (!pair->decision.found)
            found(&pair->decision, &a, &b, at_ns, input_of(a.last, b.last, at_ns, a.run->n_pools));
        add_apart(&apart[pair->n_apart++], &a, &b, at_ns);
    }
}
