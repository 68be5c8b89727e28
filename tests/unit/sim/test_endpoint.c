/* Who gets a request: classes, grids by the formulas of the reference's global router, and a prompt
 * that is decoded in another deployment. */
#include "sim/routing/endpoint_class.h"
#include "sim/routing/endpoint_grid.h"
#include "together_fixture.h"

/* ---- by class ---- */

#define ANY REQUEST_CLASS_ANY
#define NONE REQUEST_CLASS_NONE

static const struct request_class three[] = {
    {{0, 4000}, {0, 100}, ANY, NONE}, {{0, 9000}, ANY, ANY, NONE}, {ANY, ANY, ANY, NONE}};

Test(request_class, one_hides_another_whose_requests_are_all_its_own)
{
    struct request_class ruled = three[0];

    cr_expect(request_class_hides(&three[2], &three[0]));
    cr_expect(request_class_hides(&three[1], &three[0]));
    cr_expect(request_class_hides(&three[1], &three[1]));
    cr_expect_not(request_class_hides(&three[0], &three[1]));
    ruled.also_priority[0] = ruled.also_priority[1] = 2;
    cr_expect_not(request_class_hides(&three[2], &ruled));
}

Test(request_class, a_priority_goes_before_all_lengths)
{
    const struct request_class of[] = {three[0], {{9, 9}, ANY, {0, 3}, {7, 8}}};
    const struct request_classes two = {2, of};

    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 5}), 0);
    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 5, .priority = 7}), 1);
    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 9, .osl_tok = 101}),
                 1);
    cr_expect_eq(request_class_find(
                     &two, &(struct trace_request){.isl_tok = 9, .osl_tok = 101, .priority = 4}),
                 2);
}

/* ---- by grid ---- */

/* Which deployments take requests, for entry and for decode. */
struct open_pools {
    bool entry[4], decode[4];
};

static bool is_open(const void *context, size_t deployment, bool decode)
{
    const struct open_pools *o = context;

    return decode ? o->decode[deployment] : o->entry[deployment];
}

static struct endpoint_choice chosen(const struct endpoint_pools *p, const struct open_pools *o,
                                     uint32_t isl_tok, uint32_t priority)
{
    const struct endpoint_view view = {o, is_open, 1};
    const struct trace_request request = {.isl_tok = isl_tok, .priority = priority};
    struct endpoint_choice to;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(endpoint_grid.choose(p, &view, &request, &to, &d), ST_OK);
    return to;
}

static const struct open_pools all_open = {{true, true, true, true}, {true, true, true, true}};

/* Steps of 1,000 tokens from 1,000 and of 250 ms from 100; of 4,000 tokens from 0 and 20 ms from
 * 10. */
static const int prefill_pools[] = {0, 1, 1, 2, 3, 0}, decode_pools[] = {2, 3, 1, 0};
static const struct pool_rule prefill_rules[] = {{5, 6, 3}, {6, 9, 0}};
static const struct pool_choice prefill = {{1000, 4000, 3}, {100, 600, 2}, prefill_pools, 2,
                                           prefill_rules,   {0, 0, 0}};
static const struct pool_choice decode = {{0, 8000, 2}, {10, 50, 2}, decode_pools, 0,
                                          NULL,         {0, 0, 0}};
static const struct target_class classes[] = {
    {{1, 1}, 100, 10}, {{2, 2}, 349.9, NAN}, {{3, 3}, 350, 30}, {{4, 4}, 1e6, 1e6}, {{7, 7}, 0, 0}};
static const struct endpoint_pools apart = {.prefill = &prefill,
                                            .decode = &decode,
                                            .n_classes = 5,
                                            .classes = classes,
                                            .ttft_ms = NAN,
                                            .itl_ms = NAN};

