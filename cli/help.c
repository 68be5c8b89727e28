#include <string.h>

#include "cli/cli.h"

enum { DOC = 27, SUMMARY = 13 }; /* columns */

static void write_option(const struct cli_option *o, FILE *out)
{
    char text[80];

    snprintf(text, sizeof text, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    if (o->letter)
        fprintf(out, "  -%c, %-20s ", o->letter, text);
    else
        fprintf(out, "      %-20s ", text);
    terminal_wrap(out, o->doc, DOC, DOC);
}

static void write_summary(const struct cli_verb *verb, FILE *out)
{
    fprintf(out, "  %-*s", SUMMARY - 2, verb->name);
    terminal_wrap(out, verb->summary, SUMMARY, SUMMARY);
}

static void write_usage(const char *path, const struct cli_verb *verb, FILE *out)
{
    const char *gap = path[0] ? " " : "";

    fprintf(out, "headroom%s%s%s%s%s\n", gap, path, verb->options ? " [options]" : "",
            verb->words ? " " : "", verb->words ? verb->words : "");
}

void cli_help_verb(const char *path, const struct cli_verb *verb, FILE *out)
{
    if (!verb->run) {
        fprintf(out, "usage: headroom %s VERB ...\n\n%s\n\n", path, verb->summary);
        for (const struct cli_verb *v = verb->verbs; v->name; v++)
            write_summary(v, out);
        fprintf(out, "\n'headroom %s VERB --help' says more.\n", path);
        return;
    }
    fputs("usage: ", out);
    write_usage(path, verb, out);
    for (const struct cli_verb *v = verb->verbs; v && v->name; v++) {
        fprintf(out, "       headroom %s %s%s %s\n", path, v->name, v->options ? " [options]" : "",
                v->words);
    }
    fprintf(out, "\n%s\n", verb->summary);
    if (verb->details)
        fputs("\n", out), terminal_wrap(out, verb->details, 0, 0);
    fputs("\n", out);
    for (const struct cli_option *o = verb->options; o && o->name; o++)
        write_option(o, out);
    write_option(&(struct cli_option){"help", 'h', NULL, "print this help"}, out);
}

void cli_help_all(FILE *out)
{
    fputs("usage: headroom VERB [options] ...\n\n"
          "Replays the request trace of an LLM service against a simulated fleet of GPU\n"
          "workers with the autoscaling planner in the loop.\n\n",
          out);
    for (const struct cli_verb *v = cli_verbs; v->name; v++)
        write_summary(v, out);
    fputs("\n'headroom VERB --help' says more. Exit status: 0 done and held, 1 an\n"
          "expectation was missed, 2 bad input or usage, 3 I/O or memory.\n",
          out);
}

static void write_line(const char *group, const struct cli_verb *v, FILE *out)
{
    fprintf(out, "%s%s%s", group, *group ? " " : "", v->name);
    for (const struct cli_option *o = v->options; o && o->name; o++)
        fprintf(out, " --%s%s", o->name, o->value ? "=" : "");
    fputs(" --help\n", out);
}

void cli_write_verbs(FILE *out)
{
    for (const struct cli_verb *v = cli_verbs; v->name; v++) {
        if (v->run)
            write_line("", v, out);
        for (const struct cli_verb *inner = v->verbs; inner && inner->name; inner++)
            write_line(v->name, inner, out);
    }
}
