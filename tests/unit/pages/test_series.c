#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/html/page.h"
#include "pages/html/series.h"
#include "pages/svg/markup.h"
#include "util/sha256.h"

static char *json_of(const char *text)
{
    char *to;
    size_t n;
    FILE *out = open_memstream(&to, &n);

    markup_json_string(out, text);
    fclose(out);
    return to;
}

Test(series, json_cannot_end_its_script)
{
    static const char *const cases[][2] = {
        {"plain \xc3\xa9", "\"plain \xc3\xa9\""},
        {"</script><b>&", "\"\\u003c/script\\u003e\\u003cb\\u003e\\u0026\""},
        {"a\"b\\c\n\x7f", "\"a\\u0022b\\u005cc\\u000a\\u007f\""},
        {"\xe2\x80\xa8\xe2\x80\xae", "\"\\\\u2028\\\\u202e\""}, /* shown, not done */
        {"\xff", "\"\xef\xbf\xbd\""},
        {NULL, "\"\""}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *to = json_of(cases[i][0]);
        cr_assert_str_eq(to, cases[i][1]);
        free(to);
    }
}

enum { N = 100003, MOST = 1200 };

Test(series, peaks_survive_thinning)
{
    double *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), to_x[MOST], to_y[MOST];
    double low = INFINITY, high = -INFINITY;

    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i * 0.25;
        y[i] = i % 977 == 5 ? NAN : sin((double)i / 500);
    }
    y[31234] = 1e6;
    y[77777] = -3e5;
    size_t n = series_thin(to_x, to_y, MOST, N, x, y);
    cr_assert(n > MOST / 2 && n <= MOST);
    for (size_t i = 0; i < n; i++) {
        cr_assert(i == 0 || to_x[i] > to_x[i - 1]);
        low = fmin(low, to_y[i]);
        high = fmax(high, to_y[i]);
        if (to_y[i] > 1e5) /* where it was, within a stretch */
            cr_assert(fabs(to_x[i] - x[31234]) <= x[N - 1] / (MOST / 2.0));
    }
    cr_assert_eq(high, 1e6);
    cr_assert_eq(low, -3e5);
    free(x);
    free(y);
}

Test(series, order_within_a_stretch_is_kept_and_gaps_stay_gaps)
{
    const double x[] = {0, 1, 2, 3, 10, 11}, up[] = {1, 2, 3, 4, NAN, NAN},
                 down[] = {4, 3, 2, 1, 7, 7};
    double to_x[4], to_y[4];

    cr_assert_eq(series_thin(to_x, to_y, 4, 6, x, up), 4);
    cr_assert(to_y[0] == 1 && to_y[1] == 4 && isnan(to_y[2]) && isnan(to_y[3]));
    cr_assert_eq(series_thin(to_x, to_y, 4, 6, x, down), 4);
    cr_assert(to_y[0] == 4 && to_y[1] == 1 && to_y[2] == 7 && to_y[3] == 7);
    cr_assert_eq(series_thin(to_x, to_y, 4, 0, x, up), 0);
}

static char *panel_of(size_t n, const double *x, const double *y)
{
    const struct series_line line = {"</script>", 9, SERIES_STEP_DASHED, y};
    const struct series_mark mark = {12.34, "<b>why</b>"};
    const struct series_panel panel = {.id = "p",
                                       .title = "T<",
                                       .unit = "ms",
                                       .label = "L\"",
                                       .to_s = 60,
                                       .n = n,
                                       .x_s = x,
                                       .n_lines = 1,
                                       .lines = &line,
                                       .n_marks = 1,
                                       .marks = &mark,
                                       .level = {NAN, NULL}};
    struct arena arena;
    struct diag d;
    char *to;
    size_t length;
    FILE *out = open_memstream(&to, &length);

    arena_init(&arena);
    cr_assert_eq(series_panel(out, &panel, &arena, &d), ST_OK);
    arena_release(&arena);
    fclose(out);
    return to;
}

Test(series, figures_are_short_and_names_harmless)
{
    const double x[] = {0, 0.123456, 60}, y[] = {1234567.891, NAN, 0.000123456789};
    char *text = panel_of(3, x, y);

    cr_assert(strstr(text, "\"x\":[0,0.1,60]"));
    cr_assert(strstr(text, "\"y\":[1.2346e+06,null,0.00012346]"));
    cr_assert(strstr(text, "\"colour\":1,\"style\":\"step dashed\""));
    cr_assert(strstr(text, "{\"at\":12.3,\"text\":\"\\u003cb\\u003ewhy\\u003c/b\\u003e\"}"));
    cr_assert(strstr(text, "T&lt;") && strstr(text, "L&quot;"));
    cr_assert_null(strstr(text, "level"));
    cr_assert_null(strstr(strstr(text, "</script>") + 1, "</script>"), "one end of one script");
    free(text);
}

