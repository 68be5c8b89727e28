/* Charts and tables of a sweep's settings, each with its heading. ST_NOMEM. */
#ifndef PAGES_SWEEP_SWEEP_CHARTS_H
#define PAGES_SWEEP_SWEEP_CHARTS_H

#include <stdio.h>

#include "pages/sweep/settings.h"

/* Two figures against each other; nothing when there is only one. */
enum status sweep_chart_front(FILE *out, const struct settings *settings, struct arena *arena,
                              struct diag *d);
/* The two figures over each knob's values. */
enum status sweep_chart_effects(FILE *out, const struct settings *settings, struct arena *arena,
                                struct diag *d);
/* The two figures by the two knobs with the largest effects; nothing when there is only one. */
enum status sweep_chart_heat_maps(FILE *out, const struct settings *settings, struct arena *arena,
                                  struct diag *d);

#endif
