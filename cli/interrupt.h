/* Ctrl-C and SIGTERM while a run goes on. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdatomic.h>

/* From now on the first of them only sets the flag that is returned, and the second ends the
 * program as usual. A signal that is ignored, as in a shell's background, stays so. */
const atomic_bool *interrupt_begin(void);
/* The one that came; 0 = none. */
int interrupt_signal(void);
/* For people: "Ctrl-C", "SIGTERM". */
const char *interrupt_name(void);

#endif
