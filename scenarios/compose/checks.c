#include "scenarios/compose/checks.h"
#include "reports/causes/causes_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "engines/profile/profile_gpus.h"
#include "engines/profile/profile_trust.h"
#include "planner/dynamo1/planner_core.h"
#include "reports/summary.h"
#include "scenarios/keys/deployments.h"
#include "scenarios/keys/simulator.h"
#include "scenarios/text/nearest.h"
#include "util/bug.h"
#include "util/text.h"
#include "util/units.h"

enum { NOTE_SIZE = 400 };

static enum status note(const struct checked *c, struct diag *d, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status note(const struct checked *c, struct diag *d, const char *format, ...)
{
    char text[NOTE_SIZE];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    BUG_IF(n < 0 || n >= NOTE_SIZE || c->notes->n == RUN_MAX_NOTES);
    const char *copy = arena_strdup(c->arena, text);
    if (!copy)
        return diag_nomem(d, "notes");
    c->notes->text[c->notes->n++] = copy;
    return ST_OK;
}

/* ---- expectations and prices ---- */

static bool is_priced(const struct scenario *scenario)
{
    const struct gpu_prices *prices = &scenario->cost.per_gpu_hour;

    for (size_t i = 0; i < prices->n; i++)
        if (prices->price[i].per_hour > 0)
            return true;
    return false;
}

/* What a figure within [min, max] always, or never, is. NULL: it depends. */
static const char *verdict(const struct expectation *e, double min, double max)
{
    static const char never[] = "never", always[] = "always";
    bool below = e->bound<min, above = e->bound> max;

    switch (e->op) {
    case EXPECT_GE:
        return above ? never : e->bound <= min ? always : NULL;
    case EXPECT_LE:
        return below ? never : e->bound >= max ? always : NULL;
    case EXPECT_GT:
        return e->bound >= max ? never : below ? always : NULL;
    case EXPECT_LT:
        return e->bound <= min ? never : above ? always : NULL;
    case EXPECT_EQ:
        return below || above ? never : NULL;
    case EXPECT_NE:
        return below || above ? always : NULL;
    }
    BUG("expectation '%s' has no operator", e->text);
}

/* `before` goes before the messages; key: its own, of the scenario of the deployment. */
static enum status check_own_figure(const struct scenario *scenario, const char *key,
                                    struct source_pos at, const char *before, struct diag *d)
{
    const char *pool_names[POLICY_MAX_POOLS];
    size_t n_pools = 0;
    double min, max;

    for (size_t role = 0; role < 3; role++)
        if (scenario->pools[role].present)
            pool_names[n_pools++] = pool_role_names[role];
    if (!summary_key_exists(key, n_pools, pool_names)) {
        struct nearest near;
        nearest_init(&near, key);
        near.distance = 3; /* of a long name only its end is in doubt */
        for (size_t i = 0; summary_key(i); i++)
            nearest_offer(&near, summary_key(i));
        return diag_fail_at(d, ST_INPUT, at, "%ssummary.json has no number '%s'%s%s%s", before, key,
                            near.best ? "; did you mean '" : "", near.best ? near.best : "",
                            near.best ? "'?" : "");
    }
    if (strncmp(key, "cost.", 5) == 0 && !is_priced(scenario))
        return diag_fail_at(d, ST_INPUT, at,
                            "%sthere are no prices; set cost.preset (`headroom list presets`) or "
                            "cost.per_gpu_hour",
                            before);
    if (!summary_key_range(key, &min, &max))
        return diag_fail_at(d, ST_INPUT, at, "%s'%s' has no value in this version", before, key);
    return ST_OK;
}

/* Of all deployments together, or with `deployments.NAME` before it of one. */
static enum status check_figure(const struct scenario *scenario, const char *key,
                                struct source_pos at, const char *before, struct diag *d)
{
    char deployment[DEPLOYMENT_NAME_MAX + 1];
    const char *own = scenario_path_in_deployment(deployment, key);
    struct nearest near;

    if (!scenario->n_deployments)
        return check_own_figure(scenario, key, at, before, d);
    if (own && !*deployment && (!summary_key_exists(key, 0, NULL) || summary_key_adds_up(key)))
        return check_own_figure(scenario, key, at, before, d);
    if (own && !*deployment)
        return diag_fail_at(d, ST_INPUT, at,
                            "%sdeployments have no '%s' together; expected that of one, as in "
                            "deployments.%s.%s",
                            before, key, scenario->deployments[0].deployment, key);
    const struct scenario *of = own ? scenario_deployment_find(scenario, deployment) : NULL;
    if (of)
        return check_own_figure(of, own, at, before, d);
    nearest_init(&near, own ? deployment : "");
    for (size_t i = 0; i < scenario->n_deployments; i++)
        nearest_offer(&near, scenario->deployments[i].deployment);
    return diag_fail_at(d, ST_INPUT, at,
                        "%s'%s' names no figure of a deployment; expected one such as "
                        "deployments.%s.attainment.overall",
                        before, key, near.best ? near.best : scenario->deployments[0].deployment);
}

enum status scenario_check_figure(const struct scenario *scenario, const char *key,
                                  struct source_pos at, struct diag *d)
{
    return check_figure(scenario, key, at, "", d);
}

enum status scenario_check_expectation(const struct scenario *scenario, const struct expectation *e,
                                       struct diag *d)
{
    char before[TEXT_EXCERPT_SIZE + 32], shown[TEXT_EXCERPT_SIZE];
    double min, max;

    text_excerpt(shown, e->text, strlen(e->text));
    snprintf(before, sizeof before, "expectation '%s': ", shown);
    enum status s = check_figure(scenario, e->key, e->at, before, d);
    if (s)
        return s;
    summary_key_range(e->key, &min, &max);
    const char *holds = verdict(e, min, max);
    if (!holds)
        return ST_OK;
    if (isinf(max))
        return diag_fail_at(d, ST_INPUT, e->at,
                            "expectation '%s' %s holds: %s is %g or more; expected another bound",
                            e->text, holds, e->key, min);
    if (e->bound > 1 && e->bound <= 100)
        return diag_fail_at(d, ST_INPUT, e->at,
                            "expectation '%s' %s holds: %s is a share from 0 to 1; %g %% is %g",
                            e->text, holds, e->key, e->bound, e->bound / 100);
    return diag_fail_at(d, ST_INPUT, e->at,
                        "expectation '%s' %s holds: %s is a share from %g to %g; expected a bound "
                        "in between",
                        e->text, holds, e->key, min, max);
}

enum status scenario_check_comparison(const struct scenario *scenario,
                                      const struct compare_rule *comparison, struct diag *d)
{
    enum status s = check_figure(scenario, comparison->key, comparison->at, "compare: ", d);

    if (s || isnan(comparison->level) || !simulator_find(scenario->compat)->bare_engines)
        return s;
    return diag_fail_at(d, ST_INPUT, comparison->at,
                        "compare: the reference simulator has no replicates for 'statistical'; "
                        "expected absolute or relative alone, or compat none, not '%s'",
                        scenario->compat);
}

enum status scenario_check_figures(const struct scenario *sc, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < sc->expect.n && !s; i++)
        s = scenario_check_expectation(sc, &sc->expect.item[i], d);
    for (size_t i = 0; i < sc->compare.n && !s; i++)
        s = scenario_check_comparison(sc, &sc->compare.item[i], d);
    return s;
}

