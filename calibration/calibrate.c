#include "calibration/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/compose/build.h"
#include "scenarios/keys/overheads.h"
#include "util/bug.h"
#include "util/json_out.h"

/* The expected size of what is left: how well a simulated engine with the right overheads meets
 * measured means. TTFT depends on who comes with whom, and is the less certain. */
static const double expected_tpot = 0.03, expected_ttft = 0.08;
/* Of that, what is not bettered by any agreement: two runs of one benchmark differ by so much. */
static const double least_noise = 1.0 / 3;

/* In the order in which they are taken in where they do the same: what every engine has comes
 * first. The deviation is that of engines around their start, as a factor or in the unit. */
static const struct parameter {
    const char *name, *unit;
    size_t offset; /* in struct engine_settings */
    double deviation, lowest, highest;
    /* In deviations: what derivatives are taken over. Requests wait for the end of a step, so that
     * of what is added before them only more than a step shows. */
    double difference;
    bool factor;
    bool steps_only;   /* a part of a step */
    bool with_lengths; /* told by prompts of different lengths alone */
} parameters[] = {
    {.name = "step_factor",
     .difference = 0.3,
     .unit = "",
     .offset = offsetof(struct engine_settings, step_factor),
     .factor = true,
     .deviation = 0.3,
     .lowest = 0.2,
     .highest = 5},
    {.name = "frontend_ms",
     .difference = 1,
     .unit = "ms",
     .offset = offsetof(struct engine_settings, frontend_ms),
     .deviation = 20,
     .highest = 2000},
    {.name = "host_us_per_seq",
     .difference = 0.3,
     .unit = "us",
     .offset = offsetof(struct engine_settings, host_us_per_seq),
     .deviation = 15,
     .highest = 500},
    {.name = "host_ms_per_step",
     .difference = 0.3,
     .unit = "ms",
     .offset = offsetof(struct engine_settings, host_ms_per_step),
     .deviation = 1.5,
     .highest = 100},
    {.name = "token_factor",
     .difference = 0.3,
     .unit = "",
     .offset = offsetof(struct engine_settings, token_factor),
     .factor = true,
     .deviation = 0.3,
     .lowest = 0.2,
     .highest = 5,
     .steps_only = true,
     .with_lengths = true},
    {.name = "frontend_us_per_tok",
     .difference = 1,
     .unit = "us",
     .offset = offsetof(struct engine_settings, frontend_us_per_tok),
     .deviation = 5,
     .highest = 1000,
     .with_lengths = true},
};
enum { N_PARAMETERS = sizeof parameters / sizeof *parameters };
_Static_assert((int)N_PARAMETERS <= (int)FIT_MAX_PARAMS, "a parameter more");

static double *value_of(const struct parameter *p, struct engine_settings *engine)
{
    return (double *)(void *)((char *)engine + p->offset);
}

struct work {
    struct calibration *c;
    struct arena *arena;
    const struct calibration_options *options;
    const struct scenario *scenarios; /* of each point */
    const bool *left_out;             /* points that do not count; NULL = all do */
    /* Parameters that are fitted now: which, and the same as rows of calibration.param. */
    size_t n;
    const struct parameter *fitted[FIT_MAX_PARAMS];
    struct calibration_param *row[FIT_MAX_PARAMS];
    struct point_run *runs; /* room for those of FIT_MAX_PARAMS settings */
};

/* ---- scenarios ---- */

static enum status check_overrides(const struct calibration_options *options, struct diag *d)
{
    for (size_t i = 0; i < options->n_overrides; i++) {
        const struct scenario_override *o = &options->overrides[i];
        if (strncmp(o->text, "engine.", 7) != 0 || strncmp(o->text, "engine.profile", 14) == 0)
            return diag_fail(d, ST_INPUT,
                             "%s: a calibration is of one engine; expected a key of engine other "
                             "than its profile",
                             o->label);
    }
    return ST_OK;
}

