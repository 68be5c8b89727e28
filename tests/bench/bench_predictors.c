/* What a forecast costs: CPU time, medians of many, against the bars that keep a planner in the
 * loop of a simulator cheap. Exits 1 when one is missed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "planner/forecast/predictor.h"
#include "util/bug.h"
#include "util/pcg.h"

enum {
    N_PREDICTORS = 6, /* of a disaggregated planner: three series, twice */
    N_SERIES = 12,
    N_HISTORY = 100,
    N_UPDATES = 40,
    KALMAN_TICKS = 1000,
    N_MAX = N_SERIES * N_UPDATES
};

struct timings {
    size_t n;
    double us[N_MAX];
};

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Requests per interval: a level, a slow wave, a drift and noise, another mixture for each seed. */
static double traffic(struct pcg64 *rng, size_t seed, size_t i)
{
    double at = (double)i, wave = sin(at / (4 + (double)seed)) * 20 * (double)(seed % 4);

    return 500 + wave + at * 0.5 * (double)(seed % 3) + 60 * (pcg64_double(rng) - 0.5);
}

static struct predictor start(const char *name)
{
    const struct predictor_config config = {.interval_s = 180,
                                            .prophet_window_size = 50,
                                            .kalman_q_level = 1.0,
                                            .kalman_q_trend = 0.1,
                                            .kalman_r = 10.0,
                                            .kalman_min_points = 5};
    struct predictor p;
    struct diag d;

    diag_init(&d);
    BUG_IF(predictor_init(&p, predictor_find(name), &config, &d));
    return p;
}

static void tick(struct predictor *p, double value)
{
    double forecast;

    BUG_IF(predictor_observe(p, value) || !predictor_predict(p, &forecast) || isnan(forecast));
}

/* Every forecast of a whole planner tick. */
static void time_kalman(struct timings *t)
{
    struct predictor p[N_PREDICTORS];

    for (size_t k = 0; k < N_PREDICTORS; k++)
        p[k] = start("kalman");
    for (t->n = 0; t->n < N_MAX; t->n++) {
        double begin = cpu_us();
        for (size_t i = 0; i < KALMAN_TICKS; i++) {
            for (size_t k = 0; k < N_PREDICTORS; k++)
                tick(&p[k], 500 + (double)(i % 7));
        }
        t->us[t->n] = (cpu_us() - begin) / KALMAN_TICKS;
    }
    for (size_t k = 0; k < N_PREDICTORS; k++)
        predictor_release(&p[k]);
}

/* One value more on top of a history, for one series. */
static void time_updates(struct timings *t, const char *name)
{
    t->n = 0;
    for (size_t seed = 0; seed < N_SERIES; seed++) {
        struct predictor p = start(name);
        struct pcg64 rng;
        pcg64_stream(&rng, 1, "bench", seed);
        for (size_t i = 0; i < N_HISTORY; i++)
            BUG_IF(predictor_observe(&p, traffic(&rng, seed, i)));
        double forecast;
        BUG_IF(!predictor_predict(&p, &forecast)); /* the search for an order, not timed */
        for (size_t i = N_HISTORY; i < N_HISTORY + N_UPDATES; i++) {
            double value = traffic(&rng, seed, i), begin = cpu_us();
            tick(&p, value);
            t->us[t->n++] = cpu_us() - begin;
        }
        predictor_release(&p);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int report(const char *name, struct timings *t, double bar_us, const char *what)
{
    qsort(t->us, t->n, sizeof t->us[0], compare);
    double median = t->us[t->n / 2];
    int missed = median >= bar_us;
    printf("%-16s %10.2f %10.2f  %s (< %g us)  %s\n", name, median, t->us[t->n * 95 / 100],
           missed ? "MISSED" : "ok", bar_us, what);
    return missed;
}

int main(void)
{
    static struct timings t;
    int missed = 0;

    printf("%-16s %10s %10s\n", "forecast", "median us", "p95 us");
    time_kalman(&t);
    missed |= report("kalman", &t, 5, "planner tick: six values stored, six forecasts");
    time_updates(&t, "arima");
    missed |= report("arima", &t, 2000, "one value more on 100 to 139, parameters estimated again");
    time_updates(&t, "prophet");
    missed |= report("prophet", &t, 5000, "one value more, fit on the last 50");
    return missed;
}
