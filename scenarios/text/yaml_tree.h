/* YAML (and so JSON) as a tree whose nodes know where they stand.
 *
 * Plain scalars mean what the core schema of YAML 1.2 says: `null`, `Null`, `NULL`, `~` and nothing
 * at all are null; `true` and `false` (also True, TRUE, ...) are the only booleans, so `no` and
 * `on` are texts; `010` is ten, `0o10` is eight, `0x10` is sixteen; `.inf` and `.nan` are numbers.
 * A quoted scalar is always a text. Of tags only `!!str` is known. An alias is a copy of what its
 * anchor holds. Merge keys (`<<`) belong to YAML 1.1 and are ordinary keys here. */
#ifndef SCENARIOS_TEXT_YAML_TREE_H
#define SCENARIOS_TEXT_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum { YAML_TREE_MAX_DEPTH = 32, YAML_TREE_MAX_NODES = 10000 };

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INT,    /* fits int64_t */
    NODE_NUMBER, /* any other number, integers beyond int64_t included; may be infinite or NaN */
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP
};

struct yaml_node {
    enum node_kind kind;
    struct source_pos at;
    const char *text; /* scalars: as written, quotes and escapes resolved */
    bool b;
    int64_t i;
    double d; /* NODE_INT has both */
    size_t n; /* children */
    struct yaml_node *first, *last;

    /* As a child. */
    struct yaml_node *next;
    const char *key; /* in a map */
    struct source_pos key_at;
};

/* One document from memory into the arena; *root is NULL when there is none. `name` is for messages
 * and must live as long as the tree. `one_line`: positions are the name alone (the value of a
 * command-line option). ST_INPUT says where: what libyaml objects to, a key given twice, a second
 * document, an alias without anchor, more than YAML_TREE_MAX_DEPTH levels, more nodes (aliases
 * expanded) than YAML_TREE_MAX_NODES or, of a large document, than bytes. */
enum status yaml_tree_parse(struct yaml_node **root, struct arena *arena, const char *name,
                            const char *bytes, size_t length, bool one_line, struct diag *d);

/* Child of a map; NULL when there is none, or `map` is not a map. */
struct yaml_node *yaml_node_child(const struct yaml_node *map, const char *key);

/* Put a node into a map under this key, in the place of what was there. */
void yaml_node_put(struct yaml_node *map, const char *key, struct source_pos key_at,
                   struct yaml_node *value);

/* Deep copy. NULL when memory is out. */
struct yaml_node *yaml_node_copy(const struct yaml_node *node, struct arena *arena);

/* "a list", "a map", or the scalar as written in quotes, for messages. */
enum { NODE_TEXT_SIZE = 48 };
const char *yaml_node_describe(char out[NODE_TEXT_SIZE], const struct yaml_node *node);

#endif
