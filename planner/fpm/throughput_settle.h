/* From the replicas that the forecast needs to what is asked for: `clamped` as the older
 * generations do it, `guarded` as from 1.6.1 on. */
#ifndef PLANNER_FPM_THROUGHPUT_SETTLE_H
#define PLANNER_FPM_THROUGHPUT_SETTLE_H

#include "planner/fpm/fpm_core.h"

/* Of each side of the mode: the replicas needed, and whether its model could tell. */
struct fpm_need {
    int64_t replicas[N_SIDES];
    bool ready[N_SIDES];
};

struct fpm_throughput_settle {
    bool ttft_floor; /* a prompt that takes longer than its target asks for several replicas */
    void (*settle)(struct fpm_core *core, const struct fpm_need *need, struct fpm_output *out);
};
extern const struct fpm_throughput_settle fpm_throughput_clamped, fpm_throughput_unfloored,
    fpm_throughput_guarded;

/* FPM_MODEL_NOT_READY, and which side it is in mode disagg. */
void fpm_say_not_ready(const struct fpm_core *core, const struct fpm_need *need,
                       struct fpm_reasons *reasons);

#endif
