#include <criterion/criterion.h>
#include <math.h>

#include "engines/latency/decode_rate.h"

/* 10 ms, 1 ms per sequence, 1 ms per 1000 tokens of context of each. */
static double step_ms(const void *state, const struct engine_step *step)
{
    (void)state;
    return 10 + step->n_decode * (1 + step->decode_context_mean_tok / 1000);
}
static const struct latency_model_ops model = {.name = "line", .step_ms = step_ms};

static const struct decode_engine engine = {
    .latency = &model, .n_ranks = 1, .max_num_seqs = 64, .kv_tok = 1e6};

static void check(const struct decode_engine *e, double context_tok, double tpot_ms,
                  double sequences, double tok_per_s)
{
    struct decode_rate r = decode_rate_of(e, context_tok, tpot_ms);

    cr_expect_eq(r.sequences, sequences, "%g sequences", r.sequences);
    cr_expect_float_eq(r.tok_per_s, tok_per_s, 1e-9, "%g tokens/s", r.tok_per_s);
}

Test(decode_rate, as_full_as_the_target_allows)
{
    check(&engine, 1000, 50, 20, 20 * 1000. / 50);
    check(&engine, 1000, 51.9, 20, 20 * 1000. / 50);
    check(&engine, 0, 20, 10, 10 * 1000. / 20);
}

Test(decode_rate, no_fuller_than_the_batch_or_the_kv_cache)
{
    struct decode_engine e = engine;

    check(&e, 0, 1e9, 64, 64 * 1000. / 74);
    e.kv_tok = 8500;
    check(&e, 1000, 50, 8, 8 * 1000. / 26);
}

Test(decode_rate, one_sequence_is_served_however_slow)
{
    struct decode_engine e = engine;

    check(&e, 1000, 1, 1, 1000. / 12);
    e.kv_tok = 10;
    check(&e, 1000, 50, 1, 1000. / 12);
}

Test(decode_rate, ranks_have_as_many_each)
{
    struct decode_engine e = engine;

    e.n_ranks = 4;
    check(&e, 1000, 50, 80, 80 * 1000. / 50);
}

/* A step of 3 sequences with one draft each is one of 6 of half the context, gives 1.5 tokens and
 * takes 2 ms more. */
Test(decode_rate, drafts_make_several_tokens_of_a_longer_step)
{
    struct decode_engine e = engine;

    e.n_draft_tok = 1;
    e.draft_acceptance = 0.5;
    e.draft_ms = 2;
    check(&e, 1000, (10 + 6 * 1.5 + 2) / 1.5, 3, 3 * 1000 / ((10 + 6 * 1.5 + 2) / 1.5));
}

Test(decode_rate, nothing_is_known_without_a_model)
{
    const struct decode_engine none = {.n_ranks = 1};

    cr_expect(isnan(decode_rate_of(&none, 1000, 50).tok_per_s));
}
