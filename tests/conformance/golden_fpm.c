#include "tests/conformance/golden_fpm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const golden_fpm_predicted[N_FPM_SERIES] = {"predicted_num_req", "predicted_isl",
                                                        "predicted_osl", "predicted_kv_hit_rate"};

double golden_element(const cJSON *list, int i)
{
    return golden_number(cJSON_GetArrayItem(list, i));
}

static bool is_choice(const struct key *key, const char *value)
{
    for (size_t i = 0; key->choices && key->choices[i]; i++) {
        if (strcmp(key->choices[i], value) == 0)
            return true;
    }
    return !key->choices;
}

static bool set(struct fpm_config *config, const cJSON *item)
{
    const struct key *key = key_find(fpm_keys, item->string);

    if (!key)
        return false;
    void *to = (char *)config + key->offset;
    if (key->type == KEY_BOOL)
        *(bool *)to = cJSON_IsTrue(item);
    else if (key->type == KEY_INT)
        *(int64_t *)to = (int64_t)item->valuedouble;
    else if (key->type == KEY_NUMBER)
        *(double *)to = item->valuedouble;
    else if (is_choice(key, item->valuestring))
        *(const char **)to = item->valuestring;
    else
        return false;
    return true;
}

bool golden_fpm_fields(const cJSON *given, struct fpm_config *config)
{
    const cJSON *item;

    *config = (struct fpm_config){.generation = FPM_1_2_1};
    key_presets(fpm_keys, config);
    cJSON_ArrayForEach(item, given)
    {
        /* GPUs per engine are limits of the deployment here. */
        if (strstr(item->string, "_engine_num_gpu"))
            continue;
        if (!set(config, item))
            return false;
    }
    return true;
}

bool golden_fpm_config(const cJSON *given, enum fpm_generation generation,
                       struct fpm_config *config)
{
    struct diag d;

    diag_init(&d);
    bool known = golden_fpm_fields(given, config);
    config->generation = generation;
    return known && fpm_config_check(config, (struct source_pos){NULL, 0, 0}, &d) == ST_OK;
}

static double or_zero(double value)
{
    return isnan(value) ? 0 : value;
}

struct fpm_record golden_fpm_record(const cJSON *row, int at, bool queued)
{
    struct fpm_record r = {.wall_s = golden_element(row, at),
                           .n_prefill = golden_element(row, at + 1),
                           .prefill_tok = golden_element(row, at + 2),
                           .n_decode = golden_element(row, at + 3),
                           .decode_kv_tok = golden_element(row, at + 4)};

    if (queued) {
        r.queued_prefill_tok = golden_element(row, at + 5);
        r.queued_decode_kv_tok = golden_element(row, at + 6);
        r.prefill_kv_tok = or_zero(golden_element(row, at + 7));
        r.n_queued_prefill = or_zero(golden_element(row, at + 8));
        r.n_queued_decode = or_zero(golden_element(row, at + 9));
    }
    return r;
}

struct fpm_traffic golden_fpm_traffic(const cJSON *row)
{
    return (struct fpm_traffic){.duration_s = golden_element(row, 0),
                                .n_requests = golden_element(row, 1),
                                .isl_tok = golden_element(row, 2),
                                .osl_tok = golden_element(row, 3),
                                .kv_hit_rate = golden_element(row, 4),
                                .accept_length = golden_element(row, 5)};
}

struct fpm_limits golden_fpm_limits(const cJSON *row)
{
    return (struct fpm_limits){.n_gpus = or_zero(golden_element(row, 0)),
                               .max_batched_tok = or_zero(golden_element(row, 1)),
                               .max_seqs = or_zero(golden_element(row, 2)),
                               .context_tok = or_zero(golden_element(row, 3)),
                               .max_kv_tok = or_zero(golden_element(row, 4)),
                               .gpu_cost = or_zero(golden_element(row, 5)),
                               .watts = or_zero(golden_element(row, 6))};
}

static void compare_reason(struct verdict *v, const char *where, enum fpm_reason got,
                           const cJSON *out, const char *key)
{
    const char *text = fpm_reason_text(got), *want = golden_text(out, key);
    char at[200];

    snprintf(at, sizeof at, "%s %s %s for %s", where, key, text ? text : "none", want);
    golden_equal(v, at, strcmp(text ? text : "", want), 0);
}

static void compare_reasons(struct verdict *v, const char *where, const struct fpm_reasons *got,
                            const cJSON *out, const char *rule)
{
    static const char *const suffixes[] = {"_prefill", "_decode"};
    char key[64];

    snprintf(key, sizeof key, "%s_decision_reason", rule);
    compare_reason(v, where, got->all, out, key);
    for (int side = 0; side < N_SIDES; side++) {
        snprintf(key, sizeof key, "%s_decision_reason%s", rule, suffixes[side]);
        compare_reason(v, where, got->side[side], out, key);
    }
}

static void compare_number(struct verdict *v, const char *where, double got, const cJSON *out,
                           const char *key, double tolerance)
{
    char at[160];

    snprintf(at, sizeof at, "%s %s", where, key);
    golden_close(v, at, got, golden_at(out, key), tolerance, 1e-9);
}

/* -1 = no target, as an absent number. */
static double target_or_none(const struct fpm_output *got, int side)
{
    return got->scale && got->target[side] >= 0 ? (double)got->target[side] : NAN;
}

void golden_fpm_outcome(struct verdict *v, const char *where, const struct fpm_core *core,
                        const struct fpm_output *got, const cJSON *out, const cJSON *scale_to)
{
    compare_reasons(v, where, &got->load, out, "load");
    compare_reasons(v, where, &got->throughput, out, "throughput");
    golden_equal(v, where, target_or_none(got, SIDE_PREFILL), golden_element(scale_to, 0));
    golden_equal(v, where, target_or_none(got, SIDE_DECODE), golden_element(scale_to, 1));
    compare_number(v, where, (double)core->floor[SIDE_PREFILL], out,
                   "throughput_lower_bound_prefill", 0);
    compare_number(v, where, (double)core->floor[SIDE_DECODE], out, "throughput_lower_bound_decode",
                   0);
    compare_number(v, where, got->estimated_ttft_ms, out, "estimated_ttft_ms", 1e-7);
    compare_number(v, where, got->estimated_itl_ms, out, "estimated_itl_ms", 1e-7);
    compare_number(v, where, got->requests_per_s[SIDE_PREFILL], out, "engine_rps_prefill", 1e-7);
    compare_number(v, where, got->requests_per_s[SIDE_DECODE], out, "engine_rps_decode", 1e-7);
    for (int i = 0; i < N_FPM_SERIES; i++)
        compare_number(v, where, got->predicted[i], out, golden_fpm_predicted[i], 1e-9);
}
