#include "scenarios/text/yaml_tree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "util/bug.h"
#include "util/text.h"

struct anchor {
    const char *name;
    const struct yaml_node *node;
    struct anchor *next;
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const char *name;
    const char *bytes;
    size_t length;
    bool one_line;
    size_t n_nodes;
    struct anchor *anchors;
    struct diag *d;
};

static struct source_pos at_mark(const struct reader *r, const yaml_mark_t *mark)
{
    if (r->one_line)
        return (struct source_pos){.file = r->name};
    return (struct source_pos){r->name, mark->line + 1, mark->column + 1};
}

/* libyaml gives no mark for bytes it cannot decode, only their offset. */
static yaml_mark_t mark_of_offset(const struct reader *r, size_t offset)
{
    yaml_mark_t mark = {offset, 0, 0};

    for (size_t i = 0; i < offset && i < r->length; i++) {
        mark.column++;
        if (r->bytes[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static enum status parser_failed(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "unknown problem";

    if (p->error == YAML_MEMORY_ERROR)
        return diag_nomem(r->d, "YAML parser");
    if (p->error == YAML_READER_ERROR) {
        yaml_mark_t mark = mark_of_offset(r, p->problem_offset);
        return diag_fail_at(r->d, ST_INPUT, at_mark(r, &mark), "not valid YAML: %s", problem);
    }
    size_t at = p->problem_mark.index;
    bool tab = at < r->length && r->bytes[at] == '\t';
    return diag_fail_at(r->d, ST_INPUT, at_mark(r, &p->problem_mark), "not valid YAML: %s%s%s%s",
                        problem, p->context ? " " : "", p->context ? p->context : "",
                        tab ? " (a tab; YAML is indented with spaces)" : "");
}

static enum status next_event(struct reader *r, yaml_event_t *event)
{
    if (!yaml_parser_parse(&r->parser, event))
        return parser_failed(r);
    return ST_OK;
}

static enum status node_new(struct reader *r, struct source_pos at, struct yaml_node **node)
{
    size_t most = r->length > YAML_TREE_MAX_NODES ? r->length : YAML_TREE_MAX_NODES;

    if (++r->n_nodes > most)
        return diag_fail_at(r->d, ST_INPUT, at, "more than %zu values, aliases expanded", most);
    *node = ARENA_NEW(r->arena, 1, struct yaml_node);
    if (!*node)
        return diag_nomem(r->d, "YAML node");
    (*node)->at = at;
    return ST_OK;
}

static bool word_in(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

/* `0x1F` and `0o17`; what does not fit becomes a double. */
static bool resolve_based(struct yaml_node *node)
{
    const char *s = node->text;
    unsigned base = s[0] == '0' && s[1] == 'x' ? 16 : s[0] == '0' && s[1] == 'o' ? 8 : 0;
    double value = 0;

    if (!base || !s[2])
        return false;
    for (s += 2; *s; s++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *digit = strchr(digits, *s);
        if (!digit)
            return false;
        unsigned v = (unsigned)(digit - digits);
        if (v > 15)
            v -= 6;
        if (v >= base)
            return false;
        value = value * base + v;
    }
    node->d = value;
    node->kind = NODE_NUMBER;
    if (value <= 0x1p53) {
        node->kind = NODE_INT;
        node->i = (int64_t)value;
    }
    return true;
}

static bool resolve_number(struct yaml_node *node)
{
    static const char *const infinite[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
    static const char *const minus_infinite[] = {"-.inf", "-.Inf", "-.INF", NULL};
    static const char *const not_a_number[] = {".nan", ".NaN", ".NAN", NULL};
    const char *s = node->text;
    size_t n = strlen(s);

    if (text_int64(s, n, &node->i) == TEXT_OK) {
        node->kind = NODE_INT;
        node->d = (double)node->i;
        return true;
    }
    enum text_result result = text_double(s, n, &node->d);
    if (result == TEXT_OUT_OF_RANGE || word_in(s, infinite))
        node->d = INFINITY;
    else if (word_in(s, minus_infinite))
        node->d = -INFINITY;
    else if (word_in(s, not_a_number))
        node->d = NAN;
    else if (result != TEXT_OK)
        return resolve_based(node);
    node->kind = NODE_NUMBER;
    return true;
}

static void resolve_plain(struct yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};

    if (word_in(node->text, nulls)) {
        node->kind = NODE_NULL;
    } else if (word_in(node->text, trues) || word_in(node->text, falses)) {
        node->kind = NODE_BOOL;
        node->b = word_in(node->text, trues);
    } else if (!resolve_number(node)) {
        node->kind = NODE_TEXT;
    }
}

static enum status check_tag(struct reader *r, const yaml_char_t *tag, const char *known,
                             struct source_pos at)
{
    const char *t = (const char *)tag;

    if (!t || strcmp(t, "!") == 0 || strcmp(t, known) == 0)
        return ST_OK;
    char shown[TEXT_EXCERPT_SIZE];
    return diag_fail_at(r->d, ST_INPUT, at, "tag '%s' is not supported",
                        text_excerpt(shown, t, strlen(t)));
}

static enum status scalar_text(struct reader *r, const yaml_event_t *event, struct source_pos at,
                               const char **text)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;

    if (memchr(value, '\0', n))
        return diag_fail_at(r->d, ST_INPUT, at, "a text with a NUL character");
    *text = arena_strndup(r->arena, value, n);
    return *text ? ST_OK : diag_nomem(r->d, "YAML text");
}

static enum status read_scalar(struct reader *r, const yaml_event_t *event, struct yaml_node *node)
{
    enum status s = check_tag(r, event->data.scalar.tag, YAML_STR_TAG, node->at);
    if (!s)
        s = scalar_text(r, event, node->at, &node->text);
    if (s)
        return s;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag)
        resolve_plain(node);
    else
        node->kind = NODE_TEXT;
    return ST_OK;
}

static void append_child(struct yaml_node *parent, struct yaml_node *child)
{
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->n++;
}

/* `at`: of the alias, which is to blame when it gets too much. */
static enum status copy_counted(struct reader *r, const struct yaml_node *from,
                                struct source_pos at, struct yaml_node **to)
{
    enum status s = node_new(r, at, to);
    if (s)
        return s;
    struct yaml_node *node = *to;
    *node = *from;
    node->first = node->last = node->next = NULL;
    node->n = 0;
    for (const struct yaml_node *child = from->first; child; child = child->next) {
        struct yaml_node *copy;
        s = copy_counted(r, child, at, &copy);
        if (s)
            return s;
        append_child(node, copy);
    }
    return ST_OK;
}

static unsigned tree_depth(const struct yaml_node *node)
{
    unsigned deepest = 0;

    for (const struct yaml_node *child = node->first; child; child = child->next) {
        unsigned depth = tree_depth(child);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static enum status too_deep(struct reader *r, struct source_pos at)
{
    return diag_fail_at(r->d, ST_INPUT, at, "nested more than %d levels deep", YAML_TREE_MAX_DEPTH);
}

static enum status read_alias(struct reader *r, const yaml_event_t *event, struct source_pos at,
                              unsigned depth, struct yaml_node **node)
{
    const char *name = (const char *)event->data.alias.anchor;

    for (const struct anchor *a = r->anchors; a; a = a->next) {
        if (strcmp(a->name, name) == 0) {
            if (depth + tree_depth(a->node) > YAML_TREE_MAX_DEPTH)
                return too_deep(r, at);
            return copy_counted(r, a->node, at, node);
        }
    }
    return diag_fail_at(r->d, ST_INPUT, at, "alias '*%.60s' has no anchor before it", name);
}

/* Only once its node is complete, so that no node can hold itself. */
static enum status remember_anchor(struct reader *r, const char *name, const struct yaml_node *node)
{
    struct anchor *a = ARENA_NEW(r->arena, 1, struct anchor);
    if (!a)
        return diag_nomem(r->d, "YAML anchor");
    *a = (struct anchor){name, node, r->anchors};
    r->anchors = a;
    return ST_OK;
}

static enum status read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                             struct yaml_node **node);

static enum status read_list(struct reader *r, const yaml_event_t *event, unsigned depth,
                             struct yaml_node *list)
{
    enum status s = check_tag(r, event->data.sequence_start.tag, YAML_SEQ_TAG, list->at);
    bool more = true;

    list->kind = NODE_LIST;
    while (!s && more) {
        yaml_event_t item;
        s = next_event(r, &item);
        if (s)
            return s;
        more = item.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            struct yaml_node *child;
            s = read_node(r, &item, depth + 1, &child);
            if (!s)
                append_child(list, child);
        }
        yaml_event_delete(&item);
    }
    return s;
}

static enum status read_entry(struct reader *r, const yaml_event_t *key, unsigned depth,
                              struct yaml_node *map)
{
    struct source_pos at = at_mark(r, &key->start_mark);
    const char *text;
    yaml_event_t value;

    if (key->type != YAML_SCALAR_EVENT)
        return diag_fail_at(r->d, ST_INPUT, at, "a key must be a word");
    enum status s = scalar_text(r, key, at, &text);
    if (s)
        return s;
    const struct yaml_node *twin = yaml_node_child(map, text);
    if (twin) {
        char shown[TEXT_EXCERPT_SIZE];
        text_excerpt(shown, text, strlen(text));
        if (r->one_line)
            return diag_fail_at(r->d, ST_INPUT, at, "key '%s' is given twice", shown);
        return diag_fail_at(r->d, ST_INPUT, at, "key '%s' is given twice, first in line %lu", shown,
                            twin->key_at.line);
    }
    s = next_event(r, &value);
    if (s)
        return s;
    struct yaml_node *child;
    s = read_node(r, &value, depth + 1, &child);
    yaml_event_delete(&value);
    if (s)
        return s;
    child->key = text;
    child->key_at = at;
    append_child(map, child);
    return ST_OK;
}

static enum status read_map(struct reader *r, const yaml_event_t *event, unsigned depth,
                            struct yaml_node *map)
{
    enum status s = check_tag(r, event->data.mapping_start.tag, YAML_MAP_TAG, map->at);
    bool more = true;

    map->kind = NODE_MAP;
    while (!s && more) {
        yaml_event_t key;
        s = next_event(r, &key);
        if (s)
            return s;
        more = key.type != YAML_MAPPING_END_EVENT;
        if (more)
            s = read_entry(r, &key, depth, map);
        yaml_event_delete(&key);
    }
    return s;
}

/* The node that starts with this event; `depth` nodes are open around it. */
static enum status read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                             struct yaml_node **node)
{
    struct source_pos at = at_mark(r, &event->start_mark);
    const yaml_char_t *anchor = NULL;

    if (depth >= YAML_TREE_MAX_DEPTH)
        return too_deep(r, at);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, at, depth, node);
    enum status s = node_new(r, at, node);
    if (s)
        return s;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        s = read_scalar(r, event, *node);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        s = read_list(r, event, depth, *node);
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        s = read_map(r, event, depth, *node);
    } else {
        BUG("YAML event %d starts no node", (int)event->type);
    }
    if (!s && anchor) {
        const char *name = arena_strdup(r->arena, (const char *)anchor);
        s = name ? remember_anchor(r, name, *node) : diag_nomem(r->d, "YAML anchor");
    }
    return s;
}

