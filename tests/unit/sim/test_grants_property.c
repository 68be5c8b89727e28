/* Random deployments that share a budget under every arbiter, each with requests of its own or all
 * behind one endpoint: told all that happens, a watcher
 * counts GPUs itself. At no event are more held than the budget; nobody waits beside free GPUs;
 * what is granted is within the budget, leaves none over that is wanted, and nobody below what is
 * guaranteed. A failure names its seed; HEADROOM_SEED=n runs that seed alone. */
#include "sim/routing/endpoint.h"
#include "together_fixture.h"

enum { N_SEEDS = 150, MOST = 5, MOST_IDS = 2048, MOST_GPUS = 1 << 20 };

static unsigned draw(struct pcg64 *rng, unsigned low, unsigned high)
{
    return low + (unsigned)pcg64_below(rng, high - low + 1);
}

/* ---- a policy that asks for anything, at any time ---- */

struct whim {
    struct pcg64 rng;
    double mean_s;
    unsigned most;
};

static void whim_next(struct whim *w, int64_t now_ns, struct policy_effects *e)
{
    e->next_ns = now_ns + 1 + (int64_t)(pcg64_exponential(&w->rng, w->mean_s) * 1e9);
}

static enum status whim_tick(void *state, const struct policy_input *input,
                             struct policy_effects *effects, struct diag *d)
{
    struct whim *w = state;
    (void)d;
    effects->report = true;
    effects->scale = draw(&w->rng, 0, 4) != 0;
    for (size_t p = 0; p < input->n_pools; p++)
        effects->target[p] = (int)draw(&w->rng, 0, w->most);
    whim_next(w, input->now_ns, effects);
    return ST_OK;
}

static const struct policy_ops policy_whim = {.name = "whim", .tick = whim_tick};

/* ---- the watcher ---- */

enum life { LIFE_NONE, LIFE_PENDING, LIFE_HOLDS };

struct seen_pool {
    unsigned char life[MOST_IDS];
    int gpus, n_pending, target, wanted;
    int64_t wanted_ns;
};

enum { N_REQUESTS = 40 };

struct watch {
    bool endpoint;
    size_t n_ended[MOST];
    bool ended[N_REQUESTS]; /* of an endpoint's requests */
    uint64_t n_apart;       /* decoded in another deployment than they came to */
    struct seen_pool pools[MOST][POLICY_MAX_POOLS];
    size_t n, n_pools[MOST];
    struct standing standings[MOST];
    const char *arbiter;
    int64_t max_gpus, held, ttl_ns;
    bool limited_nodes;
    int64_t nodes_gpus, gpus_per_node;
    int64_t now_ns;
    const char *broken;
    uint64_t digest;
    uint64_t n_waits, n_denied, n_taken, n_events; /* does the test see what it is about? */
};

static void expect(struct watch *w, bool holds, const char *what)
{
    if (!holds && !w->broken)
        w->broken = what;
}

static void digest(struct watch *w, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        w->digest = (w->digest ^ b[i]) * UINT64_C(1099511628211);
}
#define DIGEST(w, value) digest(w, &(value), sizeof(value))

static int64_t granted_gpus(const struct watch *w, size_t i)
{
    int64_t gpus = 0;
    for (size_t p = 0; p < w->n_pools[i]; p++)
        gpus += (int64_t)w->pools[i][p].target * w->pools[i][p].gpus;
    return gpus;
}

static int64_t guaranteed(const struct watch *w, size_t i)
{
    int64_t gpus = 0;
    for (size_t p = 0; p < w->n_pools[i]; p++)
        gpus += w->pools[i][p].gpus;
    return w->standings[i].guaranteed_gpus < 0 ? gpus : w->standings[i].guaranteed_gpus;
}

static bool is_denied(const struct watch *w, const struct seen_pool *p)
{
    bool lapsed = p->wanted_ns >= 0 && w->now_ns - p->wanted_ns > w->ttl_ns;
    return p->wanted > p->target && !lapsed;
}

