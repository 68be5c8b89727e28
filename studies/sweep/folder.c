#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/out_file.h"
#include "studies/sweep/sweep.h"
#include "util/bug.h"
#include "util/text.h"

static const char study_name[] = "study.json", journal_name[] = "runs.journal";

/* ---- what is there ---- */

enum found { FOUND_NOTHING, FOUND_STUDY, FOUND_OTHER };

/* A file without its name yet is what a crash leaves. */
static bool is_begun(const char *name)
{
    size_t n = strlen(study_name);

    return strncmp(name, study_name, n) == 0 && strcmp(name + n, ".part") == 0;
}

static enum status look(enum found *found, const char *dir, char other[TEXT_EXCERPT_SIZE],
                        struct diag *d)
{
    const struct dirent *entry;
    DIR *folder = opendir(dir);

    *found = FOUND_NOTHING;
    if (!folder)
        return errno == ENOENT
                   ? ST_OK
                   : diag_fail(d, ST_IO, "cannot open folder '%s': %s", dir, strerror(errno));
    while ((entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_begun(name))
            continue;
        if (strcmp(name, study_name) == 0)
            *found = FOUND_STUDY;
        else if (*found == FOUND_NOTHING)
            *found = FOUND_OTHER, text_excerpt(other, name, strlen(name));
    }
    closedir(folder);
    return ST_OK;
}

static enum status read_study(struct scenario_text *file, struct arena *arena, const char *dir,
                              struct diag *d)
{
    const char *path = arena_printf(arena, "%s/%s", dir, study_name);

    return path ? scenario_text_read(file, arena, path, "the study of a sweep", d)
                : diag_nomem(d, "study");
}

/* A line, without the blanks before it. */
static void show_line(char out[TEXT_EXCERPT_SIZE], const char *line)
{
    line += strspn(line, " ");
    text_excerpt(out, line, strcspn(line, "\n"));
}

/* Names the first line in which two texts differ. */
static void first_difference(const char *ours, const char *theirs, char a[TEXT_EXCERPT_SIZE],
                             char b[TEXT_EXCERPT_SIZE])
{
    size_t line = 0;

    for (size_t i = 0; ours[i] && ours[i] == theirs[i]; i++) {
        if (ours[i] == '\n')
            line = i + 1;
    }
    show_line(a, ours + line);
    show_line(b, theirs + line);
}

static enum status another(const char *dir, const char *ours, const char *theirs, struct diag *d)
{
    char a[TEXT_EXCERPT_SIZE], b[TEXT_EXCERPT_SIZE];

    first_difference(ours, theirs, a, b);
    return diag_fail(d, ST_INPUT,
                     "folder '%s' holds another study: its study.json has [%s] where this one has "
                     "[%s]; choose another folder",
                     dir, b, a);
}

/* ---- open ---- */

static enum status write_study(const struct sweep *sweep, const char *dir, struct diag *d)
{
    struct out_file file = {0};

    enum status s = out_folder_create(dir, d);
    if (!s)
        s = out_file_open(&file, dir, study_name, false, d);
    if (!s)
        s = out_file_write(&file, sweep->text, strlen(sweep->text), d);
    if (!s)
        s = out_file_sync(&file, d);
    if (!s)
        s = out_file_close(&file, d);
    if (!s)
        s = out_file_publish(&file, d);
    out_file_release(&file);
    return s;
}

static enum status open_journal(struct journal **journal, const struct sweep *sweep,
                                const char *dir, enum journal_use use, struct diag *d)
{
    struct arena arena;

    arena_init(&arena);
    const char *path = arena_printf(&arena, "%s/%s", dir, journal_name);
    enum status s =
        path ? journal_open(journal, path, &sweep->shape, use, d) : diag_nomem(d, "journal");
    arena_release(&arena);
    return s;
}

/* The folder has a study.json. */
static enum status check_same(const struct sweep *sweep, const char *dir, bool resume,
                              struct diag *d)
{
    struct scenario_text file;
    struct arena arena;

    arena_init(&arena);
    enum status s = read_study(&file, &arena, dir, d);
    if (!s && strcmp(file.bytes, sweep->text) != 0)
        s = another(dir, sweep->text, file.bytes, d);
    else if (!s && !resume)
        s = diag_fail(d, ST_INPUT, "folder '%s' holds this study already; --resume goes on with it",
                      dir);
    arena_release(&arena);
    return s;
}

enum status sweep_open(struct journal **journal, const struct sweep *sweep, const char *dir,
                       bool resume, struct diag *d)
{
    char other[TEXT_EXCERPT_SIZE];
    enum found found;

    *journal = NULL;
    enum status s = look(&found, dir, other, d);
    if (s)
        return s;
    if (found == FOUND_OTHER)
        return diag_fail(d, ST_INPUT, "folder '%s' holds '%s' and no study; choose another folder",
                         dir, other);
    s = found == FOUND_STUDY ? check_same(sweep, dir, resume, d) : write_study(sweep, dir, d);
    return s ? s : open_journal(journal, sweep, dir, JOURNAL_APPEND, d);
}

enum status sweep_read(struct sweep *sweep, struct sweep_definition *definition,
                       struct arena *arena, const char *dir, struct diag *d)
{
    struct scenario_text file;
    char other[TEXT_EXCERPT_SIZE];
    enum found found;

