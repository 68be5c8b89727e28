#include "util/status.h"

#include <stdarg.h>
#include <stdio.h>

#undef diag_fail
#undef diag_fail_at
#undef diag_nomem

int status_exit_code(enum status s)
{
    switch (s) {
#define XX(name, code, text)                                                                       \
    case ST_##name:                                                                                \
        return code;
        STATUS_MAP(XX)
#undef XX
    }
    return 3;
}

const char *status_text(enum status s)
{
    switch (s) {
#define XX(name, code, text)                                                                       \
    case ST_##name:                                                                                \
        return text;
        STATUS_MAP(XX)
#undef XX
    }
    return "unknown status";
}

void diag_init(struct diag *d)
{
    d->status = ST_OK;
    d->text[0] = '\0';
}

__attribute__((format(printf, 4, 0))) static enum status
record(struct diag *d, enum status s, struct source_pos at, const char *format, va_list args)
{
    if (d->status != ST_OK)
        return d->status;
    d->status = s;
    size_t used = 0;
    if (at.file) {
        int n;
        if (at.column)
            n = snprintf(d->text, sizeof d->text, "%s:%lu:%lu: ", at.file, at.line, at.column);
        else if (at.line)
            n = snprintf(d->text, sizeof d->text, "%s:%lu: ", at.file, at.line);
        else
            n = snprintf(d->text, sizeof d->text, "%s: ", at.file);
        used = n < 0 ? 0 : (size_t)n;
        if (used >= sizeof d->text)
            used = sizeof d->text - 1;
    }
    vsnprintf(d->text + used, sizeof d->text - used, format, args);
    return s;
}

enum status diag_fail(struct diag *d, enum status s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    s = record(d, s, (struct source_pos){0}, format, args);
    va_end(args);
    return s;
}

enum status diag_fail_at(struct diag *d, enum status s, struct source_pos at, const char *format,
                         ...)
{
    va_list args;
    va_start(args, format);
    s = record(d, s, at, format, args);
    va_end(args);
    return s;
}

enum status diag_nomem(struct diag *d, const char *what)
{
    return diag_fail(d, ST_NOMEM, "out of memory: %s", what);
}
