#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "reports/causes/causes_report.h"
#include "reports/summary_print_internal.h"
#include "util/text.h"

enum { TEXT_SIZE = TEXT_FIGURE_SIZE, LINE_SIZE = 512, LABEL = PRINT_LABEL_WIDTH };
enum { REST = TERMINAL_WIDTH - LABEL };

static const char bold[] = PRINT_BOLD, dim[] = PRINT_DIM, red[] = PRINT_RED, plain[] = PRINT_PLAIN;

const char *print_style(const struct terminal *p, const char *code)
{
    return p->colour ? code : "";
}

const char *print_fixed(char text[TEXT_SIZE], double v, int decimals)
{
    if (isnan(v))
        snprintf(text, TEXT_SIZE, "-");
    else if (fabs(v) < 1e7)
        snprintf(text, TEXT_SIZE, "%.*f", decimals, v);
    else
        snprintf(text, TEXT_SIZE, "%.3e", v);
    return text;
}

/* Rounded down: 99.999 % is not all of them. The small addend is for shares such as 0.29 * 10000.
 */
const char *print_percent(char text[TEXT_SIZE], double share)
{
    if (isnan(share))
        snprintf(text, TEXT_SIZE, "-");
    else
        snprintf(text, TEXT_SIZE, "%.2f %%", floor(share * 1e4 + 1e-9) / 100);
    return text;
}

/* At most `width` characters of UTF-8. */
static void cut(const struct terminal *p, const char *text, int width)
{
    char shown[LINE_SIZE];
    size_t n = 0;

    for (int i = 0; text[n] && i < width; i++) {
        size_t bytes = text_character(text + n);
        n += bytes ? bytes : 1;
    }
    snprintf(shown, sizeof shown, "%.*s", (int)n, text);
    terminal_text(p->out, shown);
}

static void subtitle(const struct terminal *p, const char *text)
{
    fprintf(p->out, "%s%-*s%s", print_style(p, bold), LABEL, text, print_style(p, plain));
}

void print_title(const struct terminal *p, const char *text)
{
    fputc('\n', p->out);
    subtitle(p, text);
}

void print_label(const struct terminal *p, const char *text)
{
    fprintf(p->out, "  %-*.*s ", LABEL - 3, LABEL - 3, text);
}

/* What follows a label, in as many lines as it takes. */
__attribute__((format(printf, 3, 4))) void print_rest(const struct terminal *p, const char *code,
                                                      const char *format, ...)
{
    char line[LINE_SIZE];
    const char *text = line;
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    do {
        char shown[LINE_SIZE];
        size_t n = text_line(text, REST);
        snprintf(shown, sizeof shown, "%.*s", (int)n, text);
        fputs(print_style(p, code), p->out);
        terminal_text(p->out, shown);
        fprintf(p->out, "%s\n", print_style(p, plain));
        text += n + (text[n] == ' ');
        if (*text)
            fprintf(p->out, "%*s", LABEL, "");
    } while (*text);
}

static void cells(const struct terminal *p, int width, size_t n, const char *const *texts)
{
    for (size_t i = 0; i < n; i++)
        fprintf(p->out, "%s%*s%s", print_style(p, dim), width, texts[i], print_style(p, plain));
    fputc('\n', p->out);
}

/* With two decimals, or as many as there is room for behind a blank. */
static const char *latency(char text[TEXT_SIZE], double ms, int width)
{
    for (int decimals = 2; decimals >= 0; decimals--) {
        if ((int)strlen(print_fixed(text, ms, decimals)) < width)
            return text;
    }
    snprintf(text, TEXT_SIZE, "%.1e", ms);
    return text;
}

static void figures(const struct terminal *p, size_t n, const double *values, int decimals)
{
    char text[TEXT_SIZE];

    for (size_t i = 0; i < n; i++)
        fprintf(p->out, "%11s", print_fixed(text, values[i], decimals));
    fputc('\n', p->out);
}

static void print_head(const struct terminal *p, const struct summary *y)
{
    fputs(print_style(p, bold), p->out);
    cut(p, y->scenario ? y->scenario : "-", 30);
    fprintf(p->out, "%s   policy ", print_style(p, plain));
    cut(p, y->policy.name ? y->policy.name : "-", 10);
    if (y->policy.predictor) {
        fputs(" (", p->out);
        cut(p, y->policy.predictor, 10);
        fputc(')', p->out);
    }
    fprintf(p->out, "   seed %" PRIu64 "\n", y->seed);
    print_about(p, y);
}

