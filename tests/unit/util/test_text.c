#include <criterion/criterion.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

static enum text_result as_uint64(const char *s, uint64_t *value)
{
    return text_uint64(s, strlen(s), value);
}

static enum text_result as_int64(const char *s, int64_t *value)
{
    return text_int64(s, strlen(s), value);
}

static enum text_result as_double(const char *s, double *value)
{
    return text_double(s, strlen(s), value);
}

static enum text_result as_fixed(const char *s, int decimals, int64_t *value)
{
    return text_fixed(s, strlen(s), decimals, value);
}

static const char *const not_numbers[] = {
    "",    "-",         "+",   " 1",    "1 ",  "0x10",  "nan",   "NaN",
    "inf", "-Infinity", "1,5", "1_000", "--1", "+-1",   "abc",   "12k",
    "1e",  "1e+",       "e5",  ".",     "-.",  "1.2.3", "1e5.5", "\xEF\xBC\x91"};

Test(text, what_is_not_a_number_is_refused_by_all)
{
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++) {
        const char *s = not_numbers[i];
        uint64_t u = 7;
        int64_t n = 7, f = 7;
        double x = 7;
        cr_assert_eq(as_uint64(s, &u), TEXT_NOT_A_NUMBER, "'%s'", s);
        cr_assert_eq(as_int64(s, &n), TEXT_NOT_A_NUMBER, "'%s'", s);
        cr_assert_eq(as_double(s, &x), TEXT_NOT_A_NUMBER, "'%s'", s);
        cr_assert_eq(as_fixed(s, 6, &f), TEXT_NOT_A_NUMBER, "'%s'", s);
        cr_assert(u == 7 && n == 7 && f == 7 && x == 7, "untouched");
    }
}

Test(text, uint64_covers_its_range)
{
    uint64_t v = 0;
    cr_assert_eq(as_uint64("0", &v), TEXT_OK);
    cr_assert_eq(v, 0);
    cr_assert_eq(as_uint64("18446744073709551615", &v), TEXT_OK);
    cr_assert_eq(v, UINT64_MAX);
    cr_assert_eq(as_uint64("000000000000000000000000000012", &v), TEXT_OK);
    cr_assert_eq(v, 12);
    cr_assert_eq(as_uint64("18446744073709551616", &v), TEXT_OUT_OF_RANGE);
    cr_assert_eq(as_uint64("99999999999999999999999", &v), TEXT_OUT_OF_RANGE);
    cr_assert_eq(as_uint64("-1", &v), TEXT_OUT_OF_RANGE);
    cr_assert_eq(v, 12);
    cr_assert_eq(as_uint64("-0", &v), TEXT_OK);
    cr_assert_eq(v, 0);
    cr_assert_eq(as_uint64("1.5", &v), TEXT_NOT_A_NUMBER);
    cr_assert_eq(as_uint64("1e3", &v), TEXT_NOT_A_NUMBER);
}

Test(text, int64_covers_its_range)
{
    int64_t v = 0;
    cr_assert_eq(as_int64("9223372036854775807", &v), TEXT_OK);
    cr_assert_eq(v, INT64_MAX);
    cr_assert_eq(as_int64("-9223372036854775808", &v), TEXT_OK);
    cr_assert_eq(v, INT64_MIN);
    cr_assert_eq(as_int64("+5", &v), TEXT_OK);
    cr_assert_eq(v, 5);
    cr_assert_eq(as_int64("9223372036854775808", &v), TEXT_OUT_OF_RANGE);
    cr_assert_eq(as_int64("-9223372036854775809", &v), TEXT_OUT_OF_RANGE);
}

Test(text, a_slice_needs_no_terminator)
{
    const char digits[] = {'1', '2', '3', '4', '5'};
    uint64_t u;
    double x;
    cr_assert_eq(text_uint64(digits + 1, 3, &u), TEXT_OK);
    cr_assert_eq(u, 234);
    cr_assert_eq(text_double(digits + 1, 3, &x), TEXT_OK);
    cr_assert_eq(x, 234);
    cr_assert_eq(text_uint64("12\0"
                             "3",
                             4, &u),
                 TEXT_NOT_A_NUMBER);
}

Test(text, double_reads_every_decimal_form)
{
    double x = 0;
    cr_assert(as_double("0.1", &x) == TEXT_OK && x == 0.1);
    cr_assert(as_double("-12.5e-1", &x) == TEXT_OK && x == -1.25);
    cr_assert(as_double("+.5", &x) == TEXT_OK && x == 0.5);
    cr_assert(as_double("5.", &x) == TEXT_OK && x == 5);
    cr_assert(as_double("1E+3", &x) == TEXT_OK && x == 1000);
    cr_assert(as_double("1.7976931348623157e308", &x) == TEXT_OK && x == DBL_MAX);
    cr_assert(as_double("5e-324", &x) == TEXT_OK && x == DBL_TRUE_MIN);
    cr_assert(as_double("1e-400", &x) == TEXT_OK && x == 0);
    cr_assert_eq(as_double("1e309", &x), TEXT_OUT_OF_RANGE);
    cr_assert_eq(as_double("-1e999999999999999999999", &x), TEXT_OUT_OF_RANGE);
}

Test(text, double_has_a_longest_text)
{
    char s[TEXT_DOUBLE_MAX + 2] = "0.";
    double x = 0;
    memset(s + 2, '3', TEXT_DOUBLE_MAX - 2);
    cr_assert(as_double(s, &x) == TEXT_OK && x == 1 / 3.0);
    s[TEXT_DOUBLE_MAX] = '3';
    cr_assert_eq(as_double(s, &x), TEXT_OUT_OF_RANGE);
}

