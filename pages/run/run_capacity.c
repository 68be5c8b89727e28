#include <math.h>

#include "pages/run/run_panels.h"
#include "util/units.h"

/* Two lines, each as steps from window to window. */
struct course {
    double *x_s, *short_of, *idle;
    size_t n;
};

static enum status find_course(struct course *c, const struct run_view *v, size_t pool)
{
    const struct recorded *run = v->run;
    size_t room = run->n_windows + 1;

    *c = (struct course){ARENA_NEW(v->arena, room, double), ARENA_NEW(v->arena, room, double),
                         ARENA_NEW(v->arena, room, double), 0};
    if (!c->x_s || !c->short_of || !c->idle)
        return diag_nomem(v->d, "capacity");
    for (size_t i = 0; i < run->n_windows; i++) {
        const struct recorded_window *w = &run->windows[i];
        double from_s = s_from_ns(w->from_ns), to_s = fmin(s_from_ns(w->to_ns), v->end_s);
        /* What the end of the run leaves of the last window may be too short to tell anything. */
        if (to_s - from_s < 0.1 * s_from_ns(w->to_ns - w->from_ns))
            continue;
        c->x_s[c->n] = from_s;
        c->short_of[c->n] = w->pools[pool].short_of / (to_s - from_s);
        c->idle[c->n++] = -w->pools[pool].idle / (to_s - from_s);
        c->x_s[c->n] = to_s; /* as far as it goes; the next one takes its place */
        c->short_of[c->n] = c->short_of[c->n - 1];
        c->idle[c->n] = c->idle[c->n - 1];
    }
    c->n += c->n > 0;
    return ST_OK;
}

static enum status draw_pool(const struct run_panels *p, size_t pool)
{
    const struct run_view *v = p->v;
    const char *name = v->run->pools[pool];
    struct course c;

    enum status s = find_course(&c, v, pool);
    if (s || c.n == 0)
        return s;
    const struct series_line lines[] = {{"short", 1, SERIES_AREA, c.short_of},
                                        {"idle", 5, SERIES_AREA_BELOW, c.idle}};
    struct series_panel panel = {
        .id = arena_printf(v->arena, "capacity-%zu", pool + 1),
        .title = arena_printf(v->arena, "Capacity of %s", name),
        .unit = "workers",
        .label = arena_printf(v->arena,
                              "Workers that %s was short of, and below the axis workers beyond the "
                              "load, on average per window",
                              name),
        .note =
            arena_printf(v->arena,
                         "On average per %.9g s: above the axis workers that the work that came "
                         "was short of, below it workers beyond the load.",
                         s_from_ns(v->run->windows[0].to_ns - v->run->windows[0].from_ns)),
        .n = c.n,
        .x_s = c.x_s,
        .n_lines = 2,
        .lines = lines,
        .level = {NAN, NULL}};
    if (!panel.id || !panel.title || !panel.label || !panel.note)
        return diag_nomem(v->d, "capacity");
    return run_panels_draw(p, &panel, RUN_MISS_ANY);
}

enum status run_panels_capacity(const struct run_panels *p)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < p->v->run->n_pools && !s; i++)
        s = draw_pool(p, i);
    return s;
}
