/* What `headroom compare` prints. */
#ifndef CLI_COMPARE_PRINT_H
#define CLI_COMPARE_PRINT_H

#include <stdio.h>

#include "studies/compare/compare.h"

enum status compare_print(const struct compare_result *result, FILE *out, struct arena *arena,
                          struct diag *d);

#endif
