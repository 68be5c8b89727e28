#include "util/key.h"

#include <stdint.h>
#include <string.h>

#include "util/bug.h"

const char *key_choice(const struct key *key, size_t i)
{
    if (key->choice)
        return key->choice(i);
    return key->choices ? key->choices[i] : NULL;
}

const struct key *key_find(const struct key *keys, const char *name)
{
    for (; keys && keys->name; keys++) {
        if (strcmp(keys->name, name) == 0)
            return keys;
    }
    return NULL;
}

void key_preset(const struct key *key, void *base)
{
    void *to = (char *)base + key->offset;

    switch (key->type) {
    case KEY_BOOL:
        *(bool *)to = key->preset > 0;
        return;
    case KEY_INT:
        *(int64_t *)to = (int64_t)key->preset;
        return;
    case KEY_NUMBER:
        *(double *)to = key->preset;
        return;
    case KEY_TEXT:
    case KEY_ENUM:
    case KEY_PATH:
    case KEY_PRESET:
    case KEY_ROUTER:
        *(const char **)to = key->preset_text;
        return;
    case KEY_NAMES:
        *(unsigned *)to = 0;
        return;
    case KEY_RANGE:
    case KEY_CURVE:
    case KEY_PROFILE:
    case KEY_PRICES:
    case KEY_EXPECT:
    case KEY_COMPARE:
    case KEY_POOLS:
    case KEY_RULES:
        break;
    }
    BUG("key %s is of a type of scenarios", key->name);
}

void key_presets(const struct key *keys, void *base)
{
    for (; keys && keys->name; keys++)
        key_preset(keys, base);
}
