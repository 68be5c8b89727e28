/* The sections of the page, one for each file. */
#ifndef PAGES_COMPARE_COMPARE_PAGE_INTERNAL_H
#define PAGES_COMPARE_COMPARE_PAGE_INTERNAL_H

#include "pages/compare/compare_page.h"

/* Of the result of the page, or of that of a deployment in it. */
struct compare_view {
    const struct compare_result *result;
    const char *id_prefix; /* of figures and panels: "" where there is one deployment */
    size_t n_windows;      /* of all runs: the longest tells how many */
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

enum status compare_page_figures(const struct compare_view *v, const struct compare_pair *pair);
enum status compare_page_courses(const struct compare_view *v);
enum status compare_page_decisions(const struct compare_view *v, const struct compare_pair *pair);
enum status compare_page_requests(const struct compare_view *v, const struct compare_pair *pair);

#endif
