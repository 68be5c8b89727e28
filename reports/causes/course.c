/* What a pool was doing at each moment of the run, and what that says of a wait for it. */
#include <math.h>
#include <stdlib.h>

#include "reports/causes/causes_internal.h"
#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

/* A worker that is wanted so soon after another went takes its place: it went by no decision. */
static const int64_t replaced_within_ns = NS_PER_S;
/* What was to make up for a backlog goes again so soon. */
static const int64_t made_up_within_ns = 300 * NS_PER_S;

/* ---- the course as marks ---- */

/* One more, or one less, of what makes a state. */
struct turn {
    int64_t at_ns;
    enum course_state state;
    int change;
};
struct turns {
    struct turn *turn;
    size_t n, capacity;
};

static enum status add_span(struct turns *t, enum course_state state, int64_t from_ns,
                            int64_t to_ns, struct diag *d)
{
    if (to_ns <= from_ns)
        return ST_OK;
    enum status s = ARRAY_RESERVE(t->turn, t->n, t->capacity, 2, "course of a pool", d);
    if (s)
        return s;
    t->turn[t->n++] = (struct turn){from_ns, state, 1};
    t->turn[t->n++] = (struct turn){to_ns, state, -1};
    return ST_OK;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_time(const void *a, const void *b)
{
    return compare(((const struct turn *)a)->at_ns, ((const struct turn *)b)->at_ns);
}

static int by_wanted(const void *a, const void *b)
{
    return compare(((const struct course_worker *)a)->wanted_ns,
                   ((const struct course_worker *)b)->wanted_ns);
}

static int by_loss(const void *a, const void *b)
{
    return compare(((const struct course_worker *)a)->gone_ns,
                   ((const struct course_worker *)b)->gone_ns);
}

static int by_beginning(const void *a, const void *b)
{
    const struct backlog *p = a, *q = b;
    int order = compare(p->from_ns, q->from_ns);

    return order ? order : compare(p->to_ns, q->to_ns);
}

/* The first change of the target after a moment. */
static int64_t next_change_ns(const struct course *c, int64_t after_ns)
{
    for (size_t i = 0; i < c->n_decisions; i++) {
        const struct course_decision *d = &c->decisions[i];
        if (d->at_ns > after_ns && d->after != d->before)
            return d->at_ns;
    }
    return INT64_MAX;
}

/* Or, where it never was, gone. */
static int64_t ready_ns(const struct course_worker *w)
{
    return w->ready_ns >= 0 ? w->ready_ns : w->gone_ns;
}

/* From each failure to when another is ready in its place. Workers by when they were wanted. */
static enum status add_failures(struct turns *t, const struct course *c, struct diag *d)
{
    struct course_worker *failed = NULL;
    size_t n = 0, capacity = 0, next = 0;
    enum status s = ST_OK;

    for (size_t i = 0; !s && i < c->n_workers; i++) {
        if (c->workers[i].loss == LOSS_NONE)
            continue;
        s = ARRAY_RESERVE(failed, n, capacity, 1, "failures of a pool", d);
        if (!s)
            failed[n++] = c->workers[i];
    }
    if (!s && n)
        qsort(failed, n, sizeof *failed, by_loss);
    for (size_t i = 0; !s && i < n; i++) {
        int64_t at_ns = failed[i].gone_ns;
        while (next < c->n_workers && c->workers[next].wanted_ns < at_ns)
            next++;
        if (next < c->n_workers && c->workers[next].wanted_ns - at_ns <= replaced_within_ns)
            s = add_span(t, COURSE_FAILED, at_ns, ready_ns(&c->workers[next++]), d);
        else if (failed[i].loss == LOSS_SURE)
            s = add_span(t, COURSE_FAILED, at_ns, next_change_ns(c, at_ns), d);
    }
    free(failed);
    return s;
}

static enum status add_starts(struct turns *t, struct course *c, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; !s && i < c->n_workers; i++) {
        const struct course_worker *w = &c->workers[i];
        s = add_span(t, COURSE_STARTS, w->wanted_ns, ready_ns(w), d);
        if (w->ready_ns >= 0 && w->start_ns >= 0 && w->ready_ns - w->start_ns > c->longest_start_ns)
            c->longest_start_ns = w->ready_ns - w->start_ns;
    }
    return s;
}

