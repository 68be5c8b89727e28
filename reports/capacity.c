#include "reports/capacity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/windows.h"
#include "util/array.h"
#include "util/bug.h"
#include "util/json_out.h"
#include "util/text.h"
#include "util/units.h"

/* Something that goes on for a time, by window: what it is in those where it begins and ends, and
 * how its rate changes from one to the next in all others. */
struct flow {
    double part, change;
};

/* What a window was asked for, until all is known. */
struct load {
    double prompts_s;          /* work that came, */
    double unknown_tok;        /* and prompts that were never computed, */
    double gone_tok;           /* which left here */
    struct flow tokens, ready; /* tokens, and worker-seconds */
};

struct capacity {
    struct capacity_rules rules;
    struct load *loads[POLICY_MAX_POOLS];
    size_t n_loads[POLICY_MAX_POOLS], capacities[POLICY_MAX_POOLS];
    double prompts_s[POLICY_MAX_POOLS], prompts_tok[POLICY_MAX_POOLS]; /* computed */
    double context_sum_tok[POLICY_MAX_POOLS], n_tok[POLICY_MAX_POOLS]; /* after the first */
    struct capacity_window *windows[POLICY_MAX_POOLS];
    size_t n_windows;
};

struct capacity *capacity_new(const struct capacity_rules *rules)
{
    struct capacity *c = calloc(1, sizeof *c);

    BUG_IF(rules->window_ns <= 0 || rules->n_pools == 0 || rules->n_pools > POLICY_MAX_POOLS);
    if (c)
        c->rules = *rules;
    return c;
}

void capacity_free(struct capacity *c)
{
    if (!c)
        return;
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++) {
        free(c->loads[p]);
        free(c->windows[p]);
    }
    free(c);
}

/* ---- by window ---- */

static int64_t window_at(const struct capacity *c, int64_t at_ns)
{
    return (at_ns - c->rules.from_ns) / c->rules.window_ns;
}

static int64_t window_begin_ns(const struct capacity *c, int64_t window)
{
    return c->rules.from_ns + window * c->rules.window_ns;
}

/* Room for a window; NULL: none is kept of it, or, where *s says so, no memory. */
static struct load *load_at(struct capacity *c, size_t pool, int64_t window, enum status *s,
                            struct diag *d)
{
    size_t n = (size_t)window + 1, have = c->n_loads[pool];

    if (window < 0 || window >= WINDOWS_MAX_KEPT)
        return NULL;
    if (n > have) {
        *s = ARRAY_RESERVE(c->loads[pool], have, c->capacities[pool], n - have, "windows", d);
        if (*s)
            return NULL;
        memset(c->loads[pool] + have, 0, (n - have) * sizeof **c->loads);
        c->n_loads[pool] = n;
    }
    return &c->loads[pool][window];
}

static struct flow *flow_of(struct load *l, size_t offset)
{
    return (struct flow *)(void *)((char *)l + offset);
}

/* `rate` per second from one time to another. */
static enum status add_flow(struct capacity *c, size_t pool, size_t offset, int64_t from_ns,
                            int64_t to_ns, double rate, struct diag *d)
{
    enum status s = ST_OK;

    from_ns = from_ns > c->rules.from_ns ? from_ns : c->rules.from_ns;
    if (to_ns <= from_ns || window_at(c, from_ns) >= WINDOWS_MAX_KEPT)
        return ST_OK;
    int64_t first = window_at(c, from_ns), last = window_at(c, to_ns);
    if (last >= WINDOWS_MAX_KEPT) {
        last = WINDOWS_MAX_KEPT - 1;
        to_ns = window_begin_ns(c, last);
    }
    if (!load_at(c, pool, last, &s, d))
        return s;
    struct load *loads = c->loads[pool];
    struct flow *begin = flow_of(&loads[first], offset), *end = flow_of(&loads[last], offset);
    if (first == last) {
        begin->part += rate * s_from_ns(to_ns - from_ns);
        return ST_OK;
    }
    begin->part += rate * s_from_ns(window_begin_ns(c, first + 1) - from_ns);
    flow_of(&loads[first + 1], offset)->change += rate;
    end->change -= rate;
    end->part += rate * s_from_ns(to_ns - window_begin_ns(c, last));
    return ST_OK;
}

/* ---- the run ---- */

static bool is_rejected(const struct request_record *q)
{
    return q->outcome == OUTCOME_REJECTED;
}

/* The pool that computed its prompt, or is to. */
static size_t prompt_pool(const struct capacity *c, const struct request_record *q)
{
    size_t last = c->rules.n_pools - 1;

    return q->parts->waits[0].from_ns < 0 && q->parts->waits[last].from_ns >= 0 ? last : 0;
}

static enum status add_prompt(struct capacity *c, const struct request_record *q, size_t pool,
                              struct diag *d)
{
    uint32_t ranks = c->rules.workers[pool].n_ranks;
    double work_s = s_from_ns(q->parts->e2e_ns[PART_PREFILL]) / (ranks ? ranks : 1);
    int64_t from_ns = q->parts->waits[pool].from_ns;
    bool done = q->prefill_done_ns >= 0;
    enum status s = ST_OK;

