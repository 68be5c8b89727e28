/* JUnit XML that is valid by the schema of Jenkins (junit-10.xsd) and by that of Ant (JUnit.xsd),
 * which wants a time, a date and a host of everything: they are no one's, so that equal runs give
 * equal files. */
#include "studies/gate/report.h"

/* Length of the UTF-8 sequence at s when XML 1.0 may hold the character, else 0. */
static size_t xml_character(const unsigned char *s)
{
    size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    unsigned code = n < 2 ? *s : *s & (0x7fu >> n);

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    bool allowed = code >= 0x20 || code == '\t' || code == '\n' || code == '\r';
    bool too_long = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    bool is_none =
        (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff || code > 0x10ffff;
    return allowed && !too_long && !is_none ? n : 0;
}

/* As the value of an attribute or between tags; what XML cannot hold becomes U+FFFD. */
static void escaped(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    while (*s) {
        size_t n = xml_character(s);
        if (n == 0)
            fputs("\xef\xbf\xbd", out);
        else if (*s == '<')
            fputs("&lt;", out);
        else if (*s == '>')
            fputs("&gt;", out);
        else if (*s == '&')
            fputs("&amp;", out);
        else if (*s == '"')
            fputs("&quot;", out);
        else if (*s == '\t' || *s == '\n' || *s == '\r')
            fprintf(out, "&#%d;", *s);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
}

static void attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    escaped(out, value);
    fputc('"', out);
}

static void begin_case(FILE *out, const struct gate_result *r, const char *kind, const char *text)
{
    fputs("    <testcase", out);
    attribute(out, "classname", r->of->scenario->name);
    fprintf(out, " name=\"%s", kind);
    escaped(out, text);
    fputs("\" time=\"0\"", out);
}

static void write_check(FILE *out, const struct gate_result *r, const struct gate_check *c)
{
    begin_case(out, r, c->expect ? "expected " : "compared ", c->text);
    if (!c->missed) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <failure type=\"%s\" message=\"expected ",
            c->expect ? "expectation" : "comparison");
    escaped(out, c->text);
    fputs(", but ", out);
    escaped(out, c->found);
    fputs("\">", out);
    escaped(out, r->of->path);
    if (gate_line(r, c))
        fprintf(out, ":%lu", gate_line(r, c));
    fputs("</failure>\n    </testcase>\n", out);
}

static void write_run(FILE *out, const struct gate_result *r)
{
    begin_case(out, r, "runs", "");
    if (!gate_failed(r)) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n      <error type=\"run\"", out);
    attribute(out, "message", r->message);
    fputs(">", out);
    escaped(out, r->of->path);
    fputs("</error>\n    </testcase>\n", out);
}

static void write_suite(FILE *out, const struct gate_result *r, size_t index)
{
    fputs("  <testsuite", out);
    attribute(out, "name", r->of->scenario->name);
    attribute(out, "package", r->of->path);
    fprintf(out,
            " id=\"%zu\" tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"0\" time=\"0\""
            " timestamp=\"1970-01-01T00:00:00\" hostname=\"localhost\">\n    <properties/>\n",
            index, 1 + r->n_checks, r->n_missed, gate_failed(r));
    write_run(out, r);
    for (size_t i = 0; i < r->n_checks; i++)
        write_check(out, r, &r->checks[i]);
    fputs("    <system-out>", out);
    for (size_t i = 0; i < r->n_notes; i++) {
        fputs(i ? "\n" : "", out);
        escaped(out, r->notes[i]);
    }
    fputs("</system-out>\n    <system-err/>\n  </testsuite>\n", out);
}

static const char mark[] = "<!-- headroom check, JUnit -->";

static void write(const struct gate_report *report, FILE *out)
{
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n%s\n<testsuites>\n", mark);
    for (size_t i = 0; i < report->n; i++)
        write_suite(out, &report->results[i], i);
    fputs("</testsuites>\n", out);
}

const struct gate_format gate_junit = {
    .option = "junit",
    .mark = mark,
    .write = write,
};
