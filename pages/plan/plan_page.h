/* The page of `headroom plan`: forecast against actual in each interval, what was asked for, and
 * how far each predictor was off. */
#ifndef PAGES_PLAN_PLAN_PAGE_H
#define PAGES_PLAN_PLAN_PAGE_H

#include <stdio.h>

#include "scenarios/compose/plan.h"
#include "util/arena.h"
#include "util/status.h"

/* ST_NOMEM; the caller checks `out` for errors. */
enum status plan_page_write(const struct plan *plan, const struct scenario *scenario, FILE *out,
                            struct arena *arena, struct diag *d);

#endif
