#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/arima.h"
#include "planner/forecast/predictor.h"
#include "planner/forecast/predictor_arima.h"
#include "tests/conformance/family.h"
#include "tests/conformance/golden.h"

static double number(const cJSON *item)
{
    if (cJSON_IsNumber(item))
        return item->valuedouble;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "inf") == 0)
        return INFINITY;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "-inf") == 0)
        return -INFINITY;
    return NAN;
}

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_or(const cJSON *object, const char *key, double fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item ? number(item) : fallback;
}

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const cJSON *values_of(const cJSON *file, const cJSON *kase)
{
    const cJSON *own = get(kase, "values");
    return own ? own : get(get(get(file, "series"), text(kase, "series")), "values");
}

static struct predictor_config config_of(const cJSON *kase)
{
    const cJSON *c = get(kase, "config");
    return (struct predictor_config){
        .log1p = cJSON_IsTrue(get(kase, "log1p")),
        .interval_s = (int64_t)number_or(c, "throughput_adjustment_interval",
                                         number_or(kase, "interval", 180)),
        .prophet_window_size =
            (int64_t)number_or(c, "prophet_window_size", number_or(kase, "window", 50)),
        .kalman_q_level = number_or(c, "kalman_q_level", 1.0),
        .kalman_q_trend = number_or(c, "kalman_q_trend", 0.1),
        .kalman_r = number_or(c, "kalman_r", 10.0),
        .kalman_min_points = 5,
    };
}

static bool start_predictor(struct predictor *p, const char *name,
                            const struct predictor_config *config)
{
    struct diag d;
    const struct predictor_ops *ops = predictor_find(name);

    diag_init(&d);
    return ops && predictor_init(p, ops, config, &d) == ST_OK;
}

/* One compared value. `limit` is in units of error; the verdict keeps the worst. */
static void tally(struct verdict *v, const char *id, size_t at, double got, double want,
                  double error, double limit)
{
    v->cases++;
    if (got == want || (isnan(got) && isnan(want))) {
        v->exact++;
        v->within++;
        return;
    }
    if (error <= limit)
        v->within++;
    if (!(error <= v->worst)) {
        v->worst = isnan(error) ? INFINITY : error;
        snprintf(v->worst_at, sizeof(v->worst_at), "%s [%zu]: %.10g, recorded %.10g", id, at, got,
                 want);
    }
}

static void finish(struct verdict *v, double part)
{
    v->pass = v->cases > 0 && (double)v->within >= part * (double)v->cases;
}

/* ---- constant, Kalman: every forecast ---- */

static void run_series(const cJSON *file, struct verdict *v, const char *name, double tolerance)
{
    const double floor = 1e-6;
    const cJSON *kase;

    cJSON_ArrayForEach(kase, get(file, "cases"))
    {
        struct predictor_config config = config_of(kase);
        struct predictor p;
        if (strcmp(text(kase, "predictor"), name) != 0 || !start_predictor(&p, name, &config))
            continue;
        const cJSON *value, *want = get(kase, "predictions");
        size_t at = 0;
        want = want ? want->child : NULL;
        cJSON_ArrayForEach(value, values_of(file, kase))
        {
            double forecast = NAN;
            predictor_observe(&p, number(value));
            if (want && !cJSON_IsNull(want)) {
                double recorded = number(want);
                if (!predictor_predict(&p, &forecast))
                    forecast = NAN;
                tally(v, text(kase, "id"), at, forecast, recorded,
                      fabs(forecast - recorded) / fmax(fabs(recorded), floor), tolerance);
            }
            want = want ? want->next : NULL;
            at++;
        }
        predictor_release(&p);
    }
    finish(v, 1.0);
}

static void run_constant(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "exact");
    run_series(file, v, "constant", 0.0);
}

static void run_kalman(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "1e-9 relative, floor 1e-6");
    run_series(file, v, "kalman", 1e-9);
}

/* ---- call sequences ---- */

struct sequence_rule {
    const char *predictor;
    double limit, part;
    double (*scale)(double recorded, double mean, double largest);
};

static double scale_relative(double recorded, double mean, double largest)
{
    (void)mean;
    (void)largest;
    return fmax(fabs(recorded), 1e-6);
}

