/* Several fixtures in one run: the deployments of each, and what is common as the first has it. */
#ifndef TESTS_UNIT_SIM_TOGETHER_FIXTURE_H
#define TESTS_UNIT_SIM_TOGETHER_FIXTURE_H

#include "planner/arbiter.h"
#include "sim_fixture.h"

/* Each record to the fixture of its deployment. */
static enum status to_request(void *context, const struct request_record *r, struct diag *d)
{
    return fixture_request(((struct fixture **)context)[r->deployment], r, d);
}
static enum status to_sample(void *context, const struct sample_record *s, struct diag *d)
{
    return fixture_sample(((struct fixture **)context)[s->deployment], s, d);
}
static enum status to_decision(void *context, const struct decision_record *r, struct diag *d)
{
    return fixture_decision(((struct fixture **)context)[r->deployment], r, d);
}
static enum status to_window(void *context, const struct window_record *w, struct diag *d)
{
    return fixture_window(((struct fixture **)context)[w->deployment], w, d);
}
static enum status to_event(void *context, const struct event_record *e, struct diag *d)
{
    return e->deployment == SIZE_MAX
               ? ST_OK
               : fixture_event(((struct fixture **)context)[e->deployment], e, d);
}

/* `observer` NULL: each record goes to its fixture. */
static void run_together(struct fixture *const *f, size_t n, const struct trace_text *text,
                         const struct observer *observer)
{
    struct deployment_config deployments[MAX_DEPLOYMENTS];
    struct trace_reader *traces[MAX_DEPLOYMENTS];
    struct request_source sources[MAX_DEPLOYMENTS];
    struct run_result *results = calloc(n, sizeof *results);
    struct sim_config config = f[0]->config;
    for (size_t i = 0; i < n; i++) {
        struct trace_options options = {
            .format = "auto", .speedup = 1, .block_size_tok = f[i]->deployment.trace_block_tok};
        fixture_prepare(f[i]);
        deployments[i] = f[i]->deployment;
        cr_assert_eq(trace_open_memory(&traces[i], "test", text[i].text, strlen(text[i].text),
                                       &options, &f[i]->diag),
                     ST_OK);
        sources[i] = trace_reader_source(traces[i]);
    }
    config.n_deployments = n;
    config.deployments = deployments;
    struct observer to_each = {.context = (void *)f,
                               .wants_parts = f[0]->want_parts,
                               .request = to_request,
                               .sample = to_sample,
                               .decision = to_decision,
                               .window = to_window,
                               .event = to_event};
    cr_assert_eq(sim_run(&config, sources, observer ? observer : &to_each, results, &f[0]->diag),
                 ST_OK, "%s", f[0]->diag.text);
    for (size_t i = 0; i < n; i++) {
        *f[i]->result = results[i];
        trace_close(traces[i]);
    }
    free(results);
}

/* What is of a deployment alone, for arbiters that look at it. */
struct standing {
    int64_t priority, guaranteed_gpus;
    double weight;
};

/* The run of `f` has the arbiter. `standings` NULL: all are alike, and a worker of each pool is
 * guaranteed. */
static void use_arbiter(struct fixture *const *f, size_t n, const char *name, int64_t max_gpus,
                        double wish_ttl_s, const struct standing *standings)
{
    struct fixture *first = f[0];
    const struct arbiter_ops *arbiter = arbiter_find(name);
    struct arbiter_deployment *of = ARENA_NEW(&first->arena, n, struct arbiter_deployment);
    for (size_t i = 0; i < n; i++) {
        const struct deployment_config *d = &f[i]->deployment;
        of[i] =
            (struct arbiter_deployment){.n_pools = d->n_pools, .weight = 1, .guaranteed_gpus = -1};
        if (standings) {
            of[i].priority = standings[i].priority;
            of[i].guaranteed_gpus = standings[i].guaranteed_gpus;
            of[i].weight = standings[i].weight;
        }
        for (size_t p = 0; p < d->n_pools; p++) {
            of[i].replicas[p] = d->pools[p].replicas;
            of[i].gpus_per_worker[p] = d->pools[p].gpus_per_worker;
        }
    }
    if (arbiter == &arbiter_none)
        max_gpus = ARBITER_NO_LIMIT;
    struct arbiter_setup setup = {{max_gpus, 0, wish_ttl_s}, n, of};
    first->config.arbiter = arbiter;
    first->config.arbiter_config = setup.config;
    cr_assert_eq(arbiter->create(&first->config.arbiter_state, &first->arena, &setup, &first->diag),
                 ST_OK, "%s", first->diag.text);
}

#endif
