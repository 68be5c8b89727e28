/* Values of keys that say which deployment's pool a request of an endpoint goes to. */
#ifndef SCENARIOS_KEYS_POOLS_H
#define SCENARIOS_KEYS_POOLS_H

#include <stdint.h>
#include <stdio.h>

#include "util/arena.h"
#include "util/status.h"

struct json_out;
struct yaml_node;

/* A grid of names, as lists in a list, or lists in lists in a list. */
enum { POOL_MAX_AXES = 3 };
struct pool_names {
    size_t n_axes; /* 2 or 3; 0 = unset */
    size_t size[POOL_MAX_AXES];
    const char *const *name; /* the last axis runs fastest */
    const struct source_pos *at;
};

/* What holds for requests of such priorities. */
struct priority_rule {
    int64_t priority[2];    /* both included */
    const char *pool;       /* where they go; NULL = not said */
    double ttft_ms, itl_ms; /* their targets; NaN = not said */
    struct source_pos at, pool_at;
};
struct priority_rules {
    size_t n;
    const struct priority_rule *item;
};

/* ST_INPUT says where and what was expected; `path` is what messages call the key. */
enum status pool_names_read(struct pool_names *to, struct arena *arena,
                            const struct yaml_node *list, const char *path, struct diag *d);
/* From a list of maps such as {min_priority: 0, max_priority: 3, target_pool: fast}; `members`,
 * ended by NULL: what a rule has beside the priorities. */
enum status priority_rules_read(struct priority_rules *to, struct arena *arena,
                                const struct yaml_node *list, const char *path,
                                const char *const *members, struct diag *d);

void pool_names_print(const struct pool_names *names, FILE *out);
void priority_rules_print(const struct priority_rules *rules, FILE *out);
/* As JSON Schema: the members of the object of the key. */
void pool_names_schema(struct json_out *j);
void priority_rules_schema(struct json_out *j, const char *const *members);

/* In error messages and the reference. */
extern const char pool_names_expected[];
const char *priority_rules_expected(const char *const *members);

extern const char *const pool_rule_members[];   /* target_pool */
extern const char *const target_rule_members[]; /* ttft_target_ms, itl_target_ms */

#endif
