/* The files that the runs of a sweep read, and digests of them. */
#ifndef STUDIES_SWEEP_INPUTS_H
#define STUDIES_SWEEP_INPUTS_H

#include "studies/sweep/definition.h"

/* Trace, profiles and the policy's own file: of the scenario, and of each value of a knob that is
 * one of these. What cannot be read has no digest, and the runs will say why. ST_INPUT is of the
 * knobs. */
enum status sweep_find_inputs(struct sweep_definition *definition, struct arena *arena,
                              const struct scenario *scenario, struct run_resources *resources,
                              struct diag *d);

#endif
