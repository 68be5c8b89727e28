#include "record/line.h"

#include "util/array.h"
#include "util/bug.h"

void pool_line_join(struct pool_line *line, struct pool_wait *wait, uint32_t n_workers,
                    int64_t now_ns)
{
    wait->from_ns = now_ns;
    line->n++;
    pool_line_note(line, n_workers, now_ns);
}

void pool_line_leave(struct pool_line *line, struct pool_wait *wait, uint32_t n_workers,
                     int64_t to_ns, int64_t now_ns)
{
    BUG_IF(line->n == 0);
    wait->backlog_ns = line->backlog_ns;
    wait->to_ns = to_ns;
    line->n--;
    pool_line_note(line, n_workers, now_ns);
}

enum status prompts_ahead_add(struct prompts_ahead *list, struct prompt_ahead done,
                              bool anyone_waits, struct diag *d)
{
    if (!anyone_waits) {
        list->n = 0;
        return ST_OK;
    }
    while (list->n && list->at[list->n - 1].own_ns <= done.own_ns)
        list->n--;
    enum status s = ARRAY_RESERVE(list->at, list->n, list->capacity, 1, "prompts", d);
    if (!s)
        list->at[list->n++] = done;
    return s;
}

struct prompt_ahead prompts_ahead_since(const struct prompts_ahead *list, int64_t from_ns)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list->at[middle].done_ns > from_ns)
            high = middle;
        else
            low = middle + 1;
    }
    return low < list->n ? list->at[low] : (struct prompt_ahead){.request = UINT64_MAX};
}

void pool_wait_set_ahead(struct pool_wait *wait, const struct prompt_ahead *most, int64_t now_ns)
{
    int64_t wait_ns = now_ns - wait->from_ns;
    wait->ahead_request = most->request;
    wait->ahead_tok = most->isl_tok;
    wait->ahead_ns = most->own_ns < wait_ns ? most->own_ns : wait_ns;
}
