#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/text/yaml_tree.h"
#include "tests/unit/arena_fixture.h"

TestSuite(yaml_tree, .init = setup, .fini = teardown);

static struct yaml_node *parse(const char *text)
{
    struct yaml_node *root;
    enum status s = yaml_tree_parse(&root, &arena, "f.yaml", text, strlen(text), false, &diag);

    cr_assert_eq(s, ST_OK, "%s", diag.text);
    return root;
}

static void refused(const char *text, const char *message)
{
    struct yaml_node *root;

    diag_init(&diag);
    cr_assert_eq(yaml_tree_parse(&root, &arena, "f.yaml", text, strlen(text), false, &diag),
                 ST_INPUT, "'%s' was read", text);
    cr_assert_str_eq(diag.text, message);
}

static enum node_kind kind_of(const char *scalar)
{
    char text[128];

    snprintf(text, sizeof text, "k: %s\n", scalar);
    return yaml_node_child(parse(text), "k")->kind;
}

Test(yaml_tree, core_schema_null_and_booleans)
{
    const char *nulls[] = {"", "~", "null", "Null", "NULL"};
    const char *booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    const char *texts[] = {"no",   "yes", "on",       "off",  "y",  "n",      "nUll",
                           "tRUE", "'~'", "\"true\"", "\"\"", "''", "'null'", "!!str 12"};

    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        cr_expect_eq(kind_of(nulls[i]), NODE_NULL, "%s", nulls[i]);
    for (size_t i = 0; i < sizeof booleans / sizeof *booleans; i++)
        cr_expect_eq(kind_of(booleans[i]), NODE_BOOL, "%s", booleans[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(kind_of(texts[i]), NODE_TEXT, "%s", texts[i]);
}

Test(yaml_tree, core_schema_integers)
{
    const struct {
        const char *text;
        int64_t value;
    } cases[] = {{"0", 0},    {"010", 10},  {"-7", -7},    {"+12", 12},
                 {"0o10", 8}, {"0x10", 16}, {"0xFf", 255}, {"9223372036854775807", INT64_MAX}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "k: %s\n", cases[i].text);
        struct yaml_node *node = yaml_node_child(parse(text), "k");
        cr_expect_eq(node->kind, NODE_INT, "%s", cases[i].text);
        cr_expect_eq(node->i, cases[i].value, "%s", cases[i].text);
    }
    cr_expect_eq(kind_of("0x"), NODE_TEXT);
    cr_expect_eq(kind_of("0o8"), NODE_TEXT);
    cr_expect_eq(kind_of("0xG"), NODE_TEXT);
    cr_expect_eq(kind_of("1_000"), NODE_TEXT);
    cr_expect_eq(kind_of("1:30"), NODE_TEXT);
    cr_expect_eq(kind_of("9223372036854775808"), NODE_NUMBER);
}

Test(yaml_tree, core_schema_numbers)
{
    const struct {
        const char *text;
        double value;
    } cases[] = {{"1.5", 1.5},        {".5", 0.5},        {"1.", 1},
                 {"-1e3", -1000},     {"1E-2", 0.01},     {"+.5", 0.5},
                 {"1e400", INFINITY}, {".inf", INFINITY}, {"-.INF", -INFINITY}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "k: %s\n", cases[i].text);
        struct yaml_node *node = yaml_node_child(parse(text), "k");
        cr_expect_eq(node->kind, NODE_NUMBER, "%s", cases[i].text);
        cr_expect_eq(node->d, cases[i].value, "%s", cases[i].text);
    }
    cr_expect(isnan(yaml_node_child(parse("k: .NaN\n"), "k")->d));
    cr_expect_eq(kind_of("."), NODE_TEXT);
    cr_expect_eq(kind_of("inf"), NODE_TEXT);
    cr_expect_eq(kind_of("nan"), NODE_TEXT);
    cr_expect_eq(kind_of("1e"), NODE_TEXT);
}

Test(yaml_tree, positions_count_from_one)
{
    struct yaml_node *root = parse("a: 1\nb:\n  c: [x,\n      y]\n");
    struct yaml_node *c = yaml_node_child(yaml_node_child(root, "b"), "c");

    cr_expect_eq(c->key_at.line, 3);
    cr_expect_eq(c->key_at.column, 3);
    cr_expect_eq(c->at.column, 6);
    cr_expect_eq(c->n, 2);
    cr_expect_eq(c->last->at.line, 4);
    cr_expect_eq(c->last->at.column, 7);
    cr_expect_str_eq(c->last->text, "y");
}

