#include "studies/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "util/bug.h"

/* The file: `struct head`, then records: `struct record`, its figures, its message without '\0'.
 * Numbers are as this machine has them; the head tells one that has them otherwise. */
static const char magic[16] = "headroom rows 1";

struct head {
    char magic[sizeof magic];
    char study[SHA256_HEX_SIZE - 1];
    uint64_t n_runs, n_figures;
};

struct record {
    uint32_t checksum; /* of all that follows it in the record */
    uint32_t status;
    uint64_t index;
    uint32_t n_figures, n_message;
};

struct journal {
    char *path;
    int file;
    struct journal_shape shape;
    uint64_t end; /* of the last whole record */
    uint64_t *at; /* by index: where its record is; 0 = none */
    bool *done;   /* by index */
    uint64_t n_done;
    size_t message_max;
    unsigned char *buffer; /* of one record */
    size_t room;
};

static enum status fail(const struct journal *j, const char *what, struct diag *d)
{
    return diag_fail(d, ST_IO, "cannot %s '%s': %s", what, j->path, strerror(errno));
}

static struct head head_of(const struct journal *j)
{
    struct head head = {.n_runs = j->shape.n_runs, .n_figures = j->shape.n_figures};

    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.study, j->shape.study, sizeof head.study);
    return head;
}

static size_t record_size(const struct record *r)
{
    return sizeof *r + r->n_figures * sizeof(double) + r->n_message;
}

static uint32_t checksum(const unsigned char *record, size_t size)
{
    const size_t skip = sizeof(uint32_t);

    return (uint32_t)crc32(0, record + skip, (uInt)(size - skip));
}

static enum status make_room(struct journal *j, size_t size, struct diag *d)
{
    if (size <= j->room)
        return ST_OK;
    unsigned char *larger = realloc(j->buffer, size);
    if (!larger)
        return diag_nomem(d, "journal");
    j->buffer = larger;
    j->room = size;
    return ST_OK;
}

/* Bytes read, fewer at the end of the file; -1 with errno. */
static ssize_t read_at(int file, void *to, size_t n, uint64_t at)
{
    size_t got = 0;

    while (got < n) {
        ssize_t more = pread(file, (char *)to + got, n - got, (off_t)(at + got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        got += (size_t)more;
    }
    return (ssize_t)got;
}

static bool write_at(int file, const void *from, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t more = pwrite(file, (const char *)from + done, n - done, (off_t)(at + done));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return false;
        done += (size_t)more;
    }
    return true;
}

/* The record at a place, into the buffer; *whole is false for one that is torn, or not there. */
static enum status load(struct journal *j, uint64_t at, bool *whole, struct diag *d)
{
    struct record r;
    ssize_t n = read_at(j->file, &r, sizeof r, at);

    *whole = false;
    if (n < 0)
        return fail(j, "read", d);
    if ((size_t)n < sizeof r || r.index >= j->shape.n_runs || r.n_message > DIAG_TEXT_SIZE ||
        (r.n_figures != 0 && r.n_figures != j->shape.n_figures))
        return ST_OK;
    size_t size = record_size(&r);
    enum status s = make_room(j, size + 1, d);
    if (s)
        return s;
    n = read_at(j->file, j->buffer, size, at);
    if (n < 0)
        return fail(j, "read", d);
    *whole = (size_t)n == size && checksum(j->buffer, size) == r.checksum;
    return ST_OK;
}

static bool is_lasting(enum status s)
{
    return s == ST_OK || s == ST_INPUT;
}

/* The record in the buffer is the row from now on. */
static void note(struct journal *j, uint64_t at)
{
    struct record r;

    memcpy(&r, j->buffer, sizeof r);
    j->at[r.index] = at;
    if (is_lasting((enum status)r.status) && !j->done[r.index]) {
        j->done[r.index] = true;
        j->n_done++;
    }
    if (r.n_message > j->message_max)
        j->message_max = r.n_message;
    j->end = at + record_size(&r);
}

static enum status scan(struct journal *j, struct diag *d)
{
    bool whole = true;

    j->end = sizeof(struct head);
    while (whole) {
        enum status s = load(j, j->end, &whole, d);
        if (s)
            return s;
        if (whole)
            note(j, j->end);
    }
    return ST_OK;
}

/* The system lets go of it when the process ends, however it does. */
static enum status lock(const struct journal *j, bool write, struct diag *d)
{
    struct flock whole = {.l_type = (short)(write ? F_WRLCK : F_RDLCK), .l_whence = SEEK_SET};

    if (fcntl(j->file, F_SETLK, &whole) == 0)
        return ST_OK;
    if (errno == EACCES || errno == EAGAIN)
        return diag_fail(
            d, ST_INPUT,
            "'%s' is in use by another headroom; wait for it, or choose another folder", j->path);
    return fail(j, "lock", d);
}

static enum status open_file(struct journal *j, enum journal_use use, struct diag *d)
{
    int flags = use == JOURNAL_READ     ? O_RDONLY
                : use == JOURNAL_CREATE ? O_RDWR | O_CREAT | O_EXCL
                                        : O_RDWR | O_CREAT;

    j->file = open(j->path, flags | O_CLOEXEC, 0666);
    if (j->file < 0)
        return fail(j, use == JOURNAL_READ ? "open" : "create", d);
    return lock(j, use != JOURNAL_READ, d);
}

static enum status read_head(struct journal *j, enum journal_use use, struct diag *d)
{
    const struct head ours = head_of(j);
    struct head theirs;
    ssize_t n = read_at(j->file, &theirs, sizeof theirs, 0);

    if (n < 0)
        return fail(j, "read", d);
    if ((size_t)n == sizeof theirs && memcmp(&ours, &theirs, sizeof ours) == 0)
        return ST_OK;
    if ((size_t)n == sizeof theirs || use == JOURNAL_READ)
        return diag_fail(d, ST_INPUT, "'%s' does not hold the runs of this study", j->path);
    /* Begun, and not even its head got written. */
    return write_at(j->file, &ours, sizeof ours, 0) ? ST_OK : fail(j, "write", d);
}

enum status journal_open(struct journal **journal, const char *path,
                         const struct journal_shape *shape, enum journal_use use, struct diag *d)
{
    struct journal *j = calloc(1, sizeof *j);

    *journal = NULL;
    if (!j)
        return diag_nomem(d, "journal");
    j->file = -1;
    j->shape = *shape;
    j->path = strdup(path);
    j->at = calloc(shape->n_runs, sizeof *j->at);
    j->done = calloc(shape->n_runs, sizeof *j->done);
    enum status s = j->path && j->at && j->done ? ST_OK : diag_nomem(d, "journal");
    if (!s)
        s = open_file(j, use, d);
    if (!s)
        s = read_head(j, use, d);
    if (!s)
        s = scan(j, d);
    if (!s && use != JOURNAL_READ && ftruncate(j->file, (off_t)j->end) != 0)
        s = fail(j, "cut", d);
    if (s)
        journal_close(j);
    else
        *journal = j;
    return s;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->file >= 0)
        close(j->file);
    free(j->path);
    free(j->at);
    free(j->done);
    free(j->buffer);
    free(j);
}

