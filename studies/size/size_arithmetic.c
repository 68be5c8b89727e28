#include "studies/size/size_internal.h"

/* What the fleet by arithmetic gives: known already where the search has come by it. */
static bool has_been_tried(struct size_choice *c, const struct size_options *options)
{
    const struct fleet fleet = {{c->arithmetic[0], c->arithmetic[1]}};
    const struct fleet_trial *trial = fleet_trial_of(&c->search, fleet);

    if (!trial || trial->cut ||
        options->n_missing) /* then the figures are those with workers missing */
        return false;
    c->arithmetic_value = trial->figures[SIZE_TARGET];
    return true;
}

static enum status run_arithmetic(struct sizing *z, struct diag *d)
{
    struct size_run *runs = ARENA_NEW(z->arena, z->n_choices, struct size_run);
    size_t n = 0;

    if (!runs)
        return diag_nomem(d, "runs");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (!size_is_detailed(c) || c->arithmetic[0] == 0 || has_been_tried(c, z->options))
            continue;
        runs[n] = (struct size_run){.choice = c, .setting = size_as_it_is};
        runs[n++].setting.fleet = (struct fleet){{c->arithmetic[0], c->arithmetic[1]}};
    }
    enum status s = size_run_all(z, runs, n, d);
    for (size_t i = 0; i < n && !s; i++) {
        if (runs[i].figures) /* too small to run at all, it has none */
            runs[i].choice->arithmetic_value = runs[i].figures[SIZE_TARGET];
    }
    return s;
}

const struct size_step size_step_arithmetic = {"arithmetic", run_arithmetic};
