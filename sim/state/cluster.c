#include "sim/state/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

static enum status add_nodes(struct cluster *c, uint32_t n, struct diag *d)
{
    uint32_t links = c->config->links_per_node;
    if (c->n_nodes + n > c->capacity) {
        uint32_t capacity = 2 * (c->n_nodes + n);
        enum status s = ARRAY_RESIZE(c->node, capacity, "nodes", d);
        if (!s && links)
            s = ARRAY_RESIZE(c->link_free_ns, (size_t)capacity * links, "nodes", d);
        if (s)
            return s;
        c->capacity = capacity;
    }
    for (uint32_t i = 0; i < n; i++)
        c->node[c->n_nodes + i] =
            (struct node){.free_gpus = c->config->gpus_per_node, .whole = NO_NODE};
    if (links)
        memset(c->link_free_ns + (size_t)c->n_nodes * links, 0,
               (size_t)n * links * sizeof *c->link_free_ns);
    c->n_nodes += n;
    return ST_OK;
}

enum status cluster_init(struct cluster *c, const struct cluster_config *config, struct diag *d)
{
    BUG_IF(config->gpus_per_node == 0);
    *c = (struct cluster){.config = config};
    return config->n_nodes ? add_nodes(c, config->n_nodes, d) : ST_OK;
}

void cluster_release(struct cluster *c)
{
    free(c->node);
    free(c->link_free_ns);
    *c = (struct cluster){0};
}

bool cluster_can_hold(const struct cluster_config *config, uint32_t n_gpus)
{
    uint32_t size = config->gpus_per_node;
    if (n_gpus <= size)
        return true;
    return n_gpus % size == 0 && (config->n_nodes == 0 || n_gpus / size <= config->n_nodes);
}

static bool is_better(const struct cluster *c, uint32_t a, uint32_t b)
{
    return c->config->placement == PLACE_PACK ? c->node[a].free_gpus < c->node[b].free_gpus
                                              : c->node[a].free_gpus > c->node[b].free_gpus;
}

static enum status place_on_one(struct cluster *c, uint32_t n_gpus, uint32_t *node, struct diag *d)
{
    uint32_t best = NO_NODE;
    for (uint32_t i = 0; i < c->n_nodes; i++)
        if (c->node[i].state == NODE_UP && c->node[i].free_gpus >= n_gpus &&
            (best == NO_NODE || is_better(c, i, best)))
            best = i;
    if (best == NO_NODE && c->config->n_nodes == 0) {
        best = c->n_nodes;
        enum status s = add_nodes(c, 1, d);
        if (s)
            return s;
    }
    *node = best;
    if (best != NO_NODE)
        c->node[best].free_gpus -= n_gpus;
    return ST_OK;
}

static bool is_empty(const struct cluster *c, uint32_t node)
{
    return c->node[node].state == NODE_UP && c->node[node].free_gpus == c->config->gpus_per_node;
}

static enum status place_on_whole_nodes(struct cluster *c, uint32_t key, uint32_t n, uint32_t *node,
                                        struct diag *d)
{
    uint32_t n_empty = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++)
        n_empty += is_empty(c, i);
    if (n_empty < n && c->config->n_nodes == 0) {
        enum status s = add_nodes(c, n - n_empty, d);
        if (s)
            return s;
        n_empty = n;
    }
    *node = NO_NODE;
    if (n_empty < n)
        return ST_OK;
    for (uint32_t i = 0, left = n; left > 0; i++) {
        if (!is_empty(c, i))
            continue;
        c->node[i].free_gpus = 0;
        c->node[i].whole = key;
        if (left-- == n)
            *node = i;
    }
    return ST_OK;
}

enum status cluster_place(struct cluster *c, uint32_t key, uint32_t n_gpus, uint32_t *node,
                          struct diag *d)
{
    uint32_t size = c->config->gpus_per_node;
    BUG_IF(!cluster_can_hold(c->config, n_gpus));
    if (n_gpus <= size)
        return place_on_one(c, n_gpus, node, d);
    return place_on_whole_nodes(c, key, n_gpus / size, node, d);
}

bool cluster_is_on(const struct cluster *c, uint32_t key, uint32_t first, uint32_t node)
{
    return first == node || c->node[node].whole == key;
}

void cluster_free(struct cluster *c, uint32_t key, uint32_t n_gpus, uint32_t node)
{
    uint32_t size = c->config->gpus_per_node;
    if (n_gpus <= size) {
        c->node[node].free_gpus += n_gpus;
        BUG_IF(c->node[node].free_gpus > size);
        return;
    }
    uint32_t n_freed = 0;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        if (c->node[i].whole != key)
            continue;
        c->node[i].whole = NO_NODE;
        c->node[i].free_gpus = size;
        n_freed++;
    }
    BUG_IF(n_freed != n_gpus / size);
}

/* End of the last transfer on the node's link that is free first. */
static int64_t *first_free(struct cluster *c, uint32_t node)
{
    uint32_t n = c->config->links_per_node;
    int64_t *link = c->link_free_ns + (size_t)node * n, *best = link;
    for (uint32_t i = 1; i < n; i++)
        if (link[i] < *best)
            best = &link[i];
    return best;
}

int64_t cluster_transfer_end_ns(struct cluster *c, uint32_t from, uint32_t to, int64_t now_ns,
                                int64_t length_ns)
{
    if (c->config->links_per_node == 0 || from == to)
        return ns_after(now_ns, length_ns);
    int64_t *out = first_free(c, from), *in = first_free(c, to), start_ns = now_ns;
    start_ns = *out > start_ns ? *out : start_ns;
    start_ns = *in > start_ns ? *in : start_ns;
    *out = *in = ns_after(start_ns, length_ns);
    return *out;
}
