#include "calibration/measured/measured.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/json_scan.h"
#include "util/array.h"
#include "util/line_reader.h"
#include "util/text.h"

const struct measured_format_ops *const measured_formats[] = {
    &measured_aiperf, &measured_vllm_bench, &measured_csv, NULL};

struct source_pos measured_at(const struct measured_text *text, const char *p)
{
    struct source_pos at = {.file = text->path, .line = 1, .column = 1};

    for (const char *q = text->from; q < p; q++) {
        at.column++;
        if (*q == '\r') {
            at.line++;
            at.column = 1;
        }
    }
    return at;
}

struct buffer {
    char *bytes;
    size_t n, capacity;
};

static enum status append(struct buffer *b, const char *bytes, size_t n, struct diag *d)
{
    enum status s = ARRAY_RESERVE(b->bytes, b->n, b->capacity, n, "measured file", d);

    if (!s && n)
        memcpy(b->bytes + b->n, bytes, n);
    b->n += s ? 0 : n;
    return s;
}

/* The bytes of a file as they are. */
static enum status read_bytes(struct buffer *b, const char *path, struct diag *d)
{
    char chunk[1 << 16];
    enum status s = ST_OK;
    FILE *file = fopen(path, "rb");

    if (!file)
        return diag_fail(d, ST_IO, "cannot open '%s': %s", path, strerror(errno));
    for (size_t n = 1; n && !s;) {
        errno = 0;
        n = fread(chunk, 1, sizeof chunk, file);
        s = ferror(file) ? diag_fail(d, ST_IO, "cannot read '%s': %s", path, strerror(errno))
                         : append(b, chunk, n, d);
    }
    fclose(file);
    return s;
}

/* Unpacked, lines joined by '\r'; one that a line holds itself counts for a blank. */
static enum status join_lines(struct buffer *b, const char *path, const void *bytes, size_t length,
                              struct diag *d)
{
    struct line_reader *lines;
    const char *line;
    size_t n;

    enum status s = line_reader_open_memory(&lines, path, bytes, length, d);
    if (s)
        return s;
    while (!s && !(s = line_reader_next(lines, &line, &n, d))) {
        s = append(b, line, n, d);
        for (size_t i = b->n - n; !s && i < b->n; i++)
            b->bytes[i] = b->bytes[i] == '\r' ? ' ' : b->bytes[i];
        if (!s)
            s = append(b, "\r", 1, d);
    }
    line_reader_close(lines);
    return s == ST_END ? append(b, "\n", 2, d) : s; /* and a '\0' */
}

static enum status unknown_format(const struct measured_text *text, const char *p, struct diag *d)
{
    char list[DIAG_TEXT_SIZE / 2], found[TEXT_EXCERPT_SIZE];
    size_t used = 0;

    for (size_t i = 0; measured_formats[i] && used < sizeof list; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s%s (%s)", i ? "; " : "",
                         measured_formats[i]->name, measured_formats[i]->summary);
        used += n < 0 ? sizeof list : (size_t)n;
    }
    return diag_fail_at(d, ST_INPUT, measured_at(text, p),
                        "not a file of measured points: '%s'; there are: %s",
                        text_excerpt(found, p, strcspn(p, "\r\n")), list);
}

static enum status read_text(struct measured *measured, struct arena *arena,
                             const struct measured_text *text, const char sha256[SHA256_HEX_SIZE],
                             const struct measured_options *options, struct diag *d)
{
    const char *p = json_skip_space(text->from);
    struct measured_file *files = ARENA_NEW(arena, measured->n_files + 1, struct measured_file);

    if (!files)
        return diag_nomem(d, "measured files");
    if (measured->n_files)
        memcpy(files, measured->file, measured->n_files * sizeof *files);
    measured->file = files;
    struct measured_file *file = &files[measured->n_files++];
    file->path = text->path;
    memcpy(file->sha256, sha256, SHA256_HEX_SIZE);
    if (p == text->end)
        return diag_fail_at(d, ST_INPUT, (struct source_pos){.file = text->path},
                            "no measured points in it");
    for (size_t i = 0; measured_formats[i]; i++) {
        const struct measured_format_ops *format = measured_formats[i];
        if (!format->recognises(text, p))
            continue;
        file->format = format->name;
        return format->read(measured, file, arena, text, options, d);
    }
    return unknown_format(text, p, d);
}

enum status measured_read_memory(struct measured *measured, struct arena *arena, const char *path,
                                 const void *bytes, size_t length,
                                 const struct measured_options *options, struct diag *d)
{
    struct buffer b = {0};
    char sha256[SHA256_HEX_SIZE];

    sha256_hex(sha256, bytes, length);
    enum status s = join_lines(&b, path, bytes, length, d);
    if (!s) {
        const struct measured_text text = {path, b.bytes, b.bytes + b.n - 2};
        s = read_text(measured, arena, &text, sha256, options, d);
    }
    free(b.bytes);
    return s;
}

enum status measured_read(struct measured *measured, struct arena *arena, const char *path,
                          const struct measured_options *options, struct diag *d)
{
    struct buffer b = {0};

    enum status s = read_bytes(&b, path, d);
    if (!s)
        s = measured_read_memory(measured, arena, path, b.bytes ? b.bytes : "", b.n, options, d);
    free(b.bytes);
    return s;
}