void print_about(const struct terminal *p, const struct summary *y)
{
    const struct run_info *info = y->info;

    if (info->trace || info->traffic) {
        print_label(p, info->trace ? "trace" : "traffic");
        print_rest(p, "", "%s", info->trace ? info->trace : info->traffic);
    }
    for (size_t i = 0; i < info->n_pools; i++) {
        print_label(p, info->pool_names[i]);
        print_rest(p, "", "%d GPU%s per worker%s%s", info->gpus_per_worker[i],
                   info->gpus_per_worker[i] == 1 ? "" : "s", info->profiles[i] ? ", " : "",
                   info->profiles[i] ? info->profiles[i] : "");
    }
    if (y->engine.overheads && strcmp(y->engine.overheads, "none") != 0) {
        print_label(p, "overheads");
        print_rest(p, "", "%s", y->engine.overheads);
    }
    bool said = y->policy.predictor && y->policy.details &&
                strcmp(y->policy.predictor, y->policy.details) == 0;
    if (y->policy.details && !said) {
        print_label(p, "policy");
        print_rest(p, "", "%s", y->policy.details);
    }
    for (size_t i = 0; i < y->notes.n; i++) {
        print_label(p, "note");
        print_rest(p, red, "%s", y->notes.text[i]);
    }
}

static void print_attainment(const struct terminal *p, const struct summary *y)
{
    char share[TEXT_SIZE], count[TEXT_SIZE];

    print_title(p, "SLA attainment");
    fprintf(p->out, "%s%11s%s  TTFT <= %g ms and TPOT <= %g ms, of all offered\n",
            print_style(p, bold), print_percent(share, y->attainment.overall),
            print_style(p, plain), y->sla.ttft_ms, y->sla.tpot_ms);
    print_label(p, "TTFT alone");
    fprintf(p->out, "%11s  %s completed above the target\n",
            print_percent(share, y->attainment.ttft), text_grouped(count, y->requests.missed_ttft));
    print_label(p, "TPOT alone");
    fprintf(p->out, "%11s  %s completed above the target\n",
            print_percent(share, y->attainment.tpot), text_grouped(count, y->requests.missed_tpot));
    print_label(p, "windows");
    fprintf(p->out, "%11s  of %s with traffic, mean TTFT and ITL\n",
            print_percent(share, y->attainment.windows),
            text_grouped(count, y->attainment.n_windows));
}

/* What the work that came needed beside what was ready. */
static void print_capacity(const struct terminal *p, const struct summary *y)
{
    char text[CAPACITY_SENTENCE_SIZE];

    for (size_t i = 0; y->capacity.kept && i < y->info->n_pools; i++) {
        print_label(p, i ? "" : "capacity");
        print_rest(p, "", "%s",
                   capacity_sentence(text, &y->capacity.pools[i], y->info->pool_names[i]));
    }
}

void print_why(const struct terminal *p, const struct summary *y)
{
    const struct run_info *info = y->info;
    char text[CAUSE_STORY_SIZE];

    if (!y->causes.kept || y->causes.missed == 0)
        return;
    print_title(p, "Why");
    bool first = true;
    for (int kind = 0; kind < N_MISS_KINDS; kind++) {
        cause_story(text, &y->causes, (enum miss_kind)kind, first ? 3 : 2, info->n_pools,
                    info->pool_names);
        if (!*text)
            continue;
        if (!first)
            print_label(p, "");
        print_rest(p, "", "%s", text);
        first = false;
    }
    print_capacity(p, y);
}

void print_requests(const struct terminal *p, const struct summary *y)
{
    static const char *const heads[] = {"offered",  "completed",  "lost",
                                        "rejected", "unfinished", "retried"};
    const uint64_t counts[] = {y->requests.offered,  y->requests.completed,  y->requests.lost,
                               y->requests.rejected, y->requests.unfinished, y->requests.retried};
    char text[TEXT_SIZE];

    static const int width[] = {11, 11, 11, 9, 11, 8};

    print_title(p, "Requests");
    for (size_t i = 0; i < 6; i++)
        fprintf(p->out, "%s%*s%s", print_style(p, dim), width[i], heads[i], print_style(p, plain));
    fputc('\n', p->out);
    print_label(p, "");
    for (size_t i = 0; i < 6; i++) {
        bool bad = i >= 2 && i <= 4 && counts[i] > 0;
        fprintf(p->out, "%s%*s%s", print_style(p, bad ? red : ""), width[i],
                text_grouped(text, counts[i]), print_style(p, bad ? plain : ""));
    }
    fputc('\n', p->out);
    if (y->requests.timed_out > 0) {
        print_label(p, "timed out");
        fprintf(p->out, "%s%11s%s   given up by their clients\n", print_style(p, red),
                text_grouped(text, y->requests.timed_out), print_style(p, plain));
    }
    if (y->requests.outside_span > 0) {
        print_label(p, "warm-up");
        fprintf(p->out, "%11s   not in any figure\n", text_grouped(text, y->requests.outside_span));
    }
}

