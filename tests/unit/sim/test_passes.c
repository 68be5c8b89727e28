/* What ranks publish of their forward passes, by hand: a step takes 10 ms, 1 ms per sequence that
 * decodes and 0.1 ms per prompt token. */
#include "sim_fixture.h"

enum { N_LOOKS = 16 };

/* Looks at set times, and keeps what it sees. */
struct watcher {
    int n, next;
    double at_ms[N_LOOKS];
    bool out[N_LOOKS];
    size_t n_passes[N_LOOKS][POLICY_MAX_POOLS];
    struct fpm_record seen[N_LOOKS][POLICY_MAX_POOLS][4];
};

static void plan_look(const struct watcher *w, struct policy_effects *e)
{
    e->next_ns = w->next < w->n ? (int64_t)(w->at_ms[w->next] * 1e6) : TIME_NEVER;
    e->next_needs = NEED_PASSES;
}

static enum status look(void *state, const struct policy_input *input,
                        struct policy_effects *effects, struct diag *d)
{
    struct watcher *w = state;
    w->out[w->next] = !input->has_passes;
    for (size_t p = 0; p < input->n_pools; p++) {
        cr_assert_leq(input->n_passes[p], 4);
        w->n_passes[w->next][p] = input->n_passes[p];
        for (size_t i = 0; i < input->n_passes[p]; i++)
            w->seen[w->next][p][i] = input->passes[p][i];
    }
    w->next++;
    plan_look(w, effects);
    (void)d;
    return ST_OK;
}

static const struct policy_ops policy_watch = {.name = "watch", .reads_passes = true, .tick = look};

static void run_watched(struct fixture *f, struct watcher *w, const char *trace_text)
{
    f->deployment.policy = &policy_watch;
    f->deployment.policy_state = w;
    policy_effects_clear(&f->deployment.policy_first, f->deployment.n_pools);
    plan_look(w, &f->deployment.policy_first);
    fixture_run(f, trace_text);
    cr_assert_eq(w->next, w->n);
}

static void expect(const struct fpm_record *r, double wall_ms, double n_prefill, double prefill_tok,
                   double n_decode, double decode_kv_tok, double queued_prefill_tok,
                   double queued_decode_kv_tok)
{
    cr_expect_float_eq(r->wall_s, wall_ms / 1000, 1e-9, "%g", r->wall_s);
    cr_expect_eq(r->n_prefill, n_prefill, "%g prompts", r->n_prefill);
    cr_expect_eq(r->prefill_tok, prefill_tok, "%g tokens of them", r->prefill_tok);
    cr_expect_eq(r->n_decode, n_decode, "%g sequences", r->n_decode);
    cr_expect_eq(r->decode_kv_tok, decode_kv_tok, "%g tokens of KV", r->decode_kv_tok);
    cr_expect_eq(r->queued_prefill_tok, queued_prefill_tok, "%g queued", r->queued_prefill_tok);
    cr_expect_eq(r->queued_decode_kv_tok, queued_decode_kv_tok, "%g KV queued",
                 r->queued_decode_kv_tok);
}

/* Two places in the batch, three requests. */
static void watch_three(bool exact, struct watcher *w)
{
    struct fixture f;
    struct trace_text t = {0};
    fixture_init(&f, false, 1);
    f.config.exact_stepper = exact;
    f.deployment.pools[0].engine.max_num_seqs = 2;
    trace_text_add(&t, 0, 100, 5);
    trace_text_add(&t, 5, 200, 3);
    trace_text_add(&t, 5, 50, 2);
    trace_text_add(&t, 2000, 10, 1);
    *w = (struct watcher){.n = 9, .at_ms = {15, 25, 60, 70, 80, 95, 110, 1101.9, 1102}};
    run_watched(&f, w, t.text);
    free(t.text);
    fixture_release(&f);
}

