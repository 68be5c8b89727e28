#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The folder of this program; "" when the system does not tell. */
static const char *program_folder(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);

    path[n > 0 ? (size_t)n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return path;
}

enum status cli_profile_search(struct profile_search *search, struct arena *arena, struct diag *d)
{
    char program[4096];
    const char **dirs = ARENA_NEW(arena, 4, const char *);
    const char *installed = arena_printf(arena, "%s/../share/headroom/profiles",
                                         program_folder(program, sizeof program));
    const char *own = getenv("HEADROOM_PROFILES");
    const char *candidates[] = {own, installed, HEADROOM_SOURCE_PROFILES};
    size_t n = 0;

    if (!dirs || !installed)
        return diag_nomem(d, "profile folders");
    if (own && *own && !is_folder(own))
        return diag_fail(d, ST_INPUT, "HEADROOM_PROFILES is '%s', which is not a folder", own);
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (candidates[i] && *candidates[i] && is_folder(candidates[i]))
            dirs[n++] = candidates[i];
    }
    search->dirs = dirs;
    return ST_OK;
}
