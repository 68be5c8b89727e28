/* The fleet of each month of a load that grows. What misses the target misses it at a larger load,
 * and what meets it meets it at a smaller one: from today's fleet and that of the last month the
 * months between are found by halves, each with the trials of both sides, and none are searched
 * between two months of one fleet. Each month's fleet is then run at the load of that month. */
#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

struct plan {
    struct size_choice *choice;
    struct size_month *months;     /* 0 to n_months */
    struct fleet_search *searches; /* of each; the first is a copy of the choice's */
    size_t *searched_as;           /* whose search found it */
    bool *known;
};

static double factor_of(const struct size_options *o, size_t month)
{
    return pow(1 + o->growth_per_month, (double)month);
}

static enum status make_plan(struct plan *p, struct size_choice *c, const struct sizing *z,
                             struct diag *d)
{
    size_t n = z->options->n_months + 1;

    *p = (struct plan){.choice = c,
                       .months = ARENA_NEW(z->arena, n, struct size_month),
                       .searches = ARENA_NEW(z->arena, n, struct fleet_search),
                       .searched_as = ARENA_NEW(z->arena, n, size_t),
                       .known = ARENA_NEW(z->arena, n, bool)};
    if (!p->months || !p->searches || !p->searched_as || !p->known)
        return diag_nomem(d, "months");
    for (size_t m = 0; m < n; m++) {
        p->months[m] = (struct size_month){.scale_load = c->scale_load * factor_of(z->options, m)};
        p->known[m] = m == 0;
        p->searched_as[m] = m;
    }
    p->searches[0] = c->search;
    return ST_OK;
}

static struct fleet fleet_of(const struct plan *p, size_t month)
{
    return p->searches[p->searched_as[month]].best;
}

static bool is_reached(const struct plan *p, size_t month)
{
    return p->searches[p->searched_as[month]].found;
}

static struct size_task task_of(struct plan *p, size_t month, struct fleet guess,
                                const struct sizing *z)
{
    struct fleet_search *search = &p->searches[month];
    struct size_task task = {.choice = p->choice, .search = search, .setting = size_as_it_is};

    *search = size_search(p->choice, guess, p->choice->search.max_gpus, z->arena);
    task.setting.more_load = factor_of(z->options, month);
    p->searched_as[month] = month;
    return task;
}

/* ---- by halves ---- */

/* As the load, but slower: bursts of one copy fill the gaps of another. */
static struct size_task last_month(struct plan *p, const struct sizing *z)
{
    size_t month = z->options->n_months;
    double factor = pow(factor_of(z->options, month), 0.75);
    struct fleet guess = p->choice->workers;

    for (size_t i = 0; i < p->choice->n_pools; i++)
        guess.n[i] = (int64_t)ceil((double)guess.n[i] * factor);
    struct size_task task = task_of(p, month, guess, z);
    task.of_less = &p->searches[0];
    return task;
}

static struct size_task month_between(struct plan *p, size_t low, size_t high,
                                      const struct sizing *z)
{
    bool reached = is_reached(p, high);
    size_t month = low + (high - low) / 2;
    struct size_task task = task_of(p, month, fleet_of(p, reached ? high : low), z);

    task.of_less = &p->searches[p->searched_as[low]];
    task.of_more = reached ? &p->searches[p->searched_as[high]] : NULL;
    return task;
}

/* Nothing happens between two months of one fleet, nor after one that no fleet reaches. */
static bool is_settled(struct plan *p, size_t low, size_t high)
{
    const struct fleet a = fleet_of(p, low), b = fleet_of(p, high);
    bool same = is_reached(p, low) && is_reached(p, high) && memcmp(&a, &b, sizeof a) == 0;

    if (!same && is_reached(p, low))
        return high == low + 1;
    for (size_t m = low + 1; m < high; m++) {
        p->known[m] = true;
        p->searched_as[m] = p->searched_as[low];
    }
    return true;
}

static void add_tasks(struct size_task *tasks, size_t *n, struct plan *p, const struct sizing *z)
{
    size_t n_months = z->options->n_months;

    if (p->choice->message)
        return;
    if (!p->known[n_months]) {
        tasks[(*n)++] = last_month(p, z);
        p->known[n_months] = true;
        return;
    }
    for (size_t low = 0; low < n_months;) {
        size_t high = low + 1;
        while (!p->known[high])
            high++;
        if (!is_settled(p, low, high)) {
            p->known[low + (high - low) / 2] = true;
            tasks[(*n)++] = month_between(p, low, high, z);
        }
        low = high;
    }
}

/* ---- each fleet at the load of its month ---- */

