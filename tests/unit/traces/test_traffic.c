#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/traffic.h"
#include "util/pcg.h"
#include "util/units.h"

#define CONVERSATION PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz"

static struct diag d;

static const struct traffic_config plain = {.speedup = 1,
                                            .to_ns = TIME_NEVER,
                                            .scale = 1,
                                            .shift_ns = 300 * NS_PER_S,
                                            .block_ns = 60 * NS_PER_S,
                                            .within_ns = 900 * NS_PER_S,
                                            .seed = 1};

static struct trace_table *load(const char *path)
{
    const struct trace_options options = {.speedup = 1, .block_size_tok = 512};
    struct trace_table *table;

    diag_init(&d);
    cr_assert_eq(trace_table_load(&table, path, &options, &d), ST_OK, "%s", d.text);
    cr_assert_eq(trace_table_count_shared(table, &d), ST_OK);
    return table;
}

/* Request i of `n`: at 10 i s, an ISL that tells it, a block that all have, one that it shares with
 * a neighbour, and one of its own. */
static struct trace_table *small(int n)
{
    char path[] = "/tmp/headroom-traffic-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");

    cr_assert(f);
    for (int i = 0; i < n; i++)
        fprintf(f,
                "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 5, \"hash_ids\": "
                "[1, %d, %d]}\n",
                i * 10000, 1200 + i, 1000 + i / 2, 2000 + i);
    fclose(f);
    struct trace_table *table = load(path);
    unlink(path);
    return table;
}

/* What is left of a request when the next one comes. */
struct seen {
    int64_t at_ns;
    int row; /* in small() */
    uint64_t id[3];
};

static struct traffic *create(const struct trace_table *table, struct traffic_config config)
{
    struct traffic *t;

    cr_assert_eq(traffic_create(&t, table, &config, &d), ST_OK, "%s", d.text);
    return t;
}

/* All of it, to be freed; never back in time. */
static struct seen *drain(const struct trace_table *table, struct traffic_config config, size_t *n,
                          uint64_t *digest)
{
    struct traffic *t = create(table, config);
    struct request_source source = traffic_source(t);
    struct trace_request r;
    size_t capacity = 1000;
    struct seen *seen = calloc(capacity, sizeof *seen);
    enum status s;

    *n = 0;
    while (!(s = request_source_next(&source, &r, &d))) {
        cr_assert(*n == 0 || r.arrival_ns >= seen[*n - 1].at_ns);
        cr_assert_geq(r.arrival_ns, 0);
        if (*n == capacity)
            seen = realloc(seen, (capacity *= 2) * sizeof *seen);
        seen[*n] = (struct seen){.at_ns = r.arrival_ns, .row = (int)r.isl_tok - 1200};
        for (uint32_t i = 0; i < 3 && i < r.n_blocks; i++)
            seen[*n].id[i] = r.block_ids[i];
        ++*n;
    }
    cr_assert_eq(s, ST_END);
    cr_assert_eq(request_source_next(&source, &r, &d), ST_END);
    cr_assert(*n == 0 || request_source_progress(&source) > 0);
    if (digest)
        *digest = request_source_digest(&source);
    traffic_free(t);
    return seen;
}

static uint64_t digest_of(const struct trace_table *table, struct traffic_config config)
{
    uint64_t digest;
    size_t n;

    free(drain(table, config, &n, &digest));
    return digest;
}

Test(traffic, one_copy_of_all_is_the_trace)
{
    struct trace_table *table = load(CONVERSATION);
    struct traffic_config config = plain;

    for (int i = 0; i < 4; i++) {
        struct trace_cursor cursor;
        struct trace_request r;
        config.limit = i % 2 ? 1000 : 0;
        config.speedup = i / 2 ? 3.7 : 1;
        trace_cursor_init(&cursor, table, config.limit, config.speedup);
        struct request_source rows = trace_cursor_source(&cursor);
        while (request_source_next(&rows, &r, &d) == ST_OK)
            ;
        cr_expect_eq(digest_of(table, config), request_source_digest(&rows));
    }
    trace_table_free(table);
}

Test(traffic, a_part_starts_at_its_start)
{
    struct trace_table *table = small(100);
    struct traffic_config config = plain;
    size_t n;

    config.from_ns = 95 * NS_PER_S;
    config.to_ns = 200 * NS_PER_S;
    struct seen *seen = drain(table, config, &n, NULL);
    cr_assert_eq(n, 10);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(seen[i].row, (int)i + 10);
        cr_expect_eq(seen[i].at_ns, (5 + 10 * (int64_t)i) * NS_PER_S);
        cr_expect_eq(seen[i].id[2], 2010 + i);
    }
    free(seen);
    config.speedup = 10; /* comes first */
    config.limit = 98;
    seen = drain(table, config, &n, NULL);
    cr_assert_eq(n, 3);
    cr_expect_eq(seen[0].row, 95);
    cr_expect_eq(seen[1].at_ns, NS_PER_S);
    free(seen);
    trace_table_free(table);
}

