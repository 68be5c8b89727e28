/* The page of a run, among the files that write it: its figures per window, and what each section
 * is given. */
#ifndef PAGES_RUN_RUN_PAGE_INTERNAL_H
#define PAGES_RUN_RUN_PAGE_INTERNAL_H

#include <stdbool.h>

#include "pages/run/run_page.h"
#include "pages/run/run_requests.h"
#include "studies/recorded/recorded.h"
#include "util/arena.h"

/* A latency of a window: of the requests that had their first token (TTFT) or their end (TPOT) in
 * it. NaN without one. */
struct run_latency {
    double mean_ms, p50_ms, p95_ms;
    size_t n; /* whose latencies there are */
    /* Of the measured span: above the target, and why most of them; N_CAUSES: not known. */
    size_t n_above;
    enum cause cause;
};
struct run_window {
    struct run_latency ttft, tpot;
    /* By arrival: not completed within both targets, and why (of those of the measured span). */
    size_t n_offered, n_missed;
    uint32_t by_cause[N_CAUSES];
    enum cause cause; /* of most of them; N_CAUSES: not known */
};

struct run_view {
    const struct recorded *run; /* without its requests */
    const struct run_requests *requests;
    const char *id_prefix; /* of panels: "" where the page is of one run */
    bool is_whole;         /* of several deployments: their figures, no requests and no windows */
    const char *sampled;   /* " of one in N requests", or nothing: what quantiles are of */
    FILE *out;
    struct arena *arena;
    struct diag *d;
    double end_s;    /* of the run's last event that is known; before, no less than that */
    double window_s; /* a round number, so that there are at most RUN_MAX_WINDOWS */
    size_t n_windows;
    const struct run_window *windows;
    const struct cause_summary *causes; /* NULL where the run kept no parts */
};

/* What the files of a run have, as recorded_visit; `view` is without its windows. Stays where it
 * is: it points into itself. */
struct run_files {
    struct recorded run;
    struct run_requests requests;
    struct causes *causes; /* NULL: no request with parts has come */
    struct cause_summary summary;
    struct run_view view;
};
/* Of the only deployment, or of all that `whole` has: an item for each. The caller releases them,
 * also after an error. */
enum status run_files_read(struct run_files *f, const struct recorded_whole *whole, FILE *out,
                           struct arena *arena, struct diag *d);
void run_files_release(struct run_files *f);

/* The page of several deployments, as run_page_write. */
enum status run_page_deployments(const struct recorded_whole *whole, FILE *out, struct arena *arena,
                                 struct diag *d);
enum status run_page_grants(const struct recorded_whole *whole, FILE *out, struct arena *arena,
                            struct diag *d);

enum { RUN_MAX_WINDOWS = 120, RUN_N_QUANTILES = 201 };
/* Of v->run and v->requests: when the last event is that is known. */
double run_page_end_s(const struct run_view *v);
/* The same. `causes` NULL: not known. */
enum status run_page_windows(struct run_view *v, const struct causes *causes);
/* That a stretch of v->requests is in. */
size_t run_window_of(const struct run_view *v, size_t stretch);
/* No first token came in it, and requests that did missed. */
bool run_window_starved(const struct run_window *w);
/* A colour of pages/svg/charts.h, and what it stands for; needs v->causes. */
unsigned run_cause_colour(const struct run_view *v, enum cause cause);
const char *run_cause_colour_name(const struct run_view *v, unsigned colour);

void run_page_figures(const struct run_view *v);
enum status run_page_causes(const struct run_view *v);
/* In words alone. */
void run_page_stories(const struct run_view *v);
enum status run_page_cause_bars(const struct run_view *v);
enum status run_page_panels(const struct run_view *v);
enum status run_page_draw_panels(const struct run_view *v); /* without their heading */
/* How to use them. */
void run_page_panels_help(FILE *out);
/* Where the TTFT of the requests that missed went. */
enum status run_page_parts(const struct run_view *v);
enum status run_page_distributions(const struct run_view *v);
void run_page_gpu_hours(const struct run_view *v);
enum status run_page_workers(const struct run_view *v);
void run_page_decisions(const struct run_view *v);
void run_page_slowest(const struct run_view *v);

/* A cell of a table: a time of the run. */
void run_cell_time(FILE *out, int64_t at_ns);

/* The decision changed the target of the pool; of any. */
bool run_pool_moves(const struct recorded_pool_decision *p);
bool run_decision_moves(const struct run_view *v, const struct recorded_decision *c);
/* The sample of a pool at that time or before; NULL = none. */
const struct recorded_sample *run_sample_at(const struct recorded *run, size_t pool, int64_t at_ns);

#endif