Test(yaml_tree, json_parses)
{
    struct yaml_node *root = parse("{\"a\": [1, 2.5, null, true, \"x\\u00e9\\n\"], \"b\": {}}");

    cr_expect_eq(yaml_node_child(root, "a")->n, 5);
    cr_expect_str_eq(yaml_node_child(root, "a")->last->text, "x\xc3\xa9\n");
    cr_expect_eq(yaml_node_child(root, "b")->kind, NODE_MAP);
    cr_expect_eq(yaml_node_child(root, "b")->n, 0);
}

Test(yaml_tree, nothing_gives_no_root)
{
    cr_expect_null(parse(""));
    cr_expect_null(parse("# only this\n\n"));
    cr_expect_eq(parse("---\n")->kind, NODE_NULL);
}

Test(yaml_tree, an_alias_is_a_copy)
{
    struct yaml_node *root = parse("a: &x {k: [1, 2]}\nb: *x\n");
    struct yaml_node *a = yaml_node_child(root, "a"), *b = yaml_node_child(root, "b");

    cr_expect_neq(a, b);
    cr_expect_eq(yaml_node_child(b, "k")->n, 2);
    cr_expect_eq(yaml_node_child(b, "k")->last->i, 2);
}

Test(yaml_tree, bad_aliases_are_refused)
{
    refused("a: *x\n", "f.yaml:1:4: alias '*x' has no anchor before it");
    refused("a: &x [1, *x]\n", "f.yaml:1:11: alias '*x' has no anchor before it");
}

Test(yaml_tree, a_billion_laughs_are_cut_short)
{
    refused("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
            "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
            "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
            "f.yaml:4:29: more than 10000 values, aliases expanded");
}

Test(yaml_tree, depth_is_limited)
{
    char text[201];

    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refused(text, "f.yaml:1:33: nested more than 32 levels deep");
    refused("a: &a [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\nb: [[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]\n",
            "f.yaml:2:22: nested more than 32 levels deep");
}

Test(yaml_tree, mistakes_say_where)
{
    refused("a: 1\na: 2\n", "f.yaml:2:1: key 'a' is given twice, first in line 1");
    refused("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document; only one is allowed");
    refused("? [a, b]\n: 1\n", "f.yaml:1:3: a key must be a word");
    refused("a: !mine 1\n", "f.yaml:1:4: tag '!mine' is not supported");
    refused("a: \"x\\0y\"\n", "f.yaml:1:4: a text with a NUL character");
    refused("a: [1\n",
            "f.yaml:2:1: not valid YAML: did not find expected ',' or ']' while parsing a "
            "flow sequence");
    refused(
        "a:\n\tb: 1\n",
        "f.yaml:2:1: not valid YAML: found character that cannot start any token while scanning "
        "for the next token (a tab; YAML is indented with spaces)");
}

Test(yaml_tree, one_line_gives_the_name_alone)
{
    struct yaml_node *root;

    cr_assert_eq(yaml_tree_parse(&root, &arena, "--set x", "[1, 2", 5, true, &diag), ST_INPUT);
    cr_expect_str_eq(diag.text, "--set x: not valid YAML: did not find expected ',' or ']' while "
                                "parsing a flow sequence");
    diag_init(&diag);
    cr_assert_eq(yaml_tree_parse(&root, &arena, "--set x", "{a: 1, a: 2}", 12, true, &diag),
                 ST_INPUT);
    cr_expect_str_eq(diag.text, "--set x: key 'a' is given twice");
}

Test(yaml_tree, put_replaces_and_appends)
{
    struct yaml_node *root = parse("a: 1\nb: 2\n");
    struct yaml_node *list = parse("[x]");
    struct source_pos at = {0};

    yaml_node_put(root, "b", at, list);
    yaml_node_put(root, "c", at, parse("3"));
    cr_expect_eq(root->n, 3);
    cr_expect_eq(yaml_node_child(root, "b")->kind, NODE_LIST);
    cr_expect_str_eq(root->last->key, "c");
    cr_expect_eq(yaml_node_child(root, "b")->next, root->last);
}
