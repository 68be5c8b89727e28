#include <criterion/criterion.h>
#include <string.h>

#include "util/status.h"

Test(status, exit_codes_are_the_documented_ones)
{
    cr_assert_eq(status_exit_code(ST_OK), 0);
    cr_assert_eq(status_exit_code(ST_END), 0);
    cr_assert_eq(status_exit_code(ST_MISSED), 1);
    cr_assert_eq(status_exit_code(ST_INPUT), 2);
    cr_assert_eq(status_exit_code(ST_IO), 3);
    cr_assert_eq(status_exit_code(ST_NOMEM), 3);
    cr_assert_eq(status_exit_code(ST_CANCELLED), 3);
}

Test(status, every_status_has_a_text_of_its_own)
{
    for (enum status s = ST_OK; s <= ST_CANCELLED; s++)
        for (enum status other = ST_OK; other < s; other++)
            cr_assert_str_neq(status_text(s), status_text(other));
    cr_assert_str_eq(status_text(ST_IO), "cannot read or write");
}

Test(status, a_number_outside_the_list_is_a_failure)
{
    volatile int beyond = ST_CANCELLED + 1;
    cr_assert_eq(status_exit_code((enum status)beyond), 3);
    cr_assert_str_eq(status_text((enum status)beyond), "unknown status");
}

Test(diag, the_position_leaves_out_what_is_not_known)
{
    struct diag d;
    struct source_pos at = {"a.yaml", 12, 3};
    diag_init(&d);
    cr_assert_eq(diag_fail_at(&d, ST_INPUT, at, "'%s' is wrong", "x"), ST_INPUT);
    cr_assert_str_eq(d.text, "a.yaml:12:3: 'x' is wrong");
    at.column = 0;
    diag_init(&d);
    diag_fail_at(&d, ST_INPUT, at, "wrong");
    cr_assert_str_eq(d.text, "a.yaml:12: wrong");
    at.line = 0;
    diag_init(&d);
    diag_fail_at(&d, ST_INPUT, at, "wrong");
    cr_assert_str_eq(d.text, "a.yaml: wrong");
    at.file = NULL;
    diag_init(&d);
    diag_fail_at(&d, ST_INPUT, at, "wrong");
    cr_assert_str_eq(d.text, "wrong");
}

Test(diag, the_first_message_wins)
{
    struct diag d;
    diag_init(&d);
    cr_assert_eq(d.status, ST_OK);
    cr_assert_eq(diag_fail(&d, ST_INPUT, "first"), ST_INPUT);
    cr_assert_eq(diag_fail(&d, ST_IO, "second"), ST_INPUT, "the status of the first one");
    cr_assert_eq(d.status, ST_INPUT);
    cr_assert_str_eq(d.text, "first");
}

Test(diag, long_texts_and_long_names_are_cut)
{
    char name[2 * DIAG_TEXT_SIZE];
    struct diag d;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    diag_init(&d);
    diag_fail(&d, ST_INPUT, "%s", name);
    cr_assert_eq(strlen(d.text), DIAG_TEXT_SIZE - 1);
    diag_init(&d);
    diag_fail_at(&d, ST_INPUT, (struct source_pos){name, 1, 1}, "text");
    cr_assert_eq(strlen(d.text), DIAG_TEXT_SIZE - 1);
}

Test(diag, out_of_memory_says_for_what)
{
    struct diag d;
    diag_init(&d);
    cr_assert_eq(diag_nomem(&d, "trace reader"), ST_NOMEM);
    cr_assert_str_eq(d.text, "out of memory: trace reader");
}