/* Those of the run, where there are several deployments, are of none of them. */
static enum status check_expectations(const struct checked *c, struct diag *d)
{
    return c->scenario->deployment ? ST_OK : scenario_check_figures(c->scenario, d);
}

/* A price per GPU type is one for every GPU there is. */
static enum status check_prices(const struct checked *c, struct diag *d)
{
    const struct scenario *sc = c->scenario;
    const struct gpu_prices *prices = &sc->cost.per_gpu_hour;
    const char *known = "", *from = "cost.per_gpu_hour";

    if (prices->n == 0 || !prices->price[0].gpu_type)
        return ST_OK;
    if (sc->cost.preset)
        from = arena_printf(c->arena, "cost.preset '%s'", sc->cost.preset);
    for (size_t k = 0; k < prices->n && known; k++)
        known = arena_printf(c->arena, "%s%s%s", known, k ? ", " : "", prices->price[k].gpu_type);
    if (!from || !known)
        return diag_nomem(d, "prices");
    for (size_t i = 0; i < c->n_pools; i++) {
        const char *gpu = c->profiles[i]->gpu_type, *pool = pool_role_names[c->roles[i]];
        struct source_pos at = scenario_at(sc, sc->cost.preset ? "cost" : "cost.per_gpu_hour");
        bool found = false;
        for (size_t k = 0; k < prices->n; k++)
            found = found || strcmp(prices->price[k].gpu_type, gpu) == 0;
        if (!found && !*gpu)
            return diag_fail_at(d, ST_INPUT, at,
                                "%s has prices by GPU (%s), but the profile of pool %s does not "
                                "say its GPU; give one price, as cost.per_gpu_hour: 2.5",
                                from, known, pool);
        if (!found)
            return diag_fail_at(d, ST_INPUT, at,
                                "%s has no price of '%s', the GPU of pool %s (it has: %s); give "
                                "one with cost.per_gpu_hour",
                                from, gpu, pool, known);
    }
    return ST_OK;
}

