#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "scenarios/text/nearest.h"
#include "util/text.h"

static const struct cli_option help_option = {"help", 'h', NULL, "print this help"};

static const struct cli_option *find_option(const struct cli_verb *verb, const char *name, size_t n)
{
    for (const struct cli_option *o = verb->options; o && o->name; o++) {
        if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    }
    return n == 4 && memcmp(name, "help", 4) == 0 ? &help_option : NULL;
}

static const struct cli_option *find_letter(const struct cli_verb *verb, char letter)
{
    for (const struct cli_option *o = verb->options; o && o->name; o++) {
        if (o->letter == letter)
            return o;
    }
    return letter == 'h' ? &help_option : NULL;
}

static enum status unknown_option(const struct cli_verb *verb, const char *path, const char *arg,
                                  struct diag *d)
{
    char name[64];
    struct nearest n;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(arg + 2, "="), arg[1] == '-' ? arg + 2 : "");
    nearest_init(&n, name);
    for (const struct cli_option *o = verb->options; o && o->name; o++)
        nearest_offer(&n, o->name);
    if (*name && n.best)
        return diag_fail(d, ST_INPUT, "unknown option '%s' of '%s'; did you mean '--%s'?", arg,
                         path, n.best);
    return diag_fail(d, ST_INPUT, "unknown option '%s' of '%s' (headroom %s --help)", arg, path,
                     path);
}

/* One option at argv[*i], with its value. */
static enum status parse_option(const struct cli_verb *verb, struct cli_args *args, char **argv,
                                int argc, int *i, struct diag *d)
{
    const char *arg = argv[*i], *value = NULL;
    const struct cli_option *option;

    if (arg[1] == '-') {
        const char *equals = strchr(arg, '=');
        option = find_option(verb, arg + 2, equals ? (size_t)(equals - arg) - 2 : strlen(arg + 2));
        value = equals ? equals + 1 : NULL;
    } else {
        option = find_letter(verb, arg[1]);
        value = arg[2] ? arg + 2 : NULL;
    }
    if (!option)
        return unknown_option(verb, args->verb, arg, d);
    if (value && !option->value)
        return diag_fail(d, ST_INPUT, "option '--%s' takes no value", option->name);
    if (!value && option->value) {
        if (*i + 1 >= argc)
            return diag_fail(d, ST_INPUT, "option '--%s' needs a value: --%s %s", option->name,
                             option->name, option->value);
        value = argv[++*i];
    }
    args->given[args->n_given++] = (struct cli_given){option, value};
    return ST_OK;
}

static enum status check_words(const struct cli_verb *verb, const struct cli_args *args,
                               struct diag *d)
{
    if (args->n_words < verb->min_words)
        return diag_fail(d, ST_INPUT, "'%s' needs %s (headroom %s --help)", args->verb, verb->words,
                         args->verb);
    if (args->n_words > verb->max_words)
        return diag_fail(d, ST_INPUT, "unexpected argument '%s' of '%s' (headroom %s --help)",
                         args->words[verb->max_words], args->verb, args->verb);
    return ST_OK;
}

/* argv starts behind the verb. */
static enum status parse(const struct cli_verb *verb, struct cli_args *args, int argc, char **argv,
                         struct diag *d)
{
    bool options = true;

    args->words = ARENA_NEW(args->arena, (size_t)argc, const char *);
    args->given = ARENA_NEW(args->arena, (size_t)argc, struct cli_given);
    if (!args->words || !args->given)
        return diag_nomem(d, "arguments");
    for (int i = 0; i < argc; i++) {
        enum status s = ST_OK;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            s = parse_option(verb, args, argv, argc, &i, d);
        else
            args->words[args->n_words++] = argv[i];
        if (s)
            return s;
    }
    return cli_flag(args, "help") ? ST_OK : check_words(verb, args, d);
}

static enum status unknown_verb(const struct cli_verb *verbs, const char *path, const char *word,
                                struct diag *d)
{
    const char *gap = *path ? " " : "";
    struct nearest n;
    char shown[TEXT_EXCERPT_SIZE];

    nearest_init(&n, word);
    for (const struct cli_verb *v = verbs; v->name; v++)
        nearest_offer(&n, v->name);
    text_excerpt(shown, word, strlen(word));
    if (n.best)
        return diag_fail(d, ST_INPUT, "unknown verb '%s%s%s'; did you mean '%s%s%s'?", path, gap,
                         shown, path, gap, n.best);
    return diag_fail(d, ST_INPUT, "unknown verb '%s%s%s' (headroom %s%s--help)", path, gap, shown,
                     path, gap);
}

/* The verb named by the first words; *used of them. What follows a verb that does something by
 * itself need not be one of its own. */
