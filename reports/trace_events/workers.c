/* Lives and steps of workers, and the flows between steps. */
#include <stdlib.h>
#include <string.h>

#include "reports/trace_events/chrome.h"
#include "util/array.h"
#include "util/bug.h"

static enum status find_worker(struct traced *t, size_t pool, uint32_t id,
                               struct traced_worker **worker, struct diag *d)
{
    size_t n = t->workers_capacity[pool];

    if (id >= n) {
        enum status s =
            ARRAY_RESERVE(t->workers[pool], n, t->workers_capacity[pool], id + 1 - n, "workers", d);
        if (s)
            return s;
        memset(t->workers[pool] + n, 0, (t->workers_capacity[pool] - n) * sizeof **t->workers);
    }
    *worker = &t->workers[pool][id];
    return ST_OK;
}

static enum status name_rank(struct traced *t, const struct step_record *step, struct diag *d)
{
    char name[64];

    if (step->rank)
        snprintf(name, sizeof name, "worker %u rank %u", step->worker, step->rank);
    else
        snprintf(name, sizeof name, "worker %u", step->worker);
    return chrome_name_track(t, chrome_pool_pid(step->pool), chrome_rank_tid(step), name, d);
}

static enum status write_step(struct traced *t, struct traced_rank *rank, struct diag *d)
{
    const struct step_record *step = &rank->step;
    static const char *const names[2][2] = {{"no request", "decode"}, {"prefill", "mixed"}};
    const char *name = names[step->n_chunks > 0][step->n_decode > 0];
    enum status s = ST_OK;
    struct row row;

    if (!rank->pending)
        return ST_OK;
    rank->pending = false;
    rank->written = chrome_in_span(t, step->start_ns, step->end_ns);
    if (!rank->written)
        return ST_OK;
    if (!rank->named)
        s = name_rank(t, step, d);
    if (s)
        return s;
    rank->named = true;
    chrome_begin_slice(t, &row, name, "step", chrome_pool_pid(step->pool), chrome_rank_tid(step));
    chrome_lasts(&row, step->start_ns, step->end_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "steps", step->n_steps);
    chrome_arg_int(&row, "n_decode", step->n_decode);
    chrome_arg_int(&row, "prompt_tokens", step->prompt_tok);
    chrome_arg_int(&row, "chunks", step->n_chunks);
    if (step->cut)
        ROW_LITERAL(&row, ", \"cut\": true");
    return chrome_end_args(t, &row, d);
}

static enum status find_rank(struct traced_worker *w, uint32_t rank, struct diag *d)
{
    BUG_IF(rank + 1 >= TIDS_PER_WORKER);
    if (rank < w->n_ranks)
        return ST_OK;
    enum status s = ARRAY_RESIZE(w->ranks, rank + 1, "workers", d);
    if (s)
        return s;
    memset(w->ranks + w->n_ranks, 0, (rank + 1 - w->n_ranks) * sizeof *w->ranks);
    w->n_ranks = rank + 1;
    return ST_OK;
}

/* Decode steps of as many sequences, without a break. */
static bool goes_on(const struct traced_rank *rank, const struct step_record *next)
{
    const struct step_record *step = &rank->step;

    return rank->pending && !step->n_chunks && !next->n_chunks &&
           step->n_decode == next->n_decode && step->end_ns == next->start_ns;
}

/* The rank that took a step which ended then, with the step in the file; NULL: not told of yet. */
enum status chrome_ended_step(struct traced *t, size_t pool, uint32_t worker, int64_t at_ns,
                              const struct traced_rank **rank, struct diag *d)
{
    struct traced_worker *w;

    *rank = NULL;
    enum status s = find_worker(t, pool, worker, &w, d);
    if (s || !w->n_ranks || w->ranks[w->last].step.end_ns < at_ns)
        return s;
    *rank = &w->ranks[w->last];
    return write_step(t, &w->ranks[w->last], d);
}

