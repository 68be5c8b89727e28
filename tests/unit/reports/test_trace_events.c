/* The file, line by line, of a run made by hand: a prompt on a prefill worker, then decode steps,
 * of which the first ends before it is told of. */
#include "test_report_fixture.h"

#include "reports/trace_events/trace_events.h"

static struct diag d;

static struct trace_events *begin_in(const char *dir, int64_t from_ns, int64_t to_ns)
{
    const struct trace_events_options options = {dir, "run.json", false, from_ns, to_ns};
    struct trace_events *t;

    diag_init(&d);
    cr_assert_eq(trace_events_open(&t, &options, &d), ST_OK, "%s", d.text);
    cr_assert_eq(trace_events_begin(t, &run_info, 1, &d), ST_OK, "%s", d.text);
    return t;
}

static void tell(const struct observer *o, int64_t at_ms, enum event_kind kind, size_t pool,
                 uint32_t worker)
{
    const struct event_record e = {MS(at_ms), kind, 3, pool, worker, NO_NODE, 0};
    cr_assert_eq(o->event(o->context, &e, &d), ST_OK);
}

static void step(const struct observer *o, size_t pool, int64_t from_ms, int64_t to_ms,
                 uint32_t n_decode, uint32_t n_chunks)
{
    const struct step_record s = {
        .pool = pool,
        .start_ns = MS(from_ms) - (pool == 0),
        .end_ns = MS(to_ms),
        .n_steps = n_decode ? (uint32_t)(to_ms - from_ms) / 10 : 1,
        .n_decode = n_decode,
        .n_chunks = n_chunks,
        .prompt_tok = 50 * n_chunks,
    };
    cr_assert_eq(o->step(o->context, &s, &d), ST_OK);
}

static void one_request(const struct observer *o)
{
    tell(o, 1000, EVENT_ARRIVE, SIZE_MAX, NO_WORKER);
    tell(o, 1000, EVENT_ROUTE, 0, 0);
    tell(o, 1020, EVENT_ADMIT, 0, 0);
    step(o, 0, 1020, 1100, 0, 2);
    tell(o, 1100, EVENT_PREFILL_DONE, 0, 0);
    tell(o, 1100, EVENT_ROUTE, 1, 0);
    tell(o, 1100, EVENT_TRANSFER_START, 1, 0);
    tell(o, 1110, EVENT_TRANSFER_DONE, 1, 0);
    tell(o, 1110, EVENT_ADMIT, 1, 0);
    tell(o, 1120, EVENT_FIRST_TOKEN, 1, 0);
    step(o, 1, 1110, 1120, 1, 0);
    step(o, 1, 1120, 1150, 1, 0);
    step(o, 1, 1150, 1180, 1, 0); /* goes on as the one before */
    tell(o, 1180, EVENT_FINISH, 1, 0);
    struct request_record r = completed(3, 1000, 100, 7, 1120, 1130, 1180);
    cr_assert_eq(o->request(o->context, &r, &d), ST_OK);
    const struct worker_record w = {0, 1, 0,     2, 0, 0, 0, MS(1170), MS(1180), WORKER_END_DRAINED,
                                    1, 0, MS(70)};
    cr_assert_eq(o->worker(o->context, &w, &d), ST_OK);
}

/* What follows the names of the processes. */
static char *events_of(const char *dir, int64_t from_ns, int64_t to_ns)
{
    static const char last_name[] = "{\"name\": \"requests\"}}\n",
                      head[] = "{\"displayTimeUnit\": \"ms\", \"otherData\": {\"scenario\": "
                               "\"by-hand\", ";
    struct trace_events *t = begin_in(dir, from_ns, to_ns);
    const struct observer o = trace_events_observer(t);

    one_request(&o);
    cr_assert_eq(access(path_in(dir, "run.json"), F_OK), -1);
    cr_assert_eq(trace_events_finish(t, &d), ST_OK, "%s", d.text);
    trace_events_free(t);
    cr_assert_eq(count_files(dir), 1);
    char *text = read_text(dir, "run.json"), *from = strstr(text, last_name);
    cr_assert_eq(strncmp(text, head, strlen(head)), 0, "%s", text);
    cr_assert_not_null(from, "%s", text);
    from = strchr(from + sizeof last_name, '\n') + 1;
    memmove(text, from, strlen(from) + 1);
    return text;
}

