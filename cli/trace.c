#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out_dir.h"
#include "pages/trace/trace_page.h"
#include "scenarios/compose/requests.h"
#include "traces/trace_stats.h"
#include "util/units.h"

enum { SPARK_CELLS = 36 }; /* the line stays within 80 columns */

const struct cli_option trace_info_options[] = {
    {"set", 's', "PATH=VALUE",
     "of a scenario: override a key, e.g. replicate=1; may be repeated, later ones win"},
    CLI_OVERLAY,
    {"deployment", '\0', "NAME", "of a scenario with several: whose requests"},
    {"format", '\0', "NAME", "format of the file; told from its content when not given"},
    {"sort", '\0', NULL, "put requests in order of arrival first; takes memory for all of them"},
    {"html", '\0', "FILE", "also write a page for a browser there: rates, lengths, prefixes"},
    {"force", '\0', NULL, "replace the file of --html"},
    {.name = NULL},
};

static void print_spark(const struct trace_stats *stats, const struct terminal *terminal)
{
    double rate[SPARK_CELLS], min = INFINITY, max = 0;

    trace_stats_rate(stats, SPARK_CELLS, rate);
    for (size_t i = 0; i < SPARK_CELLS; i++) {
        min = fmin(min, rate[i]);
        max = fmax(max, rate[i]);
    }
    printf("over time       ");
    for (size_t i = 0; i < SPARK_CELLS; i++)
        fputs(terminal_bar(terminal, rate[i] / max), stdout);
    printf("  %.3g to %.3g per s\n", min, max);
}

static void print_dispersion(const struct trace_stats *stats)
{
    const char *before = "dispersion      ";

    for (size_t i = 0; i < TRACE_N_WINDOWS; i++) {
        double dispersion = trace_stats_dispersion(stats, i);
        if (isnan(dispersion))
            break;
        printf("%s%.3g in %" PRId64 " s", before, dispersion, trace_window_s[i]);
        before = ", ";
    }
    if (*before == ',')
        puts("");
}

static void print_rate(const struct trace_stats *stats, const struct terminal *terminal)
{
    double span_s = s_from_ns(stats->last_ns);

    printf("span            %.3f s\n", span_s);
    if (!(span_s > 0))
        return;
    printf("rate            %.3f requests/s\n", (double)stats->n_requests / span_s);
    printf("peak minute     %" PRIu64 " requests (%.3f/s), from minute %" PRId64 " on\n",
           stats->peak_requests, (double)stats->peak_requests / 60, stats->peak_minute);
    print_dispersion(stats);
    print_spark(stats, terminal);
}

static void print_quantiles(const char *name, const struct histogram *h, double unit)
{
    static const double shares[] = {0.5, 0.9, 0.99};

    if (h->n == 0)
        return;
    printf("%-16s%10.1f%9.0f", name, h->sum / (double)h->n / unit, (double)h->min / unit);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        printf("%9.0f", histogram_quantile(h, shares[i]) / unit);
    printf("%9.0f\n", (double)h->max / unit);
}

static void print_stats(const struct trace_stats *stats, const char *format,
                        const struct request_source *source, const struct terminal *terminal)
{
    double reuse = trace_stats_reuse(stats);

    if (format)
        printf("format          %s\n", format);
    printf("requests        %" PRIu64 "\n", stats->n_requests);
    print_rate(stats, terminal);
    printf("\n%-16s%10s%9s%9s%9s%9s%9s\n", "", "mean", "min", "p50", "p90", "p99", "max");
    print_quantiles("input tokens", &stats->isl_tok, 1);
    print_quantiles("output tokens", &stats->osl_tok, 1);
    print_quantiles("between, ms", &stats->gap_ns, (double)NS_PER_MS);
    printf("\ntokens          %.0f in, %.0f out\n", stats->isl_tok.sum, stats->osl_tok.sum);
    printf("prefix blocks   %" PRIu64, stats->n_blocks);
    if (!isnan(reuse))
        printf(", %.1f %% of them seen before", 100 * reuse);
    printf("\ndigest          %016" PRIx64 "\n", request_source_digest(source));
}

static enum status read_all(const struct request_source *source, struct trace_stats *stats,
                            struct diag *d)
{
    struct trace_request request;
    enum status s;

