#include "studies/sweep/definition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/text/nearest.h"
#include "scenarios/text/yaml_tree.h"
#include "studies/intervals.h"
#include "studies/sweep/inputs.h"
#include "util/json_out.h"

/* ---- from a scenario ---- */

static enum status unknown_key(const char *key, struct diag *d)
{
    struct nearest near;

    nearest_init(&near, key);
    near.distance = 3; /* of a long name only its end is in doubt */
    for (size_t i = 0; summary_key(i); i++)
        nearest_offer(&near, summary_key(i));
    return diag_fail(d, ST_INPUT, "--keys: summary.json has no number '%s'%s%s%s", key,
                     near.best ? "; did you mean '" : "", near.best ? near.best : "",
                     near.best ? "'?" : "");
}

static enum status check_keys(const struct sweep_definition *def, const struct run_info *infos,
                              size_t n_infos, struct diag *d)
{
    for (size_t i = 0; i < def->n_keys; i++) {
        if (!interval_key_exists(def->keys[i], infos, n_infos))
            return unknown_key(def->keys[i], d);
        for (size_t k = 0; k < i; k++) {
            if (strcmp(def->keys[k], def->keys[i]) == 0)
                return diag_fail(d, ST_INPUT, "--keys: '%s' is there twice", def->keys[i]);
        }
    }
    return ST_OK;
}

enum status sweep_define(struct sweep_definition *def, struct arena *arena,
                         const struct scenario *scenario, struct run_resources *resources,
                         struct diag *d)
{
    const struct run_info *infos;
    size_t n_infos;

    enum status s = interval_infos(&infos, &n_infos, arena, scenario, d);
    if (s)
        return s;
    def->policy = scenario_policy(scenario);
    def->currency = scenario->cost.per_gpu_hour.n ? scenario->cost.currency : NULL;
    def->seed = scenario->seed;
    def->replicate = scenario->replicate;
    s = def->n_keys ? check_keys(def, infos, n_infos, d)
                    : interval_keys(&def->keys, &def->n_keys, arena, infos, n_infos, d);
    return s ? s : sweep_find_inputs(def, arena, scenario, resources, d);
}

/* ---- study.json ---- */

enum { FORMAT = 1 };
static const char format_key[] = "headroom_sweep", generation_key[] = "policy_generation";

static void write_texts(struct json_out *j, const char *key, const char *const *texts, size_t n)
{
    json_key(j, key);
    json_array_begin(j);
    for (size_t i = 0; i < n; i++)
        json_string(j, texts[i]);
    json_array_end(j);
}

static void write_file(struct json_out *j, const struct scenario_text *file)
{
    json_object_begin(j);
    json_key_string(j, "path", file->path);
    json_key_string(j, "text", file->bytes);
    json_object_end(j);
}

static void write_source(struct json_out *j, const struct scenario_source *source)
{
    json_key(j, "scenario");
    write_file(j, &source->file);
    json_key(j, "overlays");
    json_array_begin(j);
    for (size_t i = 0; i < source->n_overlays; i++)
        write_file(j, &source->overlays[i]);
    json_array_end(j);
    json_key(j, "set");
    json_array_begin(j);
    for (size_t i = 0; i < source->n_overrides; i++)
        json_string(j, source->overrides[i].text);
    json_array_end(j);
}