/* The profile, then the keys of the user. Values of overrides are YAML, which takes JSON. */
static enum status make_overrides(struct scenario_override **overrides, const struct work *w,
                                  struct diag *d)
{
    const struct calibration_options *options = w->options;
    struct scenario_override *o =
        ARENA_NEW(w->arena, options->n_overrides + 1, struct scenario_override);
    char *bytes = NULL;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);
    struct json_out j;

    *overrides = o;
    if (out) {
        fputs("engine.profile=", out);
        json_out_init(&j, out, false);
        json_string(&j, options->profile);
    }
    bool written = out && fclose(out) == 0;
    if (o && written)
        *o = (struct scenario_override){"PROFILE", arena_strndup(w->arena, bytes, length)};
    free(bytes);
    if (!o || !o->text)
        return diag_nomem(d, "overrides");
    for (size_t i = 0; i < options->n_overrides; i++)
        o[i + 1] = options->overrides[i];
    return ST_OK;
}

static enum status write_scenario(char **bytes, size_t *length, const struct measured_point *p,
                                  int64_t max_clients, struct diag *d)
{
    FILE *out = open_memstream(bytes, length);
    struct json_out j;

    if (!out)
        return diag_nomem(d, "scenario");
    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key(&j, "traffic");
    json_object_begin(&j);
    json_key_int(&j, "clients", p->clients ? p->clients : 1);
    json_key_int(&j, "requests", (int64_t)p->n_requests);
    json_key_int(&j, "isl_tok", llrint(p->mean_isl_tok));
    json_key_int(&j, "osl_tok", llrint(p->mean_osl_tok));
    json_object_end(&j);
    json_key(&j, "engine");
    json_object_begin(&j);
    if (max_clients > 256) /* the points were sustained */
        json_key_int(&j, "max_num_seqs", max_clients);
    if (max_clients > 8192)
        json_key_int(&j, "max_num_batched_tokens", max_clients);
    json_object_end(&j);
    fputs(", \"pools\": {\"agg\": {\"replicas\": 1}}, \"policy\": {\"type\": \"static\"}, "
          "\"output\": {\"sample_s\": 0}",
          out);
    json_object_end(&j);
    return fclose(out) == 0 ? ST_OK : diag_nomem(d, "scenario");
}

static enum status read_scenarios(struct work *w, const struct measured *measured, struct diag *d)
{
    struct scenario *scenarios = ARENA_NEW(w->arena, measured->n_points, struct scenario);
    struct scenario_override *overrides = NULL;
    int64_t max_clients = 0;
    enum status s = scenarios ? make_overrides(&overrides, w, d) : diag_nomem(d, "scenarios");

    for (size_t i = 0; i < measured->n_points; i++) {
        if (measured->point[i].clients > max_clients)
            max_clients = measured->point[i].clients;
    }
    for (size_t i = 0; i < measured->n_points && !s; i++) {
        char *bytes = NULL;
        size_t length;
        s = write_scenario(&bytes, &length, &measured->point[i], max_clients, d);
        const char *text = s ? NULL : arena_strndup(w->arena, bytes, length);
        free(bytes);
        if (!s && !text)
            s = diag_nomem(d, "scenario");
        if (!s)
            s = scenario_parse(&scenarios[i], w->arena, "calibrate", text, length, overrides,
                               w->options->n_overrides + 1, w->options->preset_dirs, d);
    }
    w->scenarios = scenarios;
    return s;
}

/* Prompts half as long again as the shortest tell what grows with them. */
static bool one_length(const struct calibration *c)
{
    double shortest = INFINITY, longest = 0;

    for (size_t i = 0; i < c->n_points; i++) {
        shortest = fmin(shortest, c->point[i].measured->mean_isl_tok);
        longest = fmax(longest, c->point[i].measured->mean_isl_tok);
    }
    return longest < 1.5 * shortest;
}

static const struct engine_settings *engine_as_read(const struct work *w)
{
    return &w->scenarios[0].pools[POOL_AGG].engine;
}

/* Where the parameters start: as the profile's overheads have them. */
static enum status start(struct work *w, struct diag *d)
{
    struct engine_settings engine = *engine_as_read(w);
    struct calibration *c = w->c;
    const struct profile *profile;

