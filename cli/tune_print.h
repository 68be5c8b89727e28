/* What `tune` prints. */
#ifndef CLI_TUNE_PRINT_H
#define CLI_TUNE_PRINT_H

#include "studies/tune/tune.h"
#include "util/terminal.h"

enum status tune_print(const struct tune_result *result, const struct terminal *terminal,
                       struct arena *arena, struct diag *d);

#endif
