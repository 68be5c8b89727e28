#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "util/text.h"

/* Labels take 18 columns, and at most seven figures of 11 follow: 95 columns. */
enum { TEXT_SIZE = TEXT_FIGURE_SIZE, CUT_WIDTH = 76, NOTE_WIDTH = 62 };

struct printer {
    FILE *out;
    bool colour;
};

static const char bold[] = "\033[1m", dim[] = "\033[2m", red[] = "\033[31m", plain[] = "\033[0m";

static const char *style(const struct printer *p, const char *code)
{
    return p->colour ? code : "";
}

static const char *fixed(char text[TEXT_SIZE], double v, int decimals)
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
static const char *percent(char text[TEXT_SIZE], double share)
{
    if (isnan(share))
        snprintf(text, TEXT_SIZE, "-");
    else
        snprintf(text, TEXT_SIZE, "%.2f %%", floor(share * 1e4 + 1e-9) / 100);
    return text;
}

/* At most `width` characters of UTF-8. */
static void cut(const struct printer *p, const char *text, int width)
{
    const char *end = text;

    for (int n = 0; *end; end++) {
        bool starts = ((unsigned char)*end & 0xC0) != 0x80;
        if (starts && n++ == width)
            break;
    }
    fprintf(p->out, "%.*s", (int)(end - text), text);
}

static void subtitle(const struct printer *p, const char *text)
{
    fprintf(p->out, "%s%-18s%s", style(p, bold), text, style(p, plain));
}

static void title(const struct printer *p, const char *text)
{
    fputc('\n', p->out);
    subtitle(p, text);
}

static void label(const struct printer *p, const char *text)
{
    fprintf(p->out, "  %-15.15s ", text);
}

static void cells(const struct printer *p, size_t n, const char *const *texts)
{
    for (size_t i = 0; i < n; i++)
        fprintf(p->out, "%s%11s%s", style(p, dim), texts[i], style(p, plain));
    fputc('\n', p->out);
}

static void figures(const struct printer *p, size_t n, const double *values, int decimals)
{
    char text[TEXT_SIZE];

    for (size_t i = 0; i < n; i++)
        fprintf(p->out, "%11s", fixed(text, values[i], decimals));
    fputc('\n', p->out);
}

/* In lines that end between words. */
static void print_note(const struct printer *p, const char *text)
{
    const char *name = "note";

    while (*text) {
        size_t n = text_line(text, NOTE_WIDTH);
        label(p, name);
        fprintf(p->out, "%s%.*s%s\n", style(p, red), (int)n, text, style(p, plain));
        text += n + (text[n] == ' ');
        name = "";
    }
}

static void print_head(const struct printer *p, const struct summary *y)
{
    const struct run_info *info = y->info;

    fputs(style(p, bold), p->out);
    cut(p, y->scenario ? y->scenario : "-", 40);
    fprintf(p->out, "%s   policy ", style(p, plain));
    cut(p, y->policy.name ? y->policy.name : "-", 20);
    if (y->policy.predictor) {
        fputs(" (", p->out);
        cut(p, y->policy.predictor, 20);
        fputc(')', p->out);
    }
    fprintf(p->out, "   seed %" PRIu64 "\n", y->seed);
    if (info->trace || info->traffic) {
        label(p, info->trace ? "trace" : "traffic");
        cut(p, info->trace ? info->trace : info->traffic, CUT_WIDTH);
        fputc('\n', p->out);
    }
    for (size_t i = 0; i < info->n_pools; i++) {
        label(p, info->pool_names[i]);
        fprintf(p->out, "%d GPU%s per worker", info->gpus_per_worker[i],
                info->gpus_per_worker[i] == 1 ? "" : "s");
        if (info->profiles[i]) {
            fputs(", ", p->out);
            cut(p, info->profiles[i], CUT_WIDTH - 20);
        }
        fputc('\n', p->out);
    }
    bool said = y->policy.predictor && y->policy.details &&
                strcmp(y->policy.predictor, y->policy.details) == 0;
    if (y->policy.details && !said) {
        label(p, "policy");
        cut(p, y->policy.details, CUT_WIDTH);
        fputc('\n', p->out);
    }
    for (size_t i = 0; i < y->notes.n; i++)
        print_note(p, y->notes.text[i]);
}

