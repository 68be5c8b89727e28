/* The file that `headroom check` compares with: it reads back to the same, or says why not. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studies/gate/baseline.h"
#include "tests/unit/arena_fixture.h"

TestSuite(baseline, .init = setup, .fini = teardown);

static const double replicates[] = {0.1, NAN, 1e-300, 12345678.901234567};
static const struct baseline_input inputs[] = {{"trace", "00"}, {"profile.agg", ""}};
static const struct baseline_figure figures[] = {
    {.key = "attainment.overall", .value = 1.0 / 3, .n = 4, .replicates = replicates},
    {.key = "gpu_hours.by_pool.agg", .value = 0},
    {.key = "scaling.first_up_s", .value = NAN}};
static const struct baseline_entry entries[] = {
    {"a", "0.1.0", 7, 2, inputs, 3, figures, {NULL, 0, 0}},
    {"b: \"x\"\n\x07 ]]> |", "", 0, 0, NULL, 0, NULL, {NULL, 0, 0}}};
static const struct baseline whole = {"b.txt", 2, entries};

static char *text_of(const struct baseline *b, size_t *n)
{
    char *text;
    FILE *out = open_memstream(&text, n);

    cr_assert(out);
    baseline_write(b, out);
    fclose(out);
    return text;
}

static void check_same(const struct baseline *a, const struct baseline *b)
{
    size_t n_a, n_b;
    char *text_a = text_of(a, &n_a), *text_b = text_of(b, &n_b);

    cr_assert_str_eq(text_a, text_b);
    free(text_a);
    free(text_b);
}

static enum status parse(struct baseline *b, const char *text, size_t n)
{
    diag_init(&diag);
    return baseline_parse(b, &arena, "b.txt", text, n, &diag);
}

Test(baseline, reads_back_to_the_same)
{
    struct baseline b;
    size_t n;
    char *text = text_of(&whole, &n);

    cr_assert_eq(parse(&b, text, n), ST_OK, "%s", diag.text);
    check_same(&whole, &b);
    const struct baseline_entry *a = baseline_find(&b, "a");
    cr_assert(a && baseline_find(&b, entries[1].name) && !baseline_find(&b, "c"));
    const struct baseline_figure *f = baseline_figure(a, "attainment.overall");
    cr_assert_eq(f->value, 1.0 / 3);
    cr_assert_eq(f->n, 4);
    cr_assert(isnan(f->replicates[1]) && f->replicates[3] == replicates[3]);
    cr_assert(isnan(baseline_figure(a, "scaling.first_up_s")->value));
    cr_assert_null(baseline_figure(a, "gpu_hours"));
    cr_assert_eq(a->at.line, 4);
    free(text);
}

Test(baseline, without_scenarios_is_one_too)
{
    const struct baseline none = {.path = "b.txt"};
    struct baseline b;
    size_t n;
    char *text = text_of(&none, &n);

    cr_assert_eq(parse(&b, text, n), ST_OK, "%s", diag.text);
    cr_assert_eq(b.n, 0);
    cr_assert_null(baseline_find(&b, "a"));
    free(text);
}

/* Cut anywhere it is refused, or nothing is missing but the end of its last line. */
Test(baseline, cut_at_every_byte)
{
    struct baseline b;
    size_t n, n_ok = 0;
    char *text = text_of(&whole, &n);

    for (size_t length = 0; length < n; length++) {
        enum status s = parse(&b, text, length);
        cr_assert(s == ST_OK || (s == ST_INPUT && strncmp(diag.text, "b.txt", 5) == 0), "%zu: %s",
                  length, diag.text);
        if (s == ST_OK)
            check_same(&whole, &b);
        n_ok += s == ST_OK;
    }
    cr_assert_eq(n_ok, 1); /* its last newline */
    free(text);
}