static void write_definition(struct json_out *j, const struct sweep_definition *def, bool shard)
{
    json_object_begin(j);
    json_key_int(j, format_key, FORMAT);
    json_key_string(j, "headroom_version", def->version);
    write_source(j, &def->source);
    write_texts(j, "vary", def->vary, def->n_vary);
    json_key_int(j, "sample", (int64_t)def->n_sample);
    json_key_int(j, "seeds", (int64_t)def->n_seeds);
    json_key_int(j, "replicates", (int64_t)def->n_replicates);
    write_texts(j, "keys", def->keys, def->n_keys);
    json_key_string(j, "policy", def->policy->name);
    json_key_string(j, generation_key, def->policy->generation);
    json_key_string(j, "currency", def->currency);
    json_key_int(j, "seed", def->seed);
    json_key_int(j, "replicate", def->replicate);
    json_key(j, "inputs");
    json_array_begin(j);
    for (size_t i = 0; i < def->n_inputs; i++) {
        json_object_begin(j);
        json_key_string(j, "name", def->inputs[i].name);
        json_key_string(j, "sha256", def->inputs[i].sha256);
        json_object_end(j);
    }
    json_array_end(j);
    if (shard) {
        json_key(j, "shard");
        json_array_begin(j);
        json_int(j, (int64_t)def->shard.i);
        json_int(j, (int64_t)def->shard.of);
        json_array_end(j);
    }
    json_object_end(j);
}

const char *sweep_definition_text(const struct sweep_definition *def, bool shard,
                                  struct arena *arena)
{
    char *text = NULL;
    size_t n;
    struct json_out j;
    FILE *out = open_memstream(&text, &n);

    if (!out)
        return NULL;
    json_out_init(&j, out, true);
    write_definition(&j, def, shard);
    putc('\n', out);
    bool failed = fclose(out) != 0;
    const char *copy = failed ? NULL : arena_strndup(arena, text, n);
    free(text);
    return copy;
}

/* ---- and back ---- */

struct reader {
    struct arena *arena;
    const struct yaml_node *root;
    struct source_pos at; /* the file */
    struct diag *d;
};

static enum status wrong(const struct reader *r)
{
    return diag_fail_at(r->d, ST_INPUT, r->at, "not the study of a sweep by this version");
}

static enum status read_text(const struct reader *r, const struct yaml_node *map, const char *key,
                             const char **text)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    *text = NULL;
    if (!node || (node->kind != NODE_TEXT && node->kind != NODE_NULL))
        return wrong(r);
    if (node->kind == NODE_TEXT)
        *text = node->text;
    return ST_OK;
}

static enum status read_int(const struct reader *r, const struct yaml_node *node, uint64_t *value)
{
    if (!node || node->kind != NODE_INT || node->i < 0)
        return wrong(r);
    *value = (uint64_t)node->i;
    return ST_OK;
}

static enum status read_texts(const struct reader *r, const char *key, const char *const **texts,
                              size_t *n)
{
    const struct yaml_node *list = yaml_node_child(r->root, key);
    size_t i = 0;

    if (!list || list->kind != NODE_LIST)
        return wrong(r);
    const char **to = ARENA_NEW(r->arena, list->n, const char *);
    if (!to)
        return diag_nomem(r->d, "study");
    for (const struct yaml_node *node = list->first; node; node = node->next) {
        if (node->kind != NODE_TEXT)
            return wrong(r);
        to[i++] = node->text;
    }
    *texts = to;
    *n = list->n;
    return ST_OK;
}

static enum status read_file(const struct reader *r, const struct yaml_node *node,
                             struct scenario_text *file)
{
    enum status s = read_text(r, node, "path", &file->path);

    if (!s)
        s = read_text(r, node, "text", &file->bytes);
    if (!s && (!file->path || !file->bytes))
        s = wrong(r);
    file->length = s ? 0 : strlen(file->bytes);
    return s;
}

static enum status read_source(const struct reader *r, struct scenario_source *source)
{
    const struct yaml_node *overlays = yaml_node_child(r->root, "overlays");
    const char *const *set;
    size_t i = 0;

    enum status s = read_file(r, yaml_node_child(r->root, "scenario"), &source->file);
    if (!s)
        s = read_texts(r, "set", &set, &source->n_overrides);
    if (!s && (!overlays || overlays->kind != NODE_LIST))
        s = wrong(r);
    if (s)
        return s;
    struct scenario_text *files = ARENA_NEW(r->arena, overlays->n, struct scenario_text);
    struct scenario_override *overrides =
        ARENA_NEW(r->arena, source->n_overrides, struct scenario_override);
    if (!files || !overrides)
        return diag_nomem(r->d, "study");
    for (const struct yaml_node *node = overlays->first; node && !s; node = node->next)
        s = read_file(r, node, &files[i++]);
    for (size_t k = 0; k < source->n_overrides; k++)
        overrides[k] = (struct scenario_override){"--set", set[k]};
    source->n_overlays = overlays->n;
    source->overlays = files;
    source->overrides = overrides;
    return s;
}

