/* Results of library calls, and the message that goes with a failure.
 *
 * A function that can fail returns `enum status` and takes a `struct diag *` owned by the caller.
 * On failure it fills the diag once; the first message wins, so callers simply pass the status on.
 * Library code never prints and never exits: cli/ does both. */
#ifndef UTIL_STATUS_H
#define UTIL_STATUS_H

#include <stddef.h>

/* name, process exit code, one-line meaning */
#define STATUS_MAP(XX)                                                                             \
    XX(OK, 0, "done")                                                                              \
    XX(END, 0, "no more items; not a failure")                                                     \
    XX(MISSED, 1, "an expectation was missed")                                                     \
    XX(INPUT, 2, "bad input or usage")                                                             \
    XX(IO, 3, "cannot read or write")                                                              \
    XX(NOMEM, 3, "out of memory")                                                                  \
    XX(CANCELLED, 3, "stopped from outside before its end")

enum status {
#define XX(name, code, text) ST_##name,
    STATUS_MAP(XX)
#undef XX
};

/* Process exit code of a status: 0 done, 1 missed, 2 bad input, 3 I/O or memory, or stopped. */
int status_exit_code(enum status s);
const char *status_text(enum status s);

/* Where in a user's file something was found. line and column count from 1; 0 = not known. */
struct source_pos {
    const char *file; /* may be NULL; borrowed */
    unsigned long line, column;
};

enum { DIAG_TEXT_SIZE = 1024 };

struct diag {
    enum status status;        /* ST_OK until something failed */
    char text[DIAG_TEXT_SIZE]; /* one line, no full stop, no newline */
};

void diag_init(struct diag *d);

/* Record a failure (unless one is recorded already) and return s. Longer texts are cut. */
enum status diag_fail(struct diag *d, enum status s, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* The same with a position: `file:line:column: text`, leaving out what is 0 or NULL. */
enum status diag_fail_at(struct diag *d, enum status s, struct source_pos at, const char *format,
                         ...) __attribute__((cold, format(printf, 4, 5)));

/* Shorthand for a failed allocation of `what`. */
enum status diag_nomem(struct diag *d, const char *what) __attribute__((cold));

#ifdef __clang_analyzer__
/* It looks at one file at a time, so it has to be told that a failure is never ST_OK. */
#define diag_fail(d, s, ...) (diag_fail((d), (s), __VA_ARGS__), (s))
#define diag_fail_at(d, s, at, ...) (diag_fail_at((d), (s), (at), __VA_ARGS__), (s))
#define diag_nomem(d, what) (diag_nomem((d), (what)), ST_NOMEM)
#endif

#endif