/* ---- what the planner is told ---- */

/* Below this the reference asks for nothing at all. */
static enum status check_budget(const struct checked *c, struct diag *d)
{
    struct policy_terms p;
    enum planner_mode mode;
    int64_t least = 0;

    if (!scenario_planner_terms(c->scenario, &p) || p.max_gpu_budget < 0)
        return ST_OK;
    BUG_IF(!planner_mode_find(p.mode, &mode));
    for (size_t i = 0; i < c->n_pools; i++) {
        bool planned =
            c->roles[i] == POOL_AGG ||
            planner_mode_has(mode, c->roles[i] == POOL_PREFILL ? SIDE_PREFILL : SIDE_DECODE);
        least += planned ? p.min_endpoint * c->gpus_per_worker[i] : 0;
    }
    if (p.max_gpu_budget >= least)
        return ST_OK;
    return note(c, d,
                "policy.max_gpu_budget %" PRId64 " cannot hold policy.min_endpoint %" PRId64
                " of every pool, which is %" PRId64
                " GPUs: the planner then asks for no worker at all. Set %" PRId64
                " or more, or -1 for no limit.",
                p.max_gpu_budget, p.min_endpoint, least, least);
}

/* ---- targets against the profile ---- */

static double least_of(const double *x, size_t n, double least)
{
    for (size_t i = 0; i < n; i++)
        least = fmin(least, x[i]);
    return least;
}

static enum status check_target(const struct checked *c, const char *key, double target_ms,
                                const char *what, double fastest_ms, struct diag *d)
{
    if (!(target_ms < fastest_ms) || isinf(fastest_ms))
        return ST_OK;
    return note(c, d,
                "%s %g ms is below the fastest %s of the profile, %.3g ms: no fleet can meet it. "
                "Set more than that, or another engine.profile.",
                key, target_ms, what, fastest_ms);
}

static enum status check_targets(const struct checked *c, struct diag *d)
{
    const struct scenario *sc = c->scenario;
    struct policy_terms planner;
    bool planned = scenario_planner_terms(sc, &planner) && planner.has_targets;
    double ttft_ms = INFINITY, itl_ms = INFINITY, tpot_ms = INFINITY;

