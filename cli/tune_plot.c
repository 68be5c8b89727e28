/* The settings of a search in the plane of two figures: what is best in one, and in the other. */
#include <math.h>
#include <string.h>

#include "cli/plot.h"
#include "cli/tune_print.h"

enum { TRIED, FRONT, OWN, RECOMMENDED };

static void add(struct plot *plot, int series, double x, double y)
{
    if (!isnan(x) && !isnan(y))
        plot_add(&plot->series[series], x, y);
}

static void add_setting(struct plot *plot, int series, const struct tune_setting *s,
                        const size_t figures[2])
{
    if (s->figures)
        add(plot, series, s->figures[figures[0]].mean, s->figures[figures[1]].mean);
}

/* Of the first goal, and of the first that is of another figure. */
static bool two_figures(size_t figures[2], const struct tuning_problem *problem)
{
    figures[0] = problem->goals[0].figure;
    for (size_t g = 1; g < problem->n_goals; g++) {
        figures[1] = problem->goals[g].figure;
        if (figures[1] != figures[0])
            return true;
    }
    return false;
}

bool tune_plot_has_two(const struct tune_options *o)
{
    const char *first = o->objectives[0].key;

    for (size_t i = 1; i < o->n_objectives; i++)
        if (strcmp(o->objectives[i].key, first) != 0)
            return true;
    for (size_t i = 0; i < o->n_constraints; i++)
        if (strcmp(o->constraints[i].key, first) != 0)
            return true;
    return false;
}

enum status tune_plot(const struct tune_result *r, const struct terminal *terminal,
                      struct arena *arena, struct diag *d)
{
    struct plot *plot = ARENA_NEW(arena, 1, struct plot);
    size_t figures[2];

    if (!plot)
        return diag_nomem(d, "plot");
    if (!two_figures(figures, r->trials->problem))
        return ST_OK;
    plot->linear = true;
    plot->x_label = r->keys[figures[0]];
    plot->y_label = r->keys[figures[1]];
    plot->n_series = RECOMMENDED + 1;
    static const char marks[] = {'\0', 'o', 'x', '*'};
    for (int i = 0; i <= RECOMMENDED; i++) {
        plot->series[i].points = true;
        plot->series[i].mark = marks[i];
    }
    for (size_t i = 0; i < r->trials->n; i++)
        add(plot, TRIED, trials_moments(r->trials, i, figures[0]).mean,
            trials_moments(r->trials, i, figures[1]).mean);
    for (size_t i = 0; i < r->n_front; i++)
        add_setting(plot, FRONT, &r->front[i], figures);
    add_setting(plot, OWN, &r->found.standing, figures);
    add_setting(plot, RECOMMENDED, &r->found.recommended, figures);
    fputc('\n', terminal->out);
    plot_print(plot, terminal);
    terminal_wrap(terminal->out,
                  "*: recommended; x: the scenario's own settings; o: none is better in all that "
                  "is asked for; dots: others that were tried. Means of the part to find on.",
                  0, 0);
    return ST_OK;
}
