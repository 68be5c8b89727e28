#include "studies/size/size_internal.h"
#include "util/bug.h"

static enum status search_headroom(struct sizing *z, struct diag *d)
{
    struct size_task *tasks = ARENA_NEW(z->arena, z->n_choices, struct size_task);
    struct fleet_search *searches = ARENA_NEW(z->arena, z->n_choices, struct fleet_search);
    size_t n = 0;

    if (!tasks || !searches)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (!size_is_detailed(c) || !z->options->scenario->trace.path)
            continue;
        /* About half a worker is spare. */
        int64_t n_workers = c->workers.n[0] + c->workers.n[1];
        BUG_IF(n_workers < 1);
        int64_t guess = SIZE_LOAD_STEPS / (2 * n_workers);
        searches[n] = (struct fleet_search){.n_pools = 1,
                                            .gpus = {1},
                                            .guess = {guess > 1 ? guess : 1},
                                            .max_gpus = SIZE_LOAD_STEPS,
                                            .max_workers = SIZE_LOAD_STEPS,
                                            .arena = z->arena};
        tasks[n] = (struct size_task){
            .choice = c, .search = &searches[n], .setting = size_as_it_is, .of_load = true};
        tasks[n].setting.fleet = c->workers;
        n++;
    }
    enum status s = size_run_tasks(z, tasks, n, NULL, d);
    for (size_t i = 0; i < n && !s; i++) {
        int64_t fails = tasks[i].search->best.n[0];
        tasks[i].choice->load_headroom =
            tasks[i].state == FLEET_FOUND ? (double)(fails - 1) / SIZE_LOAD_STEPS : 1;
    }
    return s;
}

const struct size_step size_step_headroom = {"headroom", search_headroom};