static void print_attainment(const struct printer *p, const struct summary *y)
{
    char share[TEXT_SIZE], count[TEXT_SIZE];

    title(p, "SLA attainment");
    fprintf(p->out, "%s%11s%s   TTFT <= %g ms and TPOT <= %g ms, of all requests offered\n",
            style(p, bold), percent(share, y->attainment.overall), style(p, plain), y->sla.ttft_ms,
            y->sla.tpot_ms);
    label(p, "TTFT alone");
    fprintf(p->out, "%11s   %s completed above the target\n", percent(share, y->attainment.ttft),
            text_grouped(count, y->requests.missed_ttft));
    label(p, "TPOT alone");
    fprintf(p->out, "%11s   %s completed above the target\n", percent(share, y->attainment.tpot),
            text_grouped(count, y->requests.missed_tpot));
    label(p, "windows");
    fprintf(p->out, "%11s   of %s with traffic, by mean TTFT and mean ITL\n",
            percent(share, y->attainment.windows), text_grouped(count, y->attainment.n_windows));
}

static void print_requests(const struct printer *p, const struct summary *y)
{
    static const char *const heads[] = {"offered",  "completed",  "lost",
                                        "rejected", "unfinished", "retried"};
    const uint64_t counts[] = {y->requests.offered,  y->requests.completed,  y->requests.lost,
                               y->requests.rejected, y->requests.unfinished, y->requests.retried};
    char text[TEXT_SIZE];

    title(p, "Requests");
    cells(p, 6, heads);
    label(p, "");
    for (size_t i = 0; i < 6; i++) {
        bool bad = i >= 2 && i <= 4 && counts[i] > 0;
        fprintf(p->out, "%s%11s%s", style(p, bad ? red : ""), text_grouped(text, counts[i]),
                style(p, bad ? plain : ""));
    }
    fputc('\n', p->out);
    if (y->requests.timed_out > 0) {
        label(p, "timed out");
        fprintf(p->out, "%s%11s%s   given up by their clients\n", style(p, red),
                text_grouped(text, y->requests.timed_out), style(p, plain));
    }
    if (y->requests.outside_span > 0) {
        label(p, "warm-up");
        fprintf(p->out, "%11s   not in any figure\n", text_grouped(text, y->requests.outside_span));
    }
}

static void print_latency(const struct printer *p, const struct summary *y)
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

    title(p, "Latency, ms");
    cells(p, 7, heads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct distribution *f = rows[i].of;
        label(p, rows[i].name);
        figures(p, 7, (double[]){f->mean, f->p50, f->p75, f->p90, f->p95, f->p99, f->max}, 2);
    }
    if (y->latency_ms.error_relative > 0)
        fprintf(
            p->out,
            "  too many requests to keep each: percentiles within %.2g %%, mean and max exact\n",
            y->latency_ms.error_relative * 100);
}

static void print_throughput(const struct printer *p, const struct summary *y)
{
    static const char *const heads[] = {"requests", "out tokens", "in tokens"};
    char text[TEXT_SIZE];

    title(p, "Throughput, per s");
    cells(p, 3, heads);
    label(p, "completed");
    figures(p, 3,
            (double[]){y->throughput.requests_per_s, y->throughput.output_tokens_per_s,
                       y->throughput.input_tokens_per_s},
            2);
    label(p, "within the SLA");
    fprintf(p->out, "%11s", fixed(text, y->throughput.goodput_requests_per_s, 2));
    fprintf(p->out, "%11s", fixed(text, y->throughput.goodput_output_tokens_per_s, 2));
    fprintf(p->out, "%11s   %s requests per GPU-hour\n", "",
            fixed(text, y->throughput.goodput_requests_per_gpu_hour, 1));
}

static void print_gpu_hours(const struct printer *p, const struct summary *y)
{
    const char *heads[1 + N_GPU_STATES] = {"total"};
    char text[TEXT_SIZE];

    for (int i = 0; i < N_GPU_STATES; i++)
        heads[1 + i] = gpu_state_names[i];
    title(p, "GPU-hours");
    cells(p, 1 + N_GPU_STATES, heads);
    for (size_t i = 0; i < y->info->n_pools; i++) {
        const double *state = y->gpu_hours.by_pool_state[i];
        label(p, y->info->pool_names[i]);
        fprintf(p->out, "%11s", fixed(text, y->gpu_hours.by_pool[i], 3));
        figures(p, N_GPU_STATES, state, 3);
    }
    if (y->info->n_pools > 1) {
        label(p, "all");
        figures(p, 5,
                (double[]){y->gpu_hours.total, y->gpu_hours.starting, y->gpu_hours.idle,
                           y->gpu_hours.busy, y->gpu_hours.draining},
                3);
    }
    if (y->gpu_hours.wasted > 0) {
        label(p, "wasted");
        fprintf(p->out, "%11s", fixed(text, y->gpu_hours.wasted, 3));
        fprintf(p->out, "   %s GPU-seconds on requests that were lost later\n",
                fixed(text, y->gpu_hours.wasted * 3600, 1));
    }
}

