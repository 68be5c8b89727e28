#include "planner/dynamo1/gauges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

const char *const gauge_names[N_GAUGES] = {
    [GAUGE_PREFILL_TOKENS] = "dynamo_frontend_worker_active_prefill_tokens",
    [GAUGE_DECODE_BLOCKS] = "dynamo_frontend_worker_active_decode_blocks",
    [GAUGE_TTFT_S] = "dynamo_frontend_worker_last_time_to_first_token_seconds",
    [GAUGE_ISL_TOK] = "dynamo_frontend_worker_last_input_sequence_tokens",
    [GAUGE_ITL_S] = "dynamo_frontend_worker_last_inter_token_latency_seconds",
};

double sample_gauge(const struct worker_sample *w, enum gauge g)
{
    return isnan(w->gauge[g]) ? 0 : w->gauge[g];
}

void gauge_page_release(struct gauge_page *page)
{
    free(page->workers);
    *page = (struct gauge_page){0};
}

void gauge_page_reset(struct gauge_page *page)
{
    page->n = 0;
    page->expected = 0;
}

static struct worker_sample *page_append(struct gauge_page *page)
{
    if (ARRAY_RESERVE(page->workers, page->n, page->capacity, 1, "workers", NULL))
        return NULL;
    return &page->workers[page->n++];
}

struct worker_sample *gauge_page_worker(struct gauge_page *page, enum worker_type type,
                                        uint64_t worker_id)
{
    for (size_t k = 0, i = page->expected; k < page->n; k++, i++) {
        if (i >= page->n)
            i = 0;
        struct worker_sample *w = &page->workers[i];
        if (w->worker_id == worker_id && w->type == type) {
            page->expected = i + 1;
            return w;
        }
    }
    struct worker_sample *w = page_append(page);
    if (!w)
        return NULL;
    *w = (struct worker_sample){.worker_id = worker_id, .type = type};
    for (int g = 0; g < N_GAUGES; g++)
        w->gauge[g] = NAN;
    return w;
}

bool gauge_page_set(struct gauge_page *page, enum worker_type type, uint64_t worker_id,
                    enum gauge g, double value)
{
    struct worker_sample *w = gauge_page_worker(page, type, worker_id);

    if (!w)
        return false;
    w->gauge[g] = value;
    return true;
}

/* Value of a label within `{...}`; NULL when absent. */
static const char *label_value(const char *labels, const char *end, const char *name,
                               size_t *length)
{
    size_t n = strlen(name);

    for (const char *p = labels; p < end;) {
        const char *equals = memchr(p, '=', (size_t)(end - p));
        if (!equals || equals + 1 >= end || equals[1] != '"')
            return NULL;
        const char *value = equals + 2;
        const char *quote = memchr(value, '"', (size_t)(end - value));
        if (!quote)
            return NULL;
        if ((size_t)(equals - p) == n && memcmp(p, name, n) == 0) {
            *length = (size_t)(quote - value);
            return value;
        }
        p = quote + 1;
        while (p < end && (*p == ',' || *p == ' '))
            p++;
    }
    return NULL;
}

static bool read_type(const char *text, size_t length, enum worker_type *type)
{
    if (length == 7 && memcmp(text, "prefill", 7) == 0)
        *type = WORKER_PREFILL;
    else if (length == 6 && memcmp(text, "decode", 6) == 0)
        *type = WORKER_DECODE;
    else
        return false;
    return true;
}

/* One line `name{labels} value`. false only when memory is out. */
static bool parse_line(struct gauge_page *page, const char *line, const char *end)
{
    const char *open = memchr(line, '{', (size_t)(end - line));
    const char *close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;

    if (!close)
        return true;
    for (int g = 0; g < N_GAUGES; g++) {
        size_t n = strlen(gauge_names[g]), n_id, n_type;
        if ((size_t)(open - line) != n || memcmp(line, gauge_names[g], n) != 0)
            continue;
        const char *id = label_value(open + 1, close, "worker_id", &n_id);
        const char *type_text = label_value(open + 1, close, "worker_type", &n_type);
        enum worker_type type;
        char *rest;
        if (!id || !type_text || !read_type(type_text, n_type, &type))
            return true;
        uint64_t worker_id = strtoull(id, &rest, 10);
        if (rest != id + n_id)
            return true;
        double value = strtod(close + 1, &rest);
        return rest == close + 1 || gauge_page_set(page, type, worker_id, (enum gauge)g, value);
    }
    return true;
}

bool gauge_page_parse(struct gauge_page *page, const char *text)
{
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        if (!parse_line(page, text, end))
            return false;
        text = *end ? end + 1 : end;
    }
    return true;
}

