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

/* The folders that exist of: the one a variable names, the one beside the installed program, the
 * one of the source tree. */
static enum status find_folders(const char *const **folders, struct arena *arena,
                                const char *variable, const char *shared, const char *source,
                                struct diag *d)
{
    char program[4096];
    const char **dirs = ARENA_NEW(arena, 4, const char *);
    const char *installed = arena_printf(arena, "%s/../share/headroom/%s",
                                         program_folder(program, sizeof program), shared);
    const char *own = getenv(variable);
    const char *candidates[] = {own, installed, source};
    size_t n = 0;

    if (!dirs || !installed)
        return diag_nomem(d, "folders");
    if (own && *own && !is_folder(own))
        return diag_fail(d, ST_INPUT, "%s is '%s', which is not a folder", variable, own);
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (candidates[i] && *candidates[i] && is_folder(candidates[i]))
            dirs[n++] = candidates[i];
    }
    *folders = dirs;
    return ST_OK;
}

enum status cli_profile_search(struct profile_search *search, struct arena *arena, struct diag *d)
{
    return find_folders(&search->dirs, arena, "HEADROOM_PROFILES", "profiles",
                        HEADROOM_SOURCE_PROFILES, d);
}

enum status cli_preset_dirs(const char *const **dirs, struct arena *arena, struct diag *d)
{
    return find_folders(dirs, arena, "HEADROOM_PRESETS", "presets", HEADROOM_SOURCE_PRESETS, d);
}

enum status cli_need_folder(const char *const *folders, const char *variable, struct diag *d)
{
    if (folders[0])
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "the data of this program is neither beside it nor in its source tree; set %s "
                     "to the folder (%s of the source tree)",
                     variable,
                     strcmp(variable, "HEADROOM_PRESETS") == 0 ? "presets" : "engines/data");
}
