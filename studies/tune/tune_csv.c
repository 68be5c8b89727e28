#include <math.h>

#include "studies/csv.h"
#include "studies/tune/tune.h"

/* Values of a trial, those that --set takes together; the scenario's own need not be in the space.
 */
static enum status write_values(FILE *out, const struct tune_result *r, size_t index,
                                struct diag *d)
{
    const struct space *space = r->options->space;
    struct arena arena;

    arena_init(&arena);
    const char *const *values = index == TUNING_DEFAULT
                                    ? r->found.standing.values
                                    : space_texts(space, r->trials->trial[index].u, &arena);
    enum status s = values ? ST_OK : diag_nomem(d, "trials");
    for (size_t k = 0; k < space->n && !s; k++) {
        fputc(',', out);
        if (tune_value_counts(r->options, values, k))
            csv_write_text(out, values[k]);
    }
    arena_release(&arena);
    return s;
}

/* The message is of one of the setting's runs; others may have gone well. */
static bool went_well(const struct trials *trials, size_t index, size_t replicate)
{
    bool any = !trials->trial[index].message;

    for (size_t k = 0; k < trials->problem->n_figures && !any; k++)
        any = !isnan(trial_figure(trials, index, replicate, k));
    return any;
}

enum status tune_write_trials(const struct tune_result *r, FILE *out, struct diag *d)
{
    const struct space *space = r->options->space;
    const struct trials *trials = r->trials;
    enum status s = ST_OK;

    fputs("setting,replicate,status", out);
    for (size_t k = 0; k < space->n; k++) {
        fputc(',', out);
        csv_write_text(out, space->knobs[k].key);
    }
    for (size_t k = 0; k < r->n_keys; k++)
        fprintf(out, ",%s", r->keys[k]);
    fputc('\n', out);
    for (size_t i = 0; i < trials->n && !s; i++) {
        for (size_t rep = 0; rep < trials->problem->n_replicates && !s; rep++) {
            if (!trials->trial[i].done[rep])
                continue;
            fprintf(out, "%zu,%zu,", i, rep + 1);
            csv_write_text(out, went_well(trials, i, rep) ? "ok" : trials->trial[i].message);
            s = write_values(out, r, i, d);
            for (size_t k = 0; k < r->n_keys; k++) {
                fputc(',', out);
                csv_write_number(out, trial_figure(trials, i, rep, k));
            }
            fputc('\n', out);
        }
    }
    return s;
}
