/* Scenario files from memory. What is accepted must print, and read back to the same. */
#include <stdlib.h>
#include <string.h>

#include "scenarios/keys/scenario.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static char *print(const struct scenario *sc, size_t *n)
{
    char *text;
    FILE *out = open_memstream(&text, n);

    BUG_IF(!out);
    scenario_print(sc, "/", out);
    fclose(out);
    return text;
}

static void check_reads_back(const char *text, size_t n)
{
    struct arena arena;
    struct scenario sc;
    struct diag d;
    size_t n_again;

    arena_init(&arena);
    diag_init(&d);
    enum status s = scenario_parse(&sc, &arena, "/printed.yaml", text, n, NULL, 0, NULL, &d);
    if (s)
        BUG("%s\n%s", d.text, text);
    char *again = print(&sc, &n_again);
    if (n != n_again || memcmp(text, again, n) != 0)
        BUG("%s\n%s", text, again);
    free(again);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct arena arena;
    struct scenario sc;
    struct diag d;
    char *copy = malloc(size ? size : 1); /* exactly as long: one byte too far is caught */

    BUG_IF(!copy);
    memcpy(copy, bytes, size);
    arena_init(&arena);
    diag_init(&d);
    if (scenario_parse(&sc, &arena, "/fuzz.yaml", copy, size, NULL, 0, NULL, &d) == ST_OK) {
        size_t n;
        char *text = print(&sc, &n);
        check_reads_back(text, n);
        free(text);
    } else {
        bool other_file = sc.policy_file || sc.startup.preset || sc.cost.preset;
        BUG_IF(d.status != ST_INPUT && !(other_file && d.status == ST_IO));
        BUG_IF(!other_file && strncmp(d.text, "/fuzz.yaml", 10) != 0);
        BUG_IF(strpbrk(d.text, "\r\n"));
    }
    free(copy);
    arena_release(&arena);
    return 0;
}
