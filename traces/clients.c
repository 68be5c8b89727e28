#include "traces/clients.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"

struct clients {
    struct clients_config config;
    struct pcg64 rng;
    struct trace_request next; /* its lengths are drawn; no time */
    bool delivered;            /* as the last one, and not put back */
    uint64_t n_sent;
    uint64_t digest; /* of those before `next` */
    /* When the clients that wait for nothing send: a ring, in order, since requests end in order
     * and all think equally long. */
    int64_t *send_ns;
    uint32_t first, n_free;
};

static uint32_t uniform(struct pcg64 *rng, const uint32_t range[2])
{
    return range[0] + (uint32_t)pcg64_below(rng, (uint64_t)range[1] - range[0] + 1);
}

/* The lengths of request `k`. */
static void draw(struct clients *c, uint64_t k)
{
    if (c->config.isl_list) {
        if (k < c->config.n_requests) {
            c->next.isl_tok = c->config.isl_list[k];
            c->next.osl_tok = c->config.osl_list[k];
        }
        return;
    }
    c->next.isl_tok = uniform(&c->rng, c->config.isl_tok);
    c->next.osl_tok = uniform(&c->rng, c->config.osl_tok);
}

enum status clients_create(struct clients **clients, const struct clients_config *config,
                           struct diag *d)
{
    struct clients *c = calloc(1, sizeof *c);

    BUG_IF(config->n_clients == 0 || config->n_requests < config->n_clients);
    BUG_IF(config->think_ns < 0 || config->isl_tok[0] > config->isl_tok[1] ||
           config->osl_tok[0] > config->osl_tok[1]);
    *clients = NULL;
    if (c)
        c->send_ns = calloc(config->n_clients, sizeof *c->send_ns);
    if (!c || !c->send_ns) {
        clients_free(c);
        return diag_nomem(d, "clients");
    }
    c->config = *config;
    c->n_free = config->n_clients;
    c->digest = request_digest_begin();
    pcg64_stream(&c->rng, config->seed, "clients", 0);
    draw(c, 0);
    *clients = c;
    return ST_OK;
}

void clients_free(struct clients *c)
{
    if (!c)
        return;
    free(c->send_ns);
    free(c);
}

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct clients *c = state;

    (void)d;
    if (c->delivered) {
        c->digest = request_digest_add(c->digest, &c->next);
        draw(c, c->n_sent);
        c->delivered = false;
    }
    if (c->n_sent == c->config.n_requests)
        return ST_END;
    *request = c->next;
    request->arrival_ns = TIME_NEVER;
    if (c->n_free == 0)
        return ST_OK;
    request->arrival_ns = c->send_ns[c->first];
    c->first = c->first + 1 == c->config.n_clients ? 0 : c->first + 1;
    c->n_free--;
    c->n_sent++;
    c->delivered = true;
    return ST_OK;
}

static void put_back(void *state)
{
    struct clients *c = state;

    c->delivered = false;
    c->first = (c->first == 0 ? c->config.n_clients : c->first) - 1;
    c->n_free++;
    c->n_sent--;
}

static enum status done(void *state, uint64_t index, int64_t at_ns, struct diag *d)
{
    struct clients *c = state;
    uint32_t n = c->config.n_clients;

    (void)index;
    (void)d;
    BUG_IF(c->n_free == n);
    c->send_ns[((uint64_t)c->first + c->n_free) % n] = at_ns + c->config.think_ns;
    c->n_free++;
    return ST_OK;
}

static double progress(const void *state)
{
    const struct clients *c = state;

    return (double)c->n_sent / (double)c->config.n_requests;
}

static uint64_t digest(const void *state)
{
    const struct clients *c = state;

    return c->delivered ? request_digest_add(c->digest, &c->next) : c->digest;
}

struct request_source clients_source(struct clients *clients)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest, .done = done, .put_back = put_back};

    return (struct request_source){&ops, clients};
}
