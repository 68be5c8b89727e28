/* A calibration as a scenario overlay. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "calibration/calibrate.h"
#include "util/json_out.h"

static void write_error(FILE *out, bool with_sign, double error)
{
    char text[32];

    snprintf(text, sizeof text, with_sign ? "%+.1f%%" : "%.1f%%", 100 * error);
    fprintf(out, " %8s", isnan(error) ? "-" : text);
}

static void write_errors(FILE *out, const char *what, struct calibration_errors e)
{
    fprintf(out, "#   %-9s", what);
    write_error(out, false, e.ttft);
    write_error(out, false, e.tpot);
    fputc('\n', out);
}

static void write_point(FILE *out, const struct calibration_point *p)
{
    const struct measured_point *m = p->measured;
    struct calibration_errors e = calibration_point_errors(p, CALIBRATION_AFTER);
    struct calibration_errors held = calibration_point_errors(p, CALIBRATION_HELD_OUT);
    char load[CALIBRATION_LOAD_SIZE];

    fprintf(out, "#   %-13s %7.0f %7.0f %9.2f %8.2f", calibration_load(load, m), m->mean_isl_tok,
            m->mean_osl_tok, m->ttft_ms, m->tpot_ms);
    write_error(out, true, e.ttft);
    write_error(out, true, e.tpot);
    write_error(out, true, held.ttft);
    write_error(out, true, held.tpot);
    fputc('\n', out);
}

static void write_origin(const struct calibration *c, const char *version, FILE *out)
{
    fprintf(out,
            "# Overheads of an engine, fitted by headroom %s (headroom calibrate) to %zu measured "
            "point%s.\n"
            "# Profile: %s; overheads it started from: %s.\n",
            version, c->n_points, c->n_points == 1 ? "" : "s", c->profile, c->overheads);
    for (size_t i = 0; i < c->measured->n_files; i++) {
        const struct measured_file *f = &c->measured->file[i];
        fprintf(out, "# Measured: %s (%s), sha256 %s\n", f->path, f->format, f->sha256);
        if (f->note)
            fprintf(out, "#   %s\n", f->note);
    }
    for (size_t i = 0; i < c->n_overrides; i++)
        fprintf(out, "# With: %s\n", c->overrides[i].label);
}

static void write_residuals(const struct calibration *c, FILE *out)
{
    fputs("#\n# Mean error      TTFT     TPOT\n", out);
    write_errors(out, "before", calibration_errors(c, CALIBRATION_BEFORE));
    write_errors(out, "fitted", calibration_errors(c, CALIBRATION_AFTER));
    write_errors(out, "held out", calibration_errors(c, CALIBRATION_HELD_OUT));
    fputs("#\n#   measured          ISL     OSL   TTFT ms  TPOT ms   fitted: TTFT, TPOT    held "
          "out\n",
          out);
    for (size_t i = 0; i < c->n_points; i++)
        write_point(out, &c->point[i]);
    fputs("#\n", out);
    if (c->note)
        fprintf(out, "# %s.\n", c->note);
    for (size_t i = 0; i < c->n_params; i++) {
        if (c->param[i].why)
            fprintf(out, "# %s.\n", c->param[i].why);
    }
}

static void write_key(FILE *out, const char *name, double value)
{
    char text[JSON_NUMBER_SIZE], rounded[JSON_NUMBER_SIZE];

    snprintf(rounded, sizeof rounded, "%.6g", value);
    json_format_double(text, strtod(rounded, NULL));
    fprintf(out, "  %s: %s", name, text);
}

void calibration_write_overlay(const struct calibration *c, const char *profile_path,
                               const char *version, FILE *out)
{
    struct json_out j;

    write_origin(c, version, out);
    write_residuals(c, out);
    fputs("engine:\n  profile: ", out);
    json_out_init(&j, out, false);
    json_string(&j, profile_path);
    fprintf(out, "\n  latency_model: %s\n  overheads: %s\n", c->latency_model, c->overheads);
    for (size_t i = 0; i < c->n_params; i++) {
        const struct calibration_param *p = &c->param[i];
        if (p->state == CALIBRATION_NOT_TOLD)
            continue;
        write_key(out, p->name, p->value);
        if (p->state == CALIBRATION_FITTED)
            fprintf(out, "  # +- %.2g, from %.6g\n", p->deviation, p->start);
        else
            fputs("  # as it was set\n", out);
    }
}
