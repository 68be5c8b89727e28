/* One hand-made run: seven measured requests, one of each kind that counts differently, and one of
 * the warm-up.
 *
 * SLA: TTFT 1000 ms, TPOT 50 ms. The measured span is 10 s to 110 s. */
#ifndef TEST_REPORT_FIXTURE_H
#define TEST_REPORT_FIXTURE_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/recorder.h"
#include "reports/summary.h"
#include "util/units.h"

#define MS(x) ((int64_t)(x)*NS_PER_MS)

static const struct run_info run_info = {
    .scenario = "by-hand",
    .seed = 7,
    .version = "0.1.0",
    .ttft_target_ns = MS(1000),
    .tpot_target_ns = MS(50),
    .window_ns = MS(2500),
    .measured_from_ns = MS(10000),
    .flap_ns = MS(20000),
    .n_pools = 2,
    .pool_names = {"prefill", "decode"},
    .gpus_per_worker = {1, 2},
    .policy = "planner",
    .predictor = "constant",
    .currency = "USD",
    .price_per_gpu_hour = {2, 3},
    .trace = "traces/data/by-hand.jsonl",
    .profiles = {"h200_sxm/vllm/Llama-3.1-8B-FP8/TP1", "h200_sxm/vllm/Llama-3.1-8B-FP8/TP2"},
};

/* A completed request on worker 0 of both pools. Times in ms; second_ms < 0: it has one token. */
static inline struct request_record completed(uint64_t index, int64_t arrival_ms, uint32_t isl,
                                              uint32_t osl, int64_t first_ms, int64_t second_ms,
                                              int64_t last_ms)
{
    return (struct request_record){
        .index = index,
        .measured = true,
        .outcome = OUTCOME_COMPLETED,
        .isl_tok = isl,
        .osl_tok = osl,
        .n_output_tok = osl,
        .n_attempts = 1,
        .arrival_ns = MS(arrival_ms),
        .scheduled_ns = MS(arrival_ms),
        .prefill_done_ns = MS(first_ms),
        .first_token_ns = MS(first_ms),
        .second_token_ns = second_ms < 0 ? -1 : MS(second_ms),
        .last_token_ns = MS(last_ms),
        .end_ns = MS(last_ms),
    };
}

/* Ended before any token came out. */
static inline struct request_record ended(uint64_t index, int64_t arrival_ms, enum outcome outcome,
                                          uint32_t n_attempts)
{
    return (struct request_record){
        .index = index,
        .measured = true,
        .outcome = outcome,
        .isl_tok = 500,
        .osl_tok = 9,
        .n_attempts = n_attempts,
        .prefill_worker = NO_WORKER,
        .worker = NO_WORKER,
        .arrival_ns = MS(arrival_ms),
        .scheduled_ns = -1,
        .prefill_done_ns = -1,
        .first_token_ns = -1,
        .second_token_ns = -1,
        .last_token_ns = -1,
        .end_ns = MS(arrival_ms),
    };
}

static inline size_t hand_made(struct request_record out[8])
{
    out[0] = completed(0, 5000, 9999, 9999, 5100, 5200, 90000);
    out[0].measured = false;
    out[1] = completed(1, 10000, 100, 5, 10500, 10540, 10660);
    out[2] = completed(2, 11000, 200, 1, 12000, -1, 12000); /* TTFT exactly on target, no TPOT */
    out[3] = completed(3, 12000, 300, 3, 12100, 12160, 12200);
    out[3].last_token_ns++; /* TPOT half a nanosecond above target */
    out[4] = completed(4, 13000, 400, 11, 15000, 15010, 15100); /* TTFT twice the target */
    out[4].n_attempts = 2;
    out[4].n_preemptions = 1;
    out[4].cached_tok = 128;
    out[4].prefill_worker = 12;
    out[4].worker = 345;
    out[5] = ended(5, 14000, OUTCOME_LOST, 1);
    out[5].first_token_ns = MS(14100);
    out[5].n_output_tok = 1;
    out[6] = ended(6, 15000, OUTCOME_REJECTED, 1);
    out[7] = ended(7, 16000, OUTCOME_UNFINISHED, 3);
    return 8;
}

static inline void feed(const struct observer *o)
{
    struct request_record records[8];
    size_t n = hand_made(records);
    struct diag d;

    diag_init(&d);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(o->request(o->context, &records[i], &d), ST_OK, "%s", d.text);
    const struct window_record windows[] = {
        /* Mean TTFT and ITL on target; no gaps; nobody who waits. */
        {0, 1, {.ttft_sum_s = 2.0, .n_ttft = 2, .itl_sum_s = 0.5, .n_itl = 10}, 2, 2, 0},
        {0, 1, {.ttft_sum_s = 0.1, .n_ttft = 1}, 1, 1, 0},
        {0, 1, {.itl_sum_s = 0.5, .n_itl = 10}, 0, 0, 0},
        /* TTFT above; nothing came; nothing came but tokens of those that had one. */
        {0, MS(1000), {.ttft_sum_s = 2.1, .n_ttft = 2, .itl_sum_s = 0.1, .n_itl = 10}, 2, 2, 0},
        {MS(1000), MS(2000), {.n_arrived = 7}, 7, 0, 0},
        {MS(3000), MS(4500), {.itl_sum_s = 0.5, .n_itl = 10}, 1, 0, 0},
        /* No traffic; a first token, told of where the request completes: nothing to judge. */
        {.start_ns = 0, .end_ns = 1},
        {0, 1, {.n_arrived = 1}, 1, 1, 0},
    };
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        cr_assert_eq(o->window(o->context, &windows[i], &d), ST_OK);
    for (int i = 0; i < 4; i++) {
        struct sample_record sample = {
            .at_ns = NS_PER_S * (10 + 20 * i),
            .pool = 0,
            .pool_name = "prefill",
            .target = 2,
            .ready = 2,
            .n_waiting = 3,
            .n_running = 4,
            .kv_utilization = 0.125,
            .traffic = {.length_s = 20, .n_arrived = 10 * i, .ttft_sum_s = 0.3, .n_ttft = i},
        };
        cr_assert_eq(o->sample(o->context, &sample, &d), ST_OK);
        sample.pool = 1;
        sample.pool_name = "decode";
        sample.ready = 1 + i;
        sample.starting = 1;
        sample.pending = i == 0;
        sample.draining = 1;
        cr_assert_eq(o->sample(o->context, &sample, &d), ST_OK);
    }
}

