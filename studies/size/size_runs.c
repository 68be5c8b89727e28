#include "studies/size/size_internal.h"

enum { RUNS_LEFT = 6 /* of a search, for the progress line */ };

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct sizing *z = context;

    (void)index, (void)row;
    z->n_done++;
    if (z->options->progress)
        z->options->progress(z->options->context, z->n_done, z->n_done + z->n_open * RUNS_LEFT);
    return true;
}

static bool count_one(void *context, size_t index, const struct study_row *row)
{
    struct sizing *z = context;

    (void)index, (void)row;
    z->n_done++;
    z->n_open--;
    if (z->options->progress)
        z->options->progress(z->options->context, z->n_done, z->n_done + z->n_open);
    return true;
}

/* Without variants; `keys` has room for all figures. */
static struct study_options study_of(struct sizing *z, const char **keys)
{
    static const char *const figures[N_SIZE_FIGURES] = {
        [SIZE_ATTAINMENT] = "attainment.overall",
        [SIZE_GPU_HOURS] = "gpu_hours.total",
        [SIZE_BUSY] = "gpu_hours.busy",
        [SIZE_MISSED_TTFT] = "requests.missed_ttft",
        [SIZE_MISSED_TPOT] = "requests.missed_tpot",
        [SIZE_REJECTED] = "requests.rejected",
        [SIZE_GOOD] = "throughput.goodput_requests_per_s",
        [SIZE_PREEMPTIONS] = "kv.preemptions",
        [SIZE_KV_PEAK] = "kv.peak_utilization",
        [SIZE_OUTPUT_TOK_PER_S] = "throughput.output_tokens_per_s",
        [SIZE_TTFT_MEAN] = "latency_ms.ttft.mean",
        [SIZE_TTFT_P99] = "latency_ms.ttft.p99",
        [SIZE_TTFT_MAX] = "latency_ms.ttft.max",
        [SIZE_TPOT_MEAN] = "latency_ms.tpot.mean",
        [SIZE_TPOT_P99] = "latency_ms.tpot.p99",
        [SIZE_TPOT_MAX] = "latency_ms.tpot.max",
        [SIZE_OFFERED] = "requests.offered",
        [SIZE_UNFINISHED] = "requests.unfinished",
        [SIZE_LOST] = "requests.lost",
        [SIZE_SPAN_S] = "throughput.span_s",
        [SIZE_MEAN_GPUS] = "scaling.mean_gpus",
        [SIZE_PEAK_GPUS] = "scaling.peak_gpus",
    };

    for (size_t i = 0; i < N_SIZE_FIGURES; i++)
        keys[i] = i == SIZE_TARGET ? z->options->target->key : figures[i];
    return (struct study_options){.source = z->options->source,
                                  .n_keys = N_SIZE_FIGURES,
                                  .keys = keys,
                                  .resources = z->options->resources,
                                  .n_threads = z->options->n_threads,
                                  .cancel = z->options->cancel,
                                  .context = z};
}

/* A run of the round, and for whom. */
struct asked {
    struct size_task *task;
    struct size_setting setting;
};

struct round {
    struct sizing *z;
    size_t n;
    struct asked *asked;
    struct study_variant *variants;
};

static enum fleet_state next_of(struct size_task *t)
{
    if (!t->only)
        return fleet_next(t->search, &t->wanted);
    return fleet_trial_of(t->search, t->wanted) ? FLEET_FOUND : FLEET_WANTED;
}

/* Answers from the runs there are, until one is missing: the question to be answered. */
static enum status settle(struct size_question *q, struct size_task *t, struct sizing *z,
                          struct diag *d)
{
    enum status s = ST_OK;

    while (!s && !t->done) {
        struct fleet_trial trial;
        bool known = true;
        t->state = next_of(t);
        t->done = t->state != FLEET_WANTED;
        if (t->done)
            break;
        if (!size_implied(&trial, t)) {
            size_question(q, t, z->options);
            for (size_t i = 0; i < q->n; i++)
                known = known && size_seen(t, &q->runs[i]);
            if (!known)
                break;
            trial = size_judge(t, q, z->options->target);
        }
        s = fleet_tell(t->search, &trial, d);
    }
    return s;
}

