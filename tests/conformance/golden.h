/* Reading golden files, and counting comparisons. */
#ifndef TESTS_CONFORMANCE_GOLDEN_H
#define TESTS_CONFORMANCE_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/dynamo1/planner_core.h"
#include "tests/conformance/family.h"
#include "util/arena.h"

/* A file, plain or gzip, as JSON, or NULL; the caller deletes it. */
cJSON *golden_load(const char *path);
const cJSON *golden_get(const cJSON *object, const char *key);
/* A number, or one of the strings nan, inf, -inf; NaN for null and for what is absent. */
double golden_number(const cJSON *item);
double golden_at(const cJSON *object, const char *key);
int64_t golden_int(const cJSON *object, const char *key);
const char *golden_text(const cJSON *object, const char *key); /* "" when absent */
bool golden_has(const cJSON *object, const char *key);         /* present and not null */
/* A list of numbers, in the arena. */
double *golden_list(const cJSON *list, struct arena *arena, size_t *n);

/* One comparison: |got - want| <= tolerance * max(|want|, floor). NaN equals NaN. */
void golden_close(struct verdict *v, const char *where, double got, double want, double tolerance,
                  double floor);
void golden_equal(struct verdict *v, const char *where, double got, double want);
/* A case that could not be run at all. */
void golden_fail(struct verdict *v, const char *where);
/* Sets pass, when every comparison is within, and the tolerance in words. */
void golden_judge(struct verdict *v, const char *tolerance);

/* The engine models of a file's `profiles` by name; NULL when there is none of that name. Either
 * model may be NULL in the call. */
bool golden_models(const cJSON *file, const char *profile, struct arena *arena,
                   struct prefill_model *prefill, struct decode_model *decode);

/* The planner configuration of a case: defaults, then its `mode` and `config`. */
bool golden_config(const cJSON *kase, struct planner_config *config);

extern const struct family family_interpolation[], family_replicas[], family_load[],
    family_metrics[], family_e2e[];

#endif