static enum status read_inputs(const struct reader *r, struct sweep_definition *def)
{
    const struct yaml_node *list = yaml_node_child(r->root, "inputs");
    enum status s = ST_OK;

    if (!list || list->kind != NODE_LIST)
        return wrong(r);
    struct sweep_input *inputs = ARENA_NEW(r->arena, list->n, struct sweep_input);
    if (!inputs)
        return diag_nomem(r->d, "study");
    def->inputs = inputs;
    for (const struct yaml_node *node = list->first; node && !s; node = node->next) {
        struct sweep_input *input = &inputs[def->n_inputs++];
        s = read_text(r, node, "name", &input->name);
        if (!s)
            s = read_text(r, node, "sha256", &input->sha256);
    }
    return s;
}

static enum status read_numbers(const struct reader *r, struct sweep_definition *def)
{
    const struct yaml_node *shard = yaml_node_child(r->root, "shard");
    uint64_t seed = 0, replicate = 0;
    const struct {
        const char *key;
        uint64_t *value;
    } numbers[] = {{"sample", &def->n_sample},
                   {"seeds", &def->n_seeds},
                   {"replicates", &def->n_replicates},
                   {"seed", &seed},
                   {"replicate", &replicate}};
    enum status s = ST_OK;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !s; i++)
        s = read_int(r, yaml_node_child(r->root, numbers[i].key), numbers[i].value);
    if (!s && (!shard || shard->kind != NODE_LIST || shard->n != 2))
        s = wrong(r);
    if (!s)
        s = read_int(r, shard->first, &def->shard.i);
    if (!s)
        s = read_int(r, shard->last, &def->shard.of);
    if (!s && (def->shard.i < 1 || def->shard.i > def->shard.of))
        s = wrong(r);
    def->seed = (int64_t)seed;
    def->replicate = (int64_t)replicate;
    return s;
}

static enum status read_policy(const struct reader *r, struct sweep_definition *def)
{
    const char *name = NULL, *generation = NULL;
    enum status s = read_text(r, r->root, "policy", &name);

    if (!s)
        s = read_text(r, r->root, generation_key, &generation);
    def->policy = !s && name ? policy_find(name, generation) : NULL;
    return s || def->policy ? s : wrong(r);
}

enum status sweep_definition_read(struct sweep_definition *def, struct arena *arena,
                                  const char *path, const char *bytes, size_t length,
                                  struct diag *d)
{
    struct reader r = {.arena = arena, .at = {.file = path}, .d = d};
    struct yaml_node *root;
    struct diag ignored;
    uint64_t format = 0;

    *def = (struct sweep_definition){0};
    diag_init(&ignored);
    if (yaml_tree_parse(&root, arena, path, bytes, length, false, &ignored))
        return wrong(&r);
    r.root = root;
    enum status s = read_int(&r, yaml_node_child(root, format_key), &format);
    if (!s && format != FORMAT)
        s = wrong(&r);
    if (!s)
        s = read_text(&r, root, "headroom_version", &def->version);
    if (!s)
        s = read_source(&r, &def->source);
    if (!s)
        s = read_texts(&r, "vary", &def->vary, &def->n_vary);
    if (!s)
        s = read_texts(&r, "keys", &def->keys, &def->n_keys);
    if (!s)
        s = read_policy(&r, def);
    if (!s)
        s = read_text(&r, root, "currency", &def->currency);
    if (!s)
        s = read_inputs(&r, def);
    return s ? s : read_numbers(&r, def);
}
