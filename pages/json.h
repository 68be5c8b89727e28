/* JSON that Headroom wrote, read back for a page. */
#ifndef PAGES_JSON_H
#define PAGES_JSON_H

#include "scenarios/text/yaml_tree.h"

/* A text as a tree in the arena; `path` is for messages, and `expected` says in them what it should
 * be: "tune.json of a tune". ST_NOMEM; ST_INPUT: it is no map. */
enum status json_parse(struct yaml_node **root, struct arena *arena, const char *path,
                       const char *bytes, size_t n, const char *expected, struct diag *d);
/* The same of a file. ST_IO. */
enum status json_read(struct yaml_node **root, struct arena *arena, const char *path,
                      const char *expected, struct diag *d);

/* Members of a map, which may be NULL; what is not there or not of the kind is NaN, NULL, false. */
double json_number_of(const struct yaml_node *map, const char *key);
const char *json_text_of(const struct yaml_node *map, const char *key);
bool json_flag_of(const struct yaml_node *map, const char *key);
/* The first item of a list; its `next` goes on. */
const struct yaml_node *json_items_of(const struct yaml_node *map, const char *key);
/* ST_INPUT, naming the file: there is no such member of that kind. */
enum status json_need(const struct yaml_node *map, const char *key, enum node_kind kind,
                      const char *path, struct diag *d);

#endif
