#include "studies/csv.h"

#include <math.h>
#include <string.h>

#include "util/json_out.h"

void csv_write_text(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

void csv_write_number(FILE *out, double number)
{
    char text[JSON_NUMBER_SIZE];

    if (isfinite(number))
        fwrite(text, 1, (size_t)json_format_double(text, number), out);
}
