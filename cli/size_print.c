#include "cli/size_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/table.h"

void size_cell_workers(struct table *t, const struct size_choice *c, struct fleet workers)
{
    if (c->n_pools == 1)
        table_printf(t, "%" PRId64, workers.n[0]);
    else
        table_printf(t, "%" PRId64 "+%" PRId64, workers.n[0], workers.n[1]);
}

static void add_range(struct table *t, const struct size_choice *c)
{
    if (isnan(c->gpus_low))
        table_add(t, NULL);
    else if (isinf(c->gpus_low))
        table_add(t, "none");
    else if (isinf(c->gpus_high))
        table_printf(t, "%.0f to none", c->gpus_low);
    else
        table_printf(t, "%.0f to %.0f", c->gpus_low, c->gpus_high);
}

const char *size_choice_text(const struct size_choice *c, struct arena *arena)
{
    const char *topology = size_topology_names[c->topology];

    if (!c->decode_profile)
        return arena_printf(arena, "%s %s", topology, c->profile);
    const char *first = strrchr(c->profile, '/'), *second = strrchr(c->decode_profile, '/');
    size_t folder = first ? (size_t)(first - c->profile) + 1 : 0;
    if (!first || !second || (size_t)(second - c->decode_profile) + 1 != folder ||
        strncmp(c->profile, c->decode_profile, folder) != 0)
        return arena_printf(arena, "%s %s + %s", topology, c->profile, c->decode_profile);
    const char *version = strchr(first, '@'), *other = strchr(second, '@');
    bool same = version && other && strcmp(version, other) == 0;
    return arena_printf(arena, "%s %.*s+%s", topology,
                        (int)(same ? (size_t)(version - c->profile) : strlen(c->profile)),
                        c->profile, second + 1);
}

void size_cell_choice(struct table *t, const struct size_choice *c)
{
    const char *name = size_choice_text(c, t->arena);

    t->failed = t->failed || !name;
    table_add(t, name);
}

/* Of a load, from place `from` to `to` of the result. */
static size_t count_of(const struct size_result *r, double load, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++)
        n += r->choices[i]->scale_load == load;
    return n;
}

static const struct size_choice *first_of(const struct size_result *r, double load, size_t from,
                                          size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (r->choices[i]->scale_load == load)
            return r->choices[i];
    }
    return NULL;
}

void size_print_more(size_t n, FILE *out)
{
    if (n > SIZE_MAX_ROWS)
        fprintf(out, "and %zu more (--json FILE)\n", n - SIZE_MAX_ROWS);
}

/* Only where there are ranges to compare. */
static bool is_tie(const struct size_choice *c, const struct size_result *r)
{
    return r->options->n_detailed && c->ties_with_cheapest;
}

static void print_notes(const struct size_result *r, size_t n, bool any_tie, FILE *out)
{
    size_print_more(n, out);
    if (any_tie)
        fputs("~ cannot be told from the cheapest: the ranges overlap, or one is missing\n", out);
    if (n > r->options->n_detailed)
        fprintf(out, "range and spare: first %zu rows only (--detail N)\n", r->options->n_detailed);
}

static enum status print_reached(const struct size_result *r, double load, FILE *out,
                                 struct arena *arena, struct diag *d)
{
    struct table t;
    size_t n = 0;
    bool any_tie = false;

    table_init(&t, arena, 6);
    for (int i = 0; i < 5; i++)
        t.right[i] = true;
    table_printf(&t, "%s/day", r->options->currency);
    table_add(&t, "GPUs");
    table_add(&t, "range");
    table_add(&t, "workers");
    table_add(&t, "spare");
    table_add(&t, "choice");
    for (size_t i = 0; i < r->n_reached; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load || ++n > SIZE_MAX_ROWS)
            continue;
        const char *mark = is_tie(c, r) ? "~ " : "";
        any_tie = any_tie || *mark;
        if (isnan(c->cost_per_day))
            table_printf(&t, "%s-", mark);
        else
            table_printf(&t, "%s%.0f", mark, c->cost_per_day);
        table_printf(&t, "%" PRId64, c->gpus);
        add_range(&t, c);
        size_cell_workers(&t, c, c->workers);
        if (isnan(c->load_headroom))
            table_add(&t, NULL);
        else
            table_printf(&t, "%.0f %%", 100 * c->load_headroom);
        size_cell_choice(&t, c);
    }
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    print_notes(r, n, any_tie, out);
    return ST_OK;
}

