/* Deployments that share one GPU budget: who has how many when, and what was wanted in vain. */
#include "together_fixture.h"

enum { N = 2, N_REQUESTS = 60 };

static struct trace_text steady(int first_ms, unsigned osl_tok)
{
    struct trace_text t = {0};
    for (int k = 0; k < N_REQUESTS; k++)
        trace_text_add(&t, 100 * k + first_ms, 16, osl_tok);
    return t;
}

/* What was granted, a line for each record. */
struct told {
    struct fixture *f[N];
    char text[4096];
    size_t used;
    int asked[N]; /* of the last decision of each */
};

static enum status note_grant(void *context, const struct grant_record *g, struct diag *d)
{
    struct told *t = context;
    (void)d;
    t->used += (size_t)snprintf(t->text + t->used, sizeof t->text - t->used,
                                "%.0f %s: %d of %d, had %d: %s\n", ms_from_ns(g->at_ns),
                                t->f[g->deployment]->deployment.name, g->granted[0], g->wanted[0],
                                g->before[0], grant_name(g->grant));
    return ST_OK;
}
static enum status note_event(void *context, const struct event_record *e, struct diag *d)
{
    return to_event(((struct told *)context)->f, e, d);
}
static enum status note_decision(void *context, const struct decision_record *r, struct diag *d)
{
    struct told *t = context;
    t->asked[r->deployment] = r->effects->target[0]; /* borrowed: gone after the run */
    return to_decision(t->f, r, d);
}

/* Two deployments of one-GPU workers, two and one at the start. */
struct pair {
    struct fixture f[N];
    struct told told;
    unsigned osl_tok; /* of the first one's requests */
};

static void pair_init(struct pair *pair)
{
    static const char *const names[N] = {"chat", "batch"};
    pair->told = (struct told){.f = {&pair->f[0], &pair->f[1]}};
    pair->osl_tok = 2;
    for (int i = 0; i < N; i++) {
        fixture_init(&pair->f[i], false, 2 - i);
        pair->f[i].deployment.name = names[i];
        pair->f[i].want_log = true;
    }
}

static void pair_run(struct pair *pair)
{
    struct trace_text text[N] = {steady(0, pair->osl_tok), steady(1, 2)};
    struct observer observer = {.context = &pair->told,
                                .event = note_event,
                                .decision = note_decision,
                                .grant = note_grant};
    run_together(pair->told.f, N, text, &observer);
    for (int i = 0; i < N; i++)
        free(text[i].text);
}

static void pair_release(struct pair *pair)
{
    for (int i = 0; i < N; i++)
        fixture_release(&pair->f[i]);
}

static double unserved_s(const struct pair *pair, int which)
{
    return pair->f[which].result->pools[0].unserved_gpu_s;
}

#define EXPECT_TOLD(pair, expected) cr_expect_str_eq((pair)->told.text, expected)

Test(grants, global_rejects_what_does_not_fit_and_pairs_it_later)
{
    struct pair pair;
    pair_init(&pair);
    fixture_scale_at(&pair.f[1], 1, 2, 0);
    fixture_scale_at(&pair.f[0], 3, 1, 0);
    use_arbiter(pair.told.f, N, "global", 3, 360, NULL);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "1000 batch: 1 of 2, had 1: rejected\n"
                       "3000 chat: 1 of 1, had 2: as_asked\n"
                       "3000 batch: 2 of 2, had 1: paired\n");
    cr_expect_float_eq(unserved_s(&pair, 1), 2, 1e-9);
    cr_expect_float_eq(unserved_s(&pair, 0), 0, 1e-9);
    cr_expect(pair.f[1].decisions[0].arbitrated);
    cr_expect_eq(pair.f[1].decisions[0].grant, GRANT_REJECTED);
    cr_expect_eq(pair.f[1].decisions[0].granted[0], 1);
    cr_expect_eq(pair.told.asked[1], pair.f[1].schedule.target[0][0]);
    pair_release(&pair);
}

/* `batch` is urgent: `chat` gives up a worker, which drains for as long as its requests take. */
Test(grants, priority_takes_from_the_less_urgent_and_waits_for_the_drain)
{
    struct pair pair;
    pair_init(&pair);
    pair.osl_tok = 40;
    fixture_scale_at(&pair.f[1], 1.05, 3, 0);
    fixture_scale_at(&pair.f[1], 3, 1, 0);
    const struct standing standings[N] = {{2, -1, 1}, {1, -1, 1}};
    use_arbiter(pair.told.f, N, "priority", 3, 360, standings);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "1050 chat: 1 of 2, had 2: taken\n"
                       "1050 batch: 2 of 3, had 1: in_part\n"
                       "3000 chat: 2 of 2, had 1: returned\n"
                       "3000 batch: 1 of 1, had 2: as_asked\n");
    const char *stop = strstr(pair.f[0].log, "worker_stop agg/1");
    const char *start = strstr(pair.f[1].log, "worker_start agg/1");
    cr_assert(stop && start);
    while (stop > pair.f[0].log && stop[-1] != '\n')
        stop--;
    while (start > pair.f[1].log && start[-1] != '\n')
        start--;
    cr_expect_eq(atof(stop), atof(start), "the GPU goes from one to the other at once");
    cr_expect_gt(atof(start), 1100);
    cr_expect(strstr(pair.f[1].log, "1050.000 worker_pending agg/1"));
    double waited_s = atof(start) / 1e3 - 1.05;
    cr_expect_float_eq(unserved_s(&pair, 1), 2 * waited_s + (1.95 - waited_s), 1e-6);
    pair_release(&pair);
}