static void print_failures(const struct printer *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    if (y->scaling.failed + y->scaling.failed_starts > 0) {
        subtitle(p, "Failures");
        fprintf(p->out, "%s workers, %s starts\n", text_grouped(a, y->scaling.failed),
                text_grouped(b, y->scaling.failed_starts));
    }
    if (y->scaling.node_failures + y->scaling.reclaims > 0) {
        subtitle(p, "Nodes");
        fprintf(p->out, "%s failed, %s reclaimed, and %s workers with them\n",
                text_grouped(a, y->scaling.node_failures), text_grouped(b, y->scaling.reclaims),
                text_grouped(c, y->scaling.lost_with_nodes));
    }
}

static void print_fleet(const struct printer *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    title(p, "Fleet");
    fprintf(p->out, "%s GPUs on average, %" PRId64 " at most; %" PRId64 " workers at most\n",
            fixed(a, y->scaling.mean_gpus, 2), y->scaling.peak_gpus, y->scaling.peak_workers);
    subtitle(p, "Scaling");
    fprintf(p->out, "%s decisions, %s workers added, %s removed\n",
            text_grouped(a, y->scaling.decisions), text_grouped(b, y->scaling.up),
            text_grouped(c, y->scaling.down));
    if (y->scaling.peak_pending > 0) {
        subtitle(p, "Waiting");
        fprintf(p->out, "at most %" PRId64 " workers for GPUs\n", y->scaling.peak_pending);
    }
    print_failures(p, y);
    subtitle(p, "KV cache");
    fprintf(p->out, "prefix hits %s, at most %s in use, %s preemptions\n",
            percent(a, y->kv.prefix_hit_rate), percent(b, y->kv.peak_utilization),
            text_grouped(c, y->kv.preemptions));
    if (!y->cost.currency)
        return;
    subtitle(p, "Cost");
    fprintf(p->out, "%s %.8s; %s per 1M output tokens, %s per 1,000 good requests\n",
            fixed(a, y->cost.total, 2), y->cost.currency,
            fixed(b, y->cost.per_million_output_tokens, 3),
            fixed(c, y->cost.per_thousand_good_requests, 3));
}

static void print_spark(const struct printer *p, const char *name, const struct spark *s,
                        const char *unit)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

    label(p, name);
    for (size_t i = 0; i < s->n; i++) {
        double level = s->max > 0 ? s->value[i] / s->max * 7 : 0;
        fputs(bars[(int)(level + 0.5)], p->out);
    }
    if (s->min == s->max)
        fprintf(p->out, "  %.4g%s\n", s->max, unit);
    else
        fprintf(p->out, "  %.4g to %.4g%s\n", s->min, s->max, unit);
}

static void print_over_time(const struct printer *p, const struct summary *y)
{
    if (y->offered_rps.n == 0)
        return;
    fprintf(p->out, "\n%sOver time%s\n", style(p, bold), style(p, plain));
    print_spark(p, "offered", &y->offered_rps, " per s");
    for (size_t i = 0; i < y->info->n_pools; i++)
        print_spark(p, y->info->pool_names[i], &y->workers[i], " workers");
}

static void print_performance(const struct printer *p, const struct summary *y)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    if (isnan(y->performance.wall_s))
        return;
    title(p, "Simulation");
    fprintf(p->out, "%s in %s s", text_duration(a, y->performance.simulated_s),
            fixed(b, y->performance.wall_s, 3));
    if (y->performance.wall_s > 0)
        fprintf(p->out, ", %s times real time; %s requests/s",
                text_grouped(a, (uint64_t)y->performance.speedup),
                text_grouped(b, (uint64_t)y->performance.requests_per_wall_s));
    fputc('\n', p->out);
    label(p, "");
    fprintf(p->out, "%s events", text_grouped(c, y->performance.events));
    if (!isnan(y->performance.peak_rss_mib))
        fprintf(p->out, ", %.0f MiB at most", y->performance.peak_rss_mib);
    fputc('\n', p->out);
}

void summary_print(const struct summary *summary, FILE *out, bool colour)
{
    const struct printer p = {out, colour};

    print_head(&p, summary);
    print_attainment(&p, summary);
    print_requests(&p, summary);
    print_latency(&p, summary);
    print_throughput(&p, summary);
    print_gpu_hours(&p, summary);
    print_fleet(&p, summary);
    print_over_time(&p, summary);
    print_performance(&p, summary);
}
