#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "cli/size_print.h"
#include "pages/size/size_page.h"
#include "scenarios/compose/checks.h"
#include "studies/size/size.h"

enum {
    MAX_MISSING = 1000,
    MAX_REPLICATES = 1000,
    MAX_GPUS = 1000000,
    MAX_CHOICES = 1000000,
    N_TOP = SIZE_MAX_ROWS,
    N_DETAILED = 10
};

const struct cli_option size_options[] = {
    {"target", 't', "EXPR",
     "what the fleet has to meet, e.g. 'attainment.overall>=0.99' (default; attainment alone is "
     "the same)"},
    {"profiles", 'p', "GLOB,...",
     "engines: patterns over the names of bundled profiles, or files (default: the scenario's own; "
     "with --model or --gpu all)"},
    {"model", 'm', "TEXT,...", "only profiles of a model with one of these in its name"},
    {"gpu", 'g', "TEXT,...", "only profiles of such GPUs, e.g. h100,h200"},
    {"topologies", '\0', "NAME,...",
     "agg, disagg (default: both), mixed: prefill and decode workers of the same engine with other "
     "tensor-parallel sizes, every pair of the profiles"},
    {"scale-load", '\0', "X,...", "loads, as factors of the scenario's (default 1)"},
    {"growth", '\0', "P%/month",
     "a load that grows so much a month, or a /year: when the fleet is too small, and what to buy"},
    {"months", '\0', "N", "how far ahead --growth looks (default 12)"},
    {"max-gpus", '\0', "N", "the largest fleet there may be"},
    {"survive", '\0', "N", "meet the target also with any N workers of a pool missing (default 0)"},
    {"top", '\0', "N|all",
     "find the fleets of the N cheapest choices of each load; of the others only what they cost at "
     "least (default 12)"},
    {"detail", '\0', "N",
     "range and spare load of the N cheapest choices of each load only (default 10)"},
    {"replicates", 'r', "R", "range of GPUs from so many other courses of the traffic"},
    {"policy", '\0', "scenario|FILE",
     "also with a policy in the loop: the scenario's own, or that of an overlay (as 'headroom "
     "tune' "
     "writes it)"},
    {"prices", '\0', "NAME",
     "price list (headroom list presets), or the path of one; default: the scenario's, else "
     "coreweave"},
    {"json", '\0', "FILE", "write all figures of all choices there"},
    {"csv", '\0', "FILE", "the same as a table, a row per choice"},
    {"html", '\0', "FILE", "the same as a page for a browser, with costs and what-ifs as charts"},
    CLI_SET,
    {"deployment", '\0', "NAME",
     "of a scenario with several: which one to size, with its own traffic"},
    CLI_OVERLAY,
    CLI_SEED,
    CLI_JOBS,
    {"force", '\0', NULL, "replace the files of --json, --csv and --html"},
    CLI_QUIET,
    {.name = NULL},
};

static const char default_target[] = "attainment.overall>=0.99", default_prices[] = "coreweave";

/* ---- options ---- */

static enum status target_option(struct size_options *o, const struct cli_args *args,
                                 struct diag *d)
{
    const char *text = cli_value(args, "target");
    struct expectation *target = ARENA_NEW(args->arena, 1, struct expectation);
    const struct source_pos at = {"--target", 0, 0};

    if (!target)
        return diag_nomem(d, "target");
    o->target = target;
    enum status s = expectation_parse(target, args->arena, text ? text : default_target, at, d);
    if (s)
        return s;
    if (strcmp(target->key, "attainment") == 0)
        target->key = "attainment.overall";
    s = scenario_check_expectation(o->scenario, target, d);
    return s ? s : size_check_target(target, d);
}

static enum status profile_options(struct size_options *o, const struct profile_search *search,
                                   const struct cli_args *args, struct diag *d)
{
    struct size_filter filter = {0};

    enum status s = cli_list(&filter.patterns, &filter.n_patterns, args, "profiles", d);
    if (!s)
        s = cli_list(&filter.models, &filter.n_models, args, "model", d);
    if (!s)
        s = cli_list(&filter.gpus, &filter.n_gpus, args, "gpu", d);
    if (s || filter.n_patterns + filter.n_models + filter.n_gpus == 0)
        return s;
    s = cli_need_folder(search->dirs, "HEADROOM_PROFILES", d);
    return s ? s : size_profiles(&o->profiles, &o->n_profiles, args->arena, search, &filter, d);
}

static enum status topology_option(struct size_options *o, const struct cli_args *args,
                                   struct diag *d)
{
    enum size_topology *to = ARENA_NEW(args->arena, N_SIZE_TOPOLOGIES, enum size_topology);
    bool wanted[N_SIZE_TOPOLOGIES] = {false};
    const char *const *names;
    size_t n;

