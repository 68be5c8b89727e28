#include "tests/conformance/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/line_reader.h"

/* All lines behind each other; the caller frees them. NULL: they cannot be read. */
static char *read_lines(struct line_reader *reader)
{
    struct diag d;
    const char *line;
    size_t length, n = 0;
    char *text = calloc(1, 1);
    enum status s = ST_OK;

    diag_init(&d);
    while (text && (s = line_reader_next(reader, &line, &length, &d)) == ST_OK) {
        char *more = realloc(text, n + length + 2);
        if (!more)
            break;
        text = more;
        memcpy(text + n, line, length);
        text[n + length] = '\n';
        n += length + 1;
        text[n] = '\0';
    }
    if (s == ST_END)
        return text;
    free(text);
    return NULL;
}

cJSON *golden_load(const char *path)
{
    struct line_reader *reader;
    struct diag d;

    diag_init(&d);
    if (line_reader_open(&reader, path, &d))
        return NULL;
    char *text = read_lines(reader);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    free(text);
    line_reader_close(reader);
    return json;
}

const cJSON *golden_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

double golden_number(const cJSON *item)
{
    if (cJSON_IsNumber(item))
        return item->valuedouble;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "inf") == 0)
        return INFINITY;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "-inf") == 0)
        return -INFINITY;
    return NAN;
}

double golden_at(const cJSON *object, const char *key)
{
    return golden_number(golden_get(object, key));
}

int64_t golden_int(const cJSON *object, const char *key)
{
    double value = golden_at(object, key);
    return isnan(value) ? 0 : (int64_t)value;
}

const char *golden_text(const cJSON *object, const char *key)
{
    const cJSON *item = golden_get(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

bool golden_has(const cJSON *object, const char *key)
{
    const cJSON *item = golden_get(object, key);
    return item && !cJSON_IsNull(item);
}

double *golden_list(const cJSON *list, struct arena *arena, size_t *n)
{
    const cJSON *item;
    size_t size = (size_t)cJSON_GetArraySize(list);
    double *values = ARENA_NEW(arena, size, double);

    *n = 0;
    cJSON_ArrayForEach(item, list)
    {
        values[(*n)++] = golden_number(item);
    }
    return values;
}

void golden_close(struct verdict *v, const char *where, double got, double want, double tolerance,
                  double floor)
{
    v->cases++;
    if (got == want || (isnan(got) && isnan(want))) {
        v->exact++;
        v->within++;
        return;
    }
    double error = fabs(got - want) / fmax(fabs(want), floor);
    if (isnan(error))
        error = INFINITY;
    if (error <= tolerance)
        v->within++;
    if (error > v->worst) {
        v->worst = error;
        snprintf(v->worst_at, sizeof v->worst_at, "%s: %.10g for %.10g", where, got, want);
    }
}

void golden_equal(struct verdict *v, const char *where, double got, double want)
{
    golden_close(v, where, got, want, 0, 1e-300);
}

void golden_fail(struct verdict *v, const char *where)
{
    v->cases++;
    v->worst = INFINITY;
    snprintf(v->worst_at, sizeof v->worst_at, "%s: cannot be run", where);
}

void golden_judge(struct verdict *v, const char *tolerance)
{
    snprintf(v->tolerance, sizeof v->tolerance, "%s", tolerance);
    v->pass = v->cases > 0 && v->within == v->cases;
}

bool golden_models(const cJSON *file, const char *profile, struct arena *arena,
                   struct prefill_model *prefill, struct decode_model *decode)
{
    const cJSON *p = golden_get(golden_get(file, "profiles"), profile);
    struct diag d;
    size_t n;

    diag_init(&d);
    if (!p)
        return false;
    if (prefill) {
        double *isl = golden_list(golden_get(p, "prefill_isl"), arena, &n);
        double *ttft = golden_list(golden_get(p, "prefill_ttft"), arena, &n);
        double *thpt = golden_list(golden_get(p, "prefill_thpt_per_gpu"), arena, &n);
        if (prefill_model_init(prefill, arena, n, isl, ttft, thpt, &d))
            return false;
    }
    if (!decode)
        return true;
    double *kv = golden_list(golden_get(p, "x_kv_usage"), arena, &n);
    double *context = golden_list(golden_get(p, "y_context_length"), arena, &n);
    double *itl = golden_list(golden_get(p, "z_itl"), arena, &n);
    double *thpt = golden_list(golden_get(p, "z_thpt_per_gpu"), arena, &n);
    return decode_model_init(decode, arena, n, kv, context, itl, thpt,
                             golden_at(p, "max_kv_tokens"), &d) == ST_OK;
}

/* The recordings hold what the reference has accepted. */
static bool set(struct planner_config *config, const cJSON *item)
{
    const struct key *key = key_find(planner_keys, item->string);

    if (!key)
        return false;
    void *to = (char *)config + key->offset;
    if (cJSON_IsNull(item))
        key_preset(key, config);
    else if (key->type == KEY_BOOL)
        *(bool *)to = cJSON_IsTrue(item);
    else if (key->type == KEY_INT)
        *(int64_t *)to = (int64_t)item->valuedouble;
    else if (key->type == KEY_NUMBER)
        *(double *)to = item->valuedouble;
    else
        *(const char **)to = item->valuestring;
    return true;
}

bool golden_config(const cJSON *kase, struct planner_config *config)
{
    const cJSON *item;

    key_presets(planner_keys, config);
    cJSON_ArrayForEach(item, golden_get(kase, "config"))
    {
        if (!set(config, item))
            return false;
    }
    config->mode = golden_text(kase, "mode");
    return true;
}
