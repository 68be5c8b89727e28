#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/metric_source.h"
#include "tests/conformance/golden.h"
#include "util/bug.h"

enum { MAX_SERIES = 64, WHERE_SIZE = 160 };

static const char *text_or_null(const cJSON *object, const char *key)
{
    const cJSON *item = golden_get(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* A row of a Prometheus answer; `value` is [time, "number"]. */
static struct metric_series series_of(const cJSON *row)
{
    const cJSON *metric = golden_get(row, "metric");
    const cJSON *value = cJSON_GetArrayItem(golden_get(row, "value"), 1);
    struct metric_series s = {text_or_null(metric, "model"),
                              text_or_null(metric, "dynamo_namespace"), false, NAN};
    char *end;

    if (cJSON_IsString(value)) {
        s.value = strtod(value->valuestring, &end);
        s.readable = end != value->valuestring && *end == '\0';
    } else if (cJSON_IsNumber(value)) {
        s.value = value->valuedouble;
        s.readable = true;
    }
    return s;
}

static void run_answers(const cJSON *file, struct verdict *v)
{
    const cJSON *kase, *row, *want;
    char where[WHERE_SIZE];

    cJSON_ArrayForEach(kase, golden_get(file, "prometheus"))
    {
        struct metric_series series[MAX_SERIES];
        size_t n = 0;
        const char *model = golden_text(kase, "model"), *ns = golden_text(kase, "namespace");
        bool router = strcmp(golden_text(kase, "source"), "router") == 0;
        cJSON_ArrayForEach(row, golden_get(kase, "result"))
        {
            if (n < MAX_SERIES)
                series[n++] = series_of(row);
        }
        cJSON_ArrayForEach(want, golden_get(kase, "returns"))
        {
            bool count = strcmp(want->string, "num_req") == 0;
            double got = router  ? router_value(series, n)
                         : count ? frontend_sum(series, n, model, ns)
                                 : frontend_mean(series, n, model, ns);
            snprintf(where, sizeof where, "%s %s %s", golden_text(kase, "source"),
                     golden_text(kase, "answer"), want->string);
            golden_close(v, where, got, golden_number(want), 1e-12, 1e-9);
        }
    }
    golden_judge(v, "1e-12");
}

static const char *const gauge_keys[N_GAUGES] = {[GAUGE_PREFILL_TOKENS] = "active_prefill_tokens",
                                                 [GAUGE_DECODE_BLOCKS] = "active_decode_blocks",
                                                 [GAUGE_TTFT_S] = "last_ttft",
                                                 [GAUGE_ISL_TOK] = "last_isl",
                                                 [GAUGE_ITL_S] = "last_itl"};
static const char *const type_keys[N_WORKER_TYPES] = {
    [WORKER_PREFILL] = "prefill", [WORKER_DECODE] = "decode"};

static void compare_gauges(struct verdict *v, const char *where, const double got[N_GAUGES],
                           const cJSON *want)
{
    for (int g = 0; g < N_GAUGES; g++)
        golden_close(v, where, got[g], golden_at(want, gauge_keys[g]), 1e-12, 1e-9);
}

/* The same workers. The file does not keep the order of the page. */
static void compare_workers(struct verdict *v, const char *where, const struct gauge_page *got,
                            const cJSON *want)
{
    golden_equal(v, where, (double)got->n, cJSON_GetArraySize(want));
    for (size_t i = 0; i < got->n; i++) {
        char id[32];
        snprintf(id, sizeof id, "%llu", (unsigned long long)got->workers[i].worker_id);
        if (golden_has(want, id))
            compare_gauges(v, where, got->workers[i].gauge, golden_get(want, id));
        else
            golden_fail(v, where);
    }
}

static void page_of(const cJSON *sample, struct gauge_page *page)
{
    const cJSON *worker, *gauge;

    for (int type = 0; type < N_WORKER_TYPES; type++) {
        cJSON_ArrayForEach(worker, golden_get(sample, type_keys[type]))
        {
            uint64_t id = strtoull(worker->string, NULL, 10);
            (void)gauge_page_worker(page, (enum worker_type)type, id);
            for (int g = 0; g < N_GAUGES; g++) {
                gauge = golden_get(worker, gauge_keys[g]);
                if (gauge)
                    (void)gauge_page_set(page, (enum worker_type)type, id, (enum gauge)g,
                                         golden_number(gauge));
            }
        }
    }
}

/* The page as text says the same as the first sample. */
static void compare_text(const cJSON *kase, struct verdict *v)
{
    struct gauge_page text = {.n = 0};
    const cJSON *first = cJSON_GetArrayItem(golden_get(kase, "samples"), 0);

    if (!golden_has(kase, "first_page"))
        return;
    if (!gauge_page_parse(&text, golden_text(kase, "first_page")))
        golden_fail(v, "first_page");
    for (int type = 0; type < N_WORKER_TYPES; type++) {
        struct gauge_page of_type = {.n = 0};
        for (size_t i = 0; i < text.n; i++) {
            struct worker_sample *w = &text.workers[i];
            if (w->type == (enum worker_type)type)
                *gauge_page_worker(&of_type, w->type, w->worker_id) = *w;
        }
        compare_workers(v, "first_page", &of_type, golden_get(first, type_keys[type]));
        gauge_page_release(&of_type);
    }
    gauge_page_release(&text);
}

static void one_page_case(const cJSON *kase, struct verdict *v, const char *where)
{
    struct gauge_buffer buffer;
    struct gauge_page page = {.n = 0};
    struct load_metrics m = {.recent = {.n = 0}};
    const cJSON *sample;

    if (!gauge_buffer_init(&buffer, (size_t)golden_int(kase, "buffer_limit"))) {
        golden_fail(v, where);
        return;
    }
    cJSON_ArrayForEach(sample, golden_get(kase, "samples"))
    {
        page_of(sample, &page);
        gauge_buffer_push(&buffer, &page, false);
    }
    golden_equal(v, where, (double)buffer.n, golden_at(kase, "buffer_len"));
    for (int type = 0; type < N_WORKER_TYPES; type++) {
        const cJSON *want = golden_get(kase, type_keys[type]);
        bool known = gauge_buffer_has(&buffer, (enum worker_type)type);
        BUG_IF(known && gauge_buffer_summarise(&buffer, (enum worker_type)type, &m, NULL));
        golden_equal(v, where, known, golden_has(kase, type_keys[type]));
        if (!known || !want)
            continue;
        compare_workers(v, where, &m.recent, golden_get(want, "recent"));
        compare_workers(v, where, &m.averaged, golden_get(want, "per_worker_averaged"));
        compare_gauges(v, where, m.cluster, golden_get(want, "cluster_averaged"));
    }
    load_metrics_release(&m);
    gauge_page_release(&page);
    gauge_buffer_release(&buffer);
}

static void run_pages(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;
    char where[WHERE_SIZE];
    int i = 0;

    cJSON_ArrayForEach(kase, golden_get(file, "router_page"))
    {
        snprintf(where, sizeof where, "router_page[%d]", i++);
        one_page_case(kase, v, where);
        compare_text(kase, v);
    }
    golden_judge(v, "1e-12");
}

const struct family family_metrics[] = {
    {"metric_clients", "answers of the metrics server", run_answers},
    {"metric_clients", "router pages", run_pages},
    {NULL, NULL, NULL},
};
