#include "reports/request_columns.h"

static const struct {
    const char *text;
    size_t n;
} outcomes[] = {
#define XX(id, name, text) {"" name, sizeof(name) - 1},
    OUTCOME_MAP(XX)
#undef XX
};

const char request_columns_header[] =
    "request,arrival_ms,input_tokens,output_tokens,outcome,measured,ttft_ms,ttst_ms,tpot_ms,e2e_ms,"
    "scheduled_ms,prefill_done_ms,first_token_ms,last_token_ms,output_tokens_done,cached_tokens,"
    "attempts,preemptions,prefill_worker,worker,sla_met";

static void row_worker(struct row *row, uint32_t worker)
{
    if (worker != NO_WORKER)
        row_int(row, worker);
}

void request_columns(struct row *row, const struct request_record *q,
                     const struct request_latencies *l)
{
#define COMMA() ROW_LITERAL(row, ",")
    row_int(row, (int64_t)q->index), COMMA();
    row_ms(row, q->arrival_ns), COMMA();
    row_int(row, q->isl_tok), COMMA();
    row_int(row, q->osl_tok), COMMA();
    row_text(row, outcomes[q->outcome].text, outcomes[q->outcome].n), COMMA();
    row_int(row, q->measured), COMMA();
    row_ms(row, l->ttft), COMMA();
    row_ms(row, l->ttst), COMMA();
    row_ms(row, request_tpot_ns(l)), COMMA();
    row_ms(row, l->e2e), COMMA();
    row_ms(row, q->scheduled_ns), COMMA();
    row_ms(row, q->prefill_done_ns), COMMA();
    row_ms(row, q->first_token_ns), COMMA();
    row_ms(row, q->last_token_ns), COMMA();
    row_int(row, q->n_output_tok), COMMA();
    row_int(row, q->cached_tok), COMMA();
    row_int(row, q->n_attempts), COMMA();
    row_int(row, q->n_preemptions), COMMA();
    row_worker(row, q->prefill_worker), COMMA();
    row_worker(row, q->worker), COMMA();
    row_int(row, l->ttft_ok && l->tpot_ok);
#undef COMMA
}
