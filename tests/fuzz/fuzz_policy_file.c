/* Dynamo's planner configuration from memory, YAML or JSON. What is accepted leaves every field in
 * a state that the rules across fields can judge; what is refused says why. */
#include <string.h>

#include "planner/dynamo1/config.h"
#include "scenarios/keys/policy_file.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct planner_config config;
    const struct yaml_node *root = NULL;
    const char *taken = NULL;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    memset(&config, 0, sizeof config);
    key_presets(planner_keys, &config);
    enum status s = policy_file_parse(&policy_planner, &config, &root, &taken, &arena,
                                      "d/planner.yaml", (const char *)bytes, size, &d);
    if (s == ST_OK) {
        BUG_IF(!config.mode || !config.load_predictor || !config.throughput_metrics_source);
        s = policy_planner.check(&config, (struct source_pos){.file = "d/planner.yaml"}, &d);
    }
    if (s && (!d.text[0] || d.status != s))
        BUG("a failure without a message");
    arena_release(&arena);
    return 0;
}
