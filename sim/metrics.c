/* What can be seen from outside: traffic counters by window, and per-worker gauges. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

struct traffic_window traffic_since(const struct sim *sim, const struct traffic_counters *start)
{
    return traffic_between(&start->total, &sim->traffic.total, s_from_ns(sim->now_ns - start->at_ns));
}

enum status metrics_sync(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_workers; i++) {
        enum status s = worker_sync(sim, sim->workers[i]);
        if (s)
            return s;
    }
    sim->traffic.at_ns = sim->now_ns;
    return ST_OK;
}

/* Snapshots are taken at every policy call. Those older than the window the policy asks for are dropped, but the
 * newest of them stays: the window may begin between two. */
enum status metrics_snapshot(struct sim *sim)
{
    int64_t keep_from_ns = sim->now_ns - sim->effects.window_ns;
    while (sim->first_history + 1 < sim->n_history &&
           sim->history[sim->first_history + 1].at_ns <= keep_from_ns)
        sim->first_history++;
    if (2 * sim->first_history > sim->n_history) {
        sim->n_history -= sim->first_history;
        memmove(sim->history, sim->history + sim->first_history,
                sim->n_history * sizeof *sim->history);
        sim->first_history = 0;
    }
    if (sim->n_history == sim->history_capacity) {
        uint32_t capacity = sim->history_capacity ? 2 * sim->history_capacity : 64;
        struct traffic_counters *history = realloc(sim->history, capacity * sizeof *history);
        if (!history)
            return diag_nomem(sim->diag, "metric windows");
        sim->history = history;
        sim->history_capacity = capacity;
    }
    sim->history[sim->n_history++] = sim->traffic;
    return ST_OK;
}

struct traffic_window metrics_window(const struct sim *sim, int64_t start_ns)
{
    uint32_t i = sim->first_history;
    while (i + 1 < sim->n_history && sim->history[i + 1].at_ns <= start_ns)
        i++;
    return traffic_since(sim, &sim->history[i]);
}

static int by_pool_then_id(const void *a, const void *b)
{
    const struct worker_gauges *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->worker_id > y->worker_id) - (x->worker_id < y->worker_id);
}

enum status metrics_gauges(struct sim *sim, size_t *n)
{
    if (sim->gauges_capacity < sim->n_workers) {
        struct worker_gauges *gauges = realloc(sim->gauges, sim->workers_capacity * sizeof *gauges);
        if (!gauges)
            return diag_nomem(sim->diag, "worker gauges");
        sim->gauges = gauges;
        sim->gauges_capacity = sim->workers_capacity;
    }
    *n = 0;
    for (uint32_t i = 0; i < sim->n_workers; i++) {
        const struct worker *w = sim->workers[i];
        if (w->state != WORKER_READY && w->state != WORKER_DRAINING)
            continue;
        sim->gauges[(*n)++] = (struct worker_gauges){
            .role = w->pool->config->role,
            .worker_id = w->id,
            .active_prefill_tok = worker_rank_load(w)->prompt_tok,
            .active_decode_blocks = worker_kv_used(w),
            .last_ttft_s = w->last_ttft_s,
            .last_isl_tok = w->last_isl_tok,
            .last_itl_s = w->last_itl_s,
        };
    }
    qsort(sim->gauges, *n, sizeof *sim->gauges, by_pool_then_id);
    return ST_OK;
}