static double scale_arima(double recorded, double mean, double largest)
{
    (void)largest;
    return fmax(fmax(fabs(recorded), 0.05 * fabs(mean)), 1e-300);
}

static double scale_largest(double recorded, double mean, double largest)
{
    (void)recorded;
    (void)mean;
    return fmax(largest, 1e-300);
}

static void run_sequences(const cJSON *file, struct verdict *v, const struct sequence_rule *rule)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, get(file, "cases"))
    {
        struct predictor_config config = config_of(kase);
        struct predictor p;
        if (strcmp(text(kase, "predictor"), rule->predictor) != 0 ||
            !start_predictor(&p, rule->predictor, &config))
            continue;
        const cJSON *op, *want = get(kase, "results");
        double sum = 0.0, largest = 0.0;
        size_t n = 0, at = 0;
        want = want ? want->child : NULL;
        cJSON_ArrayForEach(op, get(kase, "ops"))
        {
            const char *verb = cJSON_GetArrayItem(op, 0)->valuestring;
            if (strcmp(verb, "add") == 0) {
                double value = number(cJSON_GetArrayItem(op, 1));
                predictor_observe(&p, value);
                if (isfinite(value)) {
                    sum += value;
                    largest = fmax(largest, fabs(value));
                    n++;
                }
            } else if (strcmp(verb, "reset_idle") == 0) {
                predictor_reset_idle(&p);
            } else if (want) {
                double forecast = NAN, recorded = number(want);
                if (!predictor_predict(&p, &forecast))
                    forecast = NAN;
                double scale = rule->scale(recorded, n ? sum / (double)n : 0.0, largest);
                tally(v, text(kase, "id"), at++, forecast, recorded,
                      fabs(forecast - recorded) / scale, rule->limit);
                want = want->next;
            }
        }
        predictor_release(&p);
    }
    finish(v, rule->part);
}

static void run_sequences_constant(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "exact");
    run_sequences(file, v, &(struct sequence_rule){"constant", 0.0, 1.0, scale_relative});
}

static void run_sequences_kalman(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "1e-9 relative, floor 1e-6");
    run_sequences(file, v, &(struct sequence_rule){"kalman", 1e-9, 1.0, scale_relative});
}

static void run_sequences_arima(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "90 %% within 1e-3 (floor 5 %% of the mean)");
    run_sequences(file, v, &(struct sequence_rule){"arima", 1e-3, 0.9, scale_arima});
}

static void run_sequences_prophet(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance),
             "95 %% within 0.5 %% of the largest |y|, all within 2 %%");
    run_sequences(file, v, &(struct sequence_rule){"prophet", 0.005, 0.95, scale_largest});
    v->pass = v->pass && v->worst <= 0.02;
}

/* ---- ARIMA ---- */

enum arima_question { ARIMA_ORDER_CLASS, ARIMA_ORDER_EXACT, ARIMA_UNFITTED };

static bool order_of(const cJSON *model, struct arima_order *order, bool *log1p)
{
    const cJSON *o = get(model, "order");
    if (!o)
        return false;
    *order = (struct arima_order){
        .p = cJSON_GetArrayItem(o, 0)->valueint,
        .d = cJSON_GetArrayItem(o, 1)->valueint,
        .q = cJSON_GetArrayItem(o, 2)->valueint,
        .intercept = strcmp(text(model, "trend"), "c") == 0,
    };
    *log1p = strcmp(text(model, "mode"), "log1p") == 0;
    return true;
}

static double mean_of(const cJSON *values)
{
    const cJSON *value;
    double sum = 0.0;
    size_t n = 0;
    cJSON_ArrayForEach(value, values)
    {
        double x = number(value);
        sum += isnan(x) ? 0.0 : x;
        n++;
    }
    return n ? sum / (double)n : 0.0;
}