Test(text, fixed_is_exact_and_rounds_halves_away_from_zero)
{
    static const struct {
        const char *s;
        int decimals;
        int64_t value;
    } cases[] = {
        {"0", 6, 0},
        {"27482", 6, 27482000000},
        {"0.000001", 6, 1},
        {"0.0000015", 6, 2},
        {"0.0000014999999999999999999999", 6, 1},
        {"-0.0000015", 6, -2},
        {"0.1", 6, 100000},
        {"1234567890.123456", 6, 1234567890123456},
        {"5e3", 6, 5000000000},
        {"5E-7", 6, 1},
        {"4.9e-7", 6, 0},
        {"5e-8", 6, 0},
        {"0.5", 0, 1},
        {"12345e-3", 0, 12},
        {"1.50e1", 0, 15},
        {"0e999999999999999999", 6, 0},
        {"0.000000000000000000000000000001e30", 0, 1},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775806.5", 0, INT64_MAX},
        {"-9223372036854775807", 0, -INT64_MAX},
        {"123456", -3, 123},
        {"1e-99999999999999999999999", 6, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = -1;
        cr_assert_eq(as_fixed(cases[i].s, cases[i].decimals, &v), TEXT_OK, "%s", cases[i].s);
        cr_assert_eq(v, cases[i].value, "%s gives %lld", cases[i].s, (long long)v);
    }
}

Test(text, fixed_refuses_what_does_not_fit)
{
    static const char *const cases[] = {"1e300", "9223372036854775807.5", "9223372036854775808",
                                        "-9223372036854775808", "1e99999999999999999999999"};
    int64_t v = 7;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(as_fixed(cases[i], 0, &v), TEXT_OUT_OF_RANGE, "%s", cases[i]);
    cr_assert_eq(v, 7);
}

Test(text, an_excerpt_is_short_and_printable)
{
    char out[TEXT_EXCERPT_SIZE], s[100];
    cr_assert_str_eq(text_excerpt(out, "", 0), "");
    cr_assert_str_eq(text_excerpt(out, "12k", 3), "12k");
    cr_assert_str_eq(text_excerpt(out,
                                  "a\tb\x01"
                                  "c\x7F\0d",
                                  8),
                     "a?b?c??d");
    memset(s, 'x', sizeof s);
    cr_assert_str_eq(text_excerpt(out, s, 40), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    cr_assert_str_eq(text_excerpt(out, s, 41), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
    memcpy(s + 39, "\xC3\xA9", 2); /* a two-byte character over the cut */
    cr_assert_str_eq(text_excerpt(out, s, 60), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
}

Test(text, numbers_for_people_have_no_exponent_before_their_point)
{
    char out[TEXT_FIGURE_SIZE];

    cr_assert_str_eq(text_number(out, 3, 0.012345), "0.0123");
    cr_assert_str_eq(text_number(out, 3, 999.4), "999");
    cr_assert_str_eq(text_number(out, 3, -123456.7), "-123457");
    cr_assert_str_eq(text_number(out, 3, 2e9), "2e+09");
    cr_assert_str_eq(text_number(out, 3, -0.0), "0");
    cr_assert_str_eq(text_change(out, 3, 12345.6), "+12346");
    cr_assert_str_eq(text_change(out, 3, -0.5), "-0.5");
    cr_assert_str_eq(text_change(out, 3, 0), "0");
}

Test(text, lines_end_between_words)
{
    cr_expect_eq(text_line("", 5), 0);
    cr_expect_eq(text_line("all of it", 9), 9);
    cr_expect_eq(text_line("all of it", 8), 6);
    cr_expect_eq(text_line("all of it", 6), 6);
    cr_expect_eq(text_line("all of it", 5), 3);
    cr_expect_eq(text_line("incomprehensible word", 5), 5);
}

Test(text, characters_of_utf8_alone)
{
    static const struct {
        const char *s;
        size_t n;
    } cases[] = {{"a", 1},
                 {"\x7f", 1},
                 {"\xc3\xa9", 2},
                 {"\xe2\x80\xae", 3},
                 {"\xf0\x9f\x98\x80", 4},
                 {"\x80", 0},
                 {"\xc3", 0},
                 {"\xc0\xaf", 0},         /* overlong */
                 {"\xed\xa0\x80", 0},     /* half of a pair */
                 {"\xef\xbf\xbe", 0},     /* none */
                 {"\xf4\x90\x80\x80", 0}, /* beyond the last */
                 {"\xff", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(text_character(cases[i].s), cases[i].n, "%zu", i);
}

Test(text, what_controls_a_terminal_or_turns_text_is_escaped)
{
    static const char *const cases[][2] = {
        {"a", NULL},
        {" ", NULL},
        {"\xc3\xa9", NULL},
        {"\xd7\x90", NULL}, /* a letter that is written from the right may do so */
        {"\xf0\x9f\x98\x80", NULL},
        {"\x1b", "\\u001b"},
        {"\n", "\\u000a"},
        {"\x7f", "\\u007f"},
        {"\xc2\x9b", "\\u009b"},
        {"\xd8\x9c", "\\u061c"},
        {"\xe2\x80\x8f", "\\u200f"},
        {"\xe2\x80\xa8", "\\u2028"},
        {"\xe2\x80\xae", "\\u202e"},
        {"\xe2\x81\xa6", "\\u2066"},
        {"\xef\xbb\xbf", "\\ufeff"},
        {"\x9b", "\\x9b"}};
    char out[TEXT_ESCAPE_SIZE];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *s = cases[i][0], *escape = text_escape(out, s, text_character(s));
        cr_assert_eq(!escape, !cases[i][1], "%zu", i);
        if (escape)
            cr_assert_str_eq(escape, cases[i][1]);
    }
}
