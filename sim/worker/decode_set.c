/* The sequences of a worker that decode: what they hold, when they finish, and the tokens that come
 * out. */
#include "sim/worker/decode_set.h"

#include "sim/worker/parts.h"
#include "sim/worker/queue_look.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"
#include "util/array.h"

/* Is a step running that holds its blocks already? Not at the boundary where an interrupted run
 * ends. */
bool decode_in_step(const struct worker *w)
{
    return (w->kind == STEP_SINGLE && !w->decode_waits) ||
           (w->kind == STEP_RUN && w->run_committed < w->leader->run.n_steps);
}

static bool finish_before(const struct finish_entry *a, const struct finish_entry *b)
{
    return a->step != b->step ? a->step < b->step : a->admit_order < b->admit_order;
}

static void finish_sift_down(struct worker *w, uint32_t hole, struct finish_entry e)
{
    for (;;) {
        uint32_t child = 2 * hole + 1;
        if (child >= w->n_finish)
            break;
        if (child + 1 < w->n_finish && finish_before(&w->finish[child + 1], &w->finish[child]))
            child++;
        if (!finish_before(&w->finish[child], &e))
            break;
        w->finish[hole] = w->finish[child];
        hole = child;
    }
    w->finish[hole] = e;
}

static void finish_sift_up(struct worker *w, uint32_t hole, struct finish_entry e)
{
    while (hole > 0 && finish_before(&e, &w->finish[(hole - 1) / 2])) {
        w->finish[hole] = w->finish[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    w->finish[hole] = e;
}

static enum status finish_push(struct sim *sim, struct worker *w, struct finish_entry e)
{
    enum status s = ARRAY_RESERVE(w->finish, w->n_finish, w->finish_capacity, 1,
                                  "running sequences", sim->diag);
    if (s)
        return s;
    int64_t ahead = finish_ahead(&e);
    if (w->n_finish == 0 || (w->longest_known && ahead > w->longest_ahead)) {
        w->longest_ahead = ahead;
        w->longest_known = true;
    }
    finish_sift_up(w, w->n_finish++, e);
    return ST_OK;
}

static void finish_note_gone(struct worker *w, const struct finish_entry *e)
{
    w->longest_known = w->longest_known && finish_ahead(e) < w->longest_ahead;
}

void decode_finish_remove(struct worker *w, uint32_t id)
{
    uint32_t i = 0;
    while (i < w->n_finish && w->finish[i].request != id)
        i++;
    BUG_IF(i == w->n_finish);
    finish_note_gone(w, &w->finish[i]);
    struct finish_entry last = w->finish[--w->n_finish];
    if (i == w->n_finish)
        return;
    if (i > 0 && finish_before(&last, &w->finish[(i - 1) / 2]))
        finish_sift_up(w, i, last);
    else
        finish_sift_down(w, i, last);
}

bool decode_pop_finished(struct worker *w, uint32_t *id)
{
    if (w->n_finish == 0 || w->finish[0].step != w->step)
        return false;
    *id = w->finish[0].request;
    finish_note_gone(w, &w->finish[0]);
    struct finish_entry last = w->finish[--w->n_finish];
    if (w->n_finish)
        finish_sift_down(w, 0, last);
    return true;
}

/* Entries of the heap below `at` that finish with step `step`. */
static uint32_t count_finishing(const struct worker *w, uint32_t at, uint64_t step)
{
    if (at >= w->n_finish || w->finish[at].step > step)
        return 0;
    return 1 + count_finishing(w, 2 * at + 1, step) + count_finishing(w, 2 * at + 2, step);
}

uint32_t decode_finishing(const struct worker *w)
{
    return count_finishing(w, 0, w->step + 1);
}

/* Tokens whose KV a decoding sequence holds: one more with every step, but the first step of a
 * handed-over one computes nothing new. */
uint32_t decode_covered_tok(const struct worker *w, const struct request *r)
{
    uint64_t steps_left = r->finish_step - w->step;
    return r->isl_tok + r->osl_tok - 1 - (uint32_t)steps_left;
}

/* Index into w->growth of a sequence that holds `covered` tokens now. */
static uint32_t growth_index(const struct worker *w, uint32_t covered)
{
    uint32_t size = worker_block_size(w);
    return (covered % size + size - (uint32_t)(w->step % size)) % size;
}

/* Index into w->growth of the sequences that need a new block at step `step`. */
static uint32_t growth_of_step(const struct worker *w, uint64_t step)
{
    uint32_t size = worker_block_size(w);
    return (size - (uint32_t)((step - 1) % size)) % size;
}

uint32_t decode_growth_at(const struct worker *w, uint64_t step)
{
    return w->growth[growth_of_step(w, step)];
}

/* Start decoding: `tokens_out` are out, the next comes with the next step. */
enum status decode_join(struct sim *sim, struct worker *w, uint32_t id, uint32_t tokens_out)
{
    struct request *r = sim_request(sim, id);
    r->state = REQUEST_DECODE;
    parts_enter(sim, id, STAGE_DECODE, w->pool, w);
    r->finish_step = w->step + (r->osl_tok - tokens_out);
    uint32_t covered = decode_covered_tok(w, r);
    /* A handed-over request attends to its prompt; another to its prompt and the tokens that are
     * out. */
    w->context_sum_tok += r->isl_tok + tokens_out;
    w->n_decode++;
    w->growth[growth_index(w, covered)]++;
    enum status s = ST_OK;
    if (tokens_out == 0)
        s = id_array_push(&w->first_next, id, sim->diag);
    else if (tokens_out == 1)
        s = id_array_push(&w->second_next, id, sim->diag);
    if (s)
        return s;
    return finish_push(
        sim, w,
        (struct finish_entry){r->finish_step, r->admit_order, id, r->isl_tok + r->osl_tok - 1});
}

void worker_note_tokens(const struct worker *w, struct request *r)
{
    r->n_output_tok = r->osl_tok - (uint32_t)(r->finish_step - w->step);
    if (r->n_output_tok && w->decoded_ns > r->last_token_ns)
        r->last_token_ns = w->decoded_ns;
}

/* Take a sequence out of the decoding set. Its finish entry is the caller's. */
void decode_leave(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    uint32_t covered = decode_covered_tok(w, r);
    worker_note_tokens(w, r);
    r->computed_tok = covered;
    r->kv_blocks = blocks_from_tok(covered, worker_block_size(w));
    uint16_t *growth = &w->growth[growth_index(w, covered)];
    BUG_IF(*growth == 0 || w->n_decode == 0);
    (*growth)--;
    w->n_decode--;
    w->context_sum_tok -= r->isl_tok + r->n_output_tok;
    if (r->n_output_tok == 0)
        id_array_remove(&w->first_next, id);
    else if (r->n_output_tok == 1)
        id_array_remove(&w->second_next, id);
}

void decode_count_gaps(struct worker *w, int64_t total_ns, uint32_t n_steps, uint32_t n_sequences)
{
    if (n_sequences == 0)
        return;
    struct traffic_window *traffic = &w->pool->deployment->traffic.total;
    traffic->itl_sum_s += s_from_ns(total_ns) * (double)n_sequences;
    traffic->n_itl += (double)n_steps * n_sequences;
    w->last_itl_s = s_from_ns(total_ns) / n_steps;
}

static void count_first_token(struct deployment *d, const struct request *r, double ttft_s)
{
    d->traffic.total.ttft_sum_s += ttft_s;
    d->traffic.total.n_ttft++;
    d->traffic.total.isl_sum_tok += r->isl_tok;
    d->traffic.total.n_isl++;
}

enum status decode_first_token(struct sim *sim, struct worker *w, uint32_t id, int64_t at_ns)
{
    struct request *r = sim_request(sim, id);
    worker_drop_pending(w, r);
    r->first_token_ns = r->last_token_ns = at_ns;
    parts_first_token(sim, id, at_ns);
    struct deployment *d = sim_home_of(sim, r);
    d->first_tokens.n_came++;
    d->first_tokens.n_over++;
    double ttft_s = s_from_ns(at_ns - r->arrival_ns);
    count_first_token(d, r, ttft_s);
    if (w->pool->deployment != d) /* which has it since its prompt was done */
        count_first_token(w->pool->deployment, r, s_from_ns(at_ns - r->prefill_done_ns));
    /* As the frontend does it: the time is laid at the door of the worker that computed the prompt.
     */
    struct worker *prefill = w;
    if (r->prefill_worker != NO_WORKER) {
        prefill = d->workers[r->prefill_slot];
        if (prefill->state == WORKER_FREE || prefill->id != r->prefill_worker ||
            prefill->pool->config->role != POOL_PREFILL)
            prefill = NULL;
    }
    if (prefill) {
        prefill->last_ttft_s = ttft_s;
        prefill->last_isl_tok = r->isl_tok;
    }
    return deployment_event(w->pool->deployment, EVENT_FIRST_TOKEN, r->index, w->pool->index,
                            w->id);
}

/* Steps w->step + 1 .. w->step + n have ended, in total `total_ns` long (0: their gaps are counted
 * already), the last of them at `end_ns`. n is 1 while a first or second token is due. Everything
 * but the histogram of gaps and the sequences that finish. */
enum status decode_advance(struct sim *sim, struct worker *w, uint32_t n, int64_t total_ns,
                           int64_t end_ns)
{
    uint32_t n_first = w->first_next.n;
    BUG_IF(n != 1 && (n_first || w->second_next.n));
    for (uint32_t i = 0; i < w->second_next.n; i++)
        sim_request(sim, w->second_next.id[i])->second_token_ns = end_ns;
    w->second_next.n = 0;
    for (uint32_t i = 0; i < n_first; i++) {
        uint32_t id = w->first_next.id[i];
        enum status s = decode_first_token(sim, w, id, end_ns);
        if (!s)
            s = id_array_push(&w->second_next, id, sim->diag);
        if (s)
            return s;
    }
    w->first_next.n = 0;
    if (total_ns > 0)
        decode_count_gaps(w, total_ns, n, w->n_decode - n_first);
    w->step += n;
    w->decoded_ns = end_ns;
    w->n_steps += n;
    w->context_sum_tok += (uint64_t)n * w->n_decode;
    return ST_OK;
}

void decode_count_stalled_gaps(struct sim *sim, struct worker *w, int64_t end_ns)
{
    for (uint32_t i = 0; i < w->n_finish; i++) {
        struct request *r = sim_request(sim, w->finish[i].request);
        worker_note_tokens(w, r);
        if (r->n_output_tok == 0)
            continue;
        int64_t gap_ns = end_ns - r->last_token_ns;
        if (sim_measuring(sim, end_ns))
            histogram_add(&w->pool->deployment->result->itl, gap_ns, 1);
        decode_count_gaps(w, gap_ns, 1, 1);
    }
    w->stalled = false;
}

static uint32_t draw_accepted(const struct engine_config *engine, struct pcg64 *rng)
{
    uint32_t n = 0;
    while (n < engine->n_draft_tok && pcg64_double(rng) < engine->draft_acceptance)
        n++;
    return n;
}

/* The sequence's next `n` tokens are out as well: as if it had come that much further in its steps.
 */
static enum status skip_steps(struct sim *sim, struct worker *w, uint32_t id, uint32_t n,
                              int64_t end_ns)
{
    struct request *r = sim_request(sim, id);
    uint32_t before = decode_covered_tok(w, r);
    worker_note_tokens(w, r);
    if (r->n_output_tok == 1) {
        r->second_token_ns = end_ns;
        id_array_remove(&w->second_next, id);
    }
    decode_finish_remove(w, id);
    w->growth[growth_index(w, before)]--;
    r->finish_step -= n;
    w->growth[growth_index(w, before + n)]++;
    worker_kv_take(w, blocks_from_tok(before + n, worker_block_size(w)) -
                          blocks_from_tok(before, worker_block_size(w)));
    w->context_sum_tok += n;
    if (sim_measuring(sim, end_ns))
        histogram_add(&w->pool->deployment->result->itl, 0, n);
    w->pool->deployment->traffic.total.n_itl += n;
    return finish_push(
        sim, w,
        (struct finish_entry){r->finish_step, r->admit_order, id, r->isl_tok + r->osl_tok - 1});
}

enum status decode_accept_drafts(struct sim *sim, struct worker *w, int64_t end_ns)
{
    const struct engine_config *engine = &w->pool->config->engine;
    enum status s = ST_OK;
    for (uint32_t id = w->running.head; !s && id != NO_REQUEST; id = sim_request(sim, id)->next) {
        const struct request *r = sim_request(sim, id);
        if (r->state != REQUEST_DECODE)
            continue;
        uint32_t n = draw_accepted(engine, &w->rng);
        uint64_t left = r->finish_step - w->step;
        uint32_t covered = decode_covered_tok(w, r), size = worker_block_size(w);
        if (n > left)
            n = (uint32_t)left;
        while (n > 0 && blocks_from_tok(covered + n, size) - blocks_from_tok(covered, size) >
                            worker_kv_free(w))
            n--;
        if (n > 0)
            s = skip_steps(sim, w, id, n, end_ns);
    }
    return s;
}

static uint32_t sum(const uint16_t *value, uint32_t n)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += value[i];
    return total;
}

/* New blocks that steps `from` .. `to` need. */
static uint32_t growth_over(const struct worker *w, uint64_t from, uint64_t to)
{
    if (to < from)
        return 0;
    uint32_t size = worker_block_size(w);
    uint64_t n = to - from + 1;
    uint32_t grown = (uint32_t)(n / size) * w->n_decode, rest = (uint32_t)(n % size);
    if (rest == 0)
        return grown;
    /* Step by step the index goes down, and from 0 on to the last. */
    uint32_t last = growth_of_step(w, to), to_end = size - last < rest ? size - last : rest;
    return grown + sum(w->growth + last, to_end) + sum(w->growth, rest - to_end);
}

/* Account for the run's steps up to `upto`. The block of a step belongs to the sequence from the
 * step's start. */
enum status decode_commit(struct sim *sim, struct worker *w, uint32_t upto)
{
    struct decode_run *run = &w->leader->run;
    while (w->run_committed < upto) {
        uint32_t from = w->run_committed;
        uint32_t n_first = w->first_next.n;
        uint32_t to = n_first || w->second_next.n || w->stalled ? from + 1 : upto;
        int64_t start_ns = from ? w->decoded_ns : run->start_ns;
        int64_t end_ns = decode_run_end_ns(run, to);
        bool one_by_one = w->stalled && from == 0;
        if (one_by_one)
            decode_count_stalled_gaps(sim, w, end_ns);
        else if (sim_measuring(sim, end_ns))
            decode_run_add_gaps(run, from, to, w->n_decode - n_first,
                                &w->pool->deployment->result->itl);
        uint64_t last = to < run->n_steps ? w->step + (to - from) + 1 : w->step + (to - from);
        worker_kv_take(w, growth_over(w, w->step + 2, last));
        if (w->n_decode) /* all may have been given up meanwhile */
            w->share_s += s_from_ns(end_ns - start_ns) / w->n_decode;
        parts_decoded(w, end_ns - start_ns);
        if (w->leader->n_ranks > 1 && w->n_decode)
            parts_waited(w, end_ns - start_ns, decode_piece_ns(&w->own, from, to));
        w->run_committed = to;
        enum status s =
            decode_advance(sim, w, to - from, one_by_one ? 0 : end_ns - start_ns, end_ns);
        if (s)
            return s;
    }
    return ST_OK;
}

enum status worker_sync(struct sim *sim, struct worker *w)
{
    if (w->kind != STEP_RUN)
        return ST_OK;
    return decode_commit(sim, w, decode_run_steps_by(&w->leader->run, sim->now_ns));
}

/* As decode_count_stalled_gaps counts them. */
static void add_stalled_gaps(struct sim *sim, const struct worker *w, int64_t end_ns,
                             struct decode_due *due)
{
    for (uint32_t i = 0; i < w->n_finish; i++) {
        struct request r = *sim_request(sim, w->finish[i].request);
        worker_note_tokens(w, &r);
        if (r.n_output_tok == 0)
            continue;
        due->itl_sum_s += s_from_ns(end_ns - r.last_token_ns);
        due->n_itl++;
    }
}

struct decode_due worker_due(struct sim *sim, const struct worker *w)
{
    struct decode_due due = {0};
    if (w->kind != STEP_RUN)
        return due;
    struct decode_run *run = &w->leader->run;
    uint32_t from = w->run_committed, to = decode_run_steps_by(run, sim->now_ns);
    if (to <= from)
        return due;
    uint64_t last = w->step + (to - from) + (to < run->n_steps);
    due.kv_blocks = growth_over(w, w->step + 2, last);
    if (w->stalled && from == 0)
        add_stalled_gaps(sim, w, decode_run_end_ns(run, ++from), &due);
    uint32_t n = w->n_decode - w->first_next.n;
    int64_t length_ns = decode_run_end_ns(run, to) - decode_run_end_ns(run, from);
    due.itl_sum_s += s_from_ns(length_ns) * n;
    due.n_itl += (double)(to - from) * n;
    return due;
}

/* Decode steps that can be made before a sequence finishes or the blocks run out. */
uint32_t decode_run_length(const struct worker *w)
{
    if (w->first_next.n || w->admissions_held || w->pool->deployment->sim->config->exact_stepper)
        return 1; /* first tokens are events of their own; what was held back is looked at again */
    if (w->n_decode == 0)
        return UINT32_MAX;
    uint64_t n = w->finish[0].step - w->step;
    if (w->waiting.n) {
        uint64_t look = queue_look_step(w, w->n_decode);
        if (look > w->step && look - w->step < n)
            n = look - w->step;
    }
    uint32_t size = worker_block_size(w);
    if ((n / size + 1) * w->n_decode > worker_kv_free(w)) {
        uint32_t room = worker_kv_free(w); /* the first step has its blocks already */
        for (uint64_t i = 2; i <= n; i++) {
            uint32_t need = decode_growth_at(w, w->step + i);
            if (need > room)
                return (uint32_t)i - 1;
            room -= need;
        }
    }
    return (uint32_t)n;
}

/* Tokens that the next step of the longest sequence attends to. */
double decode_longest_context(struct worker *w)
{
    if (w->n_finish == 0)
        return 0;
    if (!w->longest_known) {
        w->longest_ahead = finish_ahead(&w->finish[0]);
        for (uint32_t i = 1; i < w->n_finish; i++) {
            int64_t ahead = finish_ahead(&w->finish[i]);
            w->longest_ahead = ahead > w->longest_ahead ? ahead : w->longest_ahead;
        }
        w->longest_known = true;
    }
    return (double)(w->longest_ahead + (int64_t)w->step + 1);
}