static enum status find_verb(int argc, const char *const *argv, const struct cli_verb **verb,
                             int *used, const char **path, struct arena *arena, struct diag *d)
{
    const struct cli_verb *verbs = cli_verbs;

    *verb = NULL;
    *path = "";
    for (*used = 0; verbs && *used < argc && argv[*used][0] != '-'; ++*used) {
        const struct cli_verb *v = verbs;
        while (v->name && strcmp(v->name, argv[*used]) != 0)
            v++;
        if (!v->name && *verb && (*verb)->run)
            return ST_OK;
        if (!v->name)
            return unknown_verb(verbs, *path, argv[*used], d);
        *verb = v;
        *path = arena_printf(arena, "%s%s%s", *path, **path ? " " : "", v->name);
        if (!*path)
            return diag_nomem(d, "arguments");
        verbs = v->verbs;
    }
    return ST_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    return argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
}

static enum status without_verb(int argc, char **argv, struct diag *d)
{
    struct cli_args none = {0};

    if (asks_for_help(argc, argv)) {
        cli_help_all(stdout);
        return ST_OK;
    }
    if (argc > 0 && strcmp(argv[0], "--version") == 0)
        return version_run(&none, d);
    if (argc > 0)
        return diag_fail(d, ST_INPUT, "unknown option '%s' (headroom --help)", argv[0]);
    cli_help_all(stderr);
    return ST_INPUT;
}

static enum status dispatch(int argc, char **argv, struct arena *arena, struct diag *d)
{
    const struct cli_verb *verb;
    struct cli_args args = {.arena = arena};
    int used;

    enum status s = find_verb(argc, (const char *const *)argv, &verb, &used, &args.verb, arena, d);
    if (s)
        return s;
    argc -= used;
    argv += used;
    if (!verb)
        return without_verb(argc, argv, d);
    if (!verb->run) {
        bool help = asks_for_help(argc, argv);
        cli_help_verb(args.verb, verb, help ? stdout : stderr);
        return help ? ST_OK : ST_INPUT;
    }
    s = parse(verb, &args, argc, argv, d);
    if (!s && cli_flag(&args, "help"))
        cli_help_verb(args.verb, verb, stdout);
    else if (!s)
        s = verb->run(&args, d);
    return s;
}

enum status help_run(const struct cli_args *args, struct diag *d)
{
    const struct cli_verb *verb;
    const char *path;
    int used, n = (int)args->n_words;

    enum status s = find_verb(n, args->words, &verb, &used, &path, args->arena, d);
    if (!s && used < n)
        s = diag_fail(d, ST_INPUT, "unexpected argument '%s' of 'help' (headroom help)",
                      args->words[used]);
    if (s)
        return s;
    if (!verb)
        cli_help_all(stdout);
    else
        cli_help_verb(path, verb, stdout);
    return ST_OK;
}

enum status cli_main(int argc, char **argv, struct diag *d)
{
    struct arena arena;

    arena_init(&arena);
    enum status s = dispatch(argc > 0 ? argc - 1 : 0, argv + 1, &arena, d);
    arena_release(&arena);
    return s;
}

bool cli_flag(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->n_given; i++) {
        if (strcmp(args->given[i].option->name, name) == 0)
            return true;
    }
    return false;
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < args->n_given; i++) {
        if (strcmp(args->given[i].option->name, name) == 0)
            value = args->given[i].value;
    }
    return value;
}

size_t cli_values(const char **values, const struct cli_args *args, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < args->n_given; i++) {
        if (strcmp(args->given[i].option->name, name) == 0)
            values[n++] = args->given[i].value;
    }
    return n;
}

size_t cli_n_given(const struct cli_args *args, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < args->n_given; i++)
        n += strcmp(args->given[i].option->name, name) == 0;
    return n;
}

enum status cli_list(const char *const **parts, size_t *n, const struct cli_args *args,
                     const char *name, struct diag *d)
{
    const char *text = cli_value(args, name);

    *n = 0;
    if (!text)
        return ST_OK;
    const char **to = ARENA_NEW(args->arena, strlen(text) + 1, const char *);
    if (!to)
        return diag_nomem(d, "list");
    *parts = to;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        if (length == 0)
            return diag_fail(d, ST_INPUT, "option '--%s' must be a list such as a,b, not '%s'",
                             name, text);
        to[*n] = arena_strndup(args->arena, p, length);
        if (!to[(*n)++])
            return diag_nomem(d, "list");
        p += length;
        if (!*p)
            return ST_OK;
    }
}

enum status cli_jobs(const struct cli_args *args, size_t *n_threads, struct diag *d)
{
    enum { MAX_JOBS = 1024 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long long jobs;

    enum status s = cli_integer(args, "jobs", 1, MAX_JOBS, cores > 0 ? cores : 1, &jobs, d);
    if (!s)
        *n_threads = (size_t)jobs;
    return s;
}

enum status cli_integer(const struct cli_args *args, const char *name, long long min, long long max,
                        long long preset, long long *value, struct diag *d)
{
    const char *text = cli_value(args, name);
    int64_t number;

    *value = preset;
    if (!text)
        return ST_OK;
    if (text_int64(text, strlen(text), &number) != TEXT_OK || number < min || number > max)
        return diag_fail(d, ST_INPUT,
                         "option '--%s' must be an integer from %lld to %lld, not '%s'", name, min,
                         max, text);
    *value = number;
    return ST_OK;
}
