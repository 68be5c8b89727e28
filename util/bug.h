/* A broken invariant of ours: says where, and aborts. Always on. Never use it for a user's mistake.
 */
#ifndef UTIL_BUG_H
#define UTIL_BUG_H

#define BUG(...) bug_abort(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_IF(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!!(condition), 0))                                                    \
            BUG("%s", #condition);                                                                 \
    } while (0)

_Noreturn void bug_abort(const char *file, int line, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

#endif
