#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studies/tune/tune.h"
#include "util/json_out.h"

/* As a number, true, false or null where the text is one; values of knobs are short. */
static void write_value(struct json_out *j, const char *text)
{
    char *end;
    double number = strtod(text, &end);

    if (*text && !*end && isfinite(number))
        json_double(j, number);
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        json_bool(j, *text == 't');
    else if (strcmp(text, "null") == 0)
        json_null(j);
    else
        json_string(j, text);
}

/* Those that --set takes together. */
static void write_values(struct json_out *j, const struct tune_result *r, const char *const *values)
{
    json_object_begin(j);
    for (size_t k = 0; k < r->options->space->n; k++) {
        if (!tune_value_counts(r->options, values, k))
            continue;
        json_key(j, r->options->space->knobs[k].key);
        write_value(j, values[k]);
    }
    json_object_end(j);
}

static void write_figures(struct json_out *j, const struct tune_result *r,
                          const struct tune_setting *setting)
{
    json_object_begin(j);
    for (size_t k = 0; k < r->n_keys; k++) {
        const struct tune_figure *f = &setting->figures[k];
        json_key(j, r->keys[k]);
        json_object_begin(j);
        json_key_double(j, "mean", f->mean);
        json_key_double(j, "low", f->low);
        json_key_double(j, "high", f->high);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_setting(struct json_out *j, const struct tune_result *r,
                          const struct tune_setting *setting)
{
    json_object_begin(j);
    json_key(j, "settings");
    write_values(j, r, setting->values);
    json_key_int(j, "replicates", (int64_t)setting->n_replicates);
    json_key_double(j, "holds", setting->holds);
    json_key(j, "figures");
    write_figures(j, r, setting);
    json_object_end(j);
}

static void write_part(struct json_out *j, const struct tune_result *r,
                       const struct tune_trial_of_part *part)
{
    json_object_begin(j);
    json_key_double(j, "from_s", part->whole ? NAN : part->part.from_s);
    json_key_double(j, "to_s", part->whole ? NAN : part->part.to_s);
    json_key(j, "recommended");
    write_setting(j, r, &part->recommended);
    json_key(j, "default");
    write_setting(j, r, &part->standing);
    json_key(j, "differences");
    json_object_begin(j);
    for (size_t k = 0; k < r->n_keys; k++) {
        const struct paired *p = &part->differences[k];
        json_key(j, r->keys[k]);
        json_object_begin(j);
        json_key_double(j, "mean", p->mean);
        json_key_double(j, "low", p->at.low);
        json_key_double(j, "high", p->at.high);
        json_key_double(j, "p", p->p_t);
        json_object_end(j);
    }
    json_object_end(j);
    json_object_end(j);
}

static void write_curve(struct json_out *j, const struct knob *knob, const struct effect *e)
{
    struct arena arena;

    arena_init(&arena);
    json_key(j, "curve");
    json_array_begin(j);
    for (size_t i = 0; i < e->n_points; i++) {
        const char *at = space_text(knob, fmin(e->curve[i].x, nextafter(1, 0)), &arena);
        json_object_begin(j);
        json_key(j, "value");
        write_value(j, at ? at : "null");
        json_key_double(j, "mean", e->curve[i].mean);
        json_key_double(j, "deviation", e->curve[i].deviation);
        json_object_end(j);
    }
    json_array_end(j);
    arena_release(&arena);
}

/* A knob's effect is the largest share of the variance of a goal's figure that it takes part in. */
static void write_sensitivity(struct json_out *j, const struct tune_result *r)
{
    const struct space *space = r->options->space;

    json_array_begin(j);
    for (size_t k = 0; k < space->n; k++) {
        double most = 0;
        for (size_t i = 0; i < r->n_effects; i++) {
            const struct effect *e = &r->effects[i]->of[k];
            most = fmax(most, e->nothing ? 0 : e->total);
        }
        json_object_begin(j);
        json_key_string(j, "key", space->knobs[k].key);
        json_key_double(j, "effect", most);
        json_key(j, "figures");
        json_object_begin(j);
        for (size_t i = 0; i < r->n_effects; i++) {
            const struct effect *e = &r->effects[i]->of[k];
            json_key(j, tune_effects_key(r, i));
            json_object_begin(j);
            json_key_double(j, "first_order", e->first_order);
            json_key_double(j, "total", e->total);
            json_key_double(j, "range", e->range);
            json_key_double(j, "range_deviation", e->range_deviation);
            json_key_bool(j, "nothing", e->nothing);
            write_curve(j, &space->knobs[k], e);
            json_object_end(j);
        }
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static void write_pairs(struct json_out *j, const struct tune_result *r)
{
    const struct space *space = r->options->space;

    json_array_begin(j);
    for (size_t i = 0; i < r->n_effects; i++) {
        for (size_t a = 0; a < space->n; a++) {
            for (size_t b = a + 1; b < space->n; b++) {
                json_object_begin(j);
                json_key_string(j, "figure", tune_effects_key(r, i));
                json_key(j, "keys");
                json_array_begin(j);
                json_string(j, space->knobs[a].key);
                json_string(j, space->knobs[b].key);
                json_array_end(j);
                json_key_double(j, "effect", r->effects[i]->pairs[a * space->n + b]);
                json_object_end(j);
            }
        }
    }
    json_array_end(j);
}

const char *tune_effects_key(const struct tune_result *result, size_t i)
{
    return result->keys[result->trials->problem->goals[i].figure];
}

/* What the search was asked for. */
static void write_question(struct json_out *j, const struct tune_result *r)
{
    const struct tune_options *o = r->options;

    json_key_string(j, "scenario", o->scenario->name);
    json_key_int(j, "seed", o->scenario->seed);
    json_key_string(j, "method", o->explorer->name);
    json_key_int(j, "runs", (int64_t)r->n_runs);
    json_key_int(j, "settings", (int64_t)r->n_settings);
    json_key_int(j, "failed", (int64_t)r->n_failed);
    json_key_double(j, "confidence", o->confidence);
    json_key_double(j, "slice_s", o->slice_s > 0 ? o->slice_s : NAN);
    json_key(j, "vary");
    json_array_begin(j);
    for (size_t k = 0; k < o->space->n; k++) {
        json_object_begin(j);
        json_key_string(j, "key", o->space->knobs[k].key);
        json_key_string(j, "spec", o->space->knobs[k].spec);
        json_object_end(j);
    }
    json_array_end(j);
    json_key(j, "objectives");
    json_array_begin(j);
    for (size_t i = 0; i < o->n_objectives; i++) {
        json_object_begin(j);
        json_key_string(j, "key", o->objectives[i].key);
        json_key_string(j, "aim", o->objectives[i].maximise ? "maximize" : "minimize");
        json_object_end(j);
    }
    json_array_end(j);
    json_key(j, "subject_to");
    json_array_begin(j);
    for (size_t i = 0; i < o->n_constraints; i++)
        json_string(j, o->constraints[i].text);
    json_array_end(j);
}

enum status tune_write_json(const struct tune_result *r, FILE *out, struct diag *d)
{
    struct json_out j;

    (void)d;
    json_out_init(&j, out, true);
    json_object_begin(&j);
    write_question(&j, r);
    json_key(&j, "recommended");
    write_values(&j, r, r->found.recommended.values);
    json_key_bool(&j, "holds", r->holds);
    json_key_bool(&j, "judged_holds", r->judged_holds);
    json_key_string(&j, "verdict", r->verdict);
    json_key(&j, "sentences");
    json_array_begin(&j);
    for (size_t i = 0; i < r->n_sentences; i++)
        json_string(&j, r->sentences[i]);
    json_array_end(&j);
    json_key(&j, "found_on");
    write_part(&j, r, &r->found);
    json_key(&j, "judged_on");
    write_part(&j, r, &r->judged);
    json_key(&j, "front");
    json_array_begin(&j);
    for (size_t i = 0; i < r->n_front; i++)
        write_setting(&j, r, &r->front[i]);
    json_array_end(&j);
    json_key(&j, "sensitivity");
    write_sensitivity(&j, r);
    json_key(&j, "pairs");
    write_pairs(&j, r);
    json_object_end(&j);
    return ST_OK;
}