static void judge_order(struct verdict *v, const char *id, size_t at, enum arima_question question,
                        const struct arima_fit *fit, bool log1p, const struct arima_order *want,
                        bool want_log1p)
{
    const struct arima_order none = {-1, -1, -1, false}, *got = fit ? &fit->order : &none;
    bool same = got->p == want->p && got->d == want->d && got->q == want->q;
    bool alike =
        got->d == want->d && (got->p == 0 && got->q == 0) == (want->p == 0 && want->q == 0);
    double error = (question == ARIMA_ORDER_CLASS ? alike : same) ? 0.0 : 1.0;

    tally(v, "", at, same && log1p == want_log1p && got->intercept == want->intercept ? 0.0 : 1.0,
          0.0, error, 0.5);
    if (error > 0.5)
        snprintf(v->worst_at, sizeof(v->worst_at), "%s [%zu]: (%d,%d,%d)%s, recorded (%d,%d,%d)%s",
                 id, at, got->p, got->d, got->q, log1p ? " log" : "", want->p, want->d, want->q,
                 want_log1p ? " log" : "");
}

/* The predictor as a whole, up to its first fit: what it says before, and the order it then
 * chooses. */
static void run_arima_start(const cJSON *file, struct verdict *v, enum arima_question question)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, get(file, "cases"))
    {
        struct predictor_config config = config_of(kase);
        struct predictor p;
        if (strcmp(text(kase, "predictor"), "arima") != 0 || !start_predictor(&p, "arima", &config))
            continue;
        const cJSON *value, *values = values_of(file, kase);
        const cJSON *want = get(kase, "predictions")->child, *model = get(kase, "model")->child;
        double mean = mean_of(values);
        size_t at = 0;
        cJSON_ArrayForEach(value, values)
        {
            struct arima_order order;
            bool log1p = false, want_log1p = false, fitted = order_of(model, &order, &want_log1p);
            double forecast = NAN, recorded = number(want);
            predictor_observe(&p, number(value));
            if (!cJSON_IsNull(want))
                predictor_predict(&p, &forecast);
            if (question == ARIMA_UNFITTED && !fitted && !cJSON_IsNull(want))
                tally(v, text(kase, "id"), at, forecast, recorded,
                      fabs(forecast - recorded) / scale_arima(recorded, mean, 0.0), 0.0);
            if (fitted && question != ARIMA_UNFITTED) {
                const struct arima_fit *fit = predictor_arima_fit(p.state, &log1p);
                judge_order(v, text(kase, "id"), at, question, fit, log1p, &order, want_log1p);
            }
            if (fitted)
                break;
            want = want->next;
            model = model->next;
            at++;
        }
        predictor_release(&p);
    }
}

static void run_arima_class(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "same d, and p = q = 0 or not, in 90 %% of cases");
    run_arima_start(file, v, ARIMA_ORDER_CLASS);
    finish(v, 0.9);
}

static void run_arima_exact(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "same (p, d, q) in 80 %% of cases");
    run_arima_start(file, v, ARIMA_ORDER_EXACT);
    finish(v, 0.8);
}

static void run_arima_unfitted(const cJSON *file, struct verdict *v)
{
    snprintf(v->tolerance, sizeof(v->tolerance), "exact");
    run_arima_start(file, v, ARIMA_UNFITTED);
    finish(v, 1.0);
}

/* Steps that are further off than each limit: how ours compares with the recording, and how the
 * reference does when its input is disturbed in the ninth digit. */
/* Steps by which ours may be worse than the noise, as a part of all. */
static const double noise_margin = 0.01;
enum { N_LIMITS = 3 };
static const double limits[N_LIMITS] = {1e-3, 1e-2, 5e-2};

struct beyond {
    size_t n_steps;
    double n[N_LIMITS];
};

/* The same path with the order given: first fit, then one update per value. `buffer` holds the
 * model's series. */
static void run_arima_case(const cJSON *file, const cJSON *kase, double *buffer, struct verdict *v,
                           struct beyond *beyond)
{
    const cJSON *value, *values = values_of(file, kase);
    const cJSON *want = get(kase, "predictions")->child, *model = get(kase, "model")->child;
    double mean = mean_of(values);
    bool log1p_mode = false, started = false, seen = false;
    struct arima_order order;
    struct arima_fit fit = {0};
    size_t n = 0, n_in_model = 0, at = 0;