#define REQUEST(phase, name, at)                                                                   \
    ",{\"ph\": \"" phase "\", \"name\": \"" name "\", \"pid\": 4, \"tid\": 1, \"cat\": "           \
    "\"request\", \"id2\": {\"local\": \"3\"}, \"ts\": " at
#define WHERE(pool) ", \"args\": {\"request\": 3, \"pool\": \"" pool "\", \"worker\": 0}}\n"
#define TRACK(pid, tid, name)                                                                      \
    ",{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": " pid ", \"tid\": " tid                  \
    ", \"args\": {\"name\": \"" name "\"}}\n"                                                      \
    ",{\"ph\": \"M\", \"name\": \"thread_sort_index\", \"pid\": " pid ", \"tid\": " tid            \
    ", \"args\": {\"sort_index\": " tid "}}\n"
#define STEP(name, pid, at, dur, args)                                                             \
    ",{\"ph\": \"X\", \"name\": \"" name "\", \"pid\": " pid                                       \
    ", \"tid\": 101, \"cat\": \"step\", \"ts\": " at ", \"dur\": " dur ", \"args\": {" args "}}\n"

#define FLOW(phase, pid, more, at)                                                                 \
    ",{\"ph\": \"" phase "\", \"name\": \"kv\", \"pid\": " pid                                     \
    ", \"tid\": 101, \"cat\": \"transfer\", \"id\": 0" more ", \"ts\": " at "}\n"
#define LIFE(name, at, dur)                                                                        \
    ",{\"ph\": \"X\", \"name\": \"" name                                                           \
    "\", \"pid\": 3, \"tid\": 100, \"cat\": \"life\", \"ts\": " at ", \"dur\": " dur               \
    ", \"args\": {\"requests_finished\": 1, \"requests_lost\": 0, \"node\": 2, \"end\": "          \
    "\"drained\"}}\n"

Test(trace_events, a_request_its_steps_and_the_flow_between_them)
{
    char *dir = new_dir(), *text = events_of(dir, 0, INT64_MAX);

    const char *const expected[] = {
        REQUEST("b", "request", "1000000") ", \"args\": {\"request\": 3}}\n",
        REQUEST("b", "queue", "1000000") WHERE("prefill"),
        REQUEST("e", "queue", "1020000") "}\n",
        REQUEST("b", "prefill", "1020000") WHERE("prefill"),
        REQUEST("e", "prefill", "1100000") "}\n",
        TRACK("2", "101", "worker 0"),
        STEP("prefill", "2", "1019999.999", "80000.001",
             "\"steps\": 1, \"n_decode\": 0, \"prompt_tokens\": 100, \"chunks\": 2"),
        REQUEST("b", "transfer", "1100000") WHERE("decode"),
        REQUEST("e", "transfer", "1110000") "}\n",
        TRACK("3", "101", "worker 0"),
        STEP("decode", "3", "1110000", "10000",
             "\"steps\": 1, \"n_decode\": 1, \"prompt_tokens\": 0, \"chunks\": 0"),
        FLOW("s", "2", "", "1019999.999"),
        FLOW("f", "3", ", \"bp\": \"e\"", "1119999.999"),
        REQUEST("b", "decode", "1110000") WHERE("decode"),
        REQUEST("e", "decode", "1180000") "}\n",
        REQUEST("e", "request", "1180000"),
        ", \"args\": {\"input_tokens\": 100, \"output_tokens\": 7, \"cached_tokens\": 0, "
        "\"attempts\": 1, \"preemptions\": 0, \"outcome\": \"completed\"}}\n",
        STEP("decode", "3", "1120000", "60000",
             "\"steps\": 6, \"n_decode\": 1, \"prompt_tokens\": 0, \"chunks\": 0"),
        TRACK("3", "100", "worker 0 life"),
        LIFE("serving", "0", "1170000"),
        LIFE("draining", "1170000", "10000"),
        "]}\n",
    };
    const char *at = text;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert_eq(strncmp(at, expected[i], strlen(expected[i])), 0, "%s where\n%s is to be", at,
                     expected[i]);
        at += strlen(expected[i]);
    }
    cr_assert_eq(*at, '\0');
    free(text);
    remove_dir(dir);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, word)); at++)
        n++;
    return n;
}

