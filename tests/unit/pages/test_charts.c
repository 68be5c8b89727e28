#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/svg/charts.h"
#include "pages/svg/markup.h"
#include "pages/svg/ticks.h"

static char *escaped(const char *text)
{
    char *to;
    size_t n;
    FILE *out = open_memstream(&to, &n);

    markup_text(out, text);
    fclose(out);
    return to;
}

Test(charts, text_is_escaped)
{
    static const char *const cases[][2] = {
        {"plain, with \xc3\xa9 and \xe2\x82\xac and \xf0\x9f\x99\x82",
         "plain, with \xc3\xa9 and \xe2\x82\xac and \xf0\x9f\x99\x82"},
        {"</script><b a=\"x\" c='y'>&amp;",
         "&lt;/script&gt;&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;"},
        {"a\x01z\x7f\tb\n", "a\xef\xbf\xbdz\xef\xbf\xbd\tb\n"},
        {"\xff\xc0\xafz", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"}, /* no lead; overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},   /* half of a pair */
        {"torn \xe2\x82", "torn \xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
        {NULL, ""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *to = escaped(cases[i][0]);
        cr_assert_str_eq(to, cases[i][1]);
        free(to);
    }
}

Test(charts, coordinates_are_short)
{
    char text[MARKUP_NUMBER_SIZE];

    cr_assert_str_eq(markup_number(text, 12), "12");
    cr_assert_str_eq(markup_number(text, 12.34), "12.3");
    cr_assert_str_eq(markup_number(text, -0.01), "0");
    cr_assert_str_eq(markup_number(text, 1e300), "100000");
}

Test(charts, figures_are_for_people)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.953217, "0.9532"},
                 {12.5, "12.5"},
                 {999.94, "999.9"},
                 {999.97, "1,000"},
                 {-12345, "-12,345"},
                 {999999, "999,999"},
                 {1234567, "1.235M"},
                 {2.5e9, "2.5G"},
                 {1e300, "1e+300"},
                 {0.00001, "1e-05"},
                 {NAN, "none"},
                 {-INFINITY, "none"},
                 {999999999.9, "1G"}};
    char text[MARKUP_NUMBER_SIZE];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq(markup_figure(text, cases[i].value), cases[i].text);
}

Test(charts, times_and_shares)
{
    char text[MARKUP_NUMBER_SIZE];

    cr_assert_str_eq(markup_value(text, SVG_TIME, 3900), "1:05");
    cr_assert_str_eq(markup_value(text, SVG_TIME, 5), "0:00:05");
    cr_assert_str_eq(markup_value(text, SVG_TIME, -61.25), "-0:01:01.250");
    cr_assert_str_eq(markup_value(text, SVG_TIME, 100 * 3600), "100:00");
    cr_assert_str_eq(markup_value(text, SVG_TIME, DBL_MAX), "1.8e+308");
    cr_assert_str_eq(markup_value(text, SVG_PERCENT, 0.935), "93.5 %");
}

static struct extent extent_of(enum svg_scale scale, double low, double high)
{
    struct extent e = EXTENT_NONE;

    extent_add(&e, scale, low);
    extent_add(&e, scale, high);
    return axis_extent(&(struct svg_axis){.scale = scale}, e, 6);
}

static void check_labels(enum svg_scale scale, double low, double high, const char *expected)
{
    struct extent e = extent_of(scale, low, high);
    char found[600] = "";
    struct ticks t;
    int n = 0;

    ticks_find(&t, scale, e, 6);
    for (size_t i = 0; i < t.n; i++)
        n += snprintf(found + n, sizeof found - (size_t)n, "%s%s", i ? " | " : "", t.label[i]);
    cr_assert_str_eq(found, expected);
}

