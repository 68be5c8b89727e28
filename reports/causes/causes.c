#include "reports/causes/causes.h"

#include <math.h>
#include <stdlib.h>

#include "reports/causes/causes_internal.h"
#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

static const struct {
    const char *name, *text, *phrase, *help;
} causes[N_CAUSES] = {
#define XX(id, name, text, phrase, help) {name, text, phrase, help},
    CAUSE_MAP(XX)
#undef XX
};

const char *cause_name(enum cause c)
{
    return causes[c].name;
}

const char *cause_text(enum cause c)
{
    return causes[c].text;
}

const char *cause_phrase(enum cause c)
{
    return causes[c].phrase;
}

const char *cause_help(enum cause c)
{
    return causes[c].help;
}

static const struct {
    const char *name;
    uint32_t first_tok; /* of the first class; that of each other is twice as many */
} axes[N_CAUSE_AXES] = {
    [CAUSE_BY_ISL] = {"input_tokens", 1000},
    [CAUSE_BY_OSL] = {"output_tokens", 32},
};

const char *cause_axis_name(enum cause_axis axis)
{
    return axes[axis].name;
}

size_t cause_class(enum cause_axis axis, uint32_t tok)
{
    size_t class = 0;

    while (class + 1 < CAUSE_N_CLASSES && tok > cause_class_tok(axis, class))
        class ++;
    return class;
}

uint32_t cause_class_tok(enum cause_axis axis, size_t class)
{
    return class + 1 < CAUSE_N_CLASSES ? axes[axis].first_tok << class : UINT32_MAX;
}

/* ---- the run ---- */

/* What KV was held for, tokens times seconds. */
enum {
    HELD_ENGINE, /* it was computed, or read by decode steps */
    HELD_LINK,
    HELD_TRANSFER,
    HELD_ROOM,      /* for decode workers; */
    HELD_NO_WORKER, /* of that, while there was none: counted in both */
    N_HELD
};

/* Requests that waited for room or a place on a worker: how they decoded then. */
struct places_short {
    double decode_s, gaps, batch_s; /* batch_s: sequences in their steps, times decode_s */
};

struct causes {
    struct cause_targets targets;
    struct course course[POLICY_MAX_POOLS];
    struct miss *misses;
    size_t n_misses, misses_capacity;
    double isl_sum_tok, n_requests;
    double on_prefill[N_HELD], on_decode[N_HELD];
    struct places_short places_short;
};

struct causes *causes_new(const struct cause_targets *targets)
{
    struct causes *c = calloc(1, sizeof *c);

    if (c)
        c->targets = *targets;
    return c;
}

void causes_free(struct causes *c)
{
    if (!c)
        return;
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        course_free(&c->course[p]);
    free(c->misses);
    free(c);
}

static int64_t sum_of(const int64_t *ns, const enum request_part *parts, size_t n)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ns[parts[i]];
    return sum;
}

static void note_held(struct causes *c, const struct request_record *q)
{
    static const enum request_part prefill[] = {PART_PREFILL, PART_PREFILL_SHARED},
                                   decode[] = {PART_DECODE, PART_DECODE_PROMPTS, PART_DECODE_RANKS};
    const int64_t *ns = q->parts->e2e_ns;
    const struct pool_wait *w = &q->parts->waits[c->targets.n_pools - 1];
    double tok = q->isl_tok, link = s_from_ns(ns[PART_LINK]) * tok,
           transfer = s_from_ns(ns[PART_TRANSFER]) * tok;

    c->on_prefill[HELD_ENGINE] += s_from_ns(sum_of(ns, prefill, 2)) * tok;
    c->on_prefill[HELD_LINK] += link;
    c->on_prefill[HELD_TRANSFER] += transfer;
    if (w->from_ns >= 0) {
        int64_t wait_ns = (w->to_ns >= 0 ? w->to_ns : q->end_ns) - w->from_ns;
        c->on_prefill[HELD_ROOM] += s_from_ns(wait_ns) * tok;
        if (ns[PART_NO_WORKER] * 2 > wait_ns)
            c->on_prefill[HELD_NO_WORKER] += s_from_ns(wait_ns) * tok;
    }
    c->on_decode[HELD_ENGINE] += s_from_ns(sum_of(ns, decode, 3)) * tok;
    c->on_decode[HELD_LINK] += link;
    c->on_decode[HELD_TRANSFER] += transfer;
}

static void note_places(struct causes *c, const struct request_record *q)
{
    static const enum request_part places[] = {PART_KV_ROOM, PART_BATCH_FULL, PART_DECODE_ROOM},
                                   decode[] = {PART_DECODE, PART_DECODE_PROMPTS, PART_DECODE_RANKS};
    double s = s_from_ns(sum_of(q->parts->e2e_ns, decode, 3));

    if (sum_of(q->parts->e2e_ns, places, 3) == 0 || q->n_output_tok < 2)
        return;
    c->places_short.decode_s += s;
    c->places_short.gaps += q->n_output_tok - 1;
    c->places_short.batch_s += s * q->parts->decode_batch;
}

