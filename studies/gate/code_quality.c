/* GitLab's code quality report: every miss at its line of the scenario, in the merge request. */
#include "studies/gate/report.h"
#include "util/json_out.h"
#include "util/sha256.h"

/* The same miss of the same scenario has the same fingerprint from one build to the next. */
static void write_fingerprint(struct json_out *j, const struct gate_result *r, const char *text)
{
    char both[1024], hex[SHA256_HEX_SIZE];

    int n = snprintf(both, sizeof both, "%s\n%s", r->of->scenario->name, text);
    sha256_hex(hex, both, (size_t)n < sizeof both ? (size_t)n : sizeof both - 1);
    json_key_string(j, "fingerprint", hex);
}

static void write_issue(struct json_out *j, const struct gate_result *r, const char *kind,
                        const char *text, const char *found, unsigned long line)
{
    char description[1024];

    snprintf(description, sizeof description, "%s: %s%s%s", r->of->scenario->name, text,
             *found ? ", but " : "", found);
    json_object_begin(j);
    json_key_string(j, "check_name", kind);
    json_key_string(j, "description", description);
    write_fingerprint(j, r, text);
    json_key_string(j, "severity", "major");
    json_key(j, "location");
    json_object_begin(j);
    json_key_string(j, "path", r->of->path);
    json_key(j, "lines");
    json_object_begin(j);
    json_key_int(j, "begin", line ? (int64_t)line : 1);
    json_object_end(j);
    json_object_end(j);
    json_object_end(j);
}

static void write(const struct gate_report *report, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    json_array_begin(&j);
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        if (gate_failed(r))
            write_issue(&j, r, "headroom-run", r->message, "", 0);
        for (size_t k = 0; k < r->n_checks; k++) {
            const struct gate_check *c = &r->checks[k];
            if (c->missed)
                write_issue(&j, r, c->expect ? "headroom-expectation" : "headroom-comparison",
                            c->text, c->found, gate_line(r, c));
        }
    }
    json_array_end(&j);
}

const struct gate_format gate_code_quality = {
    .option = "code-quality",
    .mark = "\"check_name\": \"headroom-",
    .write = write,
};
