/* The sections of the page, one for each file. */
#ifndef PAGES_COMPARE_COMPARE_PAGE_INTERNAL_H
#define PAGES_COMPARE_COMPARE_PAGE_INTERNAL_H

#include "pages/compare/compare_page.h"

struct compare_view {
    const struct compare_result *result;
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

enum status compare_page_figures(const struct compare_view *v, const struct compare_pair *pair);
enum status compare_page_courses(const struct compare_view *v);
enum status compare_page_decisions(const struct compare_view *v, const struct compare_pair *pair);
enum status compare_page_requests(const struct compare_view *v, const struct compare_pair *pair);

#endif