/* Of an arbiter that shares out: nothing wanted fits in what is left, of all or of the guarantee.
 */
static void check_shares(struct watch *w, int64_t room, int64_t granted, int64_t all_guaranteed)
{
    for (size_t i = 0; i < w->n; i++) {
        int64_t own = granted_gpus(w, i);
        for (size_t p = 0; p < w->n_pools[i]; p++) {
            const struct seen_pool *pool = &w->pools[i][p];
            if (!is_denied(w, pool))
                continue;
            w->n_denied++;
            expect(w, granted + pool->gpus > room, "GPUs are left that a deployment wants");
            expect(w, own + pool->gpus > guaranteed(w, i) || all_guaranteed > room,
                   "a deployment is below what is guaranteed to it");
        }
    }
}

/* Once all is settled that happens at one instant. */
static void check_instant(struct watch *w)
{
    int64_t granted = 0, all_guaranteed = 0;
    int64_t room = w->nodes_gpus < w->max_gpus ? w->nodes_gpus : w->max_gpus;
    bool shares = strcmp(w->arbiter, "priority") == 0 || strcmp(w->arbiter, "fair_share") == 0;
    for (size_t i = 0; i < w->n; i++) {
        granted += granted_gpus(w, i);
        all_guaranteed += guaranteed(w, i);
        for (size_t p = 0; p < w->n_pools[i]; p++) {
            const struct seen_pool *pool = &w->pools[i][p];
            w->n_waits += pool->n_pending > 0;
            expect(w,
                   pool->n_pending == 0 || w->limited_nodes || w->held + pool->gpus > w->max_gpus,
                   "a worker waits beside free GPUs");
        }
    }
    expect(w, granted <= w->max_gpus, "more is granted than the budget has");
    if (shares)
        check_shares(w, room, granted, all_guaranteed);
}

static void at(struct watch *w, int64_t now_ns)
{
    if (now_ns == w->now_ns)
        return;
    check_instant(w);
    w->now_ns = now_ns;
}

static void see_worker(struct watch *w, const struct event_record *e)
{
    struct seen_pool *pool = &w->pools[e->deployment][e->pool];
    cr_assert_lt(e->worker, MOST_IDS);
    unsigned char *life = &pool->life[e->worker];
    if (e->kind == EVENT_WORKER_PENDING) {
        *life = LIFE_PENDING;
        pool->n_pending++;
    } else if (e->kind == EVENT_WORKER_START) {
        pool->n_pending -= *life == LIFE_PENDING;
        *life = LIFE_HOLDS;
        w->held += pool->gpus;
    } else if (e->kind == EVENT_WORKER_STOP) {
        pool->n_pending -= *life == LIFE_PENDING;
        w->held -= *life == LIFE_HOLDS ? pool->gpus : 0;
        *life = LIFE_NONE;
    }
    expect(w, w->held <= w->max_gpus, "more GPUs are held than the budget has");
}

static enum status see_event(void *context, const struct event_record *e, struct diag *d)
{
    struct watch *w = context;
    (void)d;
    at(w, e->at_ns);
    w->n_events++;
    if (e->kind == EVENT_NODE_FAIL || e->kind == EVENT_NODE_NOTICE)
        w->nodes_gpus -= w->limited_nodes ? w->gpus_per_node : 0;
    else if (e->kind == EVENT_NODE_BACK)
        w->nodes_gpus += w->limited_nodes ? w->gpus_per_node : 0;
    else if (e->pool != SIZE_MAX && e->worker != NO_WORKER)
        see_worker(w, e);
    DIGEST(w, e->at_ns);
    DIGEST(w, e->kind);
    DIGEST(w, e->request);
    DIGEST(w, e->pool);
    DIGEST(w, e->worker);
    DIGEST(w, e->node);
    DIGEST(w, e->deployment);
    return ST_OK;
}

