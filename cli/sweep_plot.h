/* The settings of a sweep in the plane of two figures. */
#ifndef CLI_SWEEP_PLOT_H
#define CLI_SWEEP_PLOT_H

#include "util/arena.h"
#include "util/status.h"
#include "util/terminal.h"

/* Of the folder of a sweep: those that its page draws, with the settings that no other is better
 * than. Says so where there are no two figures that runs have. Errors as of settings_read
 * (pages/sweep/settings.h). */
enum status sweep_plot(const char *dir, const struct terminal *terminal, struct arena *arena,
                       struct diag *d);

#endif
