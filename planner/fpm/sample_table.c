#include "planner/fpm/sample_table.h"

#include <math.h>
#include <string.h>

enum status sample_table_init(struct sample_table *t, struct arena *arena, size_t n_features,
                              size_t max_samples, int64_t buckets, struct diag *d)
{
    struct fpm_sample *rows = ARENA_NEW(arena, 2 * (max_samples + 1), struct fpm_sample);
    int64_t each = n_features == 1 ? buckets : (int64_t)sqrt((double)buckets);

    if (!rows)
        return diag_nomem(d, "samples of iterations");
    *t = (struct sample_table){.n_features = n_features,
                               .max_samples = max_samples,
                               .buckets_per_feature = each < 1 ? 1 : (int)each,
                               .rows = rows,
                               .spare = rows + max_samples + 1};
    return ST_OK;
}

static int bucket_of(const struct sample_table *t, size_t feature, double x)
{
    double lo = t->lo[feature], hi = t->hi[feature];
    int k = t->buckets_per_feature;

    if (hi <= lo)
        return 0;
    if (t->log_scale) {
        x = log1p(x);
        lo = log1p(lo);
        hi = log1p(hi);
    }
    double at = (x - lo) / (hi - lo) * k;
    return at >= k ? k - 1 : at < 0 ? 0 : (int)at;
}

static bool same_bucket(const struct fpm_sample *a, const struct fpm_sample *b)
{
    return memcmp(a->bucket, b->bucket, sizeof a->bucket) == 0;
}

/* Behind the last of its bucket; a new bucket comes last. */
static void insert(struct sample_table *t, struct fpm_sample sample)
{
    size_t at = t->n;

    for (size_t f = 0; f < t->n_features; f++)
        sample.bucket[f] = bucket_of(t, f, sample.x[f]);
    for (size_t i = t->n; i > 0; i--) {
        if (same_bucket(&t->rows[i - 1], &sample)) {
            at = i;
            break;
        }
    }
    memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof *t->rows);
    t->rows[at] = sample;
    t->n++;
}

/* All samples again under the new bounds, bucket by bucket. */
static void rebuild(struct sample_table *t)
{
    struct fpm_sample *from = t->rows;
    size_t n = t->n;

    t->rows = t->spare;
    t->spare = from;
    t->n = 0;
    for (size_t i = 0; i < n; i++)
        insert(t, from[i]);
}

static bool widen(struct sample_table *t, const double x[])
{
    bool moved = false;

    for (size_t f = 0; f < t->n_features; f++) {
        double lo = t->n == 0 ? x[f] : fmin(t->lo[f], x[f]);
        double hi = t->n == 0 ? x[f] : fmax(t->hi[f], x[f]);
        moved |= lo != t->lo[f] || hi != t->hi[f];
        t->lo[f] = lo;
        t->hi[f] = hi;
    }
    return moved;
}

static void drop_first_of_fullest(struct sample_table *t)
{
    size_t start = 0, best = 0, most = 0;

    for (size_t i = 1; i <= t->n; i++) {
        if (i < t->n && same_bucket(&t->rows[i], &t->rows[start]))
            continue;
        if (i - start > most) {
            most = i - start;
            best = start;
        }
        start = i;
    }
    t->n--;
    memmove(&t->rows[best], &t->rows[best + 1], (t->n - best) * sizeof *t->rows);
}

void sample_table_add(struct sample_table *t, const double x[], double wall_s)
{
    struct fpm_sample sample = {.wall_s = wall_s};

    if (widen(t, x) && t->n > 0)
        rebuild(t);
    memcpy(sample.x, x, t->n_features * sizeof *x);
    insert(t, sample);
    if (t->n > t->max_samples)
        drop_first_of_fullest(t);
}
