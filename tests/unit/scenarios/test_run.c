/* A run as a function. */
#include <criterion/criterion.h>

#include "run_fixture.h"

Test(run, a_shared_trace_gives_the_bytes_of_a_stream)
{
    static const char azure[] =
        "trace: {path: " PROJECT_DIR "/traces/data/azure_code_2023_slice.csv.gz, limit: 1500}\n"
        "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
        "pools: {agg: {replicas: 2}}\ncompat: dynosim\n";
    const char *const both[] = {texts[1], texts[3], azure};
    struct run_resources *resources = make_resources();

    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        struct job shared, streamed;
        run_alone(&shared, both[i], resources);
        prepare(&streamed, both[i], resources);
        streamed.options.share_trace = false;
        run_job(&streamed);
        cr_assert_eq(streamed.status, ST_OK, "%s", streamed.diag.text);
        check_equal(&shared, &streamed);
        clean(&shared);
        clean(&streamed);
    }
    run_resources_free(resources);
}

static void cancel(void *context, const struct sim_progress *p)
{
    cr_assert(p->n_offered > 0 && p->now_ns > 0 && p->share > 0);
    atomic_store((atomic_bool *)context, true);
}

Test(run, is_cancelled)
{
    struct run_resources *resources = make_resources();

    for (size_t i = 0; i < N_TEXTS; i++) {
        atomic_bool flag = false;
        struct job job;
        prepare(&job, texts[i], resources);
        job.options.cancel = &flag;
        job.options.progress = cancel;
        job.options.progress_context = &flag;
        run_job(&job);
        cr_expect_eq(job.status, ST_CANCELLED);
        cr_expect_eq(clean(&job), 0);
    }
    run_resources_free(resources);
}

Test(run, a_cancelled_one_leaves_the_files_of_an_earlier_one)
{
    struct run_resources *resources = make_resources();
    atomic_bool flag = true;
    struct job earlier, job;

    run_alone(&earlier, texts[1], resources);
    prepare(&job, texts[3], resources);
    rmdir(job.dir);
    strcpy(job.dir, earlier.dir);
    job.options.cancel = &flag;
    run_job(&job);
    cr_expect_eq(job.status, ST_CANCELLED);
    run_alone(&job, texts[1], resources);
    check_equal(&earlier, &job);
    cr_expect_eq(clean(&earlier), N_FILES);
    clean(&job);
    run_resources_free(resources);
}

Test(run, what_is_wrong_is_said_and_not_remembered)
{
    struct run_resources *resources = make_resources();
    struct job job;

    for (int i = 0; i < 2; i++) {
        prepare(&job,
                "trace: {path: /no/such}\nengine: {profile: none/such}\n"
                "pools: {agg: {replicas: 1}}\n",
                resources);
        run_job(&job);
        cr_expect_eq(job.status, ST_INPUT);
        cr_expect_not_null(strstr(job.diag.text, "test.yaml:2:"), "%s", job.diag.text);
        cr_expect_eq(clean(&job), 0);
    }
    run_resources_free(resources);
}