    for (size_t i = 0; i < c->n_pools; i++) {
        const struct profile *p = c->profiles[i];
        const struct engine_settings *e = c->engines[i];
        if (strcmp(e->latency_model, "polynomial") == 0)
            return ST_OK; /* the times of the profile do not count */
        double host_ms = fmin(0, e->host_ms_per_step);
        ttft_ms = fmin(
            ttft_ms, host_ms + least_of(p->prefill_ttft_ms.value, p->prefill_ttft_ms.n, INFINITY));
        if (c->roles[i] == POOL_PREFILL)
            continue;
        itl_ms = host_ms + least_of(p->decode_itl_ms, p->n_decode, INFINITY);
        tpot_ms = itl_ms / (1 + (double)e->draft_tokens);
    }
    enum status s = check_target(c, "sla.ttft_ms", sc->sla.ttft_ms, "prefill", ttft_ms, d);
    if (!s)
        s = check_target(c, "sla.tpot_ms", sc->sla.tpot_ms, "decode step", tpot_ms, d);
    /* The planner's own, where they are not the same again. */
    if (!s && planned && fabs(planner.ttft_ms - sc->sla.ttft_ms) > 0)
        s = check_target(c, "policy.ttft", planner.ttft_ms, "prefill", ttft_ms, d);
    if (!s && planned && fabs(planner.itl_ms - sc->sla.tpot_ms) > 0)
        s = check_target(c, "policy.itl", planner.itl_ms, "decode step", itl_ms, d);
    return s;
}

/* ---- profiles ---- */

static enum status check_halves(const struct checked *c, struct diag *d)
{
    for (size_t i = 0; i < c->n_pools; i++) {
        const struct profile *p = c->profiles[i];
        if (c->roles[i] == POOL_DECODE && p->n_decode && !profile_halves_agree(p))
            return note(c, d,
                        "The profile of pool decode was measured with %.3g GPUs for prefill and "
                        "%.3g for decode: prompts that a decode worker computes (again) take the "
                        "time of the former. A prefill half of its own engine cures it.",
                        p->prefill_gpus, p->decode_gpus);
    }
    return ST_OK;
}

/* With one GPU the tables agree. The reference simulator is asked for what it says, not for what is
 * right. */
static enum status check_tables(const struct checked *c, struct diag *d)
{
    for (size_t i = 0; i < c->n_pools; i++) {
        const struct profile *p = c->profiles[i];
        if (profile_has_older_tables(p) && c->gpus_per_worker[i] > 1 &&
            strcmp(c->scenario->compat, "none") == 0)
            return note(c, d,
                        "Profile %s is of older kernel tables, whose steps on several GPUs are 15 "
                        "%% and more too slow. Where `headroom profile list` has it with @VERSION "
                        "behind the name, that one is nearer to measured engines.",
                        p->name);
    }
    return ST_OK;
}

/* Who asks a global planner needs one to answer. */
static enum status check_environment(const struct checked *c, struct diag *d)
{
    struct policy_terms p;

    if (c->dry_run || !scenario_planner_terms(c->scenario, &p) || !p.global_planner ||
        strcmp(c->scenario->arbiter.type, "none") != 0)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(c->scenario, "policy.environment"),
                        "policy.environment is global-planner, and nobody is: expected an arbiter "
                        "(arbiter.type global is the reference's), or environment kubernetes");
}

static enum status (*const checks[])(const struct checked *c, struct diag *d) = {
    check_expectations, check_prices, check_budget,     check_targets,
    check_halves,       check_tables, check_environment};

enum status scenario_check(const struct checked *c, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < c->scenario->notes.n; i++)
        c->notes->text[c->notes->n++] = c->scenario->notes.text[i];
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !s; i++)
        s = checks[i](c, d);
    return s;
}

/* ---- traffic ---- */

/* A whole service has such rates, one deployment does not. */
static const double implausible_per_s = 1000;
enum { TELLING_REQUESTS = 50 };

static enum status check_rate(const struct checked *c, const struct traffic_seen *t, struct diag *d)
{
    double recorded_s = t->span_s * c->scenario->trace.speedup;

    if (!c->scenario->trace.path || t->n_requests < TELLING_REQUESTS || !(recorded_s > 0) ||
        (double)t->n_requests / recorded_s < implausible_per_s)
        return ST_OK;
    return note(c, d,
                "The trace has %" PRIu64 " requests in %.3g s, %.0f per second. If its times are "
                "seconds where its format has milliseconds, set trace.speedup to 0.001.",
                t->n_requests, recorded_s, (double)t->n_requests / recorded_s);
}

