/* The one list of what a scenario file can say, and what can be done with a key: check a value,
 * store it, write it, describe it. Parsing, `--set`, `--print-scenario`, the JSON Schema and the
 * reference all go through it. */
#ifndef SCENARIOS_KEYS_KEYS_INTERNAL_H
#define SCENARIOS_KEYS_KEYS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"

enum key_type {
    KEY_BOOL,
    KEY_INT,     /* int64_t */
    KEY_NUMBER,  /* double */
    KEY_RANGE,   /* struct tok_range: an integer, or a list of the lowest and the highest */
    KEY_TEXT,    /* const char * */
    KEY_ENUM,    /* const char *, one of the choices */
    KEY_PATH,    /* const char *, relative to the file */
    KEY_PROFILE, /* const char *[2]: a bundled name, the path of a file or folder, or two files */
    KEY_PRESET, /* const char *, a bundled name, or PATH#NAME; its keys come before the section's */
    KEY_ROUTER, /* an enum, or a map of pool to router, which are stored in the pools */
    KEY_PRICES, /* struct gpu_prices: a number, or a map of GPU type to number */
    KEY_EXPECT, /* struct expectations: a list of texts */
    KEY_NAMES   /* unsigned: a list of choices, a bit each */
};

/* What a key's offset counts from, and where it may stand. */
enum key_place {
    PLACE_SCENARIO, /* struct scenario; its path */
    PLACE_ENGINE,   /* struct engine_settings; engine.X and pools.POOL.X */
    PLACE_POOL,     /* struct pool_settings; pools.POOL.X */
    PLACE_POLICY    /* struct policy_config; policy.X */
};

struct scenario_key {
    const char *section; /* "" for the top level, "pools.POOL" for PLACE_POOL */
    const char *name;
    enum key_type type;
    enum key_place place;
    size_t offset;
    double min, max; /* INT, NUMBER, RANGE, PRICES; both allowed unless above_min */
    bool above_min;
    const char *(*choice)(size_t i); /* ENUM: the i-th name, NULL after the last */
    const char *const *choices;      /* ENUM without `choice`: ended by NULL */
    const char *const
        *planned;        /* names to refuse as not available, unless they are choices; or NULL */
    bool fixed;          /* only the preset is available */
    const char *presets; /* PRESET: the file of the bundled ones */
    bool required;
    double preset;
    const char *preset_text;
    const char *unset; /* what null, and leaving it out, means; NULL = null is refused */
    const char *unit;
    const char *doc;
    const struct policy_field *field; /* PLACE_POLICY */
};

/* Sections in the order they are written, with what they are about; ended by name NULL. */
struct scenario_section {
    const char *name, *doc;
};
extern const struct scenario_section scenario_sections[];

/* All but the fields of policies; ended by name NULL. */
extern const struct scenario_key scenario_keys[];
/* One field of a policy as a key. */
struct scenario_key scenario_policy_key(const struct policy_field *field);

const struct scenario_key *scenario_key_find(const char *section, const char *name);
const char *scenario_key_choice(const struct scenario_key *key, size_t i); /* NULL after the last */

void scenario_key_preset(const struct scenario_key *key, void *base);

/* Check a value and store it. `path` is how messages name it. */
struct key_target {
    struct scenario *scenario;
    struct arena *arena;
    const char *path;
    void *base;
};
enum status scenario_key_store(const struct scenario_key *key, const struct key_target *target,
                               const struct yaml_node *node, struct diag *d);

bool scenario_key_equal(const struct scenario_key *key, const void *base, const void *other);

/* "an integer >= 0", "one of static, planner", ...; `above`: the value was too large. */
enum { KEY_EXPECTED_SIZE = 400 };
void scenario_key_expected(const struct scenario_key *key, bool above, char out[KEY_EXPECTED_SIZE]);

#endif
