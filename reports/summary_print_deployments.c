#include <inttypes.h>

#include "reports/summary_print_internal.h"

static void print_head(const struct terminal *p, const struct summary *y)
{
    fprintf(p->out, "%s%.40s%s   %zu deployments   seed %" PRIu64 "\n", print_style(p, PRINT_BOLD),
            y->scenario, print_style(p, PRINT_PLAIN), y->n_deployments, y->seed);
    print_about(p, y);
}

static void print_row(const struct terminal *p, const char *name, const struct summary *y)
{
    char share[TEXT_FIGURE_SIZE], count[TEXT_FIGURE_SIZE], ttft[TEXT_FIGURE_SIZE],
        tpot[TEXT_FIGURE_SIZE], hours[TEXT_FIGURE_SIZE];

    print_label(p, name);
    fprintf(p->out, "%11s%11s%11s%11s%10s%8" PRId64 "\n", text_grouped(count, y->requests.offered),
            print_percent(share, y->attainment.overall),
            print_fixed(ttft, y->latency_ms.ttft.p95, 0),
            print_fixed(tpot, y->latency_ms.tpot.p95, 1), print_fixed(hours, y->gpu_hours.total, 2),
            y->scaling.peak_gpus);
}

/* A line for each, and one for all of them. */
static void print_table(const struct terminal *p, const struct summary *y)
{
    print_title(p, "Deployments");
    fprintf(p->out, "%s%11s%11s%11s%11s%10s%8s%s\n", print_style(p, PRINT_DIM), "offered",
            "attainment", "TTFT p95", "TPOT p95", "GPU-hours", "peak", print_style(p, PRINT_PLAIN));
    for (size_t i = 0; i < y->n_deployments; i++)
        print_row(p, y->deployments[i].info->deployment, &y->deployments[i]);
    print_row(p, "all", y);
}

/* What policies wanted and did not get, of whom. */
static void print_unserved(const struct terminal *p, const struct summary *y)
{
    char all[TEXT_FIGURE_SIZE], own[TEXT_FIGURE_SIZE];

    if (!(y->unserved_gpu_hours > 0))
        return;
    fprintf(p->out, "%s%-*s%s", print_style(p, PRINT_BOLD), PRINT_LABEL_WIDTH, "Unserved",
            print_style(p, PRINT_PLAIN));
    print_rest(p, "", "%s GPU-hours were wanted, but not given",
               print_fixed(all, y->unserved_gpu_hours, 3));
    for (size_t i = 0; i < y->n_deployments; i++) {
        print_label(p, y->deployments[i].info->deployment);
        print_rest(p, "", "%s", print_fixed(own, y->deployments[i].unserved_gpu_hours, 3));
    }
}

static void print_one(const struct terminal *p, const struct summary *y)
{
    print_title(p, y->info->deployment);
    print_rest(p, "", "TTFT <= %g ms and TPOT <= %g ms, policy %s", y->sla.ttft_ms, y->sla.tpot_ms,
               y->policy.name);
    print_about(p, y);
    print_why(p, y);
    print_over_time(p, y);
}

void print_deployments(const struct terminal *p, const struct summary *y)
{
    print_head(p, y);
    print_table(p, y);
    print_requests(p, y);
    print_throughput(p, y);
    print_gpu_hours(p, y);
    print_fleet(p, y);
    print_unserved(p, y);
    print_intervals(p, y);
    for (size_t i = 0; i < y->n_deployments; i++)
        print_one(p, &y->deployments[i]);
    print_performance(p, y);
}