static enum status see_grant(void *context, const struct grant_record *g, struct diag *d)
{
    struct watch *w = context;
    (void)d;
    at(w, g->at_ns);
    for (size_t p = 0; p < g->n_pools; p++) {
        struct seen_pool *pool = &w->pools[g->deployment][p];
        expect(w, g->before[p] == pool->target, "a target changed without a word");
        expect(w, g->granted[p] >= 0, "a grant of less than nothing");
        pool->target = g->granted[p];
        if (g->deployment == g->asker) {
            pool->wanted = g->wanted[p];
            pool->wanted_ns = g->at_ns;
        }
    }
    w->n_taken += g->grant == GRANT_TAKEN;
    return ST_OK;
}

static enum status see_decision(void *context, const struct decision_record *r, struct diag *d)
{
    struct watch *w = context;
    (void)d;
    at(w, r->at_ns);
    for (size_t p = 0; p < r->n_pools; p++) {
        expect(w, r->granted[p] == w->pools[r->deployment][p].target || !r->arbitrated,
               "a decision says another grant");
        DIGEST(w, r->counts[p].ready);
        DIGEST(w, r->counts[p].starting);
        DIGEST(w, r->counts[p].draining);
        DIGEST(w, r->granted[p]);
        DIGEST(w, r->started[p]);
        DIGEST(w, r->cancelled[p]);
    }
    return ST_OK;
}

static enum status see_request(void *context, const struct request_record *r, struct diag *d)
{
    struct watch *w = context;
    (void)d;
    expect(w, r->index < N_REQUESTS, "a request that nobody sent");
    if (w->endpoint) {
        expect(w, !w->ended[r->index], "a request ends twice");
        w->ended[r->index] = true;
    }
    w->n_ended[r->deployment]++;
    w->n_apart += r->decode_in && r->worker != NO_WORKER;
    DIGEST(context, r->deployment);
    DIGEST(context, r->index);
    DIGEST(context, r->outcome);
    DIGEST(context, r->end_ns);
    return ST_OK;
}

/* ---- deployments ---- */

struct crowd {
    struct fixture f[MOST];
    struct whim whims[MOST];
    struct trace_text text[MOST];
    size_t n;
};

/* ---- an endpoint that goes by nothing but the number of the request ---- */

/* The i-th of those whose pool it can be. */
static size_t take(const struct crowd *c, bool decode, uint64_t i)
{
    size_t n = 0, of[MOST];
    for (size_t k = 0; k < c->n; k++) {
        const struct deployment_config *d = &c->f[k].deployment;
        if (decode ? d->pools[d->n_pools - 1].role == POOL_DECODE : d->pools[0].role != POOL_DECODE)
            of[n++] = k;
    }
    return of[i % n];
}

static enum status choose_any(const void *state, const struct endpoint_view *view,
                              const struct trace_request *request, struct endpoint_choice *to,
                              struct diag *d)
{
    const struct crowd *c = state;
    (void)request;
    (void)d;
    to->entry = to->decode = take(c, false, view->number * 7);
    to->target = 0;
    if (c->f[to->entry].deployment.pools[0].role == POOL_PREFILL)
        to->decode = take(c, true, view->number * 5 + 1);
    return ST_OK;
}

static const struct endpoint_ops endpoint_any = {.name = "any", .choose = choose_any};

/* Some have only one of their two pools; the first has both. */
static void random_halves(struct crowd *c, struct pcg64 *rng)
{
    for (size_t i = 1; i < c->n; i++) {
        struct deployment_config *d = &c->f[i].deployment;
        unsigned half = draw(rng, 0, 2);
        if (d->n_pools == 1 || half == 0)
            continue;
        d->n_pools = 1;
        if (half == 2)
            d->pools[0] = d->pools[1];
    }
    c->f[0].config.endpoint = &endpoint_any;
    c->f[0].config.endpoint_state = c;
}

/* ---- a random run ---- */

