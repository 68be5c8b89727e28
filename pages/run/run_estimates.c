/* What the policy thought: the length of requests that it forecast, and the latencies that its
 * profile, or its regression, gave for the load it saw. All of it is in decisions.jsonl where the
 * policy has it. */
#include <math.h>

#include "pages/run/run_panels.h"
#include "util/units.h"

struct estimates {
    size_t n;
    double *x_s;
    /* Of the interval before each decision, and what had been forecast for it. */
    double *seen_isl, *forecast_isl, *seen_osl, *forecast_osl;
    double *seen_ttft, *estimated_ttft, *seen_itl, *estimated_itl;
    double *correction[POLICY_MAX_POOLS];
};

static double *new_column(const struct run_view *v)
{
    return ARENA_NEW(v->arena, v->run->n_decisions, double);
}

static enum status make_room(struct estimates *e, const struct run_view *v)
{
    double **const columns[] = {&e->x_s,          &e->seen_isl,  &e->forecast_isl,   &e->seen_osl,
                                &e->forecast_osl, &e->seen_ttft, &e->estimated_ttft, &e->seen_itl,
                                &e->estimated_itl};

    *e = (struct estimates){.n = 0};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        *columns[i] = new_column(v);
        if (!*columns[i])
            return diag_nomem(v->d, "decisions");
    }
    for (size_t p = 0; p < v->run->n_pools; p++) {
        e->correction[p] = new_column(v);
        if (!e->correction[p])
            return diag_nomem(v->d, "decisions");
    }
    return ST_OK;
}

/* The factor is what was seen over what the profile says of that load; where the planner leaves it
 * out, it is 1, and says nothing. */
static double estimated(double seen_ms, double correction)
{
    return correction > 0 && correction != 1 ? seen_ms / correction : (double)NAN;
}

static void add(struct estimates *e, const struct run_view *v, const struct recorded_decision *c,
                const struct recorded_forecast *before)
{
    size_t i = e->n++, last = v->run->n_pools - 1;

    e->x_s[i] = s_from_ns(c->at_ns);
    e->seen_isl[i] = c->seen.isl_tok;
    e->seen_osl[i] = c->seen.osl_tok;
    e->forecast_isl[i] = before ? before->isl_tok : (double)NAN;
    e->forecast_osl[i] = before ? before->osl_tok : (double)NAN;
    e->seen_ttft[i] = c->seen_ttft_ms;
    e->seen_itl[i] = c->seen_itl_ms;
    e->estimated_ttft[i] =
        last > 0 ? estimated(c->seen_ttft_ms, c->pools[0].correction) : (double)NAN;
    e->estimated_itl[i] =
        last > 0 ? estimated(c->seen_itl_ms, c->pools[last].correction) : (double)NAN;
    for (size_t p = 0; p < v->run->n_pools; p++)
        e->correction[p][i] = c->pools[p].correction == 1 ? (double)NAN : c->pools[p].correction;
}

static void find(struct estimates *e, const struct run_view *v)
{
    const struct recorded_forecast *before = NULL;

    for (size_t i = 0; i < v->run->n_decisions; i++) {
        const struct recorded_decision *c = &v->run->decisions[i];
        bool first_of_time = e->n == 0 || s_from_ns(c->at_ns) > e->x_s[e->n - 1];
        if (isnan(c->seen.n_requests) || !first_of_time)
            continue;
        add(e, v, c, before);
        before = isnan(c->predicted.n_requests) ? NULL : &c->predicted;
    }
}

static bool has_any(const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isnan(y[i]))
            return true;
    }
    return false;
}

/* Seen, and thought; nothing where nothing was thought. */
static enum status draw_pair(const struct run_panels *p, const struct estimates *e,
                             const struct series_panel *like, const double *seen,
                             const double *thought, const char *name)
{
    const struct series_line lines[] = {{"seen", 0, SERIES_SOLID, seen},
                                        {name, 1, SERIES_DASHED, thought}};
    struct series_panel panel = *like;

    if (!has_any(thought, e->n))
        return ST_OK;
    panel.n = e->n;
    panel.x_s = e->x_s;
    panel.n_lines = 2;
    panel.lines = lines;
    return run_panels_draw(p, &panel, RUN_MISS_ANY);
}

static enum status draw_lengths(const struct run_panels *p, const struct estimates *e)
{
    static const char note[] = "At each decision: of the interval that it looked at, and what the "
                               "decision before it had forecast.";
    struct series_panel panel = {.id = "seen-isl",
                                 .title = "Prompt length, forecast",
                                 .unit = "tokens",
                                 .label = "Mean prompt length that the policy saw and forecast",
                                 .note = note,
                                 .level = {NAN, NULL}};

    enum status s = draw_pair(p, e, &panel, e->seen_isl, e->forecast_isl, "forecast");
    panel.id = "seen-osl";
    panel.title = "Output length, forecast";
    panel.label = "Mean output length that the policy saw and forecast";
    return s ? s : draw_pair(p, e, &panel, e->seen_osl, e->forecast_osl, "forecast");
}

