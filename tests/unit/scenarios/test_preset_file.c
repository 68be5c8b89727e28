#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/keys/preset_file.h"

static struct arena arena;
static struct diag diag;
static char folder[] = "/tmp/presets.XXXXXX";
static const char *dirs[3];

/* One file p.yaml in a folder of the scratch folder. */
static const char *write_file(const char *name, const char *text)
{
    char *dir = arena_printf(&arena, "%s/%s", folder, name);
    char *path = arena_printf(&arena, "%s/p.yaml", dir);

    cr_assert_eq(mkdir(dir, 0700), 0);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    return dir;
}

static void setup(void)
{
    arena_init(&arena);
    diag_init(&diag);
    cr_assert_not_null(mkdtemp(folder));
    dirs[0] = write_file("own", "a: {x: 1}\nb:\n  summary: mine\n");
    dirs[1] = write_file("bundled", "c: {}\nb: {x: 2, y: [3]}\n");
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        unlink(arena_printf(&arena, "%s/p.yaml", dirs[i]));
        rmdir(dirs[i]);
    }
    rmdir(folder);
    arena_release(&arena);
}

TestSuite(preset_file, .init = setup, .fini = teardown);

static const char *file = "s.yaml"; /* of the scenario */

static enum status find(const struct preset_place *place, const char *text, unsigned long line,
                        const struct yaml_node **preset)
{
    struct yaml_node wanted = {
        .kind = NODE_TEXT, .text = text, .at = {.file = file, .line = line, .column = 9}};

    diag_init(&diag);
    return preset_find(preset, &arena, place, "startup.preset", &wanted, &diag);
}

Test(preset_file, the_first_folder_that_has_the_name_wins)
{
    const struct preset_place place = {dirs, "p.yaml", NULL};
    const struct yaml_node *preset;

    cr_assert_eq(find(&place, "b", 4, &preset), ST_OK, "%s", diag.text);
    cr_expect_str_eq(yaml_node_child(preset, "summary")->text, "mine");
    cr_expect_null(yaml_node_child(preset, "x"));
    cr_assert_eq(find(&place, "c", 4, &preset), ST_OK, "%s", diag.text);
    cr_expect_eq(preset->n, 0);
    cr_expect_eq(preset->key_at.line, 1);
}

Test(preset_file, unknown_names_are_told_the_known_ones_once)
{
    const struct preset_place place = {dirs, "p.yaml", NULL}, nowhere = {NULL, "p.yaml", NULL};
    const struct yaml_node *preset;

    cr_assert_eq(find(&place, "long", 4, &preset), ST_INPUT);
    cr_expect_str_eq(diag.text,
                     "s.yaml:4:9: startup.preset: no preset 'long' (known: a, b, c; of a "
                     "file of your own: PATH#NAME, or PATH.yaml that is one)");
    cr_assert_eq(find(&nowhere, "a", 4, &preset), ST_INPUT);
    cr_expect_str_eq(
        diag.text,
        "s.yaml:4:9: startup.preset: no preset 'a': there is no file of presets; set "
        "HEADROOM_PRESETS to their folder (presets of the source tree); of a file of your "
        "own: PATH#NAME, or PATH.yaml that is one");
}

Test(preset_file, a_path_is_relative_to_the_scenario_but_not_that_of_an_override)
{
    const struct preset_place place = {NULL, "p.yaml", NULL};
    const struct yaml_node *preset;

    file = arena_printf(&arena, "%s/bundled/s.yaml", folder);
    cr_assert_eq(find(&place, "p.yaml#b", 4, &preset), ST_OK, "%s", diag.text);
    cr_expect_eq(yaml_node_child(preset, "x")->i, 2);
    cr_expect_eq(find(&place, arena_printf(&arena, "%s/own/p.yaml#a", folder), 4, &preset), ST_OK);
    cr_expect_eq(find(&place, arena_printf(&arena, "%s/own/p.yaml#a", folder), 0, &preset), ST_OK);
    cr_expect_eq(find(&place, "p.yaml#b", 0, &preset), ST_IO);
}

Test(preset_file, a_file_may_be_one_preset)
{
    const struct preset_place place = {NULL, "p.yaml", NULL};
    const struct yaml_node *preset;

    file = arena_printf(&arena, "%s/bundled/s.yaml", folder);
    cr_assert_eq(find(&place, "p.yaml", 4, &preset), ST_OK, "%s", diag.text);
    cr_expect_eq(preset->n, 2);
    cr_expect_not_null(yaml_node_child(preset, "c"));
    cr_expect_eq(find(&place, "other.yaml", 4, &preset), ST_IO);
    cr_expect_eq(find(&place, ".yaml", 4, &preset), ST_INPUT); /* is a name */
}

Test(preset_file, lists_every_name_once_in_the_order_of_the_files)
{
    const struct preset_place place = {dirs, "p.yaml", NULL}, none = {dirs, "other.yaml", NULL};
    const struct preset_line *lines;
    size_t n;

    cr_assert_eq(preset_list(&lines, &n, &arena, &place, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(n, 3);
    cr_expect_str_eq(lines[0].name, "a");
    cr_expect_str_eq(lines[1].name, "b");
    cr_expect_str_eq(lines[1].summary, "mine");
    cr_expect_str_eq(lines[2].name, "c");
    cr_expect_str_eq(lines[2].summary, "");
    cr_assert_eq(preset_list(&lines, &n, &arena, &none, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(n, 0);
}
