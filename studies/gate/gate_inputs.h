/* What a scenario's figures are of: digests of the files it reads, and what differs from those of a
 * baseline. */
#ifndef STUDIES_GATE_GATE_INPUTS_H
#define STUDIES_GATE_GATE_INPUTS_H

#include "scenarios/compose/resources.h"
#include "studies/gate/gate.h"

/* Fills in the inputs. What cannot be read has the digest "". */
enum status gate_inputs(struct baseline_entry *entry, struct arena *arena,
                        const struct scenario *scenario, struct run_resources *resources,
                        struct diag *d);

/* Notes of the result: in what its entry is of something else than the one before. */
enum status gate_note_differences(struct gate_result *result, struct arena *arena,
                                  const struct baseline_entry *before, struct diag *d);

#endif
