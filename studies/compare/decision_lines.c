#include <inttypes.h>
#include <math.h>

#include "studies/compare/compare.h"
#include "util/text.h"
#include "util/units.h"

enum { MAX_LINES = 10 + 2 * POLICY_MAX_POOLS, DIGITS = 6 };

struct writer {
    struct arena *arena;
    struct compare_line *lines;
    size_t n;
    bool failed; /* out of memory */
};

static void add(struct writer *w, const char *what, const char *a, const char *b)
{
    w->lines[w->n++] = (struct compare_line){what, a, b};
    w->failed = w->failed || !what;
}

static const char *number(struct writer *w, double value)
{
    char text[TEXT_FIGURE_SIZE];

    if (isnan(value))
        return NULL;
    const char *copy = arena_printf(w->arena, "%s", text_number(text, DIGITS, value));
    w->failed = w->failed || !copy;
    return copy;
}

static void add_numbers(struct writer *w, const char *what, double a, double b)
{
    if (!isnan(a) || !isnan(b))
        add(w, what, number(w, a), number(w, b));
}

static const char *move(struct writer *w, int64_t from, int64_t to)
{
    const char *text = arena_printf(w->arena, "%" PRId64 " -> %" PRId64, from, to);

    w->failed = w->failed || !text;
    return text;
}

/* NULL = it did not decide then. */
static const char *workers(struct writer *w, const struct recorded_decision *decision, size_t pool)
{
    if (!decision)
        return NULL;
    const struct recorded_pool_decision *p = &decision->pools[pool];
    const struct {
        int64_t n;
        const char *what;
    } others[] = {{p->starting, "starting"}, {p->draining, "draining"}};
    const char *text = arena_printf(w->arena, "%" PRId64 " ready", p->ready);
    for (size_t i = 0; text && i < sizeof others / sizeof *others; i++)
        if (others[i].n)
            text = arena_printf(w->arena, "%s, %" PRId64 " %s", text, others[i].n, others[i].what);
    w->failed = w->failed || !text;
    return text;
}

/* Of the pools of which a worker starts or drains, in either run: it is what rules wait for. */
static void add_workers(struct writer *w, const struct compare_decision *c,
                        const struct recorded *run)
{
    const struct recorded_decision *const of[] = {c->a, c->b};

    for (size_t p = 0; p < run->n_pools; p++) {
        bool moves = false;
        for (size_t i = 0; i < 2; i++)
            moves = moves || (of[i] && (of[i]->pools[p].starting || of[i]->pools[p].draining));
        if (moves)
            add(w, arena_printf(w->arena, "%s had", run->pools[p]), workers(w, c->a, p),
                workers(w, c->b, p));
    }
}

static void add_forecasts(struct writer *w, const char *what, const struct recorded_forecast *a,
                          const struct recorded_forecast *b)
{
    static const char *const names[] = {"requests", "ISL", "OSL"};
    const double of_a[] = {a->n_requests, a->isl_tok, a->osl_tok};
    const double of_b[] = {b->n_requests, b->isl_tok, b->osl_tok};

    for (size_t i = 0; i < 3; i++)
        add_numbers(w, arena_printf(w->arena, "%s %s", what, names[i]), of_a[i], of_b[i]);
}

enum status compare_decision_lines(const struct compare_line **lines, size_t *n,
                                   const struct compare_pair *pair, struct arena *arena,
                                   struct diag *d)
{
    static const struct recorded_decision none = {.seen = {NAN, NAN, NAN},
                                                  .predicted = {NAN, NAN, NAN},
                                                  .seen_ttft_ms = NAN,
                                                  .seen_itl_ms = NAN};
    const struct compare_decision *c = &pair->decision;
    const struct recorded_decision *a = c->a ? c->a : &none, *b = c->b ? c->b : &none;
    const struct recorded *r = &pair->a->recorded;
    struct writer w = {.arena = arena, .lines = ARENA_NEW(arena, MAX_LINES, struct compare_line)};

    *n = 0;
    if (!w.lines)
        return diag_nomem(d, "decisions");
    add_numbers(&w, "decided at, s", c->a ? s_from_ns(a->at_ns) : NAN,
                c->b ? s_from_ns(b->at_ns) : NAN);
    if (a->kind || b->kind)
        add(&w, "kind", a->kind, b->kind);
    for (size_t p = 0; p < r->n_pools; p++)
        add(&w, r->pools[p], move(&w, c->from_a[p], c->to_a[p]),
            move(&w, c->from_b[p], c->to_b[p]));
    add_workers(&w, c, r);
    add_forecasts(&w, "seen", &a->seen, &b->seen);
    add_numbers(&w, "seen TTFT, ms", a->seen_ttft_ms, b->seen_ttft_ms);
    add_numbers(&w, "seen ITL, ms", a->seen_itl_ms, b->seen_itl_ms);
    add_forecasts(&w, "predicted", &a->predicted, &b->predicted);
    *lines = w.lines;
    *n = w.n;
    return w.failed ? diag_nomem(d, "decisions") : ST_OK;
}
