/* Other courses that the traffic might have taken (the key `replicate`). */
#include "scenarios/keys/simulator.h"
#include "studies/chance.h"

static enum status replicates_create(void **state, const struct chance_setup *setup, struct diag *d)
{
    *state = NULL;
    if (!setup->run->simulator->bare_engines)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(setup->scenario, "compat"),
                        "the reference simulator has no replicates; expected compat none, not '%s'",
                        setup->scenario->compat);
}

static enum status replicates_draw(const void *state, const struct chance_setup *setup,
                                   uint64_t number, struct chance_draw *draw, struct diag *d)
{
    struct scenario_override *to = &draw->overrides[draw->n_overrides++];

    (void)state;
    to->label = "replicates";
    to->text = arena_printf(setup->arena, "replicate=%llu", (unsigned long long)number);
    return to->text ? ST_OK : diag_nomem(d, "replicates");
}

static enum status replicates_add_bases(const void *state, const struct chance_setup *setup,
                                        struct summary_intervals *intervals, struct diag *d)
{
    const struct scenario *sc = setup->scenario;
    const char *text =
        sc->n_deployments ? "the traffic of each deployment in another course, every random draw "
                            "anew"
        : sc->traffic.clients ? "the same clients, every random draw anew"
        : !sc->trace.path
            ? "the same rate, every random draw anew"
            : arena_printf(setup->arena,
                           "blocks of %.9g s of the trace, each from within %.9g s of its time; "
                           "every random draw anew",
                           sc->trace.resample_block_s, sc->trace.resample_within_s);

    (void)state;
    if (!text)
        return diag_nomem(d, "replicates");
    intervals->bases[intervals->n_bases++] = (struct summary_basis){"a replicate", text};
    return ST_OK;
}

const struct chance chance_replicates = {
    .name = "replicates",
    .option = "replicates",
    .min_runs = 2,
    .level = 0.95,
    .create = replicates_create,
    .draw = replicates_draw,
    .add_bases = replicates_add_bases,
};
