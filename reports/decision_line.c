#include "reports/decision_line.h"

#include <math.h>

#include "util/json_out.h"
#include "util/units.h"

static void json_forecast(struct json_out *j, const char *key, const struct policy_forecast *f)
{
    json_key(j, key);
    json_object_begin(j);
    json_key_double(j, "n_requests", f->n_requests);
    json_key_double(j, "isl_tok", f->isl_tok);
    json_key_double(j, "osl_tok", f->osl_tok);
}

/* Of a policy that has any. */
static void json_estimates(struct json_out *j, const struct policy_effects *e)
{
    bool ttft = e->estimated_ttft_ms > 0, itl = e->estimated_itl_ms > 0;

    if (!ttft && !itl)
        return;
    json_key(j, "estimated");
    json_object_begin(j);
    json_key_double(j, "ttft_ms", ttft ? e->estimated_ttft_ms : NAN);
    json_key_double(j, "itl_ms", itl ? e->estimated_itl_ms : NAN);
    json_object_end(j);
}

static void json_pools(struct json_out *j, const struct decision_record *c)
{
    json_key(j, "pools");
    json_object_begin(j);
    for (size_t i = 0; i < c->n_pools; i++) {
        const struct policy_effects *e = c->effects;
        json_key(j, c->pool_names[i]);
        json_object_begin(j);
        json_key_int(j, "target", c->counts[i].target);
        json_key_int(j, "ready", c->counts[i].ready);
        json_key_int(j, "starting", c->counts[i].starting);
        json_key_int(j, "draining", c->counts[i].draining);
        json_key_double(j, "correction", e->correction[i]);
        json_key_double(j, "wanted", e->wanted[i] < 0 ? NAN : (double)e->wanted[i]);
        json_key(j, "applied");
        json_object_begin(j);
        if (c->arbitrated)
            json_key_int(j, "asked", e->target[i]);
        json_key_double(j, "target", e->scale ? (double)decision_target(c, i) : NAN);
        json_key_int(j, "started", c->started[i]);
        json_key_int(j, "cancelled", c->cancelled[i]);
        json_key_int(j, "drained", c->drained[i]);
        json_key_int(j, "terminated", c->terminated[i]);
        json_object_end(j);
        json_object_end(j);
    }
    json_object_end(j);
}

void decision_line(FILE *out, const struct decision_record *c, const char *deployment)
{
    const struct policy_effects *e = c->effects;
    struct json_out j;

    json_out_init(&j, out, false);
    json_object_begin(&j);
    json_key_double(&j, "at_s", s_from_ns(c->at_ns));
    if (deployment)
        json_key_string(&j, "deployment", deployment);
    json_key_int(&j, "number", (int64_t)c->number);
    json_key_string(&j, "kind", e->kind);
    json_forecast(&j, "seen", &e->seen);
    json_key_double(&j, "ttft_ms", e->seen_ttft_ms);
    json_key_double(&j, "itl_ms", e->seen_itl_ms);
    json_object_end(&j);
    json_forecast(&j, "predicted", &e->predicted);
    json_object_end(&j);
    json_estimates(&j, e);
    json_pools(&j, c);
    if (c->arbitrated)
        json_key_string(&j, "grant", grant_name(c->grant));
    json_key_bool(&j, "scale", e->scale);
    json_key_string(&j, "reason", e->reason);
    json_object_end(&j);
}
