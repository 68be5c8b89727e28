/* The settings of a sweep, out of its folder: figures of each over its runs, what each knob does,
 * which settings no other is better than, why runs failed. */
#ifndef PAGES_SWEEP_SETTINGS_H
#define PAGES_SWEEP_SETTINGS_H

#include "pages/figure.h"
#include "pages/html/value.h"
#include "reports/summary.h"
#include "studies/sweep/sweep.h"

enum {
    SETTINGS_MAX = 200000, /* of more, every so many-th is looked at */
    SETTINGS_MAX_FIGURES = 6,
    SETTINGS_MAX_LEVELS = 12,
    SETTINGS_MAX_MESSAGES = 8
};

struct setting {
    uint64_t variant;
    size_t n_failed;
    /* The mean and its 95 % interval; NaN where it cannot be told, or a run has no such figure. */
    struct page_value figures[SETTINGS_MAX_FIGURES];
    bool front; /* by means no other is better in one of the first two and no worse in the other */
    size_t n_same; /* of the front: further settings with just the same means */
};

/* Of a knob at some of its values: `label` is a value, or those from one to another. */
struct settings_level {
    const char *label;
    /* Over all runs there; the interval is of how far it is from the mean of all levels on the same
     * replicates and seeds, so that levels can be told apart by it. */
    struct page_value figures[SETTINGS_MAX_FIGURES];
};
struct settings_effect {
    const char *key;
    size_t knob;
    bool grouped; /* levels are ranges */
    size_t n;
    struct settings_level levels[SETTINGS_MAX_LEVELS];
    /* Of the variance between settings, what lies between the levels. */
    double share[SETTINGS_MAX_FIGURES];
};

struct settings_message {
    const char *text;
    uint64_t n, variant; /* runs; the setting of the first */
};

struct settings {
    struct sweep sweep;
    struct sweep_definition definition;
    size_t n_blocks; /* runs of a setting */
    size_t n_figures;
    struct page_figure figures[SETTINGS_MAX_FIGURES]; /* first the good, then what it costs */
    uint64_t every;                                   /* so many-th setting is here; 1 = all */
    size_t n;
    struct setting *of; /* by variant; only those of which a run is in the folder */
    uint64_t n_runs, n_failed;
    size_t n_messages; /* those most often; the last counts further ones when there are more */
    struct settings_message messages[SETTINGS_MAX_MESSAGES];
    size_t n_effects;
    struct settings_effect *effects; /* largest effect first; knobs with one level are left out */
};

/* Of a folder with study.json and results.csv. ST_INPUT: they are not those of one sweep. ST_IO. */
enum status settings_read(struct settings *settings, struct arena *arena, const char *dir,
                          struct diag *d);

/* Which level of an effect a setting has. */
size_t settings_level_of(const struct settings *settings, const struct settings_effect *effect,
                         uint64_t variant);
/* "key=value, key=value" of a setting, in the arena; NULL when memory is out. */
const char *settings_text(const struct settings *settings, uint64_t variant, struct arena *arena);
/* A knob's value in it. */
const char *settings_knob_text(const struct settings *settings, uint64_t variant, size_t knob,
                               struct arena *arena);

#endif