/* The runs that are missing. */
static enum status ask(struct round *r, struct size_task *t, struct diag *d)
{
    struct sizing *z = r->z;
    struct size_question q = {.n = 0};
    enum status s = settle(&q, t, z, d);

    z->n_open += !t->done;
    for (size_t i = 0; !t->done && i < q.n && !s; i++) {
        if (size_seen(t, &q.runs[i]))
            continue;
        struct study_variant *variant = &r->variants[r->n];
        r->asked[r->n++] = (struct asked){t, q.runs[i]};
        s = size_variant(variant, z->arena, z->options, t->choice, &q.runs[i], d);
        if (!s && !t->search->whole)
            s = size_goal(&variant->goal, z, t->choice, &q.runs[i], d);
    }
    return s;
}

static enum status take(struct asked *a, struct sizing *z, const struct study_row *row,
                        struct diag *d)
{
    if (row->status == ST_INPUT) {
        a->task->choice->message = row->message;
        a->task->done = true;
        return ST_OK;
    }
    if (row->status)
        return diag_fail(d, row->status, "%s", row->message);
    enum status s =
        size_see(a->task, z->arena, &a->setting, row->figures, row->end == RUN_GAVE_UP, d);
    if (!s && row->end == RUN_WHOLE)
        s = size_learn(z, a->task->choice, &a->setting, row->figures, d);
    return s;
}

/* The runs of a round; none: all is done. */
static enum status ask_all(struct round *r, struct size_task *tasks, size_t n,
                           size_between *between, struct diag *d)
{
    enum status s = ST_OK;
    bool all_done;

    do {
        struct size_question q;
        r->n = r->z->n_open = 0;
        all_done = true;
        for (size_t i = 0; between && i < n && !s; i++)
            s = tasks[i].waits ? ST_OK : settle(&q, &tasks[i], r->z, d);
        if (!s && between)
            s = between(r->z, tasks, n, d);
        for (size_t i = 0; i < n && !s; i++) {
            s = tasks[i].waits ? ST_OK : ask(r, &tasks[i], d);
            all_done = all_done && tasks[i].done;
        }
    } while (!s && r->n == 0 && !all_done);
    return s;
}

enum status size_run_tasks(struct sizing *z, struct size_task *tasks, size_t n,
                           size_between *between, struct diag *d)
{
    const char *keys[N_SIZE_FIGURES];
    struct study_options study = study_of(z, keys);
    size_t most = n * FLEET_MAX_POOLS;
    struct round r = {.z = z,
                      .asked = ARENA_NEW(z->arena, most, struct asked),
                      .variants = ARENA_NEW(z->arena, most, struct study_variant)};
    enum status s = ST_OK;

    if (!r.asked || !r.variants)
        return diag_nomem(d, "runs");
    study.variants = r.variants;
    study.row_done = count_run;
    while (!s) {
        const struct study_row *rows;
        s = ask_all(&r, tasks, n, between, d);
        study.n_variants = r.n;
        if (s || r.n == 0)
            break;
        s = study_run(&rows, z->arena, &study, d);
        for (size_t i = 0; i < r.n && !s; i++)
            s = take(&r.asked[i], z, &rows[i], d);
    }
    return s;
}

enum status size_run_all(struct sizing *z, struct size_run *runs, size_t n, struct diag *d)
{
    const char *keys[N_SIZE_FIGURES];
    struct study_variant *variants = ARENA_NEW(z->arena, n, struct study_variant);
    struct study_options study = study_of(z, keys);
    const struct study_row *rows;
    enum status s = variants ? ST_OK : diag_nomem(d, "runs");

    for (size_t i = 0; i < n && !s; i++)
        s = size_variant(&variants[i], z->arena, z->options, runs[i].choice, &runs[i].setting, d);
    if (s)
        return s;
    z->n_open = n;
    study.n_variants = n;
    study.variants = variants;
    study.row_done = count_one;
    s = study_run(&rows, z->arena, &study, d);
    for (size_t i = 0; i < n && !s; i++) {
        runs[i].message = rows[i].message;
        runs[i].figures = rows[i].figures;
        if (rows[i].status && rows[i].status != ST_INPUT)
            s = diag_fail(d, rows[i].status, "%s", rows[i].message);
    }
    return s;
}

const struct size_setting size_as_it_is = {.more_load = 1, .prompt_factor = 1, .decode_factor = 1};
