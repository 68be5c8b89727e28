#include "cli/sweep_plot.h"

#include <inttypes.h>
#include <math.h>

#include "cli/plot.h"
#include "pages/sweep/settings.h"

enum { OTHER, FRONT };

static void say_what_is_what(const struct settings *st, size_t every, FILE *out)
{
    char others[64] = "other settings", means[64] = "";

    if (every > 1)
        snprintf(others, sizeof others, "one in %zu of the other settings", every);
    if (st->n_blocks > 1)
        snprintf(means, sizeof means, " Means over %zu runs each.", st->n_blocks);
    fprintf(out, "o: no setting is better in both; dots: %s.%s\n", others, means);
}

enum status sweep_plot(const char *dir, const struct terminal *terminal, struct arena *arena,
                       struct diag *d)
{
    struct settings *st = ARENA_NEW(arena, 1, struct settings);
    struct plot *plot = ARENA_NEW(arena, 1, struct plot);

    if (!st || !plot)
        return diag_nomem(d, "plot");
    enum status s = settings_read(st, arena, dir, d);
    if (s)
        return s;
    fputc('\n', terminal->out);
    if (st->n_figures < 2) {
        fputs("Nothing to plot: there are no two figures that runs have.\n", terminal->out);
        return ST_OK;
    }
    size_t every = 1 + st->n / PLOT_MAX_POINTS;
    plot->linear = true;
    plot->x_label = st->figures[1].name;
    plot->y_label = st->figures[0].name;
    plot->n_series = FRONT + 1;
    plot->series[OTHER].points = plot->series[FRONT].points = true;
    plot->series[FRONT].mark = 'o';
    for (size_t i = 0; i < st->n; i++) {
        const struct setting *of = &st->of[i];
        double x = of->figures[1].mean, y = of->figures[0].mean;
        if (isfinite(x) && isfinite(y) && (of->front || i % every == 0))
            plot_add(&plot->series[of->front ? FRONT : OTHER], x, y);
    }
    plot_print(plot, terminal);
    say_what_is_what(st, every, terminal->out);
    return ST_OK;
}
