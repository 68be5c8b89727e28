#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out_dir.h"
#include "cli/table.h"
#include "pages/plan/plan_page.h"
#include "scenarios/compose/plan.h"
#include "util/json_out.h"
#include "util/text.h"

const struct cli_option plan_options[] = {
    {"set", 's', "PATH=VALUE",
     "override a key of the scenario, e.g. policy.load_predictor=kalman; may be repeated"},
    CLI_OVERLAY,
    {"deployment", '\0', "NAME", "of a scenario with several: whose plan it is"},
    {"all-predictors", 'a', NULL, "all predictors side by side, and how far each was off"},
    {"format", 'f', "NAME", "table (the default), csv or json"},
    {"out", 'o', "FILE", "write there instead of to standard output"},
    {"html", '\0', "FILE", "also write a page for a browser there: forecast against actual"},
    {"force", '\0', NULL, "replace the file of --html"},
    {.name = NULL},
};

struct printing {
    const struct plan *plan;
    const struct scenario *scenario;
    bool all_predictors;
    struct arena *arena;
    FILE *out;
};

static const char *const side_names[N_SIDES] = {
    [SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

/* ---- table ---- */

static void add_heads(struct table *t, const char *const *heads, size_t n_left)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        t->right[i] = i >= n_left;
        table_add(t, heads[i]);
    }
}

static void add_number(struct table *t, double value, int digits, const char *unit)
{
    if (isnan(value))
        table_add(t, NULL);
    else
        table_printf(t, "%.*f%s", digits, value, unit);
}

static bool print_intervals(const struct printing *p)
{
    static const char *const heads[] = {"start s", "requests", "forecast", "ISL",    "forecast",
                                        "OSL",     "forecast", "prefill",  "decode", NULL};
    const struct dryrun_row *rows = p->plan->plans[0].rows;
    struct table t;

    table_init(&t, p->arena, 9);
    add_heads(&t, heads, 0);
    for (size_t i = 0; i < p->plan->n_rows; i++) {
        table_printf(&t, "%" PRId64, rows[i].start_s);
        for (int k = 0; k < N_PLAN_SERIES; k++) {
            enum plan_series series = (enum plan_series)k;
            int digits = series == PLAN_REQUESTS ? 0 : 1;
            add_number(&t, plan_observed(&rows[i], series), digits, "");
            add_number(&t, i == 0 ? NAN : plan_predicted(&rows[i], series), 1, "");
        }
        for (int side = 0; side < N_SIDES; side++) {
            if (p->plan->has_side[side])
                table_printf(&t, "%" PRId64, rows[i].replicas[side]);
            else
                table_add(&t, NULL);
        }
    }
    return table_print(&t, p->out);
}

static bool print_errors(const struct printing *p)
{
    static const char *const heads[] = {"predictor", "series",      "MAE",         "MAPE",
                                        "bias",      "pinball 0.5", "pinball 0.9", NULL};
    struct table t;

    table_init(&t, p->arena, 7);
    add_heads(&t, heads, 2);
    for (size_t i = 0; i < p->plan->n; i++) {
        for (int k = 0; k < N_PLAN_SERIES; k++) {
            const struct forecast_error *e = &p->plan->plans[i].error[k];
            table_add(&t, p->plan->plans[i].predictor);
            table_add(&t, plan_series_names[k]);
            add_number(&t, e->mae, 2, "");
            add_number(&t, 100 * e->mape, 1, " %");
            add_number(&t, e->bias, 2, "");
            add_number(&t, e->pinball_50, 2, "");
            add_number(&t, e->pinball_90, 2, "");
        }
    }
    return table_print(&t, p->out);
}

static bool print_worth(const struct printing *p)
{
    static const char *const heads[] = {"predictor", "GPU-hours", "short", NULL};
    struct table t;

    table_init(&t, p->arena, 3);
    add_heads(&t, heads, 1);
    for (size_t i = 0; i < p->plan->n; i++) {
        table_add(&t, p->plan->plans[i].predictor);
        table_printf(&t, "%.3f", p->plan->plans[i].gpu_hours);
        table_printf(&t, "%zu", p->plan->plans[i].n_short);
    }
    return table_print(&t, p->out);
}

static void print_notes(FILE *out, const struct run_notes *notes)
{
    enum { NOTE_WIDTH = 72 };

    for (size_t i = 0; i < notes->n; i++) {
        const char *text = notes->text[i], *begin = "note: ";
        while (*text) {
            size_t n = text_line(text, NOTE_WIDTH);
            fprintf(out, "%s%.*s\n", begin, (int)n, text);
            text += n + (text[n] == ' ');
            begin = "      ";
        }
    }
    fputs(notes->n ? "\n" : "", out);
}

