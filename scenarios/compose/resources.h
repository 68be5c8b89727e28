/* What runs share: profiles, latency models, traces and what is made of them, each loaded once,
 * when a run first asks for it. Nothing of it changes after that, so runs on several threads use it
 * at the same time; the calls lock by themselves. Everything lives until run_resources_free. */
#ifndef SCENARIOS_COMPOSE_RESOURCES_H
#define SCENARIOS_COMPOSE_RESOURCES_H

#include "engines/latency/latency.h"
#include "engines/profile/profile.h"
#include "traces/trace_table.h"
#include "util/status.h"

struct shared;
struct run_resources; /* opaque */

/* `search` is borrowed and must outlive the resources. ST_NOMEM. */
enum status run_resources_create(struct run_resources **resources,
                                 const struct profile_search *search, struct diag *d);
void run_resources_free(struct run_resources *resources); /* NULL is allowed */

/* Where they are, for what layers below make and share themselves. */
struct shared *run_resources_shared(struct run_resources *resources);

/* The answers are the same for the same arguments. Errors: those of profile_open, of the model's
 * `create`, of trace_table_load; a later call tries again. */
enum status run_resources_profile(struct run_resources *resources,
                                  const struct profile_source *source,
                                  const struct profile **profile, struct diag *d);
enum status run_resources_latency(struct run_resources *resources,
                                  const struct latency_model_ops *model,
                                  const struct profile *profile,
                                  const struct latency_config *config, const void **state,
                                  struct diag *d);
/* count_shared: as after trace_table_count_shared. */
enum status run_resources_trace(struct run_resources *resources, const char *path,
                                const struct trace_options *options, bool count_shared,
                                const struct trace_table **table, struct diag *d);

#endif
