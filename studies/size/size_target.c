#include <string.h>

#include "reports/summary.h"
#include "studies/size/size.h"

/* Which way a figure goes with a larger fleet, as far as it follows. What is not here, such as
 * GPU-hours, prices and hit rates, is best with the least. */
static const struct {
    const char *begins, *unit; /* of summary_key_unit(); NULL = any */
    bool grows;
} figures[] = {
    {"attainment.overall", NULL, true},   {"attainment.ttft", NULL, true},
    {"attainment.tpot", NULL, true},      {"attainment.windows", NULL, true},
    {"throughput.", "requests/s", true},  {"throughput.", "tokens/s", true},
    {"requests.good", NULL, true},        {"requests.completed", NULL, true},
    {"throughput.span_s", NULL, false},   {"latency_ms.", "ms", false},
    {"requests.missed_", NULL, false},    {"requests.lost", NULL, false},
    {"requests.rejected", NULL, false},   {"requests.timed_out", NULL, false},
    {"requests.unfinished", NULL, false}, {"kv.peak_utilization", NULL, false},
    {"kv.preemptions", NULL, false},
};

enum status size_check_target(const struct expectation *target, struct diag *d)
{
    bool from_below = target->op == EXPECT_GE || target->op == EXPECT_GT;
    const char *unit = summary_key_unit(target->key, "");

    if (target->op == EXPECT_EQ || target->op == EXPECT_NE)
        return diag_fail_at(d, ST_INPUT, target->at, "expected >=, <=, > or < in '%s'",
                            target->text);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (strncmp(target->key, figures[i].begins, strlen(figures[i].begins)) == 0 &&
            (!figures[i].unit || (unit && strcmp(unit, figures[i].unit) == 0)) &&
            figures[i].grows == from_below)
            return ST_OK;
    }
    return diag_fail_at(d, ST_INPUT, target->at,
                        "'%s' is nothing to size a fleet for: a larger one does no better; "
                        "expected a bound from below on attainment or throughput, or from above "
                        "on latency_ms, requests.missed_ttft, requests.lost or kv.preemptions",
                        target->text);
}