/* Stream start, document start, node, document end, stream end. */
static enum status read_stream(struct reader *r, struct yaml_node **root)
{
    yaml_event_t event;
    bool more = true;
    enum status s = ST_OK;

    while (!s && more) {
        s = next_event(r, &event);
        if (s)
            return s;
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            if (*root)
                s = diag_fail_at(r->d, ST_INPUT, at_mark(r, &event.start_mark),
                                 "a second document; only one is allowed");
        } else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT ||
                   event.type == YAML_SEQUENCE_START_EVENT ||
                   event.type == YAML_MAPPING_START_EVENT) {
            s = read_node(r, &event, 0, root);
        }
        yaml_event_delete(&event);
    }
    return s;
}

enum status yaml_tree_parse(struct yaml_node **root, struct arena *arena, const char *name,
                            const char *bytes, size_t length, bool one_line, struct diag *d)
{
    struct reader r = {.arena = arena,
                       .name = name,
                       .bytes = bytes,
                       .length = length,
                       .one_line = one_line,
                       .d = d};

    *root = NULL;
    if (!yaml_parser_initialize(&r.parser))
        return diag_nomem(d, "YAML parser");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, length);
    enum status s = read_stream(&r, root);
    yaml_parser_delete(&r.parser);
    return s;
}

struct yaml_node *yaml_node_child(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (struct yaml_node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, key) == 0)
            return child;
    }
    return NULL;
}