    for (const cJSON *m = model; m && !order_of(m, &order, &log1p_mode);)
        m = m->next;
    cJSON_ArrayForEach(value, values)
    {
        double x = number(value);
        x = isnan(x) ? 0.0 : x;
        if (x != 0.0 || seen) {
            seen = true;
            x = fmax(0.0, x);
            buffer[n++] = log1p_mode ? log1p(x) : x;
        }
        if (!cJSON_IsNull(want) && cJSON_IsObject(model)) {
            int n_iterations = n - n_in_model >= 60 ? (int)((n - n_in_model) / 10) : 5;
            if (!started)
                started = arima_estimate(buffer, n, order, NULL, ARIMA_SEARCH_ITERATIONS, &fit);
            else if (n > n_in_model)
                arima_estimate(buffer, n, order, fit.params, n_iterations, &fit);
            n_in_model = n;
            double recorded = number(want);
            double forecast = fmax(0.0, log1p_mode ? expm1(fit.forecast) : fit.forecast);
            double error = fabs(forecast - recorded) / scale_arima(recorded, mean, 0.0);
            tally(v, text(kase, "id"), at, forecast, recorded, error, limits[0]);
            beyond->n_steps++;
            for (int k = 0; k < N_LIMITS; k++)
                beyond->n[k] += !(error <= limits[k]);
        }
        want = want->next;
        model = model->next;
        at++;
    }
}

/* Mean over the disturbed runs of one case; false where there are none. */
static bool noise_of(const cJSON *noise, const char *id, struct beyond *sum)
{
    const cJSON *run, *runs = get(get(noise, "cases"), id);
    int n_runs = cJSON_GetArraySize(runs);

    cJSON_ArrayForEach(run, runs)
    {
        for (int k = 0; k < N_LIMITS; k++)
            sum->n[k] += number(cJSON_GetArrayItem(run, k)) / n_runs;
    }
    return n_runs > 0;
}

static void run_arima_given(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;
    struct beyond all = {0}, ours = {0}, reference = {0};
    cJSON *noise = golden_load(CONFORMANCE_NOISE);

    cJSON_ArrayForEach(kase, get(file, "cases"))
    {
        struct beyond here = {0};
        if (strcmp(text(kase, "predictor"), "arima") != 0)
            continue;
        double *buffer =
            calloc((size_t)cJSON_GetArraySize(values_of(file, kase)) + 1, sizeof(*buffer));
        if (!buffer)
            break;
        run_arima_case(file, kase, buffer, v, &here);
        free(buffer);
        bool known = noise_of(noise, text(kase, "id"), &reference);
        all.n_steps += here.n_steps;
        ours.n_steps += known ? here.n_steps : 0;
        for (int k = 0; k < N_LIMITS; k++) {
            all.n[k] += here.n[k];
            ours.n[k] += known ? here.n[k] : 0;
        }
    }
    cJSON_Delete(noise);
    finish(v, 0.9);
    v->pass = v->pass && all.n[2] <= 0.02 * (double)all.n_steps;
    int used = snprintf(v->tolerance, sizeof(v->tolerance),
                        "90 %% within 1e-3, 98 %% within 5 %% (floor 5 %% of the mean)");
    if (ours.n_steps == 0)
        return;
    for (int k = 0; k < N_LIMITS; k++)
        v->pass = v->pass && ours.n[k] <= reference.n[k] + noise_margin * (double)ours.n_steps;
    snprintf(v->tolerance + used, sizeof(v->tolerance) - (size_t)used,
             "; beyond 0.1, 1, 5 %%: %.0f, %.0f, %.0f of %zu steps, no more than the reference "
             "beside itself under noise of 1e-9: %.0f, %.0f, %.0f, and %.1f %%",
             ours.n[0], ours.n[1], ours.n[2], ours.n_steps, reference.n[0], reference.n[1],
             reference.n[2], 100 * noise_margin);
}

/* ---- Prophet ---- */

static const double prophet_limit = 0.005, prophet_worst = 0.02;

