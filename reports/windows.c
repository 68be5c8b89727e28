#include "reports/windows.h"

#include <math.h>
#include <stdlib.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

static bool mean_holds(double sum_s, double n, int64_t target_ns)
{
    return !(n > 0) || sum_s / n <= s_from_ns(target_ns);
}

static void note_miss(struct windows *w, const struct window_record *record)
{
    if (!w->missing)
        w->missed_from_ns = record->start_ns;
    w->missing = true;
    if (record->end_ns - w->missed_from_ns > w->longest_missed_ns)
        w->longest_missed_ns = record->end_ns - w->missed_from_ns;
}

void windows_close(struct windows *w, const struct window_record *record,
                   const struct window_rules *rules)
{
    const struct traffic_window *t = &record->traffic;
    bool starved = record->n_waited > 0 && record->n_first_token == 0;

    if (t->n_ttft > 0)
        w->max_ttft_s = fmax(w->max_ttft_s, t->ttft_sum_s / t->n_ttft);
    if (t->n_itl > 0)
        w->max_itl_s = fmax(w->max_itl_s, t->itl_sum_s / t->n_itl);
    if (!starved && !(t->n_ttft > 0 || t->n_itl > 0))
        return;
    w->n++;
    if (!starved && mean_holds(t->ttft_sum_s, t->n_ttft, rules->ttft_target_ns) &&
        mean_holds(t->itl_sum_s, t->n_itl, rules->tpot_target_ns)) {
        w->n_good++;
        w->missing = false;
    } else {
        note_miss(w, record);
    }
}

enum status windows_add_request(struct windows *w, int64_t arrival_ns, bool good,
                                const struct window_rules *rules, struct diag *d)
{
    BUG_IF(rules->length_ns <= 0 || arrival_ns < rules->measured_from_ns);
    int64_t at = (arrival_ns - rules->measured_from_ns) / rules->length_ns;
    if (at >= WINDOWS_MAX_KEPT)
        return ST_OK;
    size_t n = (size_t)at + 1;
    if (n > w->n_arrivals) {
        enum status s =
            ARRAY_RESERVE(w->arrivals, w->n_arrivals, w->room, n - w->n_arrivals, "windows", d);
        if (s)
            return s;
        for (; w->n_arrivals < n; w->n_arrivals++)
            w->arrivals[w->n_arrivals] = (struct window_arrivals){0};
    }
    w->arrivals[at].n_offered++;
    w->arrivals[at].n_good += good;
    return ST_OK;
}

double windows_min_attainment(const struct windows *w)
{
    double least = NAN;

    for (size_t i = 0; i < w->n_arrivals; i++) {
        if (w->arrivals[i].n_offered > 0)
            least = fmin(least, (double)w->arrivals[i].n_good / (double)w->arrivals[i].n_offered);
    }
    return least;
}

void windows_release(struct windows *w)
{
    free(w->arrivals);
    *w = (struct windows){0};
}
