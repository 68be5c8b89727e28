/* The rows of a study on disk, as they come: what a study that was stopped, by whatever, goes on
 * from.
 *
 * A file of records with a checksum each, in the order in which the runs ended. A record is handed
 * to the system whole before its run counts as done; one that is torn, as a full disk or a crash
 * leaves it, is cut off when the journal is next opened, with whatever follows. */
#ifndef STUDIES_JOURNAL_H
#define STUDIES_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "studies/study.h"
#include "util/sha256.h"

struct journal; /* opaque; for one thread at a time */

struct journal_shape {
    char study[SHA256_HEX_SIZE]; /* digest of what the study is */
    uint64_t n_runs;
    size_t n_figures; /* of a row */
};

enum journal_use {
    JOURNAL_CREATE, /* must not exist */
    JOURNAL_APPEND, /* goes on, or begins where there is none */
    JOURNAL_READ
};

/* Nobody else may have it open for writing meanwhile. Rows whose runs failed for want of memory, or
 * of a file that could not be read, do not count as done, since they may go well the next time.
 * ST_INPUT: it is of another study, or in use. ST_IO, ST_NOMEM. */
enum status journal_open(struct journal **journal, const char *path,
                         const struct journal_shape *shape, enum journal_use use, struct diag *d);
void journal_close(struct journal *journal); /* NULL is allowed */

bool journal_has(const struct journal *journal, uint64_t index); /* a row, be it done or not */
bool journal_done(const struct journal *journal, uint64_t index);
uint64_t journal_n_done(const struct journal *journal);
size_t journal_message_max(const struct journal *journal); /* bytes of the longest message */

/* A row that is there already is replaced. ST_IO: nothing was added. */
enum status journal_append(struct journal *journal, uint64_t index, const struct study_row *row,
                           struct diag *d);
/* On the disk, whatever happens to the machine. */
enum status journal_sync(struct journal *journal, struct diag *d);

/* A row that is there; until the next call. */
enum status journal_row(struct journal *journal, uint64_t index, struct study_row *row,
                        struct diag *d);

#endif
