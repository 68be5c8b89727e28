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
                                 struct run_result *results, struct diag *d)
{
    struct request_source sources[MAX_DEPLOYMENTS];

    for (size_t i = 0; i < run->config.n_deployments; i++)
        sources[i] = run->deployments[i].requests.source;
    return sim_run(&run->config, sources, observer, results, d);
}

const struct simulator_ops simulator_none = {.name = "none",
                                             .has_exact_stepper = true,
                                             .has_deployments = true,
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
