/* The sequences of a rank that decode: what they hold, when they finish, and the tokens that come
 * out. */
#ifndef SIM_WORKER_DECODE_SET_H
#define SIM_WORKER_DECODE_SET_H

#include "sim/worker/worker.h"

bool decode_in_step(const struct worker *w); /* does a step run that holds its blocks already? */
uint32_t decode_covered_tok(const struct worker *w,
                            const struct request *r);             /* tokens whose KV it holds */
uint32_t decode_growth_at(const struct worker *w, uint64_t step); /* blocks that step needs */
/* Start decoding: `tokens_out` are out, the next comes with the next step. */
enum status decode_join(struct sim *sim, struct worker *w, uint32_t id, uint32_t tokens_out);
void decode_leave(struct sim *sim, struct worker *w,
                  uint32_t id); /* its finish entry is the caller's */
void decode_finish_remove(struct worker *w, uint32_t id);
bool decode_pop_finished(struct worker *w, uint32_t *id); /* one that finished with the last step */
uint32_t decode_finishing(const struct worker *w);        /* how many finish with the next step */
/* Gaps of a step that ends now, sequence by sequence: each since its own last token. */
void decode_count_stalled_gaps(struct sim *sim, struct worker *w, int64_t end_ns);
/* Draft tokens that this step had accepted, beside the one it made for sure. */
enum status decode_accept_drafts(struct sim *sim, struct worker *w, int64_t end_ns);
/* Bring the token count and last token time of a decoding request up to date. */
void worker_note_tokens(const struct worker *w, struct request *r);
void decode_count_gaps(struct worker *w, int64_t total_ns, uint32_t n_steps, uint32_t n_sequences);
enum status decode_first_token(struct sim *sim, struct worker *w, uint32_t id, int64_t at_ns);
enum status decode_advance(struct sim *sim, struct worker *w, uint32_t n, int64_t total_ns,
                           int64_t end_ns);
enum status decode_commit(struct sim *sim, struct worker *w, uint32_t upto);
uint32_t decode_run_length(const struct worker *w);
double decode_longest_context(struct worker *w);
/* Account for the steps that have ended by now, leaving the run as it is. */
enum status worker_sync(struct sim *sim, struct worker *w);
/* What that would account for: gaps between tokens, and blocks. For those who only look: sums that
 * are cut elsewhere are other sums in the last place. */
struct decode_due {
    double itl_sum_s, n_itl;
    uint32_t kv_blocks;
};
struct decode_due worker_due(struct sim *sim, const struct worker *w);

#endif