/* From a decision that got less than it wanted to the next that says what it wants. */
static enum status add_clipped(struct turns *t, const struct course *c, struct diag *d)
{
    int64_t since_ns = -1;
    enum status s = ST_OK;

    for (size_t i = 0; !s && i < c->n_decisions; i++) {
        const struct course_decision *e = &c->decisions[i];
        if (e->wanted < 0)
            continue;
        if (since_ns >= 0)
            s = add_span(t, COURSE_CLIPPED, since_ns, e->at_ns, d);
        since_ns = e->wanted > e->after ? e->at_ns : -1;
    }
    return s || since_ns < 0 ? s : add_span(t, COURSE_CLIPPED, since_ns, INT64_MAX, d);
}

static enum course_state state_of(const int *n)
{
    int state = 0;

    while (state < COURSE_STEADY && n[state] == 0)
        state++;
    return (enum course_state)state;
}

static enum status make_marks(struct course *c, struct turns *t, struct diag *d)
{
    struct course_mark mark = {.state = COURSE_STEADY};
    int n[N_COURSE_STATES] = {0};

    if (t->n)
        qsort(t->turn, t->n, sizeof *t->turn, by_time);
    enum status s = ARRAY_RESERVE(c->marks, c->n_marks, c->marks_capacity, t->n + 1, "marks", d);
    if (s)
        return s;
    c->marks[c->n_marks++] = mark;
    for (size_t i = 0; i < t->n; i++) {
        mark.total_ns[mark.state] += t->turn[i].at_ns - mark.at_ns;
        mark.at_ns = t->turn[i].at_ns;
        n[t->turn[i].state] += t->turn[i].change;
        mark.state = state_of(n);
        c->marks[c->n_marks++] = mark;
    }
    return ST_OK;
}

static void join(struct backlog *b, const struct backlog *more)
{
    if (more->to_ns > b->to_ns)
        b->to_ns = more->to_ns;
    if (more->ahead_ns > b->ahead_ns) {
        b->ahead_ns = more->ahead_ns;
        b->ahead_tok = more->ahead_tok;
    }
}

/* One for each beginning. */
static void join_backlogs(struct course *c)
{
    size_t n = 0;

    if (c->n_backlogs)
        qsort(c->backlogs, c->n_backlogs, sizeof *c->backlogs, by_beginning);
    for (size_t i = 0; i < c->n_backlogs; i++) {
        if (n && c->backlogs[n - 1].from_ns == c->backlogs[i].from_ns)
            join(&c->backlogs[n - 1], &c->backlogs[i]);
        else
            c->backlogs[n++] = c->backlogs[i];
    }
    c->n_backlogs = n;
}

enum status course_finish(struct course *c, struct diag *d)
{
    struct turns t = {0};

    if (c->n_workers)
        qsort(c->workers, c->n_workers, sizeof *c->workers, by_wanted);
    join_backlogs(c);
    enum status s = add_failures(&t, c, d);
    if (!s)
        s = add_starts(&t, c, d);
    if (!s)
        s = add_clipped(&t, c, d);
    if (!s)
        s = make_marks(c, &t, d);
    free(t.turn);
    return s;
}

void course_free(struct course *c)
{
    free(c->decisions);
    free(c->workers);
    free(c->marks);
    free(c->backlogs);
}

enum status course_add_backlog(struct course *c, const struct miss *m, struct diag *d)
{
    const struct backlog b = {m->backlog_ns, m->to_ns, m->ahead_ns, m->v.ahead_tok};