static void random_fleet(struct fixture *f, struct pcg64 *rng, uint32_t gpus_per_node)
{
    struct deployment_config *d = &f->deployment;
    for (size_t p = 0; p < d->n_pools; p++) {
        struct pool_config *pool = &d->pools[p];
        pool->replicas = (int)draw(rng, 0, 2);
        pool->gpus_per_worker = (int)draw(rng, 1, gpus_per_node);
        pool->startup_phase_ns[0] = draw(rng, 0, 3) * 150 * NS_PER_MS;
        pool->startup_cv = draw(rng, 0, 1) * 0.5;
        pool->startup_failure = draw(rng, 0, 2) ? 0 : 0.3;
        pool->startup_retry_ns = draw(rng, 0, 100) * NS_PER_MS;
        pool->engine.step_noise = draw(rng, 0, 1) * 0.2;
    }
    d->scale_down = draw(rng, 0, 2) ? SCALE_DOWN_DRAIN : SCALE_DOWN_TERMINATE;
    d->drain_grace_ns = draw(rng, 0, 1) ? TIME_NEVER : draw(rng, 0, 900) * NS_PER_MS;
    d->victim = (enum scale_down_victim)draw(rng, 0, 2);
    d->call_back = draw(rng, 0, 1);
    d->retry_lost = draw(rng, 0, 1);
    d->worker_mtbf_s = draw(rng, 0, 2) ? 0 : 0.5 + 3 * pcg64_double(rng);
}

static void random_policy(struct fixture *f, struct whim *whim, struct pcg64 *rng)
{
    unsigned kind = draw(rng, 0, 3);
    f->deployment.policy_state = whim;
    policy_effects_clear(&f->deployment.policy_first, f->deployment.n_pools);
    if (kind == 0) {
        f->deployment.policy = &policy_static;
        return;
    }
    if (kind == 1) {
        double at_s = 0;
        f->deployment.policy_state = NULL; /* its schedule */
        for (int i = 0; i < 8; i++) {
            at_s += 0.001 + pcg64_double(rng);
            fixture_scale_at(f, at_s, (int)draw(rng, 0, 6), (int)draw(rng, 0, 6));
        }
        return;
    }
    whim->rng = *rng;
    whim->mean_s = 0.05 + pcg64_double(rng);
    whim->most = draw(rng, 1, 8);
    f->deployment.policy = &policy_whim;
    whim_next(whim, 0, &f->deployment.policy_first);
}

static struct trace_text random_traffic(struct pcg64 *rng)
{
    struct trace_text t = {0};
    double at_ms = 0, gap_ms = 10 + 150 * pcg64_double(rng);
    for (unsigned i = 0; i < N_REQUESTS; i++) {
        trace_text_add(&t, at_ms, draw(rng, 1, 300), draw(rng, 1, 80));
        at_ms += pcg64_exponential(rng, gap_ms);
    }
    return t;
}

static void crowd_init(struct crowd *c, unsigned seed, size_t n, bool endpoint)
{
    static const char *const names[MOST] = {"a", "b", "c", "d", "e"};
    struct pcg64 rng;
    pcg64_stream(&rng, seed, "crowd", 0);
    uint32_t gpus_per_node = draw(&rng, 1, 4);
    c->n = n ? n : draw(&rng, 2, MOST);
    for (size_t i = 0; i < c->n; i++) {
        pcg64_stream(&rng, seed, "deployment", i);
        fixture_init(&c->f[i], draw(&rng, 0, 1) || (endpoint && i == 0), 1);
        c->f[i].deployment.name = names[i];
        random_fleet(&c->f[i], &rng, gpus_per_node);
        random_policy(&c->f[i], &c->whims[i], &rng);
        c->text[i] = random_traffic(&rng);
    }
    struct sim_config *config = &c->f[0].config;
    pcg64_stream(&rng, seed, "nodes", 0);
    config->seed = seed;
    config->cluster.gpus_per_node = gpus_per_node;
    config->drain_ns = 10 * NS_PER_S;
    config->warmup_ns = draw(&rng, 0, 1) * 300 * NS_PER_MS;
    config->node_mtbf_s = draw(&rng, 0, 2) ? 0 : 3 + 6 * pcg64_double(&rng);
    config->node_repair_ns = draw(&rng, 0, 1) ? draw(&rng, 0, 1000) * NS_PER_MS : TIME_NEVER;
    config->spot_mtbf_s = draw(&rng, 0, 2) ? 0 : 3 + 6 * pcg64_double(&rng);
    config->spot_notice_ns = draw(&rng, 0, 400) * NS_PER_MS;
    config->spot_return_ns = draw(&rng, 0, 1) ? draw(&rng, 0, 1000) * NS_PER_MS : TIME_NEVER;
    if (endpoint)
        random_halves(c, &rng);
}

