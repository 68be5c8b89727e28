#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pages/html/value.h"
#include "pages/sweep/settings.h"
#include "planner/policy.h"
#include "studies/results_reader.h"

/* A sweep of two knobs and three replicates in a folder of its own. */
static const char *const vary[] = {"pools.agg.replicas=1,2,3", "seed=1,2"};
static const char *const keys[] = {"gpu_hours.total", "attainment.overall"};
static const struct sweep_definition definition = {
    .version = "0",
    .source = {.file = {.path = "s.yaml", .bytes = "name: s", .length = 7}},
    .n_vary = 2,
    .vary = vary,
    .n_replicates = 3,
    .n_keys = 2,
    .keys = keys,
    .shard = {1, 1},
    .policy = &policy_static,
    .seed = 1};

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f);
    fputs(text, f);
    cr_assert_eq(fclose(f), 0);
}

/* Attainment is 0.5, 0.8, 0.9 by replicas; the second knob does nothing but cost 0.5 h. All runs of
 * replicate r are r * 0.01 better, which no difference of settings has. */
static void write_folder(char *dir, struct arena *arena, bool failed)
{
    static const double attainment[] = {0.5, 0.8, 0.9};
    struct sweep sweep;
    struct diag d;
    char *text;
    size_t n;

    diag_init(&d);
    cr_assert(mkdtemp(dir));
    cr_assert_eq(sweep_plan(&sweep, arena, &definition, &d), ST_OK, "%s", d.text);
    put(dir, "study.json", sweep.text);
    FILE *csv = open_memstream(&text, &n);
    fputs("index,variant,replicate,status,pools.agg.replicas,seed,gpu_hours.total,"
          "attainment.overall\n",
          csv);
    for (int i = 0; i < 18; i++) {
        int a = i / 6, b = i / 3 % 2, r = i % 3;
        if (failed && i == 17)
            fprintf(csv, "%d,%d,%d,\"no \"\"room\"\"\",%d,%d,,\n", i, i / 3, r + 1, a + 1, b + 1);
        else
            fprintf(csv, "%d,%d,%d,ok,%d,%d,%g,%g\n", i, i / 3, r + 1, a + 1, b + 1,
                    a + 1 + 0.5 * b, attainment[a] + 0.01 * r);
    }
    fclose(csv);
    put(dir, "results.csv", text);
    free(text);
}

static void remove_folder(const char *dir)
{
    static const char *const names[] = {"study.json", "results.csv"};
    char path[256];

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        cr_assert_eq(unlink(path), 0);
    }
    cr_assert_eq(rmdir(dir), 0);
}

Test(settings, front_effects_and_intervals)
{
    char dir[] = "/tmp/headroom-settings-XXXXXX";
    struct settings st;
    struct arena arena;
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    write_folder(dir, &arena, false);
    cr_assert_eq(settings_read(&st, &arena, dir, &d), ST_OK, "%s", d.text);
    cr_assert_eq(st.n, 6);
    cr_assert_eq(st.n_runs, 18);
    cr_assert_str_eq(st.figures[0].key, "attainment.overall");
    cr_assert_str_eq(st.figures[1].key, "gpu_hours.total");
    for (size_t i = 0; i < st.n; i++)
        cr_assert_eq(st.of[i].front, i % 2 == 0);
    /* Mean of 0.80, 0.81, 0.82; t of 2 degrees of freedom at 0.975 is 4.302653. */
    cr_assert_float_eq(st.of[2].figures[0].mean, 0.81, 1e-12);
    cr_assert_float_eq(st.of[2].figures[0].high, 0.81 + 4.302653 * 0.01 / sqrt(3), 1e-7);
    cr_assert_eq(st.n_effects, 2);
    cr_assert_str_eq(st.effects[0].key, "pools.agg.replicas");
    cr_assert_float_eq(st.effects[0].share[0], 1, 1e-12);
    cr_assert_float_eq(st.effects[1].share[0], 0, 1e-12);
    /* 1, 2, 3 and 0, 0.5: variances 2/3 and 1/16. */
    cr_assert_float_eq(st.effects[0].share[1], 2.0 / 3 / (2.0 / 3 + 1.0 / 16), 1e-12);
    /* What replicates have in common is in no difference of levels. */
    const struct page_value *level = &st.effects[0].levels[1].figures[0];
    cr_assert_str_eq(st.effects[0].levels[1].label, "2");
    cr_assert_float_eq(level->mean, 0.81, 1e-12);
    cr_assert_float_eq(level->high - level->low, 0, 1e-9);
    remove_folder(dir);
    arena_release(&arena);
}

Test(settings, a_run_that_failed_takes_its_setting_off_the_front)
{
    char dir[] = "/tmp/headroom-settings-XXXXXX";
    struct settings st;
    struct arena arena;
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    write_folder(dir, &arena, true);
    cr_assert_eq(settings_read(&st, &arena, dir, &d), ST_OK, "%s", d.text);
    cr_assert_eq(st.n_failed, 1);
    cr_assert_eq(st.n_messages, 1);
    cr_assert_str_eq(st.messages[0].text, "no \"room\"");
    cr_assert_eq(st.messages[0].variant, 5);
    cr_assert_str_eq(settings_text(&st, 5, &arena), "pools.agg.replicas=3, seed=2");
    cr_assert(isnan(st.of[5].figures[0].mean));
    cr_assert(!st.of[5].front);
    remove_folder(dir);
    arena_release(&arena);
}

Test(settings, what_is_not_of_the_sweep_is_refused)
{
    static const char *const tables[][2] = {
        {"", "results.csv: empty; expected a line of names"},
        {"index,variant\n", "no column 'status'"},
        {"index,status,gpu_hours.total\n", "no column 'attainment.overall'"},
        {"index,status,gpu_hours.total,attainment.overall\n1,ok,3\n", ":2: 3 cells; expected 4"},
        {"index,status,gpu_hours.total,attainment.overall\n18,ok,3,1\n",
         ":2: index must be below 18"},
        {"index,status,gpu_hours.total,attainment.overall\n0,\"ok,3,1\n", ":2: a quoted field"}};
    char dir[] = "/tmp/headroom-settings-XXXXXX";
    struct arena arena;

    arena_init(&arena);
    write_folder(dir, &arena, false);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct settings st;
        struct diag d;
        diag_init(&d);
        put(dir, "results.csv", tables[i][0]);
        cr_assert_eq(settings_read(&st, &arena, dir, &d), ST_INPUT);
        cr_assert(strstr(d.text, tables[i][1]), "%s", d.text);
    }
    remove_folder(dir);
    arena_release(&arena);
}

Test(settings, values_have_the_digits_that_their_interval_leaves)
{
    char text[VALUE_TEXT_SIZE];

    cr_assert_str_eq(value_text(text, SVG_LINEAR, &(struct page_value){3.65958, 3.6555, 3.6637}),
                     "3.6596 \xc2\xb1 0.0041");
    cr_assert_str_eq(value_text(text, SVG_PERCENT, &(struct page_value){0.8678, 0.8624, 0.8732}),
                     "86.78 \xc2\xb1 0.54 %");
    cr_assert_str_eq(value_text(text, SVG_LINEAR, &(struct page_value){7736, 7330, 8142}),
                     "7736 \xc2\xb1 406");
    cr_assert_str_eq(value_text(text, SVG_LINEAR, &(struct page_value){7, 7, 7}), "7");
    cr_assert_str_eq(value_text(text, SVG_LINEAR, &(struct page_value){NAN, NAN, NAN}), "-");
}
