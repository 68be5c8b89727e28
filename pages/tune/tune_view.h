/* tune.json as its page looks at it. */
#ifndef PAGES_TUNE_TUNE_VIEW_H
#define PAGES_TUNE_TUNE_VIEW_H

#include "pages/figure.h"
#include "pages/html/value.h"
#include "pages/json.h"
#include "studies/tune/tune.h"

/* A bound or an aim that the search had. */
struct tune_view_goal {
    size_t figure;     /* index into the figures */
    const char *bound; /* as it was given; NULL = to minimise or to maximise */
    double at;         /* of the bound */
};

struct tune_view {
    const char *dir;
    const struct yaml_node *root;
    size_t n_knobs;
    const char **knobs; /* keys, in the order of tune.json */
    size_t n_figures;
    struct page_figure *figures;
    size_t n_goals; /* those to minimise or maximise first; none twice */
    struct tune_view_goal goals[TUNE_MAX_GOALS];
    struct arena *arena;
};

enum status tune_view_read(struct tune_view *view, struct arena *arena, const char *dir,
                           struct diag *d);

/* Of a setting of tune.json; NaN where there is none. */
struct page_value tune_view_value(const struct tune_view *view, const struct yaml_node *setting,
                                  size_t figure);
/* A knob's value in it; NULL: it has none. */
const char *tune_view_knob(const struct tune_view *view, const struct yaml_node *setting,
                           size_t knob);
/* "key=value, ..." of it, in the arena; NULL when memory is out. */
const char *tune_view_text(const struct tune_view *view, const struct yaml_node *setting);
/* Do two settings have the same values? */
bool tune_view_same(const struct tune_view *view, const struct yaml_node *a,
                    const struct yaml_node *b);

/* ---- charts, each with its heading ---- */

enum status tune_chart_front(FILE *out, const struct tune_view *view, struct diag *d);
enum status tune_chart_knobs(FILE *out, const struct tune_view *view, struct diag *d);

#endif
