#include <math.h>

#include "studies/size/size_internal.h"

/* What the fleet by arithmetic gives: known already where the search has come by it. */
static bool has_been_tried(struct size_choice *c, const struct size_options *options)
{
    const struct fleet fleet = {{c->arithmetic[0], c->arithmetic[1]}};
    const struct fleet_trial *trial = fleet_trial_of(&c->search, fleet);

    if (!trial || options->n_missing) /* then the figures are those with workers missing */
        return false;
    c->arithmetic_value = trial->figures[SIZE_TARGET];
    return true;
}

static enum status run_arithmetic(struct sizing *z, struct diag *d)
{
    struct study_variant *variants = ARENA_NEW(z->arena, z->n_choices, struct study_variant);
    struct size_choice **asking = ARENA_NEW(z->arena, z->n_choices, struct size_choice *);
    struct study_options study = {.source = z->options->source,
                                  .variants = variants,
                                  .n_keys = 1,
                                  .keys = &z->options->target->key,
                                  .resources = z->options->resources,
                                  .n_threads = z->options->n_threads,
                                  .cancel = z->options->cancel};
    const struct study_row *rows;
    enum status s = ST_OK;

    if (!variants || !asking)
        return diag_nomem(d, "runs");
    for (size_t i = 0; i < z->n_choices && !s; i++) {
        struct size_choice *c = &z->choices[i];
        struct size_setting setting = size_as_it_is;
        if (!size_is_detailed(c) || c->arithmetic[0] == 0 || has_been_tried(c, z->options))
            continue;
        setting.fleet = (struct fleet){{c->arithmetic[0], c->arithmetic[1]}};
        asking[study.n_variants] = c;
        s = size_variant(&variants[study.n_variants++], z->arena, z->options, c, &setting, d);
    }
    if (s || study.n_variants == 0)
        return s;
    s = study_run(&rows, z->arena, &study, d);
    for (size_t i = 0; i < study.n_variants && !s; i++) {
        if (!rows[i].status)
            asking[i]->arithmetic_value = rows[i].figures[0];
        else if (rows[i].status != ST_INPUT) /* too small to run at all, it has no figure */
            s = diag_fail(d, rows[i].status, "%s", rows[i].message);
    }
    z->n_done += study.n_variants;
    return s;
}

const struct size_step size_step_arithmetic = {"arithmetic", run_arithmetic};