static void print_latency(const struct terminal *p, const struct summary *y)
{
    static const char *const heads[] = {"mean", "p50", "p75", "p90", "p95", "p99", "max"};
    const struct {
        const char *name;
        const struct distribution *of;
    } rows[] = {{"TTFT", &y->latency_ms.ttft},
                {"TTST", &y->latency_ms.ttst},
                {"ITL", &y->latency_ms.itl},
                {"TPOT", &y->latency_ms.tpot},
                {"E2E", &y->latency_ms.e2e}};

    enum { WIDTH = 9 }; /* seven of them, behind a label that is one column narrower */
    char text[TEXT_SIZE];

    fprintf(p->out, "\n%s%-*s%s", print_style(p, bold), LABEL - 1, "Latency, ms",
            print_style(p, plain));
    cells(p, WIDTH, 7, heads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct distribution *f = rows[i].of;
        const double values[] = {f->mean, f->p50, f->p75, f->p90, f->p95, f->p99, f->max};
        fprintf(p->out, "  %-*s", LABEL - 3, rows[i].name);
        for (size_t k = 0; k < 7; k++)
            fprintf(p->out, "%*s", WIDTH, latency(text, values[k], WIDTH));
        fputc('\n', p->out);
    }
    if (y->latency_ms.error_relative > 0) {
        print_label(p, "");
        print_rest(p, "",
                   "too many requests to keep each: percentiles within %.2g %%, mean and max exact",
                   y->latency_ms.error_relative * 100);
    }
}

void print_throughput(const struct terminal *p, const struct summary *y)
{
    static const char *const heads[] = {"requests", "out tokens", "in tokens"};
    char text[TEXT_SIZE];

    print_title(p, "Throughput, per s");
    cells(p, 11, 3, heads);
    print_label(p, "completed");
    figures(p, 3,
            (double[]){y->throughput.requests_per_s, y->throughput.output_tokens_per_s,
                       y->throughput.input_tokens_per_s},
            2);
    print_label(p, "within the SLA");
    fprintf(p->out, "%11s", print_fixed(text, y->throughput.goodput_requests_per_s, 2));
    fprintf(p->out, "%11s", print_fixed(text, y->throughput.goodput_output_tokens_per_s, 2));
    fprintf(p->out, "%9s  %s requests per GPU-hour\n", "",
            print_fixed(text, y->throughput.goodput_requests_per_gpu_hour, 1));
}

static void print_hours(const struct terminal *p, const char *name, const struct summary *y)
{
    print_label(p, name);
    figures(p, 5,
            (double[]){y->gpu_hours.total, y->gpu_hours.starting, y->gpu_hours.idle,
                       y->gpu_hours.busy, y->gpu_hours.draining},
            3);
}

void print_gpu_hours(const struct terminal *p, const struct summary *y)
{
    const char *heads[1 + N_GPU_STATES] = {"total"};
    char text[TEXT_SIZE];

    for (int i = 0; i < N_GPU_STATES; i++)
        heads[1 + i] = gpu_state_names[i];
    print_title(p, "GPU-hours");
    cells(p, 11, 1 + N_GPU_STATES, heads);
    for (size_t i = 0; i < y->info->n_pools; i++) {
        const double *state = y->gpu_hours.by_pool_state[i];
        print_label(p, y->info->pool_names[i]);
        fprintf(p->out, "%11s", print_fixed(text, y->gpu_hours.by_pool[i], 3));
        figures(p, N_GPU_STATES, state, 3);
    }
    for (size_t i = 0; i < y->n_deployments; i++)
        print_hours(p, y->deployments[i].info->deployment, &y->deployments[i]);
    if (y->info->n_pools != 1)
        print_hours(p, "all", y);
    if (y->gpu_hours.wasted > 0) {
        print_label(p, "wasted");
        fprintf(p->out, "%11s", print_fixed(text, y->gpu_hours.wasted, 3));
        fprintf(p->out, "   %s GPU-seconds on requests lost later\n",
                print_fixed(text, y->gpu_hours.wasted * 3600, 1));
    }
}

