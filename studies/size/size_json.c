#include <math.h>

#include "studies/size/size.h"
#include "util/json_out.h"

static void write_fleet(struct json_out *j, const char *key, const struct size_choice *c,
                        const int64_t *n)
{
    json_key(j, key);
    json_object_begin(j);
    for (size_t i = 0; i < c->n_pools; i++)
        json_key_int(j, c->pools[i], n[i]);
    json_object_end(j);
}

static void write_choice(struct json_out *j, const struct size_choice *c)
{
    json_object_begin(j);
    json_key_string(j, "profile", c->profile);
    json_key_string(j, "topology", size_topology_names[c->topology]);
    json_key_double(j, "scale_load", c->scale_load);
    if (c->message) {
        json_key_string(j, "message", c->message);
        json_object_end(j);
        return;
    }
    write_fleet(j, "workers", c, c->workers.n);
    json_key_int(j, "gpus", c->gpus);
    if (c->reached) {
        json_key_bool(j, "detailed", c->detailed);
        json_key_double(j, "gpus_low", c->gpus_low);
        json_key_double(j, "gpus_high", c->gpus_high);
    }
    json_key_int(j, "nodes", c->nodes);
    json_key_double(j, "attainment", c->attainment);
    json_key_double(j, "value", c->value);
    json_key_double(j, "cost_per_day", c->cost_per_day);
    json_key_double(j, "cost_per_million_output_tokens", c->cost_per_million_output_tokens);
    json_key_double(j, "cost_per_thousand_good_requests", c->cost_per_thousand_good_requests);
    json_key_string(j, "limited_by", c->limited_by);
    if (c->reached) {
        json_key_double(j, "load_headroom", c->load_headroom);
        json_key_bool(j, "uneven", c->search.uneven);
    }
    json_key_string(j, "trust", c->trust);
    if (c->arithmetic[0])
        write_fleet(j, "arithmetic", c, c->arithmetic);
    json_object_end(j);
}

static void write_choices(struct json_out *j, const char *key, const struct size_result *r,
                          size_t from, size_t to)
{
    json_key(j, key);
    json_array_begin(j);
    for (size_t i = from; i < to; i++)
        write_choice(j, r->choices[i]);
    json_array_end(j);
}

void size_write_json(const struct size_result *r, FILE *out)
{
    struct json_out j;

    json_out_init(&j, out, true);
    json_object_begin(&j);
    json_key_string(&j, "target", r->options->target->text);
    json_key_string(&j, "currency", r->options->currency);
    json_key_int(&j, "replicates", (int64_t)r->options->n_replicates);
    json_key_int(&j, "runs", (int64_t)r->n_runs);
    write_choices(&j, "choices", r, 0, r->n_reached);
    write_choices(&j, "unreachable", r, r->n_reached, r->n_runnable);
    write_choices(&j, "left_out", r, r->n_runnable, r->n);
    json_object_end(&j);
    fputc('\n', out);
}
