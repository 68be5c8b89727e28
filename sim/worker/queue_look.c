#include "sim/worker/queue_look.h"

static bool is_plain(const struct engine_config *engine)
{
    return engine->queue_look_steps <= 1 && engine->batch_wait_steps == 0;
}

uint64_t queue_look_step(const struct worker *w, uint32_t n_decode)
{
    const struct engine_config *engine = &w->pool->config->engine;
    uint64_t interval = engine->queue_look_steps, look = w->step;
    if (is_plain(engine) || n_decode == 0)
        return w->step;
    if (interval > 1)
        look = w->looked_step + (w->step - w->looked_step + interval - 1) / interval * interval;
    double prompt_tok = worker_rank_load(w)->prompt_tok + n_decode;
    if (engine->batch_wait_steps &&
        prompt_tok < engine->batch_wait_share * engine->max_num_batched_tokens) {
        uint64_t waited = w->waits_since_step + engine->batch_wait_steps;
        look = waited > look ? waited : look;
    }
    return look;
}

bool queue_look(struct worker *w, uint32_t n_decode)
{
    if (is_plain(&w->pool->config->engine))
        return true;
    if (queue_look_step(w, n_decode) > w->step)
        return false;
    w->looked_step = w->step;
    return true;
}

void queue_look_took(struct worker *w)
{
    w->waits_since_step = w->step;
}

void queue_look_joined(struct worker *w, uint64_t step)
{
    if (w->waiting.n == 1)
        w->waits_since_step = step;
}