static bool write_table(const struct printing *p)
{
    const struct planner_config *c = scenario_planner(p->scenario);
    bool printed = true;

    const char *deployment = p->scenario->deployment;
    char budget[40] = "no GPU budget", head[200];
    if (c->max_gpu_budget >= 0)
        snprintf(budget, sizeof budget, "budget %" PRId64 " GPUs", c->max_gpu_budget);
    snprintf(head, sizeof head, "%s%s%smode %s, %zu interval%s of %" PRId64 " s, %s",
             deployment ? "deployment " : "", deployment ? deployment : "", deployment ? ", " : "",
             c->mode, p->plan->n_rows, p->plan->n_rows == 1 ? "" : "s", p->plan->interval_s,
             budget);
    terminal_heading(p->out, p->scenario->name, head);
    fputc('\n', p->out);
    print_notes(p->out, &p->plan->notes);
    if (!p->all_predictors) {
        printed = print_intervals(p);
        fputs("\n", p->out);
    }
    printed = print_errors(p) && printed;
    fputs("\n", p->out);
    return print_worth(p) && printed;
}

/* ---- CSV ---- */

static void csv_number(FILE *out, double value)
{
    char text[JSON_NUMBER_SIZE];

    fputs(",", out);
    if (!isnan(value)) {
        json_format_double(text, value);
        fputs(text, out);
    }
}

static void write_csv_errors(const struct printing *p)
{
    fputs("predictor,series,n,mae,mape,bias,pinball_50,pinball_90\n", p->out);
    for (size_t i = 0; i < p->plan->n; i++) {
        for (int k = 0; k < N_PLAN_SERIES; k++) {
            const struct forecast_error *e = &p->plan->plans[i].error[k];
            fprintf(p->out, "%s,%s,%zu", p->plan->plans[i].predictor, plan_series_names[k], e->n);
            csv_number(p->out, e->mae);
            csv_number(p->out, e->mape);
            csv_number(p->out, e->bias);
            csv_number(p->out, e->pinball_50);
            csv_number(p->out, e->pinball_90);
            fputs("\n", p->out);
        }
    }
}

static void write_csv_intervals(const struct printing *p)
{
    const struct plan *plan = p->plan;

    fputs("start_s,n_requests,isl_tok,osl_tok,predicted_n_requests,predicted_isl_tok,"
          "predicted_osl_tok,prefill_replicas,prefill_load_tok,prefill_safe_tok,decode_replicas,"
          "decode_load_tok,decode_safe_tok\n",
          p->out);
    for (size_t i = 0; i < plan->n_rows; i++) {
        const struct dryrun_row *row = &plan->plans[0].rows[i];
        fprintf(p->out, "%" PRId64, row->start_s);
        for (int k = 0; k < N_PLAN_SERIES; k++)
            csv_number(p->out, plan_observed(row, (enum plan_series)k));
        for (int k = 0; k < N_PLAN_SERIES; k++)
            csv_number(p->out, i == 0 ? NAN : plan_predicted(row, (enum plan_series)k));
        for (int side = 0; side < N_SIDES; side++) {
            bool used = plan->has_side[side];
            csv_number(p->out, used ? (double)row->replicas[side] : NAN);
            csv_number(p->out, used ? row->load_tok[side] : NAN);
            csv_number(p->out, used ? row->safe_tok[side] : NAN);
        }
        fputs("\n", p->out);
    }
}

/* CSV has no place for notes. */
static bool write_csv(const struct printing *p)
{
    for (size_t i = 0; i < p->plan->notes.n; i++)
        terminal_line(stderr, "headroom: note: %s", p->plan->notes.text[i]);
    if (p->all_predictors)
        write_csv_errors(p);
    else
        write_csv_intervals(p);
    return true;
}

/* ---- JSON ---- */

static void json_series(struct json_out *j, const struct dryrun_row *row,
                        double (*value)(const struct dryrun_row *row, enum plan_series series))
{
    for (int k = 0; k < N_PLAN_SERIES; k++)
        json_key_double(j, plan_series_names[k], value(row, (enum plan_series)k));
}

static void json_sides(struct json_out *j, const struct plan *plan, const char *key,
                       const double value[N_SIDES])
{
    json_key(j, key);
    json_object_begin(j);
    for (int side = 0; side < N_SIDES; side++) {
        if (plan->has_side[side])
            json_key_double(j, side_names[side], value[side]);
    }
    json_object_end(j);
}

static void json_observed(struct json_out *j, const struct plan *plan)
{
    json_key(j, "intervals");
    json_array_begin(j);
    for (size_t i = 0; i < plan->n_rows; i++) {
        const struct dryrun_row *row = &plan->plans[0].rows[i];
        json_object_begin(j);
        json_key_int(j, "start_s", row->start_s);
        json_series(j, row, plan_observed);
        json_sides(j, plan, "load_tok", row->load_tok);
        json_object_end(j);
    }
    json_array_end(j);
}

static void json_errors(struct json_out *j, const struct predictor_plan *plan)
{
    json_key(j, "errors");
    json_object_begin(j);
    for (int k = 0; k < N_PLAN_SERIES; k++) {
        const struct forecast_error *e = &plan->error[k];
        json_key(j, plan_series_names[k]);
        json_object_begin(j);
        json_key_int(j, "n", (int64_t)e->n);
        json_key_double(j, "mae", e->mae);
        json_key_double(j, "mape", e->mape);
        json_key_double(j, "bias", e->bias);
        json_key_double(j, "pinball_50", e->pinball_50);
        json_key_double(j, "pinball_90", e->pinball_90);
        json_object_end(j);
    }
    json_object_end(j);
}

