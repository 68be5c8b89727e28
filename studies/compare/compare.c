#include "studies/compare/compare.h"

#include <math.h>
#include <string.h>

#include "studies/compare/compare_internal.h"
#include "studies/study.h"
#include "util/bug.h"

static bool same_pools(const struct recorded *a, const struct recorded *b)
{
    for (size_t i = 0; i < a->n_pools && i < b->n_pools; i++) {
        if (strcmp(a->pools[i], b->pools[i]) != 0)
            return false;
    }
    return a->n_pools == b->n_pools;
}

static bool has_pairs(const struct compare_pair *pair, size_t key, size_t n_keys)
{
    size_t n = 0;

    for (size_t i = 0; i < pair->n_replicates; i++)
        n += isnan(pair->a->figures[i * n_keys + key] + pair->b->figures[i * n_keys + key]) ? 0 : 1;
    return n >= 2;
}

static size_t count_intervals(const struct compare_result *of)
{
    size_t n = 0;

    for (size_t i = 0; i < of->n_pairs; i++) {
        for (size_t k = 0; k < of->n_keys; k++)
            n += has_pairs(&of->pairs[i], k, of->n_keys);
    }
    return n;
}

static enum status begin_pairs(struct compare_block *block, struct arena *arena, struct diag *d)
{
    struct compare_result *of = block->of;

    block->pairs = ARENA_NEW(arena, of->n_pairs, struct compare_pair);
    of->pairs = block->pairs;
    if (!block->pairs)
        return diag_nomem(d, "pairs");
    for (size_t i = 0; i < of->n_pairs; i++) {
        const struct compare_run *a = &of->runs[0], *b = &of->runs[i + 1];
        struct compare_pair *pair = &block->pairs[i];
        pair->a = a;
        pair->b = b;
        pair->same_pools = !of->of_all && same_pools(&a->recorded, &b->recorded);
        pair->n_replicates = a->n_rows < b->n_rows ? a->n_rows : b->n_rows;
    }
    return ST_OK;
}

static enum status finish_pairs(const struct compare_block *block, const struct comparison *c,
                                struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < block->of->n_pairs && !s; i++) {
        struct compare_pair *pair = &block->pairs[i];
        s = compare_figures(pair, c->arena, block->of, d);
        if (!s && !block->of->of_all) {
            compare_windows(pair);
            s = compare_decisions(pair, c->arena, d);
            compare_requests(pair);
        }
        if (!s)
            s = compare_add_notes(pair, block, c, d);
    }
    return s;
}

/* C. E. Bonferroni: of n intervals none misses with probability `level` when each misses n times
 * less often than all may. */
static double level_of_each(const struct comparison *c)
{
    size_t n = 0;

    for (size_t b = 0; b < c->n_blocks; b++)
        n += count_intervals(c->blocks[b].of);
    return n ? 1 - (1 - c->options->level) / (double)n : c->options->level;
}

static enum status make_pairs(struct comparison *c, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t b = 0; b < c->n_blocks && !s; b++)
        s = begin_pairs(&c->blocks[b], c->arena, d);
    if (s)
        return s;
    double level = level_of_each(c);
    for (size_t b = 0; b < c->n_blocks && !s; b++) {
        c->blocks[b].of->level_each = level;
        s = finish_pairs(&c->blocks[b], c, d);
    }
    return s;
}

static void choose_keys(struct comparison *c)
{
    const struct compare_options *o = c->options;
    const char *const *keys = o->keys;
    size_t n =
        o->n_keys ? o->n_keys : compare_main_keys(&keys, c->blocks[0].of->of_all || o->deployment);

    for (size_t b = 0; b < c->n_blocks; b++) {
        c->blocks[b].of->n_keys = n;
        c->blocks[b].of->keys = keys;
    }
}

enum status compare_runs(const struct compare_result **result, struct arena *arena,
                         const struct compare_options *options, struct diag *d)
{
    size_t n = options->n_inputs;
    struct compare_result *to = ARENA_NEW(arena, 1, struct compare_result);
    struct compare_block whole = {to, ARENA_NEW(arena, n, struct compare_run), NULL};
    struct comparison c = {.options = options,
                           .arena = arena,
                           .sides = ARENA_NEW(arena, n, struct compare_side),
                           .n_blocks = 1,
                           .blocks = &whole,
                           .variants =
                               ARENA_NEW(arena, n * options->n_replicates, struct study_variant)};

    BUG_IF(n < 2 || n > COMPARE_MAX_RUNS);
    if (!to || !whole.runs || !c.sides || !c.variants)
        return diag_nomem(d, "comparison");
    *to = (struct compare_result){.options = options,
                                  .deployment = options->deployment,
                                  .n_runs = n,
                                  .n_pairs = n - 1,
                                  .runs = whole.runs};
    *result = to;
    enum status s = compare_make_runs(&c, d);
    if (s)
        return s;
    choose_keys(&c);
    s = compare_run_replicates(&c, d);
    return s ? s : make_pairs(&c, d);
}

char compare_letter(const struct compare_run *run, const struct compare_result *result)
{
    return (char)('A' + (int)(run - result->runs));
}
