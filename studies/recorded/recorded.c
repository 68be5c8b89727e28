#include "studies/recorded/recorded.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scenarios/text/file_text.h"
#include "scenarios/text/yaml_tree.h"
#include "studies/recorded/recorded_internal.h"
#include "util/units.h"

/* ---- summary.json ---- */

static const struct yaml_node *find(const struct yaml_node *node, const char *key)
{
    char part[64];

    while (node && *key) {
        size_t n = strcspn(key, ".");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, key, n);
        part[n] = '\0';
        node = yaml_node_child(node, part);
        key += n + (key[n] == '.');
    }
    return node;
}

static double number_of(const struct yaml_node *node)
{
    return node && (node->kind == NODE_INT || node->kind == NODE_NUMBER) ? node->d : NAN;
}

static const char *text_of(const struct yaml_node *node)
{
    return node && node->kind == NODE_TEXT ? node->text : NULL;
}

double recorded_figure(const struct recorded *run, const char *key)
{
    return number_of(find(run->summary, key));
}

const char *recorded_text(const struct recorded *run, const char *key)
{
    return text_of(find(run->summary, key));
}

const char *recorded_generation(const struct recorded *run)
{
    const char *own = recorded_text(run, "policy.generation");
    const struct policy_ops *first = policy_find(run->policy, NULL);

    return own || !first ? own : first->generation;
}

bool recorded_interval(double *low, double *high, const struct recorded *run, const char *key)
{
    const struct yaml_node *of = yaml_node_child(find(run->summary, "intervals"), key);

    *low = number_of(yaml_node_child(of, "low"));
    *high = number_of(yaml_node_child(of, "high"));
    return !isnan(*low) && !isnan(*high);
}

const char *recorded_note(const struct recorded *run, size_t i)
{
    const struct yaml_node *notes = find(run->summary, "notes"), *note;

    for (note = notes ? notes->first : NULL; note && i; i--)
        note = note->next;
    return text_of(note);
}

static enum status refuse(const struct yaml_node *node, const char *path, const char *key,
                          const char *expected, struct diag *d)
{
    char found[NODE_TEXT_SIZE];

    if (!node)
        return diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                            "no '%s'; expected summary.json of a run", key);
    return diag_fail_at(d, ST_INPUT, node->at, "'%s' must be %s, not %s", key, expected,
                        yaml_node_describe(found, node));
}

static enum status read_text(const char **text, const struct recorded *run, const char *path,
                             const char *key, struct diag *d)
{
    const struct yaml_node *node = find(run->summary, key);

    if (!node || node->kind != NODE_TEXT)
        return refuse(node, path, key, "a text", d);
    *text = node->text;
    return ST_OK;
}

static enum status read_target(int64_t *target_ns, const struct recorded *run, const char *path,
                               const char *key, struct diag *d)
{
    const struct yaml_node *node = find(run->summary, key);

    if (!node || !ns_from_ms(recorded_figure(run, key), target_ns))
        return refuse(node, path, key, "milliseconds", d);
    return ST_OK;
}

static enum status read_pools(struct recorded *run, const char *path, struct diag *d)
{
    static const char key[] = "gpu_hours.by_pool";
    const struct yaml_node *map = find(run->summary, key);

    if (!map || map->kind != NODE_MAP || map->n == 0 || map->n > POLICY_MAX_POOLS)
        return refuse(map, path, key, "a map of one or two pools", d);
    for (const struct yaml_node *pool = map->first; pool; pool = pool->next)
        run->pools[run->n_pools++] = pool->key;
    run->only_prefills = run->n_pools == 1 && strcmp(run->pools[0], "prefill") == 0;
    if (run->only_prefills)
        run->pools[1] = "decode";
    return ST_OK;
}

/* What the other files are held against. */
static enum status check_counts(const struct recorded *run, const char *path, struct diag *d)
{
    static const char *const keys[] = {"requests.offered", "requests.outside_span",
                                       "scaling.decisions"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct yaml_node *node = find(run->summary, keys[i]);
        if (!node || node->kind != NODE_INT || node->i < 0)
            return refuse(node, path, keys[i], "a number without sign or fraction", d);
    }
    return ST_OK;
}