    enum status s =
        scenario_load_profile(&w->scenarios[0], POOL_AGG, w->options->resources, &profile, d);
    if (!s)
        s = overheads_resolve(&engine, &c->overheads, w->arena,
                              run_resources_shared(w->options->resources), &w->scenarios[0],
                              POOL_AGG, profile, d);
    if (s)
        return s;
    c->latency_model = engine.latency_model;
    for (size_t i = 0; i < N_PARAMETERS; i++) {
        const struct parameter *p = &parameters[i];
        struct engine_settings as_read = *engine_as_read(w);
        bool set = !isnan(*value_of(p, &as_read));
        double value = *value_of(p, &engine);
        if (p->steps_only && strcmp(engine.latency_model, "steps") != 0)
            continue;
        c->param[c->n_params++] =
            (struct calibration_param){.name = p->name,
                                       .unit = p->unit,
                                       .start = value,
                                       .value = value,
                                       .deviation = NAN,
                                       .state = set ? CALIBRATION_SET : CALIBRATION_FITTED};
        struct calibration_param *row = &c->param[c->n_params - 1];
        if (!set && p->with_lengths && one_length(c)) {
            row->state = CALIBRATION_NOT_TOLD;
            row->why = arena_printf(
                w->arena, "prompts of one length only: %s is not told; kept at its start", p->name);
            if (!row->why)
                return diag_nomem(d, "calibration");
        } else if (!set) {
            w->fitted[w->n] = p;
            w->row[w->n++] = row;
        }
    }
    return ST_OK;
}

/* ---- from a fit's units to the engine's ---- */

static double to_value(const struct parameter *p, double start, double u)
{
    return p->factor ? start * exp(p->deviation * u) : start + p->deviation * u;
}

static double to_u(const struct parameter *p, double start, double value)
{
    return p->factor ? log(value / start) / p->deviation : (value - start) / p->deviation;
}

static struct engine_settings engine_at(const struct work *w, size_t point, const double *u)
{
    struct engine_settings engine = w->scenarios[point].pools[POOL_AGG].engine;

    for (size_t k = 0; k < w->n; k++)
        *value_of(w->fitted[k], &engine) = to_value(w->fitted[k], w->row[k]->start, u[k]);
    return engine;
}

static struct point_run run_at(const struct work *w, size_t point, const double *u)
{
    return (struct point_run){.point = w->c->point[point].measured,
                              .scenario = &w->scenarios[point],
                              .engine = engine_at(w, point, u)};
}

static enum status do_runs(const struct work *w, size_t n, struct diag *d)
{
    struct point_runs runs = {.n = n,
                              .run = w->runs,
                              .resources = w->options->resources,
                              .n_threads = w->options->n_threads,
                              .cancel = w->options->cancel};

    return point_runs_do(&runs, d);
}

/* Two of each point: TTFT, then TPOT; 0 where there is no TPOT. */
static void set_residuals(double *r, const struct measured_point *m, struct point_figures f)
{
    r[0] = log(f.ttft_ms / m->ttft_ms) / expected_ttft;
    r[1] = isnan(m->tpot_ms) || isnan(f.tpot_ms) ? 0 : log(f.tpot_ms / m->tpot_ms) / expected_tpot;
}

/* Does the point count in the fit? */
static bool counts(const struct work *w, size_t point)
{
    return !w->left_out || !w->left_out[point];
}

static enum status residuals(void *context, size_t n, const double (*u)[FIT_MAX_PARAMS],
                             double *const *r, struct diag *d)
{
    const struct work *w = context;
    size_t n_runs = 0;

    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < w->c->n_points; i++) {
            if (counts(w, i))
                w->runs[n_runs++] = run_at(w, i, u[k]);
        }
    }
    enum status s = do_runs(w, n_runs, d);
    for (size_t i = 0; i < n_runs && !s; i++) {
        size_t n_points = n_runs / n;
        set_residuals(&r[i / n_points][2 * (i % n_points)], w->runs[i].point, w->runs[i].figures);
    }
    return s;
}

static struct fit_problem problem_of(struct work *w)
{
    struct fit_problem p = {
        .n_params = w->n, .least_noise = least_noise, .residuals = residuals, .context = w};

    for (size_t i = 0; i < w->c->n_points; i++)
        p.n_residuals += counts(w, i) ? 2 : 0;
    for (size_t k = 0; k < w->n; k++) {
        p.difference[k] = w->fitted[k]->difference;
        p.lowest[k] = fmin(0, to_u(w->fitted[k], w->row[k]->start, w->fitted[k]->lowest));
        p.highest[k] = fmax(0, to_u(w->fitted[k], w->row[k]->start, w->fitted[k]->highest));
    }
    return p;
}