void yaml_node_put(struct yaml_node *map, const char *key, struct source_pos key_at,
                   struct yaml_node *value)
{
    value->key = key;
    value->key_at = key_at;
    struct yaml_node *before = NULL;
    for (struct yaml_node *child = map->first; child; before = child, child = child->next) {
        if (strcmp(child->key, key) != 0)
            continue;
        value->next = child->next;
        if (before)
            before->next = value;
        else
            map->first = value;
        if (map->last == child)
            map->last = value;
        return;
    }
    append_child(map, value);
}

struct yaml_node *yaml_node_copy(const struct yaml_node *node, struct arena *arena)
{
    struct yaml_node *copy = ARENA_NEW(arena, 1, struct yaml_node);

    if (!copy)
        return NULL;
    *copy = *node;
    copy->first = copy->last = copy->next = NULL;
    copy->n = 0;
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        struct yaml_node *child_copy = yaml_node_copy(child, arena);
        if (!child_copy)
            return NULL;
        append_child(copy, child_copy);
    }
    return copy;
}

const char *yaml_node_describe(char out[NODE_TEXT_SIZE], const struct yaml_node *node)
{
    char excerpt[TEXT_EXCERPT_SIZE];

    if (node->kind == NODE_LIST)
        snprintf(out, NODE_TEXT_SIZE, "a list");
    else if (node->kind == NODE_MAP)
        snprintf(out, NODE_TEXT_SIZE, "a map");
    else if (node->kind == NODE_NULL)
        snprintf(out, NODE_TEXT_SIZE, "nothing");
    else
        snprintf(out, NODE_TEXT_SIZE, "'%s'",
                 text_excerpt(excerpt, node->text, strlen(node->text)));
    return out;
}
