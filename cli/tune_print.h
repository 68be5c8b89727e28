/* What `tune` prints. */
#ifndef CLI_TUNE_PRINT_H
#define CLI_TUNE_PRINT_H

#include "studies/tune/tune.h"
#include "util/terminal.h"

/* Can there be a plot: is more than one figure asked for? */
bool tune_plot_has_two(const struct tune_options *options);
/* All settings that were tried, by the first two figures that are asked for. */
enum status tune_plot(const struct tune_result *result, const struct terminal *terminal,
                      struct arena *arena, struct diag *d);
enum status tune_print(const struct tune_result *result, const struct terminal *terminal,
                       struct arena *arena, struct diag *d);

#endif
