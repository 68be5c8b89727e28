#include "scenarios/text/nearest.h"

#include <string.h>

enum { WORD_MAX = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, row by row; words beyond WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    size_t rows[3][WORD_MAX + 1];

    if (n_a > WORD_MAX || n_b > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            row[j] =
                smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

void nearest_init(struct nearest *n, const char *typed)
{
    size_t third = strlen(typed) / 3;

    *n = (struct nearest){.typed = typed, .distance = third < 1 ? 2 : third + 1};
}

void nearest_offer(struct nearest *n, const char *word)
{
    size_t d = distance(n->typed, word), length = strlen(n->typed);

    /* A name without its unit, as ttft for ttft_ms. */
    if (length > 1 && strncmp(word, n->typed, length) == 0 && word[length] == '_' && d > 1)
        d = 1;
    if (d < n->distance) {
        n->best = word;
        n->distance = d;
    }
}
