/* windows.csv as the reports write it, read back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/windows_csv.h"
#include "studies/recorded/recorded.h"
#include "util/units.h"

static char dir[64], path[128];
static struct arena arena;
static struct diag diag;

static struct recorded run;
static struct causes *causes;
static struct capacity *capacity;
static struct capacity_summary capacity_summary;
static struct windows windows;

#define S(x) ((int64_t)(x)*NS_PER_S)
static const struct run_info info = {.window_ns = S(60),
                                     .measured_from_ns = S(5),
                                     .ttft_target_ns = S(1),
                                     .tpot_target_ns = S(1),
                                     .n_pools = 1,
                                     .pool_names = {"agg"}};

static void finish_causes(void)
{
    static struct request_parts parts = {.waits = {pool_wait_none, pool_wait_none}};
    const struct request_record q = {.measured = true,
                                     .outcome = OUTCOME_REJECTED,
                                     .arrival_ns = S(70),
                                     .first_token_ns = -1,
                                     .end_ns = S(70),
                                     .parts = &parts};
    struct cause_summary summary;

    causes = causes_new(&(struct cause_targets){S(1), S(1), 1, false});
    cr_assert_eq(causes_add_request(causes, &q, &diag), ST_OK);
    cr_assert_eq(causes_finish(causes, &summary, &diag), ST_OK);
}

static void finish_capacity(void)
{
    const struct capacity_rules rules = {
        .window_ns = info.window_ns, .from_ns = info.measured_from_ns, .n_pools = 1};
    const struct worker_record w = {.ready_ns = 0, .drain_ns = S(95), .end_ns = S(100)};

    capacity = capacity_new(&rules);
    cr_assert_eq(capacity_add_worker(capacity, &w, &diag), ST_OK);
    cr_assert_eq(capacity_finish(capacity, S(100), &capacity_summary, &diag), ST_OK);
}

static void setup(void)
{
    const struct window_rules rules = {info.window_ns, info.measured_from_ns, S(1), S(1)};

    strcpy(dir, "/tmp/headroom-test-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/windows.csv", dir);
    arena_init(&arena);
    diag_init(&diag);
    finish_causes();
    finish_capacity();
    cr_assert_eq(windows_add_request(&windows, S(70), false, &rules, &diag), ST_OK);
    run = (struct recorded){.dir = dir, .n_pools = 1, .pools = {"agg"}};
}

static void teardown(void)
{
    windows_release(&windows);
    causes_free(causes);
    capacity_free(capacity);
    unlink(path);
    rmdir(dir);
    arena_release(&arena);
}

TestSuite(recorded_windows, .init = setup, .fini = teardown);

static void write_file(bool with_parts)
{
    FILE *file = fopen(path, "w");
    static const size_t pool_at[] = {0};
    const struct windows_csv w = {.info = &info,
                                  .n_pools = 1,
                                  .pools = info.pool_names,
                                  .pool_at = pool_at,
                                  .windows = &windows,
                                  .causes = with_parts ? causes : NULL,
                                  .capacity = with_parts ? capacity : NULL,
                                  .n_windows = with_parts ? capacity_summary.n_windows : 0};

    cr_assert(file);
    windows_csv_header(file, &w);
    cr_assert_eq(windows_csv_write(file, &w, &diag), ST_OK);
    cr_assert_eq(fclose(file), 0);
}

static void edit(const char *from, const char *to)
{
    char text[8192];
    FILE *file = fopen(path, "r");
    size_t n = fread(text, 1, sizeof text - 1, file);

    fclose(file);
    text[n] = '\0';
    char *at = strstr(text, from);
    cr_assert(at, "%s", text);
    file = fopen(path, "w");
    fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    cr_assert_eq(fclose(file), 0);
}

static void check_refused(const char *what)
{
    diag_init(&diag);
    cr_assert_eq(recorded_read_windows(&run, &arena, &diag), ST_INPUT);
    cr_expect(strstr(diag.text, what), "%s", diag.text);
}

Test(recorded_windows, are_as_they_were_written)
{
    write_file(true);
    cr_assert_eq(recorded_read_windows(&run, &arena, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(run.n_windows, 2);
    cr_expect_eq(run.windows[0].from_ns, S(5));
    cr_expect_eq(run.windows[1].from_ns, S(65));
    cr_expect_eq(run.windows[1].to_ns, S(125));
    cr_expect_eq(run.windows[0].pools[0].ready, 60);
    cr_expect_eq(run.windows[1].pools[0].ready, 30);
    cr_expect_eq(run.windows[1].pools[0].idle, 30);
    cr_expect_eq(run.windows[1].pools[0].short_of, 0);
}

Test(recorded_windows, have_who_missed_in_them_and_why)
{
    char text[8192];

    write_file(true);
    FILE *file = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    cr_expect(strstr(text, "from_ms,to_ms,offered,good,missed_rejected,missed_lost,"), "%s", text);
    cr_expect(strstr(text, "\n5000,65000,0,0,0,0,"), "%s", text);
    cr_expect(strstr(text, "\n65000,125000,1,0,1,0,"), "%s", text);
}

Test(recorded_windows, a_run_without_capacity_has_none)
{
    write_file(false);
    cr_assert_eq(recorded_read_windows(&run, &arena, &diag), ST_OK, "%s", diag.text);
    cr_expect_eq(run.n_windows, 0);
}

Test(recorded_windows, what_is_broken_is_refused_with_its_place)
{
    write_file(true);
    edit("65000,125000", "4000,125000");
    check_refused("'from_ms' must be milliseconds, no earlier than in the line before, not '4000'");
    write_file(true);
    edit("65000,125000", "65000,65000");
    check_refused("'to_ms' must be milliseconds, later than 'from_ms', not '65000'");
    write_file(true);
    edit("capacity_agg_idle_worker_s", "capacity_other_idle_worker_s");
    check_refused("no column 'capacity_agg_idle_worker_s'");
}
