#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/size_print.h"

enum { DEFAULT_MONTHS = 12, MAX_LOAD = 1000 /* as of --scale-load */ };

/* ---- the options ---- */

static bool read_growth(double *per_month, const char *text)
{
    char *end;
    double growth = strtod(text, &end) / 100;

    if (end == text || !(growth > 0) || isinf(growth))
        return false;
    *per_month = growth;
    if (strcmp(end, "%/month") == 0)
        return true;
    *per_month = pow(1 + growth, 1.0 / 12) - 1;
    return strcmp(end, "%/year") == 0;
}

enum status size_growth_option(struct size_options *o, const struct cli_args *args, struct diag *d)
{
    const char *text = cli_value(args, "growth");
    double largest = 0;
    long long n_months;

    enum status s = cli_integer(args, "months", 1, SIZE_MAX_MONTHS, DEFAULT_MONTHS, &n_months, d);
    if (s)
        return s;
    if (!text)
        return cli_value(args, "months")
                   ? diag_fail(d, ST_INPUT,
                               "option '--months' is of a load that grows: expected "
                               "--growth, too, such as --growth 5%%/month")
                   : ST_OK;
    if (!read_growth(&o->growth_per_month, text))
        return diag_fail(d, ST_INPUT,
                         "option '--growth' must be above 0, such as 5%%/month or 60%%/year, not "
                         "'%s'",
                         text);
    if (!o->scenario->trace.path)
        return diag_fail(d, ST_INPUT, "option '--growth' is of a trace");
    if (o->n_detailed == 0)
        return diag_fail(d, ST_INPUT,
                         "option '--growth' is of the choices in detail, and --detail "
                         "0 leaves none");
    for (size_t l = 0; l < o->n_loads; l++)
        largest = fmax(largest, o->loads[l]);
    if (largest * pow(1 + o->growth_per_month, (double)n_months) > MAX_LOAD)
        return diag_fail(d, ST_INPUT,
                         "option '--growth': %s over %lld months is more than %d times the load of "
                         "the trace",
                         text, n_months, MAX_LOAD);
    o->n_months = (size_t)n_months;
    return ST_OK;
}

/* ---- the plan of the cheapest ---- */

/* Months in which something is to be bought, or is out of reach. */
static bool is_told(const struct size_choice *c, size_t month)
{
    if (month == 0)
        return true;
    const struct size_month *at = &c->months[month], *before = at - 1;
    return at->reached != before->reached ||
           (at->reached && memcmp(&at->workers, &before->workers, sizeof at->workers) != 0);
}

static void add_change(struct table *t, const struct size_choice *c, size_t month)
{
    const struct size_month *before = &c->months[month - 1];
    int64_t more = c->months[month].gpus - before->gpus;

    if (!before->reached)
        table_add(t, "within reach again");
    else if (more == 0)
        table_add(t, "other pools");
    else
        table_printf(t, "%+" PRId64 " GPU%s", more, more == 1 || more == -1 ? "" : "s");
}

static void add_month(struct table *t, const struct size_choice *c, size_t month)
{
    const struct size_month *m = &c->months[month];

    table_printf(t, "%zu", month);
    table_printf(t, "%.2fx", m->scale_load);
    if (!m->reached) {
        table_add(t, NULL);
        table_add(t, NULL);
        table_add(t, NULL);
        table_add(t, NULL);
        table_add(t, "out of reach");
        return;
    }
    table_printf(t, "%" PRId64, m->gpus);
    size_cell_workers(t, c, m->workers);
    table_printf(t, "%" PRId64, m->nodes);
    if (isnan(m->cost_per_day))
        table_add(t, NULL);
    else
        table_printf(t, "%.0f", m->cost_per_day);
    if (month == 0)
        table_add(t, "today");
    else if (!is_told(c, month))
        table_add(t, "the same");
    else
        add_change(t, c, month);
}

static enum status print_plan(const struct size_result *r, const struct size_choice *c, FILE *out,
                              struct arena *arena, struct diag *d)
{
    static const char *const heads[] = {"month", "load", "GPUs", "workers", "nodes"};
    size_t last = r->options->n_months;
    struct table t;

    table_init(&t, arena, 7);
    for (size_t i = 0; i < 6; i++)
        t.right[i] = true;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        table_add(&t, heads[i]);
    table_printf(&t, "%s/day", r->options->currency);
    table_add(&t, "change");
    for (size_t m = 0; m <= last; m++) {
        if (is_told(c, m) || m == last)
            add_month(&t, c, m);
    }
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    if (!isnan(c->cost_at_once))
        fprintf(out,
                "\n%zu months cost %.0f %s with GPUs bought a month before they are needed, %.0f "
                "with all at once\n",
                last, c->cost_month_by_month, r->options->currency, c->cost_at_once);
    return ST_OK;
}

/* ---- the others ---- */

static const char *additions(const struct size_choice *c, size_t n_months, struct arena *arena)
{
    const char *text = NULL;

    for (size_t m = 1; m <= n_months; m++) {
        const struct size_month *at = &c->months[m];
        if (!at->reached)
            return text ? arena_printf(arena, "%s, %zu: out of reach", text, m)
                        : arena_printf(arena, "%zu: out of reach", m);
        int64_t more = at->gpus - c->months[m - 1].gpus;
        if (more == 0)
            continue;
        const char *one = arena_printf(arena, "%zu: %+" PRId64, m, more);
        text = text && one ? arena_printf(arena, "%s, %s", text, one) : one;
    }
    return text ? text : "none";
}

static enum status print_others(const struct size_result *r, const struct size_choice *best,
                                double load, FILE *out, struct arena *arena, struct diag *d)
{
    size_t n = 0;
    struct table t;

    table_init(&t, arena, 2);
    table_add(&t, "choice");
    table_add(&t, "month: GPUs to add");
    for (size_t i = 0; i < r->n_reached; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load || c == best || !c->months || ++n > SIZE_MAX_ROWS)
            continue;
        size_cell_choice(&t, c);
        table_add(&t, additions(c, r->options->n_months, arena));
    }
    if (n == 0)
        return ST_OK;
    fputc('\n', out);
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    size_print_more(n, out);
    return ST_OK;
}

enum status size_print_growth(const struct size_result *r, double load, FILE *out,
                              struct arena *arena, struct diag *d)
{
    const struct size_choice *best = NULL;

    for (size_t i = 0; i < r->n_reached && !best; i++) {
        if (r->choices[i]->scale_load == load && r->choices[i]->months)
            best = r->choices[i];
    }
    if (!best)
        return ST_OK;
    fprintf(out, "\nGrowing %.3g %% a month: ", 100 * r->options->growth_per_month);
    if (best->too_small_from < 0)
        fprintf(out, "the cheapest fleet has enough GPUs for %zu months\n\n", r->options->n_months);
    else
        fprintf(out, "the cheapest fleet is too small from month %" PRId64 " on\n\n",
                best->too_small_from);
    enum status s = print_plan(r, best, out, arena, d);
    return s ? s : print_others(r, best, load, out, arena, d);
}
