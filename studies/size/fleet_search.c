#include "studies/size/fleet_search.h"

#include <math.h>
#include <string.h>

#include "util/bug.h"

/* The search is written as if every fleet had been tried. It is begun again after each trial and
 * stops where it asks for one that has not been: the trials so far are all its state. */
enum answer { FAILS, HOLDS, UNKNOWN };

struct searching {
    struct fleet_search *of;
    struct fleet wanted;
};

int64_t fleet_gpus(const struct fleet_search *search, struct fleet fleet)
{
    int64_t gpus = 0;

    for (size_t i = 0; i < search->n_pools; i++)
        gpus += fleet.n[i] * search->gpus[i];
    return gpus;
}

const struct fleet_trial *fleet_trial_of(const struct fleet_search *search, struct fleet fleet)
{
    for (size_t i = 0; i < search->n_trials; i++) {
        if (memcmp(&search->trials[i].fleet, &fleet, sizeof fleet) == 0)
            return &search->trials[i];
    }
    return NULL;
}

enum status fleet_tell(struct fleet_search *search, const struct fleet_trial *trial, struct diag *d)
{
    struct fleet_trial *before = (struct fleet_trial *)fleet_trial_of(search, trial->fleet);

    if (before) {
        *before = *trial;
        return ST_OK;
    }
    if (search->n_trials == search->room) {
        size_t room = search->room ? 2 * search->room : 16;
        struct fleet_trial *larger = ARENA_NEW(search->arena, room, struct fleet_trial);
        if (!larger)
            return diag_nomem(d, "fleets");
        if (search->n_trials)
            memcpy(larger, search->trials, search->n_trials * sizeof *larger);
        search->trials = larger;
        search->room = room;
    }
    search->trials[search->n_trials++] = *trial;
    return ST_OK;
}

static enum answer look(struct searching *s, struct fleet fleet)
{
    const struct fleet_trial *trial = fleet_trial_of(s->of, fleet);

    BUG_IF(fleet.n[0] <= 0);
    if (trial)
        return trial->shortfall <= 0 ? HOLDS : FAILS;
    s->wanted = fleet;
    return UNKNOWN;
}

static bool covers(struct fleet larger, struct fleet smaller)
{
    return larger.n[0] >= smaller.n[0] && larger.n[1] >= smaller.n[1];
}

/* As if larger fleets never did worse: what a smaller one meets needs no run, nor what a larger one
 * misses. */
static enum answer infer(struct searching *s, struct fleet fleet)
{
    if (fleet_trial_of(s->of, fleet))
        return look(s, fleet);
    for (size_t i = 0; i < s->of->n_trials; i++) {
        const struct fleet_trial *t = &s->of->trials[i];
        bool holds = t->shortfall <= 0;
        if (holds ? covers(fleet, t->fleet) : covers(t->fleet, fleet))
            return holds ? HOLDS : FAILS;
    }
    return look(s, fleet);
}

/* A larger fleet missed what a smaller one met. */
static bool any_did_worse(const struct fleet_search *of)
{
    for (size_t i = 0; i < of->n_trials; i++) {
        for (size_t k = 0; k < of->n_trials; k++) {
            const struct fleet_trial *a = &of->trials[i], *b = &of->trials[k];
            if (a->shortfall <= 0 && b->shortfall > 0 && covers(b->fleet, a->fleet))
                return true;
        }
    }
    return false;
}

static int64_t at_least(int64_t n, int64_t low)
{
    return n > low ? n : low;
}

static int64_t at_most(int64_t n, int64_t high)
{
    return n < high ? n : high;
}

/* ---- a line: fleets with a number n, 1 to max_workers ---- */

struct line {
    struct fleet of_one; /* grown by n: both pools along a diagonal */
    struct fleet fixed;
    int64_t max;
};

static struct fleet on_line(const struct line *line, int64_t n)
{
    struct fleet fleet;

    for (size_t i = 0; i < FLEET_MAX_POOLS; i++)
        fleet.n[i] = line->fixed.n[i] + n * line->of_one.n[i];
    return fleet;
}

