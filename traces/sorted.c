#include "traces/sorted.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"

enum status sorted_add(struct sorted_requests *list, const struct trace_request *request,
                       unsigned long line, struct diag *d)
{
    enum status s = ARRAY_RESERVE(list->item, list->n, list->capacity, 1, "a sorted trace", d);
    if (!s)
        s = ARRAY_RESERVE(list->id, list->n_ids, list->ids_capacity, request->n_blocks,
                          "block ids of a sorted trace", d);
    if (s)
        return s;
    list->item[list->n++] =
        (struct sorted_request){.request = *request, .line = line, .ids_at = list->n_ids};
    if (request->n_blocks)
        memcpy(list->id + list->n_ids, request->block_ids, request->n_blocks * sizeof *list->id);
    list->n_ids += request->n_blocks;
    return ST_OK;
}

static int by_arrival(const void *left, const void *right)
{
    const struct sorted_request *a = left, *b = right;
    if (a->request.arrival_ns != b->request.arrival_ns)
        return a->request.arrival_ns < b->request.arrival_ns ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

void sorted_finish(struct sorted_requests *list)
{
    for (size_t i = 0; i < list->n; i++) /* only now do the ids stay where they are */
        if (list->item[i].request.n_blocks)
            list->item[i].request.block_ids = list->id + list->item[i].ids_at;
    qsort(list->item, list->n, sizeof *list->item, by_arrival);
}

const struct sorted_request *sorted_take(struct sorted_requests *list)
{
    return list->n_taken < list->n ? &list->item[list->n_taken++] : NULL;
}

void sorted_free(struct sorted_requests *list)
{
    free(list->item);
    free(list->id);
}