    enum status s = cli_list(&names, &n, args, "topologies", d);
    if (s)
        return s;
    if (!to)
        return diag_nomem(d, "topologies");
    for (size_t i = 0; i < n; i++) {
        size_t t = 0;
        while (t < N_SIZE_TOPOLOGIES && strcmp(names[i], size_topology_names[t]) != 0)
            t++;
        if (t == N_SIZE_TOPOLOGIES)
            return diag_fail(d, ST_INPUT,
                             "unknown topology '%s'; expected some of agg, disagg, mixed",
                             names[i]);
        wanted[t] = true;
    }
    for (size_t t = 0; t < N_SIZE_TOPOLOGIES; t++) {
        if (n == 0 ? t != SIZE_MIXED : wanted[t])
            to[o->n_topologies++] = (enum size_topology)t;
    }
    o->topologies = to;
    return ST_OK;
}

static enum status load_option(struct size_options *o, const struct cli_args *args, struct diag *d)
{
    const char *const *texts;
    size_t n;

    enum status s = cli_list(&texts, &n, args, "scale-load", d);
    if (s)
        return s;
    double *loads = ARENA_NEW(args->arena, n + 1, double);
    if (!loads)
        return diag_nomem(d, "loads");
    for (size_t i = 0; i < n; i++) {
        char *end;
        loads[i] = strtod(texts[i], &end);
        if (end == texts[i] || *end || !(loads[i] > 0) || loads[i] > 1000)
            return diag_fail(d, ST_INPUT,
                             "option '--scale-load' must be factors above 0, up to 1000, such as "
                             "1,3, not '%s'",
                             texts[i]);
        for (size_t k = 0; k < i; k++) {
            if (loads[k] == loads[i])
                return diag_fail(d, ST_INPUT, "option '--scale-load' has %s twice", texts[i]);
        }
    }
    if (n && !o->scenario->trace.path)
        return diag_fail(d, ST_INPUT, "option '--scale-load' is of a trace; expected %s",
                         o->scenario->traffic.clients ? "other traffic.clients"
                                                      : "other traffic.rate_per_s");
    if (n == 0)
        loads[n++] = 1;
    o->loads = loads;
    o->n_loads = n;
    return ST_OK;
}

/* As many as are in detail, at least. */
static enum status top_option(struct size_options *o, const struct cli_args *args, struct diag *d)
{
    const char *text = cli_value(args, "top");
    long long n_top;

    if (text && strcmp(text, "all") == 0) {
        o->n_top = SIZE_MAX;
        return ST_OK;
    }
    enum status s = cli_integer(args, "top", 1, MAX_CHOICES, N_TOP, &n_top, d);
    o->n_top = (size_t)n_top < o->n_detailed ? o->n_detailed : (size_t)n_top;
    return s;
}

static enum status count_options(struct size_options *o, const struct cli_args *args,
                                 struct diag *d)
{
    long long max_gpus, n_detailed, n_missing, replicates;

    enum status s = cli_integer(args, "max-gpus", 1, MAX_GPUS, 0, &max_gpus, d);
    if (!s)
        s = cli_integer(args, "detail", 0, MAX_CHOICES, N_DETAILED, &n_detailed, d);
    if (!s)
        s = cli_integer(args, "survive", 0, MAX_MISSING, 0, &n_missing, d);
    if (!s)
        s = cli_integer(args, "replicates", 2, MAX_REPLICATES, 0, &replicates, d);
    if (!s)
        s = cli_jobs(args, &o->n_threads, d);
    if (s)
        return s;
    /* What the scenario's cluster has is a limit, too. */
    int64_t cluster = o->scenario->cluster.nodes * o->scenario->cluster.gpus_per_node;
    o->max_gpus = cluster && (!max_gpus || cluster < max_gpus) ? cluster : max_gpus;
    o->n_missing = n_missing;
    o->n_detailed = (size_t)n_detailed;
    o->n_replicates = (size_t)replicates;
    return top_option(o, args, d);
}

/* Those of the scenario, unless others are asked for. */
static enum status price_option(struct size_options *o, const struct scenario_source *source,
                                const struct cli_args *args, struct diag *d)
{
    const char *name = cli_value(args, "prices");
    struct scenario *priced = ARENA_NEW(args->arena, 1, struct scenario);
    struct scenario_override override = {.label = name ? "--prices" : "prices"};
    struct study_variant variant = {.n_overrides = 1, .overrides = &override};
    struct scenario_source with;

    o->prices = &o->scenario->cost.per_gpu_hour;
    o->currency = o->scenario->cost.currency;
    if (!name && o->prices->n)
        return ST_OK;
    override.text = arena_printf(args->arena, "cost={preset: '%s'}", name ? name : default_prices);
    if (!priced || !override.text)
        return diag_nomem(d, "prices");
    enum status s = study_source(&with, args->arena, source, &variant, d);
    if (!s)
        s = scenario_read(priced, args->arena, &with, d);
    if (s)
        return s;
    o->prices = &priced->cost.per_gpu_hour;
    o->currency = priced->cost.currency;
    return ST_OK;
}