    enum status s = look(&found, dir, other, d);
    if (!s && found != FOUND_STUDY)
        s = diag_fail(d, ST_INPUT, "folder '%s' holds no study (no study.json)", dir);
    if (!s)
        s = read_study(&file, arena, dir, d);
    if (!s)
        s = sweep_definition_read(definition, arena, file.path, file.bytes, file.length, d);
    if (!s)
        s = sweep_plan(sweep, arena, definition, d);
    if (!s && strcmp(sweep->text, file.bytes) != 0)
        s = diag_fail(d, ST_INPUT, "%s: not the study of a sweep by this version", file.path);
    return s;
}

/* ---- shards put together ---- */

struct part {
    const char *dir;
    struct sweep_definition definition;
    struct sweep sweep;
    struct journal *journal;
};

static enum status open_part(struct part *part, const char *dir, struct arena *arena,
                             struct diag *d)
{
    part->dir = dir;
    enum status s = sweep_read(&part->sweep, &part->definition, arena, dir, d);
    return s ? s : open_journal(&part->journal, &part->sweep, dir, JOURNAL_READ, d);
}

/* Of the same sweep as the first. */
static enum status check_part(const struct part *first, const struct part *part,
                              struct arena *arena, struct diag *d)
{
    const char *ours = sweep_definition_text(&first->definition, false, arena);
    const char *theirs = sweep_definition_text(&part->definition, false, arena);

    if (!ours || !theirs)
        return diag_nomem(d, "study");
    return strcmp(ours, theirs) == 0 ? ST_OK : another(part->dir, ours, theirs, d);
}

/* Which part has a run; NULL: none. ST_INPUT: two have. */
static enum status find_part(struct part **found, struct part *parts, size_t n, uint64_t index,
                             struct diag *d)
{
    *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!journal_has(parts[i].journal, index))
            continue;
        if (*found)
            return diag_fail(d, ST_INPUT, "run %" PRIu64 " is in '%s' and in '%s'", index,
                             (*found)->dir, parts[i].dir);
        *found = &parts[i];
    }
    return ST_OK;
}

/* A run that none has: of a shard that is there but not done, or not there. */
static enum status hole(const struct part *parts, size_t n, uint64_t index, struct diag *d)
{
    uint64_t of = parts[0].definition.shard.of, n_done = 0;

    for (size_t i = 0; i < n; i++) {
        const struct sweep_shard *shard = &parts[i].definition.shard;
        n_done += journal_n_done(parts[i].journal);
        if (index % shard->of == shard->i - 1)
            return diag_fail(d, ST_INPUT,
                             "run %" PRIu64 " is missing: '%s' (shard %" PRIu64 "/%" PRIu64
                             ") has %" PRIu64 " of its %" PRIu64 " runs; finish it with --resume",
                             index, parts[i].dir, shard->i, shard->of,
                             journal_n_done(parts[i].journal), sweep_n_own(&parts[i].sweep));
    }
    return diag_fail(d, ST_INPUT,
                     "run %" PRIu64 " is in none of the folders, which have %" PRIu64 " of %" PRIu64
                     " runs; shard %" PRIu64 "/%" PRIu64 " is missing",
                     index, n_done, parts[0].sweep.n_runs, index % of + 1, of);
}

static enum status check_runs(struct part *parts, size_t n, struct diag *d)
{
    enum status s = ST_OK;

    for (uint64_t index = 0; index < parts[0].sweep.n_runs && !s; index++) {
        struct part *part;
        s = find_part(&part, parts, n, index, d);
        if (!s && !part)
            s = hole(parts, n, index, d);
    }
    return s;
}

static enum status copy_runs(struct journal *to, struct part *parts, size_t n, uint64_t n_runs,
                             struct diag *d)
{
    enum status s = ST_OK;

    for (uint64_t index = 0; index < n_runs && !s; index++) {
        struct study_row row;
        struct part *part;
        s = find_part(&part, parts, n, index, d);
        BUG_IF(!s && !part); /* there are no holes */
        if (!s)
            s = journal_row(part->journal, index, &row, d);
        if (!s)
            s = journal_append(to, index, &row, d);
    }
    return s ? s : journal_sync(to, d);
}

/* `to` is that sweep, whole. */
static enum status merge_into(struct sweep *whole, struct journal **journal, struct arena *arena,
                              struct part *parts, size_t n, const char *to, struct diag *d)
{
    struct sweep_definition *def = ARENA_NEW(arena, 1, struct sweep_definition);

    if (!def)
        return diag_nomem(d, "study");
    *def = parts[0].definition;
    def->shard = (struct sweep_shard){1, 1};
    enum status s = sweep_plan(whole, arena, def, d);
    if (!s)
        s = sweep_open(journal, whole, to, false, d);
    return s ? s : copy_runs(*journal, parts, n, whole->n_runs, d);
}

enum status sweep_merge(struct sweep *sweep, struct journal **journal, struct arena *arena,
                        const char *const *dirs, size_t n_dirs, const char *to, struct diag *d)
{
    struct part *parts = ARENA_NEW(arena, n_dirs, struct part);
    enum status s = parts ? ST_OK : diag_nomem(d, "folders");

    *journal = NULL;
    for (size_t i = 0; i < n_dirs && !s; i++) {
        s = open_part(&parts[i], dirs[i], arena, d);
        if (!s)
            s = check_part(&parts[0], &parts[i], arena, d);
    }
    if (!s)
        s = check_runs(parts, n_dirs, d);
    if (!s)
        s = merge_into(sweep, journal, arena, parts, n_dirs, to, d);
    for (size_t i = 0; parts && i < n_dirs; i++)
        journal_close(parts[i].journal);
    return s;
}