static void crowd_release(struct crowd *c)
{
    for (size_t i = 0; i < c->n; i++) {
        fixture_release(&c->f[i]);
        free(c->text[i].text);
    }
}

static void watch_init(struct watch *w, const struct crowd *c, struct pcg64 *rng)
{
    *w = (struct watch){.n = c->n, .digest = UINT64_C(14695981039346656037), .now_ns = -1};
    for (size_t i = 0; i < c->n; i++) {
        const struct deployment_config *d = &c->f[i].deployment;
        w->n_pools[i] = d->n_pools;
        w->standings[i] = (struct standing){.priority = draw(rng, 0, 2),
                                            .guaranteed_gpus = (int64_t)draw(rng, 0, 8) - 2,
                                            .weight = 0.5 + 2 * pcg64_double(rng)};
        for (size_t p = 0; p < d->n_pools; p++) {
            struct seen_pool *pool = &w->pools[i][p];
            pool->gpus = d->pools[p].gpus_per_worker;
            pool->target = pool->wanted = d->pools[p].replicas;
            pool->wanted_ns = -1;
        }
    }
}

/* A budget that holds what is there at the start, and the nodes for it or more. */
static void random_budget(struct watch *w, struct crowd *c, struct pcg64 *rng)
{
    struct cluster_config *cluster = &c->f[0].config.cluster;
    int64_t start = 0, kept = 0;
    uint32_t n_workers = 0;
    for (size_t i = 0; i < c->n; i++) {
        start += granted_gpus(w, i);
        kept += guaranteed(w, i);
        for (size_t p = 0; p < w->n_pools[i]; p++)
            n_workers += (uint32_t)w->pools[i][p].target;
    }
    w->max_gpus = (start > kept ? start : kept) + draw(rng, 0, 12);
    w->max_gpus = w->max_gpus ? w->max_gpus : 1;
    w->limited_nodes = draw(rng, 0, 1);
    cluster->n_nodes = w->limited_nodes ? n_workers + draw(rng, 1, 6) : 0;
    w->gpus_per_node = cluster->gpus_per_node;
    w->nodes_gpus = w->limited_nodes ? cluster->n_nodes * w->gpus_per_node : INT64_MAX;
}

/* Every request that was sent has ended once, and is counted where it came to. */
static void check_requests(struct watch *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        n += w->n_ended[i];
        expect(w, w->endpoint || w->n_ended[i] == N_REQUESTS, "a request never ended");
    }
    expect(w, !w->endpoint || n == N_REQUESTS, "a request never ended");
}

