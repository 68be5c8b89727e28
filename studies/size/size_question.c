/* What a search asks, as runs. A fleet that has to survive N missing workers is as good as the
 * worst of the fleets with N workers less in one pool; fleets side by side have such fleets in
 * common, so a run is never made twice. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "studies/size/size_internal.h"

void size_question(struct size_question *q, const struct size_task *t,
                   const struct size_options *options)
{
    struct size_setting whole = t->setting;

    if (t->of_load)
        whole.more_load = 1 + (double)t->wanted.n[0] / SIZE_LOAD_STEPS;
    else
        whole.fleet = t->wanted;
    q->n = 0;
    if (options->n_missing == 0) {
        q->runs[q->n++] = whole;
        return;
    }
    for (size_t i = 0; i < t->choice->n_pools; i++) {
        struct size_setting *fewer = &q->runs[q->n++];
        *fewer = whole;
        fewer->fleet.n[i] -= options->n_missing;
        if (fewer->fleet.n[i] < 1) {
            q->n = 0;
            return;
        }
    }
}

static bool has_no_less(struct fleet a, struct fleet b)
{
    return a.n[0] >= b.n[0] && a.n[1] >= b.n[1];
}

bool size_implied(struct fleet_trial *trial, const struct size_task *t)
{
    /* How far from the target is not known. */
    *trial = (struct fleet_trial){.fleet = t->wanted, .shortfall = -INFINITY, .load = 1};
    for (size_t i = 0; t->of_less && i < t->of_less->n_trials; i++) {
        const struct fleet_trial *other = &t->of_less->trials[i];
        if (other->shortfall > 0 && has_no_less(other->fleet, t->wanted)) {
            trial->shortfall = INFINITY;
            return true;
        }
    }
    for (size_t i = 0; t->of_more && i < t->of_more->n_trials; i++) {
        const struct fleet_trial *other = &t->of_more->trials[i];
        if (other->shortfall <= 0 && has_no_less(t->wanted, other->fleet))
            return true;
    }
    return false;
}

static struct size_seen *find(const struct size_task *t, const struct size_setting *setting)
{
    for (size_t i = 0; i < t->n_seen; i++) {
        if (memcmp(&t->seen[i].fleet, &setting->fleet, sizeof setting->fleet) == 0 &&
            t->seen[i].more_load == setting->more_load)
            return &t->seen[i];
    }
    return NULL;
}

const struct size_seen *size_seen(const struct size_task *t, const struct size_setting *setting)
{
    const struct size_seen *seen = find(t, setting);

    return seen && seen->cut && t->search->whole ? NULL : seen;
}

enum status size_see(struct size_task *t, struct arena *arena, const struct size_setting *setting,
                     const double *figures, bool cut, struct diag *d)
{
    struct size_seen *before = find(t, setting);

    if (before) {
        *before = (struct size_seen){setting->fleet, setting->more_load, figures, cut};
        return ST_OK;
    }
    if (t->n_seen == t->room) {
        size_t room = t->room ? 2 * t->room : 16;
        struct size_seen *larger = ARENA_NEW(arena, room, struct size_seen);
        if (!larger)
            return diag_nomem(d, "runs");
        if (t->n_seen)
            memcpy(larger, t->seen, t->n_seen * sizeof *larger);
        t->seen = larger;
        t->room = room;
    }
    t->seen[t->n_seen++] = (struct size_seen){setting->fleet, setting->more_load, figures, cut};
    return ST_OK;
}

static double shortfall_of(const struct expectation *target, double value)
{
    if (isnan(value))
        return INFINITY;
    double gap = fmax(fabs(target->bound - value), DBL_MIN);
    return expectation_holds(target, value) ? -gap : gap;
}

/* A product, so that it falls with any of them: with a burst of few requests only the last do. */
static double strain_of(const double *figures)
{
    double strain = 1;

    for (int i = SIZE_TTFT_MEAN; i <= SIZE_TPOT_MAX; i++)
        strain *= figures[i] > 0 ? figures[i] : 1;
    return strain;
}

struct fleet_trial size_judge(const struct size_task *t, const struct size_question *q,
                              const struct expectation *target)
{
    /* Too few to lose some: nothing is known of it but that. */
    struct fleet_trial worst = {.fleet = t->wanted, .shortfall = INFINITY, .load = 1};

    for (size_t i = 0; i < q->n; i++) {
        const struct size_seen *seen = size_seen(t, &q->runs[i]);
        const double *f = seen->figures;
        double shortfall = shortfall_of(target, size_value(seen, target));
        if (i > 0 && shortfall <= worst.shortfall)
            continue;
        worst.ran = q->runs[i].fleet;
        worst.shortfall = shortfall;
        worst.cut = seen->cut;
        worst.load = f[SIZE_BUSY] / f[SIZE_GPU_HOURS];
        worst.strain = strain_of(f);
        worst.figures = f;
    }
    if (t->of_load) { /* the load that fails is wanted, and an idle fleet is no reason to stop */
        worst.shortfall = -worst.shortfall;
        worst.load = 1;
    }
    return worst;
}
