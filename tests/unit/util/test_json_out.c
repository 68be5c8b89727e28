#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json_out.h"
#include "util/pcg.h"

static char *text;
static size_t size;
static FILE *out;
static struct json_out j;

static void begin(bool pretty)
{
    free(text);
    out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    json_out_init(&j, out, pretty);
}

static const char *written(void)
{
    fclose(out);
    return text;
}

static void sample(void)
{
    json_object_begin(&j);
    json_key_string(&j, "name", "a\"b\\c\n\x01\xC3\xA9");
    json_key_int(&j, "n", INT64_MIN);
    json_key_double(&j, "x", 0.1);
    json_key_bool(&j, "yes", true);
    json_key(&j, "list");
    json_array_begin(&j);
    json_int(&j, 1);
    json_null(&j);
    json_object_begin(&j);
    json_object_end(&j);
    json_array_end(&j);
    json_key_string(&j, "none", NULL);
    json_object_end(&j);
}

Test(json_out, one_line_with_everything_in_order)
{
    begin(false);
    sample();
    cr_assert_str_eq(written(), "{\"name\": \"a\\\"b\\\\c\\n\\u0001\xC3\xA9\", "
                                "\"n\": -9223372036854775808, \"x\": 0.1, \"yes\": true, "
                                "\"list\": [1, null, {}], \"none\": null}\n");
}

Test(json_out, pretty_is_one_item_a_line)
{
    begin(true);
    json_object_begin(&j);
    json_key(&j, "a");
    json_array_begin(&j);
    json_int(&j, 1);
    json_int(&j, 2);
    json_array_end(&j);
    json_key(&j, "b");
    json_array_begin(&j);
    json_array_end(&j);
    json_object_end(&j);
    cr_assert_str_eq(written(), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}\n");
}

Test(json_out, cjson_reads_both_and_finds_the_same)
{
    begin(false);
    sample();
    cJSON *plain = cJSON_Parse(written());
    begin(true);
    sample();
    cJSON *pretty = cJSON_Parse(written());
    cr_assert(plain && pretty);
    cr_assert(cJSON_Compare(plain, pretty, true));
    cr_assert_str_eq(cJSON_GetObjectItem(plain, "name")->valuestring, "a\"b\\c\n\x01\xC3\xA9");
    cJSON_Delete(plain);
    cJSON_Delete(pretty);
}

Test(json_out, every_control_character_is_escaped)
{
    for (int c = 1; c < 0x20; c++) {
        char s[2] = {(char)c};
        begin(false);
        json_string(&j, s);
        const char *json = written();
        for (const char *p = json; *p; p++)
            cr_assert_geq((unsigned char)*p, 0x20);
        cJSON *read = cJSON_Parse(json);
        cr_assert(read && strcmp(read->valuestring, s) == 0, "%#x", c);
        cJSON_Delete(read);
    }
}

Test(json_out, doubles_read_back_equal_and_short)
{
    static const struct {
        double v;
        const char *s;
    } cases[] = {{0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1e300, "1e+300"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {-0.0, "0"},
                 {12031, "12031"},
                 {NAN, "null"},
                 {-INFINITY, "null"},
                 {5e-324, "4.94065645841247e-324"}};
    char s[JSON_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int n = json_format_double(s, cases[i].v);
        cr_assert_str_eq(s, cases[i].s);
        cr_assert_eq(n, (int)strlen(s));
    }
    struct pcg64 rng;
    pcg64_seed(&rng, 1, 2);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = pcg64_next(&rng);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        int n = json_format_double(s, v);
        cr_assert(n > 0 && n < JSON_NUMBER_SIZE);
        cr_assert_eq(strtod(s, NULL), v, "%s", s);
    }
}
