/* The file that `check` compares with, from memory. What is accepted is in order, and the same when
 * it has been written and read again; what is refused says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "studies/gate/baseline.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

struct text {
    char *bytes;
    size_t n;
};

static struct text written(const struct baseline *baseline)
{
    struct text text = {NULL, 0};
    FILE *out = open_memstream(&text.bytes, &text.n);

    BUG_IF(!out);
    baseline_write(baseline, out);
    BUG_IF(fclose(out) != 0);
    return text;
}

static void check_entries(const struct baseline *baseline)
{
    for (size_t i = 0; i < baseline->n; i++) {
        const struct baseline_entry *e = &baseline->entries[i];
        BUG_IF(baseline_find(baseline, e->name) != e);
        for (size_t k = 0; k < e->n_figures; k++)
            BUG_IF(baseline_figure(e, e->figures[k].key) != &e->figures[k]);
    }
}

static void check_round_trip(const struct baseline *baseline, struct arena *arena, struct diag *d)
{
    struct baseline again;
    struct text first = written(baseline);

    BUG_IF(baseline_parse(&again, arena, "again", first.bytes, first.n, d));
    struct text second = written(&again);
    BUG_IF(first.n != second.n || memcmp(first.bytes, second.bytes, first.n) != 0);
    free(first.bytes);
    free(second.bytes);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct baseline baseline;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    enum status s = baseline_parse(&baseline, &arena, "fuzz", (const char *)bytes, size, &d);
    if (s == ST_OK) {
        check_entries(&baseline);
        check_round_trip(&baseline, &arena, &d);
    } else {
        BUG_IF(s != ST_INPUT || d.status != s || strncmp(d.text, "fuzz", 4) != 0);
    }
    arena_release(&arena);
    return 0;
}
