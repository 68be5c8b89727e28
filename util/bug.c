#include "util/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void bug_abort(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "BUG: %s:%d: ", file, line); /* BUG: the one place below cli/ that speaks */
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort(); /* BUG */
}