static enum status check_warmup(const struct checked *c, const struct traffic_seen *t,
                                struct diag *d)
{
    double warmup_s = c->scenario->span.warmup_s;

    if (c->dry_run || !(warmup_s > t->span_s))
        return ST_OK;
    return note(c, d,
                "span.warmup_s %g is longer than requests arrive, %.6g s: none is measured. Set a "
                "shorter one.",
                warmup_s, t->span_s);
}

static enum status check_intervals(const struct checked *c, const struct traffic_seen *t,
                                   struct diag *d)
{
    struct policy_terms p;
    enum status s = ST_OK;

    if (!scenario_planner_terms(c->scenario, &p))
        return ST_OK;
    if (p.throughput_scaling && (double)p.throughput_interval_s > t->span_s)
        s = note(c, d,
                 "policy.throughput_adjustment_interval %" PRId64
                 " s is longer than requests arrive, %.6g s: the planner makes no plan while they "
                 "do. Set a shorter one, or take a longer trace.",
                 p.throughput_interval_s, t->span_s);
    if (!s && p.load_scaling && (double)p.load_interval_s > t->span_s)
        s = note(c, d,
                 "policy.load_adjustment_interval %" PRId64
                 " s is longer than requests arrive, %.6g s: the planner looks at no load while "
                 "they do. Set a shorter one, or take a longer trace.",
                 p.load_interval_s, t->span_s);
    return s;
}

static double least_startup_s(const struct scenario *sc)
{
    double image_s = fmin(sc->startup.image_pull_s, sc->startup.image_cached_s);
    double weights_s = sc->startup.weights_s;

    /* fmin passes over NaN, what is not done. */
    weights_s = fmin(fmin(weights_s, sc->startup.weights_cached_s), sc->startup.weights_peer_s);
    return sc->startup.delay_s + sc->startup.schedule_s + image_s + weights_s +
           sc->startup.warmup_s;
}

static enum status check_startup(const struct checked *c, const struct traffic_seen *t,
                                 struct diag *d)
{
    double startup_s = least_startup_s(c->scenario);

    if (c->dry_run || !scenario_policy(c->scenario)->terms || !(startup_s > t->span_s))
        return ST_OK;
    return note(c, d,
                "A worker takes %g s to start (startup), longer than requests arrive, %.6g s: none "
                "that the policy asks for serves them in time. Set shorter phases, or take a "
                "longer trace.",
                startup_s, t->span_s);
}

static enum status (*const traffic_checks[])(const struct checked *c,
                                             const struct traffic_seen *traffic, struct diag *d) = {
    check_rate, check_warmup, check_intervals, check_startup};

enum status scenario_check_traffic(const struct checked *c, const struct traffic_seen *traffic,
                                   struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < sizeof traffic_checks / sizeof traffic_checks[0] && !s; i++)
        s = traffic_checks[i](c, traffic, d);
    return s;
}

/* Shorter ones are nothing: a drained worker takes its time to go. */
#define LONG_STALL_NS (300 * NS_PER_S)

enum status scenario_check_stall(const struct checked *c, const struct run_result *result,
                                 struct diag *d)
{
    const struct policy_stall *stall = &result->stall;
    bool shared = strcmp(c->scenario->arbiter.type, "none") != 0;

    if (!c->scenario->deployment || stall->to_ns - stall->from_ns < LONG_STALL_NS)
        return ST_OK;
    return note(
        c, d,
        "From %.6g s to %.6g s a worker waited for GPUs, and the policy asked for nothing, at "
        "%" PRIu64 " calls: a planner waits until what it asked for is there. %s",
        s_from_ns(stall->from_ns), s_from_ns(stall->to_ns), stall->n_calls,
        shared ? "The GPUs are with workers that drain, or on nodes that are missing."
               : "Who has the GPUs may wait in the same way. An arbiter, or max_gpu_budget, "
                 "keeps it from asking for what is not there.");
}
