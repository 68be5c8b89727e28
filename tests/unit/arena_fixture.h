/* What a test of anything that takes an arena and a message begins with: TestSuite(NAME, .init =
 * setup, .fini = teardown). */
#ifndef TESTS_UNIT_ARENA_FIXTURE_H
#define TESTS_UNIT_ARENA_FIXTURE_H

#include "util/arena.h"
#include "util/status.h"

static struct arena arena;
static struct diag diag;

static void setup(void)
{
    arena_init(&arena);
    diag_init(&diag);
}

static void teardown(void)
{
    arena_release(&arena);
}

#endif
