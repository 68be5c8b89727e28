/* Windows that missed, shaded by why. */
#include <math.h>

#include "pages/run/run_panels.h"
#include "util/units.h"

/* ", mostly: queued behind other prompts" */
static const char *mostly(const struct run_view *v, enum cause cause)
{
    return cause == N_CAUSES ? "" : arena_printf(v->arena, ", mostly: %s", cause_phrase(cause));
}

static const char *latency_text(const struct run_view *v, const struct run_latency *l,
                                const char *what)
{
    const char *most = mostly(v, l->cause);

    if (l->n_above == 0) /* outside of the measured span, or of a run that kept no causes */
        return arena_printf(v->arena, "%s: above the target on average", what);
    return most ? arena_printf(v->arena, "%s: %zu of %zu above the target%s", what, l->n_above,
                               l->n, most)
                : NULL;
}

static const char *arrivals_text(const struct run_view *v, const struct run_window *w,
                                 const char *before)
{
    const char *most = mostly(v, w->cause);

    if (w->n_offered == 0) /* those that it served late came earlier */
        return "no request came; those that it served had come before";
    return most ? arena_printf(v->arena, "%s%zu of %zu requests that came missed%s", before,
                               w->n_missed, w->n_offered, most)
                : NULL;
}

/* NULL: it did not miss that, or no memory. */
static const char *text_of(const struct run_view *v, const struct run_window *w, enum run_miss miss)
{
    switch (miss) {
    case RUN_MISS_TTFT:
        return run_window_starved(w) ? arrivals_text(v, w, "no first token; ")
                                     : latency_text(v, &w->ttft, "first tokens");
    case RUN_MISS_TPOT:
        return latency_text(v, &w->tpot, "requests that ended");
    case RUN_MISS_ANY:
    case N_RUN_MISSES:
        break;
    }
    return arrivals_text(v, w, "");
}

static bool has_missed(const struct run_view *v, const struct run_window *w, enum run_miss miss)
{
    bool ttft = run_window_starved(w) || w->ttft.mean_ms > ms_from_ns(v->run->ttft_target_ns);
    bool tpot = w->tpot.mean_ms > ms_from_ns(v->run->tpot_target_ns);

    return (ttft && miss != RUN_MISS_TPOT) || (tpot && miss != RUN_MISS_TTFT);
}

/* Why, where it is known. */
static enum cause cause_of(const struct run_view *v, const struct run_window *w, enum run_miss miss)
{
    bool ttft = has_missed(v, w, RUN_MISS_TTFT);

    if (miss == RUN_MISS_TPOT || !ttft)
        return w->tpot.cause;
    return run_window_starved(w) ? w->cause : w->ttft.cause;
}

static enum status find(struct run_panels *p, enum run_miss miss)
{
    const struct run_view *v = p->v;
    struct series_band *bands = ARENA_NEW(v->arena, v->n_windows, struct series_band);

    if (!bands)
        return diag_nomem(v->d, "windows");
    p->bands[miss] = bands;
    for (size_t i = 0; i < v->n_windows; i++) {
        const struct run_window *w = &v->windows[i];
        if (!has_missed(v, w, miss))
            continue;
        enum cause cause = cause_of(v, w, miss);
        double from = (double)i * v->window_s;
        struct series_band band = {.from_s = from,
                                   .to_s = fmin(from + v->window_s, v->end_s),
                                   .text = text_of(v, w, miss)};
        if (!band.text)
            return diag_nomem(v->d, "windows");
        if (cause != N_CAUSES) {
            band.colour = run_cause_colour(v, cause);
            band.name = run_cause_colour_name(v, band.colour);
        }
        bands[p->n_bands[miss]++] = band;
    }
    return ST_OK;
}

enum status run_panels_find_bands(struct run_panels *p)
{
    enum status s = ST_OK;

    for (int miss = 0; miss < N_RUN_MISSES && !s; miss++)
        s = find(p, (enum run_miss)miss);
    return s;
}
