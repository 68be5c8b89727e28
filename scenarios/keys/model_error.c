#include "scenarios/keys/model_error.h"

#include <string.h>

#include "scenarios/keys/overheads.h"
#include "scenarios/keys/preset_file.h"
#include "scenarios/text/yaml_tree.h"

static const char file_name[] = "model_error.yaml";

static enum status wrong(const struct yaml_node *entry, const struct yaml_node *node,
                         const char *key, const char *expected, struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, node ? node->at : entry->key_at,
                        "model error %s: %s must be %s", entry->key, key, expected);
}

static enum status read_numbers(const double **values, size_t *n, struct arena *arena,
                                const struct yaml_node *entry, const char *key, double min,
                                double max, struct diag *d)
{
    const struct yaml_node *list = yaml_node_child(entry, key);
    size_t i = 0;

    if (!list || list->kind != NODE_LIST || list->n == 0)
        return wrong(entry, list, key, "a list of numbers", d);
    double *to = ARENA_NEW(arena, list->n, double);
    if (!to)
        return diag_nomem(d, "model error");
    for (const struct yaml_node *node = list->first; node; node = node->next) {
        bool is_number = node->kind == NODE_INT || node->kind == NODE_NUMBER;
        if (!is_number || !(node->d >= min && node->d <= max))
            return wrong(entry, node, key, "a list of numbers, 0.01 to 100 for factors", d);
        to[i++] = node->d;
    }
    *values = to;
    *n = list->n;
    return ST_OK;
}

static enum status read_pair(double pair[2], struct arena *arena, const struct yaml_node *entry,
                             const char *key, struct diag *d)
{
    const double *values;
    size_t n;

    enum status s = read_numbers(&values, &n, arena, entry, key, 0, 1e6, d);
    if (!s && n != 2)
        s = wrong(entry, yaml_node_child(entry, key), key, "the median and the 90th percentile", d);
    for (size_t i = 0; i < 2 && !s; i++)
        pair[i] = values[i];
    return s;
}

static enum status read_entry(struct model_error *e, struct arena *arena,
                              const struct yaml_node *entry, struct diag *d)
{
    const struct yaml_node *of = yaml_node_child(entry, "of"),
                           *points = yaml_node_child(entry, "points");
    size_t n_decode = 0;

    e->name = entry->key;
    if (!of || of->kind != NODE_TEXT)
        return wrong(entry, of, "of", "a text: whose measured points they are", d);
    if (!points || points->kind != NODE_INT || points->i < 1)
        return wrong(entry, points, "points", "an integer >= 1", d);
    e->of = of->text;
    e->n_points = points->i;
    enum status s = read_pair(e->ttft, arena, entry, "ttft_error", d);
    if (!s)
        s = read_pair(e->tpot, arena, entry, "tpot_error", d);
    if (!s)
        s = read_numbers(&e->prompt_factor, &e->n_factors, arena, entry, "prompt_factor", 0.01, 100,
                         d);
    if (!s)
        s = read_numbers(&e->decode_factor, &n_decode, arena, entry, "decode_factor", 0.01, 100, d);
    if (!s && n_decode != e->n_factors)
        s = wrong(entry, yaml_node_child(entry, "decode_factor"), "decode_factor",
                  "as long as prompt_factor", d);
    return s;
}

enum status model_error_find(const struct model_error **error, struct arena *arena,
                             struct shared *shared, const char *const *preset_dirs,
                             const struct profile *profile, const char *framework_version,
                             struct diag *d)
{
    const char *version = framework_version ? framework_version : profile->framework_version;
    const struct preset_place place = {preset_dirs, file_name, shared};
    const struct yaml_node *const *entries;
    bool fits = false;
    size_t n, i;

    *error = NULL;
    enum status s = preset_all(&entries, &n, arena, &place, d);
    for (i = 0; !s && i < n; i++) {
        s = overheads_fit(&fits, profile, version, entries[i], d);
        if (fits)
            break;
    }
    if (s || !fits)
        return s;
    struct model_error *e = ARENA_NEW(arena, 1, struct model_error);
    if (!e)
        return diag_nomem(d, "model error");
    s = read_entry(e, arena, entries[i], d);
    *error = e;
    return s;
}

const char *model_error_text(const struct model_error *e, struct arena *arena)
{
    return arena_printf(arena,
                        "TPOT %.0f %% typical, %.0f %% in 90 of 100; TTFT %.0f %% typical, %.0f %% "
                        "in 90 of 100; from %lld measured points of %s",
                        100 * e->tpot[0], 100 * e->tpot[1], 100 * e->ttft[0], 100 * e->ttft[1],
                        (long long)e->n_points, e->of);
}
