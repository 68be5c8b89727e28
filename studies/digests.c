#include "studies/digests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *digest_file(char hex[SHA256_HEX_SIZE], const char *path)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *bytes = MAP_FAILED;

    hex[0] = '\0';
    if (file < 0)
        return hex;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
        size_t n = (size_t)info.st_size;
        if (n > 0)
            bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, file, 0);
        if (n == 0 || bytes != MAP_FAILED)
            sha256_hex(hex, n ? bytes : "", n);
        if (bytes != MAP_FAILED)
            munmap(bytes, n);
    }
    close(file);
    return hex;
}

static void write_array(const struct profile_array *a, FILE *out)
{
    fprintf(out, "%s %d %zu %zu\n", a->key, (int)a->kind, a->dims[0], a->dims[1]);
    for (size_t i = 0; a->kind == PROFILE_TEXT && i < a->n; i++)
        fprintf(out, "%s\n", a->text[i]);
    if (a->kind == PROFILE_F64)
        fwrite(a->f64, sizeof *a->f64, a->n, out);
    if (a->kind == PROFILE_I64)
        fwrite(a->i64, sizeof *a->i64, a->n, out);
}

const char *digest_profile(char hex[SHA256_HEX_SIZE], const struct profile *profile)
{
    char *bytes = NULL;
    size_t n;
    FILE *out = open_memstream(&bytes, &n);

    hex[0] = '\0';
    if (!out)
        return hex;
    for (size_t i = 0; i < profile->file.n_arrays; i++)
        write_array(&profile->file.arrays[i], out);
    if (fclose(out) == 0)
        sha256_hex(hex, bytes, n);
    free(bytes);
    return hex;
}
