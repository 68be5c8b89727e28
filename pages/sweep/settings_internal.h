/* Sums over the runs at each level of each knob, as the rows come. */
#ifndef PAGES_SWEEP_SETTINGS_INTERNAL_H
#define PAGES_SWEEP_SETTINGS_INTERNAL_H

#include "pages/sweep/settings.h"

struct settings_sums;

/* Finds the levels of each knob. In the heap. ST_NOMEM. */
enum status settings_sums_create(struct settings_sums **sums, struct settings *settings,
                                 struct arena *arena, struct diag *d);
void settings_sums_free(struct settings_sums *sums); /* NULL is allowed */
/* A run of a setting; runs of the same block have replicate and seed in common. */
void settings_sums_add(struct settings_sums *sums, uint64_t variant, size_t block,
                       const double *figures);
/* After the last row. */
void settings_find_effects(struct settings *settings, const struct settings_sums *sums);

#endif
