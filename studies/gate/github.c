#include "studies/gate/report.h"

/* In a property (`file=`, `title=`) a colon and a comma end it. */
static void escaped(FILE *out, const char *text, bool property)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
            fprintf(out, "%%%02X", c);
        else
            fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
    }
}

static void begin(FILE *out, const char *command, const struct gate_result *r, unsigned long line)
{
    fprintf(out, "::%s file=", command);
    escaped(out, r->of->path, true);
    if (line)
        fprintf(out, ",line=%lu", line);
    fputs(",title=", out);
    escaped(out, r->of->scenario->name, true);
    fputs("::", out);
}

static void write_check(FILE *out, const struct gate_result *r, const struct gate_check *c)
{
    begin(out, "error", r, gate_line(r, c));
    fputs("expected ", out);
    escaped(out, c->text, false);
    fputs(", but ", out);
    escaped(out, c->found, false);
    fputc('\n', out);
}

static void write_line(FILE *out, const char *command, const struct gate_result *r,
                       const char *text)
{
    begin(out, command, r, 0);
    escaped(out, text, false);
    fputc('\n', out);
}

void gate_write_github(const struct gate_report *report, FILE *out)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        if (gate_failed(r))
            write_line(out, "error", r, r->message);
        for (size_t k = 0; k < r->n_checks; k++) {
            if (r->checks[k].missed)
                write_check(out, r, &r->checks[k]);
        }
        for (size_t k = 0; k < r->n_notes; k++)
            write_line(out, "notice", r, r->notes[k]);
    }
}
