#include "studies/gate/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/text/file_text.h"
#include "scenarios/text/yaml_tree.h"
#include "scenarios/text/yaml_write.h"

static const char expected_file[] = "a baseline of 'headroom check --update'";

/* ---- reading ---- */

struct reader {
    struct arena *arena;
    struct diag *d;
};

static enum status refuse(const struct reader *r, const struct yaml_node *node, const char *name,
                          const char *expected)
{
    char got[NODE_TEXT_SIZE];

    return diag_fail_at(r->d, ST_INPUT, node->at, "%.100s must be %s, not %s", name, expected,
                        yaml_node_describe(got, node));
}

static enum status read_number(const struct reader *r, const struct yaml_node *node,
                               const char *key, double *value)
{
    bool number = node->kind == NODE_INT || node->kind == NODE_NUMBER;

    if (!(number && isfinite(node->d)) && node->kind != NODE_NULL)
        return refuse(r, node, key, "a finite number, or null");
    *value = number ? node->d : NAN;
    return ST_OK;
}

static enum status read_text(const struct reader *r, const struct yaml_node *node,
                             const char **value)
{
    if (node->kind == NODE_LIST || node->kind == NODE_MAP || node->kind == NODE_NULL)
        return refuse(r, node, node->key, "a text");
    *value = node->text;
    return ST_OK;
}

static enum status read_inputs(const struct reader *r, const struct yaml_node *map,
                               struct baseline_entry *entry)
{
    struct baseline_input *inputs = ARENA_NEW(r->arena, map->n, struct baseline_input);
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return refuse(r, map, "inputs", "a map");
    if (!inputs)
        return diag_nomem(r->d, "baseline");
    entry->inputs = inputs;
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        struct baseline_input *input = &inputs[entry->n_inputs++];
        input->name = node->key;
        s = read_text(r, node, &input->digest);
    }
    return s;
}

static int by_key(const void *a, const void *b)
{
    const struct baseline_figure *x = a, *y = b;

    return strcmp(x->key, y->key);
}

static enum status read_list(const struct reader *r, const struct yaml_node *list,
                             struct baseline_figure *figure)
{
    double *values = ARENA_NEW(r->arena, list->n, double);
    enum status s = ST_OK;

    if (list->kind != NODE_LIST || list->n == 0)
        return refuse(r, list, list->key, "a list of numbers");
    if (!values)
        return diag_nomem(r->d, "baseline");
    for (const struct yaml_node *node = list->first; node && !s; node = node->next)
        s = read_number(r, node, list->key, &values[figure->n++]);
    figure->replicates = values;
    return s;
}

/* Of figures by key. */
static enum status read_replicates(const struct reader *r, const struct yaml_node *map,
                                   struct baseline_figure *figures, size_t n_figures)
{
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return refuse(r, map, "replicates", "a map");
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        const struct baseline_figure wanted = {.key = node->key};
        struct baseline_figure *figure =
            n_figures ? bsearch(&wanted, figures, n_figures, sizeof wanted, by_key) : NULL;
        if (!figure)
            return diag_fail_at(r->d, ST_INPUT, node->key_at,
                                "replicates of '%.100s', which is not among the figures",
                                node->key);
        s = read_list(r, node, figure);
    }
    return s;
}

static enum status read_figures(const struct reader *r, const struct yaml_node *map,
                                const struct yaml_node *replicates, struct baseline_entry *entry)
{
    struct baseline_figure *figures = ARENA_NEW(r->arena, map->n, struct baseline_figure);
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return refuse(r, map, "figures", "a map");
    if (!figures)
        return diag_nomem(r->d, "baseline");
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        struct baseline_figure *figure = &figures[entry->n_figures++];
        figure->key = node->key;
        s = read_number(r, node, node->key, &figure->value);
    }
    qsort(figures, entry->n_figures, sizeof *figures, by_key);
    entry->figures = figures;
    return s || !replicates ? s : read_replicates(r, replicates, figures, entry->n_figures);
}

