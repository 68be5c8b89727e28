#include "cli/report.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/out_dir.h"
#include "pages/run/run_page.h"
#include "pages/size/size_page.h"
#include "pages/sweep/sweep_page.h"
#include "pages/tune/tune_page.h"
#include "reports/out_file.h"
#include "studies/gate/report.h"

const struct cli_option report_options[] = {
    {"out", 'o', "FILE", "write it there, not beside the results"},
    {"force", '\0', NULL, "replace a file that is no page of Headroom's"},
    CLI_QUIET,
    {.name = NULL},
};

/* What has a page: a folder with a file that it has in any case, or a file by itself (NULL). */
static const struct report_kind {
    const char *file, *what;
    enum status (*write)(const char *path, FILE *out, struct diag *d);
} kinds[] = {
    {"study.json", "a sweep", sweep_page_write},
    {"tune.json", "a tune", tune_page_write},
    {"summary.json", "a run", run_page_write},
    {NULL, "size --json", size_page_write},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

struct report {
    const struct report_kind *kind;
    const char *path;
};

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct report *report = context;

    return report->kind->write(report->path, out, d);
}

static bool is_there(const char *dir, const char *name)
{
    char path[4096];
    struct stat st;

    return (size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path &&
           stat(path, &st) == 0;
}

static enum status find_kind(struct report *report, const char *path, struct diag *d)
{
    struct stat st;
    char expected[256] = "";
    size_t n = 0;

    report->path = path;
    if (stat(path, &st))
        return diag_fail(d, ST_IO, "cannot open '%s': %s", path, strerror(errno));
    for (size_t i = 0; i < N_KINDS; i++) {
        const char *file = kinds[i].file;
        if (S_ISDIR(st.st_mode) ? file && is_there(path, file) : !file) {
            report->kind = &kinds[i];
            return ST_OK;
        }
        if (file && n < sizeof expected)
            n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%s of %s", n ? ", " : "",
                                  file, kinds[i].what);
    }
    return diag_fail(d, ST_INPUT, "folder '%s' holds no results that have a page; expected %s",
                     path, expected);
}

enum status report_make(const char *dir, struct diag *d)
{
    struct report report;

    enum status s = find_kind(&report, dir, d);
    return s ? s : out_file_put(dir, REPORT_NAME, true, write_page, &report, d);
}

/* ---- the verb ---- */

/* report.html in a folder; FILE.html for FILE.json. */
static const char *usual_path(const struct report *report, struct arena *arena)
{
    const char *dot = strrchr(report->path, '.');
    int n = dot && !strchr(dot, '/') ? (int)(dot - report->path) : (int)strlen(report->path);

    return report->kind->file ? arena_printf(arena, "%s/" REPORT_NAME, report->path)
                              : arena_printf(arena, "%.*s.html", n, report->path);
}

enum status report_run(const struct cli_args *args, struct diag *d)
{
    static const struct gate_format pages = {"out", "content=\"headroom ", NULL};
    const char *path = cli_value(args, "out");
    struct report report;

    if (path && !*path)
        return diag_fail(d, ST_INPUT, "option '--out' must be the path of a file, not ''");
    enum status s = find_kind(&report, args->words[0], d);
    if (s)
        return s;
    path = path ? path : usual_path(&report, args->arena);
    if (!path)
        return diag_nomem(d, "path");
    if (!cli_flag(args, "force"))
        s = gate_format_check(&pages, path, d);
    if (!s)
        s = out_path_put(args, path, true, write_page, &report, d);
    if (!s && !cli_flag(args, "quiet"))
        terminal_line(stdout, "%s", path);
    return s;
}