Test(traffic, nothing_in_the_part)
{
    struct trace_table *table = small(10);
    struct traffic_config config = plain;

    config.from_ns = 91 * NS_PER_S;
    config.scale = 3;
    for (int i = 0; i < 2; i++) {
        struct traffic *t = create(table, config);
        cr_expect(traffic_is_empty(t));
        cr_expect_eq(traffic_n_in_part(t), 0);
        traffic_free(t);
        config.resampled = true;
    }
    config = plain;
    config.scale = 1e-12;
    struct traffic *t = create(table, config);
    cr_expect(traffic_is_empty(t));
    cr_expect_eq(traffic_n_in_part(t), 10);
    traffic_free(t);
    trace_table_free(table);
}

/* Each copy has every request once, at one distance from where it was recorded; equal ids stay
 * equal in it and are no other copy's. */
Test(traffic, copies)
{
    enum { N = 60, K = 3 };
    struct trace_table *table = small(N);
    struct traffic_config config = plain;
    int64_t length_ns = (N - 1) * 10 * NS_PER_S + 1, shift_ns[K] = {0};
    uint64_t common[K] = {1};
    int count[N] = {0};
    size_t n, n_copies = 1;

    config.scale = K;
    config.shift_ns = 100 * NS_PER_S;
    struct seen *seen = drain(table, config, &n, NULL);
    cr_assert_eq(n, K * N);
    for (size_t i = 0; i < n; i++) {
        const struct seen *s = &seen[i];
        int64_t shift = (s->at_ns - s->row * 10 * NS_PER_S + length_ns) % length_ns;
        size_t k = 0;
        while (k < n_copies && common[k] != s->id[0])
            k++;
        if (k == n_copies) {
            cr_assert_lt(n_copies, K);
            common[n_copies] = s->id[0];
            shift_ns[n_copies++] = shift;
        }
        cr_expect_eq(shift, shift_ns[k]);
        cr_expect(shift <= config.shift_ns || shift >= length_ns - config.shift_ns);
        count[s->row]++;
        for (size_t j = 0; j < i; j++) {
            bool same = common[k] == seen[j].id[0];
            cr_assert_eq(s->id[1] == seen[j].id[1], same && s->row / 2 == seen[j].row / 2);
            cr_assert_neq(s->id[2], seen[j].id[2]);
        }
    }
    for (int i = 0; i < N; i++)
        cr_expect_eq(count[i], K);
    cr_expect(shift_ns[1] != shift_ns[2] && shift_ns[1] != 0);
    free(seen);

    config.shift_ns = 0; /* of one time: the lower copy first */
    seen = drain(table, config, &n, NULL);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(seen[i].id[0], seen[i % K].id[0]);
    cr_expect_eq(seen[0].id[0], 1);
    free(seen);
    trace_table_free(table);
}

/* 4 standard deviations; and what a smaller scale has, a larger one has, too. */
Test(traffic, a_fraction_keeps_that_share)
{
    struct trace_table *table = load(CONVERSATION);
    const double scales[] = {0.03, 0.25, 0.9, 1.25, 1.5, 2};
    size_t before = 0;

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        struct traffic_config config = plain;
        size_t n;
        double rows = 12031, f = scales[i] - floor(scales[i]);
        config.scale = scales[i];
        free(drain(table, config, &n, NULL));
        cr_expect_leq(fabs((double)n - rows * scales[i]), 4 * sqrt(rows * f * (1 - f)), "%g: %zu",
                      scales[i], n);
        cr_expect_gt(n, before);
        before = n;
    }
    trace_table_free(table);

    table = small(200);
    struct traffic_config config = plain;
    size_t n_few, n_many, k = 0;
    config.scale = 2.2;
    struct seen *few = drain(table, config, &n_few, NULL);
    config.scale = 2.7;
    struct seen *many = drain(table, config, &n_many, NULL);
    for (size_t i = 0; i < n_many && k < n_few; i++)
        k += memcmp(&many[i], &few[k], sizeof *few) == 0;
    cr_expect_eq(k, n_few);
    free(few);
    free(many);
    trace_table_free(table);
}

