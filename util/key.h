/* What a user can set by name: a key of a scenario, which for a policy is at the same time a field
 * of the policy's own configuration file. A table of keys is all that there is about them: checks,
 * `--set`, `--print-scenario`, the JSON Schema and the reference go through it. */
#ifndef UTIL_KEY_H
#define UTIL_KEY_H

#include <stdbool.h>
#include <stddef.h>

enum key_type {
    KEY_BOOL,
    KEY_INT,    /* int64_t; 0 where it is unset */
    KEY_NUMBER, /* double; NaN where it is unset */
    KEY_TEXT,   /* const char * */
    KEY_ENUM,   /* const char *, one of the choices */
    KEY_PATH,   /* const char *, relative to the file */
    KEY_NAMES,  /* unsigned: a list of choices, a bit each */
    /* Of scenarios alone; see scenarios/keys/scenario.h. */
    KEY_RANGE,   /* struct tok_range: an integer, or a list of the lowest and the highest */
    KEY_CURVE,   /* struct curve: a list of points, each a list of seconds and a number */
    KEY_PROFILE, /* const char *[2]: a bundled name, the path of a file or folder, or two files */
    KEY_PRESET,  /* const char *, a bundled name, PATH#NAME or PATH.yaml; its keys come before the
                    section's */
    KEY_ROUTER,  /* an enum, or a map of pool to router, which are stored in the pools */
    KEY_PRICES,  /* struct gpu_prices: a number, or a map of GPU type to number */
    KEY_EXPECT,  /* struct expectations: a list of texts */
    KEY_COMPARE, /* struct compare_rules: a list of maps */
    KEY_POOLS,   /* struct pool_names: lists of names in a list */
    KEY_RULES    /* struct priority_rules: a list of maps, whose members are the choices */
};

/* What a key's offset counts from, and where it may stand. */
enum key_place {
    PLACE_SCENARIO, /* struct scenario; its path */
    PLACE_ENGINE,   /* struct engine_settings; engine.X and pools.POOL.X */
    PLACE_POOL,     /* struct pool_settings; pools.POOL.X */
    PLACE_POLICY    /* the configuration of the policy whose table it is in; policy.X */
};

struct key {
    const char *section; /* "" for the top level, "pools.POOL" for PLACE_POOL */
    const char *name;
    enum key_type type;
    enum key_place place;
    size_t offset;
    double min, max; /* INT, NUMBER, RANGE, CURVE, PRICES; both allowed unless above_min */
    bool above_min;
    double least; /* min is 0, which means none, and other values begin here; 0 = no such gap */
    const char *(*choice)(size_t i); /* ENUM: the i-th name, NULL after the last */
    const char *const *choices;      /* ENUM without `choice`, RULES: ended by NULL */
    const char *const
        *planned;        /* names to refuse as not available, unless they are choices; or NULL */
    bool fixed;          /* only the preset is available */
    const char *presets; /* PRESET: the file of the bundled ones */
    bool required;
    double preset;
    const char *preset_text;
    const char *unset; /* what null, and leaving it out, means; NULL = null is refused */
    const char
        *unset_as; /* NUMBER of a policy: path of the scenario's key whose value it has then */
    /* NUMBER or ENUM of an engine: unset until the profile is known, then as the overheads of such
     * engines have it, else `bare` or `bare_text` (scenarios/keys/overheads.h). */
    bool overhead;
    bool of_parts; /* of a part of a step: means nothing to tables of whole steps */
    double bare;
    const char *bare_text;
    bool of_run;     /* of the whole run, whatever deployments it has: not one of a deployment */
    bool of_profile; /* tells what the engine's profile does not, and would be wrong of another */
    const char *same_as; /* another name of this key of its table: is read, and never written */
    const char *unit;
    const char *doc;
    /* What has to hold for the key to matter; NULL = it always does. Clauses joined by " & ", each
     * of alternatives joined by " | ":
     *   PATH          the key is not at its preset
     *   PATH=A,B      it is one of these (of a list of names: has one of them)
     *   PATH!=A,B     it is none of these
     *   PATH>N        the number is above N
     * where a key that does not matter itself counts as at its preset. `engine.X` is that of the
     * pool in question; `router` the one of the pool; `pools` is agg or disagg, `role` the pool's
     * name. */
    const char *when;
    /* NAMES: the same for the i-th name, beside what holds for the key; NULL = none has any. */
    const char *(*choice_when)(size_t i);
    bool in_own_file;          /* of a policy: a field of the policy's own configuration file too */
    const char *own_file_null; /* what null means there, where it does not mean unset; or NULL */
};

/* The choices of an enum that has a registry, as a function for `choice`. */
#define KEY_CHOICE(function, registry)                                                             \
    static const char *function(size_t i)                                                          \
    {                                                                                              \
        return registry[i] ? registry[i]->name : NULL;                                             \
    }

const char *key_choice(const struct key *key, size_t i); /* NULL after the last */

/* By its name in a table that ends with name NULL; `keys` may be NULL. NULL: not there. */
const struct key *key_find(const struct key *keys, const char *name);

/* Stores the preset; not for the types of scenarios alone. */
void key_preset(const struct key *key, void *base);
/* The same for a whole table; `keys` may be NULL. */
void key_presets(const struct key *keys, void *base);

#endif
