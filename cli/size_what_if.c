#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/size_print.h"
#include "cli/table.h"

enum { LOADS_PER_TABLE = 8 };

/* The same engines and pools, at another load. */
static bool is_same(const struct size_choice *a, const struct size_choice *b)
{
    return a->topology == b->topology && strcmp(a->profile, b->profile) == 0 &&
           strcmp(size_choice_profile(a, 1), size_choice_profile(b, 1)) == 0;
}

static const struct size_choice *at_load(const struct size_result *r, const struct size_choice *of,
                                         double load)
{
    for (size_t i = 0; i < r->n_runnable; i++) {
        if (r->choices[i]->scale_load == load && is_same(r->choices[i], of))
            return r->choices[i];
    }
    return NULL;
}

/* Each once, the cheapest at the first load first. Room for all. */
static size_t list_choices(const struct size_choice **rows, const struct size_result *r)
{
    size_t n = 0;

    for (size_t l = 0; l < r->options->n_loads; l++) {
        for (size_t i = 0; i < r->n_reached; i++) {
            const struct size_choice *c = r->choices[i];
            size_t k = 0;
            while (k < n && !is_same(rows[k], c))
                k++;
            if (c->scale_load == r->options->loads[l] && k == n)
                rows[n++] = c;
        }
    }
    return n;
}

static void add_gpus(struct table *t, const struct size_choice *c, int width)
{
    if (!c || size_outcome_of(c) == SIZE_UNREACHABLE)
        table_printf(t, "%*s", width, "-");
    else if (size_outcome_of(c) == SIZE_BOUNDED)
        table_printf(t, "%*.0f or more", width, c->gpus_low);
    else if (isnan(c->gpus_low) || isinf(c->gpus_low))
        table_printf(t, "%*" PRId64, width, c->gpus);
    else if (isinf(c->gpus_high))
        table_printf(t, "%*" PRId64 " (%.0f-none)", width, c->gpus, c->gpus_low);
    else
        table_printf(t, "%*" PRId64 " (%.0f-%.0f)", width, c->gpus, c->gpus_low, c->gpus_high);
}

/* Digits of the largest number of GPUs. */
static int width_of(const struct size_result *r, double load)
{
    int width = 1;

    for (size_t i = 0; i < r->n_reached; i++) {
        if (r->choices[i]->scale_load == load) {
            int n = snprintf(NULL, 0, "%" PRId64, r->choices[i]->gpus);
            width = n > width ? n : width;
        }
    }
    return width;
}

static enum status print_loads(const struct size_result *r, const struct size_choice *const *rows,
                               size_t n, const double *loads, size_t n_loads, FILE *out,
                               struct arena *arena, struct diag *d)
{
    struct table t;

    table_init(&t, arena, n_loads + 1);
    for (size_t l = 0; l < n_loads; l++)
        table_printf(&t, "%gx", loads[l]);
    table_add(&t, "choice");
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < n_loads; l++)
            add_gpus(&t, at_load(r, rows[i], loads[l]), width_of(r, loads[l]));
        size_cell_choice(&t, rows[i]);
    }
    fputc('\n', out);
    return table_print(&t, out) ? ST_OK : diag_nomem(d, "table");
}

enum status size_print_what_if(const struct size_result *r, FILE *out, struct arena *arena,
                               struct diag *d)
{
    const struct size_choice **rows = ARENA_NEW(arena, r->n + 1, const struct size_choice *);
    size_t n_loads = r->options->n_loads;
    enum status s = ST_OK;

    if (!rows)
        return diag_nomem(d, "table");
    size_t n = list_choices(rows, r), n_shown = n < SIZE_MAX_ROWS ? n : SIZE_MAX_ROWS;
    if (n_loads < 2 || n == 0)
        return ST_OK;
    fprintf(out, "\nGPUs at each load, and their range\n");
    for (size_t l = 0; l < n_loads && !s; l += LOADS_PER_TABLE) {
        size_t left = n_loads - l;
        s = print_loads(r, rows, n_shown, &r->options->loads[l],
                        left < LOADS_PER_TABLE ? left : LOADS_PER_TABLE, out, arena, d);
    }
    size_print_more(n, out);
    return s;
}