/* Every block shows a stretch of the ring, from nearby. */
Test(traffic, blocks_keep_their_distances)
{
    enum { N = 500 };
    struct trace_table *table = small(N);
    struct traffic_config config = plain;
    int64_t length_ns = (N - 1) * 10 * NS_PER_S + 1, block = -1, shift_ns = 0;
    double n_all = 0, n_again = 0;

    config.resampled = true;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        size_t n;
        config.seed = seed;
        struct seen *seen = drain(table, config, &n, NULL);
        n_all += (double)n;
        for (size_t i = 0; i < n; i++) {
            const struct seen *s = &seen[i];
            int64_t shift = (s->at_ns - s->row * 10 * NS_PER_S + length_ns) % length_ns;
            if (s->at_ns / config.block_ns != block)
                shift_ns = shift;
            block = s->at_ns / config.block_ns;
            cr_assert_eq(shift, shift_ns);
            cr_assert(shift <= config.within_ns || shift >= length_ns - config.within_ns);
            cr_assert(s->id[0] == 1 && s->id[1] == 1000 + (uint64_t)s->row / 2);
            for (size_t j = 0; j < i; j++) {
                n_again += seen[j].row == s->row;
                cr_assert_neq(seen[j].id[2], s->id[2]);
            }
        }
        free(seen);
        block = -1;
    }
    cr_expect_float_eq(n_all / 20, N, 5);
    cr_expect_gt(n_again, 20);
    trace_table_free(table);
}

/* ---- anything at all, beside what it is by definition ---- */

static int by_time(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns) : x->row - y->row;
}

/* The part as it is resampled, `scale` times: the same requests as often, each copy from somewhere
 * within the shift on. */
static void check_copies(const struct trace_table *table, struct traffic_config config)
{
    double scale = config.scale;
    size_t n_one, n_all, n_first = 0;

    config.scale = 1;
    struct seen *one = drain(table, config, &n_one, NULL);
    config.scale = scale;
    struct seen *all = drain(table, config, &n_all, NULL);
    double fraction = scale - floor(scale), many = (double)n_one * floor(scale);
    cr_expect(fraction > 0 ? (double)n_all >= many && (double)n_all <= many + (double)n_one
                           : (double)n_all == many);
    if (scale < 1) { /* some of them, as they are */
        for (size_t i = 0, k = 0; i < n_all; i++, k++) {
            while (k < n_one && memcmp(&one[k], &all[i], sizeof *all) != 0)
                k++;
            cr_assert_lt(k, n_one);
        }
    } else { /* copy 0 is there as it is */
        for (size_t i = 0; i < n_all && n_first < n_one; i++)
            n_first += memcmp(&one[n_first], &all[i], sizeof *all) == 0;
        cr_expect_eq(n_first, n_one);
    }
    if (n_all > 0)
        cr_expect_lt(all[n_all - 1].at_ns, config.to_ns - config.from_ns);
    if (fraction == 0 && config.shift_ns == 0) { /* each of them so often, at one time */
        qsort(one, n_one, sizeof *one, by_time);
        qsort(all, n_all, sizeof *all, by_time);
        for (size_t i = 0; i < n_all; i++) {
            const struct seen *s = &one[i / (size_t)scale];
            cr_assert(all[i].at_ns == s->at_ns && all[i].row == s->row);
        }
    }
    free(one);
    free(all);
}

Test(traffic, anything)
{
    struct trace_table *table = small(300);
    static const double scales[] = {0.1, 0.7, 1, 2, 2.5, 3, 7, 20.01};
    struct pcg64 rng;

    pcg64_stream(&rng, 1, "test traffic", 0);
    for (int i = 0; i < 400; i++) {
        struct traffic_config config = plain;
        config.seed = (uint64_t)i;
        config.limit = pcg64_below(&rng, 2) ? 0 : 1 + pcg64_below(&rng, 300);
        config.speedup = pcg64_below(&rng, 2) ? 1 : exp(3 * pcg64_normal(&rng) / 2);
        config.from_ns = pcg64_below(&rng, 2) ? 0 : (int64_t)pcg64_below(&rng, 3000 * NS_PER_S);
        if (pcg64_below(&rng, 2))
            config.to_ns = config.from_ns + 1 + (int64_t)pcg64_below(&rng, 3000 * NS_PER_S);
        config.scale = scales[pcg64_below(&rng, sizeof scales / sizeof *scales)];
        config.shift_ns = pcg64_below(&rng, 3) ? (int64_t)pcg64_below(&rng, 9000 * NS_PER_S) : 0;
        config.resampled = pcg64_below(&rng, 2);
        config.block_ns = 1 + (int64_t)pcg64_below(&rng, 400 * NS_PER_S);
        if (config.block_ns < NS_PER_S)
            config.block_ns = NS_PER_S;
        config.within_ns = (int64_t)pcg64_below(&rng, 9000 * NS_PER_S);
        check_copies(table, config);
    }
    trace_table_free(table);
}

Test(traffic, each_seed_has_its_own)
{
    struct trace_table *table = load(CONVERSATION);
    struct traffic_config config = plain;

    for (int i = 0; i < 3; i++) {
        config = plain;
        config.scale = i == 1 ? 2 : i == 2 ? 0.5 : 1;
        config.resampled = i == 0;
        uint64_t one = digest_of(table, config);
        cr_expect_eq(digest_of(table, config), one);
        config.seed = 2;
        cr_expect_neq(digest_of(table, config), one);
    }
    trace_table_free(table);
}
