/* The key `deployments` of a scenario: what may stand in it, and paths into it. */
#ifndef SCENARIOS_KEYS_DEPLOYMENTS_H
#define SCENARIOS_KEYS_DEPLOYMENTS_H

#include "util/status.h"

struct yaml_node;

/* "deployments.NAME.REST" taken apart: REST, borrowed, and the name; the path itself where it does
 * not begin so. NULL: nothing follows a name. */
enum { DEPLOYMENT_NAME_MAX = 31 };
const char *scenario_path_in_deployment(char name[DEPLOYMENT_NAME_MAX + 1], const char *path);

/* Is it a map of as many as one run can hold, under names that can stand in paths and files? */
enum status deployments_check(const struct yaml_node *map, struct diag *d);
/* Does one of them say only what is of a deployment? What its keys hold is not looked at. */
enum status deployment_check(const struct yaml_node *own, struct diag *d);

#endif