static enum status read_member(const struct reader *r, const struct yaml_node *node,
                               const struct yaml_node *replicates, struct baseline_entry *entry)
{
    if (strcmp(node->key, "version") == 0)
        return read_text(r, node, &entry->version);
    if (strcmp(node->key, "seed") == 0) {
        if (node->kind != NODE_INT || node->i < 0)
            return refuse(r, node, "seed", "an integer >= 0");
        entry->seed = (uint64_t)node->i;
        return ST_OK;
    }
    if (strcmp(node->key, "inputs") == 0)
        return read_inputs(r, node, entry);
    if (strcmp(node->key, "figures") == 0)
        return read_figures(r, node, replicates, entry);
    if (strcmp(node->key, "replicates") == 0)
        return ST_OK; /* with the figures */
    return diag_fail_at(r->d, ST_INPUT, node->key_at,
                        "unknown key '%.100s' of a scenario in a baseline", node->key);
}

static enum status read_entry(const struct reader *r, const struct yaml_node *map,
                              struct baseline_entry *entry)
{
    static const char *const needed[] = {"version", "seed", "inputs", "figures"};
    const struct yaml_node *replicates = yaml_node_child(map, "replicates");
    enum status s = ST_OK;

    *entry = (struct baseline_entry){.name = map->key, .at = map->key_at};
    if (map->kind != NODE_MAP)
        return refuse(r, map, map->key, "a map");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (!yaml_node_child(map, needed[i]))
            return diag_fail_at(r->d, ST_INPUT, map->key_at, "scenario '%.100s' has no %s",
                                map->key, needed[i]);
    }
    for (const struct yaml_node *node = map->first; node && !s; node = node->next)
        s = read_member(r, node, replicates, entry);
    return s;
}

static int by_name(const void *a, const void *b)
{
    const struct baseline_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static enum status read_entries(const struct reader *r, const struct yaml_node *map,
                                struct baseline *b)
{
    struct baseline_entry *entries = ARENA_NEW(r->arena, map->n, struct baseline_entry);
    enum status s = ST_OK;

    if (map->kind != NODE_MAP)
        return refuse(r, map, "scenarios", "a map");
    if (!entries)
        return diag_nomem(r->d, "baseline");
    for (const struct yaml_node *node = map->first; node && !s; node = node->next)
        s = read_entry(r, node, &entries[b->n++]);
    if (!s)
        qsort(entries, b->n, sizeof *entries, by_name);
    b->entries = entries;
    return s;
}

static enum status check_version(const struct reader *r, const struct yaml_node *root,
                                 struct source_pos file)
{
    const struct yaml_node *version = yaml_node_child(root, "headroom_baseline");

    if (!version)
        return diag_fail_at(r->d, ST_INPUT, root ? root->at : file, "expected %s", expected_file);
    if (version->kind != NODE_INT || version->i != BASELINE_SCHEMA_VERSION)
        return diag_fail_at(r->d, ST_INPUT, version->at,
                            "a baseline of version '%.40s', expected %d; write it anew with "
                            "--update, or use the headroom that wrote it",
                            version->text ? version->text : "", BASELINE_SCHEMA_VERSION);
    return ST_OK;
}

static enum status check_whole(const struct reader *r, const struct yaml_node *root,
                               size_t n_scenarios, struct source_pos file)
{
    const struct yaml_node *end = yaml_node_child(root, "end");

    if (!end || end != root->last || end->kind != NODE_INT)
        return diag_fail_at(r->d, ST_INPUT, end ? end->at : file,
                            "the baseline was cut short: its last line is not 'end: N'");
    if (end->i < 0 || (uint64_t)end->i != n_scenarios)
        return diag_fail_at(r->d, ST_INPUT, end->at,
                            "the baseline is not whole: it has %zu scenarios, its last line says "
                            "%" PRId64,
                            n_scenarios, end->i);
    return ST_OK;
}

enum status baseline_parse(struct baseline *baseline, struct arena *arena, const char *path,
                           const char *bytes, size_t length, struct diag *d)
{
    const struct reader r = {arena, d};
    const struct source_pos file = {path, 0, 0};
    const struct yaml_node *scenarios;
    struct yaml_node *root;

    *baseline = (struct baseline){.path = path};
    enum status s = yaml_tree_parse(&root, arena, path, bytes, length, false, d);
    if (!s)
        s = check_version(&r, root, file);
    if (s)
        return s;
    for (const struct yaml_node *node = root->first; node; node = node->next) {
        if (strcmp(node->key, "headroom_baseline") != 0 && strcmp(node->key, "scenarios") != 0 &&
            strcmp(node->key, "end") != 0)
            return diag_fail_at(d, ST_INPUT, node->key_at, "unknown key '%.100s' in a baseline",
                                node->key);
    }
    scenarios = yaml_node_child(root, "scenarios");
    s = check_whole(&r, root, scenarios ? scenarios->n : 0, file);
    return s || !scenarios ? s : read_entries(&r, scenarios, baseline);
}

enum status baseline_read(struct baseline *baseline, struct arena *arena, const char *path,
                          struct diag *d)
{
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, expected_file, d);
    return s ? s : baseline_parse(baseline, arena, path, bytes, length, d);
}

