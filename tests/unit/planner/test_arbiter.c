/* Arbiters as functions: what is granted of random wishes, and what is refused beforehand. */
#include <criterion/criterion.h>
#include <string.h>

#include "planner/arbiter.h"
#include "util/pcg.h"

enum { N_CASES = 2000, MOST = 6 };

static unsigned draw(struct pcg64 *rng, unsigned low, unsigned high)
{
    return low + (unsigned)pcg64_below(rng, high - low + 1);
}

struct market {
    struct arena arena;
    struct diag diag;
    struct arbiter_deployment deployments[MOST];
    struct arbiter_demand demands[MOST];
    struct arbiter_setup setup;
    struct arbiter_grants grants;
    int64_t max_gpus;
};

static enum status create(struct market *m, const char *name, void **state)
{
    const struct arbiter_ops *arbiter = arbiter_find(name);
    arena_init(&m->arena);
    diag_init(&m->diag);
    m->setup.config = (struct arbiter_config){m->max_gpus, 0, 360};
    return arbiter->create(state, &m->arena, &m->setup, &m->diag);
}

static void share(struct market *m, const char *name, int64_t nodes_gpus)
{
    void *state;
    cr_assert_eq(create(m, name, &state), ST_OK, "%s", m->diag.text);
    struct arbiter_input input = {.asker = 0, .nodes_gpus = nodes_gpus, .demands = m->demands};
    arbiter_find(name)->share(state, &input, &m->grants);
    arena_release(&m->arena);
}

static int64_t gpus(const struct market *m, size_t i, const int *n)
{
    int64_t sum = 0;
    for (size_t p = 0; p < m->deployments[i].n_pools; p++)
        sum += (int64_t)n[p] * m->deployments[i].gpus_per_worker[p];
    return sum;
}

static int64_t granted(const struct market *m, size_t i)
{
    return gpus(m, i, m->grants.target[i]);
}

/* GPUs of the smallest replica that is wanted and not granted; 0 = all is granted. */
static int64_t denied(const struct market *m, size_t i)
{
    int64_t least = 0;
    for (size_t p = 0; p < m->deployments[i].n_pools; p++) {
        int64_t size = m->deployments[i].gpus_per_worker[p];
        if (m->grants.target[i][p] < m->demands[i].wanted[p] && (!least || size < least))
            least = size;
    }
    return least;
}

static void random_market(struct market *m, struct pcg64 *rng)
{
    int64_t kept = 0;
    unsigned largest = draw(rng, 0, 1) ? 1 : 4;
    *m = (struct market){
        .setup = {.n_deployments = draw(rng, 1, MOST), .deployments = m->deployments}};
    for (size_t i = 0; i < m->setup.n_deployments; i++) {
        struct arbiter_deployment *d = &m->deployments[i];
        *d = (struct arbiter_deployment){.n_pools = draw(rng, 1, 2),
                                         .priority = draw(rng, 0, 2),
                                         .weight = draw(rng, 1, 4),
                                         .guaranteed_gpus = draw(rng, 0, 6)};
        for (size_t p = 0; p < d->n_pools; p++) {
            d->gpus_per_worker[p] = (int)draw(rng, 1, largest);
            m->demands[i].wanted[p] = (int)draw(rng, 0, 9);
            m->demands[i].granted[p] = (int)draw(rng, 0, 9);
        }
        kept += d->guaranteed_gpus;
    }
    m->max_gpus = 1 + kept + draw(rng, 0, 20);
}

/* What both keep to. */
static void expect_shared_out(const struct market *m, int64_t room)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->setup.n_deployments; i++) {
        sum += granted(m, i);
        for (size_t p = 0; p < m->deployments[i].n_pools; p++)
            cr_assert_leq(m->grants.target[i][p], m->demands[i].wanted[p]);
    }
    cr_assert_leq(sum, room);
    for (size_t i = 0; i < m->setup.n_deployments; i++) {
        cr_assert(!denied(m, i) || sum + denied(m, i) > room, "GPUs are left");
        cr_assert(room < m->max_gpus || !denied(m, i) ||
                      granted(m, i) + denied(m, i) > m->deployments[i].guaranteed_gpus,
                  "below the guarantee");
    }
}

static int64_t beyond_guarantee(const struct market *m, size_t i)
{
    int64_t more = granted(m, i) - m->deployments[i].guaranteed_gpus;
    return more > 0 ? more : 0;
}