/* Which workers the figures are without. */
static const char *missing_text(const struct size_choice *c, struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; c->survivors.n[0] && i < c->n_pools; i++) {
        if (c->survivors.n[i] < c->workers.n[i])
            text = arena_printf(arena, " with %" PRId64 " of %s missing",
                                c->workers.n[i] - c->survivors.n[i], c->pools[i]);
    }
    return text ? text : "";
}

static void add_arithmetic(struct table *t, const struct size_choice *c, const char *key)
{
    char workers[64], value[128] = "";

    if (c->n_pools == 1)
        snprintf(workers, sizeof workers, "%" PRId64, c->arithmetic[0]);
    else
        snprintf(workers, sizeof workers, "%" PRId64 "+%" PRId64, c->arithmetic[0],
                 c->arithmetic[1]);
    if (!isnan(c->arithmetic_value))
        snprintf(value, sizeof value, ": %s %.4g", key, c->arithmetic_value);
    table_printf(t, "%s by mean rate over capacity%s", workers, value);
}

/* A row for each part of a;b;c. */
static void add_parts(struct table *t, const char *name, const char *text, struct arena *arena)
{
    for (size_t n; *text; text += n + strspn(text + n, "; "), name = " ") {
        n = strcspn(text, ";");
        table_add(t, name);
        table_add(t, arena_strndup(arena, text, n));
    }
}

static enum status print_best(const struct size_choice *c, const struct size_result *r, FILE *out,
                              struct arena *arena, struct diag *d)
{
    struct table t;

    table_init(&t, arena, 2);
    table_add(&t, "Cheapest");
    size_cell_choice(&t, c);
    for (size_t i = 0; i < c->n_pools; i++) {
        table_printf(&t, "  %s", c->pools[i]);
        table_printf(&t, "%" PRId64 " x %" PRId64 " GPU%s", c->workers.n[i], c->gpus_per_worker[i],
                     c->gpus_per_worker[i] == 1 ? "" : "s");
    }
    table_add(&t, "  nodes");
    table_printf(&t, "%" PRId64 " of %" PRId64 " GPUs", c->nodes,
                 r->options->scenario->cluster.gpus_per_node);
    table_add(&t, "  reached");
    table_printf(&t, "%s %.4g%s", r->options->target->key, c->value, missing_text(c, arena));
    table_add(&t, "  limited by");
    table_add(&t, c->limited_by);
    if (c->arithmetic[0]) {
        table_add(&t, "  arithmetic");
        add_arithmetic(&t, c, r->options->target->key);
    }
    add_parts(&t, "  trust", c->trust, arena);
    size_rows_courses(&t, c, r->options);
    if (c->search.uneven) {
        table_add(&t, "  note");
        table_add(&t, "a larger fleet beside this one did worse");
    }
    fputc('\n', out);
    return table_print(&t, out) ? ST_OK : diag_nomem(d, "table");
}

static enum status print_closest(const struct size_result *r, double load, FILE *out,
                                 struct arena *arena, struct diag *d)
{
    struct table t;
    size_t n = 0;

    table_init(&t, arena, 5);
    t.right[0] = t.right[1] = t.right[2] = true;
    table_add(&t, "reached");
    table_add(&t, "GPUs");
    table_add(&t, "workers");
    table_add(&t, "limited by");
    table_add(&t, "choice");
    for (size_t i = r->n_reached; i < r->n_searched; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load || ++n > SIZE_MAX_ROWS)
            continue;
        if (isnan(c->value))
            table_add(&t, NULL);
        else
            table_printf(&t, "%.4g", c->value);
        table_printf(&t, "%" PRId64, c->gpus);
        size_cell_workers(&t, c, c->workers);
        table_add(&t, c->limited_by);
        size_cell_choice(&t, c);
    }
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    size_print_more(n, out);
    return ST_OK;
}

