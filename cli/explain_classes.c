#include <inttypes.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/table.h"
#include "util/text.h"

struct class_count {
    uint64_t offered, missed;
    uint32_t by_cause[N_CAUSES];
};

static void count(struct class_count *classes, const struct explain *e, enum cause_axis axis)
{
    memset(classes, 0, CAUSE_N_CLASSES * sizeof *classes);
    for (size_t i = 0; i < e->run->n_requests; i++) {
        const struct recorded_request *q = &e->run->requests[i];
        uint32_t tok = axis == CAUSE_BY_ISL ? q->input_tok : q->output_tok;
        classes[cause_class(axis, tok)].offered += q->measured;
    }
    for (size_t i = 0; i < causes_n_missed(e->causes); i++) {
        const struct cause_verdict v = causes_missed(e->causes, i);
        uint32_t tok = axis == CAUSE_BY_ISL ? v.isl_tok : v.osl_tok;
        struct class_count *c = &classes[cause_class(axis, tok)];
        c->missed++;
        c->by_cause[v.cause]++;
    }
}

static void add_row(struct table *t, const struct class_count *c, enum cause_axis axis, size_t k)
{
    bool last = k + 1 == CAUSE_N_CLASSES;
    int top = 0;

    for (int i = 1; i < N_CAUSES; i++)
        top = c->by_cause[i] > c->by_cause[top] ? i : top;
    table_printf(t, "%s %" PRIu32, last ? "over" : "to", cause_class_tok(axis, last ? k - 1 : k));
    table_printf(t, "%" PRIu64, c->offered);
    table_printf(t, "%" PRIu64, c->missed);
    table_printf(t, "%.1f %%", 100 * (double)c->missed / (double)c->offered);
    if (c->missed)
        table_printf(t, "%s (%" PRIu32 ")", cause_name((enum cause)top), c->by_cause[top]);
    else
        table_add(t, "");
}

void explain_classes(const struct explain *e)
{
    static const char *const heads[N_CAUSE_AXES] = {"tokens in", "tokens out"};
    struct class_count classes[CAUSE_N_CLASSES];

    for (int axis = 0; axis < N_CAUSE_AXES; axis++) {
        struct table t;
        count(classes, e, (enum cause_axis)axis);
        table_init(&t, e->arena, 5);
        t.right[0] = t.right[1] = t.right[2] = t.right[3] = true;
        table_add(&t, heads[axis]), table_add(&t, "offered"), table_add(&t, "missed");
        table_add(&t, "share"), table_add(&t, "main cause");
        for (size_t k = 0; k < CAUSE_N_CLASSES; k++) {
            if (classes[k].offered)
                add_row(&t, &classes[k], (enum cause_axis)axis, k);
        }
        fputc('\n', stdout);
        table_print(&t, stdout);
    }
}
