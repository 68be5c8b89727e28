#include <criterion/criterion.h>

#include "scenarios/text/nearest.h"

static const char *nearest_of(const char *typed)
{
    static const char *const words[] = {"run", "policy", "pools", "replicas", "tp", "max_num_seqs"};
    struct nearest n;

    nearest_init(&n, typed);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        nearest_offer(&n, words[i]);
    return n.best ? n.best : "";
}

Test(nearest, slips_of_the_hand_are_found)
{
    cr_expect_str_eq(nearest_of("polcy"), "policy");
    cr_expect_str_eq(nearest_of("rnu"), "run");
    cr_expect_str_eq(nearest_of("replica"), "replicas");
    cr_expect_str_eq(nearest_of("max_seqs"), "");
    cr_expect_str_eq(nearest_of("max_nmu_seqs"), "max_num_seqs");
    cr_expect_str_eq(nearest_of("pool"), "pools");
    cr_expect_str_eq(nearest_of("t"), "tp");
}

Test(nearest, other_words_are_not)
{
    cr_expect_str_eq(nearest_of("bandwidth"), "");
    cr_expect_str_eq(nearest_of("x"), "");
    cr_expect_str_eq(nearest_of(""), "");
    cr_expect_str_eq(
        nearest_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        "");
}
