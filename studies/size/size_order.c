#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studies/size/size_internal.h"

static int compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

enum size_outcome size_outcome_of(const struct size_choice *choice)
{
    if (choice->message)
        return SIZE_LEFT_OUT;
    if (choice->bounded)
        return SIZE_BOUNDED;
    return choice->reached ? SIZE_REACHED : SIZE_UNREACHABLE;
}

static int compare_choices(const void *pa, const void *pb)
{
    const struct size_choice *a = *(const struct size_choice *const *)pa,
                             *b = *(const struct size_choice *const *)pb;
    enum size_outcome outcome = size_outcome_of(a);
    int order = (int)outcome - (int)size_outcome_of(b);

    if (order == 0 && outcome == SIZE_REACHED)
        order = compare_numbers(a->cost_per_day, b->cost_per_day);
    if (order == 0 && outcome == SIZE_REACHED)
        order = compare_numbers((double)a->gpus, (double)b->gpus);
    if (order == 0 && outcome == SIZE_UNREACHABLE)
        order = compare_numbers(-a->attainment, -b->attainment);
    if (order == 0 && outcome == SIZE_BOUNDED)
        order = compare_numbers(a->cost_per_day_low, b->cost_per_day_low);
    if (order == 0 && outcome == SIZE_BOUNDED)
        order = compare_numbers(a->gpus_low, b->gpus_low);
    if (order == 0)
        order = strcmp(a->profile, b->profile);
    if (order == 0)
        order = strcmp(size_choice_profile(a, 1), size_choice_profile(b, 1));
    if (order == 0)
        order = (int)a->topology - (int)b->topology;
    return order ? order : compare_numbers(a->scale_load, b->scale_load);
}

void size_sort(const struct size_choice **choices, size_t n)
{
    qsort(choices, n, sizeof *choices, compare_choices);
}

/* ---- which of them are looked at in detail ---- */

static enum status mark_detailed(struct sizing *z, struct diag *d)
{
    const struct size_choice **order =
        ARENA_NEW(z->arena, z->n_choices, const struct size_choice *);

    if (!order)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++)
        order[i] = &z->choices[i];
    size_sort(order, z->n_choices);
    for (size_t l = 0; l < z->options->n_loads; l++) {
        size_t n_left = z->options->n_detailed;
        for (size_t i = 0; i < z->n_choices && n_left; i++) {
            struct size_choice *c = &z->choices[order[i] - z->choices];
            if (size_outcome_of(c) == SIZE_REACHED && c->scale_load == z->options->loads[l]) {
                c->cheapest = n_left == z->options->n_detailed;
                c->detailed = true;
                n_left--;
            }
        }
    }
    return ST_OK;
}

bool size_is_detailed(const struct size_choice *choice)
{
    return choice->detailed && size_outcome_of(choice) == SIZE_REACHED;
}

const struct size_step size_step_detail = {"detail", mark_detailed};
