#include <criterion/criterion.h>
#include <stdlib.h>

#include "util/terminal.h"

static char *text;
static size_t size;
static FILE *out;

static void setup(void)
{
    out = open_memstream(&text, &size);
    cr_assert(out);
}

static void teardown(void)
{
    fclose(out);
    free(text);
}

TestSuite(terminal, .init = setup, .fini = teardown);

static const char *written(void)
{
    cr_assert_eq(fflush(out), 0);
    return text;
}

#define NAME                                                                                       \
    "a\x1b[2J\xe2\x80\xae"                                                                         \
    "b\nc\x80"
#define SHOWN "a\\u001b[2J\\u202eb\\u000ac\\x80"

Test(terminal, a_name_does_nothing)
{
    terminal_text(out, NAME);
    cr_assert_str_eq(written(), SHOWN);
}

Test(terminal, nor_does_one_in_a_line)
{
    terminal_line(out, "%d %s", 7, NAME);
    cr_assert_str_eq(written(), "7 " SHOWN "\n");
}

Test(terminal, nor_in_lines_that_are_wrapped)
{
    terminal_wrap(out, "x " NAME, 0, 4);
    cr_assert_str_eq(written(), "x " SHOWN "\n");
}

Test(terminal, nor_in_a_heading)
{
    terminal_heading(out, NAME, "of three words");
    cr_assert_str_eq(written(), SHOWN "   of three words\n");
}

Test(terminal, columns_are_those_that_are_shown)
{
    cr_assert_eq(terminal_columns("\xc3\xa9t\xc3\xa9"), 3);
    cr_assert_eq(terminal_columns(NAME), sizeof SHOWN - 1);
}
