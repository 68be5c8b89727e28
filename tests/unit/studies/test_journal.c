#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "studies/journal.h"

enum { N_RUNS = 5, N_FIGURES = 2 };

static char dir[64], path[96];
static struct journal *journal;
static struct diag diag;
static struct journal_shape shape = {"0123456789abcdef", N_RUNS, N_FIGURES};

static void setup(void)
{
    strcpy(dir, "/tmp/headroom-test-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/runs", dir);
    diag_init(&diag);
}

static void teardown(void)
{
    journal_close(journal);
    unlink(path);
    rmdir(dir);
}

TestSuite(journal, .init = setup, .fini = teardown);

static void reopen(void)
{
    journal_close(journal);
    cr_assert_eq(journal_open(&journal, path, &shape, JOURNAL_APPEND, &diag), ST_OK, "%s",
                 diag.text);
}

static void append(uint64_t index, double figure)
{
    const double figures[N_FIGURES] = {figure, NAN};
    const struct study_row row = {.figures = figures};

    cr_assert_eq(journal_append(journal, index, &row, &diag), ST_OK, "%s", diag.text);
}

static void append_failure(uint64_t index, enum status status, const char *message)
{
    const struct study_row row = {.status = status, .message = message};

    cr_assert_eq(journal_append(journal, index, &row, &diag), ST_OK, "%s", diag.text);
}

static struct study_row row(uint64_t index)
{
    struct study_row found;

    cr_assert_eq(journal_row(journal, index, &found, &diag), ST_OK, "%s", diag.text);
    return found;
}

static off_t size(void)
{
    struct stat info;

    cr_assert_eq(stat(path, &info), 0);
    return info.st_size;
}

Test(journal, keeps_rows_in_any_order)
{
    reopen();
    append(3, 0.1);
    append_failure(0, ST_INPUT, "no such thing");
    append(4, -7);
    reopen();
    cr_expect_eq(journal_n_done(journal), 3);
    cr_expect(journal_has(journal, 0) && journal_has(journal, 3) && journal_has(journal, 4));
    cr_expect_not(journal_has(journal, 1) || journal_has(journal, 2));
    cr_expect_eq(journal_message_max(journal), strlen("no such thing"));
    cr_expect_eq(row(3).figures[0], 0.1);
    cr_expect(isnan(row(3).figures[1]));
    cr_expect_null(row(3).message);
    cr_expect_eq(row(0).status, ST_INPUT);
    cr_expect_null(row(0).figures);
    cr_expect_str_eq(row(0).message, "no such thing");
}

Test(journal, a_torn_record_is_cut_off)
{
    reopen();
    append(0, 1);
    off_t one = size();
    append(1, 2);
    off_t two = size();
    for (off_t cut = one; cut < two; cut++) {
        cr_assert_eq(truncate(path, cut), 0);
        reopen();
        cr_assert_eq(size(), one, "cut at %d", (int)cut);
        cr_assert(journal_has(journal, 0) && !journal_has(journal, 1));
        append(1, 2);
        cr_assert_eq(size(), two);
    }
    for (off_t cut = 0; cut < one; cut++) {
        reopen();
        cr_assert_eq(truncate(path, cut), 0);
        reopen();
        cr_assert_eq(journal_n_done(journal), 0);
        append(0, 1);
    }
}

Test(journal, any_changed_bit_of_a_record_is_seen)
{
    reopen();
    append(0, 1);
    off_t one = size();
    append(1, 2);
    off_t two = size();
    for (off_t at = one; at < two; at++) {
        FILE *f = fopen(path, "r+b");
        fseek(f, at, SEEK_SET);
        int c = getc(f);
        fseek(f, at, SEEK_SET);
        putc(c ^ 4, f);
        fclose(f);
        reopen();
        cr_assert(!journal_has(journal, 1), "byte %d", (int)at);
        append(1, 2);
    }
}

Test(journal, what_may_go_well_the_next_time_is_not_done)
{
    reopen();
    append_failure(0, ST_NOMEM, "out of memory");
    append_failure(1, ST_IO, "cannot read");
    reopen();
    cr_expect_eq(journal_n_done(journal), 0);
    cr_expect(journal_has(journal, 0) && !journal_done(journal, 0));
    append(0, 5);
    reopen();
    cr_expect(journal_done(journal, 0));
    cr_expect_eq(row(0).figures[0], 5);
}

static void expect_refusal(const struct journal_shape *other, enum journal_use use,
                           enum status status, const char *message)
{
    struct journal *refused;

    diag_init(&diag);
    cr_expect_eq(journal_open(&refused, path, other, use, &diag), status);
    cr_expect_null(refused);
    cr_expect(strstr(diag.text, message), "%s", diag.text);
}

Test(journal, of_another_study_is_refused_and_left_alone)
{
    struct journal_shape other = shape;

    reopen();
    append(0, 1);
    journal_close(journal);
    journal = NULL;
    off_t before = size();
    other.study[0] = 'x';
    expect_refusal(&other, JOURNAL_APPEND, ST_INPUT, "does not hold the runs of this study");
    other = shape;
    other.n_runs++;
    expect_refusal(&other, JOURNAL_READ, ST_INPUT, "does not hold the runs of this study");
    expect_refusal(&shape, JOURNAL_CREATE, ST_IO, "File exists");
    cr_expect_eq(size(), before);
    unlink(path);
    expect_refusal(&shape, JOURNAL_READ, ST_IO, "No such file");
}

/* Locks are of processes. */
Test(journal, in_use_by_another_process_is_refused, .exit_code = 7)
{
    reopen();
    if (fork() == 0) {
        expect_refusal(&shape, JOURNAL_APPEND, ST_INPUT, "is in use by another headroom");
        _exit(diag.status == ST_INPUT ? 7 : 1);
    }
    int status;
    cr_assert(wait(&status) > 0 && WIFEXITED(status));
    exit(WEXITSTATUS(status));
}

Test(journal, a_full_disk_adds_nothing)
{
    reopen();
    append(0, 1);
    off_t before = size();
    const struct rlimit limit = {(rlim_t)before + 10, (rlim_t)before + 10};
    const double figures[N_FIGURES] = {1, 2};
    const struct study_row one = {.figures = figures};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(journal_append(journal, 1, &one, &diag), ST_IO);
    cr_expect(strstr(diag.text, "cannot write '"), "%s", diag.text);
    cr_expect_eq(size(), before);
    cr_expect_not(journal_has(journal, 1));
    diag_init(&diag);
    reopen();
    cr_expect_eq(journal_n_done(journal), 1);
}