static enum status draw_latencies(const struct run_panels *p, const struct estimates *e)
{
    static const char note[] = "At each decision: the mean that it saw, and what the planner's "
                               "profile says of that load.";
    struct series_panel panel = {.id = "estimated-ttft",
                                 .title = "TTFT, as the planner estimated it",
                                 .unit = "ms",
                                 .label = "Mean TTFT that the planner saw, and its estimate",
                                 .note = note,
                                 .level = {ms_from_ns(p->v->run->ttft_target_ns), "SLA"}};

    enum status s = draw_pair(p, e, &panel, e->seen_ttft, e->estimated_ttft, "estimated");
    panel.id = "estimated-itl";
    panel.title = "ITL, as the planner estimated it";
    panel.label = "Mean ITL that the planner saw, and its estimate";
    panel.level.at = ms_from_ns(p->v->run->tpot_target_ns);
    return s ? s : draw_pair(p, e, &panel, e->seen_itl, e->estimated_itl, "estimated");
}

static enum status draw_corrections(const struct run_panels *p, const struct estimates *e)
{
    static const enum series_style styles[] = {SERIES_SOLID, SERIES_DASHED};
    struct series_line lines[POLICY_MAX_POOLS];
    struct series_panel panel = {.id = "correction",
                                 .title = "Correction",
                                 .unit = "seen / estimated",
                                 .label = "Correction factors of the planner, by pool",
                                 .note = "Latency that was seen over that of the profile: 1 is as "
                                         "estimated.",
                                 .n = e->n,
                                 .x_s = e->x_s,
                                 .lines = lines,
                                 .level = {1, "as estimated"}};

    for (size_t i = 0; i < p->v->run->n_pools; i++) {
        if (!has_any(e->correction[i], e->n))
            continue;
        lines[panel.n_lines++] =
            (struct series_line){p->v->run->pools[i], (unsigned)i, styles[i % 2], e->correction[i]};
    }
    return panel.n_lines ? run_panels_draw(p, &panel, RUN_MISS_ANY) : ST_OK;
}

/* ---- of a planner on forward passes: of what its workers had at that moment ---- */

struct expected {
    size_t n;
    double *x_s, *ttft, *itl;
};

static enum status find_expected(struct expected *e, const struct run_view *v)
{
    *e = (struct expected){0, new_column(v), new_column(v), new_column(v)};
    if (!e->x_s || !e->ttft || !e->itl)
        return diag_nomem(v->d, "decisions");
    for (size_t i = 0; i < v->run->n_decisions; i++) {
        const struct recorded_decision *c = &v->run->decisions[i];
        double at_s = s_from_ns(c->at_ns);
        bool none = isnan(c->estimated_ttft_ms) && isnan(c->estimated_itl_ms);
        if (none || (e->n > 0 && at_s <= e->x_s[e->n - 1]))
            continue;
        e->x_s[e->n] = at_s;
        e->ttft[e->n] = c->estimated_ttft_ms;
        e->itl[e->n++] = c->estimated_itl_ms;
    }
    return ST_OK;
}

static enum status draw_one_expected(const struct run_panels *p, const struct expected *e,
                                     const char *id, const char *title, const char *label,
                                     const double *y, int64_t target_ns)
{
    static const char note[] = "At each decision: the most of any worker, for what it had to do "
                               "then; decisions go by it.";
    const struct series_line line = {"estimated, at most", 1, SERIES_STEP, y};
    struct series_panel panel = {.id = id,
                                 .title = title,
                                 .unit = "ms",
                                 .label = label,
                                 .note = note,
                                 .n = e->n,
                                 .x_s = e->x_s,
                                 .n_lines = 1,
                                 .lines = &line,
                                 .level = {ms_from_ns(target_ns), "SLA"}};

    return has_any(y, e->n) ? run_panels_draw(p, &panel, RUN_MISS_ANY) : ST_OK;
}

static enum status draw_expected(const struct run_panels *p)
{
    const struct recorded *run = p->v->run;
    struct expected e;

    enum status s = find_expected(&e, p->v);
    if (s || e.n < 2)
        return s;
    s = draw_one_expected(p, &e, "expected-ttft", "TTFT, as the planner expects it",
                          "Largest TTFT that the planner estimates for its workers", e.ttft,
                          run->ttft_target_ns);
    return s ? s
             : draw_one_expected(p, &e, "expected-itl", "ITL, as the planner expects it",
                                 "Largest ITL that the planner estimates for its workers", e.itl,
                                 run->tpot_target_ns);
}

enum status run_panels_estimates(const struct run_panels *p)
{
    struct estimates e;
    enum status s = make_room(&e, p->v);

    if (s)
        return s;
    s = draw_expected(p);
    find(&e, p->v);
    if (s || e.n < 2)
        return s;
    s = draw_lengths(p, &e);
    if (!s)
        s = draw_latencies(p, &e);
    return s ? s : draw_corrections(p, &e);
}
