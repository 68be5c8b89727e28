#include <criterion/criterion.h>
#include <math.h>

#include "reports/timeline.h"
#include "util/units.h"

static const char *const pools[] = {"prefill", "decode"};

static struct timeline make(struct timeline_point point[5])
{
    static const int ready[5] = {1, 1, 3, 4, 2};

    for (int i = 0; i < 5; i++) {
        point[i] = (struct timeline_point){.at_ns = i * 10 * NS_PER_S};
        point[i].count[1][TIMELINE_READY] = ready[i];
        point[i].count[1][TIMELINE_TARGET] = 4;
        point[i].count[0][TIMELINE_WORKERS] = 7;
    }
    return (struct timeline){5, point};
}

Test(timeline, a_moment_is_that_of_the_last_sample)
{
    struct timeline_point point[5];
    struct timeline t = make(point);
    static const struct {
        const char *key;
        double value;
    } cases[] = {
        {"timeline.0.decode.ready", 1},          {"timeline.19.decode.ready", 1},
        {"timeline.20.decode.ready", 3},         {"timeline.1000.decode.ready", 2},
        {"timeline.25.decode.target", 4},        {"timeline.25.prefill.workers", 7},
        {"timeline.10_30.decode.ready.min", 1},  {"timeline.11_40.decode.ready.min", 2},
        {"timeline.0_40.decode.ready.max", 4},   {"timeline.20_40.decode.ready.mean", 3},
        {"timeline.20_20.decode.ready.mean", 3},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        cr_expect(timeline_lookup(&t, cases[i].key, 2, pools, &value), "%s", cases[i].key);
        cr_expect_float_eq(value, cases[i].value, 1e-12, "%s: %g", cases[i].key, value);
        cr_expect(timeline_key_exists(cases[i].key, 2, pools), "%s", cases[i].key);
    }
}

Test(timeline, without_a_sample_there_is_no_value)
{
    struct timeline_point point[5];
    struct timeline t = make(point), none = {0, NULL};
    double value = 0;

    cr_assert(timeline_lookup(&t, "timeline.11_19.decode.ready.max", 2, pools, &value));
    cr_expect(isnan(value));
    cr_assert(timeline_lookup(&none, "timeline.10.decode.ready", 2, pools, &value));
    cr_expect(isnan(value));
}

Test(timeline, what_is_no_key)
{
    static const char *const wrong[] = {
        "timeline",
        "timeline.",
        "timeline.10",
        "timeline.10.decode",
        "timeline.10.decode.",
        "timeline.10.decode.read",
        "timeline.10.decode.ready.max",
        "timeline.10.agg.ready",
        "timeline.10_20.decode.ready",
        "timeline.10_20.decode.ready.median",
        "timeline.10_20.decode.ready.max.max",
        "timeline.20_10.decode.ready.max",
        "timeline.10_.decode.ready.max",
        "timeline._10.decode.ready.max",
        "timeline.1.5.decode.ready",
        "timeline.-1.decode.ready",
        "timeline.99999999999999999999999.decode.ready",
        "timeline.9999999999.decode.ready",
        "attainment.overall",
        "timelines.10.decode.ready",
    };
    const struct timeline none = {0, NULL};
    double value;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(timeline_key_exists(wrong[i], 2, pools), "%s", wrong[i]);
        cr_expect_not(timeline_lookup(&none, wrong[i], 2, pools, &value), "%s", wrong[i]);
    }
}
