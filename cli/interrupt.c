#include "cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

static atomic_bool came;
static volatile sig_atomic_t which;

static void on_signal(int number)
{
    which = number;
    atomic_store(&came, true);
}

const atomic_bool *interrupt_begin(void)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    return &came;
}

int interrupt_signal(void)
{
    return which;
}

const char *interrupt_name(void)
{
    return interrupt_signal() == SIGINT ? "Ctrl-C" : "SIGTERM";
}
