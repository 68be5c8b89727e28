/* What `size` prints. */
#ifndef CLI_SIZE_PRINT_H
#define CLI_SIZE_PRINT_H

#include <stdio.h>

#include "studies/size/size.h"

enum status size_print(const struct size_result *result, FILE *out, struct arena *arena,
                       struct diag *d);

#endif