Test(passes, a_record_comes_at_the_end_of_each_step_with_the_queue_as_it_is_then)
{
    for (int exact = 0; exact < 2; exact++) {
        struct watcher w;
        watch_three(exact, &w);
        for (int i = 0; i < w.n; i++)
            cr_assert_eq(w.n_passes[i][0], 1);
        expect(&w.seen[0][0][0], 0, 0, 0, 0, 0, 0, 0); /* no step has ended: a heartbeat */
        expect(&w.seen[1][0][0], 20, 1, 100, 0, 0, 250, 0);
        cr_expect_eq(w.seen[1][0][0].n_queued_prefill, 2);
        expect(&w.seen[2][0][0], 31, 1, 200, 1, 100, 50, 0);
        expect(&w.seen[3][0][0], 12, 0, 0, 2, 301, 50, 0); /* in the middle of a run */
        expect(&w.seen[4][0][0], 12, 0, 0, 2, 303, 50, 0);
        expect(&w.seen[5][0][0], 16, 1, 50, 1, 103, 0, 0);
        expect(&w.seen[6][0][0], 11, 0, 0, 1, 50, 0, 0);
        expect(&w.seen[7][0][0], 11, 0, 0, 1, 50, 0, 0);
        expect(&w.seen[8][0][0], 0, 0, 0, 0, 0, 0, 0); /* a second later */
    }
}

Test(passes, what_comes_with_its_kv_is_queued_for_decode_and_starts_as_a_prompt_of_one_token)
{
    struct fixture f;
    struct watcher w = {.n = 4, .at_ms = {30, 62, 73, 85}};
    struct trace_text t = {0};
    fixture_init(&f, true, 1);
    f.deployment.kv_latency_ns = 30 * NS_PER_MS;
    trace_text_add(&t, 0, 100, 10);
    trace_text_add(&t, 15, 100, 10);
    run_watched(&f, &w, t.text);
    expect(&w.seen[0][0][0], 20, 1, 100, 0, 0, 100, 0);
    expect(&w.seen[0][1][0], 0, 0, 0, 0, 0, 0, 0);
    expect(&w.seen[1][1][0], 11, 1, 1, 0, 0, 0, 100); /* the second is on its way */
    cr_expect_eq(w.seen[1][1][0].prefill_kv_tok, 99);
    cr_expect_eq(w.seen[1][1][0].n_queued_decode, 1);
    expect(&w.seen[2][1][0], 11, 0, 0, 1, 100, 0, 100);
    expect(&w.seen[3][1][0], 12, 1, 1, 1, 101, 0, 0);
    free(t.text);
    fixture_release(&f);
}

Test(passes, a_long_step_is_hidden_by_heartbeats)
{
    struct fixture f;
    struct watcher w = {.n = 3, .at_ms = {500, 1100, 2200}};
    struct trace_text t = {0};
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_batched_tokens = 20000;
    f.deployment.pools[0].engine.kv_blocks = 4000;
    trace_text_add(&t, 0, 10, 1);      /* 11 ms */
    trace_text_add(&t, 11, 20000, 2);  /* 2010 ms */
    trace_text_add(&t, 100, 20000, 2); /* behind it */
    run_watched(&f, &w, t.text);
    expect(&w.seen[0][0][0], 11, 1, 10, 0, 0, 0, 0);
    expect(&w.seen[1][0][0], 0, 0, 0, 0, 0, 0, 0); /* and 20,000 tokens are queued */
    expect(&w.seen[2][0][0], 2010, 1, 20000, 0, 0, 20000, 0);
    free(t.text);
    fixture_release(&f);
}

Test(passes, every_rank_of_every_ready_worker_has_one_unless_nothing_can_be_read)
{
    struct fixture f;
    struct watcher w = {.n = 3, .at_ms = {100, 200, 300}};
    struct trace_text t = {0};
    fixture_init(&f, false, 2);
    f.deployment.pools[0].engine.n_ranks = 2;
    f.deployment.outage_at_ns = 150 * NS_PER_MS;
    f.deployment.outage_ns = 100 * NS_PER_MS;
    for (int i = 0; i < 8; i++)
        trace_text_add(&t, 0, 100, 40);
    run_watched(&f, &w, t.text);
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(w.seen[0][0][i].worker_id, i / 2);
        cr_expect_eq(w.seen[0][0][i].dp_rank, i % 2);
        cr_expect_eq(w.seen[0][0][i].n_decode, 2);
    }
    cr_expect(!w.out[0] && w.out[1] && !w.out[2]);
    cr_expect_eq(w.n_passes[2][0], 4);
    free(t.text);
    fixture_release(&f);
}