static void json_plan(struct json_out *j, const struct plan *plan, const struct predictor_plan *one)
{
    json_object_begin(j);
    json_key_string(j, "predictor", one->predictor);
    json_key_double(j, "gpu_hours", one->gpu_hours);
    json_key_int(j, "n_short", (int64_t)one->n_short);
    json_errors(j, one);
    json_key(j, "intervals");
    json_array_begin(j);
    for (size_t i = 0; i < plan->n_rows; i++) {
        const struct dryrun_row *row = &one->rows[i];
        const double replicas[N_SIDES] = {(double)row->replicas[0], (double)row->replicas[1]};
        json_object_begin(j);
        json_key(j, "predicted");
        if (i == 0) {
            json_null(j);
        } else {
            json_object_begin(j);
            json_series(j, row, plan_predicted);
            json_object_end(j);
        }
        json_sides(j, plan, "replicas", replicas);
        json_sides(j, plan, "safe_tok", row->safe_tok);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static bool write_json(const struct printing *p)
{
    struct json_out j;

    json_out_init(&j, p->out, true);
    json_object_begin(&j);
    json_key_int(&j, "schema_version", 1);
    json_key_string(&j, "scenario", p->scenario->name);
    if (p->scenario->deployment)
        json_key_string(&j, "deployment", p->scenario->deployment);
    json_key_string(&j, "mode", scenario_planner(p->scenario)->mode);
    json_key_int(&j, "interval_s", p->plan->interval_s);
    if (p->plan->notes.n) {
        json_key(&j, "notes");
        json_array_begin(&j);
        for (size_t i = 0; i < p->plan->notes.n; i++)
            json_string(&j, p->plan->notes.text[i]);
        json_array_end(&j);
    }
    json_observed(&j, p->plan);
    json_key(&j, "plans");
    json_array_begin(&j);
    for (size_t i = 0; i < p->plan->n; i++)
        json_plan(&j, p->plan, &p->plan->plans[i]);
    json_array_end(&j);
    json_object_end(&j);
    fputs("\n", p->out);
    return true;
}

/* ---- the verb ---- */

static const struct {
    const char *name;
    bool (*write)(const struct printing *p); /* false when memory was out */
} formats[] = {{"table", write_table}, {"csv", write_csv}, {"json", write_json}};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

static enum status choose_format(const struct cli_args *args, size_t *format, struct diag *d)
{
    const char *name = cli_value(args, "format");

    for (*format = 0; name && *format < N_FORMATS; ++*format) {
        if (strcmp(formats[*format].name, name) == 0)
            return ST_OK;
    }
    if (!name)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "option '--format' must be table, csv or json, not '%s'", name);
}

static enum status write_to_file(struct printing *p, size_t format, const char *path,
                                 struct diag *d)
{
    struct source_pos at = {.file = path};

    p->out = fopen(path, "w");
    if (!p->out)
        return diag_fail_at(d, ST_IO, at, "cannot write: %s", strerror(errno));
    bool written = formats[format].write(p);
    bool failed = ferror(p->out);
    if (fclose(p->out) != 0 || failed)
        return diag_fail_at(d, ST_IO, at, "cannot write: %s", strerror(errno));
    return written ? ST_OK : diag_nomem(d, "table");
}

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct printing *p = context;

    return plan_page_write(p->plan, p->scenario, out, p->arena, d);
}

static enum status write_all(struct printing *p, size_t format, const struct cli_args *args,
                             struct diag *d)
{
    const char *page = cli_value(args, "html"), *file = cli_value(args, "out");

    if (page) {
        enum status s = out_path_put(args, page, cli_flag(args, "force"), write_page, p, d);
        if (s)
            return s;
    }
    if (file)
        return write_to_file(p, format, file, d);
    return formats[format].write(p) ? ST_OK : diag_nomem(d, "table");
}

enum status plan_run(const struct cli_args *args, struct diag *d)
{
    struct scenario *scenario;
    const struct scenario *one;
    struct scenario_source source;
    struct profile_search search;
    struct run_resources *resources = NULL;
    struct plan plan;
    size_t format;

    enum status s = choose_format(args, &format, d);
    if (!s)
        s = out_path_check(args, "html", d);
    if (!s)
        s = cli_load_scenario(&scenario, &source, args, d);
    if (!s)
        s = cli_one_deployment(&one, scenario, "a plan is", args, d);
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    bool all = cli_flag(args, "all-predictors");
    if (!s)
        s = run_resources_create(&resources, &search, d);
    if (!s)
        s = scenario_plan(&plan, one, args->arena, resources, all, d);
    run_resources_free(resources);
    if (s)
        return s;
    struct printing printing = {
        .plan = &plan, .scenario = one, .all_predictors = all, .arena = args->arena, .out = stdout};
    return write_all(&printing, format, args, d);
}