bool gauge_buffer_init(struct gauge_buffer *b, size_t limit)
{
    *b = (struct gauge_buffer){.limit = limit, .pages = calloc(limit, sizeof *b->pages)};
    return b->pages != NULL;
}

void gauge_buffer_release(struct gauge_buffer *b)
{
    for (size_t i = 0; b->pages && i < b->limit; i++)
        gauge_page_release(&b->pages[i]);
    free(b->pages);
    *b = (struct gauge_buffer){0};
}

void gauge_buffer_push(struct gauge_buffer *b, struct gauge_page *page, bool keep_empty)
{
    if (page->n == 0 && !keep_empty)
        return;
    size_t slot = (b->oldest + b->n) % b->limit;
    if (b->n == b->limit)
        b->oldest = (b->oldest + 1) % b->limit;
    else
        b->n++;
    struct gauge_page spare = b->pages[slot];
    b->pages[slot] = *page;
    *page = spare;
    gauge_page_reset(page);
}

const struct gauge_page *gauge_buffer_page(const struct gauge_buffer *b, size_t i)
{
    return &b->pages[(b->oldest + i) % b->limit];
}

void load_metrics_release(struct load_metrics *m)
{
    gauge_page_release(&m->recent);
    gauge_page_release(&m->averaged);
    free(m->n_seen);
    *m = (struct load_metrics){0};
}

void load_metrics_reset(struct load_metrics *m)
{
    gauge_page_reset(&m->recent);
    gauge_page_reset(&m->averaged);
    for (int g = 0; g < N_GAUGES; g++)
        m->cluster[g] = NAN;
}

bool gauge_buffer_has(const struct gauge_buffer *b, enum worker_type type)
{
    for (size_t p = 0; p < b->n; p++) {
        const struct gauge_page *page = gauge_buffer_page(b, p);
        for (size_t i = 0; i < page->n; i++) {
            if (page->workers[i].type == type)
                return true;
        }
    }
    return false;
}

static bool reserve_counts(struct load_metrics *m)
{
    size_t need = m->averaged.n * N_GAUGES;
    return !ARRAY_RESERVE(m->n_seen, 0, m->n_seen_capacity, need, "workers", NULL);
}

/* Adds one occurrence of a worker to its row; new rows start without any. */
static bool add_occurrence(struct load_metrics *m, const struct worker_sample *w)
{
    size_t n_before = m->averaged.n;
    struct worker_sample *row = gauge_page_worker(&m->averaged, w->type, w->worker_id);

    if (!row || !reserve_counts(m))
        return false;
    uint32_t *n_seen = &m->n_seen[(size_t)(row - m->averaged.workers) * N_GAUGES];
    for (int g = 0; g < N_GAUGES; g++) {
        if (m->averaged.n > n_before)
            n_seen[g] = 0;
        if (isnan(w->gauge[g]))
            continue;
        row->gauge[g] = n_seen[g] ? row->gauge[g] + w->gauge[g] : w->gauge[g];
        n_seen[g]++;
    }
    return true;
}

static bool add_page(struct load_metrics *m, const struct gauge_page *page, enum worker_type type,
                     bool last)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct worker_sample *w = &page->workers[i];
        if (w->type != type)
            continue;
        if (!add_occurrence(m, w))
            return false;
        if (!last)
            continue;
        struct worker_sample *row = page_append(&m->recent);
        if (!row)
            return false;
        *row = *w;
    }
    return true;
}

/* From sums to means. */
static void finish_averages(struct load_metrics *m)
{
    for (int g = 0; g < N_GAUGES; g++) {
        double sum = 0, n = 0;
        for (size_t i = 0; i < m->averaged.n; i++) {
            uint32_t n_seen = m->n_seen[i * N_GAUGES + (size_t)g];
            if (n_seen == 0)
                continue;
            sum += m->averaged.workers[i].gauge[g];
            n += n_seen;
            m->averaged.workers[i].gauge[g] /= n_seen;
        }
        m->cluster[g] = n > 0 ? sum / n : NAN;
    }
}

enum status gauge_buffer_summarise(const struct gauge_buffer *b, enum worker_type type,
                                   struct load_metrics *m, struct diag *d)
{
    load_metrics_reset(m);
    for (size_t p = 0; p < b->n; p++) {
        if (!add_page(m, gauge_buffer_page(b, p), type, p + 1 == b->n)) {
            load_metrics_reset(m);
            return diag_nomem(d, "gauges");
        }
    }
    finish_averages(m);
    return ST_OK;
}