/* Decode goes up, down 20 s later (a flap), up after a minute and on; prefill goes down. */
static inline void feed_decisions(const struct observer *o)
{
    static const struct {
        int at_s, prefill[2], decode[2];
    } targets[] = {{10, {3, 3}, {2, 4}}, {30, {3, 3}, {4, 3}}, {40, {3, 2}, {3, 3}},
                   {90, {2, 2}, {3, 5}}, {95, {2, 2}, {5, 6}}, {99, {2, 2}, {6, 1}}};
    struct diag d;

    diag_init(&d);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct policy_effects effects;
        policy_effects_clear(&effects, 2);
        effects.scale = i < 5; /* the last one was not applied */
        effects.target[0] = targets[i].prefill[1];
        effects.target[1] = targets[i].decode[1];
        struct decision_record record = {.at_ns = targets[i].at_s * NS_PER_S,
                                         .number = i,
                                         .n_pools = 2,
                                         .pool_names = {"prefill", "decode"},
                                         .effects = &effects};
        record.counts[0].target = targets[i].prefill[0];
        record.counts[1].target = targets[i].decode[0];
        cr_assert_eq(o->decision(o->context, &record, &d), ST_OK);
    }
}

/* Too large for the stack. Freed by the caller. */
static inline struct run_result *hand_made_result(void)
{
    struct run_result *r = calloc(1, sizeof *r);

    r->measured_from_ns = 10 * NS_PER_S;
    r->end_ns = 110 * NS_PER_S;
    r->pools[0] = (struct pool_result){
        .gpu_s = {0, 36, 54, 10}, .peak_workers = 3, .n_up = 1, .peak_kv_utilization = 0.5};
    r->pools[1] = (struct pool_result){.gpu_s = {36, 72, 144, 8},
                                       .wasted_gpu_s = 18,
                                       .peak_workers = 5,
                                       .n_up = 3,
                                       .n_down = 2,
                                       .n_failed_starts = 2,
                                       .n_lost_nodes = 3,
                                       .n_preemptions = 5,
                                       .peak_kv_utilization = 0.875};
    r->peak_workers = 6;
    r->peak_gpus = 9;
    r->peak_pending = 2;
    r->n_node_failures = 1;
    r->n_reclaims = 4;
    r->n_decisions = 4;
    r->n_scale_events = 6;
    r->n_events = 123456;
    r->prompt_tok = 1000;
    r->cached_tok = 128;
    histogram_add(&r->itl, MS(40), 4);
    histogram_add(&r->itl, MS(10), 10);
    return r;
}

static inline void feed_workers(const struct observer *o)
{
    static const struct worker_record workers[] = {
        {0, 1, 3, NO_NODE, MS(12000), -1, -1, -1, MS(13000), WORKER_END_CANCELLED, 0, 0, 0},
        {0, 1, 1, 4, MS(10000), MS(11000), MS(61000), MS(90000), MS(110000), WORKER_END_KILLED, 7,
         2, MS(40000) + 1},
        {0, 0, 0, 0, 0, 0, 0, -1, MS(110000), WORKER_END_RUN, 8, 0, MS(100)},
    };
    struct diag d;

    diag_init(&d);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
        cr_assert_eq(o->worker(o->context, &workers[i], &d), ST_OK);
}

static const struct run_performance performance = {
    .wall_s = 0.25, .cpu_s = 0.5, .peak_rss_mib = 24};

/* The recorder of the hand-made run and its summary. Freed with recorder_free. */
static inline struct recorder *run_by_hand(const struct recorder_options *options,
                                           struct summary *summary)
{
    struct recorder *recorder;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, options, &d), ST_OK, "%s", d.text);
    struct observer o = recorder_observer(recorder);
    feed(&o);
    feed_decisions(&o);
    feed_workers(&o);
    struct run_result *result = hand_made_result();
    cr_assert_eq(summary_compute(summary, recorder, result, 0x12ab, &performance, &d), ST_OK);
    free(result);
    return recorder;
}

/* A new, empty directory. The name is freed by remove_dir. */
static inline char *new_dir(void)
{
    char *dir = strdup("/tmp/headroom-reports-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    return dir;
}

static inline const char *path_in(const char *dir, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static inline size_t count_files(const char *dir)
{
    size_t n = 0;
    DIR *open = opendir(dir);

    for (const struct dirent *e = readdir(open); e; e = readdir(open))
        n += e->d_name[0] != '.';
    closedir(open);
    return n;
}

static inline void remove_dir(char *dir)
{
    DIR *open = opendir(dir);

    for (const struct dirent *e = readdir(open); e; e = readdir(open)) {
        if (e->d_name[0] != '.')
            unlink(path_in(dir, e->d_name));
    }
    closedir(open);
    rmdir(dir);
    free(dir);
}

/* Freed by the caller; NULL when there is no such file. */
static inline char *read_text(const char *dir, const char *name)
{
    FILE *f = fopen(path_in(dir, name), "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 16);
    size_t n = fread(text, 1, (1 << 16) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

#endif