Test(trace_events, what_overlaps_the_span_is_written_whole)
{
    char *dir = new_dir(), *text = events_of(dir, MS(1130), MS(1140));

    cr_assert_eq(count(text, "\"cat\": \"step\""), 1, "%s", text);
    cr_assert_eq(count(text, "\"ph\": \"b\""), 2, "request and decode\n%s", text);
    cr_assert_eq(count(text, "\"ph\": \"e\""), 2);
    cr_assert_eq(count(text, "\"ts\": 1000000, \"args\": {\"request\": 3}"), 1);
    cr_assert_eq(count(text, "\"ph\": \"s\"") + count(text, "\"ph\": \"f\""), 0);
    cr_assert_eq(count(text, "serving"), 1);
    cr_assert_eq(count(text, "draining"), 0);
    free(text);
    remove_dir(dir);
}

Test(trace_events, decisions_and_counters)
{
    char *dir = new_dir();
    struct trace_events *t = begin_in(dir, 0, 50 * NS_PER_S);
    const struct observer o = trace_events_observer(t);

    feed_decisions(&o);
    struct sample_record sample = {.pool_name = "prefill", .target = 2, .ready = 1, .starting = 1};
    cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    sample.pool = 1;
    cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    sample = (struct sample_record){.at_ns = 10 * NS_PER_S,
                                    .n_waiting = 1.5,
                                    .n_running = 2,
                                    .kv_utilization = 0.25,
                                    .traffic = {.length_s = 10, .n_arrived = 5}};
    cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    cr_assert_eq(trace_events_finish(t, &d), ST_OK);
    trace_events_free(t);
    char *text = read_text(dir, "run.json");
    cr_assert_eq(count(text, "\"name\": \"scale\""), 3, "%s", text); /* at 90 s and later: not */
    cr_assert_eq(count(text, "\"prefill\": {\"target\": 3, \"new_target\": 2, "), 1, "%s", text);
    cr_assert_eq(count(text, "\"name\": \"workers\", \"pid\": 3, \"ts\": 0, \"args\": {\"target\": "
                             "2, \"ready\": 1, \"starting\": 1, \"draining\": 0}"),
                 1);
    /* Means stand where their time begins. */
    cr_assert_eq(count(text,
                       "\"name\": \"requests\", \"pid\": 2, \"ts\": 0, \"args\": {\"waiting\": "
                       "1.5, \"running\": 2}"),
                 1);
    cr_assert_eq(count(text, "\"ts\": 0, \"args\": {\"requests per s\": 0.5}"), 1);
    cr_assert_eq(count(text, "\"ts\": 10000000, \"args\": {\"in use\": 0.25}"), 1);
    free(text);
    remove_dir(dir);
}

Test(trace_events, a_run_that_ends_early_leaves_no_file_and_none_is_replaced)
{
    char *dir = new_dir();
    struct trace_events *t = begin_in(dir, 0, INT64_MAX);
    const struct trace_events_options options = {dir, "run.json", false, 0, INT64_MAX};

    trace_events_free(t);
    cr_assert_eq(count_files(dir), 0);
    FILE *f = fopen(path_in(dir, "run.json"), "w");
    fclose(f);
    cr_assert_eq(trace_events_open(&t, &options, &d), ST_INPUT);
    cr_assert_null(t);
    cr_assert_eq(count_files(dir), 1);
    trace_events_free(NULL);
    remove_dir(dir);
}
