/* Causes in summary.json, in sentences, and as figures under keys. */
#ifndef REPORTS_CAUSES_REPORT_H
#define REPORTS_CAUSES_REPORT_H

#include "reports/causes/causes.h"

struct json_out; /* util/json_out.h */

/* The arrays and objects under `causes` and `lag`. */
void cause_write_causes(struct json_out *j, const struct cause_summary *y, size_t n_pools,
                        const char *const *pool_names);
void cause_write_lag(struct json_out *j, const struct cause_summary *y, size_t n_pools,
                     const char *const *pool_names);

/* What the requests of a cause did: "waited while workers started on prefill (decided 40 s late)".
 * Returns `out`. */
enum { CAUSE_SENTENCE_SIZE = 256 };
const char *cause_sentence(char out[CAUSE_SENTENCE_SIZE], const struct cause_summary *y,
                           enum cause cause, size_t n_pools, const char *const *pool_names);
/* The same of each kind of miss, shares in it, the largest first and no more than `most`; empty:
 * none of that kind. "2,358 missed TTFT: 71 % queued ..., 18 % ...". Returns `out`. */
enum { CAUSE_STORY_SIZE = 1024 };
const char *cause_story(char out[CAUSE_STORY_SIZE], const struct cause_summary *y,
                        enum miss_kind kind, size_t most, size_t n_pools,
                        const char *const *pool_names);

/* Figures: causes.NAME.requests, .share, .median_excess_ms, .median_late_s, and lag.POOL.X. */
bool cause_key_begins(const char *key);
bool cause_key_exists(const char *key, size_t n_pools, const char *const *pool_names);
/* false: it is none. NaN: the run did not keep it, or there is no such value. */
bool cause_lookup(const struct cause_summary *y, const char *key, size_t n_pools,
                  const char *const *pool_names, double *value);

#endif
