#include "scenarios/keys/preset_file.h"

#include <string.h>
#include <sys/stat.h>

#include "scenarios/text/file_text.h"
#include "scenarios/text/nearest.h"
#include "util/shared.h"
#include "util/text.h"

static const char expected_file[] = "presets, a map of name to keys";

static bool is_file(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static enum status check_preset(const struct yaml_node *preset, struct diag *d)
{
    char got[NODE_TEXT_SIZE];

    if (preset->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, preset->at, "preset %s must be a map of keys, not %s",
                            preset->key, yaml_node_describe(got, preset));
    const struct yaml_node *summary = yaml_node_child(preset, "summary");
    if (summary && summary->kind != NODE_TEXT)
        return diag_fail_at(d, ST_INPUT, summary->at, "summary must be a text, not %s",
                            yaml_node_describe(got, summary));
    return ST_OK;
}

static enum status read_map(void **root, struct arena *arena, const void *path_of, struct diag *d)
{
    const char *path = path_of;
    struct source_pos at = {.file = path};
    struct yaml_node *tree;
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, expected_file, d);
    if (!s)
        s = yaml_tree_parse(&tree, arena, path, bytes, length, false, d);
    if (s)
        return s;
    if (!tree)
        return diag_fail_at(d, ST_INPUT, at, "empty; expected %s", expected_file);
    if (tree->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, tree->at, "expected %s", expected_file);
    for (const struct yaml_node *preset = tree->first; preset && !s; preset = preset->next)
        s = check_preset(preset, d);
    *root = tree;
    return s;
}

static bool same_path(const void *path, const void *other)
{
    return strcmp(path, other) == 0;
}

static const void *keep_path(struct arena *arena, const void *path)
{
    return arena_strdup(arena, path);
}

/* A map of presets. */
static enum status read_file(const struct yaml_node **root, struct arena *arena,
                             struct shared *shared, const char *path, struct diag *d)
{
    static const struct shared_kind kind = {"presets", same_path, keep_path, read_map, NULL};
    const void *thing = NULL;

    enum status s = shared_or_own(&thing, shared, arena, &kind, path, d);
    *root = thing;
    return s;
}

/* All presets that may be meant: of one file, or of the files of the folders one after another. */
static enum status gather(const struct yaml_node **maps, size_t *n, size_t room,
                          struct arena *arena, const struct preset_place *place, struct diag *d)
{
    enum status s = ST_OK;

    *n = 0;
    for (const char *const *dir = place->dirs; dir && *dir && *n < room && !s; dir++) {
        const char *path = arena_printf(arena, "%s/%s", *dir, place->file);
        if (!path)
            return diag_nomem(d, "presets");
        if (is_file(path))
            s = read_file(&maps[(*n)++], arena, place->shared, path, d);
    }
    return s;
}

static const struct yaml_node *first_with(const struct yaml_node *const *maps, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const struct yaml_node *found = yaml_node_child(maps[i], name);
        if (found)
            return found;
    }
    return NULL;
}

static enum status unknown(struct arena *arena, const struct yaml_node *const *maps, size_t n,
                           const char *key, const char *name, struct source_pos at, struct diag *d)
{
    const char *known = "";
    char shown[TEXT_EXCERPT_SIZE];
    struct nearest near;

    nearest_init(&near, name);
    for (size_t i = 0; i < n; i++) {
        for (const struct yaml_node *p = maps[i]->first; p && known; p = p->next) {
            if (first_with(maps, i, p->key))
                continue;
            nearest_offer(&near, p->key);
            known = arena_printf(arena, "%s%s%s", known, *known ? ", " : "", p->key);
        }
    }
    if (!known)
        return diag_nomem(d, "presets");
    text_excerpt(shown, name, strlen(name));
    if (n == 0)
        return diag_fail_at(d, ST_INPUT, at,
                            "%s: no preset '%s': there is no file of presets; set HEADROOM_PRESETS "
                            "to their folder (presets of the source tree), or name a file of your "
                            "own: PATH#NAME",
                            key, shown);
    return diag_fail_at(d, ST_INPUT, at,
                        "%s: no preset '%s'%s%s%s (known: %s; of a file of your own: PATH#NAME)",
                        key, shown, near.best ? "; did you mean '" : "", near.best ? near.best : "",
                        near.best ? "'?" : "", *known ? known : "none");
}

enum { MAX_FOLDERS = 16 };

enum status preset_find(const struct yaml_node **preset, struct arena *arena,
                        const struct preset_place *place, const char *key,
                        const struct yaml_node *wanted, struct diag *d)
{
    const struct yaml_node *maps[MAX_FOLDERS];
    const char *name = wanted->text, *hash = strrchr(name, '#');
    struct diag cause;
    enum status s;
    size_t n;

    diag_init(&cause);
    if (hash) {
        const char *path = arena_strndup(arena, name, (size_t)(hash - name));
        path = path ? file_text_path(arena, wanted->at, path) : NULL;
        name = hash + 1;
        n = 1;
        s = path ? read_file(&maps[0], arena, place->shared, path, &cause)
                 : diag_nomem(&cause, "preset");
    } else {
        s = gather(maps, &n, MAX_FOLDERS, arena, place, &cause);
    }
    if (s == ST_INPUT)
        return diag_fail(d, s, "%s", cause.text);
    if (s)
        return diag_fail_at(d, s, wanted->at, "%s: %s", key, cause.text);
    const struct yaml_node *found = first_with(maps, n, name);
    if (!found)
        return unknown(arena, maps, n, key, name, wanted->at, d);
    *preset = found;
    return ST_OK;
}

enum status preset_all(const struct yaml_node *const **presets, size_t *n, struct arena *arena,
                       const struct preset_place *place, struct diag *d)
{
    const struct yaml_node *maps[MAX_FOLDERS];
    size_t n_maps, room = 0;

    enum status s = gather(maps, &n_maps, MAX_FOLDERS, arena, place, d);
    for (size_t i = 0; i < n_maps && !s; i++)
        room += maps[i]->n;
    const struct yaml_node **to = s ? NULL : ARENA_NEW(arena, room, const struct yaml_node *);
    if (s || !to)
        return s ? s : diag_nomem(d, "presets");
    *n = 0;
    for (size_t i = 0; i < n_maps; i++) {
        for (const struct yaml_node *p = maps[i]->first; p; p = p->next) {
            if (!first_with(maps, i, p->key))
                to[(*n)++] = p;
        }
    }
    *presets = to;
    return ST_OK;
}

enum status preset_list(const struct preset_line **lines, size_t *n, struct arena *arena,
                        const struct preset_place *place, struct diag *d)
{
    const struct yaml_node *const *presets;

    enum status s = preset_all(&presets, n, arena, place, d);
    struct preset_line *to = s ? NULL : ARENA_NEW(arena, *n, struct preset_line);
    if (s || !to)
        return s ? s : diag_nomem(d, "presets");
    for (size_t i = 0; i < *n; i++) {
        const struct yaml_node *summary = yaml_node_child(presets[i], "summary");
        to[i] = (struct preset_line){presets[i]->key, summary ? summary->text : ""};
    }
    *lines = to;
    return ST_OK;
}