Test(grants, priority_leaves_what_is_guaranteed)
{
    struct pair pair;
    pair_init(&pair);
    fixture_scale_at(&pair.f[1], 1, 3, 0);
    const struct standing standings[N] = {{2, 2, 1}, {1, -1, 1}};
    use_arbiter(pair.told.f, N, "priority", 4, 360, standings);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "1000 batch: 2 of 3, had 1: in_part\n");
    pair_release(&pair);
}

Test(grants, fair_share_gives_what_one_does_not_want_to_the_other)
{
    struct pair pair;
    pair_init(&pair);
    fixture_scale_at(&pair.f[0], 1, 8, 0);
    fixture_scale_at(&pair.f[1], 2, 8, 0);
    fixture_scale_at(&pair.f[0], 3, 1, 0);
    const struct standing standings[N] = {{0, -1, 1}, {0, -1, 2}};
    use_arbiter(pair.told.f, N, "fair_share", 6, 360, standings);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "1000 chat: 5 of 8, had 2: in_part\n"
                       "2000 chat: 2 of 8, had 5: taken\n"
                       "2000 batch: 4 of 8, had 1: in_part\n"
                       "3000 chat: 1 of 1, had 2: as_asked\n"
                       "3000 batch: 5 of 8, had 4: returned\n");
    pair_release(&pair);
}

/* What was not granted is not unserved any more once the wish has lapsed, nor given out later. */
Test(grants, a_wish_lapses)
{
    struct pair pair;
    pair_init(&pair);
    fixture_scale_at(&pair.f[1], 1, 4, 0);
    fixture_scale_at(&pair.f[0], 3, 1, 0);
    use_arbiter(pair.told.f, N, "fair_share", 3, 1.5, NULL);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "1000 batch: 1 of 4, had 1: in_part\n"
                       "3000 chat: 1 of 1, had 2: as_asked\n");
    cr_expect_float_eq(unserved_s(&pair, 1), 3 * 1.5, 1e-9);
    pair_release(&pair);
}

/* Without an arbiter: what the cluster has no GPUs for. */
Test(grants, unserved_without_an_arbiter_is_what_waits_for_gpus)
{
    struct pair pair;
    pair_init(&pair);
    pair.f[0].config.cluster.n_nodes = 3;
    fixture_scale_at(&pair.f[1], 1, 3, 0);
    fixture_scale_at(&pair.f[0], 3, 1, 0);
    fixture_scale_at(&pair.f[1], 4.5, 1, 0);
    pair_run(&pair);
    EXPECT_TOLD(&pair, "");
    cr_expect_float_eq(unserved_s(&pair, 1), 2 * 2 + 1.5, 1e-9);
    cr_expect_not(pair.f[1].decisions[0].arbitrated);
    pair_release(&pair);
}

/* ---- a policy that waits ---- */

/* Asks for two more at 1 s, then looks every 100 ms and asks for nothing until it has them. */
static enum status patient_tick(void *state, const struct policy_input *input,
                                struct policy_effects *effects, struct diag *d)
{
    (void)state;
    (void)d;
    effects->scale = input->now_ns == NS_PER_S;
    effects->target[0] = input->pools[0].target + 2;
    effects->next_ns = input->now_ns + 100 * NS_PER_MS;
    return ST_OK;
}

static const struct policy_ops policy_patient = {.name = "patient", .tick = patient_tick};

Test(grants, a_policy_that_waits_for_gpus_in_vain_is_noted)
{
    static struct pair pair;
    pair_init(&pair);
    struct fixture *f = &pair.f[0];
    f->deployment.policy = &policy_patient;
    f->deployment.policy_state = f; /* not the schedule */
    policy_effects_clear(&f->deployment.policy_first, 1);
    f->deployment.policy_first.next_ns = NS_PER_S;
    f->config.cluster.n_nodes = 4; /* room for one of the two */
    pair_run(&pair);
    const struct policy_stall *stall = &f->result->stall;
    cr_expect_eq(stall->from_ns, 1100 * NS_PER_MS);
    cr_expect_geq(stall->to_ns, 5800 * NS_PER_MS);
    cr_expect_eq(stall->n_calls,
                 1 + (uint64_t)((stall->to_ns - stall->from_ns) / (100 * NS_PER_MS)));
    cr_expect_eq(pair.f[1].result->stall.n_calls, 0);
    pair_release(&pair);
}