Test(series, what_is_thinned_is_said)
{
    double *x = calloc(N, sizeof *x);

    for (size_t i = 0; i < N; i++)
        x[i] = (double)i;
    char *text = panel_of(N, x, x);
    cr_assert(strstr(text, "the lowest and the highest of each of 600"));
    cr_assert(strlen(text) < 30000);
    free(text);
    free(x);
}

/* ---- the policy ---- */

/* The text of the n-th element of a name, and where it ends. */
static const char *element(const char *page, const char *name, int n, size_t *length)
{
    char open[32], close[32];
    const char *from = page;

    snprintf(open, sizeof open, "<%s>", name);
    snprintf(close, sizeof close, "</%s>", name);
    for (int i = 0; i <= n; i++) {
        from = strstr(from, open);
        if (!from)
            return NULL;
        from += strlen(open);
    }
    *length = (size_t)(strstr(from, close) - from);
    return from;
}

static unsigned value_of(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return (unsigned)(strchr(digits, digit) - digits);
}

/* Base64 of 32 bytes to hexadecimal. */
static void hex_of(char hex[SHA256_HEX_SIZE], const char *base64)
{
    for (size_t byte = 0; byte < 32; byte++) {
        size_t bit = 8 * byte;
        unsigned two = value_of(base64[bit / 6]) << 6 | value_of(base64[bit / 6 + 1]);
        snprintf(hex + 2 * byte, 3, "%02x", two >> (4 - bit % 6) & 255);
    }
}

Test(series, the_policy_names_what_is_there_and_no_more)
{
    static const char *const names[] = {"style", "script"};
    char *page;
    size_t size, n_named = 0;
    FILE *out = open_memstream(&page, &size);

    series_page_begin(out, "headroom run", "t");
    series_page_end(out);
    fclose(out);
    const char *named = strstr(page, "Content-Security-Policy");
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < 2; i++, n_named++) {
            char expected[SHA256_HEX_SIZE], told[SHA256_HEX_SIZE];
            size_t length = 0;
            const char *text = element(page, names[kind], i, &length);
            cr_assert_not_null(text);
            sha256_hex(expected, text, length);
            named = strstr(named + 1, "'sha256-");
            cr_assert_not_null(named);
            hex_of(told, named + strlen("'sha256-"));
            cr_assert_str_eq(told, expected);
        }
    }
    cr_assert_null(strstr(named + 1, "'sha256-"));
    cr_assert_null(strstr(page, "unsafe"));
    cr_assert(strstr(page, "The MIT License (MIT)"), "uPlot's licence is in the page");
    free(page);
}

static char *panel_with_bands(bool tells_kinds)
{
    static const double x[] = {0, 60}, y[] = {1, 1};
    static const struct series_line line = {"short", 1, SERIES_AREA_BELOW, y};
    static const struct series_band bands[] = {
        {0, 10, "one", "<late>", 4}, {10, 20, "two", "<late>", 4}, {20, 30, "three", NULL, 0}};
    const struct series_panel panel = {.id = "p",
                                       .title = "t",
                                       .unit = "u",
                                       .label = "l",
                                       .to_s = 60,
                                       .n = 2,
                                       .x_s = x,
                                       .n_lines = 1,
                                       .lines = &line,
                                       .n_bands = 3,
                                       .bands = bands,
                                       .tells_kinds = tells_kinds,
                                       .level = {NAN, NULL}};
    struct arena arena;
    char *to;
    size_t n;
    FILE *out = open_memstream(&to, &n);

    arena_init(&arena);
    cr_assert_eq(series_panel(out, &panel, &arena, NULL), ST_OK);
    arena_release(&arena);
    fclose(out);
    return to;
}

static size_t count(const char *text, const char *of)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, of)); at++)
        n++;
    return n;
}

Test(series, kinds_of_bands_have_a_colour_a_hatching_and_a_place_in_the_legend)
{
    char *with = panel_with_bands(true), *without = panel_with_bands(false);

    cr_expect_eq(count(with, "<p class=\"kinds\">"), 1);
    cr_expect_eq(count(with, "&lt;late&gt;</span>"), 1);
    cr_expect_eq(count(with, "id=\"p-p4\""), 1);
    cr_expect_eq(count(without, "kinds"), 0);
    cr_expect_eq(count(without, "\"colour\":4,\"hatch\":\""), 2);
    cr_expect_eq(count(without, "{\"span\":[20,30],\"text\":\"three\"}"), 1);
    cr_expect_eq(count(without, "\"style\":\"step area below\""), 1);
    free(with);
    free(without);
}