/* Twice as many came hardly closer, though most of the fleet had nothing to do, nor did requests
 * wait less for each other: more will not help. A burst that is most of what misses the target is
 * short, and may need many times as many before a share of windows tells. */
static bool is_saturated(const struct searching *s, struct fleet fewer, struct fleet more)
{
    const struct fleet_trial *a = fleet_trial_of(s->of, fewer), *b = fleet_trial_of(s->of, more);

    return a && b && isfinite(a->shortfall) && isfinite(b->shortfall) && a->load < 0.5 &&
           b->shortfall > 0.95 * a->shortfall && !(b->strain < 0.8 * a->strain);
}

/* Brackets the least n that holds in (*low, *high]: *low fails, or is 0. FAILS: none holds. */
static enum answer bracket(struct searching *s, const struct line *line, int64_t guess,
                           int64_t *low, int64_t *high)
{
    int64_t n = at_most(at_least(guess, 1), line->max), step = at_least(n / 4, 1);
    enum answer a = infer(s, on_line(line, n));

    if (a == HOLDS) {
        for (;;) {
            *high = n;
            n = n - step;
            step *= 2;
            *low = 0;
            if (n < 1)
                n = *high / 2;
            if (n < 1)
                return HOLDS;
            a = infer(s, on_line(line, n));
            *low = n;
            if (a != HOLDS)
                return a == FAILS ? HOLDS : UNKNOWN;
        }
    }
    int n_saturated = 0;
    while (a == FAILS) {
        *low = n;
        if (n == line->max)
            return FAILS;
        n = at_most(n + step, line->max);
        step = at_least(n, 1);
        a = infer(s, on_line(line, n));
        if (a != FAILS)
            break;
        if (n < 2 * *low)
            continue;
        n_saturated = is_saturated(s, on_line(line, *low), on_line(line, n)) ? n_saturated + 1 : 0;
        if (n_saturated == 2)
            return FAILS;
    }
    *high = n;
    return a;
}

/* Between both: where a straight line through their shortfalls has none. */
static int64_t crossing(const struct searching *s, const struct line *line, int64_t low,
                        int64_t high)
{
    const struct fleet_trial *a = fleet_trial_of(s->of, on_line(line, low)),
                             *b = fleet_trial_of(s->of, on_line(line, high));

    if (!a || !b || !isfinite(a->shortfall) || !isfinite(b->shortfall))
        return low + (high - low) / 2;
    double share = a->shortfall / (a->shortfall - b->shortfall);
    return at_least(at_most(low + (int64_t)(share * (double)(high - low)), high - 1), low + 1);
}

static enum answer least(struct searching *s, const struct line *line, int64_t guess, int64_t *n)
{
    int64_t low = 0, high = 0;
    bool halve = false; /* the line was not as good as halving the last time */

    enum answer a = bracket(s, line, guess, &low, &high);
    while (a == HOLDS && high - low > 1) {
        int64_t width = high - low;
        int64_t middle = halve ? low + width / 2 : crossing(s, line, low, high);
        enum answer there = infer(s, on_line(line, middle));
        if (there == UNKNOWN)
            return UNKNOWN;
        *(there == HOLDS ? &high : &low) = middle;
        halve = !halve && 2 * (high - low) > width + 1;
    }
    *n = high;
    return a;
}

/* ---- one pool ---- */

static enum answer search_one(struct searching *s)
{
    struct fleet_search *of = s->of;
    const struct line line = {.of_one = {{1, 0}}, .max = of->max_workers};
    int64_t n;

    enum answer a = least(s, &line, of->guess[0], &n);
    if (a != HOLDS)
        return a;
    /* The fleet just below fails; those next to it may not. */
    for (int64_t below = n - 1; of->verify && below >= 1 && below >= n - 2; below--) {
        a = look(s, on_line(&line, below));
        if (a == UNKNOWN)
            return UNKNOWN;
        if (a == HOLDS) {
            of->uneven = true;
            n = below;
        }
    }
    if (of->verify && n < line.max) {
        a = look(s, on_line(&line, n + 1));
        if (a == UNKNOWN)
            return UNKNOWN;
        of->uneven = of->uneven || a == FAILS;
    }
    of->best = on_line(&line, n);
    return HOLDS;
}