    from_ns = from_ns >= 0 ? from_ns : q->arrival_ns;
    if (done) {
        c->prompts_s[pool] += work_s;
        c->prompts_tok[pool] += q->isl_tok;
    }
    if (from_ns < c->rules.from_ns)
        return ST_OK;
    struct load *l = load_at(c, pool, window_at(c, from_ns), &s, d);
    if (!l)
        return s;
    if (done)
        l->prompts_s += work_s;
    else
        l->unknown_tok += q->isl_tok;
    l = done ? NULL : load_at(c, pool, window_at(c, q->end_ns), &s, d);
    if (l)
        l->gone_tok += q->isl_tok;
    return s;
}

static enum status add_tokens(struct capacity *c, const struct request_record *q, struct diag *d)
{
    size_t pool = c->rules.n_pools - 1;
    bool handed = pool > 0 || c->rules.only_decodes;
    int64_t from_ns = handed ? q->parts->waits[1].from_ns : -1;
    double target_s = s_from_ns(q->tpot_target_ns ? q->tpot_target_ns : c->rules.tpot_target_ns),
           tok = (double)q->osl_tok - 1;

    from_ns = from_ns >= 0 ? from_ns : q->prefill_done_ns;
    if (from_ns < 0 || tok < 1)
        return ST_OK;
    bool completed = q->outcome == OUTCOME_COMPLETED;
    int64_t to_ns = completed ? q->last_token_ns : q->end_ns;
    double length_s = s_from_ns(to_ns - from_ns), due = length_s / target_s;
    if (completed)
        tok = (double)q->n_output_tok - 1;
    if (tok > due && !completed)
        tok = fmax(due, q->n_output_tok > 1 ? (double)q->n_output_tok - 1 : 0);
    if (tok < due) /* late */
        length_s = tok * target_s;
    if (!(tok > 0 && length_s > 0))
        return ST_OK;
    c->n_tok[pool] += tok;
    c->context_sum_tok[pool] += tok * (q->isl_tok + tok / 2);
    return add_flow(c, pool, offsetof(struct load, tokens), from_ns,
                    from_ns + (int64_t)(length_s * NS_PER_S), tok / length_s, d);
}

enum status capacity_add_request(struct capacity *c, const struct request_record *q, struct diag *d)
{
    BUG_IF(!q->parts);
    if (is_rejected(q))
        return ST_OK;
    enum status s = add_prompt(c, q, prompt_pool(c, q), d);
    return s ? s : add_tokens(c, q, d);
}

enum status capacity_add_prompt(struct capacity *c, const struct request_record *q, struct diag *d)
{
    BUG_IF(!q->parts);
    return is_rejected(q) ? ST_OK : add_prompt(c, q, 0, d);
}

enum status capacity_add_tokens(struct capacity *c, const struct request_record *q, struct diag *d)
{
    BUG_IF(!q->parts);
    return is_rejected(q) ? ST_OK : add_tokens(c, q, d);
}

enum status capacity_add_worker(struct capacity *c, const struct worker_record *w, struct diag *d)
{
    BUG_IF(w->pool >= c->rules.n_pools);
    if (w->ready_ns < 0)
        return ST_OK;
    return add_flow(c, w->pool, offsetof(struct load, ready), w->ready_ns,
                    w->drain_ns >= 0 ? w->drain_ns : w->end_ns, 1, d);
}

/* ---- its end ---- */

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Its windows, in one pass over what is known of them. */
static void fill(struct capacity *c, size_t pool, double s_per_tok, double s_per_prompt_tok)
{
    double tokens_rate = 0, ready_rate = 0, left = 0, length_s = s_from_ns(c->rules.window_ns);

    for (size_t i = 0; i < c->n_windows; i++) {
        static const struct load none;
        const struct load *l = i < c->n_loads[pool] ? &c->loads[pool][i] : &none;
        struct capacity_window *w = &c->windows[pool][i];
        tokens_rate += l->tokens.change;
        ready_rate += l->ready.change;
        double tokens = fmax(0, l->tokens.part + tokens_rate * length_s);
        w->ready = fmax(0, l->ready.part + ready_rate * length_s);
        w->demand = l->prompts_s + l->unknown_tok * s_per_prompt_tok + tokens * s_per_tok;
        w->short_of = fmax(0, w->demand - w->ready);
        w->idle = fmax(0, w->ready - w->demand - left);
        left = fmax(0, left + w->demand - w->ready);
        left = fmax(0, left - l->gone_tok * s_per_prompt_tok);
        w->left = left;
    }
}