    /* Most come one after the other. */
    if (c->n_backlogs && c->backlogs[c->n_backlogs - 1].from_ns == b.from_ns) {
        join(&c->backlogs[c->n_backlogs - 1], &b);
        return ST_OK;
    }
    enum status s = ARRAY_RESERVE(c->backlogs, c->n_backlogs, c->backlogs_capacity, 1, "waits", d);
    if (!s)
        c->backlogs[c->n_backlogs++] = b;
    return s;
}

/* ---- what it says ---- */

static void add_totals(const struct course *c, int64_t at_ns, int sign, int64_t *ns)
{
    size_t low = 0, high = c->n_marks;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (c->marks[middle].at_ns > at_ns)
            high = middle;
        else
            low = middle;
    }
    const struct course_mark *m = &c->marks[low];
    for (int i = 0; i < N_COURSE_STATES; i++)
        ns[i] += sign * m->total_ns[i];
    ns[m->state] += sign * (at_ns - m->at_ns);
}

/* A stretch of time by what was the matter. */
enum matter { MATTER_FAILED, MATTER_STARTS, MATTER_CLIPPED, MATTER_LATE, N_MATTERS };
struct matters {
    int64_t ns[N_MATTERS];
    int64_t rest_ns;
};

static struct matters matters_of(const struct course *c, int64_t from_ns, int64_t to_ns,
                                 int64_t last_up_ns)
{
    int64_t all[N_COURSE_STATES] = {0}, before[N_COURSE_STATES] = {0};

    add_totals(c, to_ns, 1, all);
    add_totals(c, from_ns, -1, all);
    if (last_up_ns > from_ns) {
        add_totals(c, last_up_ns < to_ns ? last_up_ns : to_ns, 1, before);
        add_totals(c, from_ns, -1, before);
    }
    return (struct matters){
        .ns = {all[COURSE_FAILED], all[COURSE_STARTS], all[COURSE_CLIPPED], before[COURSE_STEADY]},
        .rest_ns = all[COURSE_STEADY] - before[COURSE_STEADY],
    };
}

static enum matter largest_of(const struct matters *m)
{
    int largest = 0;

    for (int i = 1; i < N_MATTERS; i++) {
        if (m->ns[i] > m->ns[largest])
            largest = i;
    }
    return (enum matter)largest;
}

static int64_t sum_of(const struct matters *m)
{
    int64_t sum = 0;

    for (int i = 0; i < N_MATTERS; i++)
        sum += m->ns[i];
    return sum;
}

struct ups {
    int64_t first_ns, last_ns; /* -1 = none */
    int64_t largest;           /* target */
};

/* How many decisions were made until then. */
static size_t n_decided(const struct course *c, int64_t at_ns)
{
    size_t low = 0, high = c->n_decisions;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->decisions[middle].at_ns > at_ns)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Decisions for more workers in (from, to]. */
static struct ups ups_in(const struct course *c, int64_t from_ns, int64_t to_ns)
{
    struct ups ups = {-1, -1, 0};

    for (size_t i = n_decided(c, from_ns); i < c->n_decisions; i++) {
        const struct course_decision *d = &c->decisions[i];
        if (d->at_ns > to_ns)
            break;
        if (d->after <= d->before)
            continue;
        if (ups.first_ns < 0)
            ups.first_ns = d->at_ns;
        ups.last_ns = d->at_ns;
        ups.largest = d->after > ups.largest ? d->after : ups.largest;
    }
    return ups;
}

/* The target that remains of a backlog, once what was to make up for it is taken away again. */
static int64_t target_after(const struct course *c, int64_t to_ns, int64_t largest)
{
    for (size_t i = n_decided(c, to_ns); i < c->n_decisions; i++) {
        const struct course_decision *d = &c->decisions[i];
        if (d->at_ns - to_ns > made_up_within_ns)
            break;
        if (d->after != d->before)
            return d->after < largest ? d->after : largest;
    }
    return largest;
}

/* Decisions took away what would have been enough, less than a start before: had it stayed, nobody
 * would have waited. */
