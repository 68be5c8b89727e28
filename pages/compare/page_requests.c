#include <inttypes.h>
#include <math.h>

#include "pages/bars.h"
#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"
#include "util/text.h"
#include "util/units.h"

static const char *miss_text(size_t miss)
{
    static const char *const texts[MISS_OUTCOME] = {"TTFT missed", "TPOT missed",
                                                    "TTFT and TPOT missed"};

    return miss < MISS_OUTCOME ? texts[miss] : compare_miss_name(miss);
}

/* Ways to miss, or causes: what each is called, and requests of either side. */
struct sides {
    const char *id, *label;
    size_t n;
    const char *(*name)(size_t i);
    const uint64_t *worse, *better;
};

/* A bar for each of them on each side. */
static enum status draw_sides(const struct compare_view *v, const struct compare_pair *pair,
                              const struct sides *sides)
{
    char of_a = compare_letter(pair->a, v->result), of_b = compare_letter(pair->b, v->result);
    struct svg_bar *bars = ARENA_NEW(v->arena, 2 * sides->n, struct svg_bar);
    const char *id = arena_printf(v->arena, "%s%s-%c", v->id_prefix, sides->id, of_b);
    size_t n = 0;

    if (!bars || !id)
        return diag_nomem(v->d, "bars");
    for (int better = 0; better < 2; better++) {
        const uint64_t *by = better ? sides->better : sides->worse;
        for (size_t i = 0; i < sides->n; i++) {
            if (!by[i])
                continue;
            const char *name =
                arena_printf(v->arena, "in %c alone: %s", better ? of_a : of_b, sides->name(i));
            if (!name)
                return diag_nomem(v->d, "bars");
            bars[n++] = (struct svg_bar){.name = name,
                                         .value = (double)by[i],
                                         .low = NAN,
                                         .high = NAN,
                                         .colour = better ? 0 : 1};
        }
    }
    const struct svg_frame frame = {.id = id, .label = sides->label};
    const struct svg_axis x = {.label = "requests", .from_zero = true};
    page_bars(v->out, &frame, &x, n, bars);
    return ST_OK;
}

static const char *name_of_cause(size_t i)
{
    return cause_name((enum cause)i);
}

/* By what they missed, and why. */
static enum status draw_changes(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_requests *q = &pair->requests;
    const struct sides
        misses = {"sides",     "Requests that are good in one run alone, by what they missed",
                  N_MISSES,    miss_text,
                  q->worse_by, q->better_by},
        causes = {"why",           "Requests that are good in one run alone, by why they missed",
                  N_CAUSES,        name_of_cause,
                  q->worse_causes, q->better_causes};

    enum status s = draw_sides(v, pair, &misses);
    return s ? s : draw_sides(v, pair, &causes);
}

static void add_request(FILE *out, const struct recorded_request *q)
{
    if (q->outcome != OUTCOME_COMPLETED)
        html_cell(out, outcome_name(q->outcome));
    else
        html_cell_number(out, 7, round(ms_from_ns(q->ttft_ns)));
    html_cell_number(out, 3, q->tpot_ns < 0 ? NAN : ms_from_ns(q->tpot_ns));
}

static enum status write_worst(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_requests *q = &pair->requests;
    char of_a = compare_letter(pair->a, v->result), of_b = compare_letter(pair->b, v->result);
    const char *const heads[] = {
        "#request",
        "#arrived, s",
        "#input tokens",
        "#output tokens",
        arena_printf(v->arena, "#TTFT ms %c", of_a),
        arena_printf(v->arena, "#TPOT ms %c", of_a),
        arena_printf(v->arena, "#TTFT ms %c", of_b),
        arena_printf(v->arena, "#TPOT ms %c", of_b),
        NULL,
    };

    if (q->n_worst == 0)
        return ST_OK;
    if (!heads[4] || !heads[5] || !heads[6] || !heads[7])
        return diag_nomem(v->d, "table");
    fputs("<p>Those that lost the most:</p>\n", v->out);
    html_table_begin(v->out, "Requests that got worse by the most", heads);
    for (size_t i = 0; i < q->n_worst; i++) {
        const struct recorded_request *a = q->worst[i].a;
        html_row_begin(v->out);
        html_cell_number(v->out, 9, (double)a->index);
        html_cell_number(v->out, 9, s_from_ns(a->arrival_ns));
        html_cell_number(v->out, 9, a->input_tok);
        html_cell_number(v->out, 9, a->output_tok);
        add_request(v->out, a);
        add_request(v->out, q->worst[i].b);
        html_row_end(v->out);
    }
    html_table_end(v->out);
    return ST_OK;
}

enum status compare_page_requests(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_requests *q = &pair->requests;
    char of_a = compare_letter(pair->a, v->result), of_b = compare_letter(pair->b, v->result);
    char n[TEXT_FIGURE_SIZE], good[TEXT_FIGURE_SIZE], missed[TEXT_FIGURE_SIZE];
    char worse[TEXT_FIGURE_SIZE], better[TEXT_FIGURE_SIZE];

    if (!q->matched) {
        fputs("<p>The traffic is not the same: requests are not matched.</p>\n", v->out);
        return ST_OK;
    }
    fprintf(v->out,
            "<p>Of %s requests, %s are good in both and %s in neither; %s missed in %c alone, %s "
            "in %c alone.</p>\n",
            text_grouped(n, q->n), text_grouped(good, q->n_good), text_grouped(missed, q->n_missed),
            text_grouped(worse, q->n_worse), of_b, text_grouped(better, q->n_better), of_a);
    enum status s = draw_changes(v, pair);
    return s ? s : write_worst(v, pair);
}
