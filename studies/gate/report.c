#include "studies/gate/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct gate_format *const gate_formats[] = {&gate_junit, &gate_markdown, &gate_code_quality,
                                                  NULL};

enum status gate_format_check(const struct gate_format *format, const char *path, struct diag *d)
{
    char head[512];
    FILE *in = fopen(path, "rb");

    if (!in && errno == ENOENT)
        return ST_OK;
    if (!in)
        return diag_fail(d, ST_IO, "cannot open '%s': %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head - 1, in);
    bool failed = ferror(in) != 0;
    fclose(in);
    if (failed)
        return diag_fail(d, ST_IO, "cannot read '%s'", path);
    head[n] = '\0';
    if (n == 0 || strcmp(head, "[]\n") == 0 || strstr(head, format->mark))
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "file '%s' is there and is no report of an earlier --%s; choose another, or "
                     "--force",
                     path, format->option);
}

size_t gate_count(const struct gate_report *report, enum status status)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        n += gate_failed(r) ? status == ST_INPUT : status == r->status;
    }
    return n;
}

bool gate_failed(const struct gate_result *result)
{
    return result->status != ST_OK && result->status != ST_MISSED;
}

bool gate_has_moved(const struct gate_result *result, size_t check)
{
    const struct gate_check *c = &result->checks[check];

    if (c->expect && isnan(c->before))
        return false; /* the baseline does not know it */
    for (size_t i = check + 1; c->expect && i < result->n_checks; i++) {
        if (result->checks[i].compare && strcmp(result->checks[i].key, c->key) == 0)
            return false;
    }
    return isnan(c->before) != isnan(c->now) || fabs(c->change) > 0;
}

const char *gate_figure(char out[GATE_FIGURE_SIZE], double value)
{
    snprintf(out, GATE_FIGURE_SIZE, isnan(value) ? "none" : "%.6g", value);
    return out;
}

const char *gate_sure(char out[GATE_SURE_SIZE], const struct gate_check *check)
{
    if (check->n_pairs > 1)
        snprintf(out, GATE_SURE_SIZE, "%+.3g to %+.3g", check->interval.low, check->interval.high);
    else
        snprintf(out, GATE_SURE_SIZE, "one run");
    return out;
}

unsigned long gate_line(const struct gate_result *result, const struct gate_check *check)
{
    bool own = check->at.file && strcmp(check->at.file, result->of->path) == 0;

    return own ? check->at.line : 0;
}
