#include "planner/fpm/generation.h"

#include <string.h>

#include "planner/fixes.h"
#include "planner/fpm/estimates.h"
#include "planner/fpm/load_settle.h"
#include "planner/fpm/pass_model.h"
#include "planner/fpm/throughput_settle.h"

const struct fpm_rules fpm_generations[N_FPM_GENERATIONS] = {
    [FPM_1_2_1] = {.name = "1.2.1",
                   .predictor_fixes = FIX_PROPHET_TIME,
                   .estimates = &fpm_estimates_lines,
                   .load = &fpm_load_clamped,
                   .throughput = &fpm_throughput_clamped},
    [FPM_1_4_2] = {.name = "1.4.2",
                   .disagg_waits = true,
                   .one_cadence = true,
                   .last_values = true,
                   .changes_only = true,
                   .predictor_fixes = FIX_PROPHET_TIME,
                   .estimates = &fpm_estimates_passes,
                   .passes = &pass_by_kind,
                   .load = &fpm_load_clamped,
                   .throughput = &fpm_throughput_unfloored},
    [FPM_1_6_1] = {.name = "1.6.1",
                   .disagg_waits = true,
                   .one_cadence = true,
                   .last_values = true,
                   .changes_only = true,
                   .guarded = true,
                   .predictor_fixes = FIX_PROPHET_TIME | FIX_CLAMP_FORECAST | FIX_KALMAN_MIN_POINTS,
                   .estimates = &fpm_estimates_passes,
                   .passes = &pass_by_attention,
                   .load = &fpm_load_guarded,
                   .throughput = &fpm_throughput_guarded},
};

bool fpm_generation_find(const char *name, enum fpm_generation *generation)
{
    for (int g = 0; g < N_FPM_GENERATIONS; g++) {
        if (strcmp(fpm_generations[g].name, name) == 0) {
            *generation = (enum fpm_generation)g;
            return true;
        }
    }
    return false;
}