static void print_failures(const struct terminal *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    if (y->scaling.failed + y->scaling.failed_starts > 0) {
        subtitle(p, "Failures");
        print_rest(p, "", "%s workers, %s starts", text_grouped(a, y->scaling.failed),
                   text_grouped(b, y->scaling.failed_starts));
    }
    if (y->scaling.node_failures + y->scaling.reclaims > 0) {
        subtitle(p, "Nodes");
        print_rest(p, "", "%s failed, %s reclaimed, and %s workers with them",
                   text_grouped(a, y->scaling.node_failures), text_grouped(b, y->scaling.reclaims),
                   text_grouped(c, y->scaling.lost_with_nodes));
    }
}

void print_fleet(const struct terminal *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    print_title(p, "Fleet");
    print_rest(p, "", "%s GPUs on average, %" PRId64 " at most; %" PRId64 " workers at most",
               print_fixed(a, y->scaling.mean_gpus, 2), y->scaling.peak_gpus,
               y->scaling.peak_workers);
    subtitle(p, "Scaling");
    print_rest(p, "", "%s decisions, %s workers added, %s removed",
               text_grouped(a, y->scaling.decisions), text_grouped(b, y->scaling.up),
               text_grouped(c, y->scaling.down));
    if (y->scaling.peak_pending > 0) {
        subtitle(p, "Waiting");
        print_rest(p, "", "at most %" PRId64 " workers for GPUs", y->scaling.peak_pending);
    }
    print_failures(p, y);
    subtitle(p, "KV cache");
    print_rest(p, "", "prefix hits %s, at most %s in use, %s preemptions",
               print_percent(a, y->kv.prefix_hit_rate), print_percent(b, y->kv.peak_utilization),
               text_grouped(c, y->kv.preemptions));
    if (!y->cost.currency)
        return;
    subtitle(p, "Cost");
    print_rest(p, "", "%s %.8s; %s per 1M output tokens, %s per 1,000 good requests",
               print_fixed(a, y->cost.total, 2), y->cost.currency,
               print_fixed(b, y->cost.per_million_output_tokens, 3),
               print_fixed(c, y->cost.per_thousand_good_requests, 3));
}

/* The figures one looks at first, with what they are in other such runs. */
void print_intervals(const struct terminal *p, const struct summary *y)
{
    static const struct {
        const char *name, *key;
        int decimals; /* < 0: a share */
    } rows[] = {
        {"attainment", "attainment.overall", -1},
        {"TTFT mean, ms", "latency_ms.ttft.mean", 2},
        {"TTFT p99, ms", "latency_ms.ttft.p99", 2},
        {"TPOT mean, ms", "latency_ms.tpot.mean", 2},
        {"E2E mean, ms", "latency_ms.e2e.mean", 2},
        {"out tokens/s", "throughput.output_tokens_per_s", 2},
        {"good requests/s", "throughput.goodput_requests_per_s", 2},
        {"GPU-hours", "gpu_hours.total", 3},
        {"cost", "cost.total", 2},
    };
    const struct summary_intervals *all = y->intervals;
    static const char *const heads[] = {"this run", "low", "high", "mean", "+-"};
    enum { N_HEADS = sizeof heads / sizeof *heads };
    char text[TEXT_SIZE];
    double figure;

    if (!all)
        return;
    print_title(p, "Intervals");
    cells(p, 11, N_HEADS, heads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct summary_interval *at = all->intervals, *end = at + all->n;
        while (at < end && strcmp(at->key, rows[i].key) != 0)
            at++;
        if (at == end || !summary_lookup(y, rows[i].key, &figure))
            continue;
        /* One of the two sides may have been cut at the end of what a figure can be. */
        const double values[] = {figure, at->low, at->high, at->mean,
                                 fmax(at->mean - at->mean_low, at->mean_high - at->mean)};
        print_label(p, rows[i].name);
        for (size_t k = 0; k < N_HEADS; k++)
            fprintf(p->out, "%11s",
                    rows[i].decimals < 0 ? print_percent(text, values[k])
                                         : print_fixed(text, values[k], rows[i].decimals));
        fputc('\n', p->out);
    }
    print_label(p, "how to read");
    print_rest(
        p, "",
        "of %zu runs with %s: another such run lies between low and high, and the mean over many "
        "within +- of mean, %g times in 100",
        all->n_runs, all->varied, 100 * all->level);
    for (size_t i = 0; i < all->n_bases; i++) {
        print_label(p, all->bases[i].label);
        print_rest(p, "", "%s", all->bases[i].text);
    }
}

