#include <criterion/criterion.h>

#include "sim/state/cluster.h"

static struct diag d;

static uint32_t place(struct cluster *c, uint32_t slot, uint32_t n_gpus)
{
    uint32_t node;
    cr_assert_eq(cluster_place(c, slot, n_gpus, &node, &d), ST_OK);
    return node;
}

Test(cluster, packing_fills_the_fullest_node_and_spreading_the_emptiest)
{
    static const uint32_t want[2][4] = {[PLACE_PACK] = {0, 0, 1, 0}, [PLACE_SPREAD] = {0, 1, 1, 0}};
    static const uint32_t n_gpus[4] = {4, 2, 4, 2};
    for (int placement = 0; placement < 2; placement++) {
        struct cluster_config config = {2, 8, (enum placement)placement, 0};
        struct cluster c;
        cr_assert_eq(cluster_init(&c, &config, &d), ST_OK);
        for (uint32_t i = 0; i < 4; i++)
            cr_assert_eq(place(&c, i, n_gpus[i]), want[placement][i], "placement %d, worker %u",
                         placement, i);
        cluster_release(&c);
    }
}

/* Four free GPUs in all, but on no node more than two. */
Test(cluster, fragments_are_no_room_for_a_worker_that_needs_one_node)
{
    struct cluster_config config = {2, 8, PLACE_SPREAD, 0};
    struct cluster c;
    cr_assert_eq(cluster_init(&c, &config, &d), ST_OK);
    for (uint32_t i = 0; i < 6; i++)
        place(&c, i, 2);
    cr_assert_eq(place(&c, 6, 4), NO_NODE);
    cr_assert_eq(place(&c, 7, 2), 0);
    cluster_free(&c, 7, 2, 0);
    cluster_free(&c, 0, 2, 0); /* worker 0 was the first on node 0 */
    cr_assert_eq(place(&c, 6, 4), 0);
    cluster_release(&c);
}

Test(cluster, a_worker_larger_than_a_node_takes_whole_nodes)
{
    struct cluster_config config = {4, 8, PLACE_PACK, 0};
    struct cluster c;
    cr_assert(cluster_can_hold(&config, 32));
    cr_assert_not(cluster_can_hold(&config, 40));
    cr_assert_not(cluster_can_hold(&config, 12));
    cr_assert_eq(cluster_init(&c, &config, &d), ST_OK);
    cr_assert_eq(place(&c, 0, 1), 0);
    cr_assert_eq(place(&c, 1, 16), 1);
    cr_assert(cluster_is_on(&c, 1, 1, 1));
    cr_assert(cluster_is_on(&c, 1, 1, 2));
    cr_assert_not(cluster_is_on(&c, 1, 1, 3));
    cr_assert_eq(place(&c, 2, 16), NO_NODE); /* one whole node is left */
    cluster_free(&c, 1, 16, 1);
    cr_assert_eq(place(&c, 2, 24), 1);
    cluster_release(&c);
}

Test(cluster, without_a_limit_nodes_appear_as_they_are_needed)
{
    struct cluster_config config = {0, 4, PLACE_PACK, 0};
    struct cluster c;
    cr_assert(cluster_can_hold(&config, 4000));
    cr_assert_eq(cluster_init(&c, &config, &d), ST_OK);
    cr_assert_eq(place(&c, 0, 3), 0);
    cr_assert_eq(place(&c, 1, 2), 1);
    cr_assert_eq(place(&c, 2, 8), 2);
    cr_assert_eq(c.n_nodes, 4);
    cluster_release(&c);
}

/* Two links on each of three nodes; transfers of 10 ns that are all ready at 100. */
Test(cluster, a_transfer_takes_a_link_at_either_end)
{
    struct cluster_config config = {3, 8, PLACE_PACK, 2};
    struct cluster c;
    cr_assert_eq(cluster_init(&c, &config, &d), ST_OK);
    cr_assert_eq(cluster_transfer_end_ns(&c, 0, 1, 100, 10), 110);
    cr_assert_eq(cluster_transfer_end_ns(&c, 0, 2, 100, 10), 110);
    cr_assert_eq(cluster_transfer_end_ns(&c, 0, 2, 100, 10),
                 120); /* both links of node 0 are taken */
    cr_assert_eq(cluster_transfer_end_ns(&c, 1, 2, 100, 10),
                 120); /* node 2: the link of the transfer that ended at 110 */
    cr_assert_eq(cluster_transfer_end_ns(&c, 2, 1, 100, 10), 130);
    cr_assert_eq(cluster_transfer_end_ns(&c, 2, 2, 100, 10), 110); /* within a node: none */
    cluster_release(&c);
}
