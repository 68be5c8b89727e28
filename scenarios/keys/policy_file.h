/* A policy's own configuration file, such as Dynamo's planner is given (`--config`): YAML or JSON,
 * one map of fields, which are those of the policy's keys that say in_own_file. */
#ifndef SCENARIOS_KEYS_POLICY_FILE_H
#define SCENARIOS_KEYS_POLICY_FILE_H

#include <stdio.h>

#include "planner/policy.h"
#include "scenarios/keys/scenario.h"
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

struct policy_file_content {
    const struct scenario *scenario; /* of which the policy is written, as it was resolved */
    const char *working_dir;         /* what relative paths count from; they become absolute */
    /* What the file is about: "path=value" as --set takes them, which are part of the scenario
     * already. */
    size_t n_settings;
    const char *const *settings;
    const char *comment; /* lines before the fields; NULL = none */
};

/* Writes the policy's own configuration file: the fields that are not at their preset, those named
 * by the settings, and those that would be taken from the scenario otherwise. Read back by
 * `policy.config`, beside the keys that are left out, it gives the same policy.
 *
 * Keys of the policy that the file does not have and that are not at their preset, and settings
 * outside the policy, cannot be written: they stand in a comment that says so, and *left_out names
 * them in one line, such as "policy.fixes, engine.max_num_seqs" (NULL: there are none). Whether
 * `out` took it is the caller's to look at. ST_INPUT: the policy has no such file, a setting that
 * is none; ST_NOMEM. */
enum status policy_file_write(const struct policy_file_content *content, const char **left_out,
                              struct arena *arena, FILE *out, struct diag *d);

/* By its name, or by that name as a command-line option has it; NULL = there is none. */
const struct foreign_key *policy_foreign_find(const struct policy_ops *policy, const char *name);

/* ST_INPUT: a field, which messages call `shown`, is of a version that is not simulated, or of
 * `other`, another generation of the policy; and what to do about it. */
enum status policy_wrong_version(const struct policy_ops *policy, const char *shown,
                                 const struct yaml_node *node, const struct foreign_key *foreign,
                                 struct diag *d);
enum status policy_wrong_generation(const struct policy_ops *policy, const char *shown,
                                    const struct yaml_node *node, const struct policy_ops *other,
                                    struct diag *d);

#endif
