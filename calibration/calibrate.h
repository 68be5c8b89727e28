/* The few overheads of an engine, fitted to what was measured of it.
 *
 * Every measured point is simulated with the requests that were sent there. Parameters start from
 * the overheads that such an engine has by itself (scenarios/keys/overheads.h) and are fitted by
 * calibration/fit.h to the logarithms of mean TTFT and mean TPOT; those that the points do not tell
 * stay there. */
#ifndef CALIBRATION_CALIBRATE_H
#define CALIBRATION_CALIBRATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "calibration/fit.h"
#include "calibration/measured/measured.h"
#include "calibration/point_run.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/status.h"

enum calibration_state {
    CALIBRATION_FITTED,
    CALIBRATION_NOT_TOLD, /* by the points; kept at its start */
    CALIBRATION_SET       /* by the user; kept */
};

struct calibration_param {
    const char *name; /* the key, without `engine.` */
    const char *unit; /* "" = a factor */
    double start, value;
    double deviation; /* standard deviation of value, in its unit; NaN unless fitted; that those
                         not told may be off is in it */
    enum calibration_state state;
    const char *why; /* not told: a sentence; fitted: that it is at the end of its range, or NULL */
};

struct calibration_point {
    const struct measured_point *measured;
    struct point_figures before, after;
    struct point_figures held_out; /* fitted without the point; NaN when there is but one */
};

struct calibration {
    const char *profile;   /* by name, or as a path from the working directory */
    const char *overheads; /* the entry that it started from, or "none" */
    const char *latency_model;
    const struct measured *measured;
    size_t n_points;
    struct calibration_point *point;
    size_t n_params;
    struct calibration_param param[FIT_MAX_PARAMS];
    const char *note; /* about the points that do not fit, and what may cure it; NULL = nothing */
    size_t n_folds;   /* the points were held out in so many parts; 0 = there is but one */
    size_t n_overrides;
    const struct scenario_override *overrides;
};

struct calibration_options {
    const char *profile; /* name or path */
    size_t n_overrides;  /* of keys of `engine` */
    const struct scenario_override *overrides;
    const char *const *preset_dirs;
    struct run_resources *resources;
    size_t n_threads; /* never changes a figure */
    const atomic_bool *cancel;
};

/* In the arena; borrows the measured points and the options. ST_INPUT when the profile or a key is
 * wrong, or a point cannot be simulated; ST_CANCELLED. */
enum status calibrate(struct calibration *calibration, struct arena *arena,
                      const struct measured *measured, const struct calibration_options *options,
                      struct diag *d);

/* Mean of the absolute relative errors over the points. */
enum calibration_stage { CALIBRATION_BEFORE, CALIBRATION_AFTER, CALIBRATION_HELD_OUT };
struct calibration_errors {
    double ttft, tpot; /* NaN where there is none */
};
struct calibration_errors calibration_errors(const struct calibration *calibration,
                                             enum calibration_stage stage);
/* The figures of a point at a stage, relative to the measured ones. */
struct calibration_errors calibration_point_errors(const struct calibration_point *point,
                                                   enum calibration_stage stage);

/* "64 clients", "31.4 /s". */
enum { CALIBRATION_LOAD_SIZE = 40 };
const char *calibration_load(char text[CALIBRATION_LOAD_SIZE], const struct measured_point *point);

/* The scenario overlay: keys of `engine`, and comments that say where they come from.
 * `profile_path` is what engine.profile says; `version` is this program's. The caller checks `out`
 * for errors. */
void calibration_write_overlay(const struct calibration *calibration, const char *profile_path,
                               const char *version, FILE *out);

#endif