bool journal_has(const struct journal *j, uint64_t index)
{
    return j->at[index] != 0;
}

bool journal_done(const struct journal *j, uint64_t index)
{
    return j->done[index];
}

uint64_t journal_n_done(const struct journal *j)
{
    return j->n_done;
}

size_t journal_message_max(const struct journal *j)
{
    return j->message_max;
}

enum status journal_append(struct journal *j, uint64_t index, const struct study_row *row,
                           struct diag *d)
{
    struct record r = {.index = index, .status = (uint32_t)row->status};

    BUG_IF(index >= j->shape.n_runs);
    r.n_figures = row->figures ? (uint32_t)j->shape.n_figures : 0;
    r.n_message = row->message ? (uint32_t)strlen(row->message) : 0;
    size_t size = record_size(&r), n_bytes = r.n_figures * sizeof(double);
    enum status s = make_room(j, size + 1, d);
    if (s)
        return s;
    memcpy(j->buffer, &r, sizeof r);
    if (n_bytes)
        memcpy(j->buffer + sizeof r, row->figures, n_bytes);
    if (r.n_message)
        memcpy(j->buffer + sizeof r + n_bytes, row->message, r.n_message);
    r.checksum = checksum(j->buffer, size);
    memcpy(j->buffer, &r.checksum, sizeof r.checksum);
    if (!write_at(j->file, j->buffer, size, j->end)) {
        s = fail(j, "write", d);
        (void)!ftruncate(j->file, (off_t)j->end); /* else the next opening does it */
        return s;
    }
    note(j, j->end);
    return ST_OK;
}

enum status journal_sync(struct journal *j, struct diag *d)
{
    return fdatasync(j->file) == 0 ? ST_OK : fail(j, "write", d);
}

enum status journal_row(struct journal *j, uint64_t index, struct study_row *row, struct diag *d)
{
    struct record r;
    bool whole;

    BUG_IF(index >= j->shape.n_runs || !j->at[index]);
    enum status s = load(j, j->at[index], &whole, d);
    if (s)
        return s;
    if (!whole)
        return diag_fail(d, ST_IO, "'%s' was changed by somebody else", j->path);
    memcpy(&r, j->buffer, sizeof r);
    size_t message_at = sizeof r + r.n_figures * sizeof(double);
    j->buffer[message_at + r.n_message] = '\0';
    *row = (struct study_row){.status = (enum status)r.status};
    if (r.n_message)
        row->message = (const char *)j->buffer + message_at;
    /* The buffer is malloc's, and what stands before the figures a multiple of their size. */
    if (!row->status)
        row->figures = (const double *)(const void *)(j->buffer + sizeof r);
    return ST_OK;
}
