/* The keys of summary.json (summary_keys.c), for the files that write them and that make figures of
 * others. */
#ifndef REPORTS_SUMMARY_INTERNAL_H
#define REPORTS_SUMMARY_INTERNAL_H

#include "reports/summary.h"

/* Where a key of summary.json lives in struct summary. Keys with the same beginning stand together.
 */
enum field_type {
    FIELD_TEXT,     /* const char * */
    FIELD_OPTIONAL, /* the same; left out where it is NULL */
    FIELD_CHARS,    /* char[] */
    FIELD_UINT,     /* uint64_t */
    FIELD_INT,      /* int64_t */
    FIELD_DOUBLE,
    FIELD_SHARE,       /* double, 0 to 1 */
    FIELD_ABSENT,      /* double without a value in this version */
    FIELD_POOLS,       /* double[POLICY_MAX_POOLS], an object by pool name */
    FIELD_CAUSES,      /* struct cause_summary; left out when it was not kept */
    FIELD_LAG,         /* the same */
    FIELD_CAPACITY,    /* struct capacity_summary; the same */
    FIELD_UNSERVED,    /* double; left out of a run without the key `deployments` */
    FIELD_ARBITER,     /* of struct run_info; left out where it names none */
    FIELD_GPUS,        /* the same, of each pool's workers; left out of all but deployments */
    FIELD_NOTES,       /* struct run_notes; left out when there are none */
    FIELD_INTERVALS,   /* const struct summary_intervals *; left out when it is NULL */
    FIELD_DEPLOYMENTS, /* const struct summary *, an object by their names; left out without any */
};

struct summary_field {
    const char *key;
    enum field_type type;
    size_t offset;
};

/* The keys of a file, in its order. */
struct summary_table {
    const struct summary_field *field;
    size_t n;
};
extern const struct summary_table summary_table, performance_table;

static inline const void *summary_field_at(const struct summary *summary,
                                           const struct summary_field *f)
{
    return (const char *)summary + f->offset;
}

/* The i-th of them that is a number, and not of one pool; NULL after the last. */
const struct summary_field *summary_number(size_t i);

/* The figures of a run made of those of its n deployments, and of what was counted for them. */
void summary_add_up(struct summary *whole, const struct summary *of, size_t n,
                    struct recorder *recorder, const struct run_result *results);

#endif
