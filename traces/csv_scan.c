#include "traces/csv_scan.h"

#include <stddef.h>
#include <string.h>

const char *csv_field_end(const char *p, const char *end, struct csv_field *field)
{
    if (*p != '"') {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        *field = (struct csv_field){p, comma ? comma : end};
        return field->end;
    }
    field->from = ++p;
    for (; p < end; p++) {
        if (*p != '"')
            continue;
        if (p[1] != '"')
            break;
        p++;
    }
    field->end = p;
    return p < end && (p + 1 == end || p[1] == ',') ? p + 1 : NULL;
}
