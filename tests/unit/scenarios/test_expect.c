#include <criterion/criterion.h>
#include <math.h>

#include "scenarios/keys/expect.h"

static struct expectation parse(const char *text)
{
    static struct arena arena;
    struct expectation e = {0};
    struct diag d;

    diag_init(&d);
    cr_assert_eq(expectation_parse(&e, &arena, text, (struct source_pos){0}, &d), ST_OK, "%s",
                 d.text);
    return e;
}

static bool parses(const char *text)
{
    static struct arena arena;
    struct expectation e = {0};
    struct diag d;

    diag_init(&d);
    return expectation_parse(&e, &arena, text, (struct source_pos){0}, &d) == ST_OK;
}

Test(expect, every_operator_and_its_edge)
{
    const struct {
        const char *text;
        bool below, at, above; /* of 5 */
    } cases[] = {{"k >= 5", false, true, true},  {"k <= 5", true, true, false},
                 {"k > 5", false, false, true},  {"k < 5", true, false, false},
                 {"k == 5", false, true, false}, {"k != 5", true, false, true}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expectation e = parse(cases[i].text);
        cr_expect_eq(expectation_holds(&e, 4.99), cases[i].below, "%s", cases[i].text);
        cr_expect_eq(expectation_holds(&e, 5), cases[i].at, "%s", cases[i].text);
        cr_expect_eq(expectation_holds(&e, 5.01), cases[i].above, "%s", cases[i].text);
    }
}

Test(expect, no_figure_holds_nothing)
{
    const char *texts[] = {"k >= 0", "k <= 0", "k != 0", "k == 0"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct expectation e = parse(texts[i]);
        cr_expect_not(expectation_holds(&e, NAN), "%s", texts[i]);
    }
}

Test(expect, spaces_are_free)
{
    struct expectation e = parse("  latency_ms.ttft.p99<=1.5e3\t");

    cr_expect_str_eq(e.key, "latency_ms.ttft.p99");
    cr_expect_eq(e.op, EXPECT_LE);
    cr_expect_eq(e.bound, 1500);
    cr_expect_str_eq(e.text, "  latency_ms.ttft.p99<=1.5e3\t");
}

Test(expect, other_forms_are_refused)
{
    const char *texts[] = {"",          "k",          "k >=",   ">= 5",     "k = 5",
                           "k >= x",    "k >= 5 6",   "k => 5", "a b >= 5", "k >= .nan",
                           "k >= 0x10", "k >= 1e999", "5 <= k", "k >= 5%"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_not(parses(texts[i]), "'%s'", texts[i]);
}
