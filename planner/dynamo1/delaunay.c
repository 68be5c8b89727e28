#include "planner/dynamo1/delaunay.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libqhull_r/qhull_ra.h>

static bool is_wanted(const facetT *facet)
{
    return !facet->upperdelaunay && facet->simplicial;
}

static size_t count_wanted(qhT *qh)
{
    facetT *facet;
    size_t n = 0;

    FORALLfacets
    {
        if (is_wanted(facet))
            n++;
    }
    return n;
}

/* Qhull keeps neighbour k of a simplicial facet opposite its vertex k. */
static void copy_triangles(qhT *qh, struct triangle *to, int32_t *index_of)
{
    facetT *facet;
    int32_t n = 0;

    for (unsigned i = 0; i < qh->facet_id; i++)
        index_of[i] = DELAUNAY_NONE;
    FORALLfacets
    {
        if (is_wanted(facet))
            index_of[facet->id] = n++;
    }
    FORALLfacets
    {
        if (!is_wanted(facet))
            continue;
        struct triangle *t = &to[index_of[facet->id]];
        for (int k = 0; k < 3; k++) {
            const vertexT *vertex = SETelemt_(facet->vertices, k, vertexT);
            const facetT *next = SETelemt_(facet->neighbors, k, facetT);
            t->vertex[k] = (uint32_t)qh_pointid(qh, vertex->point);
            t->neighbour[k] = index_of[next->id];
        }
    }
}

static enum status collect(struct delaunay *t, struct arena *arena, qhT *qh, struct diag *d)
{
    t->n_triangles = count_wanted(qh);
    struct triangle *triangles = ARENA_NEW(arena, t->n_triangles, struct triangle);
    int32_t *index_of = calloc(qh->facet_id + 1u, sizeof *index_of);
    if (!triangles || !index_of) {
        free(index_of);
        return diag_nomem(d, "a triangulation");
    }
    copy_triangles(qh, triangles, index_of);
    free(index_of);
    t->triangles = triangles;
    return ST_OK;
}

/* Qhull's first line of complaint, without its code. */
static enum status refuse(const char *message, struct diag *d)
{
    const char *text = message ? message : "";

    if (strncmp(text, "QH", 2) == 0)
        text += strcspn(text, " ");
    text += strspn(text, " \n");
    return diag_fail(d, ST_INPUT, "the points cannot be triangulated: %.*s",
                     (int)strcspn(text, "\n"), text);
}

static enum status run_qhull(struct delaunay *t, struct arena *arena, double *points, FILE *sink,
                             char **message, struct diag *d)
{
    /* The options SciPy gives for points in the plane. */
    char options[] = "qhull d Qbb Qc Qz Q12 Qt";
    qhT state, *qh = &state;
    int unused, n_unused;
    enum status s = ST_OK;

    qh_zero(qh, sink);
    int failed = qh_new_qhull(qh, 2, (int)t->n_points, points, False, options, NULL, sink);
    if (failed) {
        fflush(sink);
        s = refuse(*message, d);
    } else {
        s = collect(t, arena, qh, d);
    }
    qh_freeqhull(qh, !qh_ALL);
    qh_memfreeshort(qh, &unused, &n_unused);
    return s;
}

enum status delaunay_init(struct delaunay *t, struct arena *arena, size_t n, const double *x,
                          const double *y, struct diag *d)
{
    if (n < 3 || n > INT32_MAX / 4)
        return diag_fail(d, ST_INPUT, "a triangulation needs at least 3 points, got %zu", n);
    *t = (struct delaunay){.n_points = n, .x = x, .y = y};
    double *points = malloc(2 * n * sizeof *points);
    char *message = NULL;
    size_t length;
    FILE *sink = open_memstream(&message, &length);
    enum status s = ST_OK;
    if (!points || !sink)
        s = diag_nomem(d, "a triangulation");
    for (size_t i = 0; s == ST_OK && i < n; i++) {
        points[2 * i] = x[i];
        points[2 * i + 1] = y[i];
        if (!isfinite(x[i]) || !isfinite(y[i]))
            s = diag_fail(d, ST_INPUT, "point %zu is not finite", i);
    }
    if (s == ST_OK)
        s = run_qhull(t, arena, points, sink, &message, d);
    if (sink)
        fclose(sink);
    free(message);
    free(points);
    return s;
}
