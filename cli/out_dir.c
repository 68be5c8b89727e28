#include "cli/out_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reports/out_file.h"

static const char *const our_files[] = {"summary.json",
                                        "performance.json",
                                        "requests.csv",
                                        "timeline.csv",
                                        "workers.csv",
                                        "decisions.jsonl",
                                        "windows.csv",
                                        "grants.jsonl",
                                        "events.jsonl",
                                        "report.html",
                                        NULL};

static bool is_partial(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && strcmp(name + n - 5, ".part") == 0;
}

static bool is_one_of(const char *const *files, const char *name)
{
    size_t n = is_partial(name) ? strlen(name) - 5 : strlen(name);

    for (const char *const *file = files; *file; file++) {
        if (strlen(*file) == n && memcmp(*file, name, n) == 0)
            return true;
    }
    return false;
}

static enum status check_contents(const char *path, DIR *folder, const char *const *files,
                                  const char *main_file, struct diag *d)
{
    bool has_main = false, has_others = false;
    const struct dirent *entry;

    while ((entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (!is_one_of(files, name))
            return diag_fail(
                d, ST_INPUT,
                "folder '%s' holds '%.100s', which is not a run's; choose another, or --force",
                path, name);
        has_main = has_main || strcmp(name, main_file) == 0;
        has_others = has_others || !is_partial(name);
    }
    /* Without it the others are somebody's own, or what he kept. */
    if (has_others && !has_main)
        return diag_fail(d, ST_INPUT,
                         "folder '%s' is not empty and has no %s of an earlier run; choose "
                         "another, or --force",
                         path, main_file);
    return ST_OK;
}

enum status out_dir_check_for(const char *path, const char *const *files, const char *main_file,
                              bool force, struct diag *d)
{
    if (!*path)
        return diag_fail(d, ST_INPUT, "option '--out' must be the path of a folder, not ''");
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT
                   ? ST_OK
                   : diag_fail(d, ST_IO, "cannot open folder '%s': %s", path, strerror(errno));
    enum status s = force ? ST_OK : check_contents(path, folder, files, main_file, d);
    closedir(folder);
    return s;
}

enum status out_dir_check(const char *path, bool force, struct diag *d)
{
    return out_dir_check_for(path, our_files, "summary.json", force, d);
}

void out_dir_remove(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY);

    if (folder < 0)
        return;
    for (const char *const *file = our_files; *file; file++)
        unlinkat(folder, *file, 0);
    close(folder);
    rmdir(path);
}

/* NULL: no memory. */
static const char *folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

enum status out_path_check(const struct cli_args *args, const char *option, struct diag *d)
{
    const char *path = cli_value(args, option);

    if (!path)
        return ST_OK;
    if (!*path)
        return diag_fail(d, ST_INPUT, "option '--%s' must be the path of a file, not ''", option);
    if (!cli_flag(args, "force") && access(path, F_OK) == 0)
        return diag_fail(d, ST_INPUT, "file '%s' exists; choose another, or --force", path);
    const char *folder = folder_of(path, args->arena);
    if (!folder)
        return diag_nomem(d, "path");
    if (access(folder, W_OK) != 0)
        return diag_fail(d, ST_IO, "cannot write '%s' of --%s: %s", path, option, strerror(errno));
    return ST_OK;
}

enum status out_path_split(struct out_path *at, const struct cli_args *args, const char *path,
                           struct diag *d)
{
    const char *slash = strrchr(path, '/');

    *at = (struct out_path){folder_of(path, args->arena), slash ? slash + 1 : path};
    return at->folder ? ST_OK : diag_nomem(d, "path");
}

enum status out_path_put(const struct cli_args *args, const char *path, bool replace,
                         enum status (*write)(void *context, FILE *out, struct diag *d),
                         void *context, struct diag *d)
{
    struct out_path at;
    enum status s = out_path_split(&at, args, path, d);

    return s ? s : out_file_put(at.folder, at.name, replace, write, context, d);
}
