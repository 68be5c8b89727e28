#include <inttypes.h>

#include "cli/cli.h"
#include "traces/trace.h"
#include "util/units.h"

const struct cli_option trace_info_options[] = {
    {"format", '\0', "NAME", "format of the file; told from its content when not given"},
    {"sort", '\0', NULL, "put requests in order of arrival first; takes memory for all of them"},
    {.name = NULL},
};

struct lengths {
    uint64_t sum, min, max;
};

static void count(struct lengths *l, uint64_t value)
{
    l->sum += value;
    l->min = value < l->min ? value : l->min;
    l->max = value > l->max ? value : l->max;
}

static void print_lengths(const char *name, const struct lengths *l, uint64_t n)
{
    printf("%-20s mean %.1f, min %" PRIu64 ", max %" PRIu64 ", sum %" PRIu64 "\n", name,
           (double)l->sum / (double)n, l->min, l->max, l->sum);
}

static enum status read_all(struct trace_reader *reader, struct diag *d)
{
    struct lengths isl = {.min = UINT64_MAX}, osl = {.min = UINT64_MAX};
    struct trace_request request;
    uint64_t n = 0, n_blocks = 0;
    int64_t last_ns = 0;
    enum status s;

    while ((s = trace_next(reader, &request, d)) == ST_OK) {
        n++;
        n_blocks += request.n_blocks;
        last_ns = request.arrival_ns;
        count(&isl, request.isl_tok);
        count(&osl, request.osl_tok);
    }
    if (s != ST_END)
        return s;
    double span_s = s_from_ns(last_ns);
    printf("format               %s\n", trace_format(reader));
    printf("requests             %" PRIu64 "\n", n);
    printf("span                 %.3f s\n", span_s);
    if (span_s > 0)
        printf("rate                 %.3f requests/s\n", (double)n / span_s);
    print_lengths("input tokens", &isl, n);
    print_lengths("output tokens", &osl, n);
    printf("prefix blocks        %" PRIu64 "\n", n_blocks);
    printf("digest               %016" PRIx64 "\n", trace_digest(reader));
    return ST_OK;
}

static enum status info_run(const struct cli_args *args, struct diag *d)
{
    struct trace_options options = {.format = cli_value(args, "format"),
                                    .speedup = 1,
                                    .block_size_tok = 512,
                                    .sort = cli_flag(args, "sort")};
    struct trace_reader *reader;

    enum status s = trace_open(&reader, args->words[0], &options, d);
    if (s)
        return s;
    printf("file                 %s\n", args->words[0]);
    s = read_all(reader, d);
    trace_close(reader);
    return s;
}

const struct cli_verb trace_verbs[] = {
    {.name = "info",
     .words = "FILE",
     .min_words = 1,
     .max_words = 1,
     .summary = "read a whole trace, and print its size, rate and lengths",
     .options = trace_info_options,
     .run = info_run},
    {.name = NULL},
};
