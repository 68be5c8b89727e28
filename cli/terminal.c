#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Without setting the locale of the program, in which numbers are written too. */
static bool has_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool utf8 = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

    if (locale)
        freelocale(locale);
    return utf8;
}

struct terminal cli_terminal(const struct cli_args *args)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool people = isatty(STDOUT_FILENO);
    bool dumb = people && term && strcmp(term, "dumb") == 0;

    return (struct terminal){.out = stdout,
                             .colour = people && !dumb && !cli_flag(args, "no-color") &&
                                       !(no_color && *no_color),
                             .utf8 = has_utf8() && !dumb};
}

void cli_print_folder(const char *folder)
{
    fputc('\n', stdout);
    terminal_line(stdout, "Files in %s:", folder);
}
