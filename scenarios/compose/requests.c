#include "scenarios/compose/requests.h"

#include <string.h>

#include "scenarios/compose/build_internal.h"
#include "scenarios/keys/simulator.h"

/* Of the trace: what is wrong with the file itself is the key's fault, what is in it is not. */
static enum status fail_at_trace(const struct scenario *sc, const struct diag *cause,
                                 struct diag *d)
{
    if (cause->status == ST_IO)
        return scenario_fail_at_key(d, cause, scenario_at(sc, "trace.path"), "trace.path");
    return diag_fail(d, cause->status, "%s", cause->text);
}

static enum status open_clients(struct scenario_requests *r, const struct scenario *sc,
                                struct diag *d)
{
    const struct clients_config config = {
        .n_clients = (uint32_t)sc->traffic.clients,
        .n_requests = (uint64_t)sc->traffic.requests,
        .isl_tok = {(uint32_t)sc->traffic.isl_tok.lowest, (uint32_t)sc->traffic.isl_tok.highest},
        .osl_tok = {(uint32_t)sc->traffic.osl_tok.lowest, (uint32_t)sc->traffic.osl_tok.highest},
        .think_ns = ns(sc->traffic.think_s),
        .seed = scenario_traffic_seed(sc),
    };
    enum status s = clients_create(&r->clients, &config, d);
    if (!s)
        r->source = clients_source(r->clients);
    return s;
}

static enum status open_rate(struct scenario_requests *r, const struct scenario *sc, struct diag *d)
{
    const struct open_load_config config = {
        .rate_per_s = sc->traffic.rate_per_s,
        .isl_factor = sc->traffic.isl_factor,
        .even = strcmp(sc->traffic.arrivals, "even") == 0,
        .isl_tok = {(uint32_t)sc->traffic.isl_tok.lowest, (uint32_t)sc->traffic.isl_tok.highest},
        .osl_tok = {(uint32_t)sc->traffic.osl_tok.lowest, (uint32_t)sc->traffic.osl_tok.highest},
        .seed = scenario_traffic_seed(sc),
    };
    enum status s = open_load_create(&r->open_load, &config, d);
    if (!s)
        r->source = open_load_source(r->open_load);
    return s;
}

static enum status open_stream(struct scenario_requests *r, const struct scenario *sc,
                               const struct trace_options *options, struct diag *d)
{
    struct diag cause;

    diag_init(&cause);
    if (trace_open(&r->reader, sc->trace.path, options, &cause))
        return fail_at_trace(sc, &cause, d);
    r->source = trace_reader_source(r->reader);
    r->trace_format = trace_format(r->reader);
    return ST_OK;
}

/* More than the trace as it stands. */
static bool is_made(const struct scenario *sc)
{
    return sc->replicate > 0 || sc->trace.scale != 1 || sc->trace.from_s > 0 || sc->trace.to_s > 0;
}

/* Of the requests that the options let through; 0 when there are none. */
static int64_t last_arrival_ns(const struct trace_table *table, const struct trace_options *options)
{
    uint64_t n = trace_table_n_requests(table);

    if (options->limit && options->limit < n)
        n = options->limit;
    return n ? trace_table_arrival_ns(table, n - 1, options->speedup) : 0;
}

static enum status fail_empty(const struct scenario *sc, const struct trace_table *table,
                              const struct trace_options *options, uint64_t n_in_part,
                              struct diag *d)
{
    const char *key = sc->trace.to_s > 0 ? "trace.to_s" : "trace.from_s";

    if (n_in_part > 0 && sc->trace.scale == 1)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "replicate"),
                            "replicate %lld has none of %llu requests", (long long)sc->replicate,
                            (unsigned long long)n_in_part);
    if (n_in_part > 0)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "trace.scale"),
                            "trace.scale %g leaves none of %llu requests", sc->trace.scale,
                            (unsigned long long)n_in_part);
    double last_s = s_from_ns(last_arrival_ns(table, options));
    if (last_s < sc->trace.from_s)
        key = "trace.from_s";
    return diag_fail_at(d, ST_INPUT, scenario_at(sc, key),
                        "%s: no request arrives in this part; the last of the trace arrives at "
                        "%.9g s",
                        key, last_s);
}

static enum status open_traffic(struct scenario_requests *r, const struct scenario *sc,
                                const struct trace_table *table,
                                const struct trace_options *options, struct diag *d)
{
    const struct traffic_config config = {
        .limit = options->limit,
        .speedup = options->speedup,
        .from_ns = ns(sc->trace.from_s),
        .to_ns = sc->trace.to_s > 0 ? ns(sc->trace.to_s) : TIME_NEVER,
        .scale = sc->trace.scale,
        .shift_ns = ns(sc->trace.scale_shift_s),
        .resampled = sc->replicate > 0,
        .block_ns = ns(sc->trace.resample_block_s),
        .within_ns = ns(sc->trace.resample_within_s),
        .seed = scenario_traffic_seed(sc),
    };
    enum status s = traffic_create(&r->traffic, table, &config, d);
    if (s)
        return s;
    r->source = traffic_source(r->traffic);
    if (!traffic_is_empty(r->traffic))
        return ST_OK;
    s = fail_empty(sc, table, options, traffic_n_in_part(r->traffic), d);
    scenario_requests_close(r);
    return s;
}

