/* What other courses of the traffic say of the answers, with a policy in the loop or without. */
#include <inttypes.h>
#include <math.h>

#include "cli/size_print.h"

/* 0.9517 +- 0.0021. */
static const char *mean_text(const struct size_mean *m, struct arena *arena)
{
    if (isnan(m->mean))
        return "-";
    return arena_printf(arena, "%.4g +- %.2g", m->mean, m->high - m->mean);
}

/* ---- rows in the block of the cheapest ---- */

static void add_range(struct table *t, const struct size_courses *k)
{
    table_add(t, "  courses");
    table_printf(t, "meets the target on %" PRId64 " of %" PRId64 " other courses of the traffic",
                 k->n_met, k->n);
    if (isnan(k->value_low))
        return;
    table_add(t, "    one more");
    table_printf(t, "%.4g to %.4g, nine times in ten", k->value_low, k->value_high);
}

static void add_trace(struct table *t, const struct size_choice *c, const struct size_options *o)
{
    const struct size_courses *k = &c->courses;
    double block_s = o->scenario->trace.resample_block_s;

    table_add(t, "  trace");
    if (k->message)
        table_printf(t, "is it long enough? Not known: %s", k->message);
    else if (isinf(k->value_margin))
        table_printf(t, "too short to tell anything from %g: %g block%s of %g s", o->target->bound,
                     k->blocks, k->blocks == 1 ? "" : "s", block_s);
    else if (k->long_enough)
        table_printf(t, "long enough: the value moves by +- %.2g over %g blocks of %g s",
                     k->value_margin, k->blocks, block_s);
    else if (k->told_from == o->target->bound)
        table_printf(t, "no trace is long enough for a target of %g", o->target->bound);
    else
        table_printf(t,
                     "too short to tell %g from %g: the value moves by +- %.2g over %g blocks of "
                     "%g s",
                     o->target->bound, k->told_from, k->value_margin, k->blocks, block_s);
    if (!k->fewer.n[0] || k->fewer_misses || k->message || isinf(k->fewer_margin))
        return;
    table_add(t, "  one less");
    table_printf(t,
                 "may do as well: %.4g +- %.2g with %" PRId64 " worker%s cannot be told from the "
                 "target",
                 k->fewer_value, k->fewer_margin, k->fewer.n[0] + k->fewer.n[1],
                 k->fewer.n[0] + k->fewer.n[1] == 1 ? "" : "s");
}

static const char *verdict_of(const struct size_autoscaled *a)
{
    if (isnan(a->value.mean))
        return "no such figure";
    if (a->certain)
        return a->meets_target ? "meets the target" : "misses the target, so it is not cheaper";
    return a->meets_target ? "meets the target, but may as well not"
                           : "misses the target, but may as well not";
}

static void add_autoscaled(struct table *t, const struct size_choice *c,
                           const struct size_options *o, struct arena *arena)
{
    const struct size_autoscaled *a = &c->autoscaled;
    double more = a->mean_gpus.mean / (double)c->gpus - 1;

    table_add(t, "  autoscaled");
    if (a->message) {
        table_add(t, "the policy cannot run it");
        return;
    }
    table_printf(t, "%.4g GPUs on average, %" PRId64 " at most", a->mean_gpus.mean, a->peak_gpus);
    table_add(t, "    costs");
    if (isnan(a->cost_per_day))
        table_printf(t, "%.0f %% %s GPU-hours", fabs(100 * more), more > 0 ? "more" : "less");
    else
        table_printf(t, "%.0f %s/day, %.0f %% %s", a->cost_per_day, o->currency, fabs(100 * more),
                     more > 0 ? "more" : "less");
    table_add(t, "    reached");
    table_printf(t, "%s %s: %s", o->target->key, mean_text(&a->value, arena), verdict_of(a));
    table_add(t, "    static");
    table_printf(t, "%s %s on the same %" PRId64 " courses", o->target->key,
                 mean_text(&c->courses.value, arena), c->courses.n);
    if (a->lost > 0) {
        table_add(t, "    lost");
        table_printf(t, "%.3g requests a course", a->lost);
    }
}

void size_rows_courses(struct table *t, const struct size_choice *c, const struct size_options *o)
{
    if (c->courses.n)
        add_range(t, &c->courses);
    if (c->courses.of_trace || c->courses.message)
        add_trace(t, c, o);
    if (c->autoscaled.n)
        add_autoscaled(t, c, o, t->arena);
}

/* ---- all that were run with the policy ---- */

static void add_money(struct table *t, double money)
{
    if (isnan(money))
        table_add(t, NULL);
    else
        table_printf(t, "%.0f", money);
}

static void add_row(struct table *t, const struct size_choice *c, struct arena *arena)
{
    const struct size_autoscaled *a = &c->autoscaled;

    add_money(t, c->cost_per_day);
    add_money(t, a->cost_per_day);
    table_printf(t, "%" PRId64, c->gpus);
    table_printf(t, "%.4g", a->mean_gpus.mean);
    table_printf(t, "%" PRId64, a->peak_gpus);
    table_add(t, mean_text(&a->value, arena));
    table_printf(t, "%s%s", a->meets_target ? "met" : "missed", a->certain ? "" : "?");
    size_cell_choice(t, c);
}

enum status size_print_autoscaled(const struct size_result *r, double load, FILE *out,
                                  struct arena *arena, struct diag *d)
{
    static const char *const heads[] = {"per day", "autoscaled", "GPUs",   "autoscaled",
                                        "at most", "reached",    "target", "choice"};
    enum { N_HEADS = sizeof heads / sizeof *heads };
    size_t n_run = 0, n_refused = 0;
    int64_t n_courses = 0;
    struct source_pos at;
    struct table t;

    table_init(&t, arena, N_HEADS);
    for (size_t i = 0; i < N_HEADS; i++) {
        t.right[i] = i < 6;
        if (i == 0)
            table_printf(&t, "%s/day", r->options->currency);
        else
            table_add(&t, heads[i]);
    }
    for (size_t i = 0; i < r->n_reached; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load || !c->autoscaled.n)
            continue;
        n_courses = c->autoscaled.n;
        n_run += !c->autoscaled.message;
        n_refused += c->autoscaled.message != NULL;
        if (!c->autoscaled.message && n_run <= SIZE_MAX_ROWS)
            add_row(&t, c, arena);
    }
    if (n_run)
        fprintf(out,
                "\nStatic and autoscaled (--policy %s): means of %" PRId64 " other courses of the\n"
                "traffic (+-: 95 %% interval of the mean; ?: or not)\n\n",
                r->options->policy->name, n_courses);
    if (n_run && !table_print(&t, out))
        return diag_nomem(d, "table");
    size_print_more(n_run, out);
    if (n_run && !scenario_is_set(r->options->scenario, "startup", &at))
        fprintf(out, "new workers serve at once: the scenario has no startup\n");
    if (n_refused)
        fprintf(out, "\nThe policy cannot run %zu choice%s\n", n_refused, n_refused > 1 ? "s" : "");
    for (size_t i = 0, n = 0; i < r->n_reached && n < 3; i++) {
        const struct size_choice *c = r->choices[i];
        if (c->scale_load != load || !c->autoscaled.n || !c->autoscaled.message)
            continue;
        fprintf(out, "  %s: %s\n", size_choice_text(c, arena), c->autoscaled.message);
        n++;
    }
    return ST_OK;
}
