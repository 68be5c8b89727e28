/* Per-worker gauges as a router publishes them: one page per scrape, the last pages in a buffer,
 * and the averages the load rules use. (Dynamo planner 1.0.2, `prometheus.py`.) */
#ifndef PLANNER_DYNAMO1_GAUGES_H
#define PLANNER_DYNAMO1_GAUGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

enum gauge {
    GAUGE_PREFILL_TOKENS, /* active prefill tokens */
    GAUGE_DECODE_BLOCKS,  /* active decode blocks */
    GAUGE_TTFT_S,         /* last time to first token */
    GAUGE_ISL_TOK,        /* last input length */
    GAUGE_ITL_S,          /* last inter-token latency */
    N_GAUGES
};
extern const char *const gauge_names[N_GAUGES]; /* Prometheus names */

/* The worker_type label; workers of an aggregated deployment say decode. */
enum worker_type { WORKER_PREFILL, WORKER_DECODE, N_WORKER_TYPES };

struct worker_sample {
    uint64_t worker_id;
    enum worker_type type;
    double gauge[N_GAUGES]; /* NaN = absent */
};

/* One gauge where it is needed as a number: absent counts as 0. */
double sample_gauge(const struct worker_sample *w, enum gauge g);

/* Workers in order of first appearance. The zero value is an empty page. */
struct gauge_page {
    size_t n, capacity;
    size_t
        expected; /* where the next worker asked for is looked for first: pages keep their order */
    struct worker_sample *workers;
};
void gauge_page_release(struct gauge_page *page);
/* Empties the page, keeping its memory. */
void gauge_page_reset(struct gauge_page *page);
/* Sets one gauge of a worker; the last value wins. false: out of memory. */
bool gauge_page_set(struct gauge_page *page, enum worker_type type, uint64_t worker_id,
                    enum gauge g, double value);
/* The worker's row, added without gauges when it is new. NULL: out of memory. */
struct worker_sample *gauge_page_worker(struct gauge_page *page, enum worker_type type,
                                        uint64_t worker_id);

/* Adds what a page in Prometheus' text format says. Other metrics, other worker types and lines
 * that cannot be read are passed over. false: out of memory. */
bool gauge_page_parse(struct gauge_page *page, const char *text);

/* The last pages. */
struct gauge_buffer {
    size_t limit; /* >= 1 */
    size_t n, oldest;
    struct gauge_page *pages; /* `limit`, used as a ring */
};
bool gauge_buffer_init(struct gauge_buffer *b, size_t limit); /* false: out of memory */
void gauge_buffer_release(struct gauge_buffer *b);
/* Takes the page's contents and leaves it empty. A page without a worker is passed over, unless
 * keep_empty. */
void gauge_buffer_push(struct gauge_buffer *b, struct gauge_page *page, bool keep_empty);
const struct gauge_page *gauge_buffer_page(const struct gauge_buffer *b, size_t i); /* 0 = oldest */

/* What the buffer says about one worker type. The zero value says nothing. */
struct load_metrics {
    struct gauge_page recent;   /* workers of the last page */
    struct gauge_page averaged; /* per worker and gauge, over the pages in which it appears */
    double cluster[N_GAUGES];   /* over all occurrences; NaN = none */
    uint32_t *n_seen;           /* scratch: occurrences by averaged worker and gauge */
    size_t n_seen_capacity;
};
void load_metrics_release(struct load_metrics *m);
void load_metrics_reset(struct load_metrics *m);
/* Is a worker of the type in any page? */
bool gauge_buffer_has(const struct gauge_buffer *b, enum worker_type type);
/* ST_NOMEM: *m says nothing then. */
enum status gauge_buffer_summarise(const struct gauge_buffer *b, enum worker_type type,
                                   struct load_metrics *m, struct diag *d);

#endif
