/* A figure of summary.json on a page. */
#ifndef PAGES_FIGURE_H
#define PAGES_FIGURE_H

#include "pages/svg/charts.h"
#include "reports/summary.h"
#include "util/arena.h"
#include "util/status.h"

struct page_figure {
    const char *key;
    const char *name; /* with its unit */
    enum summary_worse worse;
    enum svg_scale scale; /* per cent of what is 0 to 1 */
};

/* `currency` NULL = not known. ST_NOMEM. */
enum status page_figure_of(struct page_figure *figure, const char *key, const char *currency,
                           struct arena *arena, struct diag *d);

/* Heads of their columns in a table (html/table.h), from heads[*n] on. ST_NOMEM. */
enum status page_figure_heads(const char **heads, size_t *n, const struct page_figure *figures,
                              size_t n_figures, struct arena *arena, struct diag *d);

#endif
