#include <math.h>
#include <string.h>

#include "scenarios/compose/build.h"
#include "scenarios/keys/simulator.h"
#include "sim/sim.h"

static enum status build_none(struct scenario_run *run, const struct scenario *scenario,
                              struct shared *shared, struct diag *d)
{
    (void)run, (void)scenario, (void)shared, (void)d; /* its sim_config says it all */
    return ST_OK;
}

static enum status simulate_none(const struct scenario_run *run, const struct observer *observer,
                                 struct run_result *result, struct diag *d)
{
    return sim_run(&run->config, &run->requests.source, observer, result, d);
}

const struct simulator_ops simulator_none = {.name = "none",
                                             .has_exact_stepper = true,
                                             .keeps_parts = true,
                                             .start_delay_s = NAN,
                                             .build = build_none,
                                             .simulate = simulate_none};

const struct simulator_ops *const simulators[] = {&simulator_none, &simulator_dynosim, NULL};

const struct simulator_ops *simulator_find(const char *name)
{
    for (size_t i = 0; simulators[i]; i++)
        if (strcmp(simulators[i]->name, name) == 0)
            return simulators[i];
    return NULL;
}