/* Few sequences at a time have room or places on a worker, and they run much faster than they need
 * to: its engine could do more, whatever the policy does. */
static bool places_are_few(const struct causes *c)
{
    static const double few = 16, times_faster = 2;
    const struct places_short *p = &c->places_short;

    return p->decode_s > 0 && p->batch_s < few * p->decode_s &&
           p->decode_s * times_faster < p->gaps * s_from_ns(c->targets.tpot_ns);
}

enum status causes_add_request(struct causes *c, const struct request_record *q, struct diag *d)
{
    struct cause_targets targets = c->targets;
    struct miss m;

    BUG_IF(!q->parts);
    if (q->ttft_target_ns)
        targets.ttft_ns = q->ttft_target_ns;
    if (q->tpot_target_ns)
        targets.tpot_ns = q->tpot_target_ns;
    c->isl_sum_tok += q->isl_tok;
    c->n_requests++;
    if (c->targets.n_pools > 1)
        note_held(c, q);
    note_places(c, q);
    if (!miss_of(&m, q, &targets))
        return ST_OK;
    /* What its policy did is no cause of what went on elsewhere. */
    m.look_again = m.look_again && !(q->decode_in && m.v.pool == c->targets.n_pools - 1);
    enum status s = ARRAY_RESERVE(c->misses, c->n_misses, c->misses_capacity, 1, "causes", d);
    if (s)
        return s;
    c->misses[c->n_misses++] = m;
    return m.look_again && m.in_line && m.backlog_ns >= 0
               ? course_add_backlog(&c->course[m.v.pool], &m, d)
               : ST_OK;
}

enum status causes_add_decision(struct causes *c, size_t pool, int64_t at_ns, int64_t before,
                                int64_t after, int64_t wanted, struct diag *d)
{
    struct course *k = &c->course[pool];

    BUG_IF(pool >= c->targets.n_pools);
    enum status s =
        ARRAY_RESERVE(k->decisions, k->n_decisions, k->decisions_capacity, 1, "decisions", d);
    if (!s)
        k->decisions[k->n_decisions++] = (struct course_decision){at_ns, before, after, wanted};
    return s;
}

enum status causes_add_worker(struct causes *c, const struct worker_record *w, struct diag *d)
{
    struct course *k = &c->course[w->pool];
    bool drained = w->drain_ns >= 0;

    BUG_IF(w->pool >= c->targets.n_pools);
    enum status s = ARRAY_RESERVE(k->workers, k->n_workers, k->workers_capacity, 1, "workers", d);
    if (s)
        return s;
    enum course_loss loss = LOSS_NONE;
    if (drained || w->end == WORKER_END_KILLED)
        loss = LOSS_MAYBE;
    else if (w->end == WORKER_END_NODE || w->end == WORKER_END_FAILED)
        loss = LOSS_SURE;
    k->workers[k->n_workers++] = (struct course_worker){w->wanted_ns, w->start_ns, w->ready_ns,
                                                        drained ? w->drain_ns : w->end_ns, loss};
    return ST_OK;
}

/* ---- its end ---- */

static size_t most_held(const double *held)
{
    size_t most = HELD_ENGINE;

    for (size_t i = HELD_LINK; i <= HELD_ROOM; i++)
        most = held[i] > held[most] ? i : most;
    return most;
}

/* Of a request that has no room on its worker: what has taken that room. true: the policy has no
 * part in it. */
static bool blame_room(const struct causes *c, struct miss *m)
{
    size_t last = c->targets.n_pools - 1, most = HELD_ENGINE;

    if (last > 0 && m->v.pool == 0)
        most = most_held(c->on_prefill);
    if (most == HELD_ROOM) { /* the decode pool is what to look at */
        m->v.pool = (uint8_t)last;
        m->v.cause = CAUSE_DECODE_ROOM;
        m->backlog_ns = -1;
        if (c->on_prefill[HELD_NO_WORKER] * 2 > c->on_prefill[HELD_ROOM]) {
            m->v.cause = CAUSE_NO_WORKER;
            return false;
        }
    }
    if (last > 0 && m->v.pool == last)
        most = most_held(c->on_decode);
    if (most == HELD_LINK || most == HELD_TRANSFER) {
        m->v.cause = most == HELD_LINK ? CAUSE_LINK : CAUSE_TRANSFER;
        m->v.pool = (uint8_t)last;
        return true;
    }
    return m->v.pool == last && places_are_few(c);
}

