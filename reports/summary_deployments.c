#include <math.h>
#include <string.h>

#include "reports/summary_internal.h"
#include "util/bug.h"

/* How the figures of deployments make one of them together. */
enum adding {
    ADD_NOT, /* they make none */
    ADD_SUM,
    ADD_LEAST,
    ADD_MOST,
    ADD_SHARE, /* of sums: in share_out */
};

static enum adding adding_of(const char *key)
{
    /* The first that fits. */
    static const struct {
        const char *begin;
        enum adding how;
    } rules[] = {
        {"requests.", ADD_SUM},
        {"attainment.n_windows", ADD_SUM},
        {"attainment.", ADD_SHARE},
        {"windows.min_attainment", ADD_LEAST},
        {"windows.", ADD_MOST},
        {"throughput.span_s", ADD_MOST},
        {"throughput.goodput_requests_per_gpu_hour", ADD_SHARE},
        {"throughput.", ADD_SUM},
        {"gpu_hours.", ADD_SUM},
        {"cost.total", ADD_SUM},
        {"cost.", ADD_SHARE},
        {"scaling.node_failures", ADD_MOST}, /* each tells those of the run */
        {"scaling.reclaims", ADD_MOST},
        {"scaling.peak_", ADD_SHARE},
        {"scaling.first_", ADD_LEAST},
        {"scaling.last_", ADD_MOST},
        {"scaling.", ADD_SUM},
        {"kv.prefix_hit_rate", ADD_SHARE},
        {"kv.peak_utilization", ADD_MOST},
        {"kv.preemptions", ADD_SUM},
        {"unserved_", ADD_SHARE},
    };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strncmp(key, rules[i].begin, strlen(rules[i].begin)) == 0)
            return rules[i].how;
    }
    return ADD_NOT;
}

bool summary_key_adds_up(const char *key)
{
    return adding_of(key) != ADD_NOT;
}

/* Of those that have it; NaN when none does. */
static double add(const struct summary *of, size_t n, const char *key, enum adding how)
{
    double all = NAN, value;

    for (size_t i = 0; i < n; i++) {
        BUG_IF(!summary_lookup(&of[i], key, &value));
        if (isnan(all))
            all = value;
        else if (!isnan(value))
            all = how == ADD_SUM     ? all + value
                  : how == ADD_LEAST ? fmin(all, value)
                                     : fmax(all, value);
    }
    return all;
}

static void set(struct summary *whole, const struct summary_field *f, double value)
{
    void *at = (char *)whole + f->offset;

    if (f->type == FIELD_UINT)
        *(uint64_t *)at = (uint64_t)value;
    else if (f->type == FIELD_INT)
        *(int64_t *)at = (int64_t)value;
    else
        *(double *)at = value;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

/* What is counted of all of them, divided once. */
static void share_out(struct summary *y, size_t n, struct recorder *recorder,
                      const struct run_result *results)
{
    double ttft = 0, tpot = 0, windows = 0, output_tok = 0, prompt_tok = 0, cached_tok = 0;

    for (size_t i = 0; i < n; i++) {
        const struct recorder_totals *t = recorder_totals(recorder, i);
        ttft += (double)t->n_ttft_ok;
        tpot += (double)t->n_tpot_ok;
        windows += (double)t->windows.n_good;
        output_tok += (double)t->output_tok;
        prompt_tok += (double)results[i].prompt_tok;
        cached_tok += (double)results[i].cached_tok;
    }
    const double offered = (double)y->requests.offered, good = (double)y->requests.good;
    y->attainment.overall = ratio(good, offered);
    y->attainment.ttft = ratio(ttft, offered);
    y->attainment.tpot = ratio(tpot, offered);
    y->attainment.windows = ratio(windows, (double)y->attainment.n_windows);
    y->throughput.goodput_requests_per_gpu_hour = ratio(good, y->gpu_hours.total);
    y->cost.per_million_output_tokens = ratio(y->cost.total, output_tok / 1e6);
    y->cost.per_thousand_good_requests = ratio(y->cost.total, good / 1e3);
    y->kv.prefix_hit_rate = ratio(cached_tok, prompt_tok);
    y->scaling.peak_workers = results[0].run_peak_workers;
    y->scaling.peak_gpus = results[0].run_peak_gpus;
    y->scaling.peak_pending = results[0].run_peak_pending;
}

/* What they all have, or NULL. */
static const char *common(const char *text, const char *other)
{
    return text && other && strcmp(text, other) == 0 ? text : NULL;
}

void summary_add_up(struct summary *whole, const struct summary *of, size_t n,
                    struct recorder *recorder, const struct run_result *results)
{
    const struct summary_field *f;

    for (size_t i = 0; (f = summary_number(i)); i++) {
        enum adding how = adding_of(f->key);
        if (how == ADD_SUM || how == ADD_LEAST || how == ADD_MOST)
            set(whole, f, add(of, n, f->key, how));
        else if (f->type == FIELD_DOUBLE || f->type == FIELD_SHARE)
            set(whole, f, NAN);
    }
    whole->cost.currency = whole->info->currency;
    for (size_t i = 0; i < n; i++)
        whole->unserved_gpu_hours += of[i].unserved_gpu_hours;
    share_out(whole, n, recorder, results);
    whole->policy.name = of[0].policy.name;
    whole->policy.generation = of[0].policy.generation;
    whole->engine.overheads = of[0].engine.overheads;
    for (size_t i = 1; i < n; i++) {
        whole->policy.name = common(whole->policy.name, of[i].policy.name);
        whole->policy.generation = common(whole->policy.generation, of[i].policy.generation);
        whole->engine.overheads = common(whole->engine.overheads, of[i].engine.overheads);
    }
}
