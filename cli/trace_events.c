#include "cli/trace_events.h"

#include <string.h>

#include "cli/out_dir.h"
#include "util/text.h"
#include "util/units.h"

static const char file_option[] = "trace-events", from_option[] = "trace-events-from",
                  to_option[] = "trace-events-to";

/* Left as it is when the option was not given. */
static enum status read_time(int64_t *ns, const struct cli_args *args, const char *option,
                             struct diag *d)
{
    const char *text = cli_value(args, option);
    double s;

    if (!text)
        return ST_OK;
    if (text_double(text, strlen(text), &s) != TEXT_OK || !(s >= 0) || !ns_from_s(s, ns))
        return diag_fail(d, ST_INPUT, "option '--%s' must be seconds since the start, not '%s'",
                         option, text);
    return ST_OK;
}

static enum status read_span(struct trace_events_options *options, const struct cli_args *args,
                             struct diag *d)
{
    options->from_ns = 0;
    options->to_ns = INT64_MAX;
    enum status s = read_time(&options->from_ns, args, from_option, d);
    if (!s)
        s = read_time(&options->to_ns, args, to_option, d);
    if (!s && options->from_ns > options->to_ns)
        s = diag_fail(d, ST_INPUT, "option '--%s' must be no earlier than --%s, not %s before %s",
                      to_option, from_option, cli_value(args, to_option),
                      cli_value(args, from_option));
    return s;
}

enum status cli_trace_events_check(const struct cli_args *args, struct diag *d)
{
    static const char *const needy[] = {from_option, to_option};
    struct trace_events_options options;

    for (size_t i = 0; i < 2; i++) {
        if (cli_value(args, needy[i]) && !cli_value(args, file_option))
            return diag_fail(d, ST_INPUT, "option '--%s' needs --%s FILE", needy[i], file_option);
    }
    enum status s = out_path_check(args, file_option, d);
    return s ? s : read_span(&options, args, d);
}

enum status cli_trace_events_open(struct trace_events **t, const struct cli_args *args,
                                  struct diag *d)
{
    const char *path = cli_value(args, file_option);
    struct trace_events_options options = {.replace = cli_flag(args, "force")};
    struct out_path at;

    *t = NULL;
    if (!path)
        return ST_OK;
    enum status s = out_path_split(&at, args, path, d);
    if (!s)
        s = read_span(&options, args, d);
    if (s)
        return s;
    options.dir = at.folder;
    options.name = at.name;
    return trace_events_open(t, &options, d);
}
