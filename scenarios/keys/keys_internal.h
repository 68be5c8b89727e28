/* The one list of what a scenario file can say, beside the keys of the policies, and what can be
 * done with a key: check a value, store it, write it, describe it. Parsing, `--set`,
 * `--print-scenario`, the policies' own files, the JSON Schema and the reference all go through it.
 */
#ifndef SCENARIOS_KEYS_KEYS_INTERNAL_H
#define SCENARIOS_KEYS_KEYS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "scenarios/keys/deployments.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"
#include "util/key.h"

/* Sections in the order they are written, with what they are about; ended by name NULL. */
struct scenario_section {
    const char *name, *doc;
    bool of_run; /* all its keys are (struct key) */
};
extern const struct scenario_section scenario_sections[];

/* All but those of policies, which are in policies[]->keys; ended by name NULL. */
extern const struct key scenario_keys[];

const struct key *scenario_key_find(const char *section, const char *name);
const struct scenario_section *scenario_section_find(const char *name); /* NULL: none */
bool scenario_is_section(const char *name);

/* Is the key of the whole run, and not of a deployment? */
bool scenario_key_of_run(const struct key *key);
/* Does the key stand at the top level of such a scenario, of deployments or not? */
bool scenario_key_at_top(const struct scenario *scenario, const struct key *key);
/* ST_INPUT: such a key, or section, stands in a deployment. */
enum status scenario_key_not_in_deployment(const char *key, const char *deployment,
                                           struct source_pos at, struct diag *d);

/* ST_INPUT: no such key in a section ("" is the scenario itself, "pools.decode" a pool), and which
 * was meant. `policy` is the one whose keys `policy` has. */
enum status scenario_key_unknown(const struct policy_ops *policy, const char *section,
                                 const char *name, struct source_pos at, struct diag *d);

/* Where the value of a key is: `base` is what the key's offset counts from. */
#define KEY_FIELD(type, base, key) ((type *)(void *)((char *)(base) + (key)->offset))
#define KEY_CONST_FIELD(type, base, key)                                                           \
    ((type const *)(const void *)((const char *)(base) + (key)->offset))

void scenario_key_preset(const struct key *key, void *base);

/* Check a value and store it. `path` is how messages name it. */
struct key_target {
    struct arena *arena;
    const char *path;
    void *base;
};
enum status scenario_key_store(const struct key *key, const struct key_target *target,
                               const struct yaml_node *node, struct diag *d);

bool scenario_key_equal(const struct key *key, const void *base, const void *other);

/* "0", "drain", "null", ... */
void scenario_key_preset_text(const struct key *key, char *out, size_t size);
/* Of a key of overheads, also what it is without any. */
bool scenario_key_is_preset(const struct key *key, const void *base);

/* The value as YAML on one line, relative paths counted from `working_dir`; false: it is unset, and
 * nothing was written. */
bool scenario_key_print(const struct key *key, const void *base, const char *working_dir,
                        FILE *out);

/* Can the key matter beside the others, in any pool? */
bool scenario_key_applies(const struct scenario *scenario, const struct key *key);

/* What is set and cannot matter beside the other keys is left out, with a note; given with --set,
 * or unknown to the reference simulator that is asked for, it is refused. */
enum status scenario_check_applies(struct scenario *scenario, struct arena *arena, struct diag *d);
/* The same of the keys of the run, in a scenario whose deployments have been read: the one above
 * passes over them in a deployment. */
enum status scenario_check_run_applies(struct scenario *scenario, struct arena *arena,
                                       struct diag *d);

/* "an integer >= 0", "one of static, planner", ...; `above`: the value was too large. */
enum { KEY_EXPECTED_SIZE = 600 };
void scenario_key_expected(const struct key *key, bool above, char out[KEY_EXPECTED_SIZE]);
/* "static, planner", behind what `out` has. */
void scenario_key_choices(const struct key *key, char out[KEY_EXPECTED_SIZE]);

#endif