static enum status parse_summary(struct recorded *run, struct arena *arena, const char *path,
                                 struct diag *d)
{
    struct yaml_node *root = NULL;
    const char *bytes;
    size_t length;

    enum status s = file_text_read(&bytes, &length, arena, path, "summary.json of a run", d);
    if (!s)
        s = yaml_tree_parse(&root, arena, path, bytes, length, false, d);
    if (!s && (!root || root->kind != NODE_MAP))
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                         "expected an object: summary.json of a run");
    run->summary = root;
    return s;
}

/* The names of them, for a message. */
static enum status refuse_deployment(const struct recorded *run, const struct yaml_node *all,
                                     struct diag *d)
{
    char names[256] = "";
    size_t n = 0;

    if (!all)
        return diag_fail(d, ST_INPUT, "the run in '%s' is of a single deployment, not of '%s'",
                         run->dir, run->deployment);
    for (const struct yaml_node *of = all->first; of && n < sizeof names; of = of->next)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", of->key);
    if (!run->deployment)
        return diag_fail(d, ST_INPUT,
                         "the run in '%s' has several deployments; expected --deployment with one "
                         "of: %s",
                         run->dir, names);
    return diag_fail(d, ST_INPUT, "there is no deployment '%s' in '%s'; expected one of: %s",
                     run->deployment, run->dir, names);
}

/* From here on the summary is that of the deployment. */
static enum status choose_deployment(struct recorded *run, struct diag *d)
{
    const struct yaml_node *all = yaml_node_child(run->summary, "deployments");
    const struct yaml_node *own = run->deployment ? yaml_node_child(all, run->deployment) : NULL;

    if (!run->deployment && !all)
        return ST_OK;
    if (!own || own->kind != NODE_MAP)
        return refuse_deployment(run, all, d);
    run->summary = own;
    return ST_OK;
}

enum status recorded_read_summary(struct recorded *run, struct arena *arena, const char *path,
                                  struct diag *d)
{
    enum status s = parse_summary(run, arena, path, d);

    if (!s)
        s = choose_deployment(run, d);
    if (!s)
        s = read_text(&run->scenario, run, path, "scenario", d);
    if (!s)
        s = read_text(&run->version, run, path, "headroom_version", d);
    if (!s)
        s = read_text(&run->trace_digest, run, path, "trace_digest", d);
    if (!s)
        s = read_text(&run->policy, run, path, "policy.name", d);
    if (!s)
        s = read_target(&run->ttft_target_ns, run, path, "sla.ttft_ms", d);
    if (!s)
        s = read_target(&run->tpot_target_ns, run, path, "sla.tpot_ms", d);
    if (!s)
        s = check_counts(run, path, d);
    return s ? s : read_pools(run, path, d);
}

/* ---- rows ---- */

enum status recorded_pool(size_t *pool, const struct recorded *run, const struct csv_rows *rows,
                          size_t column)
{
    for (*pool = 0; *pool < run->n_pools; ++*pool) {
        if (csv_rows_is(rows, column, run->pools[*pool]))
            return ST_OK;
    }
    return csv_rows_refuse(rows, column, "a pool of summary.json beside it");
}

void *recorded_keep(struct arena *arena, void *array, size_t n, size_t size)
{
    void *kept = arena_alloc(arena, n, size);

    if (kept && n)
        memcpy(kept, array, n * size);
    free(array);
    return kept;
}

/* ---- the folder ---- */

static const struct {
    const char *name;
    bool may_lack;
    /* NULL: recorded_read_requests, of all deployments at a time. */
    enum status (*read)(struct recorded *run, struct arena *arena, const char *path,
                        struct diag *d);
} files[] = {{"summary.json", false, recorded_read_summary},
             {"requests.csv", false, NULL},
             {"timeline.csv", false, recorded_read_timeline},
             {"workers.csv", true, recorded_read_workers},
             {"decisions.jsonl", false, recorded_read_decisions}};
