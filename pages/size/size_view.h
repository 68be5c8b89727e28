/* What `size` wrote, as its page looks at it. */
#ifndef PAGES_SIZE_SIZE_VIEW_H
#define PAGES_SIZE_SIZE_VIEW_H

#include <stdio.h>

#include "pages/json.h"

enum { SIZE_VIEW_MAX_LOADS = 32 };

/* A choice that reached the target, or came as close as there is. Texts are in the arena. */
struct size_view_choice {
    const struct yaml_node *node;
    const char *name;    /* topology and engine: the same at each load */
    const char *workers; /* "4+2" */
    double load;
    bool reached;
};

struct size_view {
    const struct yaml_node *root;
    const char *currency; /* "USD" */
    size_t n_loads;
    double loads[SIZE_VIEW_MAX_LOADS]; /* as they come */
    size_t n;
    const struct size_view_choice *choices; /* reached first, cheapest first */
    struct arena *arena;
};

enum status size_view_make(struct size_view *view, struct arena *arena,
                           const struct yaml_node *root, const char *path, struct diag *d);
/* The cheapest that reached the target at a load, and the same choice at another; NULL = none. */
const struct size_view_choice *size_view_cheapest(const struct size_view *view, double load);
const struct size_view_choice *size_view_at(const struct size_view *view, const char *name,
                                            double load);
/* Topology and engine of a choice, in the arena; NULL when memory is out. */
const char *size_view_name(const struct size_view *view, const struct yaml_node *choice);
/* "13 GPUs" */
const char *size_view_gpus(const struct size_view *view, double n);

/* ---- pieces, each with its heading; nothing where there is nothing to tell ---- */

/* Cost of each choice at a load, and what is known of it. */
enum status size_page_load(FILE *out, const struct size_view *view, size_t load, struct diag *d);
/* Cost over the load. */
enum status size_page_what_if(FILE *out, const struct size_view *view, struct diag *d);
/* GPUs over the months to come. */
enum status size_page_growth(FILE *out, const struct size_view *view, struct diag *d);
/* A policy beside the static fleets. */
void size_page_autoscaled(FILE *out, const struct size_view *view);
/* Choices whose search ended when they could no longer be among the cheapest. */
enum status size_page_bounded(FILE *out, const struct size_view *view, struct diag *d);
/* What is known of the error of each engine. */
void size_page_trust(FILE *out, const struct size_view *view);
/* What cannot be run, and why. */
void size_page_left_out(FILE *out, const struct size_view *view);

#endif
