/* Runs at the same time, on shared resources that all of them fill, give the bytes of each alone.
 * Also run under thread sanitizer (preset tsan). */
#include <pthread.h>

#include "../unit/scenarios/run_fixture.h"

static const struct profile_source hdf5_profile = {
    .name = {PROJECT_DIR "/tests/data/profiles/RTX4090__vllm__Llama-3.1-8B-BF16__TP1.h5"}};

/* Profiles out of HDF5, whose library may know of no threads, by runs that share nothing. */
static void *load_hdf5(void *context)
{
    enum { N_TIMES = 20 };
    struct diag *d = context;

    diag_init(d);
    for (int i = 0; i < N_TIMES && !d->status; i++) {
        struct run_resources *resources;
        const struct profile *profile;
        if (!run_resources_create(&resources, &search, d))
            (void)run_resources_profile(resources, &hdf5_profile, &profile, d);
        run_resources_free(resources);
    }
    return NULL;
}

static void check_hdf5(void)
{
    enum { N_THREADS = 4 };
    pthread_t thread[N_THREADS];
    struct diag d[N_THREADS];

    for (size_t i = 0; i < N_THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, load_hdf5, &d[i]) == 0, "no thread");
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK(d[i].status == ST_OK, "%s", d[i].text);
    }
}

static void check_runs(void)
{
    struct job alone[N_TEXTS], beside[2 * N_TEXTS];
    struct run_resources *resources = make_resources();
    pthread_t thread[2 * N_TEXTS];

    /* Filled by all of them at once. */
    for (size_t i = 0; i < 2 * N_TEXTS; i++)
        prepare(&beside[i], texts[i % N_TEXTS], resources);
    for (size_t i = 0; i < 2 * N_TEXTS; i++)
        CHECK(pthread_create(&thread[i], NULL, run_job, &beside[i]) == 0, "no thread");
    for (size_t i = 0; i < 2 * N_TEXTS; i++)
        pthread_join(thread[i], NULL);
    run_resources_free(resources);
    for (size_t i = 0; i < N_TEXTS; i++) {
        resources = make_resources();
        run_alone(&alone[i], texts[i], resources);
        run_resources_free(resources);
    }
    for (size_t i = 0; i < 2 * N_TEXTS; i++) {
        CHECK(beside[i].status == ST_OK, "%s", beside[i].diag.text);
        check_equal(&beside[i], &alone[i % N_TEXTS]);
        clean(&beside[i]);
    }
    for (size_t i = 0; i < N_TEXTS; i++)
        CHECK(clean(&alone[i]) == N_FILES, "other files");
}

int main(void)
{
    check_hdf5();
    check_runs();
    return 0;
}
