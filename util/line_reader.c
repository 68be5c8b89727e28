#include "util/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { INPUT_SIZE = 64 * 1024, BUFFER_SIZE = 256 * 1024 };

struct line_reader {
    char *name;
    int fd; /* -1: bytes in memory */
    const unsigned char *memory;
    size_t memory_left;
    uint64_t size, taken; /* bytes of the source; size 0 = not known */

    bool gzip, member_done, source_done; /* source_done: nothing more comes into `buffer` */
    z_stream z;
    unsigned char *input; /* compressed bytes */

    char *buffer; /* unread text is [next, end); one byte more than `capacity` is allocated */
    size_t next, end, capacity;
    unsigned long number;
};

static struct source_pos whole_file(const struct line_reader *r)
{
    return (struct source_pos){.file = r->name};
}

/* Up to `room` bytes of the source; *n = 0 at its end. */
static enum status take_bytes(struct line_reader *r, void *to, size_t room, size_t *n,
                              struct diag *d)
{
    if (r->fd < 0) {
        *n = room < r->memory_left ? room : r->memory_left;
        if (*n) {
            memcpy(to, r->memory, *n);
            r->memory += *n;
            r->memory_left -= *n;
        }
    } else {
        ssize_t got;
        do
            got = read(r->fd, to, room);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return diag_fail_at(d, ST_IO, whole_file(r), "cannot read: %s", strerror(errno));
        *n = (size_t)got;
    }
    r->taken += *n;
    return ST_OK;
}

/* Decompress into [to, to + room), at least one byte unless the data ends. */
static enum status take_inflated(struct line_reader *r, char *to, size_t room, size_t *n,
                                 struct diag *d)
{
    r->z.next_out = (Bytef *)to;
    r->z.avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    uInt room_at_start = r->z.avail_out;
    while (r->z.avail_out == room_at_start) {
        if (r->z.avail_in == 0) {
            size_t got;
            enum status s = take_bytes(r, r->input, INPUT_SIZE, &got, d);
            if (s != ST_OK)
                return s;
            if (got == 0 && !r->member_done)
                return diag_fail_at(d, ST_INPUT, whole_file(r),
                                    "gzip data ends early (truncated file?)");
            if (got == 0)
                break;
            r->z.next_in = r->input;
            r->z.avail_in = (uInt)got;
        }
        if (r->member_done) {
            inflateReset(&r->z);
            r->member_done = false;
        }
        int result = inflate(&r->z, Z_NO_FLUSH);
        if (result == Z_STREAM_END)
            r->member_done = true;
        else if (result == Z_MEM_ERROR)
            return diag_nomem(d, "gzip window");
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return diag_fail_at(d, ST_INPUT, whole_file(r), "corrupt gzip data (%s)",
                                r->z.msg ? r->z.msg : "unexpected content");
    }
    *n = room_at_start - r->z.avail_out;
    return ST_OK;
}

/* More text behind `end`, after moving the unread text to the front of the buffer. */
static enum status fill(struct line_reader *r, struct diag *d)
{
    memmove(r->buffer, r->buffer + r->next, r->end - r->next);
    r->end -= r->next;
    r->next = 0;
    if (r->end == r->capacity) {
        char *larger = r->capacity < SIZE_MAX / 4 ? realloc(r->buffer, r->capacity * 2 + 1) : NULL;
        if (!larger)
            return diag_nomem(d, "a very long line");
        r->buffer = larger;
        r->capacity *= 2;
    }
    size_t n = 0, room = r->capacity - r->end;
    enum status s = r->gzip ? take_inflated(r, r->buffer + r->end, room, &n, d)
                            : take_bytes(r, r->buffer + r->end, room, &n, d);
    if (s != ST_OK)
        return s;
    r->end += n;
    r->source_done = n == 0;
    return ST_OK;
}

