#include "engines/profile/profile_gpus.h"
#include "scenarios/compose/build_internal.h"

/* The path of an engine key as a pool has it. */
static const char *tp_name(const struct scenario *sc, enum pool_role role)
{
    static const char *const own[3] = {[POOL_AGG] = "pools.agg.tp",
                                       [POOL_PREFILL] = "pools.prefill.tp",
                                       [POOL_DECODE] = "pools.decode.tp"};

    return sc->pools[role].engine.tp == sc->engine.tp ? "engine.tp" : own[role];
}

enum status scenario_worker_gpus(int64_t *gpus, const struct scenario *sc, enum pool_role role,
                                 const struct profile *profile, struct diag *d)
{
    static const char *const pool_key[3] = {[POOL_AGG] = "pools.agg.gpus_per_worker",
                                            [POOL_PREFILL] = "pools.prefill.gpus_per_worker",
                                            [POOL_DECODE] = "pools.decode.gpus_per_worker"};
    const struct pool_settings *p = &sc->pools[role];
    bool prefill = role == POOL_PREFILL;
    const char *policy_key =
        prefill ? "policy.prefill_engine_num_gpu" : "policy.decode_engine_num_gpu";
    struct policy_terms planner;
    int64_t policy_gpus = !scenario_planner_terms(sc, &planner) ? 0
                          : prefill                             ? planner.prefill_gpus
                                                                : planner.decode_gpus;
    struct gpus_said said = {
        .key = {{pool_key[role], p->gpus_per_worker}, {policy_key, policy_gpus}},
        .tp_name = tp_name(sc, role),
        .tp = p->engine.tp,
        .ranks = p->engine.data_parallel_ranks,
        .decodes_only = role == POOL_DECODE};
    struct diag cause;

    diag_init(&cause);
    enum status s = profile_gpus(gpus, profile, &said, &cause);
    if (!s)
        return ST_OK;
    struct source_pos at = p->gpus_per_worker ? scenario_at(sc, pool_key[role])
                           : policy_gpus      ? scenario_at(sc, policy_key)
                           : p->engine.tp     ? scenario_engine_at(sc, role, "tp")
                                              : scenario_engine_at(sc, role, "profile");
    return diag_fail_at(d, s, at, "GPUs per worker of pool %s: %s", pool_role_names[role],
                        cause.text);
}
