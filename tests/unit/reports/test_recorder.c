#include "test_report_fixture.h"

#include <cjson/cJSON.h>

static struct diag d;

static enum status open_in(struct recorder **recorder, const char *dir, bool replace)
{
    struct recorder_options options = {
        .info = &run_info, .out_dir = dir, .want_events = true, .replace = replace};
    diag_init(&d);
    return recorder_open(recorder, &options, &d);
}

static void finish_in(const char *dir, bool want_events)
{
    struct recorder_options options = {
        .info = &run_info, .out_dir = dir, .want_events = want_events, .replace = true};
    struct summary summary;
    struct recorder *recorder = run_by_hand(&options, &summary);

    diag_init(&d);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_OK, "%s", d.text);
    recorder_free(recorder);
}

Test(recorder, requests_csv_to_the_nanosecond)
{
    char *dir = new_dir();
    finish_in(dir, false);
    char *text = read_text(dir, "requests.csv");
    cr_assert_str_eq(
        text,
        "request,arrival_ms,input_tokens,output_tokens,outcome,measured,ttft_ms,ttst_ms,tpot_ms,"
        "e2e_ms,scheduled_ms,prefill_done_ms,first_token_ms,last_token_ms,output_tokens_done,"
        "cached_tokens,attempts,preemptions,prefill_worker,worker,sla_met\n"
        "0,5000,9999,9999,completed,0,100,100,8.491698,85000,5000,5100,5100,90000,9999,0,1,0,0,0,"
        "1\n"
        "1,10000,100,5,completed,1,500,40,40,660,10000,10500,10500,10660,5,0,1,0,0,0,1\n"
        "2,11000,200,1,completed,1,1000,,,1000,11000,12000,12000,12000,1,0,1,0,0,0,1\n"
        "3,12000,300,3,completed,1,100,60,50.000001,200.000001,12000,12100,12100,12200.000001,3,0,"
        "1,0,0,0,0\n"
        "4,13000,400,11,completed,1,2000,10,10,2100,13000,15000,15000,15100,11,128,2,1,12,345,0\n"
        "5,14000,500,9,lost,1,100,,,,,,14100,,1,0,1,0,,,0\n"
        "6,15000,500,9,rejected,1,,,,,,,,,0,0,1,0,,,0\n"
        "7,16000,500,9,unfinished,1,,,,,,,,,0,0,3,0,,,0\n");
    free(text);
    remove_dir(dir);
}

Test(recorder, timeline_csv_has_a_row_per_sample_and_pool)
{
    char *dir = new_dir();
    finish_in(dir, false);
    char *text = read_text(dir, "timeline.csv");
    const char *expected =
        "at_ms,pool,target,ready,starting,pending,draining,waiting,running,kv_utilization,"
        "offered_requests_per_s,completed_requests_per_s,ttft_ms,itl_ms,input_tokens,"
        "output_tokens\n"
        "10000,prefill,2,2,0,0,0,3,4,0.125,0,0,,,,\n"
        "10000,decode,2,1,1,1,1,3,4,0.125,0,0,,,,\n"
        "30000,prefill,2,2,0,0,0,3,4,0.125,0.5,0,300,,,\n"
        "30000,decode,2,2,1,0,1,3,4,0.125,0.5,0,300,,,\n";
    cr_assert_eq(strncmp(text, expected, strlen(expected)), 0, "%s", text);
    free(text);
    remove_dir(dir);
}