Test(endpoint_grid, prefill_and_decode_pools_are_chosen_apart)
{
    static const struct {
        uint32_t isl_tok, priority;
        size_t entry, decode;
        uint32_t target;
    } cases[] = {
        {1, 1, 0, 2, 1},      /* below the first step: in it */
        {1999, 1, 0, 2, 1},   /* int(999 / 1000) = 0 */
        {2000, 1, 1, 2, 1},   /* int(1000 / 1000) = 1 */
        {3000, 1, 3, 2, 1},   /* the last */
        {3999, 1, 3, 2, 1},   /* decode: int(3999 / 4000) = 0 */
        {4000, 1, 3, 1, 1},   /* beyond the last step: in it; decode: int(1) = 1 */
        {900000, 1, 3, 1, 1}, /* far beyond both */
        {1500, 2, 0, 3, 2},   /* TTFT: int(249.9 / 250) = 0; ITL: none, so 30, the middle */
        {1500, 3, 1, 3, 3},   /* int(250 / 250) = 1; ITL: int(20 / 20) = 1 */
        {1500, 4, 1, 3, 4},   /* beyond the last */
        {3000, 4, 0, 3, 4},   {1500, 0, 1, 3, 0}, /* no target: 350 and 30, the middles */
        {1500, 5, 3, 3, 0},                       /* a rule, for prefill alone */
        {1500, 6, 3, 3, 0},                       /* the first that fits */
        {1500, 7, 0, 2, 5},                       /* the second; an ITL target of 0 is given */
        {1500, 9, 0, 3, 0},   {1500, 10, 1, 3, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_choice to = chosen(&apart, &all_open, cases[i].isl_tok, cases[i].priority);
        cr_expect_eq(to.entry, cases[i].entry, "case %zu: prefill in %zu", i, to.entry);
        cr_expect_eq(to.decode, cases[i].decode, "case %zu: decode in %zu", i, to.decode);
        cr_expect_eq(to.target, cases[i].target, "case %zu", i);
    }
}

Test(endpoint_grid, a_default_is_for_those_without_a_target)
{
    struct endpoint_pools p = apart;

    p.ttft_ms = 100;
    p.itl_ms = 10;
    cr_expect_eq(chosen(&p, &all_open, 1500, 0).entry, 0);
    cr_expect_eq(chosen(&p, &all_open, 1500, 0).decode, 2);
    cr_expect_eq(chosen(&p, &all_open, 1500, 2).decode, 2, "its class says nothing of ITL");
    cr_expect_eq(chosen(&p, &all_open, 1500, 3).decode, 3);
}

Test(endpoint_grid, of_agg_goes_by_targets_and_by_lengths_where_there_are_planes)
{
    static const int flat[] = {0, 1, 2, 3}, deep[] = {0, 1, 2, 3, 3, 2, 1, 0};
    struct pool_choice agg = {{0, 200, 2}, {0, 40, 2}, flat, 0, NULL, {0, 0, 0}};
    const struct endpoint_pools p = {
        .agg = &agg, .n_classes = 5, .classes = classes, .ttft_ms = 50, .itl_ms = NAN};

    cr_expect_eq(chosen(&p, &all_open, 1, 0).entry, 1, "TTFT 50, ITL 20, the middle");
    cr_expect_eq(chosen(&p, &all_open, 90000, 1).entry, 2, "TTFT 100, ITL 10");
    cr_expect_eq(chosen(&p, &all_open, 1, 4).entry, 3);
    cr_expect_eq(chosen(&p, &all_open, 1, 4).decode, 3);
    agg.pools = deep;
    agg.planes = (struct pool_axis){0, 4000, 2};
    cr_expect_eq(chosen(&p, &all_open, 1999, 1).entry, 2);
    cr_expect_eq(chosen(&p, &all_open, 2000, 1).entry, 1);
    cr_expect_eq(chosen(&p, &all_open, 9999, 4).entry, 0);
}

Test(endpoint_grid, retries_in_the_next_of_the_faster_pools)
{
    struct endpoint_pools p = apart;
    struct open_pools o = all_open;

    o.entry[3] = o.entry[2] = o.decode[1] = o.decode[0] = false;
    cr_expect_eq(chosen(&p, &o, 3000, 1).entry, 3, "without it, it stays");
    p.retry = true;
    cr_expect_eq(chosen(&p, &o, 3000, 1).entry, 1);
    cr_expect_eq(chosen(&p, &o, 3000, 1).decode, 2);
    cr_expect_eq(chosen(&p, &o, 4000, 1).decode, 1, "where none of the faster takes it, it stays");
    cr_expect_eq(chosen(&p, &o, 2000, 1).entry, 1);
}

/* ---- a prompt that another deployment decodes ---- */

static enum status first_then_second(const void *state, const struct endpoint_view *view,
                                     const struct trace_request *request,
                                     struct endpoint_choice *to, struct diag *d)
{
    (void)state;
    (void)view;
    (void)request;
    (void)d;
    *to = (struct endpoint_choice){0, 1, 0};
    return ST_OK;
}

static const struct endpoint_ops one_after_the_other = {.name = "test",
                                                        .choose = first_then_second};

static void init_disagg(struct fixture *f, const char *name)
{
    fixture_init(f, true, 2);
    f->deployment.name = name;
    f->want_parts = true;
    f->deployment.kv_latency_ns = 3 * NS_PER_MS;
    f->deployment.timeout_ns = 3 * NS_PER_S;
    f->deployment.retry_lost = true;
    for (size_t p = 0; p < 2; p++) {
        f->deployment.pools[p].router = router_find("least_loaded");
        f->deployment.pools[p].engine.kv_blocks = 60;
    }
}

static struct trace_text traffic(void)
{
    struct trace_text t = {0};
    struct pcg64 rng;
    double at_ms = 0;

    pcg64_stream(&rng, 3, "traffic", 0);
    for (unsigned i = 0; i < 200; i++) {
        trace_text_add(&t, at_ms, 1 + (unsigned)pcg64_below(&rng, 300),
                       (unsigned)pcg64_below(&rng, 60));
        at_ms += pcg64_exponential(&rng, 12);
    }
    return t;
}

/* Two deployments with a pool each are, to a request, one that has both. */
Test(endpoint, two_halves_serve_as_the_whole)
{
    static struct fixture whole, half[2];
    struct fixture *one[] = {&whole}, *two[] = {&half[0], &half[1]};
    struct trace_text text = traffic(), texts[] = {text, text};

    init_disagg(&whole, "whole");
    init_disagg(&half[0], "prefills");
    init_disagg(&half[1], "decodes");
    half[1].deployment.pools[0] = half[1].deployment.pools[1];
    half[0].deployment.n_pools = half[1].deployment.n_pools = 1;
    half[0].config.endpoint = &one_after_the_other;
    run_together(one, 1, &text, NULL);
    run_together(two, 2, texts, NULL);
    cr_assert_eq(half[0].n_records, whole.n_records);
    cr_expect_eq(half[1].n_records, 0);
    cr_expect(whole.n_outcome[OUTCOME_TIMED_OUT] > 0 && whole.n_outcome[OUTCOME_COMPLETED] > 100);
    for (size_t i = 0; i < whole.n_records; i++) {
        const struct request_record *a = &whole.records[i], *b = &half[0].records[i];
        cr_assert_eq(a->outcome, b->outcome, "request %zu", i);
        cr_assert_eq(a->end_ns, b->end_ns, "request %zu", i);
        cr_assert_eq(a->first_token_ns, b->first_token_ns, "request %zu", i);
        cr_assert_eq(a->prefill_worker, b->prefill_worker);
        cr_assert_eq(a->worker, b->worker);
        cr_assert_eq(a->decode_in, 0);
        cr_assert_eq(b->decode_in, 2);
        cr_assert_eq(memcmp(&whole.parts[i], &half[0].parts[i], sizeof whole.parts[i]), 0);
    }
    cr_expect_float_eq(whole.result->pools[1].gpu_s[GPU_BUSY],
                       half[1].result->pools[0].gpu_s[GPU_BUSY], 1e-9);
    fixture_release(&whole);
    fixture_release(&half[0]);
    fixture_release(&half[1]);
    free(text.text);
}