/* ---- two pools ---- */

/* For each number in the first pool, cheapest corner first: down while what is cheaper than the
 * best holds. */
static enum answer walk(struct searching *s, struct fleet corner, struct fleet *best, int64_t gpus)
{
    struct fleet_search *of = s->of;
    bool any = false;

    for (struct fleet f = corner; f.n[0] <= of->max_workers; f.n[0]++) {
        for (;;) {
            int64_t left = gpus - 1 - f.n[0] * of->gpus[0];
            f.n[1] = at_most(left / of->gpus[1], of->max_workers);
            if (left <= 0 || f.n[1] < corner.n[1])
                break;
            enum answer a = infer(s, f);
            if (a == HOLDS) /* an answer has been run */
                a = look(s, f);
            if (a == UNKNOWN)
                return UNKNOWN;
            if (a == FAILS)
                break;
            *best = f;
            gpus = fleet_gpus(of, f);
            any = true;
        }
        if ((f.n[0] + 1) * of->gpus[0] + corner.n[1] * of->gpus[1] >= gpus)
            break;
    }
    return any ? HOLDS : FAILS;
}

/* One less in either pool has to fail. */
static enum answer verify_two(struct searching *s, struct fleet *best)
{
    for (size_t i = 0; i < FLEET_MAX_POOLS;) {
        struct fleet fewer = *best;
        fewer.n[i]--;
        enum answer a = fewer.n[i] > 0 ? look(s, fewer) : FAILS;
        if (a == UNKNOWN)
            return UNKNOWN;
        if (a == HOLDS) {
            s->of->uneven = true;
            *best = fewer;
        }
        i = a == HOLDS ? 0 : i + 1;
    }
    return HOLDS;
}

static enum answer search_two(struct searching *s)
{
    struct fleet_search *of = s->of;
    /* More of either pool, as they stand to each other in the guess. */
    int64_t most = at_least(of->guess[0], of->guess[1]);
    struct line both = {.max = of->max_workers / most, .of_one = {{of->guess[0], of->guess[1]}}};
    struct fleet best = {{0}}, corner;
    int64_t times, gpus;

    enum answer a = least(s, &both, 1, &times);
    if (a != HOLDS)
        return a;
    struct fleet enough = on_line(&both, times);
    for (size_t i = 0; i < FLEET_MAX_POOLS; i++) {
        struct line line = {.max = enough.n[i]};
        line.of_one.n[i] = 1;
        /* No cheaper fleet has more of the other. */
        line.fixed.n[1 - i] = (fleet_gpus(of, enough) - of->gpus[i]) / of->gpus[1 - i];
        a = least(s, &line, times > 1 ? enough.n[i] : of->guess[i], &corner.n[i]);
        if (a == UNKNOWN)
            return UNKNOWN;
        if (a == FAILS) { /* though less was enough */
            of->uneven = true;
            corner.n[i] = 1;
        }
    }
    best = enough;
    for (int64_t more = 0;; more = at_least(1, 2 * more)) {
        struct fleet f = {{corner.n[0] + more, corner.n[1] + more}};
        if (fleet_gpus(of, f) >= fleet_gpus(of, enough))
            break;
        a = look(s, f);
        if (a == UNKNOWN)
            return UNKNOWN;
        if (a == HOLDS) {
            best = f;
            break;
        }
    }
    gpus = fleet_gpus(of, best);
    if (gpus > of->max_gpus)
        gpus = of->max_gpus + 1;
    a = walk(s, corner, &best, gpus);
    if (a == UNKNOWN)
        return UNKNOWN;
    if (of->verify && fleet_gpus(of, best) <= of->max_gpus && verify_two(s, &best) == UNKNOWN)
        return UNKNOWN;
    of->best = best;
    return HOLDS;
}

