/* The command line: one table of verbs, one file per verb, one table of options per verb. Parsing,
 * `--help` and `headroom list verbs` all come from these tables. Only this folder prints and exits.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engines/profile/profile.h"
#include "util/arena.h"
#include "util/status.h"
#include "util/terminal.h"

struct cli_option {
    const char *name;  /* without the dashes */
    char letter;       /* '\0' = none */
    const char *value; /* what the value is, in capitals; NULL = a flag */
    const char *doc;
};

struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL for a flag */
};

/* A parsed command line; texts are those of argv. */
struct cli_args {
    const char *verb; /* as typed, "profile show" */
    size_t n_words;
    const char **words; /* what is not an option */
    size_t n_given;
    struct cli_given *given;
    struct arena *arena;
};

/* A verb does something (`run`), or has verbs of its own, or both. ST_MISSED and ST_CANCELLED need
 * no message: the verb said what there is to say. */
enum { CLI_MANY_WORDS = 100000 };
struct cli_verb {
    const char *name;
    const char *words; /* what follows the options, for help: "SCENARIO" */
    size_t min_words, max_words;
    const char *summary;              /* one line */
    const char *details;              /* more for --help, or NULL */
    const struct cli_option *options; /* ended by name NULL; may be NULL */
    enum status (*run)(const struct cli_args *args, struct diag *d);
    const struct cli_verb *verbs; /* ended by name NULL; beside `run`: taken where they are named */
};

extern const struct cli_verb cli_verbs[]; /* ended by name NULL */
extern const struct cli_option run_options[], calibrate_options[], check_options[],
    compare_options[], explain_options[], report_options[], plan_options[], profile_show_options[],
    profile_convert_options[], size_options[], sweep_options[], trace_info_options[],
    tune_options[];
extern const struct cli_verb profile_verbs[], sweep_verbs[], trace_verbs[];

enum status run_run(const struct cli_args *args, struct diag *d);
enum status check_run(const struct cli_args *args, struct diag *d);
enum status size_run(const struct cli_args *args, struct diag *d);
enum status tune_run(const struct cli_args *args, struct diag *d);
enum status calibrate_run(const struct cli_args *args, struct diag *d);
enum status explain_run(const struct cli_args *args, struct diag *d);
enum status compare_run(const struct cli_args *args, struct diag *d);
enum status plan_run(const struct cli_args *args, struct diag *d);
enum status report_run(const struct cli_args *args, struct diag *d);
enum status sweep_run(const struct cli_args *args, struct diag *d);
enum status list_run(const struct cli_args *args, struct diag *d);
enum status help_run(const struct cli_args *args, struct diag *d); /* args.c */
enum status version_run(const struct cli_args *args, struct diag *d);

bool cli_flag(const struct cli_args *args, const char *name);
/* The last value given; NULL when there is none. */
const char *cli_value(const struct cli_args *args, const char *name);
/* All values given; room for n_given of them. How many there are. */
size_t cli_values(const char **values, const struct cli_args *args, const char *name);
/* How often an option was given. */
size_t cli_n_given(const struct cli_args *args, const char *name);
/* The parts of the last value given, a,b,c; none when it was not given. ST_INPUT: one is empty. */
enum status cli_list(const char *const **parts, size_t *n, const struct cli_args *args,
                     const char *name, struct diag *d);
/* Threads: --jobs, or as many as there are cores. */
enum status cli_jobs(const struct cli_args *args, size_t *n_threads, struct diag *d);
/* An integer option within [min, max], or `preset`. */
enum status cli_integer(const struct cli_args *args, const char *name, long long min, long long max,
                        long long preset, long long *value, struct diag *d);

/* Standard output: colour on a terminal unless --no-color or NO_COLOR says otherwise, UTF-8 where
 * the locale (LC_ALL, LC_CTYPE, LANG) has it; neither on a terminal that says it is dumb. */
struct terminal cli_terminal(const struct cli_args *args);

/* An empty line, and the folder that the files are in which come next. */
void cli_print_folder(const char *folder);

/* `headroom VERB ARGS...`: find the verb, parse, run. */
enum status cli_main(int argc, char **argv, struct diag *d);

/* The --help texts. */
void cli_help_all(FILE *out);
void cli_help_verb(const char *path, const struct cli_verb *verb, FILE *out);
/* One line per verb: its path, then its options. */
void cli_write_verbs(FILE *out);

/* Options that mean the same wherever they are, in the words of --help: of verbs that take a
 * scenario, and of those that run it often. */
/* clang-format off */
#define CLI_SET {"set", 's', "PATH=VALUE", "override a key of the scenario; may be repeated"}
#define CLI_OVERLAY \
    {"overlay", '\0', "FILE.yaml", "its keys win over those of the scenario; may be repeated, later " \
     "ones win, --set wins over all"}
#define CLI_SEED {"seed", '\0', "N", "the same as --set seed=N"}
#define CLI_JOBS {"jobs", 'j', "J", "threads; as many as there are cores when not given"}
#define CLI_QUIET {"quiet", 'q', NULL, "print errors only"}
#define CLI_NO_COLOR \
    {"no-color", '\0', NULL, "no colour; nor when NO_COLOR is set, or off a terminal"}
/* clang-format on */

/* The scenario that the first word names, with --overlay, --set and --seed applied, and what it
 * was read from. In the arena. */
struct scenario;
struct scenario_source;
enum status cli_load_scenario(struct scenario **scenario, struct scenario_source *source,
                              const struct cli_args *args, struct diag *d);
/* The same of a file at a path. */
enum status cli_load_scenario_at(struct scenario **scenario, struct scenario_source *source,
                                 const char *path, const struct cli_args *args, struct diag *d);

/* A deployment of it by its name; ST_INPUT, with the names there are: it has none that --deployment
 * or `--vary deployments.NAME.KEY=SPEC` could mean; texts of --vary that are of none are well. */
enum status cli_find_deployment(const struct scenario **found, const struct scenario *scenario,
                                const char *name, const struct cli_args *args, struct diag *d);
enum status cli_check_vary(const struct scenario *scenario, const char *vary,
                           const struct cli_args *args, struct diag *d);
/* What a verb is of that takes one deployment: that of --deployment, or a scenario without the key
 * `deployments` itself. ST_INPUT, beginning with `what`, where there are several and none is
 * chosen; or the option where there is nothing to choose. */
enum status cli_one_deployment(const struct scenario **one, const struct scenario *scenario,
                               const char *what, const struct cli_args *args, struct diag *d);

/* What the scenario of a file is read from, with the same options. */
enum status cli_scenario_source(struct scenario_source *source, const struct cli_args *args,
                                const char *path, struct diag *d);

/* Where bundled profiles are: $HEADROOM_PROFILES, beside the installed program, the source tree;
 * those that exist. In the arena. */
enum status cli_profile_search(struct profile_search *search, struct arena *arena, struct diag *d);

/* ST_INPUT, naming the variable to set, when there is none. */
enum status cli_need_folder(const char *const *folders, const char *variable, struct diag *d);

/* The same of bundled presets, with $HEADROOM_PRESETS; ended by NULL. */
enum status cli_preset_dirs(const char *const **dirs, struct arena *arena, struct diag *d);

#endif