/* Three digits, or all that stand before the point. */
static const char *three_digits(char text[TEXT_SIZE], double v)
{
    if (v >= 999.5 && v < 1e7)
        return text_grouped(text, (uint64_t)(v + 0.5));
    snprintf(text, TEXT_SIZE, "%.3g", v);
    return text;
}

static void print_spark(const struct terminal *p, const char *name, const struct spark *s,
                        const char *unit)
{
    char low[TEXT_SIZE], high[TEXT_SIZE];
    double highest = 0; /* of the parts: what the bars stand for */

    if (isnan(s->max))
        return;
    for (size_t i = 0; i < s->n; i++)
        highest = fmax(highest, s->value[i]);
    print_label(p, name);
    for (size_t i = 0; i < s->n; i++) {
        const double share = highest > 0 ? s->value[i] / highest : 0;
        fputs(isnan(s->value[i]) ? " " : terminal_bar(p, share), p->out);
    }
    if (s->min == s->max)
        fprintf(p->out, "  %s%s\n", three_digits(high, s->max), unit);
    else
        fprintf(p->out, "  %s to %s%s\n", three_digits(low, s->min), three_digits(high, s->max),
                unit);
}

/* They are known within 3 %. */
static double two_digits(double v)
{
    double unit = v > 0 ? pow(10, floor(log10(v)) - 1) : 1;

    return round(v / unit) * unit;
}

static void print_medians(const struct terminal *p, const char *name, const struct spark *s,
                          const char *unit)
{
    struct spark rounded = *s;

    rounded.min = two_digits(s->min);
    rounded.max = two_digits(s->max);
    print_spark(p, name, &rounded, unit);
}

void print_over_time(const struct terminal *p, const struct summary *y)
{
    if (y->offered_rps.n == 0)
        return;
    fprintf(p->out, "\n%sOver time%s\n", print_style(p, bold), print_style(p, plain));
    print_spark(p, "offered", &y->offered_rps, " per s");
    for (size_t i = 0; i < y->info->n_pools; i++)
        print_spark(p, y->info->pool_names[i], &y->workers[i], " workers");
    print_spark(p, "queue", &y->waiting, " requests");
    print_medians(p, "p50 TTFT", &y->ttft_ms, " ms");
}

void print_performance(const struct terminal *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], e[TEXT_SIZE];

    if (isnan(y->performance.wall_s))
        return;
    bool timed = y->performance.wall_s > 0;
    print_title(p, "Simulation");
    fprintf(p->out, "%s in %s s", text_duration(a, y->performance.simulated_s),
            print_fixed(b, y->performance.wall_s, 3));
    if (timed)
        fprintf(p->out, ", %s times real time", text_grouped(c, (uint64_t)y->performance.speedup));
    fputc('\n', p->out);
    print_label(p, "");
    if (timed)
        fprintf(p->out, "%s requests/s, ",
                text_grouped(e, (uint64_t)y->performance.requests_per_wall_s));
    fprintf(p->out, "%s events", text_grouped(c, y->performance.events));
    if (!isnan(y->performance.peak_rss_mib))
        fprintf(p->out, ", %.0f MiB at most", y->performance.peak_rss_mib);
    fputc('\n', p->out);
}

void summary_print(const struct summary *summary, const struct terminal *terminal)
{
    if (summary->n_deployments) {
        print_deployments(terminal, summary);
        return;
    }
    print_head(terminal, summary);
    print_attainment(terminal, summary);
    print_why(terminal, summary);
    print_requests(terminal, summary);
    print_latency(terminal, summary);
    print_throughput(terminal, summary);
    print_gpu_hours(terminal, summary);
    print_fleet(terminal, summary);
    print_intervals(terminal, summary);
    print_over_time(terminal, summary);
    print_performance(terminal, summary);
}
