/* The columns of requests.csv that say where the time of a request went: its parts, and for each
 * pool its wait there. They follow the others, and each begins with its comma. */
#ifndef REPORTS_PARTS_COLUMNS_H
#define REPORTS_PARTS_COLUMNS_H

#include "record/observer.h"
#include "reports/row.h"

/* Room for a name. */
enum { PART_COLUMN_SIZE = 64 };

/* "ttft_part_NAME_ms" or "e2e_part_NAME_ms". */
void part_column_name(char name[PART_COLUMN_SIZE], bool ttft, enum request_part part);

/* Of a wait for one pool. */
enum wait_column {
    WAIT_FROM_MS,
    WAIT_TO_MS,
    WAIT_BACKLOG_MS,
    WAIT_AHEAD_REQUEST,
    WAIT_AHEAD_TOKENS,
    WAIT_AHEAD_MS,
    N_WAIT_COLUMNS
};
/* "wait_POOL_from_ms" ... */
void wait_column_name(char name[PART_COLUMN_SIZE], const char *pool, enum wait_column column);

/* Of its decoding. */
extern const char decode_batch_column[];

void parts_columns_header(struct row *row, size_t n_pools, const char *const *pools);
/* pool_at: which pool of the request's deployment each of these columns' pools is; SIZE_MAX: it has
 * none of that name. */
void parts_columns(struct row *row, size_t n_pools, const size_t *pool_at,
                   const struct request_record *q);

#endif