static void decide(const struct causes *c, const struct miss *missed, struct cause_verdict *v)
{
    double long_tok = 2 * c->isl_sum_tok / c->n_requests;
    struct miss m = *missed;

    if (m.may_be_ahead && m.v.ahead_tok > long_tok) {
        *v = m.v;
        v->cause = CAUSE_LONG_PROMPT;
        return;
    }
    m.v.ahead_tok = 0;
    bool room = m.v.cause == CAUSE_KV_ROOM || m.v.cause == CAUSE_DECODE_ROOM,
         is_clear =
             (room && blame_room(c, &m)) || (m.v.cause == CAUSE_BATCH_FULL && places_are_few(c));
    *v = m.v;
    bool elsewhere = c->targets.decodes_elsewhere && m.v.pool == c->targets.n_pools - 1;
    if (m.look_again && !is_clear && !elsewhere)
        course_decide(&c->course[m.v.pool], &m, long_tok, v);
}

static int by_value(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;

    return (p > q) - (p < q);
}

double quantile_of(double *values, size_t n, double share)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof *values, by_value);
    return values[(size_t)(share * (double)(n - 1))];
}

/* `of` the verdicts of a cause; NaN = it does not count. */
static double quantile(const struct causes *c, enum cause cause, double share,
                       double (*of)(const struct cause_verdict *v), double *scratch)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_misses; i++) {
        double value = of(&c->misses[i].v);
        if (c->misses[i].v.cause == cause && !isnan(value))
            scratch[n++] = value;
    }
    return quantile_of(scratch, n, share);
}

static double excess_ms(const struct cause_verdict *v)
{
    return v->kind == MISSED_ALL ? NAN : ms_from_ns(v->excess_ns);
}

static double late_s(const struct cause_verdict *v)
{
    return v->late_ns < 0 ? NAN : s_from_ns(v->late_ns);
}

static double ahead_tok(const struct cause_verdict *v)
{
    return v->ahead_tok == 0 ? (double)NAN : v->ahead_tok;
}

static void count(struct cause_summary *y, const struct cause_verdict *v)
{
    struct cause_total *t = &y->of[v->cause];

    y->missed++;
    y->missed_by_kind[v->kind]++;
    t->requests++;
    t->by_kind[v->kind]++;
    t->by_class[CAUSE_BY_ISL][cause_class(CAUSE_BY_ISL, v->isl_tok)]++;
    t->by_class[CAUSE_BY_OSL][cause_class(CAUSE_BY_OSL, v->osl_tok)]++;
    if (v->pool != CAUSE_NO_POOL)
        t->by_pool[v->pool]++;
}

static void put_in_order(struct cause_summary *y)
{
    for (int i = 0; i < N_CAUSES; i++) {
        int k = i;
        for (; k > 0 && y->of[y->order[k - 1]].requests < y->of[i].requests; k--)
            y->order[k] = y->order[k - 1];
        y->order[k] = (enum cause)i;
    }
}

static void summarize(const struct causes *c, struct cause_summary *y, double *scratch)
{
    *y = (struct cause_summary){.kept = true};
    for (size_t i = 0; i < c->n_misses; i++)
        count(y, &c->misses[i].v);
    for (int i = 0; i < N_CAUSES; i++) {
        struct cause_total *t = &y->of[i];
        enum cause cause = (enum cause)i;
        t->median_excess_ms = t->median_late_s = NAN;
        if (t->requests == 0)
            continue;
        t->median_excess_ms = quantile(c, cause, 0.5, excess_ms, scratch);
        t->median_late_s = quantile(c, cause, 0.5, late_s, scratch);
        if (cause == CAUSE_LONG_PROMPT)
            t->ahead_tok = (uint32_t)quantile(c, cause, 0.25, ahead_tok, scratch);
    }
    put_in_order(y);
    for (size_t p = 0; p < c->targets.n_pools; p++)
        course_lag(&c->course[p], &y->lag[p], scratch);
}

enum status causes_finish(struct causes *c, struct cause_summary *summary, struct diag *d)
{
    size_t n = c->n_misses;
    enum status s = ST_OK;

    for (size_t p = 0; !s && p < c->targets.n_pools; p++) {
        const struct course *k = &c->course[p];
        s = course_finish(&c->course[p], d);
        n = k->n_workers > n ? k->n_workers : n;
        n = k->n_backlogs > n ? k->n_backlogs : n;
    }
    if (s)
        return s;
    double *scratch = malloc((n + 1) * sizeof *scratch);
    if (!scratch)
        return diag_nomem(d, "causes");
    for (size_t i = 0; i < c->n_misses; i++) {
        struct cause_verdict v;
        decide(c, &c->misses[i], &v);
        c->misses[i].v = v;
    }
    summarize(c, summary, scratch);
    free(scratch);
    return ST_OK;
}

bool causes_verdict(const struct causes *c, const struct request_record *q,
                    struct cause_verdict *verdict)
{
    struct miss m;

    if (!miss_of(&m, q, &c->targets))
        return false;
    decide(c, &m, verdict);
    return true;
}

size_t causes_n_missed(const struct causes *c)
{
    return c->n_misses;
}

struct cause_verdict causes_missed(const struct causes *c, size_t i)
{
    BUG_IF(i >= c->n_misses);
    return c->misses[i].v;
}
