#include <criterion/criterion.h>
#include <math.h>
#include <unistd.h>

#include "planner/dynamo1/surface.h"

/* Scattered, in general position, reaching x = 0 and 1. */
static const double px[] = {0, 1, 0, 1, 0.31, 0.62, 0.17, 0.83, 0.44};
static const double py[] = {0, 0, 50, 50, 12, 31, 41, 9, 22};
enum { N = sizeof px / sizeof *px };

static void grids(double *first, double *second, const double *a, const double *b, size_t *outside)
{
    double *const out[2] = {first, second};
    const double *const in[2] = {a, b};
    struct diag d;

    diag_init(&d);
    cr_assert_eq(surface_grids(out, outside, N, px, py, in, &d), ST_OK, "%s", d.text);
}

Test(surface, a_plane_is_reproduced)
{
    static double one[SURFACE_CELLS], two[SURFACE_CELLS];
    double a[N], b[N];
    size_t outside;

    for (int i = 0; i < N; i++) {
        a[i] = 3 + 2 * px[i] - 0.5 * py[i];
        b[i] = -1;
    }
    grids(one, two, a, b, &outside);
    cr_assert_eq(outside, 0);
    for (int iy = 0; iy < SURFACE_SIDE; iy += 3) {
        for (int ix = 0; ix < SURFACE_SIDE; ix += 3) {
            double x = ix / 99.0, y = 50 * iy / 99.0;
            cr_assert_float_eq(one[iy * SURFACE_SIDE + ix], 3 + 2 * x - 0.5 * y, 1e-4);
            cr_assert_float_eq(two[iy * SURFACE_SIDE + ix], -1, 1e-9);
        }
    }
}

Test(surface, corners_take_the_points_own_values)
{
    static double one[SURFACE_CELLS], two[SURFACE_CELLS];
    double a[N], b[N];
    size_t outside;

    for (int i = 0; i < N; i++) {
        a[i] = sin(i + 1.0);
        b[i] = cos(i + 1.0);
    }
    grids(one, two, a, b, &outside);
    cr_assert_float_eq(one[0], a[0], 1e-12);
    cr_assert_float_eq(one[99], a[1], 1e-12);
    cr_assert_float_eq(two[99 * SURFACE_SIDE], b[2], 1e-12);
    cr_assert_float_eq(two[SURFACE_CELLS - 1], b[3], 1e-12);
}

Test(surface, cells_outside_the_hull_take_the_nearest_point)
{
    const double x[] = {0.3, 0.6, 0.5}, y[] = {10, 20, 100}, v[] = {1, 2, 3};
    static double one[SURFACE_CELLS], two[SURFACE_CELLS];
    double *const out[2] = {one, two};
    const double *const in[2] = {v, v};
    size_t outside;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(surface_grids(out, &outside, 3, x, y, in, &d), ST_OK);
    cr_assert_gt(outside, SURFACE_CELLS / 2);
    cr_assert_eq(one[0], 1);
    cr_assert_eq(one[90 * SURFACE_SIDE], 3);
    /* y counts in tokens, x hardly at all. */
    cr_assert_eq(one[18 * SURFACE_SIDE], 2);
}

Test(surface, gradients_of_a_plane_are_its_slopes)
{
    struct arena arena;
    struct delaunay t;
    struct diag d;
    double a[N], gradient[2 * N];

    arena_init(&arena);
    diag_init(&d);
    for (int i = 0; i < N; i++)
        a[i] = 7 * px[i] + 0.25 * py[i];
    cr_assert_eq(delaunay_init(&t, &arena, N, px, py, &d), ST_OK);
    cr_assert_eq(surface_gradients(gradient, &t, a, &d), ST_OK);
    for (int i = 0; i < N; i++) {
        cr_assert_float_eq(gradient[2 * i], 7, 1e-3);
        cr_assert_float_eq(gradient[2 * i + 1], 0.25, 1e-5);
    }
    arena_release(&arena);
}

Test(surface, a_square_with_its_centre_has_four_triangles_that_know_each_other)
{
    const double x[] = {0, 1, 1, 0, 0.5}, y[] = {0, 0, 1, 1, 0.5};
    struct arena arena;
    struct delaunay t;
    struct diag d;
    int n_hull = 0;

    arena_init(&arena);
    diag_init(&d);
    cr_assert_eq(delaunay_init(&t, &arena, 5, x, y, &d), ST_OK);
    cr_assert_eq(t.n_triangles, 4);
    for (int32_t i = 0; i < 4; i++) {
        for (int k = 0; k < 3; k++) {
            int32_t next = t.triangles[i].neighbour[k], back = 0;
            if (next == DELAUNAY_NONE) {
                n_hull++;
                cr_assert_eq(t.triangles[i].vertex[k], 4, "the hull edge is opposite the centre");
                continue;
            }
            for (int j = 0; j < 3; j++)
                back += t.triangles[next].neighbour[j] == i;
            cr_assert_eq(back, 1);
        }
    }
    cr_assert_eq(n_hull, 4);
    arena_release(&arena);
}

Test(surface, points_on_a_line_are_refused_in_silence)
{
    const double x[] = {0, 1, 2, 3}, y[] = {0, 1, 2, 3};
    struct arena arena;
    struct delaunay t;
    struct diag d;
    int saved = dup(2), pipe_ends[2];
    char printed[8];

    cr_assert_eq(pipe(pipe_ends), 0);
    dup2(pipe_ends[1], 2);
    arena_init(&arena);
    diag_init(&d);
    enum status s = delaunay_init(&t, &arena, 4, x, y, &d);
    dup2(saved, 2);
    close(pipe_ends[1]);
    cr_assert_eq(read(pipe_ends[0], printed, sizeof printed), 0, "nothing on stderr");
    cr_assert_eq(s, ST_INPUT);
    cr_assert(strstr(d.text, "the points cannot be triangulated: "), "%s", d.text);
    diag_init(&d);
    cr_assert_eq(delaunay_init(&t, &arena, 2, x, y, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "a triangulation needs at least 3 points, got 2");
    const double broken[] = {0, 1, NAN, 3};
    diag_init(&d);
    cr_assert_eq(delaunay_init(&t, &arena, 4, x, broken, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "point 2 is not finite");
    arena_release(&arena);
}