Test(charts, ticks_are_round)
{
    check_labels(SVG_LINEAR, 0, 97, "0 | 20 | 40 | 60 | 80 | 100");
    check_labels(SVG_LINEAR, 0.913, 0.934, "0.910 | 0.915 | 0.920 | 0.925 | 0.930 | 0.935");
    check_labels(SVG_LINEAR, -3, 5, "-4 | -2 | 0 | 2 | 4 | 6");
    check_labels(SVG_LINEAR, 0, 43e6, "0 | 10M | 20M | 30M | 40M | 50M");
    check_labels(SVG_LINEAR, 1000000, 1000040, "1000000 | 1000010 | 1000020 | 1000030 | 1000040");
    check_labels(SVG_PERCENT, 0.2, 1, "20 % | 40 % | 60 % | 80 % | 100 %");
    check_labels(SVG_LOG, 3, 4000, "10 | 100 | 1,000");
    check_labels(SVG_LOG, 20, 90, "20 | 50 | 100");
    check_labels(SVG_TIME, 0, 5400, "0:00 | 0:30 | 1:00 | 1:30");
    check_labels(SVG_TIME, 0, 40, "0:00 | 0:00:10 | 0:00:20 | 0:00:30 | 0:00:40");
    check_labels(SVG_TIME, 0, 30.0 * 86400, "0:00 | 240:00 | 480:00 | 720:00");
}

Test(charts, ticks_of_any_extent_are_few_and_inside)
{
    static const double ends[] = {-DBL_MAX, -1e9, -1,        -1e-12, 0,    DBL_MIN, 4.9e-324, 1e-9,
                                  0.3,      1,    1 + 1e-15, 7.77e5, 1e17, 1e299,   DBL_MAX,  NAN};
    enum { N = sizeof ends / sizeof *ends };

    for (enum svg_scale scale = SVG_LINEAR; scale <= SVG_PERCENT; scale++) {
        for (size_t i = 0; i < N * N; i++) {
            struct extent e = extent_of(scale, ends[i / N], ends[i % N]);
            cr_assert(isfinite(e.low) && isfinite(e.high) && e.low < e.high);
            cr_assert(scale != SVG_LOG || e.low > 0);
            for (size_t about = 2; about <= TICKS_MAX; about++) {
                struct ticks t;
                ticks_find(&t, scale, e, about);
                cr_assert_leq(t.n, about);
                for (size_t k = 0; k < t.n; k++) {
                    double room = 1e-6 * (e.high - e.low);
                    cr_assert(t.at[k] >= e.low - room && t.at[k] <= e.high + room);
                    cr_assert(k == 0 || t.at[k] > t.at[k - 1]);
                }
            }
        }
    }
}

static size_t n_of(const char *text, const char *piece)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, piece)); at += strlen(piece))
        n++;
    return n;
}

Test(charts, what_is_left_out_is_said)
{
    enum { N = 500 };
    static struct svg_lane lanes[N];
    static struct svg_dot dots[N];
    static const struct svg_part part = {"serving", 0};
    static const struct svg_span span = {0, 100, 0};
    char *text;
    size_t n;

    for (size_t i = 0; i < N; i++) {
        lanes[i] = (struct svg_lane){"w", NULL, 1, &span, NAN};
        dots[i] = (struct svg_dot){.x = (double)(i % 3), .y = 1};
    }
    FILE *out = open_memstream(&text, &n);
    svg_lanes(out, &(struct svg_lanes){.frame = {.id = "a", .label = "workers"},
                                       .x = {"time", SVG_TIME, false},
                                       .to = 100,
                                       .n_parts = 1,
                                       .parts = &part,
                                       .n = N,
                                       .lanes = lanes});
    svg_scatter_front(out, &(struct svg_scatter){.frame = {.id = "b", .label = "settings"},
                                                 .n = N,
                                                 .dots = dots,
                                                 .x_limit = {NAN, NULL},
                                                 .y_limit = {NAN, NULL}});
    fclose(out);
    cr_assert(strstr(text, "Each lane is 4 workers"));
    cr_assert_eq(n_of(text, "class=\"hit\""), 125);
    cr_assert(strstr(text, "497 other settings lie on those drawn"));
    cr_assert_eq(n_of(text, "kind0"), 1 + 3); /* the legend's, and three */
    free(text);
}