/* From a prompt's last step to that of the first token. Both are in the file already. */
static enum status write_arrow(struct traced *t, const struct traced_request *r,
                               const struct step_record *to, struct diag *d)
{
    bool long_enough = to->end_ns > to->start_ns;
    const struct {
        const char *phase, *more;
        int pid;
        uint32_t tid;
        int64_t at_ns;
    } ends[] = {{"s", "", PID_POOL, r->prompt_tid, r->prompt_ns},
                {"f", ", \"bp\": \"e\"", chrome_pool_pid(to->pool), chrome_rank_tid(to),
                 to->end_ns - long_enough}};
    enum status s = ST_OK;

    for (size_t i = 0; !s && i < 2; i++) {
        struct row row;
        chrome_begin(t, &row, ends[i].phase, "kv", ends[i].pid);
        chrome_arg_int(&row, "tid", ends[i].tid);
        chrome_arg_text(&row, "cat", "transfer");
        chrome_arg_int(&row, "id", (int64_t)t->all->n_arrows);
        chrome_text(&row, ends[i].more);
        chrome_at(&row, ends[i].at_ns);
        s = chrome_end(t, &row, d);
    }
    t->all->n_arrows++;
    return s;
}

/* *ended: the step is known. */
enum status chrome_end_arrow(struct traced *t, const struct arrow_end *a, bool *ended,
                             struct diag *d)
{
    struct traced_request *r = &t->requests[a->request];
    const struct traced_rank *rank;

    enum status s = chrome_ended_step(t, a->pool, a->worker, a->at_ns, &rank, d);
    *ended = rank != NULL;
    if (s || !rank)
        return s;
    bool whole = r->prompt_here && rank->written;
    r->prompt_here = false;
    return whole ? write_arrow(t, r, &rank->step, d) : ST_OK;
}

/* First tokens that were there before their step was told of. */
static enum status end_arrows(struct traced *t, struct diag *d)
{
    enum status s = ST_OK;
    size_t n = 0;

    for (size_t i = 0; !s && i < t->n_arrow_ends; i++) {
        bool ended;
        s = chrome_end_arrow(t, &t->arrow_ends[i], &ended, d);
        if (!ended)
            t->arrow_ends[n++] = t->arrow_ends[i];
    }
    t->n_arrow_ends = n;
    return s;
}

enum status chrome_on_step(struct traced *t, const struct step_record *step, struct diag *d)
{
    struct traced_worker *w;

    enum status s = find_worker(t, step->pool, step->worker, &w, d);
    if (!s)
        s = find_rank(w, step->rank, d);
    if (s)
        return s;
    struct traced_rank *rank = &w->ranks[step->rank];
    w->last = step->rank;
    if (goes_on(rank, step)) {
        rank->step.end_ns = step->end_ns;
        rank->step.n_steps += step->n_steps;
        rank->step.cut = step->cut;
    } else {
        s = write_step(t, rank, d);
        rank->step = *step;
        rank->pending = true;
    }
    return s || !t->n_arrow_ends ? s : end_arrows(t, d);
}

static enum status write_life(struct traced *t, const struct worker_record *w, const char *name,
                              int64_t from_ns, int64_t to_ns, struct diag *d)
{
    struct row row;

    if (!chrome_in_span(t, from_ns, to_ns))
        return ST_OK;
    chrome_begin_slice(t, &row, name, "life", chrome_pool_pid(w->pool), chrome_life_tid(w->id));
    chrome_lasts(&row, from_ns, to_ns);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "requests_finished", (int64_t)w->n_finished);
    chrome_arg_int(&row, "requests_lost", (int64_t)w->n_lost);
    if (w->node != NO_NODE)
        chrome_arg_int(&row, "node", w->node);
    chrome_arg_text(&row, "end", worker_end_name(w->end));
    return chrome_end_args(t, &row, d);
}

enum status chrome_on_worker(struct traced *t, const struct worker_record *w, struct diag *d)
{
    static const char *const names[] = {"waits for GPUs", "starting", "serving", "draining"};
    const int64_t times[] = {w->wanted_ns, w->start_ns, w->ready_ns, w->drain_ns, w->end_ns};
    struct traced_worker *traced;
    char name[64];

    enum status s = find_worker(t, w->pool, w->id, &traced, d);
    for (uint32_t i = 0; !s && i < traced->n_ranks; i++)
        s = write_step(t, &traced->ranks[i], d);
    if (s || !chrome_in_span(t, w->wanted_ns, w->end_ns))
        return s;
    snprintf(name, sizeof name, "worker %u life", w->id);
    s = chrome_name_track(t, chrome_pool_pid(w->pool), chrome_life_tid(w->id), name, d);
    for (size_t i = 0; !s && i < 4; i++) {
        size_t next = i + 1;
        while (times[next] < 0)
            next++;
        if (times[i] >= 0 && times[next] > times[i])
            s = write_life(t, w, names[i], times[i], times[next], d);
    }
    return s;
}
