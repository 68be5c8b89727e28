/* conformance DIR: replays recordings of the reference planner and says how near ours comes.
 *
 * A file is known by its name, a recorded run (recording.h) by what it holds; both may be
 * compressed. Files that need engine profiles and bring none take them from interpolation.json of
 * the same folder; recorded runs take their engines from its engines.json, else from ours. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/golden_fpm.h"
#include "tests/conformance/recording.h"

static const struct family *const groups[] = {
    family_interpolation, family_replicas,     family_load,          family_metrics,
    family_e2e,           families_predictors, family_fpm_models,    family_fpm_runs,
    family_fpm_replay,    family_fpm_global,   family_fpm_bootstrap, NULL,
};

enum { PATH_SIZE = 4096 };

/* 1 when the family missed. */
static int run_family(const struct family *f, const cJSON *file)
{
    struct verdict v = {.cases = 0};

    f->run(file, &v);
    printf("%-28s %-36s %8zu %8zu %9.2g  %s\n", f->set, f->title, v.cases, v.exact, v.worst,
           v.pass ? "pass" : "MISS");
    printf("%-28s   tolerance: %s\n", "", v.tolerance);
    if (v.within < v.cases || !v.pass)
        printf("%-28s   %zu beyond; worst at %s\n", "", v.cases - v.within, v.worst_at);
    return v.pass ? 0 : 1;
}

static int run_file(const char *name, cJSON *file, const cJSON *profiles, int *n_families)
{
    int missed = 0, n_before = *n_families;

    if (profiles && !cJSON_GetObjectItemCaseSensitive(file, "profiles"))
        cJSON_AddItemReferenceToObject(file, "profiles", (cJSON *)profiles);
    for (const struct family *const *group = groups; *group; group++) {
        for (const struct family *f = *group; f->set; f++) {
            if (strcmp(f->set, name) != 0)
                continue;
            missed |= run_family(f, file);
            (*n_families)++;
        }
    }
    if (*n_families == n_before)
        printf("%-28s skipped: no family of that name\n", name);
    return missed;
}

/* Length of a file's name without its ending; 0: no file of ours. */
static size_t stem_length(const char *name)
{
    static const char *const endings[] = {".json", ".json.gz"};
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(endings[i]);
        if (n > length && strcmp(name + n - length, endings[i]) == 0)
            return n - length;
    }
    return 0;
}

static int is_golden(const struct dirent *entry)
{
    return strcmp(entry->d_name, "engines.json") != 0 && stem_length(entry->d_name) > 0;
}

/* What files of a folder share. */
struct shared {
    const cJSON *profiles, *engines;
};

static int run_entry(const char *dir, const char *entry, const struct shared *shared,
                     int *n_families)
{
    char path[PATH_SIZE], name[256];

    snprintf(name, sizeof name, "%.*s", (int)stem_length(entry), entry);
    snprintf(path, sizeof path, "%s/%s", dir, entry);
    cJSON *file = golden_load(path);
    if (!file) {
        printf("%-28s MISS: %s cannot be read as JSON\n", name, path);
        return 1;
    }
    int missed;
    if (recording_is(file)) {
        missed = recording_run(name, file, shared->engines);
        (*n_families)++;
    } else {
        missed = run_file(name, file, shared->profiles, n_families);
    }
    cJSON_Delete(file);
    return missed;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    char path[PATH_SIZE];
    int missed = 0, n_families = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: conformance DIR\n");
        return 2;
    }
    int n = scandir(argv[1], &entries, is_golden, alphasort);
    if (n < 0) {
        fprintf(stderr, "conformance: cannot read folder %s\n", argv[1]);
        return 2;
    }
    snprintf(path, sizeof path, "%s/interpolation.json", argv[1]);
    cJSON *interpolation = golden_load(path);
    snprintf(path, sizeof path, "%s/engines.json", argv[1]);
    cJSON *engines = golden_load(path);
    if (!engines)
        engines = golden_load(CONFORMANCE_ENGINES);
    const struct shared shared = {cJSON_GetObjectItemCaseSensitive(interpolation, "profiles"),
                                  engines};
    printf("%-28s %-36s %8s %8s %9s  %s\n", "file", "family", "cases", "exact", "worst", "verdict");
    for (int i = 0; i < n; i++) {
        missed |= run_entry(argv[1], entries[i]->d_name, &shared, &n_families);
        free(entries[i]);
    }
    free(entries);
    cJSON_Delete(interpolation);
    cJSON_Delete(engines);
    if (n_families == 0) {
        fprintf(stderr, "conformance: no recording in %s\n", argv[1]);
        return 2;
    }
    printf("%d families, %s\n", n_families, missed ? "at least one missed" : "all pass");
    return missed;
}
