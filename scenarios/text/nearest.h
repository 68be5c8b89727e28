/* Which known word the user probably meant. */
#ifndef SCENARIOS_TEXT_NEAREST_H
#define SCENARIOS_TEXT_NEAREST_H

#include <stddef.h>

/* Feed it every known word; `best` is then the closest one, or NULL when none is close (more than a
 * third of the typed word would have to change). */
struct nearest {
    const char *typed;
    const char *best; /* borrowed */
    size_t distance;  /* of best; insertions, deletions, replacements and swaps of neighbours */
};
void nearest_init(struct nearest *n, const char *typed);
void nearest_offer(struct nearest *n, const char *word);

#endif
