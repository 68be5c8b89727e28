/* Values as YAML, on one line each, that yaml_tree.h reads back to the same. */
#ifndef SCENARIOS_TEXT_YAML_WRITE_H
#define SCENARIOS_TEXT_YAML_WRITE_H

#include <stdio.h>

#include "scenarios/text/yaml_tree.h"

/* Double-quoted, whatever it is. */
void yaml_write_quoted(FILE *out, const char *text);
/* Quoted where it would otherwise not be a text, also to a reader of YAML 1.1 (`on`, `yes`). */
void yaml_write_text(FILE *out, const char *text);
/* A text that is the path of a file; made absolute with `working_dir`. */
void yaml_write_path(FILE *out, const char *working_dir, const char *path);
void yaml_write_number(FILE *out, double value);
/* A node: scalars that are no texts as they were written, lists and maps in brackets. */
void yaml_write_node(FILE *out, const struct yaml_node *node);

/* A text as lines of a comment, each after "# ". */
void yaml_write_comment(FILE *out, const char *text);

#endif
