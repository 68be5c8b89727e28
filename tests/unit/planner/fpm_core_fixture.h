/* A core of the planner on forward-pass metrics, of engines of one GPU. */
#ifndef TESTS_UNIT_PLANNER_FPM_CORE_FIXTURE_H
#define TESTS_UNIT_PLANNER_FPM_CORE_FIXTURE_H

#include <criterion/criterion.h>

#include "planner/fpm/fpm_core.h"

static struct arena arena;
static struct fpm_config config;
static struct fpm_core core;

/* With `config` as it is. */
static void start_core(double max_kv_tok)
{
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    cr_assert_eq(fpm_config_check(&config, (struct source_pos){NULL, 0, 0}, &d), ST_OK, "%s",
                 d.text);
    cr_assert_eq(fpm_core_init(&core, &arena, &config, 0, &d), ST_OK);
    for (int side = 0; side < N_SIDES; side++)
        core.limits[side] = (struct fpm_limits){.n_gpus = 1,
                                                .max_batched_tok = 8192,
                                                .max_seqs = 256,
                                                .context_tok = 32768,
                                                .max_kv_tok = max_kv_tok};
}

static void stop(void)
{
    fpm_core_release(&core);
    arena_release(&arena);
}

#endif