/* ---- what the points tell ---- */

/* Every point has the same load, or the same prompts. */
static bool one_load(const struct calibration *c)
{
    for (size_t i = 1; i < c->n_points; i++) {
        const struct measured_point *a = c->point[0].measured, *b = c->point[i].measured;
        if (a->clients != b->clients || (a->clients == 0 && a->rate_per_s != b->rate_per_s))
            return false;
    }
    return true;
}

static const char *untold_text(const struct work *w, size_t k, struct fit_identity identity)
{
    const char *name = w->row[k]->name;

    switch (identity.verdict) {
    case FIT_NO_EFFECT:
        return arena_printf(
            w->arena, "%s changes these points too little to be told; kept at its start", name);
    case FIT_CONFOUNDED:
        return arena_printf(w->arena, "%s%s and %s cannot be told apart%s; %s kept at its start",
                            one_load(w->c) ? "points of one load only: " : "",
                            w->row[identity.partner]->name, name,
                            one_load(w->c) ? "" : " by these points", name);
    case FIT_NOT_NEEDED:
        break;
    }
    return arena_printf(w->arena, "%s is not needed to explain these points; kept at its start",
                        name);
}

/* Figures of all points at `u`. */
static enum status figures_at(struct work *w, const double u[FIT_MAX_PARAMS], size_t offset,
                              struct diag *d)
{
    for (size_t i = 0; i < w->c->n_points; i++)
        w->runs[i] = run_at(w, i, u);
    enum status s = do_runs(w, w->c->n_points, d);
    for (size_t i = 0; i < w->c->n_points && !s; i++)
        memcpy((char *)&w->c->point[i] + offset, &w->runs[i].figures, sizeof w->runs[i].figures);
    return s;
}

static enum status keep_values(struct work *w, const struct fit *fit,
                               const struct fit_problem *problem, struct diag *d)
{
    for (size_t k = 0; k < w->n; k++) {
        const struct parameter *p = w->fitted[k];
        struct calibration_param *row = w->row[k];
        double deviation = p->deviation * fit_deviation(fit, problem, k);
        bool low = fit->u[k] <= problem->lowest[k], high = fit->u[k] >= problem->highest[k];
        if (!fit->taken[k]) {
            row->state = CALIBRATION_NOT_TOLD;
            row->why = untold_text(w, k, fit_identify(fit, problem, k));
        } else {
            row->value = to_value(p, row->start, fit->u[k]);
            row->deviation = p->factor ? row->value * deviation : deviation;
            if (low || high)
                row->why = arena_printf(w->arena, "%s is at the %s end of its range", row->name,
                                        low ? "lower" : "upper");
        }
        if (!row->why && (!fit->taken[k] || low || high))
            return diag_nomem(d, "calibration");
    }
    return ST_OK;
}

/* ---- held out ---- */

enum { ALL_APART = 10, N_FOLDS = 5 }; /* up to so many points each is a part of its own */

/* Each part of the points by a fit to the others. */
static enum status hold_out(const struct work *all, struct diag *d)
{
    struct calibration *c = all->c;
    bool *left_out = ARENA_NEW(all->arena, c->n_points, bool);
    enum status s = left_out ? ST_OK : diag_nomem(d, "calibration");

    for (size_t i = 0; i < c->n_points; i++)
        c->point[i].held_out = (struct point_figures){NAN, NAN, NAN};
    c->n_folds = c->n_points < 2 ? 0 : c->n_points <= ALL_APART ? c->n_points : N_FOLDS;
    for (size_t fold = 0; fold < c->n_folds && !s; fold++) {
        struct work w = *all;
        struct fit fit;
        size_t n = 0;
        for (size_t i = 0; i < c->n_points; i++)
            left_out[i] = i % c->n_folds == fold;
        w.left_out = left_out;
        const struct fit_problem problem = problem_of(&w);
        s = fit_run(&fit, &problem, w.arena, d);
        for (size_t i = fold; i < c->n_points && !s; i += c->n_folds)
            w.runs[n++] = run_at(&w, i, fit.u);
        if (!s)
            s = do_runs(&w, n, d);
        for (size_t i = fold; i < c->n_points && !s; i += c->n_folds)
            c->point[i].held_out = w.runs[i / c->n_folds].figures;
    }
    return s;
}

