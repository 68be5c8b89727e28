/* The offline replay of the planner on forward-pass metrics: many records per tick, a cache of the
 * last ones, targets that are pending until the workers are there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/fpm/record_cache.h"
#include "tests/conformance/golden_fpm.h"

enum { WHERE_SIZE = 160 };

static const char *const side_names[] = {[SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

struct replay {
    struct arena arena;
    struct fpm_config config;
    struct fpm_core core;
    struct record_cache caches[N_SIDES];
    double pending[N_SIDES]; /* NaN = none */
    const cJSON *event;      /* the next recorded one */
};

static bool start(struct replay *r, const cJSON *kase)
{
    const cJSON *row, *limits = golden_get(kase, "capabilities");
    struct diag d;

    diag_init(&d);
    *r = (struct replay){.pending = {NAN, NAN}};
    arena_init(&r->arena);
    if (!golden_fpm_config(golden_get(kase, "config"), FPM_1_2_1, &r->config) ||
        fpm_core_init(&r->core, &r->arena, &r->config, 0, &d))
        return false;
    for (int side = 0; side < N_SIDES; side++)
        r->core.limits[side] = golden_fpm_limits(golden_get(limits, side_names[side]));
    cJSON_ArrayForEach(row, golden_get(kase, "warmup"))
    {
        fpm_core_warm(&r->core, golden_element(row, 0), golden_element(row, 1),
                      golden_element(row, 2));
    }
    fpm_core_warm_end(&r->core);
    r->event = golden_get(kase, "scaling_events")->child;
    return true;
}

static void end(struct replay *r)
{
    for (int side = 0; side < N_SIDES; side++)
        record_cache_release(&r->caches[side]);
    fpm_core_release(&r->core);
    arena_release(&r->arena);
}

/* One component's window: all but each worker's last are learned, the last are what the tick sees.
 */
static void read_side(struct replay *r, enum planner_side side, const cJSON *tick,
                      struct fpm_input *input)
{
    const cJSON *row, *rows = golden_get(tick, side_names[side]);
    size_t n = 0, n_rows = (size_t)cJSON_GetArraySize(rows);
    struct fpm_record *window = calloc(n_rows + 1, sizeof *window);

    if (!window)
        return;
    cJSON_ArrayForEach(row, rows)
    {
        window[n] = golden_fpm_record(row, 1, true);
        window[n++].worker_id = (uint32_t)golden_element(row, 0);
    }
    for (size_t i = 0; i < n; i++) {
        if (record_is_passed(n, window, i) && window[i].wall_s > 0)
            fpm_core_learn(&r->core, side, &window[i]);
    }
    (void)record_cache_update(&r->caches[side], n, window, (size_t)input->ready[side]);
    input->n_records[side] = r->caches[side].n;
    input->records[side] = r->caches[side].records;
    free(window);
}

static void compare_event(struct replay *r, struct verdict *v, const char *where, double now_s,
                          enum planner_side side, double from, double to)
{
    if (!r->event) {
        golden_fail(v, where);
        return;
    }
    golden_equal(v, where, now_s, golden_element(r->event, 0));
    const char *name = r->core.mode == MODE_AGG ? "agg" : side_names[side];
    golden_equal(v, where, strcmp(name, cJSON_GetArrayItem(r->event, 1)->valuestring), 0);
    golden_equal(v, where, from, golden_element(r->event, 2));
    golden_equal(v, where, to, golden_element(r->event, 3));
    r->event = r->event->next;
}

/* A decision that differs from what is active is applied, and pending until it is there. */
static void apply(struct replay *r, struct verdict *v, const char *where,
                  const struct fpm_input *input, const struct fpm_output *out, const cJSON *want)
{
    double target[N_SIDES];
    bool change = false;

    for (int side = 0; side < N_SIDES; side++) {
        double active = input->ready[side];
        if (r->pending[side] == active)
            r->pending[side] = NAN;
        target[side] = out->scale && out->target[side] >= 0 ? (double)out->target[side] : active;
        change |= target[side] != active;
    }
    golden_equal(v, where, change, want && !cJSON_IsNull(want));
    for (int side = 0; side < N_SIDES && change; side++) {
        golden_equal(v, where, target[side], golden_element(want, side));
        if (target[side] == input->ready[side])
            continue;
        r->pending[side] = target[side];
        compare_event(r, v, where, input->now_s, (enum planner_side)side, input->ready[side],
                      target[side]);
    }
}

static void run_tick(struct replay *r, struct verdict *v, const char *id, const cJSON *tick)
{
    const cJSON *active = golden_get(tick, "active"), *traffic = golden_get(tick, "traffic");
    struct fpm_input input = {.now_s = golden_at(tick, "to_ms") / 1000, .has_counts = true};
    struct fpm_traffic window = golden_fpm_traffic(traffic);
    struct fpm_output out;
    char where[WHERE_SIZE];

    snprintf(where, sizeof where, "%s at %g", id, input.now_s);
    golden_equal(v, where, r->core.due.at_s, input.now_s);
    if (window.duration_s > 0)
        input.traffic = &window;
    input.has_records = r->core.due.load;
    for (int side = 0; side < N_SIDES; side++) {
        input.ready[side] = golden_element(active, side);
        input.expected[side] = isnan(r->pending[side]) ? input.ready[side] : r->pending[side];
        read_side(r, (enum planner_side)side, tick, &input);
    }
    if (fpm_core_tick(&r->core, &input, &out))
        golden_fail(v, where);
    apply(r, v, where, &input, &out, golden_get(tick, "apply"));
    out.scale = false;
    golden_fpm_outcome(v, where, &r->core, &out, golden_get(tick, "out"), NULL);
}

static void run_replays(const cJSON *file, struct verdict *v)
{
    const cJSON *kase, *tick;
    struct replay r;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        if (start(&r, kase)) {
            cJSON_ArrayForEach(tick, golden_get(kase, "ticks"))
            {
                run_tick(&r, v, golden_text(kase, "id"), tick);
            }
            golden_equal(v, "events left", r.event != NULL, 0);
        } else {
            golden_fail(v, golden_text(kase, "id"));
        }
        end(&r);
    }
    golden_judge(v, "decisions, reasons, bounds and events exact; estimates and rates 1e-7");
}

const struct family family_fpm_replay[] = {
    {"fpm_replay", "offline replay", run_replays},
    {NULL, NULL, NULL},
};