/* ---- the whole ---- */

/* With n0 in the first pool, and in the second more than what missed with as many or more of the
 * first; INT64_MAX: there is no second. */
static int64_t least_with(const struct fleet_search *of, int64_t n0)
{
    struct fleet f = {{n0, of->n_pools > 1}};

    for (size_t i = 0; i < of->n_trials; i++) {
        const struct fleet_trial *t = &of->trials[i];
        if (t->shortfall > 0 && t->fleet.n[0] >= n0)
            f.n[1] = at_least(f.n[1], t->fleet.n[1] + 1);
    }
    return of->n_pools == 1 && f.n[1] ? INT64_MAX : fleet_gpus(of, f);
}

int64_t fleet_least_gpus(const struct fleet_search *of)
{
    int64_t least = least_with(of, 1);

    for (size_t i = 0; i < of->n_trials; i++) {
        const struct fleet_trial *t = &of->trials[i];
        bool holds = t->shortfall <= 0;
        int64_t gpus = holds ? fleet_gpus(of, t->fleet) : least_with(of, t->fleet.n[0] + 1);
        least = at_most(least, gpus);
    }
    return least;
}

/* The largest fleet within the limit, as the guess has it. */
static struct fleet largest(const struct fleet_search *of)
{
    struct fleet f = {{1, of->n_pools > 1}};
    int64_t unit = 0;

    for (size_t i = 0; i < of->n_pools; i++)
        unit += of->guess[i] * of->gpus[i];
    for (size_t i = 0; i < of->n_pools; i++)
        f.n[i] = at_most(at_least(of->guess[i] * of->max_gpus / unit, 1), of->max_workers);
    for (size_t i = 0; i < of->n_pools; i++) {
        int64_t left = (of->max_gpus - fleet_gpus(of, f)) / of->gpus[i];
        f.n[i] = at_most(f.n[i] + at_least(left, 0), of->max_workers);
    }
    return f;
}

static bool closest_within(struct fleet_search *of)
{
    const struct fleet_trial *best = NULL;

    for (size_t i = 0; i < of->n_trials; i++) {
        const struct fleet_trial *t = &of->trials[i];
        if (fleet_gpus(of, t->fleet) <= of->max_gpus &&
            (!best || t->shortfall < best->shortfall ||
             (t->shortfall == best->shortfall &&
              fleet_gpus(of, t->fleet) < fleet_gpus(of, best->fleet))))
            best = t;
    }
    if (best)
        of->best = best->fleet;
    return best;
}

/* One worker less than the answer, or what came closest, was cut. */
static bool wants_whole(struct searching *s)
{
    const struct fleet_search *of = s->of;

    for (size_t i = 0; i < of->n_pools; i++) {
        s->wanted = of->best;
        s->wanted.n[i] -= of->found;
        const struct fleet_trial *t = fleet_trial_of(of, s->wanted);
        if (t && t->cut)
            return true;
    }
    return false;
}

enum fleet_state fleet_next(struct fleet_search *search, struct fleet *fleet)
{
    struct searching s = {.of = search};

    search->uneven = any_did_worse(search);
    enum answer a = search->n_pools == 1 ? search_one(&s) : search_two(&s);
    if (a == HOLDS && fleet_gpus(search, search->best) > search->max_gpus) {
        /* Too large: how close does the largest come that is allowed? */
        struct fleet most = largest(search);
        a = FAILS;
        if (fleet_gpus(search, most) <= search->max_gpus && look(&s, most) == UNKNOWN)
            a = UNKNOWN;
    }
    search->found = a == HOLDS;
    if (a == FAILS && !closest_within(search))
        search->best = (struct fleet){{0}};
    search->whole = a != UNKNOWN && search->verify && wants_whole(&s);
    *fleet = s.wanted;
    if (a == UNKNOWN || search->whole)
        return FLEET_WANTED;
    return search->found ? FLEET_FOUND : FLEET_UNREACHABLE;
}