static enum status open_shared(struct scenario_requests *r, const struct scenario *sc,
                               struct run_resources *resources, const struct trace_options *options,
                               struct diag *d)
{
    const struct trace_table *table;
    struct diag cause;

    diag_init(&cause);
    if (run_resources_trace(resources, sc->trace.path, options, sc->replicate > 0, &table, &cause))
        return fail_at_trace(sc, &cause, d);
    r->trace_format = trace_table_format(table);
    if (is_made(sc))
        return open_traffic(r, sc, table, options, d);
    trace_cursor_init(&r->cursor, table, options->limit, options->speedup);
    r->source = trace_cursor_source(&r->cursor);
    return ST_OK;
}

static struct trace_options options_of(const struct scenario *sc)
{
    return (struct trace_options){
        .format = sc->trace.format,
        .limit = (uint64_t)sc->trace.limit,
        .speedup = simulator_find(sc->compat)->takes_speedup ? 1 : sc->trace.speedup,
        .block_size_tok = (uint32_t)sc->trace.block_size_tok,
        .sort = sc->trace.sort};
}

enum status scenario_trace_end(int64_t *end_ns, const struct scenario *sc,
                               struct run_resources *resources, struct diag *d)
{
    const struct trace_options options = options_of(sc);
    const struct trace_table *table;
    struct diag cause;

    diag_init(&cause);
    if (run_resources_trace(resources, sc->trace.path, &options, false, &table, &cause))
        return fail_at_trace(sc, &cause, d);
    *end_ns = last_arrival_ns(table, &options);
    return ST_OK;
}

static enum status open_all(struct scenario_requests *r, const struct scenario *sc,
                            struct run_resources *resources, bool share_trace, struct diag *d)
{
    const struct trace_options options = options_of(sc);

    if (sc->traffic.clients)
        return open_clients(r, sc, d);
    if (sc->traffic.rate_per_s.n)
        return open_rate(r, sc, d);
    return share_trace || is_made(sc) ? open_shared(r, sc, resources, &options, d)
                                      : open_stream(r, sc, &options, d);
}

enum status scenario_requests_open(struct scenario_requests *r, const struct scenario *sc,
                                   struct run_resources *resources, bool share_trace,
                                   struct diag *d)
{
    *r = (struct scenario_requests){0};
    return open_all(r, sc, resources, share_trace, d);
}

void scenario_requests_close(struct scenario_requests *r)
{
    trace_close(r->reader);
    traffic_free(r->traffic);
    clients_free(r->clients);
    open_load_free(r->open_load);
    *r = (struct scenario_requests){0};
}

static const char *with_range(const char *text, const char *name, const struct tok_range *range,
                              struct arena *arena)
{
    if (!text || range->lowest < 0)
        return text;
    return arena_printf(arena, "%s, %s %lld to %lld", text, name, (long long)range->lowest,
                        (long long)range->highest);
}

static const char *class_text(const struct scenario *sc, struct arena *arena)
{
    const char *text = with_range("", "isl_tok", &sc->serves.isl_tok, arena);

    if (strcmp(sc->endpoint.by, "class") != 0)
        return ", what the endpoint sends here";
    text = with_range(text, "osl_tok", &sc->serves.osl_tok, arena);
    text = with_range(text, "priority", &sc->serves.priority, arena);
    if (text && !*text)
        text = ", the rest";
    return with_range(text, "also priority", &sc->serves.also_priority, arena);
}

const char *scenario_requests_text(const struct scenario *sc, struct arena *arena)
{
    const char *text = "";

    if (text && sc->trace.from_s > 0)
        text = arena_printf(arena, "%s, from %.9g s", text, sc->trace.from_s);
    if (text && sc->trace.to_s > 0)
        text = arena_printf(arena, "%s, to %.9g s", text, sc->trace.to_s);
    if (text && sc->trace.scale != 1)
        text = arena_printf(arena, "%s, scale %.9g", text, sc->trace.scale);
    if (text && sc->replicate > 0)
        text = arena_printf(arena, "%s, replicate %lld", text, (long long)sc->replicate);
    if (text && scenario_has_endpoint(sc)) {
        const char *of_class = class_text(sc, arena);
        text = of_class ? arena_printf(arena, "%s, of them%s", text, of_class + 1) : NULL;
    }
    return text;
}
