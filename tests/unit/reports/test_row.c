#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/row.h"
#include "util/pcg.h"

static struct row row;

static const char *text(void)
{
    row.text[row.n] = '\0';
    row.n = 0;
    return row.text;
}

static const char *ms(int64_t ns)
{
    row_ms(&row, ns);
    return text();
}

static const char *number(double v)
{
    row_double(&row, v);
    return text();
}

Test(row, us_have_exactly_the_decimals_they_need)
{
    static const struct {
        int64_t ns;
        const char *text;
    } times[] = {{0, "0"},       {1, "0.001"},        {10, "0.01"},
                 {999, "0.999"}, {1000, "1"},         {1500, "1.5"},
                 {1090, "1.09"}, {123456, "123.456"}, {INT64_MAX, "9223372036854775.807"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        row_us(&row, times[i].ns);
        cr_assert_str_eq(text(), times[i].text);
    }
}

Test(row, ms_have_exactly_the_decimals_they_need)
{
    cr_assert_str_eq(ms(0), "0");
    cr_assert_str_eq(ms(1), "0.000001");
    cr_assert_str_eq(ms(10), "0.00001");
    cr_assert_str_eq(ms(999999), "0.999999");
    cr_assert_str_eq(ms(1000000), "1");
    cr_assert_str_eq(ms(1500000), "1.5");
    cr_assert_str_eq(ms(1010100), "1.0101");
    cr_assert_str_eq(ms(1234567890123), "1234567.890123");
    cr_assert_str_eq(ms(INT64_MAX), "9223372036854.775807");
}

Test(row, what_did_not_happen_is_empty)
{
    cr_assert_str_eq(ms(-1), "");
    cr_assert_str_eq(number(NAN), "");
    cr_assert_str_eq(number(INFINITY), "");
}

Test(row, doubles_are_rounded_to_millionths)
{
    cr_assert_str_eq(number(0.125), "0.125");
    cr_assert_str_eq(number(1.0 / 3), "0.333333");
    cr_assert_str_eq(number(-2.0 / 3), "-0.666667");
    cr_assert_str_eq(number(-3), "-3");
    cr_assert_str_eq(number(1e-9), "0");
    cr_assert_str_eq(number(1e13), "10000000000000");
    cr_assert_str_eq(number(1e300), "1e+300");
}

Test(row, rounded_as_who_reads_it_back_has_it)
{
    const double edges[] = {0,   1e-7, 5e-7, 0.1, 1.0 / 3, 123456.7890125, 8999999999.123457,
                            9e9, 1e13, 1e300};
    struct pcg64 rng;

    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        cr_assert_eq(row_double_rounded(edges[i]), strtod(number(edges[i]), NULL));
    cr_assert(isnan(row_double_rounded(NAN)) && isnan(row_double_rounded(INFINITY)));
    cr_assert(!signbit(row_double_rounded(-1e-9)));
    pcg64_seed(&rng, 1, 2);
    for (int i = 0; i < 100000; i++) {
        double v = (double)pcg64_next(&rng) / pow(2, (double)pcg64_below(&rng, 70));
        cr_assert_eq(row_double_rounded(v), strtod(number(v), NULL), "%.17g", v);
    }
}

Test(row, integers_as_printf)
{
    const int64_t edges[] = {0, 9, 10, 99, 100, 101, 999, 1000, -1, -10, -99, INT64_MAX, INT64_MIN};
    char expected[32];
    struct pcg64 rng;

    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        snprintf(expected, sizeof expected, "%" PRId64, edges[i]);
        row_int(&row, edges[i]);
        cr_assert_str_eq(text(), expected);
    }
    pcg64_seed(&rng, 1, 2);
    for (int i = 0; i < 10000; i++) {
        int64_t v = (int64_t)(pcg64_next(&rng) >> pcg64_below(&rng, 64));
        snprintf(expected, sizeof expected, "%" PRId64, v);
        row_int(&row, v);
        cr_assert_str_eq(text(), expected);
        snprintf(expected, sizeof expected, "%s%" PRIu64 ".%06" PRIu64, v < 0 ? "-" : "",
                 (v < 0 ? -(uint64_t)v : (uint64_t)v) / 1000000,
                 (v < 0 ? -(uint64_t)v : (uint64_t)v) % 1000000);
        size_t n = strlen(expected);
        while (expected[n - 1] == '0')
            expected[--n] = '\0';
        if (expected[n - 1] == '.')
            expected[n - 1] = '\0';
        row_millionths(&row, v);
        cr_assert_str_eq(text(), expected);
    }
}
