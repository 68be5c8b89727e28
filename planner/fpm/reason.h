/* Why a rule decided as it did, in the reference's words. */
#ifndef PLANNER_FPM_REASON_H
#define PLANNER_FPM_REASON_H

#define FPM_REASON_MAP(XX)                                                                         \
    XX(NO_CHANGE, "no_change")                                                                     \
    XX(SCALE_DOWN, "scale_down")                                                                   \
    XX(CAPPED, "scale_down_capped_by_throughput")                                                  \
    XX(SCALE_UP, "scale_up")                                                                       \
    XX(REFUSED, "scale_down_refused_consolidation")                                                \
    XX(INSUFFICIENT_DATA, "insufficient_data")                                                     \
    XX(DISABLED, "disabled")                                                                       \
    XX(NO_FPM_DATA, "no_fpm_data")                                                                 \
    XX(IN_PROGRESS, "scaling_in_progress")                                                         \
    XX(COUNT_MISMATCH, "worker_count_mismatch")                                                    \
    XX(PREDICT_FAILED, "predict_failed")                                                           \
    XX(NO_TRAFFIC, "no_traffic_data")                                                              \
    XX(MODEL_NOT_READY, "model_not_ready")                                                         \
    XX(PARTNER_NOT_READY, "partner_not_ready")                                                     \
    XX(SET_LOWER_BOUND, "set_lower_bound")                                                         \
    XX(SCALE, "scale")                                                                             \
    XX(GUARD_HOLD, "gpu_budget_guard_hold")                                                        \
    XX(RECONCILE, "gpu_budget_reconcile")

/* The first four in the order of strength: of two sides the stronger is told of both. */
enum fpm_reason {
    FPM_NO_REASON = -1,
#define XX(id, name) FPM_##id,
    FPM_REASON_MAP(XX)
#undef XX
};
const char *fpm_reason_text(enum fpm_reason reason); /* NULL for FPM_NO_REASON */

#endif
