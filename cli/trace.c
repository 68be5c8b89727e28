#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "traces/trace.h"
#include "traces/trace_stats.h"
#include "util/units.h"

enum { SPARK_CELLS = 36 }; /* the line stays within 80 columns */

const struct cli_option trace_info_options[] = {
    {"format", '\0', "NAME", "format of the file; told from its content when not given"},
    {"sort", '\0', NULL, "put requests in order of arrival first; takes memory for all of them"},
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

static void print_rate(const struct trace_stats *stats, const struct terminal *terminal)
{
    double span_s = s_from_ns(stats->last_ns);

    printf("span            %.3f s\n", span_s);
    if (!(span_s > 0))
        return;
    printf("rate            %.3f requests/s\n", (double)stats->n_requests / span_s);
    printf("peak minute     %" PRIu64 " requests (%.3f/s), from minute %" PRId64 " on\n",
           stats->peak_requests, (double)stats->peak_requests / 60, stats->peak_minute);
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

static void print_stats(const struct trace_stats *stats, const struct trace_reader *reader,
                        const struct terminal *terminal)
{
    double reuse = trace_stats_reuse(stats);

    printf("format          %s\n", trace_format(reader));
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
    printf("\ndigest          %016" PRIx64 "\n", trace_digest(reader));
}

static enum status read_all(struct trace_reader *reader, struct trace_stats *stats, struct diag *d)
{
    struct trace_request request;
    enum status s;

    while ((s = trace_next(reader, &request, d)) == ST_OK)
        if ((s = trace_stats_add(stats, &request, d)))
            return s;
    return s == ST_END ? ST_OK : s;
}

static enum status info_run(const struct cli_args *args, struct diag *d)
{
    struct trace_options options = {.format = cli_value(args, "format"),
                                    .speedup = 1,
                                    .block_size_tok = 512,
                                    .sort = cli_flag(args, "sort")};
    struct trace_reader *reader;
    struct trace_stats *stats = NULL;

    enum status s = trace_open(&reader, args->words[0], &options, d);
    if (!s)
        s = trace_stats_create(&stats, d);
    if (!s)
        s = read_all(reader, stats, d);
    if (!s) {
        const struct terminal terminal = cli_terminal(args);
        printf("file            %s\n", args->words[0]);
        print_stats(stats, reader, &terminal);
    }
    trace_stats_free(stats);
    trace_close(reader);
    return s;
}

const struct cli_verb trace_verbs[] = {
    {.name = "info",
     .words = "FILE",
     .min_words = 1,
     .max_words = 1,
     .summary = "read a whole trace, and print its size, rate over time, lengths and prefix reuse",
     .options = trace_info_options,
     .run = info_run},
    {.name = NULL},
};