/* Those whose search has ended early. */
static enum status print_bounded(const struct size_result *r, double load, FILE *out,
                                 struct arena *arena, struct diag *d)
{
    size_t n = count_of(r, load, r->n_searched, r->n_runnable), n_rows = 0;
    struct table t;

    if (n == 0)
        return ST_OK;
    fprintf(out, "\n%zu choice%s more than the %zu cheapest (--top N): no less than\n\n", n,
            n == 1 ? " costs" : "s cost", r->options->n_top);
    table_init(&t, arena, 3);
    t.right[0] = t.right[1] = true;
    table_printf(&t, "%s/day", r->options->currency);
    table_add(&t, "GPUs");
    table_add(&t, "choice");
    for (size_t i = r->n_searched; i < r->n_runnable && n_rows < SIZE_MAX_ROWS; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load)
            continue;
        n_rows++;
        if (isnan(c->cost_per_day_low))
            table_add(&t, NULL);
        else
            table_printf(&t, "%.0f", c->cost_per_day_low);
        table_printf(&t, "%.0f", c->gpus_low);
        size_cell_choice(&t, c);
    }
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    size_print_more(n, out);
    return ST_OK;
}

static enum status print_load(const struct size_result *r, double load, FILE *out,
                              struct arena *arena, struct diag *d)
{
    const struct size_choice *best = first_of(r, load, 0, r->n_reached);
    size_t n_missed = count_of(r, load, r->n_reached, r->n_searched);
    enum status s = ST_OK;

    if (best) {
        fprintf(out, "\nAt %g times the load: the smallest fleets with %s\n\n", load,
                r->options->target->text);
        s = print_reached(r, load, out, arena, d);
        if (!s)
            s = print_best(best, r, out, arena, d);
        if (!s && r->options->policy)
            s = size_print_autoscaled(r, load, out, arena, d);
        if (!s)
            s = size_print_growth(r, load, out, arena, d);
    }
    if (!s)
        s = print_bounded(r, load, out, arena, d);
    if (!s && n_missed) {
        fprintf(out, "\nAt %g times the load %s out of reach; at best\n\n", load,
                best ? "it is" : "the target is");
        s = print_closest(r, load, out, arena, d);
    }
    return s;
}

static bool same_gpu_before(const struct size_result *r, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (isnan(r->choices[k]->price) &&
            strcmp(r->choices[k]->gpu_type, r->choices[i]->gpu_type) == 0)
            return true;
    }
    return false;
}

static void print_unpriced(const struct size_result *r, FILE *out)
{
    for (size_t i = 0; i < r->n_runnable; i++) {
        const struct size_choice *c = r->choices[i];
        if (isnan(c->price) && !same_gpu_before(r, i))
            fprintf(out, "\nNo price of %s in the list (--prices): its choices come last%s\n",
                    *c->gpu_type ? c->gpu_type : "a GPU that its profile does not name",
                    r->n_reached ? ", without a cost" : "");
    }
}

enum status size_print(const struct size_result *r, FILE *out, struct arena *arena, struct diag *d)
{
    enum status s = ST_OK;

    terminal_text(out, r->options->scenario->name);
    fprintf(out, "   %s", r->options->target->text);
    if (r->options->n_missing)
        fprintf(out, "   any %" PRId64 " worker%s of a pool missing", r->options->n_missing,
                r->options->n_missing == 1 ? "" : "s");
    fprintf(out, "   %zu runs\n", r->n_runs);
    for (size_t l = 0; l < r->options->n_loads && !s; l++)
        s = print_load(r, r->options->loads[l], out, arena, d);
    if (!s)
        s = size_print_what_if(r, out, arena, d);
    if (!s)
        print_unpriced(r, out);
    if (s || r->n_runnable == r->n)
        return s;
    fprintf(out, "\nLeft out: %zu choices that cannot be run\n", r->n - r->n_runnable);
    for (size_t i = r->n_runnable; i < r->n && i < r->n_runnable + 3; i++)
        fprintf(out, "  %s: %s\n", size_choice_text(r->choices[i], arena), r->choices[i]->message);
    return s;
}
