#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/sweep/settings_internal.h"
#include "studies/statistics.h"
#include "util/text.h"

enum { BINS = 8, MOST_BLOCKS = 64 };

struct mean {
    double sum;
    double n;
};
struct settings_sums {
    const struct settings *settings;
    size_t n_blocks; /* at most MOST_BLOCKS: of more, several are one */
    struct mean *of; /* by effect, level, block and figure */
};

static double known(struct mean m)
{
    return m.n > 0 ? m.sum / m.n : NAN;
}

static struct mean *at(const struct settings_sums *sums, size_t effect, size_t level, size_t block)
{
    size_t place = (effect * SETTINGS_MAX_LEVELS + level) * sums->n_blocks + block;

    return &sums->of[place * SETTINGS_MAX_FIGURES];
}

/* ---- levels ---- */

/* Which of its values a knob has in a setting of the grid; the last knob goes round first. */
static uint64_t grid_index(const struct space *space, uint64_t variant, size_t knob)
{
    for (size_t k = space->n; --k > knob;)
        variant /= space_n_values(&space->knobs[k]);
    return variant % space_n_values(&space->knobs[knob]);
}

size_t settings_level_of(const struct settings *st, const struct settings_effect *effect,
                         uint64_t variant)
{
    const struct knob *knob = &st->sweep.space.knobs[effect->knob];
    uint64_t n = space_n_values(knob), index;
    double u = st->sweep.sample ? st->sweep.sample[variant * st->sweep.space.n + effect->knob] : 0;

    if (n == 0)
        return (size_t)(u * (double)effect->n);
    index = st->sweep.sample ? space_index(knob, u)
                             : grid_index(&st->sweep.space, variant, effect->knob);
    return (size_t)(index * effect->n / n);
}

/* Three digits of a number; other texts as they are. */
static const char *short_text(const char *text, struct arena *arena)
{
    double value;

    if (!text || text_double(text, strlen(text), &value) != TEXT_OK || strlen(text) <= 4)
        return text;
    return arena_printf(arena, "%.3g", value);
}

static const char *range_label(const struct knob *knob, uint64_t n_values, size_t level, size_t n,
                               struct arena *arena)
{
    const char *low, *high;

    if (n_values == 0) {
        low = space_text(knob, (double)level / (double)n, arena);
        high = space_text(knob, nextafter((double)(level + 1) / (double)n, 0), arena);
    } else { /* values whose index * n / n_values is the level */
        uint64_t first = (level * n_values + n - 1) / n, end = ((level + 1) * n_values + n - 1) / n;
        low = space_value(knob, first, arena);
        high = space_value(knob, end - 1, arena);
    }
    low = short_text(low, arena);
    high = short_text(high, arena);
    return low && high ? arena_printf(arena, "%s\xe2\x80\x93%s", low, high) : NULL;
}

static enum status set_levels(struct settings_effect *effect, const struct settings *st,
                              struct arena *arena, struct diag *d)
{
    const struct knob *knob = &st->sweep.space.knobs[effect->knob];
    uint64_t n = space_n_values(knob);

    effect->key = knob->key;
    effect->grouped = n == 0 || n > SETTINGS_MAX_LEVELS;
    effect->n = effect->grouped ? BINS : (size_t)n;
    for (size_t i = 0; i < effect->n; i++) {
        effect->levels[i].label = effect->grouped ? range_label(knob, n, i, effect->n, arena)
                                                  : space_value(knob, i, arena);
        if (!effect->levels[i].label)
            return diag_nomem(d, "levels");
    }
    return ST_OK;
}

/* ---- sums ---- */

enum status settings_sums_create(struct settings_sums **sums, struct settings *st,
                                 struct arena *arena, struct diag *d)
{
    const struct space *space = &st->sweep.space;
    struct settings_sums *to = calloc(1, sizeof *to);
    enum status s = ST_OK;