/* ---- looking up ---- */

const struct baseline_entry *baseline_find(const struct baseline *baseline, const char *name)
{
    const struct baseline_entry wanted = {.name = name};

    return baseline->n ? bsearch(&wanted, baseline->entries, baseline->n, sizeof wanted, by_name)
                       : NULL;
}

const struct baseline_figure *baseline_figure(const struct baseline_entry *entry, const char *key)
{
    const struct baseline_figure wanted = {.key = key};

    return entry->n_figures
               ? bsearch(&wanted, entry->figures, entry->n_figures, sizeof wanted, by_key)
               : NULL;
}

enum status baseline_merge(struct baseline *merged, struct arena *arena, const struct baseline *old,
                           const struct baseline_entry *entries, size_t n, struct diag *d)
{
    struct baseline_entry *all = ARENA_NEW(arena, old->n + n, struct baseline_entry);

    if (!all)
        return diag_nomem(d, "baseline");
    *merged = (struct baseline){.path = old->path, .entries = all};
    for (size_t i = 0; i < n; i++)
        all[merged->n++] = entries[i];
    qsort(all, n, sizeof *all, by_name);
    const struct baseline fresh = *merged;
    for (size_t i = 0; i < old->n; i++) {
        if (!baseline_find(&fresh, old->entries[i].name))
            all[merged->n++] = old->entries[i];
    }
    qsort(all, merged->n, sizeof *all, by_name);
    return ST_OK;
}

/* ---- writing ---- */

static void write_key(const char *key, FILE *out)
{
    fputs("      ", out);
    yaml_write_text(out, key);
    fputs(": ", out);
}

static void write_replicates(const struct baseline_figure *f, FILE *out)
{
    write_key(f->key, out);
    for (size_t k = 0; k < f->n; k++) {
        fputs(k ? ", " : "[", out);
        yaml_write_number(out, f->replicates[k]);
    }
    fputs("]\n", out);
}

static void write_entry(const struct baseline_entry *e, FILE *out)
{
    bool has_replicates = false;

    fputs("  ", out);
    yaml_write_text(out, e->name);
    fputs(":\n    version: ", out);
    yaml_write_quoted(out, e->version);
    fprintf(out, "\n    seed: %" PRIu64 "\n    inputs:%s\n", e->seed, e->n_inputs ? "" : " {}");
    for (size_t i = 0; i < e->n_inputs; i++) {
        write_key(e->inputs[i].name, out);
        yaml_write_quoted(out, e->inputs[i].digest);
        fputc('\n', out);
    }
    fprintf(out, "    figures:%s\n", e->n_figures ? "" : " {}");
    for (size_t i = 0; i < e->n_figures; i++) {
        write_key(e->figures[i].key, out);
        yaml_write_number(out, e->figures[i].value);
        fputc('\n', out);
        has_replicates = has_replicates || e->figures[i].n;
    }
    if (has_replicates)
        fputs("    replicates:\n", out);
    for (size_t i = 0; i < e->n_figures; i++) {
        if (e->figures[i].n)
            write_replicates(&e->figures[i], out);
    }
}

void baseline_write(const struct baseline *baseline, FILE *out)
{
    fprintf(out,
            "# What 'headroom check' compares with. Written by 'headroom check --update'.\n"
            "headroom_baseline: %d\nscenarios:%s\n",
            BASELINE_SCHEMA_VERSION, baseline->n ? "" : " {}");
    for (size_t i = 0; i < baseline->n; i++)
        write_entry(&baseline->entries[i], out);
    fprintf(out, "end: %zu\n", baseline->n);
}
