/* A policy's own configuration file, such as Dynamo's planner is given (`--config`): YAML or JSON,
 * one map of fields, which are those of the policy's keys that say in_own_file. */
#ifndef SCENARIOS_KEYS_POLICY_FILE_H
#define SCENARIOS_KEYS_POLICY_FILE_H

#include "planner/policy.h"
#include "util/arena.h"
#include "util/status.h"

struct yaml_node;

/* Sets the fields of a policy that the file gives; the others stay. *root is the map they stand
 * in. A relative path in the file is taken from the file's folder. Rules across fields are not
 * checked. Everything is in the arena, `path` is borrowed.
 *
 * *taken names the fields that have no bearing on a simulation (NULL: there are none); a field of
 * another version says which, and what to do.
 *
 * Values are taken as the reference takes them (PyYAML, then Pydantic's lax mode): `yes`, `on`, 1
 * and "true" are true, "180" is a number. Unlike there, an unknown field is an error. ST_INPUT with
 * `path:line:column: ...`; ST_IO when the file cannot be read. */
enum status policy_file_read(const struct policy_ops *policy, void *config,
                             const struct yaml_node **root, const char **taken, struct arena *arena,
                             const char *path, struct diag *d);
/* The same from memory. */
enum status policy_file_parse(const struct policy_ops *policy, void *config,
                              const struct yaml_node **root, const char **taken,
                              struct arena *arena, const char *path, const char *bytes,
                              size_t length, struct diag *d);

/* By its name, or by that name as a command-line option has it; NULL = there is none. */
const struct foreign_key *policy_foreign_find(const struct policy_ops *policy, const char *name);

#endif