static bool was_run(const struct plan *p, size_t month)
{
    if (p->searched_as[month] != month)
        return false;
    const struct fleet_trial *trial = fleet_trial_of(&p->searches[month], fleet_of(p, month));
    return trial && trial->figures;
}

/* Searches that ask for one fleet; where that fails a search from nothing takes their place. */
static enum status check_months(struct sizing *z, struct plan *plans, size_t n_plans,
                                struct size_task *tasks, struct plan **of, struct diag *d)
{
    size_t n = 0, n_failed = 0;

    for (size_t i = 0; i < n_plans; i++) {
        struct plan *p = &plans[i];
        /* From the last: a month may have its fleet from one before it. */
        for (size_t m = z->options->n_months; m >= 1 && !p->choice->message; m--) {
            if (!is_reached(p, m) || was_run(p, m))
                continue;
            struct fleet fleet = fleet_of(p, m);
            of[n] = p;
            tasks[n] = task_of(p, m, fleet, z);
            tasks[n].only = true;
            tasks[n++].wanted = fleet;
        }
    }
    enum status s = size_run_tasks(z, tasks, n, NULL, d);
    for (size_t i = 0; i < n && !s; i++) {
        struct fleet_search *search = tasks[i].search;
        if (of[i]->choice->message)
            continue;
        search->best = tasks[i].wanted;
        search->found = search->trials[0].shortfall <= 0;
        if (search->found)
            continue;
        of[i]->choice->search.uneven = true;
        tasks[n_failed] = task_of(of[i], (size_t)(search - of[i]->searches), tasks[i].wanted, z);
        tasks[n_failed++].search->verify = true;
    }
    return s ? s : size_run_tasks(z, tasks, n_failed, NULL, d);
}

/* ---- the answer ---- */

static enum status set_month(struct size_month *to, const struct plan *p, size_t month,
                             const struct size_options *o, struct diag *d)
{
    const struct size_choice *c = p->choice;

    to->cost_per_day = NAN;
    if (!is_reached(p, month))
        return ST_OK;
    to->workers = fleet_of(p, month);
    enum status s = size_nodes(&to->nodes, &to->reached, c, to->workers, o->scenario, d);
    if (to->reached) {
        to->gpus = fleet_gpus(&c->search, to->workers);
        to->cost_per_day = size_cost_per_day(c, (double)to->gpus);
    }
    return s;
}

static enum status set_months(struct plan *p, const struct size_options *o, struct diag *d)
{
    struct size_choice *c = p->choice;
    double most = c->cost_per_day;
    enum status s = ST_OK;

    if (c->message)
        return ST_OK;
    c->months = p->months;
    c->too_small_from = -1;
    c->cost_month_by_month = 0;
    for (size_t m = 0; m <= o->n_months && !s; m++) {
        struct size_month *to = &p->months[m];
        s = set_month(to, p, m, o, d);
        if (c->too_small_from < 0 && (!to->reached || to->gpus > c->gpus))
            c->too_small_from = (int64_t)m;
        /* What was bought is kept. */
        most = to->reached && !isnan(most) ? fmax(most, to->cost_per_day) : NAN;
        if (m > 0)
            c->cost_month_by_month += SIZE_DAYS_PER_MONTH * most;
    }
    c->cost_at_once = SIZE_DAYS_PER_MONTH * (double)o->n_months * most;
    return s;
}

static enum status plan_growth(struct sizing *z, struct diag *d)
{
    size_t n_months = z->options->n_months, n_plans = 0, n;
    struct plan *plans = ARENA_NEW(z->arena, z->n_choices, struct plan);
    struct size_task *tasks = ARENA_NEW(z->arena, z->n_choices * (n_months + 1), struct size_task);
    struct plan **of = ARENA_NEW(z->arena, z->n_choices * (n_months + 1), struct plan *);
    enum status s = ST_OK;

    if (n_months == 0)
        return ST_OK;
    if (!plans || !tasks || !of)
        return diag_nomem(d, "months");
    for (size_t i = 0; i < z->n_choices && !s; i++) {
        if (size_is_detailed(&z->choices[i]))
            s = make_plan(&plans[n_plans++], &z->choices[i], z, d);
    }
    do {
        n = 0;
        for (size_t i = 0; i < n_plans && !s; i++)
            add_tasks(tasks, &n, &plans[i], z);
        s = s ? s : size_run_tasks(z, tasks, n, NULL, d);
    } while (!s && n);
    s = s ? s : check_months(z, plans, n_plans, tasks, of, d);
    for (size_t i = 0; i < n_plans && !s; i++)
        s = set_months(&plans[i], z->options, d);
    return s;
}

const struct size_step size_step_growth = {"growth", plan_growth};