Test(arbiter, fair_share_is_max_min_by_weight)
{
    static struct market m;
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "fair", 0);
    for (int k = 0; k < N_CASES; k++) {
        random_market(&m, &rng);
        share(&m, "fair_share", m.max_gpus);
        expect_shared_out(&m, m.max_gpus);
        for (size_t i = 0; i < m.setup.n_deployments; i++)
            for (size_t j = 0; denied(&m, i) && j < m.setup.n_deployments; j++) {
                const struct arbiter_deployment *of = m.deployments;
                int largest = of[i].gpus_per_worker[0];
                if (of[i].n_pools > 1 && of[i].gpus_per_worker[1] > largest)
                    largest = of[i].gpus_per_worker[1];
                double next_i = (double)(granted(&m, i) + largest) / of[i].weight;
                double now_j = (double)granted(&m, j) / of[j].weight;
                /* Of the last GPUs, too few for a replica of i. */
                double rest_j = (largest - 1) / of[j].weight;
                cr_assert(beyond_guarantee(&m, j) < largest || next_i >= now_j - rest_j - 1e-9,
                          "one has more than another that is denied would have with a replica");
            }
    }
}

Test(arbiter, priority_gives_the_less_urgent_only_what_is_too_little_for_the_more_urgent)
{
    static struct market m;
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "priority", 0);
    for (int k = 0; k < N_CASES; k++) {
        random_market(&m, &rng);
        share(&m, "priority", m.max_gpus);
        expect_shared_out(&m, m.max_gpus);
        for (size_t i = 0; i < m.setup.n_deployments; i++) {
            int64_t of_less_urgent = 0;
            for (size_t j = 0; j < m.setup.n_deployments; j++)
                if (m.deployments[j].priority > m.deployments[i].priority)
                    of_less_urgent += beyond_guarantee(&m, j);
            cr_assert(!denied(&m, i) || of_less_urgent < denied(&m, i));
        }
    }
}

/* Nodes that are down are nobody's. */
Test(arbiter, shares_are_of_the_nodes_there_are)
{
    static struct market m;
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "nodes", 0);
    for (int k = 0; k < N_CASES; k++) {
        random_market(&m, &rng);
        int64_t room = draw(&rng, 0, (unsigned)m.max_gpus);
        share(&m, draw(&rng, 0, 1) ? "priority" : "fair_share", room);
        expect_shared_out(&m, room);
    }
}

/* Of a prefill and a decode pool: as much of either wish, the first worker of both first. */
Test(arbiter, a_part_of_a_wish_keeps_its_proportions)
{
    static struct market m;
    m = (struct market){.setup = {.n_deployments = 1, .deployments = m.deployments}, .max_gpus = 6};
    m.deployments[0] = (struct arbiter_deployment){
        .n_pools = 2, .gpus_per_worker = {1, 1}, .weight = 1, .guaranteed_gpus = -1};
    m.demands[0] = (struct arbiter_demand){{8, 4}, {1, 1}};
    share(&m, "fair_share", ARBITER_NO_LIMIT);
    cr_expect_eq(m.grants.target[0][0], 4);
    cr_expect_eq(m.grants.target[0][1], 2);
    cr_expect_eq(m.grants.grant[0], GRANT_IN_PART);
}

static void expect_refused(const char *arbiter, int replicas, int64_t guaranteed, int64_t max_gpus,
                           const char *text)
{
    static struct market m;
    void *state;
    m = (struct market){.setup = {.n_deployments = 1, .deployments = m.deployments},
                        .max_gpus = max_gpus};
    m.deployments[0] = (struct arbiter_deployment){.n_pools = 1,
                                                   .replicas = {replicas},
                                                   .gpus_per_worker = {2},
                                                   .weight = 1,
                                                   .guaranteed_gpus = guaranteed};
    cr_expect_eq(create(&m, arbiter, &state), ST_INPUT);
    cr_expect(strstr(m.diag.text, text), "%s", m.diag.text);
    arena_release(&m.arena);
}

Test(arbiter, budgets_hold_what_is_there_at_the_start)
{
    expect_refused("global", 3, -1, 5, "the replicas at the start take 6 GPUs");
    expect_refused("priority", 3, -1, 5, "the replicas at the start take 6 GPUs");
    expect_refused("fair_share", 1, 9, 5, "9 GPUs are guaranteed");
    expect_refused("fair_share", 0, -1, 1, "2 GPUs are guaranteed");
}

Test(arbiter, names_are_found_and_unknown_ones_not)
{
    for (const struct arbiter_ops *const *a = arbiters; *a; a++)
        cr_expect_eq(arbiter_find((*a)->name), *a);
    cr_expect_null(arbiter_find("auction"));
}
