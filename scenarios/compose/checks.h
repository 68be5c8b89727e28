/* What is to be known before the figures of a scenario are believed: settings that cannot work, or
 * that make something else of the run than was meant. Each is one line of one list, for runs and
 * for dry runs alike. What cannot be meant is an error; what can be is a note. Both say the cure.
 */
#ifndef SCENARIOS_COMPOSE_CHECKS_H
#define SCENARIOS_COMPOSE_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engines/profile/profile.h"
#include "record/run_result.h"
#include "reports/recorder.h"
#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/status.h"

/* The pools that are run, or planned, and where notes go; their texts are in the arena. */
struct checked {
    const struct scenario *scenario;
    size_t n_pools;
    enum pool_role roles[POLICY_MAX_POOLS];
    const struct profile *profiles[POLICY_MAX_POOLS];
    const struct engine_settings *engines[POLICY_MAX_POOLS]; /* with nothing left open */
    int64_t gpus_per_worker[POLICY_MAX_POOLS];
    bool dry_run; /* no workers, no measured span */
    struct run_notes *notes;
    struct arena *arena;
};

/* All that came in: known once the trace has been read. */
struct traffic_seen {
    uint64_t n_requests;
    double span_s; /* from the first arrival to the last, as simulated */
};

/* Before anything is simulated. ST_INPUT names the key. */
enum status scenario_check(const struct checked *c, struct diag *d);
/* Can summary.json of this scenario have the number, and can the expectation be met at all, or
 * missed? ST_INPUT at `at`, or at the expectation's own place. */
enum status scenario_check_figure(const struct scenario *scenario, const char *key,
                                  struct source_pos at, struct diag *d);
enum status scenario_check_expectation(const struct scenario *scenario, const struct expectation *e,
                                       struct diag *d);
enum status scenario_check_comparison(const struct scenario *scenario,
                                      const struct compare_rule *comparison, struct diag *d);
/* All that it expects and compares. */
enum status scenario_check_figures(const struct scenario *scenario, struct diag *d);
/* After it: does the policy of one of several wait for what does not come? */
enum status scenario_check_stall(const struct checked *c, const struct run_result *result,
                                 struct diag *d);
enum status scenario_check_traffic(const struct checked *c, const struct traffic_seen *traffic,
                                   struct diag *d);

#endif