/* Overheads do not make up for a KV cache that is too small. */
static enum status note_kv(struct calibration *c, struct arena *arena, struct diag *d)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_points; i++)
        n += c->point[i].after.kv_peak > 0.95 &&
             c->point[i].after.ttft_ms > 1.5 * c->point[i].measured->ttft_ms;
    if (n == 0)
        return ST_OK;
    c->note = arena_printf(arena,
                           "in %zu of the points requests wait for KV blocks far longer than was "
                           "measured; if the engine holds more tokens (its log says how many), "
                           "--set engine.kv_blocks=N",
                           n);
    return c->note ? ST_OK : diag_nomem(d, "calibration");
}

/* ---- all of it ---- */

enum status calibrate(struct calibration *c, struct arena *arena, const struct measured *measured,
                      const struct calibration_options *options, struct diag *d)
{
    struct work w = {.c = c, .arena = arena, .options = options};
    static const double nowhere[FIT_MAX_PARAMS];
    struct fit_problem problem;
    struct fit fit;

    *c = (struct calibration){.profile = options->profile,
                              .measured = measured,
                              .n_points = measured->n_points,
                              .n_overrides = options->n_overrides,
                              .overrides = options->overrides};
    c->point = ARENA_NEW(arena, c->n_points, struct calibration_point);
    w.runs = ARENA_NEW(arena, c->n_points * FIT_MAX_PARAMS, struct point_run);
    if (!c->point || !w.runs)
        return diag_nomem(d, "calibration");
    for (size_t i = 0; i < c->n_points; i++)
        c->point[i].measured = &measured->point[i];
    enum status s = check_overrides(options, d);
    if (!s)
        s = read_scenarios(&w, measured, d);
    if (!s)
        s = start(&w, d);
    if (!s)
        s = figures_at(&w, nowhere, offsetof(struct calibration_point, before), d);
    problem = problem_of(&w);
    if (!s)
        s = fit_run(&fit, &problem, arena, d);
    if (!s)
        s = keep_values(&w, &fit, &problem, d);
    if (!s)
        s = figures_at(&w, fit.u, offsetof(struct calibration_point, after), d);
    if (!s)
        s = note_kv(c, arena, d);
    return s ? s : hold_out(&w, d);
}

struct calibration_errors calibration_point_errors(const struct calibration_point *p,
                                                   enum calibration_stage stage)
{
    const struct point_figures *f = stage == CALIBRATION_BEFORE  ? &p->before
                                    : stage == CALIBRATION_AFTER ? &p->after
                                                                 : &p->held_out;

    return (struct calibration_errors){f->ttft_ms / p->measured->ttft_ms - 1,
                                       f->tpot_ms / p->measured->tpot_ms - 1};
}

struct calibration_errors calibration_errors(const struct calibration *c,
                                             enum calibration_stage stage)
{
    struct calibration_errors sum = {0, 0};
    double n_ttft = 0, n_tpot = 0;

    for (size_t i = 0; i < c->n_points; i++) {
        struct calibration_errors e = calibration_point_errors(&c->point[i], stage);
        n_ttft += !isnan(e.ttft);
        n_tpot += !isnan(e.tpot);
        sum.ttft += isnan(e.ttft) ? 0 : fabs(e.ttft);
        sum.tpot += isnan(e.tpot) ? 0 : fabs(e.tpot);
    }
    return (struct calibration_errors){sum.ttft / n_ttft, sum.tpot / n_tpot}; /* 0 / 0 is NaN */
}

const char *calibration_load(char text[CALIBRATION_LOAD_SIZE], const struct measured_point *p)
{
    if (p->clients)
        snprintf(text, CALIBRATION_LOAD_SIZE, "%lld client%s", (long long)p->clients,
                 p->clients == 1 ? "" : "s");
    else
        snprintf(text, CALIBRATION_LOAD_SIZE, "%.4g /s", p->rate_per_s);
    return text;
}
