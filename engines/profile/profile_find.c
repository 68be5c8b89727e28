#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engines/profile/profile_internal.h"

enum {
    MAX_DEPTH = 8, /* SYSTEM/backend/MODEL/LAYOUT is 4; stops a link that leads back up */
    MAX_NAME = 255,
    N_CLOSEST = 5
};

/* Of profile files. Where a folder has the same name with both, the first counts. */
static const char *const endings[] = {".npz", ".h5", NULL};

const char *profile_ending(const char *name)
{
    size_t n = strlen(name);
    for (const char *const *ending = endings; *ending; ending++)
        if (n > strlen(*ending) && strcmp(name + n - strlen(*ending), *ending) == 0)
            return *ending;
    return NULL;
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool profile_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool profile_is_path(const char *name)
{
    return profile_ending(name) || profile_is_folder(name);
}

/* Names found so far. The array doubles inside the arena. */
struct names {
    struct arena *arena;
    struct diag *d;
    const char **name;
    size_t n, room;
};

static enum status add_name(struct names *names, const char *name)
{
    if (names->n == names->room) {
        size_t room = names->room ? names->room * 2 : 128;
        const char **larger = ARENA_NEW(names->arena, room, const char *);
        if (!larger)
            return diag_nomem(names->d, "profile names");
        if (names->n)
            memcpy(larger, names->name, names->n * sizeof *larger);
        names->name = larger;
        names->room = room;
    }
    names->name[names->n++] = name;
    return ST_OK;
}

/* Everything below dir/under; `under` is "" or ends in a slash. */
static enum status walk(struct names *names, const char *dir, const char *under, int depth)
{
    const char *path = arena_printf(names->arena, "%s/%s", dir, under);
    if (!path)
        return diag_nomem(names->d, dir);
    DIR *folder = opendir(path);
    if (!folder && (errno == ENOENT || errno == ENOTDIR))
        return ST_OK;
    if (!folder)
        return diag_fail(names->d, ST_IO, "cannot read '%s': %s", path, strerror(errno));
    enum status st = ST_OK;
    for (struct dirent *item; st == ST_OK && (item = readdir(folder));) {
        struct stat info;
        if (item->d_name[0] == '.')
            continue;
        char *name = arena_printf(names->arena, "%s%s", under, item->d_name);
        const char *full = name ? arena_printf(names->arena, "%s/%s", dir, name) : NULL;
        if (!full) {
            st = diag_nomem(names->d, dir);
        } else if (stat(full, &info) != 0) {
            continue;
        } else if (S_ISDIR(info.st_mode) && depth < MAX_DEPTH) {
            const char *deeper = arena_printf(names->arena, "%s/", name);
            st = deeper ? walk(names, dir, deeper, depth + 1) : diag_nomem(names->d, dir);
        } else if (S_ISREG(info.st_mode) && profile_ending(name)) {
            name[strlen(name) - strlen(profile_ending(name))] = '\0';
            st = add_name(names, name);
        }
    }
    closedir(folder);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum status profile_list(const struct profile_search *search, struct arena *arena,
                         const char *const **names, size_t *n, struct diag *d)
{
    struct names found = {.arena = arena, .d = d};
    for (const char *const *dir = search ? search->dirs : NULL; dir && *dir; dir++) {
        enum status st = walk(&found, *dir, "", 0);
        if (st != ST_OK)
            return st;
    }
    size_t n_unique = 0;
    if (found.n)
        qsort(found.name, found.n, sizeof *found.name, compare_names);
    for (size_t i = 0; i < found.n; i++)
        if (i == 0 || strcmp(found.name[i], found.name[n_unique - 1]) != 0)
            found.name[n_unique++] = found.name[i];
    *names = found.name;
    *n = n_unique;
    return ST_OK;
}

/* Levenshtein distance without regard to case; both at most MAX_NAME long. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[MAX_NAME + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < n; j++) {
            bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            unsigned change = diagonal + !same;
            unsigned gap = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < gap ? change : gap;
        }
    }
    return row[n];
}

/* Smaller is closer. A name that holds the wanted text whole comes before any other. */
static unsigned distance(const char *wanted, const char *name)
{
    unsigned d = edit_distance(wanted, name);
    return strstr(name, wanted) ? d : d + MAX_NAME;
}

/* "a, b, c": the closest names first. */
static const char *closest(struct arena *arena, const char *wanted, const char *const *names,
                           size_t n)
{
    const char *text = "";
    unsigned last = 0;
    size_t last_i = 0;
    for (int k = 0; k < N_CLOSEST && text && strlen(wanted) <= MAX_NAME; k++) {
        const char *best = NULL;
        unsigned best_d = 0;
        size_t best_i = 0;
        for (size_t i = 0; i < n; i++) {
            if (strlen(names[i]) > MAX_NAME)
                continue;
            unsigned d = distance(wanted, names[i]);
            bool told = k > 0 && (d < last || (d == last && i <= last_i));
            if (!told && (!best || d < best_d)) {
                best = names[i];
                best_d = d;
                best_i = i;
            }
        }
        if (!best)
            break;
        text = arena_printf(arena, "%s%s%s", text, k ? ", " : "", best);
        last = best_d;
        last_i = best_i;
    }
    return text ? text : "";
}

static enum status unknown(struct arena *arena, const struct profile_search *search,
                           const char *name, struct diag *d)
{
    const char *const *names = NULL;
    size_t n = 0;
    enum status st = profile_list(search, arena, &names, &n, d);
    if (st != ST_OK)
        return st;
    const char *where = "";
    for (const char *const *dir = search ? search->dirs : NULL; dir && *dir && where; dir++)
        where = arena_printf(arena, "%s%s%s", where, *where ? ", " : "", *dir);
    if (!where)
        return diag_nomem(d, "profile names");
    if (!*where)
        return diag_fail(d, ST_INPUT,
                         "no profile '%.256s': it is no file, and there is no folder of bundled "
                         "profiles; set HEADROOM_PROFILES to it (engines/data of the source tree)",
                         name);
    if (n == 0)
        return diag_fail(d, ST_INPUT, "no profile '%.256s' (looked in: %s)", name, where);
    return diag_fail(d, ST_INPUT, "no profile '%.256s' (closest: %s; looked in: %s)", name,
                     closest(arena, name, names, n), where);
}

enum status profile_find(const char **path, struct arena *arena,
                         const struct profile_search *search, const char *name, struct diag *d)
{
    *path = NULL;
    bool by_path = profile_ending(name);
    for (const char *const *dir = search && !by_path ? search->dirs : NULL; dir && *dir; dir++) {
        for (const char *const *ending = endings; *ending; ending++) {
            const char *bundled = arena_printf(arena, "%s/%s%s", *dir, name, *ending);
            if (!bundled)
                return diag_nomem(d, name);
            if (is_file(bundled)) {
                *path = bundled;
                return ST_OK;
            }
        }
    }
    if (!by_path && !is_file(name))
        return unknown(arena, search, name, d);
    *path = arena_strdup(arena, name);
    return *path ? ST_OK : diag_nomem(d, name);
}