Test(recorder, decision_tells_what_was_seen_wanted_and_done)
{
    char *dir = new_dir();
    struct recorder *recorder;
    cr_assert_eq(open_in(&recorder, dir, false), ST_OK);
    struct observer o = recorder_observer(recorder);
    struct policy_effects effects;

    policy_effects_clear(&effects, 2);
    struct decision_record record = {
        .at_ns = 180500 * NS_PER_MS,
        .number = 3,
        .n_pools = 2,
        .pool_names = {"prefill", "decode"},
        .counts = {{2, 2, 0, 0}, {3, 1, 1, 1}},
        .effects = &effects,
    };
    effects.kind = "load";
    strcpy(effects.reason, "no \"traffic\"");
    cr_assert_eq(o.decision(o.context, &record, &d), ST_OK);
    effects.kind = "throughput";
    effects.scale = true;
    effects.target[0] = 4;
    effects.target[1] = 2;
    effects.wanted[0] = 5;
    effects.wanted[1] = 2;
    effects.correction[0] = 1.25;
    effects.seen = (struct policy_forecast){600, 1024, 128};
    effects.predicted = (struct policy_forecast){660, 1000, 130};
    effects.seen_ttft_ms = 450.5;
    effects.seen_itl_ms = 12.5;
    strcpy(effects.reason, "budget");
    record.started[0] = 2;
    record.cancelled[1] = 1;
    cr_assert_eq(o.decision(o.context, &record, &d), ST_OK);

    struct summary summary;
    struct run_result *result = hand_made_result();
    cr_assert_eq(summary_compute(&summary, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_OK);
    char *text = read_text(dir, "decisions.jsonl");
    cr_assert_str_eq(
        text,
        "{\"at_s\": 180.5, \"number\": 3, \"kind\": \"load\", "
        "\"seen\": {\"n_requests\": null, \"isl_tok\": null, \"osl_tok\": null, "
        "\"ttft_ms\": null, \"itl_ms\": null}, "
        "\"predicted\": {\"n_requests\": null, \"isl_tok\": null, \"osl_tok\": null}, "
        "\"pools\": {\"prefill\": {\"target\": 2, \"ready\": 2, \"starting\": 0, \"draining\": 0, "
        "\"correction\": null, \"wanted\": null, \"applied\": {\"target\": null, \"started\": 0, "
        "\"cancelled\": 0, \"drained\": 0, \"terminated\": 0}}, "
        "\"decode\": {\"target\": 3, \"ready\": 1, \"starting\": 1, \"draining\": 1, "
        "\"correction\": null, \"wanted\": null, \"applied\": {\"target\": null, \"started\": 0, "
        "\"cancelled\": 0, \"drained\": 0, \"terminated\": 0}}}, "
        "\"scale\": false, \"reason\": \"no \\\"traffic\\\"\"}\n"
        "{\"at_s\": 180.5, \"number\": 3, \"kind\": \"throughput\", "
        "\"seen\": {\"n_requests\": 600, \"isl_tok\": 1024, \"osl_tok\": 128, "
        "\"ttft_ms\": 450.5, \"itl_ms\": 12.5}, "
        "\"predicted\": {\"n_requests\": 660, \"isl_tok\": 1000, \"osl_tok\": 130}, "
        "\"pools\": {\"prefill\": {\"target\": 2, \"ready\": 2, \"starting\": 0, \"draining\": 0, "
        "\"correction\": 1.25, \"wanted\": 5, \"applied\": {\"target\": 4, \"started\": 2, "
        "\"cancelled\": 0, \"drained\": 0, \"terminated\": 0}}, "
        "\"decode\": {\"target\": 3, \"ready\": 1, \"starting\": 1, \"draining\": 1, "
        "\"correction\": null, \"wanted\": 2, \"applied\": {\"target\": 2, \"started\": 0, "
        "\"cancelled\": 1, \"drained\": 0, \"terminated\": 0}}}, "
        "\"scale\": true, \"reason\": \"budget\"}\n");
    cJSON *parsed = cJSON_Parse(text);
    cr_assert_not_null(parsed);
    cJSON_Delete(parsed);
    free(text);
    free(result);
    recorder_free(recorder);
    remove_dir(dir);
}

Test(recorder, events_say_only_what_they_concern)
{
    char *dir = new_dir();
    struct recorder *recorder;
    cr_assert_eq(open_in(&recorder, dir, false), ST_OK);
    struct observer o = recorder_observer(recorder);
    const struct event_record events[] = {
        {1500000, EVENT_ARRIVE, 17, SIZE_MAX, NO_WORKER, NO_NODE, 0},
        {1500000, EVENT_ROUTE, 17, 1, 3, NO_NODE, 0},
        {2000001, EVENT_WORKER_READY, UINT64_MAX, 0, 4, NO_NODE, 0},
        {2000001, EVENT_WORKER_START, UINT64_MAX, 0, 5, 2, 0},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        cr_assert_eq(o.event(o.context, &events[i], &d), ST_OK);
    struct summary summary;
    struct run_result *result = hand_made_result();
    cr_assert_eq(summary_compute(&summary, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_OK);
    char *text = read_text(dir, "events.jsonl");
    cr_assert_str_eq(
        text, "{\"at_ms\": 1.5, \"event\": \"arrive\", \"request\": 17}\n"
              "{\"at_ms\": 1.5, \"event\": \"route\", \"request\": 17, \"pool\": \"decode\", "
              "\"worker\": 3}\n"
              "{\"at_ms\": 2.000001, \"event\": \"worker_ready\", \"pool\": \"prefill\", "
              "\"worker\": 4}\n"
              "{\"at_ms\": 2.000001, \"event\": \"worker_start\", \"pool\": \"prefill\", "
              "\"worker\": 5, \"node\": 2}\n");
    free(text);
    free(result);
    recorder_free(recorder);
    remove_dir(dir);
}

Test(recorder, workers_csv_has_a_row_per_worker)
{
    char *dir = new_dir();
    finish_in(dir, false);
    char *text = read_text(dir, "workers.csv");
    cr_assert_str_eq(text, "pool,worker,node,wanted_ms,start_ms,ready_ms,drain_ms,end_ms,end,"
                           "requests_finished,requests_lost,busy_ms\n"
                           "decode,3,,12000,,,,13000,cancelled,0,0,0\n"
                           "decode,1,4,10000,11000,61000,90000,110000,killed,7,2,40000.000001\n"
                           "prefill,0,0,0,0,0,,110000,run,8,0,100\n");
    free(text);
    remove_dir(dir);
}

Test(recorder, files_have_their_names_only_when_complete)
{
    static const char *const names[] = {"requests.csv",    "timeline.csv", "workers.csv",
                                        "decisions.jsonl", "windows.csv",  "events.jsonl",
                                        "summary.json"};
    enum { N_NAMES = sizeof names / sizeof *names };
    char *dir = new_dir(), part[64];
    struct recorder_options options = {.info = &run_info, .out_dir = dir, .want_events = true};
    struct summary summary;
    struct recorder *recorder = run_by_hand(&options, &summary);

    for (size_t i = 0; i < N_NAMES; i++) {
        snprintf(part, sizeof part, "%s.part", names[i]);
        cr_assert_eq(access(path_in(dir, names[i]), F_OK), -1);
        cr_assert_eq(access(path_in(dir, part), F_OK), 0);
    }
    diag_init(&d);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_OK);
    for (size_t i = 0; i < N_NAMES; i++)
        cr_assert_eq(access(path_in(dir, names[i]), F_OK), 0);
    cr_assert_eq(access(path_in(dir, "performance.json"), F_OK), 0);
    cr_assert_eq(count_files(dir), N_NAMES + 1);
    recorder_free(recorder);
    cr_assert_eq(count_files(dir), N_NAMES + 1);
    remove_dir(dir);
}

Test(recorder, failed_run_leaves_nothing)
{
    char *dir = new_dir();
    struct recorder *recorder;
    cr_assert_eq(open_in(&recorder, dir, false), ST_OK);
    cr_assert_eq(count_files(dir), 7);
    recorder_free(recorder);
    cr_assert_eq(count_files(dir), 0);
    remove_dir(dir);
}

Test(recorder, without_a_directory_there_are_no_files_and_no_events)
{
    struct recorder_options options = {.info = &run_info, .want_events = true};
    struct summary summary;
    struct recorder *recorder = run_by_hand(&options, &summary);
    struct observer o = recorder_observer(recorder);

    cr_assert(!o.event && !o.progress);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_OK);
    recorder_free(recorder);
}

Test(recorder, earlier_files_are_kept_unless_they_may_be_replaced)
{
    char *dir = new_dir(), expected[600];
    struct recorder *recorder;

    finish_in(dir, true);
    cr_assert_eq(open_in(&recorder, dir, false), ST_INPUT);
    cr_assert_null(recorder);
    snprintf(expected, sizeof expected,
             "'%s/requests.csv' exists already and is not to be replaced", dir);
    cr_assert_str_eq(d.text, expected);
    cr_assert_eq(count_files(dir), 8);

    /* A later file in the way: what was begun is taken back, what was there stays. */
    unlink(path_in(dir, "requests.csv"));
    cr_assert_eq(open_in(&recorder, dir, false), ST_INPUT);
    cr_assert_eq(count_files(dir), 7);
    remove_dir(dir);
}

Test(recorder, replacing_leaves_no_file_of_the_earlier_run)
{
    char *dir = new_dir();

    finish_in(dir, true);
    cr_assert_eq(access(path_in(dir, "events.jsonl"), F_OK), 0);
    finish_in(dir, false);
    cr_assert_eq(access(path_in(dir, "events.jsonl"), F_OK), -1);
    cr_assert_eq(count_files(dir), 7);
    remove_dir(dir);
}

Test(recorder, replaced_files_are_whole_until_the_new_ones_are)
{
    char *dir = new_dir();
    struct recorder *recorder;

    finish_in(dir, true);
    char *before = read_text(dir, "requests.csv");
    cr_assert_eq(open_in(&recorder, dir, true), ST_OK);
    recorder_free(recorder);
    char *after = read_text(dir, "requests.csv");
    cr_assert_str_eq(after, before);
    cr_assert_eq(count_files(dir), 8);
    free(before);
    free(after);
    remove_dir(dir);
}

Test(recorder, the_directory_is_created_or_named)
{
    struct recorder *recorder;
    char *dir = new_dir(), path[300];

    snprintf(path, sizeof path, "%s/a/b/", dir);
    cr_assert_eq(open_in(&recorder, path, false), ST_OK, "%s", d.text);
    recorder_free(recorder);
    cr_assert_eq(count_files(path), 0);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", dir);
    rmdir(path);
    remove_dir(dir);
    cr_assert_eq(open_in(&recorder, "/dev/null/out", false), ST_IO);
    cr_assert_null(recorder);
    cr_assert_str_eq(d.text, "cannot create folder '/dev/null/out': Not a directory");
}

/* Root may write anywhere, so a directory of mode 0500 would prove nothing in a container. */
Test(recorder, unwritable_directory_is_named)
{
    struct recorder *recorder;
    if (access("/proc/self", F_OK) != 0)
        cr_skip_test("no /proc");
    cr_assert_eq(open_in(&recorder, "/proc/self", false), ST_IO);
    cr_assert(strncmp(d.text, "cannot create '/proc/self/requests.csv.part': ", 46) == 0, "%s",
              d.text);
}

Test(recorder, full_disk_is_an_error_that_names_the_file)
{
    char *dir = new_dir(), expected[600];
    struct recorder *recorder;
    struct summary summary;
    struct run_result *result = hand_made_result();

    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    cr_assert_eq(symlink("/dev/full", path_in(dir, "timeline.csv.part")), 0);
    cr_assert_eq(open_in(&recorder, dir, false), ST_OK);
    cr_assert_eq(summary_compute(&summary, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert_eq(recorder_finish(recorder, &summary, &d), ST_IO);
    snprintf(expected, sizeof expected,
             "cannot write '%s/timeline.csv.part': No space left on device", dir);
    cr_assert_str_eq(d.text, expected);
    recorder_free(recorder);
    cr_assert_eq(count_files(dir), 0);
    free(result);
    remove_dir(dir);
}

Test(recorder, full_disk_ends_the_run_at_the_row_that_does_not_fit)
{
    char *dir = new_dir();
    struct recorder *recorder;
    struct request_record record = ended(1, 11000, OUTCOME_REJECTED, 1);
    enum status s = ST_OK;

    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("no /dev/full");
    cr_assert_eq(symlink("/dev/full", path_in(dir, "requests.csv.part")), 0);
    cr_assert_eq(open_in(&recorder, dir, false), ST_OK);
    struct observer o = recorder_observer(recorder);
    for (int i = 0; s == ST_OK && i < 10000; i++)
        s = o.request(o.context, &record, &d);
    cr_assert_eq(s, ST_IO);
    cr_assert_not_null(strstr(d.text, "requests.csv.part': No space left on device"));
    recorder_free(recorder);
    remove_dir(dir);
}

static enum status count_progress(void *context, const struct sim_progress *p, struct diag *diag)
{
    *(uint64_t *)context += p->n_offered;
    return diag_fail(diag, ST_CANCELLED, "enough");
}

Test(recorder, progress_reaches_the_caller)
{
    uint64_t seen = 0;
    struct recorder_options options = {
        .info = &run_info, .progress = count_progress, .progress_context = &seen};
    struct recorder *recorder;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &options, &d), ST_OK);
    struct observer o = recorder_observer(recorder);
    enum status s = o.progress(o.context, &(struct sim_progress){.n_offered = 5}, &d);
    cr_assert_eq(s, ST_CANCELLED);
    cr_assert_eq(seen, 5);
    recorder_free(recorder);
}