enum { N_FILES = sizeof files / sizeof *files };

/* A run that was stopped leaves none of them; one that goes on has them under other names. */
static enum status check_file(const char *dir, const char *path, const char *name, struct diag *d)
{
    struct stat info;

    if (stat(path, &info) == 0)
        return ST_OK;
    if (errno != ENOENT)
        return diag_fail(d, ST_IO, "cannot open '%s': %s", path, strerror(errno));
    return diag_fail(d, ST_INPUT,
                     "folder '%s' has no %s; expected the folder of a run that went to its end "
                     "('headroom run SCENARIO --out %s')",
                     dir, name, dir);
}

/* `visitors` NULL: requests are kept. */
static enum status read_folder(struct recorded *const *runs, size_t n, struct arena *arena,
                               const struct recorded_visitor *visitors, struct diag *d)
{
    const char *paths[N_FILES], *dir = runs[0]->dir;
    enum status s = ST_OK;

    for (size_t i = 0; i < N_FILES && !s; i++) {
        paths[i] = arena_printf(arena, "%s/%s", dir, files[i].name);
        if (!paths[i])
            s = diag_nomem(d, "path");
        else if (!files[i].may_lack)
            s = check_file(dir, paths[i], files[i].name, d);
    }
    for (size_t i = 0; i < N_FILES && !s; i++) {
        if (!files[i].read)
            s = recorded_read_requests(runs, n, arena, paths[i], visitors, d);
        for (size_t k = 0; files[i].read && k < n && !s; k++)
            s = files[i].read(runs[k], arena, paths[i], d);
    }
    return s;
}

enum status recorded_read(struct recorded *run, struct arena *arena, const char *dir,
                          const char *deployment, struct diag *d)
{
    *run = (struct recorded){.dir = dir, .deployment = deployment};
    return read_folder(&run, 1, arena, NULL, d);
}

enum status recorded_visit(struct recorded *run, struct arena *arena, const char *dir,
                           const char *deployment, const struct recorded_visitor *visitor,
                           struct diag *d)
{
    *run = (struct recorded){.dir = dir, .deployment = deployment};
    return read_folder(&run, 1, arena, visitor, d);
}

/* ---- several deployments ---- */

enum status recorded_read_whole(struct recorded_whole *whole, struct arena *arena, const char *dir,
                                struct diag *d)
{
    const char *path = arena_printf(arena, "%s/summary.json", dir);

    *whole = (struct recorded_whole){.all.dir = dir};
    enum status s = path ? check_file(dir, path, "summary.json", d) : diag_nomem(d, "path");
    if (!s)
        s = parse_summary(&whole->all, arena, path, d);
    if (s)
        return s;
    const struct yaml_node *map = yaml_node_child(whole->all.summary, "deployments");
    if (!map)
        return ST_OK;
    if (map->kind != NODE_MAP || map->n == 0)
        return refuse(map, path, "deployments", "a map of deployments", d);
    whole->names = ARENA_NEW(arena, map->n, const char *);
    if (!whole->names)
        return diag_nomem(d, "deployments");
    for (const struct yaml_node *of = map->first; of; of = of->next)
        whole->names[whole->n++] = of->key;
    whole->all.policy = recorded_text(&whole->all, "policy.name");
    s = read_text(&whole->all.scenario, &whole->all, path, "scenario", d);
    if (!s)
        s = read_text(&whole->all.trace_digest, &whole->all, path, "trace_digest", d);
    return s ? s : read_text(&whole->all.version, &whole->all, path, "headroom_version", d);
}

enum status recorded_read_each(struct recorded *const *runs, struct arena *arena,
                               const struct recorded_whole *whole,
                               const struct recorded_visitor *visitors, struct diag *d)
{
    for (size_t i = 0; i < whole->n; i++)
        *runs[i] = (struct recorded){.dir = whole->all.dir, .deployment = whole->names[i]};
    return whole->n ? read_folder(runs, whole->n, arena, visitors, d) : ST_OK;
}
