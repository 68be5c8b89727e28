#include "studies/size/size.h"

#include "studies/size/size_internal.h"

/* In this order: each may read what those before it found. */
static const struct size_step *const steps[] = {
    &size_step_fleets,   &size_step_detail,  &size_step_arithmetic,
    &size_step_headroom, &size_step_ranges,  &size_step_ties,
    &size_step_growth,   &size_step_courses, &size_step_autoscaled,
};

static enum status make_result(const struct size_result **result, const struct sizing *z,
                               struct diag *d)
{
    struct size_result *r = ARENA_NEW(z->arena, 1, struct size_result);
    const struct size_choice **order =
        ARENA_NEW(z->arena, z->n_choices, const struct size_choice *);

    if (!r || !order)
        return diag_nomem(d, "choices");
    *r = (struct size_result){.options = z->options,
                              .n = z->n_choices,
                              .choices = order,
                              .n_runs = z->n_done,
                              .holds = true};
    for (size_t i = 0; i < z->n_choices; i++) {
        order[i] = &z->choices[i];
        r->n_reached += size_outcome_of(order[i]) == SIZE_REACHED;
        r->n_searched += size_outcome_of(order[i]) <= SIZE_UNREACHABLE;
        r->n_runnable += size_outcome_of(order[i]) != SIZE_LEFT_OUT;
    }
    size_sort(order, r->n);
    for (size_t l = 0; l < z->options->n_loads; l++) {
        bool any = false;
        for (size_t i = 0; i < r->n_reached; i++)
            any = any || order[i]->scale_load == z->options->loads[l];
        r->holds = r->holds && any;
    }
    *result = r;
    if (r->n_runnable == 0)
        return diag_fail(d, ST_INPUT, "%s", z->choices[0].message);
    return ST_OK;
}

enum status size_fleets(const struct size_result **result, struct arena *arena,
                        const struct size_options *options, struct diag *d)
{
    struct sizing z = {.options = options, .arena = arena};

    enum status s = size_choices(&z.choices, &z.n_choices, arena, options, d);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !s; i++)
        s = steps[i]->run(&z, d);
    return s ? s : make_result(result, &z, d);
}