static void add_up(const struct capacity *c, size_t pool, struct capacity_total *t)
{
    const double least_s = 1e-6, length_s = s_from_ns(c->rules.window_ns);

    for (size_t i = 0; i < c->n_windows; i++) {
        const struct capacity_window *w = &c->windows[pool][i];
        t->demand_worker_s += w->demand;
        t->ready_worker_s += w->ready;
        t->short_worker_s += w->short_of;
        t->idle_worker_s += w->idle;
        t->short_windows += w->short_of > least_s;
        t->max_short_workers = fmax(t->max_short_workers, w->short_of / length_s);
    }
    t->short_gpu_hours = t->short_worker_s * c->rules.gpus_per_worker[pool] / 3600;
    t->idle_gpu_hours = t->idle_worker_s * c->rules.gpus_per_worker[pool] / 3600;
}

static double rated(const struct capacity *c, size_t pool)
{
    const struct capacity_worker *w = &c->rules.workers[pool];

    if (!(c->n_tok[pool] > 0) || !w->tok_per_s)
        return NAN;
    return w->tok_per_s(w->engine, c->context_sum_tok[pool] / c->n_tok[pool],
                        ms_from_ns(c->rules.tpot_target_ns));
}

enum status capacity_finish(struct capacity *c, int64_t end_ns, struct capacity_summary *summary,
                            struct diag *d)
{
    int64_t n = end_ns > c->rules.from_ns ? window_at(c, end_ns - 1) + 1 : 0;

    c->n_windows = n < WINDOWS_MAX_KEPT ? (size_t)n : WINDOWS_MAX_KEPT;
    *summary = (struct capacity_summary){.kept = true, .n_windows = c->n_windows};
    for (size_t p = 0; p < c->rules.n_pools; p++) {
        struct capacity_total *t = &summary->pools[p];
        c->windows[p] = malloc((c->n_windows + 1) * sizeof **c->windows);
        if (!c->windows[p])
            return diag_nomem(d, "windows");
        t->rated_tok_per_s = rated(c, p);
        fill(c, p, isnan(t->rated_tok_per_s) ? 0 : 1 / t->rated_tok_per_s,
             ratio(c->prompts_s[p], c->prompts_tok[p]));
        add_up(c, p, t);
    }
    return ST_OK;
}

struct capacity_window capacity_window(const struct capacity *c, size_t pool, size_t i)
{
    BUG_IF(pool >= c->rules.n_pools || i >= c->n_windows);
    return c->windows[pool][i];
}

/* ---- figures ---- */

#define FIGURE(member)                                                                             \
    {                                                                                              \
#member, offsetof(struct capacity_total, member)                                           \
    }
static const struct {
    const char *name;
    size_t offset;
} figures[] = {FIGURE(demand_worker_s), FIGURE(ready_worker_s),    FIGURE(short_worker_s),
               FIGURE(idle_worker_s),   FIGURE(short_gpu_hours),   FIGURE(idle_gpu_hours),
               FIGURE(short_windows),   FIGURE(max_short_workers), FIGURE(rated_tok_per_s)};
enum { N_FIGURES = sizeof figures / sizeof *figures };

const char *capacity_sentence(char out[CAPACITY_SENTENCE_SIZE], const struct capacity_total *t,
                              const char *pool)
{
    char beyond[64], seconds[TEXT_FIGURE_SIZE];

    snprintf(beyond, sizeof beyond, "%.3g GPU-hours beyond the load", t->idle_gpu_hours);
    if (t->short_windows > 0)
        snprintf(out, CAPACITY_SENTENCE_SIZE, "%s short of %s worker-seconds in %.0f window%s, %s",
                 pool, text_grouped(seconds, (uint64_t)ceil(t->short_worker_s)), t->short_windows,
                 t->short_windows > 1 ? "s" : "", beyond);
    else
        snprintf(out, CAPACITY_SENTENCE_SIZE, "%s never short, %s", pool, beyond);
    return out;
}

static double figure_of(const struct capacity_total *t, size_t f)
{
    return *(const double *)(const void *)((const char *)t + figures[f].offset);
}

void capacity_write(struct json_out *j, const struct capacity_summary *y, size_t n_pools,
                    const char *const *pool_names)
{
    json_object_begin(j);
    for (size_t p = 0; p < n_pools; p++) {
        json_key(j, pool_names[p]);
        json_object_begin(j);
        for (size_t f = 0; f < N_FIGURES; f++)
            json_key_double(j, figures[f].name, figure_of(&y->pools[p], f));
        json_object_end(j);
    }
    json_object_end(j);
}

static const char beginning[] = "capacity.";

bool capacity_key_begins(const char *key)
{
    return strncmp(key, beginning, strlen(beginning)) == 0;
}

bool capacity_lookup(const struct capacity_summary *y, const char *key, size_t n_pools,
                     const char *const *pool_names, double *value)
{
    if (!capacity_key_begins(key))
        return false;
    key += strlen(beginning);
    for (size_t p = 0; p < n_pools; p++) {
        size_t n = strlen(pool_names[p]);
        if (strncmp(key, pool_names[p], n) != 0 || key[n] != '.')
            continue;
        for (size_t f = 0; f < N_FIGURES; f++) {
            if (strcmp(key + n + 1, figures[f].name) != 0)
                continue;
            *value = y->kept ? figure_of(&y->pools[p], f) : (double)NAN;
            return true;
        }
    }
    return false;
}