static bool was_scaled_down(const struct course *c, const struct backlog *b, const struct ups *ups)
{
    size_t n = n_decided(c, b->from_ns);
    int64_t most = 0, now = n ? c->decisions[n - 1].after : 0;

    for (size_t i = n; i > 0 && b->from_ns - c->decisions[i - 1].at_ns < c->longest_start_ns; i--) {
        const struct course_decision *d = &c->decisions[i - 1];
        if (d->after < d->before && d->before > most)
            most = d->before;
    }
    return most > now && target_after(c, b->to_ns, ups->largest) <= most;
}

/* The one that it was in: at its end, or, where that was over, the last that it saw; else its own
 * time. */
static struct backlog backlog_of(const struct course *c, const struct miss *m)
{
    int64_t begun_ns = m->backlog_ns >= 0 ? m->backlog_ns : m->to_ns;
    size_t low = 0, high = c->n_backlogs;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->backlogs[middle].from_ns > begun_ns)
            high = middle;
        else
            low = middle + 1;
    }
    if (low > 0 && c->backlogs[low - 1].to_ns > m->from_ns)
        return c->backlogs[low - 1];
    return (struct backlog){m->from_ns, m->to_ns, 0, 0};
}

void course_decide(const struct course *c, const struct miss *m, double long_tok,
                   struct cause_verdict *v)
{
    struct backlog b = backlog_of(c, m);
    struct ups ups = ups_in(c, b.from_ns, b.to_ns);
    /* Whoever comes late to a backlog waits for what made it. */
    struct matters so_far = matters_of(c, b.from_ns, m->to_ns, ups.last_ns);
    enum matter matter = largest_of(&so_far);
    if (so_far.ns[matter] == 0 || so_far.rest_ns > sum_of(&so_far)) {
        if (v->cause == CAUSE_QUEUE && b.ahead_tok > long_tok &&
            b.ahead_ns * 2 >= b.to_ns - b.from_ns) {
            v->cause = CAUSE_LONG_PROMPT;
            v->ahead_tok = b.ahead_tok;
        }
        return;
    }
    bool scaled_down = was_scaled_down(c, &b, &ups);
    switch (matter) {
    case MATTER_FAILED:
        v->cause = CAUSE_FAILURE;
        break;
    case MATTER_STARTS:
        v->cause = scaled_down ? CAUSE_SCALED_DOWN : m->gpus ? CAUSE_GPUS_MISSING : CAUSE_STARTUP;
        v->late_ns = ups.first_ns < 0 ? -1 : ups.first_ns - b.from_ns;
        break;
    case MATTER_CLIPPED:
        v->cause = CAUSE_GPU_BUDGET;
        break;
    case MATTER_LATE:
        v->cause = scaled_down ? CAUSE_SCALED_DOWN : CAUSE_LATE_DECISION;
        v->late_ns = ups.last_ns - b.from_ns;
        break;
    case N_MATTERS:
        BUG("no such matter");
    }
}

/* ---- how fast it was ---- */

void course_lag(const struct course *c, struct cause_lag *lag, double *scratch)
{
    size_t n = 0;

    *lag = (struct cause_lag){.backlogs = c->n_backlogs};
    for (size_t i = 0; i < c->n_backlogs; i++) {
        const struct backlog *b = &c->backlogs[i];
        struct ups ups = ups_in(c, b->from_ns, b->to_ns);
        lag->short_s += s_from_ns(b->to_ns - b->from_ns);
        if (ups.first_ns >= 0)
            scratch[n++] = s_from_ns(ups.first_ns - b->from_ns);
    }
    lag->decision_s = quantile_of(scratch, n, 0.5);
    lag->max_decision_s = n ? scratch[n - 1] : NAN;
    n = 0;
    for (size_t i = 0; i < c->n_workers; i++) {
        const struct course_worker *w = &c->workers[i];
        if (w->wanted_ns > 0 && w->ready_ns >= 0)
            scratch[n++] = s_from_ns(w->ready_ns - w->wanted_ns);
    }
    lag->starts = n;
    lag->ready_s = quantile_of(scratch, n, 0.5);
    lag->max_ready_s = n ? scratch[n - 1] : NAN;
}
