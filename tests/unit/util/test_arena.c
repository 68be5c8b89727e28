#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "util/arena.h"

Test(arena, memory_is_zeroed_aligned_and_apart)
{
    struct arena a;
    unsigned char *previous = NULL;
    size_t previous_size = 0;
    arena_init(&a);
    for (size_t size = 0; size < 3000; size++) {
        unsigned char *p = arena_alloc(&a, size, 1);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(p[i], 0);
        memset(p, 0xAA, size);
        cr_assert(!previous || p >= previous + previous_size || p + size <= previous);
        previous = p;
        previous_size = size;
    }
    arena_release(&a);
    cr_assert_null(a.last);
}

Test(arena, an_object_larger_than_a_chunk_fits)
{
    struct arena a;
    arena_init(&a);
    uint64_t *small = ARENA_NEW(&a, 1, uint64_t);
    uint64_t *large = ARENA_NEW(&a, 1000000, uint64_t);
    uint64_t *after = ARENA_NEW(&a, 1, uint64_t);
    cr_assert(small && large && after);
    memset(large, 0xFF, 1000000 * sizeof *large);
    cr_assert_eq(*small, 0);
    cr_assert_eq(*after, 0);
    arena_release(&a);
}

Test(arena, a_size_that_overflows_is_refused)
{
    struct arena a;
    arena_init(&a);
    cr_assert_null(arena_alloc(&a, SIZE_MAX / 4, 8));
    cr_assert_null(arena_alloc(&a, SIZE_MAX, 1));
    cr_assert_not_null(arena_alloc(&a, 0, SIZE_MAX));
    arena_release(&a);
}

Test(arena, copies_of_text_are_terminated)
{
    struct arena a;
    arena_init(&a);
    cr_assert_str_eq(arena_strdup(&a, "abc"), "abc");
    cr_assert_str_eq(arena_strndup(&a, "abcdef", 2), "ab");
    cr_assert_str_eq(arena_strndup(&a, "", 0), "");
    cr_assert_str_eq(arena_printf(&a, "%s-%d", "worker", 7), "worker-7");
    char *wide = arena_printf(&a, "%100000d", 1);
    cr_assert_eq(strlen(wide), 100000);
    arena_release(&a);
}

Test(arena, it_can_be_used_again_after_release)
{
    struct arena a;
    arena_init(&a);
    cr_assert_not_null(ARENA_NEW(&a, 10, int));
    arena_release(&a);
    cr_assert_not_null(ARENA_NEW(&a, 10, int));
    arena_release(&a);
}
