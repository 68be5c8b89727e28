#include "pages/svg/ticks.h"

#include <math.h>
#include <string.h>

#include "pages/svg/markup.h"
#include "util/bug.h"

#define GREATEST 1e300

bool extent_shows(enum svg_scale scale, double value)
{
    return isfinite(value) && (scale != SVG_LOG || value > 0);
}

void extent_add(struct extent *e, enum svg_scale scale, double value)
{
    if (!extent_shows(scale, value))
        return;
    value = fmax(-GREATEST, fmin(GREATEST, value));
    if (scale == SVG_LOG)
        value = fmax(1 / GREATEST, value);
    e->low = fmin(e->low, value);
    e->high = fmax(e->high, value);
}

/* The least of 1, 2 and 5 times a power of ten that is no less than x > 0. */
static double round_up(double x)
{
    double power = pow(10, floor(log10(x))), lead = x / power * (1 - 1e-9);

    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

/* Steps of time that people count in, in seconds. */
static double round_up_time(double x)
{
    static const double steps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                   600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};

    if (x <= 0.5)
        return round_up(x);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (x <= steps[i] * (1 + 1e-9))
            return steps[i];
    }
    return 86400 * round_up(x / 86400);
}

/* Between ticks, so that there are no more than `about`. */
static double tick_step(enum svg_scale scale, struct extent e, size_t about)
{
    double least = (e.high - e.low) / (double)(about - 1);

    return scale == SVG_TIME ? round_up_time(least) : round_up(least);
}

static struct extent widen_log(struct extent e)
{
    enum { MOST_DECADES = 307 };
    double low = log10(e.low), high = log10(e.high), air = fmax(0.1, 0.03 * (high - low));

    return (struct extent){pow(10, fmax(-MOST_DECADES, low - air)),
                           pow(10, fmin(MOST_DECADES, high + air))};
}

struct extent axis_extent(const struct svg_axis *axis, struct extent e, size_t about)
{
    if (!(e.low <= e.high))
        e = axis->scale == SVG_LOG ? (struct extent){1, 10} : (struct extent){0, 1};
    if (axis->scale == SVG_LOG)
        return widen_log(e);
    if (axis->from_zero)
        e = (struct extent){fmin(0, e.low), fmax(0, e.high)};
    double size = fmax(fabs(e.low), fabs(e.high));
    if (e.high - e.low <= 1e-9 * size || size < 1 / GREATEST) {
        double half = size < 1 / GREATEST ? 0.5 : 0.1 * size;
        e = (struct extent){e.low >= 0 ? fmax(0, e.low - half) : e.low - half, e.high + half};
    }
    if (axis->scale == SVG_TIME)
        return e;
    double step = tick_step(axis->scale, e, about);
    return (struct extent){floor(e.low / step + 1e-9) * step, ceil(e.high / step - 1e-9) * step};
}

static void add_tick(struct ticks *t, double at)
{
    BUG_IF(t->n == TICKS_MAX);
    t->at[t->n++] = at;
}

/* Every k-th power of ten, or 1, 2 and 5 times each where there are few. */
static void find_log(struct ticks *t, struct extent e, size_t about)
{
    static const struct {
        size_t n;
        double leads[9];
    } forms[] = {{9, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {3, {1, 2, 5}}, {2, {1, 3}}, {1, {1}}};
    int low = (int)floor(log10(e.low) + 1e-12), high = (int)ceil(log10(e.high) - 1e-12);

    for (size_t form = 0; form < 4; form++) {
        bool last = form == 3;
        int every = last ? 1 + (int)((size_t)(high - low) / about) : 1;
        size_t n = 0;
        t->n = 0;
        for (int power = low; power <= high; power += every) {
            for (size_t i = 0; i < forms[form].n; i++) {
                double at = forms[form].leads[i] * pow(10, power);
                if (at < e.low * (1 - 1e-9) || at > e.high * (1 + 1e-9))
                    continue;
                if (++n <= about)
                    add_tick(t, at);
            }
        }
        if (n <= about)
            return;
    }
}

/* The decimals that a step needs. */
static int decimals_of(double step)
{
    int n = 0;

    while (n < 9 && fabs(step - round(step)) > 1e-6 * step) {
        step *= 10;
        n++;
    }
    return n;
}

/* All labels of an axis alike: the same unit and as many decimals. */
static void label_linear(struct ticks *t, double scale, double step, const char *unit)
{
    double size = scale * fmax(fabs(t->at[0]), fabs(t->at[t->n - 1]));
    int decimals = decimals_of(scale * step);

    for (size_t i = 0; i < t->n; i++) {
        double value = scale * t->at[i];
        char text[MARKUP_NUMBER_SIZE];
        if (size >= 1e15 || scale * step < 1e-6)
            snprintf(t->label[i], TICK_LABEL_SIZE, "%.4g%s", value, unit);
        else if (decimals == 0 && size >= 5000 * scale * step)
            snprintf(t->label[i], TICK_LABEL_SIZE, "%.0f%s", value, unit);
        else if (size >= 1e4 || decimals == 0)
            snprintf(t->label[i], TICK_LABEL_SIZE, "%s%s", markup_figure(text, value), unit);
        else
            snprintf(t->label[i], TICK_LABEL_SIZE, "%.*f%s", decimals, value, unit);
    }
}

static void find_linear(struct ticks *t, enum svg_scale scale, struct extent e, size_t about)
{
    double step = tick_step(scale, e, about), first = ceil(e.low / step - 1e-9);

    for (size_t i = 0; t->n < about && (first + (double)i) * step <= e.high + 1e-9 * step; i++) {
        double at = (first + (double)i) * step;
        add_tick(t, fabs(at) < 1e-9 * step ? 0 : at);
    }
    if (t->n && scale != SVG_TIME)
        label_linear(t, scale == SVG_PERCENT ? 100 : 1, step, scale == SVG_PERCENT ? " %" : "");
}

void ticks_find(struct ticks *t, enum svg_scale scale, struct extent e, size_t about)
{
    BUG_IF(about < 2 || about > TICKS_MAX || !(e.low < e.high));
    memset(t, 0, sizeof *t);
    if (scale == SVG_LOG)
        find_log(t, e, about);
    else
        find_linear(t, scale, e, about);
    for (size_t i = 0; i < t->n && (scale == SVG_LOG || scale == SVG_TIME); i++)
        markup_value(t->label[i], scale, t->at[i]);
}
