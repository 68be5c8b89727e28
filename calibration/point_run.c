#include "calibration/point_run.h"

#include <pthread.h>

#include "scenarios/compose/run.h"
#include "traces/clients.h"

enum { MAX_THREADS = 64 };

/* ---- requests at the times they were sent ---- */

struct arrivals {
    const struct measured_point *point;
    uint64_t n_delivered, digest;
};

static enum status arrivals_next(void *state, struct trace_request *request, struct diag *d)
{
    struct arrivals *a = state;
    uint64_t i = a->n_delivered;

    (void)d;
    if (i == a->point->n_requests)
        return ST_END;
    *request = (struct trace_request){.arrival_ns = a->point->arrival_ns[i],
                                      .isl_tok = a->point->isl_tok[i],
                                      .osl_tok = a->point->osl_tok[i]};
    a->digest = request_digest_add(a->digest, request);
    a->n_delivered++;
    return ST_OK;
}

static double arrivals_progress(const void *state)
{
    const struct arrivals *a = state;

    return (double)a->n_delivered / (double)a->point->n_requests;
}

static uint64_t arrivals_digest(const void *state)
{
    return ((const struct arrivals *)state)->digest;
}

static const struct request_source_ops arrivals_ops = {
    .next = arrivals_next, .progress = arrivals_progress, .digest = arrivals_digest};

/* ---- one run ---- */

static enum status simulate(struct point_run *run, struct arena *arena,
                            const struct point_runs *runs, const struct request_source *source,
                            struct diag *d)
{
    const struct run_options options = {.version = "", .source = source, .cancel = runs->cancel};
    struct scenario scenario = *run->scenario;
    const struct summary *summary;

    scenario.pools[POOL_AGG].engine = run->engine;
    enum status s = run_scenario(&summary, &scenario, arena, runs->resources, &options, d);
    if (s)
        return s;
    if (summary->requests.completed != run->point->n_requests)
        return diag_fail_at(d, ST_INPUT, run->point->at,
                            "%llu of its %llu requests are completed by the simulated engine",
                            (unsigned long long)summary->requests.completed,
                            (unsigned long long)run->point->n_requests);
    run->figures = (struct point_figures){
        summary->latency_ms.ttft.mean, summary->latency_ms.tpot.mean, summary->kv.peak_utilization};
    return ST_OK;
}

static enum status run_point(struct point_run *run, const struct point_runs *runs, struct diag *d)
{
    const struct measured_point *p = run->point;
    struct arrivals arrivals = {.point = p, .digest = request_digest_begin()};
    struct request_source source = {&arrivals_ops, &arrivals};
    struct clients *clients = NULL;
    enum status s = ST_OK;
    struct arena arena;

    if (p->clients) {
        const struct clients_config config = {.n_clients = (uint32_t)p->clients,
                                              .n_requests = p->n_requests,
                                              .isl_list = p->isl_tok,
                                              .osl_list = p->osl_tok};
        s = clients_create(&clients, &config, d);
        if (s)
            return s;
        source = clients_source(clients);
    }
    arena_init(&arena);
    s = simulate(run, &arena, runs, &source, d);
    arena_release(&arena);
    clients_free(clients);
    return s;
}

/* ---- all of them ---- */

struct worker {
    struct point_runs *runs;
    atomic_size_t *next;
    atomic_bool *failed;
    struct diag d;
};

static void *work(void *context)
{
    struct worker *w = context;
    size_t i;

    while (!atomic_load(w->failed) && (i = atomic_fetch_add(w->next, 1)) < w->runs->n) {
        if (run_point(&w->runs->run[i], w->runs, &w->d))
            atomic_store(w->failed, true);
    }
    return NULL;
}

enum status point_runs_do(struct point_runs *runs, struct diag *d)
{
    pthread_t thread[MAX_THREADS];
    struct worker worker[MAX_THREADS];
    size_t n = runs->n_threads < MAX_THREADS ? runs->n_threads : MAX_THREADS, n_started = 1;
    atomic_size_t next = 0;
    atomic_bool failed = false;
    enum status s = ST_OK;

    for (size_t i = 0; i < MAX_THREADS; i++) {
        worker[i] = (struct worker){.runs = runs, .next = &next, .failed = &failed};
        diag_init(&worker[i].d);
    }
    /* Threads that cannot be had are done without. */
    while (n_started < n && n_started < runs->n &&
           pthread_create(&thread[n_started], NULL, work, &worker[n_started]) == 0)
        n_started++;
    work(&worker[0]);
    for (size_t i = 1; i < n_started; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < n_started && !s; i++) {
        if (worker[i].d.status)
            s = diag_fail(d, worker[i].d.status, "%s", worker[i].d.text);
    }
    return s;
}