/* Each byte another one: refused, or a baseline that can be written and read again. */
Test(baseline, with_every_byte_changed)
{
    static const char other[] = "0-.:#{[\"\n \xff";
    struct baseline b, again;
    size_t n, m;
    char *text = text_of(&whole, &n);

    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        for (const char *c = other; *c; c++) {
            text[i] = *c;
            if (parse(&b, text, n))
                continue;
            char *rewritten = text_of(&b, &m);
            cr_assert_eq(parse(&again, rewritten, m), ST_OK, "%s\n%s", diag.text, rewritten);
            check_same(&b, &again);
            free(rewritten);
        }
        text[i] = was;
    }
    free(text);
}

Test(baseline, what_is_refused)
{
#define BEGIN                                                                                      \
    "headroom_baseline: 1\nscenarios:\n  a:\n    version: x\n    seed: 1\n    inputs: {}\n"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "b.txt: expected a baseline"},
        {"- 1\n", "b.txt:1:1: expected a baseline"},
        {"headroom_baseline: 2\nend: 0\n", "b.txt:1:20: a baseline of version '2'"},
        {"headroom_baseline: [1]\nend: 0\n", "b.txt:1:20: a baseline of version ''"},
        {"headroom_baseline: 1\n", "b.txt: the baseline was cut short"},
        {"headroom_baseline: 1\nend: 1\n", "b.txt:2:6: the baseline is not whole"},
        {"headroom_baseline: 1\nend: -1\n", "b.txt:2:6: the baseline is not whole"},
        {"end: 0\nheadroom_baseline: 1\n", "b.txt:1:6: the baseline was cut short"},
        {"headroom_baseline: 1\nother: 1\nend: 0\n", "b.txt:2:1: unknown key 'other'"},
        {"headroom_baseline: 1\nscenarios: [1]\nend: 1\n", "b.txt:2:12: scenarios must be a map"},
        {"headroom_baseline: 1\nscenarios: {a: 1}\nend: 1\n", "b.txt:2:16: a must be a map"},
        {"headroom_baseline: 1\nscenarios: {a: {}}\nend: 1\n", "b.txt:2:13: scenario 'a' has no"},
        {BEGIN "    figures: [1]\nend: 1\n", "b.txt:7:14: figures must be a map"},
        {BEGIN "    figures: {k: .inf}\nend: 1\n", "b.txt:7:18: k must be a finite number"},
        {BEGIN "    figures: {k: {}}\nend: 1\n", "b.txt:7:18: k must be a finite number"},
        {BEGIN "    figures: {k: 1}\n    replicates: {j: [1]}\nend: 1\n",
         "b.txt:8:18: replicates of 'j'"},
        {BEGIN "    figures: {k: 1}\n    replicates: {k: 1}\nend: 1\n",
         "b.txt:8:21: k must be a list"},
        {BEGIN "    figures: {k: 1}\n    replicates: {k: []}\nend: 1\n",
         "b.txt:8:21: k must be a list"},
        {BEGIN "    figures: {k: 1}\n    replicates: {k: [.nan]}\nend: 1\n",
         "b.txt:8:22: k must be a finite number"},
        {BEGIN "    figures: {k: 1}\n    other: 1\nend: 1\n", "b.txt:8:5: unknown key 'other'"},
        {BEGIN "    seed: 2\n    figures: {}\nend: 1\n", "b.txt:7:5: key 'seed' is given twice"},
    };
    struct baseline b;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(parse(&b, cases[i].text, strlen(cases[i].text)), ST_INPUT, "%s",
                     cases[i].text);
        cr_expect_eq(strncmp(diag.text, cases[i].message, strlen(cases[i].message)), 0,
                     "%s, not %s", diag.text, cases[i].message);
    }
}

Test(baseline, merging_replaces_adds_and_keeps)
{
    const struct baseline_entry fresh[] = {{.name = "c", .version = "2", .inputs = NULL},
                                           {.name = "a", .version = "2", .inputs = NULL}};
    struct baseline merged;

    cr_assert_eq(baseline_merge(&merged, &arena, &whole, fresh, 2, &diag), ST_OK);
    cr_assert_eq(merged.n, 3);
    cr_assert_str_eq(merged.entries[0].name, "a");
    cr_assert_str_eq(merged.entries[0].version, "2");
    cr_assert_str_eq(merged.entries[1].name, entries[1].name);
    cr_assert_str_eq(merged.entries[2].name, "c");
}
