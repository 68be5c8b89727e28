#include "scenarios/text/yaml_write.h"

#include <string.h>

#include "util/bug.h"
#include "util/json_out.h"

/* Code point of the UTF-8 sequence at s, and its length; what libyaml lets through is valid. */
static unsigned decode(const unsigned char *s, size_t *n)
{
    unsigned code = s[0];

    *n = code < 0x80 ? 1 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
    if (*n > 1)
        code &= 0x7fu >> *n;
    for (size_t i = 1; i < *n; i++)
        code = code << 6 | (s[i] & 0x3fu);
    return code;
}

/* Control characters, and what YAML takes for an end of line or does not take at all, are escaped.
 */
void yaml_write_quoted(FILE *out, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n;

    fputc('"', out);
    for (; *s; s += n) {
        unsigned code = decode(s, &n);
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (int)code);
        else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            fprintf(out, "\\x%02x", code);
        else if (code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe ||
                 code == 0xffff)
            fprintf(out, "\\u%04x", code);
        else
            fwrite(s, 1, n, out);
    }
    fputc('"', out);
}

void yaml_write_text(FILE *out, const char *text)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    static const char *const other[] = {
        "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes",
        "YES",  "no",   "No",   "NO",   "on",   "On",   "ON",    "off",   "Off",   "OFF", NULL};
    bool quote = !*text || text[strspn(text, plain)] || !strpbrk(text, plain) ||
                 strchr("-.0123456789", *text);

    for (size_t i = 0; other[i] && !quote; i++)
        quote = strcmp(text, other[i]) == 0;
    if (quote)
        yaml_write_quoted(out, text);
    else
        fputs(text, out);
}

void yaml_write_path(FILE *out, const char *working_dir, const char *path)
{
    char whole[4096];

    if (path[0] != '/' &&
        (size_t)snprintf(whole, sizeof whole, "%s/%s", working_dir, path) < sizeof whole)
        path = whole;
    yaml_write_text(out, path);
}

void yaml_write_number(FILE *out, double value)
{
    char text[JSON_NUMBER_SIZE];

    json_format_double(text, value);
    fputs(text, out);
}

void yaml_write_node(FILE *out, const struct yaml_node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        fputs("null", out);
        return;
    case NODE_BOOL:
    case NODE_INT:
    case NODE_NUMBER:
        fputs(node->text, out);
        return;
    case NODE_TEXT:
        yaml_write_text(out, node->text);
        return;
    case NODE_LIST:
    case NODE_MAP:
        fputc(node->kind == NODE_LIST ? '[' : '{', out);
        for (const struct yaml_node *child = node->first; child; child = child->next) {
            if (child != node->first)
                fputs(", ", out);
            if (node->kind == NODE_MAP) {
                yaml_write_text(out, child->key);
                fputs(": ", out);
            }
            yaml_write_node(out, child);
        }
        fputc(node->kind == NODE_LIST ? ']' : '}', out);
        return;
    }
    BUG("a node of kind %d", (int)node->kind);
}

void yaml_write_comment(FILE *out, const char *text)
{
    const char *line = text;

    do {
        size_t n = strcspn(line, "\n");
        fputs(n ? "# " : "#", out);
        for (size_t i = 0; i < n; i++)
            fputc((unsigned char)line[i] < 0x20 || line[i] == 0x7f ? ' ' : line[i], out);
        fputc('\n', out);
        line += n + (line[n] == '\n');
    } while (*line);
}