/* Largest |y| of the window that ends with value `at`, in the scale of the values. */
static double window_largest(const cJSON *values, size_t at, int64_t size)
{
    const cJSON *value;
    double largest = 0.0;
    size_t i = 0;
    cJSON_ArrayForEach(value, values)
    {
        if (i <= at && (int64_t)(at - i) < size)
            largest = fmax(largest, fabs(number(value)));
        i++;
    }
    return largest;
}

static void run_prophet_cases(const cJSON *file, struct verdict *v, unsigned fixes)
{
    const cJSON *kase;

    snprintf(v->tolerance, sizeof(v->tolerance),
             "95 %% within 0.5 %% of the largest |y| of the window, all within 2 %%");
    cJSON_ArrayForEach(kase, get(file, "cases"))
    {
        struct predictor_config config = config_of(kase);
        struct predictor p;
        config.fixes = fixes;
        if (strcmp(text(kase, "predictor"), "prophet") != 0 ||
            !start_predictor(&p, "prophet", &config))
            continue;
        const cJSON *value, *values = values_of(file, kase),
                            *want = get(kase, "predictions")->child;
        size_t at = 0;
        cJSON_ArrayForEach(value, values)
        {
            predictor_observe(&p, number(value));
            if (!cJSON_IsNull(want)) {
                double forecast = NAN, recorded = number(want);
                double scale = fmax(window_largest(values, at, config.prophet_window_size), 1e-300);
                if (!predictor_predict(&p, &forecast))
                    forecast = NAN;
                tally(v, text(kase, "id"), at, forecast, recorded,
                      fabs(forecast - recorded) / scale, prophet_limit);
            }
            want = want->next;
            at++;
        }
        predictor_release(&p);
    }
    finish(v, 0.95);
    v->pass = v->pass && v->worst <= prophet_worst;
}

static void run_prophet(const cJSON *file, struct verdict *v)
{
    run_prophet_cases(file, v, 0);
}

static void run_prophet_fixed_time(const cJSON *file, struct verdict *v)
{
    /* The second-generation planner corrected the time and cuts negative forecasts off. */
    run_prophet_cases(file, v, FIX_PROPHET_TIME | FIX_CLAMP_FORECAST);
}

static void run_prophet_fits(const cJSON *file, struct verdict *v)
{
    const cJSON *fit, *value;

    snprintf(v->tolerance, sizeof(v->tolerance), "0.5 %% of the largest |y|");
    cJSON_ArrayForEach(fit, get(file, "fits"))
    {
        struct predictor_config config = {.interval_s = (int64_t)number_or(fit, "step_size_s", 180),
                                          .prophet_window_size = 50};
        struct predictor p;
        double forecast = NAN, recorded = number(get(fit, "yhat"));
        if (!start_predictor(&p, "prophet", &config))
            continue;
        cJSON_ArrayForEach(value, get(fit, "y")) predictor_observe(&p, number(value));
        if (!predictor_predict(&p, &forecast))
            forecast = NAN;
        tally(v, text(fit, "id"), 0, forecast, recorded,
              fabs(forecast - recorded) / number(get(fit, "y_scale")), prophet_limit);
        predictor_release(&p);
    }
    finish(v, 1.0);
}

const struct family families_predictors[] = {
    {"predictors_constant_kalman", "constant", run_constant},
    {"predictors_constant_kalman", "Kalman", run_kalman},
    {"predictors_call_sequences", "call sequences, constant", run_sequences_constant},
    {"predictors_call_sequences", "call sequences, Kalman", run_sequences_kalman},
    {"predictors_call_sequences", "call sequences, ARIMA", run_sequences_arima},
    {"predictors_call_sequences", "call sequences, Prophet", run_sequences_prophet},
    {"predictors_arima", "ARIMA before the first fit", run_arima_unfitted},
    {"predictors_arima", "ARIMA order, in kind", run_arima_class},
    {"predictors_arima", "ARIMA order", run_arima_exact},
    {"predictors_arima", "ARIMA forecast, order given", run_arima_given},
    {"predictors_prophet", "Prophet", run_prophet},
    {"predictors_prophet", "Prophet, single fits", run_prophet_fits},
    {"fpm_predictors", "Prophet, corrected time", run_prophet_fixed_time},
    {NULL, NULL, NULL},
};
