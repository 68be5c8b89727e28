#include "pages/figure.h"

#include <math.h>

enum status page_figure_of(struct page_figure *figure, const char *key, const char *currency,
                           struct arena *arena, struct diag *d)
{
    const char *unit = summary_key_unit(key, currency);
    double min = 0, max = INFINITY;
    bool share = summary_key_range(key, &min, &max) && min == 0 && max == 1;
    const char *name = unit ? arena_printf(arena, "%s (%s)", key, unit) : key;

    *figure =
        (struct page_figure){key, name, summary_key_worse(key), share ? SVG_PERCENT : SVG_LINEAR};
    return name ? ST_OK : diag_nomem(d, "figures");
}

enum status page_figure_heads(const char **heads, size_t *n, const struct page_figure *figures,
                              size_t n_figures, struct arena *arena, struct diag *d)
{
    for (size_t i = 0; i < n_figures; i++) {
        heads[*n] = arena_printf(arena, "#%s", figures[i].name);
        if (!heads[(*n)++])
            return diag_nomem(d, "table");
    }
    return ST_OK;
}
