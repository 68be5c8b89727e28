#include "reports/trace_events/chrome.h"

#include <string.h>

void chrome_text(struct row *row, const char *s)
{
    row_text(row, s, strlen(s));
}

void chrome_key_int(struct row *row, const char *key, int64_t v)
{
    ROW_LITERAL(row, "\"");
    chrome_text(row, key);
    ROW_LITERAL(row, "\": ");
    row_int(row, v);
}

void chrome_arg_int(struct row *row, const char *key, int64_t v)
{
    ROW_LITERAL(row, ", ");
    chrome_key_int(row, key, v);
}

void chrome_arg_text(struct row *row, const char *key, const char *v)
{
    ROW_LITERAL(row, ", \"");
    chrome_text(row, key);
    ROW_LITERAL(row, "\": \"");
    chrome_text(row, v);
    ROW_LITERAL(row, "\"");
}

void chrome_begin(struct traced *t, struct row *row, const char *phase, const char *name, int pid)
{
    row->n = 0;
    chrome_text(row, t->all->has_events ? ",{\"ph\": \"" : "{\"ph\": \"");
    t->all->has_events = true;
    chrome_text(row, phase);
    ROW_LITERAL(row, "\", \"name\": \"");
    chrome_text(row, name);
    ROW_LITERAL(row, "\", ");
    chrome_key_int(row, "pid", t->pid_base + pid);
}

void chrome_at(struct row *row, int64_t ns)
{
    ROW_LITERAL(row, ", \"ts\": ");
    row_us(row, ns);
}

enum status chrome_end(struct traced *t, struct row *row, struct diag *d)
{
    ROW_LITERAL(row, "}\n");
    return out_file_write(&t->all->file, row->text, row->n, d);
}

enum status chrome_end_args(struct traced *t, struct row *row, struct diag *d)
{
    ROW_LITERAL(row, "}");
    return chrome_end(t, row, d);
}

void chrome_begin_slice(struct traced *t, struct row *row, const char *name, const char *category,
                        int pid, uint32_t tid)
{
    chrome_begin(t, row, "X", name, pid);
    chrome_arg_int(row, "tid", tid);
    chrome_arg_text(row, "cat", category);
}

void chrome_lasts(struct row *row, int64_t start_ns, int64_t end_ns)
{
    chrome_at(row, start_ns);
    ROW_LITERAL(row, ", \"dur\": ");
    row_us(row, end_ns - start_ns);
}

static enum status name_thing(struct traced *t, const char *what, int pid, uint32_t tid,
                              const char *name, struct diag *d)
{
    struct row row;

    chrome_begin(t, &row, "M", what, pid);
    if (tid)
        chrome_arg_int(&row, "tid", tid);
    ROW_LITERAL(&row, ", \"args\": {\"name\": \"");
    chrome_text(&row, name);
    ROW_LITERAL(&row, "\"}");
    return chrome_end(t, &row, d);
}

static enum status order_thing(struct traced *t, const char *what, int pid, uint32_t tid,
                               int64_t place, struct diag *d)
{
    struct row row;

    chrome_begin(t, &row, "M", what, pid);
    if (tid)
        chrome_arg_int(&row, "tid", tid);
    ROW_LITERAL(&row, ", \"args\": {");
    chrome_key_int(&row, "sort_index", place);
    return chrome_end_args(t, &row, d);
}

enum status chrome_name_track(struct traced *t, int pid, uint32_t tid, const char *name,
                              struct diag *d)
{
    enum status s = name_thing(t, "thread_name", pid, tid, name, d);
    return s ? s : order_thing(t, "thread_sort_index", pid, tid, tid, d);
}

enum status chrome_name_process(struct traced *t, int pid, const char *name, struct diag *d)
{
    enum status s = name_thing(t, "process_name", pid, 0, name, d);
    return s ? s : order_thing(t, "process_sort_index", pid, 0, t->pid_base + pid, d);
}
