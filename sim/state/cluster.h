/* The GPUs a fleet runs on, by node: which are free, which node a worker gets, and what lies on a
 * node already. */
#ifndef SIM_STATE_CLUSTER_H
#define SIM_STATE_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "record/observer.h"
#include "util/status.h"

/* Which node a worker gets among those with room. Ties: the lowest number. */
enum placement {
    PLACE_PACK,   /* the one with the fewest free GPUs, so that whole nodes stay free for large
                     workers */
    PLACE_SPREAD, /* the one with the most */
};

struct cluster_config {
    uint32_t n_nodes;       /* 0: as many as needed */
    uint32_t gpus_per_node; /* > 0 */
    enum placement placement;
    uint32_t links_per_node; /* network links for KV transfers, each for one at a time; 0: transfers
                                never wait */
};

enum node_state {
    NODE_UP,
    NODE_LEAVING, /* reclaimed: takes no new worker, gone at the end of the notice */
    NODE_DOWN,
};

struct node {
    enum node_state state;
    uint32_t free_gpus;  /* counted in every state; only those of a node that is up are given out */
    uint32_t generation; /* of its events: a new one with every change of state */
    uint32_t whole;      /* key of the worker that spans this node and others, or NO_NODE */
    bool has_image;      /* the container image was pulled here */
    uint64_t has_weights; /* a bit for each pool: its weights were loaded here */
};

struct cluster {
    const struct cluster_config *config;
    struct node *node;
    uint32_t n_nodes, capacity;
    int64_t *link_free_ns; /* [node * links_per_node + link]: end of the last transfer that was put
                              on it */
};

enum status cluster_init(struct cluster *c, const struct cluster_config *config, struct diag *d);
void cluster_release(struct cluster *c);

/* Can a worker of so many GPUs ever be placed? Up to a node's GPUs on one node, beyond that on
 * whole nodes only. */
bool cluster_can_hold(const struct cluster_config *config, uint32_t n_gpus);

/* GPUs for the worker with the key. *node is the first (or only) node it gets, or NO_NODE when
 * there is no room now. Without a limit new nodes appear at the end of c->node. */
enum status cluster_place(struct cluster *c, uint32_t key, uint32_t n_gpus, uint32_t *node,
                          struct diag *d);
void cluster_free(struct cluster *c, uint32_t key, uint32_t n_gpus, uint32_t node);
/* Does the worker with the key, which got `first`, have GPUs on `node`? */
bool cluster_is_on(const struct cluster *c, uint32_t key, uint32_t first, uint32_t node);

/* When a transfer of `length_ns` that is ready at `now_ns` ends. It takes a link of either node for
 * its length, the one that is free first, behind those put on it before; within a node it takes
 * none. */
int64_t cluster_transfer_end_ns(struct cluster *c, uint32_t from, uint32_t to, int64_t now_ns,
                                int64_t length_ns);

#endif