    *sums = to;
    st->effects = ARENA_NEW(arena, space->n, struct settings_effect);
    if (!to || !st->effects)
        return diag_nomem(d, "effects");
    for (size_t k = 0; k < space->n && !s; k++) {
        if (space_n_values(&space->knobs[k]) == 1)
            continue;
        st->effects[st->n_effects].knob = k;
        s = set_levels(&st->effects[st->n_effects++], st, arena, d);
    }
    to->settings = st;
    to->n_blocks = st->n_blocks < MOST_BLOCKS ? st->n_blocks : MOST_BLOCKS;
    to->of = calloc((st->n_effects + 1) * SETTINGS_MAX_LEVELS * to->n_blocks * SETTINGS_MAX_FIGURES,
                    sizeof *to->of);
    return s || to->of ? s : diag_nomem(d, "effects");
}

void settings_sums_free(struct settings_sums *sums)
{
    if (sums)
        free(sums->of);
    free(sums);
}

void settings_sums_add(struct settings_sums *sums, uint64_t variant, size_t block,
                       const double *figures)
{
    const struct settings *st = sums->settings;

    for (size_t e = 0; e < st->n_effects; e++) {
        size_t level = settings_level_of(st, &st->effects[e], variant);
        struct mean *to = at(sums, e, level, block % sums->n_blocks);
        for (size_t i = 0; i < st->n_figures; i++) {
            if (isnan(figures[i]))
                continue;
            to[i].sum += figures[i];
            to[i].n++;
        }
    }
}

/* ---- effects ---- */

/* A block's mean over levels, of each the same part. */
static double block_mean(const struct settings_sums *sums, size_t effect, size_t block,
                         size_t figure)
{
    struct mean all = {0, 0};

    for (size_t level = 0; level < sums->settings->effects[effect].n; level++) {
        struct mean m = at(sums, effect, level, block)[figure];
        if (m.n > 0)
            all.sum += known(m), all.n++;
    }
    return known(all);
}

/* Over all runs of a level; how sure, by how its distance from the mean of its block differs. */
static struct page_value level_value(const struct settings_sums *sums, size_t effect, size_t level,
                                     size_t figure)
{
    double blocks[MOST_BLOCKS];
    struct mean all = {0, 0};
    size_t n = 0;

    for (size_t b = 0; b < sums->n_blocks; b++) {
        struct mean m = at(sums, effect, level, b)[figure];
        all.sum += m.sum;
        all.n += m.n;
        if (m.n > 0)
            blocks[n++] = known(m) - block_mean(sums, effect, b, figure);
    }
    if (n < 2)
        return (struct page_value){known(all), NAN, NAN};
    struct moments moments = sample_moments(blocks, n);
    struct range range = mean_interval(&moments, 0.95);
    double off = known(all) - moments.mean;
    return (struct page_value){known(all), range.low + off, range.high + off};
}

/* Between settings of different levels, of what there is between all. */
static double share_of_variance(const struct settings *st, const struct settings_effect *effect,
                                size_t figure)
{
    struct mean levels[SETTINGS_MAX_LEVELS] = {{0, 0}}, all = {0, 0};
    double within = 0, total = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < st->n; i++) {
            double mean = st->of[i].figures[figure].mean;
            if (!isfinite(mean))
                continue;
            struct mean *level = &levels[settings_level_of(st, effect, st->of[i].variant)];
            if (pass == 0) {
                level->sum += mean, level->n++;
                all.sum += mean, all.n++;
            } else {
                within += pow(mean - known(*level), 2);
                total += pow(mean - known(all), 2);
            }
        }
    }
    return total > 0 ? fmax(0, 1 - within / total) : 0;
}

void settings_find_effects(struct settings *st, const struct settings_sums *sums)
{
    for (size_t e = 0; e < st->n_effects; e++) {
        struct settings_effect *effect = &st->effects[e];
        for (size_t i = 0; i < st->n_figures; i++) {
            for (size_t level = 0; level < effect->n; level++)
                effect->levels[level].figures[i] = level_value(sums, e, level, i);
            effect->share[i] = share_of_variance(st, effect, i);
        }
    }
}
