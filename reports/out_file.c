#include "reports/out_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 1 << 16 };

static char *join(const char *dir, const char *name, const char *suffix)
{
    size_t size = strlen(dir) + strlen(name) + strlen(suffix) + 2;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s/%s%s", dir, name, suffix);
    return path;
}

static enum status fail(const struct out_file *f, const char *what, struct diag *d)
{
    return diag_fail(d, ST_IO, "cannot %s '%s': %s", what, f->part, strerror(errno ? errno : EIO));
}

enum status out_file_open(struct out_file *f, const char *dir, const char *name, bool replace,
                          struct diag *d)
{
    enum status s;

    *f = (struct out_file){0};
    f->path = join(dir, name, "");
    f->part = join(dir, name, ".part");
    f->buffer = malloc(BUFFER_SIZE);
    if (!f->path || !f->part || !f->buffer) {
        s = diag_nomem(d, name);
        goto failed;
    }
    if (!replace && access(f->path, F_OK) == 0) {
        s = diag_fail(d, ST_INPUT, "'%s' exists already and is not to be replaced", f->path);
        goto failed;
    }
    f->stream = fopen(f->part, "wb");
    if (!f->stream) {
        s = fail(f, "create", d);
        goto failed;
    }
    setvbuf(f->stream, f->buffer, _IOFBF, BUFFER_SIZE);
    return ST_OK;

failed:
    free(f->part);
    f->part = NULL; /* not ours to remove */
    out_file_release(f);
    return s;
}

enum status out_file_write(struct out_file *f, const char *bytes, size_t n, struct diag *d)
{
    return fwrite(bytes, 1, n, f->stream) == n ? ST_OK : fail(f, "write", d);
}

enum status out_file_check(struct out_file *f, struct diag *d)
{
    return ferror(f->stream) ? fail(f, "write", d) : ST_OK;
}

enum status out_file_sync(struct out_file *f, struct diag *d)
{
    errno = 0;
    if (ferror(f->stream) || fflush(f->stream) != 0 || fsync(fileno(f->stream)) != 0)
        return fail(f, "write", d);
    return ST_OK;
}

enum status out_file_close(struct out_file *f, struct diag *d)
{
    if (!f->stream)
        return ST_OK;
    errno = 0;
    bool failed = ferror(f->stream) != 0;
    failed |= fclose(f->stream) != 0;
    f->stream = NULL;
    return failed ? fail(f, "write", d) : ST_OK;
}

enum status out_file_publish(struct out_file *f, struct diag *d)
{
    if (!f->part)
        return ST_OK;
    if (rename(f->part, f->path) != 0)
        return diag_fail(d, ST_IO, "cannot rename '%s' to '%s': %s", f->part, f->path,
                         strerror(errno));
    free(f->part);
    f->part = NULL;
    return ST_OK;
}

void out_file_release(struct out_file *f)
{
    if (f->stream)
        fclose(f->stream);
    if (f->part)
        unlink(f->part);
    free(f->part);
    free(f->path);
    free(f->buffer);
    *f = (struct out_file){0};
}

enum status out_file_put(const char *dir, const char *name, bool replace,
                         enum status (*write)(void *context, FILE *out, struct diag *d),
                         void *context, struct diag *d)
{
    struct out_file f;

    enum status s = out_file_open(&f, dir, name, replace, d);
    if (s)
        return s;
    errno = 0;
    s = write(context, f.stream, d);
    if (!s)
        s = out_file_check(&f, d);
    if (!s)
        s = out_file_close(&f, d);
    if (!s)
        s = out_file_publish(&f, d);
    out_file_release(&f);
    return s;
}

enum status out_file_remove(const char *dir, const char *name, struct diag *d)
{
    enum status s = ST_OK;
    char *path = join(dir, name, "");

    if (!path)
        return diag_nomem(d, name);
    if (unlink(path) != 0 && errno != ENOENT)
        s = diag_fail(d, ST_IO, "cannot remove '%s': %s", path, strerror(errno));
    free(path);
    return s;
}

enum status out_folder_create(const char *path, struct diag *d)
{
    enum status s = ST_OK;
    char *part = strdup(path);
    size_t n = strlen(path);

    if (!part)
        return diag_nomem(d, path);
    for (size_t i = 1; s == ST_OK && i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            s = diag_fail(d, ST_IO, "cannot create folder '%s': %s", part, strerror(errno));
        part[i] = path[i];
    }
    free(part);
    return s;
}
