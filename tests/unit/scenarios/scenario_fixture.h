/* One scenario, read from a text under the name dir/f.yaml. TestSuite(..., .init = setup,
 * .fini = teardown). */
#ifndef TESTS_UNIT_SCENARIO_FIXTURE_H
#define TESTS_UNIT_SCENARIO_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "scenarios/keys/scenario.h"

static struct arena arena;
static struct diag diag;
static struct scenario sc;

static void setup(void)
{
    arena_init(&arena);
    diag_init(&diag);
}

static void teardown(void)
{
    arena_release(&arena);
}

/* `overrides` ends with NULL. */
static enum status read_with(const char *text, const char *const *overrides)
{
    struct scenario_override list[8];
    size_t n = 0;

    for (; overrides && overrides[n]; n++)
        list[n] = (struct scenario_override){overrides[n], overrides[n]};
    diag_init(&diag);
    return scenario_parse(&sc, &arena, "dir/f.yaml", text, strlen(text), list, n, NULL, &diag);
}

#define OVERRIDES(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
