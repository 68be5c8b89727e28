#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engines/profile/hdf5.h"
#include "engines/profile/npz.h"
#include "engines/profile/profile_internal.h"

static enum status write_all(int fd, const unsigned char *bytes, size_t n)
{
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return ST_IO;
        bytes += written;
        n -= (size_t)written;
    }
    return ST_OK;
}

/* To a file beside it that is then renamed, so that no reader ever sees half a profile. */
static enum status write_file(const char *path, const unsigned char *bytes, size_t n,
                              struct arena *arena, struct diag *d)
{
    const char *partial = arena_printf(arena, "%s.partial-%ld", path, (long)getpid());
    if (!partial)
        return diag_nomem(d, path);
    int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return diag_fail(d, ST_IO, "cannot write '%s': %s", path, strerror(errno));
    enum status st = write_all(fd, bytes, n);
    int why = errno;
    if (close(fd) != 0 && st == ST_OK) {
        st = ST_IO;
        why = errno;
    }
    if (st == ST_OK && rename(partial, path) != 0) {
        st = ST_IO;
        why = errno;
    }
    if (st == ST_OK)
        return ST_OK;
    unlink(partial);
    return diag_fail(d, st, "cannot write '%s': %s", path, strerror(why));
}

enum status profile_save(const struct profile_file *file, const char *path, unsigned flags,
                         struct diag *d)
{
    const char *ending = profile_ending(path);
    if (!ending)
        return diag_fail(d, ST_INPUT, "'%s' must end in .npz or .h5, which chooses the format",
                         path);
    bool npz = strcmp(ending, ".npz") == 0;
    struct stat info;
    if (!(flags & PROFILE_OVERWRITE) && lstat(path, &info) == 0)
        return diag_fail(d, ST_INPUT, "'%s' exists already", path);
    struct arena scratch;
    arena_init(&scratch);
    const unsigned char *bytes = NULL;
    size_t n = 0;
    enum status st = npz ? npz_write(file, flags & PROFILE_DEFLATE, &scratch, &bytes, &n, d)
                         : hdf5_write(file, &scratch, &bytes, &n, d);
    if (st == ST_OK)
        st = write_file(path, bytes, n, &scratch, d);
    arena_release(&scratch);
    return st;
}
