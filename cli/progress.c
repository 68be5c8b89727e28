#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "record/observer.h"
#include "util/units.h"

int64_t progress_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void progress_init(struct progress *p, bool wanted)
{
    int64_t now_ns = progress_clock_ns();

    *p = (struct progress){
        .wanted = wanted && isatty(STDERR_FILENO), .start_ns = now_ns, .last_ns = now_ns};
}

static bool is_due(const struct progress *p, int64_t *now_ns)
{
    *now_ns = p->wanted ? progress_clock_ns() : 0;
    return p->wanted && *now_ns - p->start_ns >= NS_PER_S &&
           *now_ns - p->last_ns >= 100 * NS_PER_MS;
}

static void show(struct progress *p, int64_t now_ns)
{
    fputs("\033[K", stderr);
    fflush(stderr);
    p->last_ns = now_ns;
    p->shown = true;
}

void progress_update(void *context, const struct sim_progress *at)
{
    struct progress *p = context;
    int64_t now_ns;

    if (!is_due(p, &now_ns))
        return;
    double elapsed_s = s_from_ns(now_ns - p->start_ns), simulated_s = s_from_ns(at->now_ns);
    int minutes = (int)(simulated_s / 60);
    fprintf(stderr, "\r%3.0f %% of the trace, %d:%02d:%02d simulated, %.0f times real time",
            at->share * 100, minutes / 60, minutes % 60, (int)(simulated_s - minutes * 60.0),
            simulated_s / elapsed_s);
    if (at->share > 0.01)
        fprintf(stderr, ", %.0f s left", elapsed_s * (1 - at->share) / at->share);
    show(p, now_ns);
}

void progress_runs(void *context, size_t n_done, size_t n)
{
    struct progress *p = context;
    int64_t now_ns;

    if (!is_due(p, &now_ns))
        return;
    double elapsed_s = s_from_ns(now_ns - p->start_ns);
    fprintf(stderr, "\r%zu of %zu runs, %.0f s left", n_done, n,
            elapsed_s * (double)(n - n_done) / (double)(n_done - p->n_before));
    show(p, now_ns);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