    while ((s = request_source_next(source, &request, d)) == ST_OK)
        if ((s = trace_stats_add(stats, &request, d)))
            return s;
    return s == ST_END ? ST_OK : s;
}

struct written {
    struct trace_page page;
    struct arena *arena;
};

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct written *w = context;

    return trace_page_write(&w->page, out, w->arena, d);
}

static enum status print_info(const struct cli_args *args, const char *name, const char *format,
                              const struct request_source *source, struct diag *d)
{
    const char *page = cli_value(args, "html");
    struct trace_stats *stats;

    enum status s = trace_stats_create(&stats, d);
    if (!s)
        s = read_all(source, stats, d);
    if (!s) {
        const struct terminal terminal = cli_terminal(args);
        struct written written = {{name, format, request_source_digest(source), stats},
                                  args->arena};
        terminal_line(stdout, "file            %s", name);
        print_stats(stats, format, source, &terminal);
        if (page)
            s = out_path_put(args, page, cli_flag(args, "force"), write_page, &written, d);
    }
    trace_stats_free(stats);
    return s;
}

static enum status info_of_file(const struct cli_args *args, struct diag *d)
{
    const struct trace_options options = {.format = cli_value(args, "format"),
                                          .speedup = 1,
                                          .block_size_tok = 512,
                                          .sort = cli_flag(args, "sort")};
    struct trace_reader *reader;

    for (size_t i = 0; i < args->n_given; i++) {
        const char *name = args->given[i].option->name;
        if (strcmp(name, "set") == 0 || strcmp(name, "overlay") == 0 ||
            strcmp(name, "deployment") == 0)
            return diag_fail(d, ST_INPUT, "--%s %s: '%s' is no scenario (a .yaml file)", name,
                             args->given[i].value, args->words[0]);
    }
    enum status s = trace_open(&reader, args->words[0], &options, d);
    if (s)
        return s;
    const struct request_source source = trace_reader_source(reader);
    s = print_info(args, args->words[0], trace_format(reader), &source, d);
    trace_close(reader);
    return s;
}

/* The requests that a run of it gets. */
static enum status info_of_scenario(const struct cli_args *args, struct diag *d)
{
    static const struct profile_search no_profiles;
    struct scenario_requests requests;
    struct scenario_source source;
    struct run_resources *resources;
    struct scenario *scenario;
    const struct scenario *one;

    if (cli_value(args, "format") || cli_flag(args, "sort"))
        return diag_fail(d, ST_INPUT,
                         "--format and --sort are of a trace file; of a scenario, expected --set "
                         "trace.format=NAME, --set trace.sort=true");
    enum status s = cli_load_scenario(&scenario, &source, args, d);
    if (!s)
        s = cli_one_deployment(&one, scenario, "what is told of requests is", args, d);
    if (s)
        return s;
    if (one->traffic.clients)
        return diag_fail_at(d, ST_INPUT, scenario_at(one, "traffic.clients"),
                            "traffic.clients: when clients send their requests is known after the "
                            "run; expected trace.path");
    s = run_resources_create(&resources, &no_profiles, d);
    if (s)
        return s;
    s = scenario_requests_open(&requests, one, resources, false, d);
    if (!s) {
        const char *how = scenario_requests_text(one, args->arena);
        const char *name = how ? arena_printf(args->arena, "%s%s%s%s",
                                              one->trace.path ? one->trace.path : "traffic", how,
                                              one->deployment ? ", deployment " : "",
                                              one->deployment ? one->deployment : "")
                               : NULL;
        s = name ? print_info(args, name, requests.trace_format, &requests.source, d)
                 : diag_nomem(d, "scenario");
        scenario_requests_close(&requests);
    }
    run_resources_free(resources);
    return s;
}

static enum status info_run(const struct cli_args *args, struct diag *d)
{
    const char *ending = strrchr(args->words[0], '.');
    bool is_scenario = ending && (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".yml") == 0);

    enum status s = out_path_check(args, "html", d);
    if (s)
        return s;
    return is_scenario ? info_of_scenario(args, d) : info_of_file(args, d);
}

const struct cli_verb trace_verbs[] = {
    {.name = "info",
     .words = "FILE",
     .min_words = 1,
     .max_words = 1,
     .summary = "size, rate, bursts, lengths and prefix reuse of a trace, or a scenario's",
     .options = trace_info_options,
     .run = info_run},
    {.name = NULL},
};
