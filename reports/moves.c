#include "reports/moves.h"

static void add(struct moves *m, size_t pool, int direction, int64_t at_ns, int64_t flap_ns)
{
    struct pool_move *last = &m->pools[pool];

    if (direction > 0 && m->n_ups++ == 0)
        m->first_up_ns = at_ns;
    if (direction < 0 && m->n_downs++ == 0)
        m->first_down_ns = at_ns;
    if (last->direction == -direction) {
        m->n_reversals++;
        m->n_flaps += at_ns - last->at_ns <= flap_ns;
    }
    *last = (struct pool_move){direction, at_ns};
    m->last_ns = at_ns;
}

void moves_add(struct moves *m, const struct decision_record *decision, int64_t flap_ns)
{
    for (size_t p = 0; p < decision->n_pools; p++) {
        int before = decision->counts[p].target, target = decision_target(decision, p);
        if (target > before)
            add(m, p, 1, decision->at_ns, flap_ns);
        else if (target < before)
            add(m, p, -1, decision->at_ns, flap_ns);
    }
}