static enum status policy_option(struct size_options *o, const struct scenario_source *source,
                                 const struct cli_args *args, struct diag *d)
{
    const char *name = cli_value(args, "policy");

    if (name && o->n_missing)
        return diag_fail(d, ST_INPUT,
                         "options '--policy' and '--survive' do not go together: a policy replaces "
                         "what is missing");
    return name ? size_policy_read(&o->policy, args->arena, name, source, d) : ST_OK;
}

/* ---- the files ---- */

static const struct {
    const char *option;
    void (*write)(const struct size_result *result, FILE *out); /* NULL: write_page */
} files[] = {{"json", size_write_json}, {"csv", size_write_csv}, {"html", NULL}};

enum { N_FILES = sizeof files / sizeof *files };

struct writing {
    const struct size_result *result;
    size_t file;
};

/* Out of the very text that --json has, so that a page can be made of that file later. */
static enum status write_page(const struct size_result *result, FILE *out, struct diag *d)
{
    char *text = NULL;
    size_t n = 0;
    FILE *json = open_memstream(&text, &n);

    if (!json)
        return diag_nomem(d, "page");
    size_write_json(result, json);
    enum status s = fclose(json) ? diag_nomem(d, "page") : ST_OK;
    if (!s)
        s = size_page_write_text("--json", text, n, out, d);
    free(text);
    return s;
}

static enum status write_file(void *context, FILE *out, struct diag *d)
{
    const struct writing *w = context;

    if (!files[w->file].write)
        return write_page(w->result, out, d);
    files[w->file].write(w->result, out);
    return ST_OK;
}

static enum status check_files(const struct cli_args *args, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < N_FILES && !s; i++) {
        const char *path = cli_value(args, files[i].option);
        s = out_path_check(args, files[i].option, d);
        for (size_t k = 0; k < i && path && !s; k++) {
            const char *other = cli_value(args, files[k].option);
            if (other && strcmp(other, path) == 0)
                s = diag_fail(d, ST_INPUT, "options '--%s' and '--%s' name the same file '%s'",
                              files[k].option, files[i].option, path);
        }
    }
    return s;
}

static enum status write_files(const struct size_result *result, const struct cli_args *args,
                               struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < N_FILES && !s; i++) {
        struct writing w = {result, i};
        const char *path = cli_value(args, files[i].option);
        if (path)
            s = out_path_put(args, path, cli_flag(args, "force"), write_file, &w, d);
    }
    return s;
}

/* ---- the verb ---- */

static enum status search(struct size_options *o, const struct cli_args *args, struct diag *d)
{
    const struct size_result *result;
    struct progress progress;

    progress_init(&progress, !cli_flag(args, "quiet"));
    o->cancel = interrupt_begin();
    o->progress = progress_runs;
    o->context = &progress;
    enum status s = size_fleets(&result, args->arena, o, d);
    progress_end(&progress);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s\n", d->text, interrupt_name());
    if (!s)
        s = write_files(result, args, d);
    if (!s && !cli_flag(args, "quiet"))
        s = size_print(result, stdout, args->arena, d);
    if (s)
        return s;
    return result->holds ? ST_OK : ST_MISSED;
}

/* Of several the one that is asked for, as a scenario of its own. */
static enum status choose_deployment(struct scenario **scenario, struct scenario_source *source,
                                     const struct cli_args *args, struct diag *d)
{
    const struct scenario *one;

    enum status s = cli_one_deployment(&one, *scenario, "a size is", args, d);
    if (s || one == *scenario)
        return s;
    s = scenario_source_alone(source, one, d);
    *scenario = ARENA_NEW(args->arena, 1, struct scenario);
    if (!s && !*scenario)
        s = diag_nomem(d, "scenario");
    return s ? s : scenario_read(*scenario, args->arena, source, d);
}

enum status size_run(const struct cli_args *args, struct diag *d)
{
    struct size_options o = {0};
    struct scenario *scenario;
    struct scenario_source source;
    struct profile_search profiles;

    enum status s = cli_load_scenario(&scenario, &source, args, d);
    if (!s)
        s = choose_deployment(&scenario, &source, args, d);
    if (s)
        return s;
    o.source = &source;
    o.scenario = scenario;
    s = target_option(&o, args, d);
    if (!s)
        s = topology_option(&o, args, d);
    if (!s)
        s = load_option(&o, args, d);
    if (!s)
        s = count_options(&o, args, d);
    if (!s)
        s = size_growth_option(&o, args, d);
    if (!s)
        s = price_option(&o, &source, args, d);
    if (!s)
        s = policy_option(&o, &source, args, d);
    if (!s)
        s = check_files(args, d);
    if (!s)
        s = cli_profile_search(&profiles, args->arena, d);
    if (!s)
        s = profile_options(&o, &profiles, args, d);
    if (!s)
        s = run_resources_create(&o.resources, &profiles, d);
    if (s)
        return s;
    s = search(&o, args, d);
    run_resources_free(o.resources);
    return s;
}
