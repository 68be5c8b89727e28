#include "scenarios/text/file_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum status file_text_read(const char **bytes, size_t *length, struct arena *arena,
                           const char *path, const char *expected, struct diag *d)
{
    struct source_pos at = {.file = path};

    FILE *file = fopen(path, "rb");
    if (!file)
        return diag_fail_at(d, ST_IO, at, "cannot open: %s", strerror(errno));
    char *text = ARENA_NEW(arena, FILE_TEXT_MAX_BYTES + 1, char);
    size_t n = text ? fread(text, 1, FILE_TEXT_MAX_BYTES + 1, file) : 0;
    int error = ferror(file) ? errno : 0;
    fclose(file);
    if (!text)
        return diag_nomem(d, expected);
    if (error)
        return diag_fail_at(d, ST_IO, at, "cannot read: %s", strerror(error));
    if (n > FILE_TEXT_MAX_BYTES)
        return diag_fail_at(d, ST_INPUT, at, "larger than %d bytes; expected %s",
                            FILE_TEXT_MAX_BYTES, expected);
    *bytes = text;
    *length = n;
    return ST_OK;
}

const char *file_text_path(struct arena *arena, struct source_pos at, const char *path)
{
    const char *slash = at.line > 0 && path[0] != '/' ? strrchr(at.file, '/') : NULL;

    return slash ? arena_printf(arena, "%.*s%s", (int)(slash + 1 - at.file), at.file, path) : path;
}
