/* One golden family: reads a parsed golden file, compares, and fills a verdict. */
#ifndef TESTS_CONFORMANCE_FAMILY_H
#define TESTS_CONFORMANCE_FAMILY_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
struct verdict {
    size_t cases, exact,
        within;          /* compared values; equal to the bit (or integer); within tolerance */
    double worst;        /* worst relative error, in the family's own measure */
    char worst_at[160];  /* which case */
    char tolerance[400]; /* in words */
    bool pass;
};
struct family {
    const char *set; /* file name without .json, e.g. "predictors_arima" */
    const char *title;
    void (*run)(const cJSON *file,
                struct verdict *v); /* one file may give several families: see next */
};
extern const struct family families_predictors[]; /* ended by a NULL set */
extern const struct family families_planner[];
#endif
