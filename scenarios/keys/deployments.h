/* The key `deployments` of a scenario: what may stand in it, and paths into it. */
#ifndef SCENARIOS_KEYS_DEPLOYMENTS_H
#define SCENARIOS_KEYS_DEPLOYMENTS_H

#include <stddef.h>

#include "util/status.h"

struct arena;
struct scenario;
struct yaml_node;

/* "deployments.NAME.REST" taken apart: REST, borrowed, and the name; the path itself where it does
 * not begin so. NULL: nothing follows a name. */
enum { DEPLOYMENT_NAME_MAX = 31 };
const char *scenario_path_in_deployment(char name[DEPLOYMENT_NAME_MAX + 1], const char *path);

/* Is it a map of as many as one run can hold, under names that can stand in paths and files? */
enum status deployments_check(const struct yaml_node *map, struct diag *d);
/* Does one of them say only what is of a deployment of this run? What its keys hold is not looked
 * at. */
enum status deployment_check(const struct yaml_node *own, const struct scenario *run,
                             struct diag *d);

/* Can the requests of this scenario, or deployment, be those of an endpoint, if they are to? */
enum status endpoint_check(const struct scenario *scenario, struct diag *d);
/* Who gets a request, once the deployments have been read. ST_INPUT: nothing can get to one of
 * them, or what a grid says does not fit together. */
enum status endpoint_build(struct scenario *run, struct arena *arena, struct diag *d);

#endif
