#include "reports/event_line.h"

#include <string.h>

#include "util/bug.h"

static const struct {
    const char *text;
    size_t n;
} kinds[] = {
#define XX(id, name) {"" name, sizeof(name) - 1},
    EVENT_KIND_MAP(XX)
#undef XX
};

void event_line(struct row *row, const struct event_record *e, const struct run_info *info)
{
    row->n = 0;
    ROW_LITERAL(row, "{\"at_ms\": ");
    row_ms(row, e->at_ns);
    ROW_LITERAL(row, ", \"event\": \"");
    row_text(row, kinds[e->kind].text, kinds[e->kind].n);
    ROW_LITERAL(row, "\"");
    if (info && info->deployment) {
        ROW_LITERAL(row, ", \"deployment\": \"");
        row_text(row, info->deployment, strlen(info->deployment));
        ROW_LITERAL(row, "\"");
    }
    if (e->request != UINT64_MAX) {
        ROW_LITERAL(row, ", \"request\": ");
        row_int(row, (int64_t)e->request);
    }
    if (e->pool != SIZE_MAX) {
        BUG_IF(!info || e->pool >= info->n_pools);
        const char *pool = info->pool_names[e->pool];
        ROW_LITERAL(row, ", \"pool\": \"");
        row_text(row, pool, strlen(pool));
        ROW_LITERAL(row, "\"");
    }
    if (e->worker != NO_WORKER) {
        ROW_LITERAL(row, ", \"worker\": ");
        row_int(row, e->worker);
    }
    if (e->node != NO_NODE) {
        ROW_LITERAL(row, ", \"node\": ");
        row_int(row, e->node);
    }
    ROW_LITERAL(row, "}\n");
}