/* Reads the first bytes and decides between plain and gzip. */
static enum status start(struct line_reader *r, struct diag *d)
{
    size_t have = 0, n = 1;
    while (have < 2 && n > 0) {
        enum status s = take_bytes(r, r->input + have, INPUT_SIZE - have, &n, d);
        if (s != ST_OK)
            return s;
        have += n;
    }
    if (have >= 2 && r->input[0] == 0x1F && r->input[1] == 0x8B) {
        r->z.next_in = r->input;
        r->z.avail_in = (uInt)have;
        if (inflateInit2(&r->z, 15 + 16) != Z_OK)
            return diag_nomem(d, "gzip state");
        r->gzip = true;
        return ST_OK;
    }
    memcpy(r->buffer, r->input, have);
    r->end = have;
    return ST_OK;
}

static struct line_reader *line_reader_new(const char *name)
{
    struct line_reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    size_t name_size = strlen(name) + 1;
    r->fd = -1;
    r->capacity = BUFFER_SIZE;
    r->name = malloc(name_size);
    r->input = malloc(INPUT_SIZE);
    r->buffer = malloc(r->capacity + 1);
    if (!r->name || !r->input || !r->buffer) {
        line_reader_close(r);
        return NULL;
    }
    memcpy(r->name, name, name_size);
    return r;
}

static enum status open_with(struct line_reader **reader, struct line_reader *r, struct diag *d)
{
    enum status s = start(r, d);
    if (s == ST_OK)
        *reader = r;
    else
        line_reader_close(r);
    return s;
}

enum status line_reader_open(struct line_reader **reader, const char *path, struct diag *d)
{
    *reader = NULL;
    struct line_reader *r = line_reader_new(path);
    if (!r)
        return diag_nomem(d, "line reader");
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        enum status s = diag_fail_at(d, ST_IO, whole_file(r), "cannot open: %s", strerror(errno));
        line_reader_close(r);
        return s;
    }
    struct stat info;
    if (fstat(r->fd, &info) == 0 && S_ISREG(info.st_mode))
        r->size = (uint64_t)info.st_size;
    return open_with(reader, r, d);
}

enum status line_reader_open_memory(struct line_reader **reader, const char *name,
                                    const void *bytes, size_t length, struct diag *d)
{
    *reader = NULL;
    struct line_reader *r = line_reader_new(name);
    if (!r)
        return diag_nomem(d, "line reader");
    r->memory = bytes;
    r->memory_left = length;
    r->size = length;
    return open_with(reader, r, d);
}

void line_reader_close(struct line_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    if (r->gzip)
        inflateEnd(&r->z);
    free(r->buffer);
    free(r->input);
    free(r->name);
    free(r);
}

enum status line_reader_next(struct line_reader *r, const char **line, size_t *length,
                             struct diag *d)
{
    size_t searched = 0;
    char *newline;
    for (;;) {
        size_t unread = r->end - r->next;
        newline = memchr(r->buffer + r->next + searched, '\n', unread - searched);
        if (newline)
            break;
        if (r->source_done) {
            if (unread == 0)
                return ST_END;
            newline = r->buffer + r->end++;
            break;
        }
        searched = unread;
        enum status s = fill(r, d);
        if (s != ST_OK)
            return s;
    }
    char *text = r->buffer + r->next;
    r->next = (size_t)(newline - r->buffer) + 1;
    if (r->number++ == 0 && newline - text >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    if (newline > text && newline[-1] == '\r')
        newline--;
    *newline = '\n';
    *line = text;
    *length = (size_t)(newline - text);
    return ST_OK;
}

struct source_pos line_reader_pos(const struct line_reader *r)
{
    return (struct source_pos){.file = r->name, .line = r->number};
}

double line_reader_progress(const struct line_reader *r)
{
    if (r->size == 0)
        return 0;
    uint64_t waiting = r->gzip ? r->z.avail_in : r->end - r->next;
    uint64_t used = r->taken > waiting ? r->taken - waiting : 0;
    return used < r->size ? (double)used / (double)r->size : 1;
}
