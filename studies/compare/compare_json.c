#include <math.h>

#include "reports/summary.h"
#include "studies/compare/compare_internal.h"
#include "util/json_out.h"
#include "util/units.h"

static void write_policy(struct json_out *j, const struct recorded *r)
{
    const char *generation = recorded_generation(r);

    json_key_string(j, "policy", r->policy);
    if (generation)
        json_key_string(j, "generation", generation);
}

/* NaN is written as null. */
static void write_figures(struct json_out *j, const struct recorded *r)
{
    json_key(j, "figures");
    json_object_begin(j);
    for (size_t i = 0; summary_key(i); i++) {
        if (summary_key_is_result(summary_key(i)))
            json_key_double(j, summary_key(i), recorded_figure(r, summary_key(i)));
    }
    for (size_t p = 0; p < r->n_pools; p++) {
        char key[80];
        snprintf(key, sizeof key, "gpu_hours.by_pool.%.40s", r->pools[p]);
        json_key_double(j, key, recorded_figure(r, key));
    }
    json_object_end(j);
}

/* Of each deployment that all runs have, what this one has of it. */
static void write_run_deployments(struct json_out *j, const struct compare_result *result, size_t i)
{
    json_key(j, "deployments");
    json_object_begin(j);
    for (size_t k = 0; k < result->n_deployments; k++) {
        const struct recorded *r = &result->deployments[k].runs[i].recorded;
        json_key(j, r->deployment);
        json_object_begin(j);
        write_policy(j, r);
        json_key_string(j, "trace_digest", r->trace_digest);
        write_figures(j, r);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_run(struct json_out *j, const struct compare_result *result, size_t i)
{
    const struct compare_run *run = &result->runs[i];
    const struct recorded *r = &run->recorded;

    json_object_begin(j);
    json_key_string(j, "name", run->input->name);
    json_key_string(j, "kind", run->input->source ? "scenario" : "folder");
    json_key_string(j, "scenario", r->scenario);
    if (r->deployment)
        json_key_string(j, "deployment", r->deployment);
    if (!result->of_all)
        write_policy(j, r);
    json_key_string(j, "headroom_version", r->version);
    json_key_string(j, "trace_digest", r->trace_digest);
    json_key_int(j, "replicates", (int64_t)run->n_rows);
    write_figures(j, r);
    if (result->of_all)
        write_run_deployments(j, result, i);
    json_object_end(j);
}

static void write_differences(struct json_out *j, const struct compare_pair *pair,
                              const struct compare_result *result)
{
    json_key(j, "differences");
    json_array_begin(j);
    for (size_t k = 0; k < result->n_keys; k++) {
        const struct compare_difference *c = &pair->differences[k];
        json_object_begin(j);
        json_key_string(j, "key", c->key);
        json_key_double(j, "a", c->a);
        json_key_double(j, "b", c->b);
        json_key_double(j, "difference", c->difference);
        json_key_double(j, "low", c->at.low);
        json_key_double(j, "high", c->at.high);
        json_key_double(j, "level", pair->n_replicates ? result->options->level : NAN);
        json_key_string(j, "verdict", compare_verdict_names[c->verdict]);
        json_object_end(j);
    }
    json_array_end(j);
}

static void write_window(struct json_out *j, const char *key, const struct compare_window *w,
                         const struct recorded *r)
{
    json_key(j, key);
    json_object_begin(j);
    json_key_int(j, "offered", (int64_t)w->n_offered);
    json_key_int(j, "good", (int64_t)w->n_good);
    json_key_double(j, "attainment", w->n_offered ? (double)w->n_good / (double)w->n_offered : NAN);
    json_key_double(j, "ttft_ms", w->ttft_ms);
    json_key_double(j, "tpot_ms", w->tpot_ms);
    json_key(j, "workers");
    json_object_begin(j);
    for (size_t p = 0; p < r->n_pools; p++)
        json_key_double(j, r->pools[p], w->workers[p]);
    json_object_end(j);
    json_object_end(j);
}

static void write_windows(struct json_out *j, const struct compare_pair *pair,
                          const struct compare_result *result)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;
    double length_s = s_from_ns(result->options->window_ns);

    json_key(j, "windows");
    json_array_begin(j);
    for (size_t w = 0; w < pair->n_windows; w++) {
        const struct compare_window *of_a = &pair->a->windows[w], *of_b = &pair->b->windows[w];
        json_object_begin(j);
        json_key_double(j, "from_s", (double)w * length_s);
        json_key_double(j, "to_s", (double)(w + 1) * length_s);
        json_key_bool(j, "differs",
                      compare_window_differs(of_a, of_b, pair->same_pools ? a->n_pools : 0));
        write_window(j, "a", of_a, a);
        write_window(j, "b", of_b, b);
        json_object_end(j);
    }
    json_array_end(j);
}

static void write_forecast(struct json_out *j, const struct recorded_forecast *f)
{
    json_key_double(j, "n_requests", f->n_requests);
    json_key_double(j, "isl_tok", f->isl_tok);
    json_key_double(j, "osl_tok", f->osl_tok);
}

static void write_side(struct json_out *j, const char *key, const struct recorded_decision *c,
                       const int64_t *from, const int64_t *to, const struct recorded *r)
{
    json_key(j, key);
    json_object_begin(j);
    json_key(j, "targets");
    json_object_begin(j);
    for (size_t p = 0; p < r->n_pools; p++) {
        json_key(j, r->pools[p]);
        json_object_begin(j);
        json_key_int(j, "before", from[p]);
        json_key_int(j, "after", to[p]);
        if (c)
            json_key_double(j, "wanted", c->pools[p].wanted);
        json_object_end(j);
    }
    json_object_end(j);
    if (c) {
        json_key_double(j, "decided_at_s", s_from_ns(c->at_ns));
        json_key_int(j, "number", (int64_t)c->number);
        json_key_string(j, "kind", c->kind);
        json_key(j, "seen");
        json_object_begin(j);
        write_forecast(j, &c->seen);
        json_key_double(j, "ttft_ms", c->seen_ttft_ms);
        json_key_double(j, "itl_ms", c->seen_itl_ms);
        json_object_end(j);
        json_key(j, "predicted");
        json_object_begin(j);
        write_forecast(j, &c->predicted);
        json_object_end(j);
        json_key_string(j, "reason", c->reason);
    }
    json_object_end(j);
}

/* null: they want the same fleet all along, or have no pools in common. */
static void write_decision(struct json_out *j, const struct compare_pair *pair)
{
    const struct compare_decision *c = &pair->decision;

    json_key(j, "first_difference");
    if (!c->found) {
        json_null(j);
        return;
    }
    json_object_begin(j);
    json_key_double(j, "at_s", s_from_ns(c->at_ns));
    json_key_string(j, "input", compare_input_names[c->input]);
    json_key_string(j, "because", compare_input_texts[c->input]);
    write_side(j, "a", c->a, c->from_a, c->to_a, &pair->a->recorded);
    write_side(j, "b", c->b, c->from_b, c->to_b, &pair->b->recorded);
    json_object_end(j);
}

static void write_misses(struct json_out *j, const char *key, const uint64_t n[N_MISSES])
{
    json_key(j, key);
    json_object_begin(j);
    for (size_t i = 0; i < N_MISSES; i++) {
        if (i != MISS_OUTCOME + OUTCOME_COMPLETED)
            json_key_int(j, compare_miss_name(i), (int64_t)n[i]);
    }
    json_object_end(j);
}

/* null: the run did not keep what tells. */
static void write_causes(struct json_out *j, const char *key, const struct compare_run *run,
                         const uint64_t n[N_CAUSES])
{
    json_key(j, key);
    if (!run->causes) {
        json_null(j);
        return;
    }
    json_object_begin(j);
    for (int i = 0; i < N_CAUSES; i++)
        if (n[i])
            json_key_int(j, cause_name((enum cause)i), (int64_t)n[i]);
    json_object_end(j);
}

static void write_request(struct json_out *j, const char *key, const struct recorded_request *q)
{
    json_key(j, key);
    json_object_begin(j);
    json_key_string(j, "outcome", outcome_name(q->outcome));
    json_key_double(j, "ttft_ms", q->ttft_ns < 0 ? NAN : ms_from_ns(q->ttft_ns));
    json_key_double(j, "tpot_ms", q->tpot_ns < 0 ? NAN : ms_from_ns(q->tpot_ns));
    json_object_end(j);
}

static void write_requests(struct json_out *j, const struct compare_pair *pair)
{
    const struct compare_requests *r = &pair->requests;

    json_key(j, "requests");
    if (!r->matched) {
        json_null(j);
        return;
    }
    json_object_begin(j);
    json_key_int(j, "in_both", (int64_t)r->n);
    json_key_int(j, "good_in_both", (int64_t)r->n_good);
    json_key_int(j, "missed_in_both", (int64_t)r->n_missed);
    json_key_int(j, "worse", (int64_t)r->n_worse);
    write_misses(j, "worse_by", r->worse_by);
    write_causes(j, "worse_causes", pair->b, r->worse_causes);
    json_key_int(j, "better", (int64_t)r->n_better);
    write_misses(j, "better_by", r->better_by);
    write_causes(j, "better_causes", pair->a, r->better_causes);
    json_key(j, "worst");
    json_array_begin(j);
    for (size_t i = 0; i < r->n_worst; i++) {
        json_object_begin(j);
        json_key_int(j, "request", (int64_t)r->worst[i].a->index);
        json_key_double(j, "arrival_ms", ms_from_ns(r->worst[i].a->arrival_ns));
        write_request(j, "a", r->worst[i].a);
        write_request(j, "b", r->worst[i].b);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static void write_one(struct json_out *j, const struct compare_pair *pair,
                      const struct compare_result *result)
{
    json_key(j, "notes");
    json_array_begin(j);
    for (size_t i = 0; i < pair->n_notes; i++)
        json_string(j, pair->notes[i]);
    json_array_end(j);
    write_differences(j, pair, result);
    if (result->of_all)
        return;
    write_windows(j, pair, result);
    write_decision(j, pair);
    write_requests(j, pair);
}

static void write_pair(struct json_out *j, const struct compare_result *result, size_t i)
{
    write_one(j, &result->pairs[i], result);
    if (!result->of_all)
        return;
    json_key(j, "deployments");
    json_object_begin(j);
    for (size_t k = 0; k < result->n_deployments; k++) {
        const struct compare_result *of = &result->deployments[k];
        json_key(j, of->deployment);
        json_object_begin(j);
        write_one(j, &of->pairs[i], of);
        json_object_end(j);
    }
    json_object_end(j);
}

void compare_write_json(const struct compare_result *result, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    json_object_begin(&j);
    json_key(&j, "runs");
    json_array_begin(&j);
    for (size_t i = 0; i < result->n_runs; i++)
        write_run(&j, result, i);
    json_array_end(&j);
    json_key_double(&j, "window_s", s_from_ns(result->options->window_ns));
    write_pair(&j, result, 0);
    json_key(&j, "others");
    json_array_begin(&j);
    for (size_t i = 1; i < result->n_pairs; i++) {
        json_object_begin(&j);
        json_key_string(&j, "name", result->pairs[i].b->input->name);
        write_pair(&j, result, i);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
}