/* Under the arbiter (NULL: under none), with an ample budget or a random one. */
static void watch_run(struct watch *w, unsigned seed, const char *arbiter, size_t n, bool ample,
                      bool endpoint)
{
    static struct crowd crowd;
    struct fixture *of[MOST];
    struct pcg64 rng;
    crowd = (struct crowd){.n = 0};
    crowd_init(&crowd, seed, n, endpoint);
    pcg64_stream(&rng, seed, "budget", 0);
    watch_init(w, &crowd, &rng);
    w->endpoint = endpoint;
    cr_assert_gt(crowd.n, 0);
    for (size_t i = 0; i < crowd.n; i++)
        of[i] = &crowd.f[i];
    double ttl_s = draw(&rng, 0, 1) ? 360 : 0.1 + 2 * pcg64_double(&rng);
    random_budget(w, &crowd, &rng);
    if (ample) {
        crowd.f[0].config.cluster.n_nodes = 0;
        w->max_gpus = MOST_GPUS;
    }
    w->arbiter = arbiter ? arbiter : "";
    w->ttl_ns = (int64_t)(ttl_s * 1e9);
    if (arbiter)
        use_arbiter(of, crowd.n, arbiter, w->max_gpus, ttl_s, w->standings);
    if (!arbiter || strcmp(arbiter, "none") == 0)
        w->max_gpus = MOST_GPUS;
    struct observer observer = {.context = w,
                                .request = see_request,
                                .decision = see_decision,
                                .event = see_event,
                                .grant = see_grant};
    run_together(of, crowd.n, crowd.text, &observer);
    check_requests(w);
    for (size_t i = 0; i < crowd.n; i++)
        for (size_t p = 0; p < w->n_pools[i]; p++)
            DIGEST(w, crowd.f[i].result->pools[p].unserved_gpu_s);
    crowd_release(&crowd);
}

static unsigned first_seed(unsigned *n)
{
    const char *only = getenv("HEADROOM_SEED");
    *n = only ? 1 : N_SEEDS;
    return only ? (unsigned)atoi(only) : 1;
}

Test(grants, of_random_deployments_stay_within_the_budget)
{
    static struct watch w, again;
    unsigned n, seed = first_seed(&n);
    uint64_t n_waits = 0, n_denied = 0, n_taken = 0;
    for (unsigned end = seed + n; seed < end; seed++)
        for (const struct arbiter_ops *const *a = arbiters; *a; a++) {
            watch_run(&w, seed, (*a)->name, 0, false, false);
            cr_assert_null(w.broken, "HEADROOM_SEED=%u %s: %s", seed, (*a)->name, w.broken);
            watch_run(&again, seed, (*a)->name, 0, false, false);
            cr_assert_eq(w.digest, again.digest, "HEADROOM_SEED=%u %s: another run", seed,
                         (*a)->name);
            n_waits += w.n_waits;
            n_denied += w.n_denied;
            n_taken += w.n_taken;
        }
    cr_expect(n == 1 || (n_waits > 1000 && n_denied > 1000 && n_taken > 1000),
              "%zu waits, %zu denied, %zu taken", (size_t)n_waits, (size_t)n_denied,
              (size_t)n_taken);
}

Test(grants, behind_an_endpoint_every_request_ends_once)
{
    static struct watch w, again;
    unsigned n, seed = first_seed(&n);
    uint64_t n_apart = 0;
    for (unsigned end = seed + n; seed < end; seed++)
        for (const struct arbiter_ops *const *a = arbiters; *a; a++) {
            watch_run(&w, seed, (*a)->name, 0, false, true);
            cr_assert_null(w.broken, "HEADROOM_SEED=%u %s: %s", seed, (*a)->name, w.broken);
            watch_run(&again, seed, (*a)->name, 0, false, true);
            cr_assert_eq(w.digest, again.digest, "HEADROOM_SEED=%u %s: another run", seed,
                         (*a)->name);
            n_apart += w.n_apart;
        }
    cr_expect(n == 1 || n_apart > 1000, "%zu decoded elsewhere", (size_t)n_apart);
}

Test(grants, of_one_deployment_with_enough_for_all_change_nothing)
{
    static struct watch alone, under;
    unsigned n, seed = first_seed(&n);
    for (unsigned end = seed + n; seed < end; seed++) {
        watch_run(&alone, seed, NULL, 1, true, false);
        cr_assert_gt(alone.n_events, 0);
        for (const struct arbiter_ops *const *a = arbiters; *a; a++) {
            watch_run(&under, seed, (*a)->name, 1, true, false);
            cr_assert_null(under.broken, "HEADROOM_SEED=%u %s: %s", seed, (*a)->name, under.broken);
            cr_assert_eq(alone.digest, under.digest, "HEADROOM_SEED=%u %s", seed, (*a)->name);
        }
    }
}
