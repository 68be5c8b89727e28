/* How docs/deployments.md writes the grid of the global router as classes: a deployment for each
 * step of prompt lengths, under the one target that all requests have. */
#include <criterion/criterion.h>

#include "planner/fpm/pool_choice.h"
#include "traces/request_class.h"

enum { N = 4, LEAST = 1000, STEP = 2500 };

Test(pool_choice, steps_and_rules_are_classes)
{
    static const int pools[N * 2] = {3, 0, 2, 1, 1, 2, 0, 3};
    static const struct pool_rule rules[] = {{5, 6, 2}, {6, 9, 0}};
    const struct pool_choice grid = {.rows = {LEAST, LEAST + N * STEP, N},
                                     .columns = {100, 500, 2},
                                     .pools = pools,
                                     .n_rules = 2,
                                     .rules = rules};
    struct request_class of[N];
    const struct request_classes steps = {N, of};

    for (int k = 0; k < N; k++)
        of[k] = (struct request_class){{0, k + 1 < N ? LEAST + (k + 1) * STEP - 1 : INT64_MAX},
                                       REQUEST_CLASS_ANY,
                                       REQUEST_CLASS_ANY,
                                       REQUEST_CLASS_NONE};
    of[2].also_priority[0] = 5;
    of[2].also_priority[1] = 6;
    of[0].also_priority[0] = 7; /* 6 is of the rule before */
    of[0].also_priority[1] = 9;
    for (uint32_t isl = 1; isl < 20000; isl += 7) {
        for (uint32_t priority = 0; priority < 11; priority++) {
            const struct trace_request request = {.isl_tok = isl, .priority = priority};
            cr_assert_eq(pool_choose(&grid, isl, 450, priority),
                         (int)request_class_find(&steps, &request), "%u %u", isl, priority);
        }
    }
}
