#include "scenarios/keys/preset_file.h"

#include <string.h>
#include <sys/stat.h>

#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/text/file_text.h"
#include "scenarios/text/nearest.h"
#include "util/shared.h"
#include "util/text.h"

static const char of_your_own[] = "of a file of your own: PATH#NAME, or PATH.yaml that is one";

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

static enum status read_tree(struct yaml_node **tree, struct arena *arena, const char *path,
                             const char *expected, struct diag *d)
{
    struct source_pos at = {.file = path};
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, expected, d);
    if (!s)
        s = yaml_tree_parse(tree, arena, path, bytes, length, false, d);
    if (s)
        return s;
    if (!*tree)
        return diag_fail_at(d, ST_INPUT, at, "empty; expected %s", expected);
    if ((*tree)->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, (*tree)->at, "expected %s", expected);
    return ST_OK;
}

static enum status read_map(void **root, struct arena *arena, const void *path, struct diag *d)
{
    struct yaml_node *tree;

    enum status s = read_tree(&tree, arena, path, "presets, a map of name to keys", d);
    for (const struct yaml_node *preset = s ? NULL : tree->first; preset && !s;
         preset = preset->next)
        s = check_preset(preset, d);
    *root = s ? NULL : tree;
    return s;
}

static enum status read_one(void **preset, struct arena *arena, const void *path, struct diag *d)
{
    struct yaml_node *tree;

    enum status s = read_tree(&tree, arena, path, "the keys of a preset", d);
    if (!s)
        s = check_preset(tree, d);
    *preset = s ? NULL : tree;
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

static const struct shared_kind kind_of_map = {"presets", same_path, keep_path, read_map, NULL};
static const struct shared_kind kind_of_one = {"preset", same_path, keep_path, read_one, NULL};

static enum status read_file(const struct yaml_node **root, const struct shared_kind *kind,
                             struct arena *arena, struct shared *shared, const char *path,
                             struct diag *d)
{
    const void *thing = NULL;

    enum status s = shared_or_own(&thing, shared, arena, kind, path, d);
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
            s = read_file(&maps[(*n)++], &kind_of_map, arena, place->shared, path, d);
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
                            "to their folder (presets of the source tree); %s",
                            key, shown, of_your_own);
    return diag_fail_at(d, ST_INPUT, at, "%s: no preset '%s'%s%s%s (known: %s; %s)", key, shown,
                        near.best ? "; did you mean '" : "", near.best ? near.best : "",
                        near.best ? "'?" : "", *known ? known : "none", of_your_own);
}

enum { MAX_FOLDERS = 16 };

/* The path of a file that is one preset by itself. */
static bool is_one(const char *name)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(endings[i]);
        if (n > length && strcmp(name + n - length, endings[i]) == 0)
            return true;
    }
    return false;
}

/* What `wanted` may be among, and its name there; of the file that is one preset that name is NULL.
 */
static enum status find_maps(const struct yaml_node **maps, size_t *n, const char **name,
                             struct arena *arena, const struct preset_place *place,
                             const struct yaml_node *wanted, struct diag *d)
{
    const char *hash = strrchr(wanted->text, '#');
    bool one = !hash && is_one(wanted->text);

    if (!hash && !one) {
        *name = wanted->text;
        return gather(maps, n, MAX_FOLDERS, arena, place, d);
    }
    *name = one ? NULL : hash + 1;
    *n = 1;
    const char *path =
        one ? wanted->text : arena_strndup(arena, wanted->text, (size_t)(hash - wanted->text));
    path = path ? file_text_path(arena, wanted->at, path) : NULL;
    if (!path)
        return diag_nomem(d, "preset");
    return read_file(&maps[0], one ? &kind_of_one : &kind_of_map, arena, place->shared, path, d);
}

enum status preset_find(const struct yaml_node **preset, struct arena *arena,
                        const struct preset_place *place, const char *key,
                        const struct yaml_node *wanted, struct diag *d)
{
    const struct yaml_node *maps[MAX_FOLDERS];
    const char *name;
    struct diag cause;
    size_t n;

    diag_init(&cause);
    enum status s = find_maps(maps, &n, &name, arena, place, wanted, &cause);
    if (s == ST_INPUT)
        return diag_fail(d, s, "%s", cause.text);
    if (s)
        return diag_fail_at(d, s, wanted->at, "%s: %s", key, cause.text);
    *preset = name ? first_with(maps, n, name) : maps[0];
    if (name && !*preset)
        return unknown(arena, maps, n, key, name, wanted->at, d);
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

static enum status append_presets(struct scenario_preset **all, size_t *n, struct arena *arena,
                                  const char *section, const struct preset_line *lines,
                                  size_t n_lines, struct diag *d)
{
    struct scenario_preset *longer = ARENA_NEW(arena, *n + n_lines, struct scenario_preset);

    if (!longer)
        return diag_nomem(d, "presets");
    for (size_t i = 0; i < *n; i++)
        longer[i] = (*all)[i];
    for (size_t i = 0; i < n_lines; i++)
        longer[*n + i] = (struct scenario_preset){section, lines[i].name, lines[i].summary};
    *all = longer;
    *n += n_lines;
    return ST_OK;
}

enum status scenario_presets(const struct scenario_preset **presets, size_t *n, struct arena *arena,
                             const char *const *preset_dirs, struct diag *d)
{
    struct scenario_preset *all = NULL;
    enum status s = ST_OK;

    *n = 0;
    for (const struct key *key = scenario_keys; key->name && !s; key++) {
        const struct preset_place place = {preset_dirs, key->presets, NULL};
        const struct preset_line *lines;
        size_t n_lines;
        if (key->type != KEY_PRESET)
            continue;
        s = preset_list(&lines, &n_lines, arena, &place, d);
        if (!s)
            s = append_presets(&all, n, arena, key->section, lines, n_lines, d);
    }
    *presets = all;
    return s;
}
