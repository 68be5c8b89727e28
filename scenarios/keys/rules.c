#include "scenarios/keys/deployments.h"
#include "scenarios/keys/loader.h"

static enum status check_pool(const struct scenario *sc, enum pool_role role, struct diag *d)
{
    const struct engine_settings *e = &sc->pools[role].engine;
    const char *name = pool_role_names[role];

    if (!e->profile[0])
        return diag_fail_at(d, ST_INPUT, scenario_engine_at(sc, role, "profile"),
                            "engine.profile is missing; expected the name of a bundled profile "
                            "(headroom profile list), or a path");
    if (e->max_num_batched_tokens < e->max_num_seqs)
        return diag_fail_at(
            d, ST_INPUT, scenario_engine_at(sc, role, "max_num_batched_tokens"),
            "max_num_batched_tokens of pool %s must be >= max_num_seqs (%lld), not %lld", name,
            (long long)e->max_num_seqs, (long long)e->max_num_batched_tokens);
    return ST_OK;
}

static enum status check_part(const struct scenario *sc, struct diag *d)
{
    if (sc->trace.to_s == 0 || sc->trace.to_s - sc->trace.from_s >= 0.001)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(sc, "trace.to_s"),
                        "trace.to_s must be 0 or 0.001 above trace.from_s (%g) at least, not %g",
                        sc->trace.from_s, sc->trace.to_s);
}

static enum status check_rate(const struct scenario *sc, struct diag *d)
{
    const struct curve *rate = &sc->traffic.rate_per_s;

    if (rate->point[0].at_s > 0)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "traffic.rate_per_s"),
                            "traffic.rate_per_s must begin at 0 s, not at %g", rate->point[0].at_s);
    if (!(curve_area(rate) > 0))
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "traffic.rate_per_s"),
                            "traffic.rate_per_s has no request; expected points between which "
                            "time passes and the rate is above 0");
    return ST_OK;
}

/* Requests come from a trace, from clients, or at a rate. */
static enum status check_traffic(struct scenario *sc, struct diag *d)
{
    bool clients = sc->traffic.clients > 0, open = sc->traffic.rate_per_s.n > 0;
    const char *key = clients ? "traffic.clients" : "traffic.rate_per_s";

    if (!clients && !open) {
        if (sc->trace.path)
            return check_part(sc, d);
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "trace"),
                            "trace.path is missing; expected a file of requests (or "
                            "traffic.clients, or traffic.rate_per_s)");
    }
    if (sc->trace.path || (clients && open))
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, key),
                            "%s and %s are both set; expected one of them", key,
                            sc->trace.path ? "trace.path" : "traffic.rate_per_s");
    if (sc->traffic.isl_tok.lowest < 0 || sc->traffic.osl_tok.lowest < 0)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "traffic"),
                            "traffic.%s is missing; expected the tokens of a request, as in 1024 "
                            "or [819, 1024]",
                            sc->traffic.isl_tok.lowest < 0 ? "isl_tok" : "osl_tok");
    if (open)
        return check_rate(sc, d);
    if (sc->traffic.requests == 0)
        sc->traffic.requests = 10 * sc->traffic.clients;
    if (sc->traffic.requests < sc->traffic.clients)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "traffic.requests"),
                            "traffic.requests must be >= traffic.clients (%lld), not %lld",
                            (long long)sc->traffic.clients, (long long)sc->traffic.requests);
    return ST_OK;
}

enum status rules_check_output(const struct scenario *sc, struct diag *d)
{
    if (sc->output.sample_s > 0 && sc->output.sample_s < 0.001)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "output.sample_s"),
                            "output.sample_s must be 0 or >= 0.001, not %g", sc->output.sample_s);
    return ST_OK;
}

enum status rules_check(struct scenario *sc, struct diag *d)
{
    int64_t workers = 0;

    enum status wrong = check_traffic(sc, d);
    if (!wrong)
        wrong = endpoint_check(sc, d);
    if (!wrong)
        wrong = rules_check_output(sc, d);
    if (wrong)
        return wrong;
    for (size_t role = 0; role < 3; role++) {
        if (!sc->pools[role].present)
            continue;
        workers += sc->pools[role].replicas;
        enum status s = check_pool(sc, (enum pool_role)role, d);
        if (s)
            return s;
    }
    if (workers == 0)
        return diag_fail_at(d, ST_INPUT, scenario_at(sc, "pools"),
                            "pools has no worker at all; expected at least one replica");
    return ST_OK;
}
