/* Files of measured points from memory. What is accepted says of every point what was sent; what is
 * refused says why. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/measured/measured.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check_point(const struct measured_point *p)
{
    BUG_IF(p->n_requests == 0 || p->clients < 0 || (uint64_t)p->clients > p->n_requests);
    BUG_IF((p->clients == 0) != (p->arrival_ns != NULL));
    BUG_IF(isnan(p->ttft_ms));
    for (uint64_t i = 0; i < p->n_requests; i++) {
        BUG_IF(p->isl_tok[i] == 0 || p->osl_tok[i] == 0);
        BUG_IF(p->arrival_ns && i && p->arrival_ns[i] < p->arrival_ns[i - 1]);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct measured *measured = calloc(1, sizeof *measured);
    const struct measured_options options = {0};
    struct arena arena;
    struct diag d;

    BUG_IF(!measured);
    arena_init(&arena);
    diag_init(&d);
    enum status s = measured_read_memory(measured, &arena, "fuzz", bytes, size, &options, &d);
    if (s == ST_OK) {
        BUG_IF(measured->n_points == 0);
        for (size_t i = 0; i < measured->n_points; i++)
            check_point(&measured->point[i]);
    } else {
        BUG_IF(s != ST_INPUT || d.status != s || strncmp(d.text, "fuzz", 4) != 0);
    }
    arena_release(&arena);
    free(measured);
    return 0;
}
