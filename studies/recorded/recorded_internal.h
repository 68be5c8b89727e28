/* The readers of the single files. */
#ifndef STUDIES_RECORDED_RECORDED_INTERNAL_H
#define STUDIES_RECORDED_RECORDED_INTERNAL_H

#include "reports/parts_columns.h"
#include "scenarios/text/yaml_tree.h"
#include "studies/recorded/recorded.h"
#include "traces/csv_scan.h"
#include "util/line_reader.h"

/* Each fills its part of the run; the path is for messages and lives as long as the run. Those
 * after summary.json go by what it says: the pools, and how many rows there must be. */
enum status recorded_read_summary(struct recorded *run, struct arena *arena, const char *path,
                                  struct diag *d);
/* Of n runs in one pass over the file: one, or deployments of the same run. As many of each as its
 * summary says, and none of them twice. `visitors` NULL: requests are kept. */
enum status recorded_read_requests(struct recorded *const *runs, size_t n, struct arena *arena,
                                   const char *path, const struct recorded_visitor *visitors,
                                   struct diag *d);
enum status recorded_read_timeline(struct recorded *run, struct arena *arena, const char *path,
                                   struct diag *d);
/* A run of an earlier version has none: that is none, and no error. */
enum status recorded_read_workers(struct recorded *run, struct arena *arena, const char *path,
                                  struct diag *d);
void recorded_sort_workers(struct worker_record *workers, size_t n);
enum status recorded_read_decisions(struct recorded *run, struct arena *arena, const char *path,
                                    struct diag *d);

/* n rows of `size` bytes in the arena, and frees the array that they were in; NULL: no memory. */
void *recorded_keep(struct arena *arena, void *array, size_t n, size_t size);

/* ---- CSV with a line of names ---- */

enum { CSV_ROWS_MAX_COLUMNS = 128 };
struct csv_rows {
    struct line_reader *lines;
    struct diag *d;
    size_t n_columns, n_wanted;
    const char *const *wanted;                     /* names */
    int place[CSV_ROWS_MAX_COLUMNS];               /* of a wanted column in the file */
    struct csv_field fields[CSV_ROWS_MAX_COLUMNS]; /* of the row, as the file has them */
    const char *line;
    const char *deployment; /* rows of others are passed over; NULL: there are none */
    size_t deployment_at;
};

/* `what` the file is, for messages: "requests.csv of a run". The wanted columns from n_needed on
 * belong together: a file that lacks the first of them is read without any. ST_INPUT when another
 * wanted column is not in the first line. `deployment` NULL: rows do not say whose they are. */
enum status csv_rows_open(struct csv_rows *rows, const char *path, const char *what,
                          const char *const *wanted, size_t n_wanted, size_t n_needed,
                          const char *deployment, struct diag *d);
/* Directly after that: does the file have a column that the same list names behind those n_wanted?
 */
bool csv_rows_find(struct csv_rows *rows, size_t column);
enum status csv_rows_next(struct csv_rows *rows); /* ST_OK, ST_END */
void csv_rows_close(struct csv_rows *rows);
/* Does the file have that wanted column? */
bool csv_rows_has(const struct csv_rows *rows, size_t column);
/* A wanted column of the row. */
struct csv_field csv_rows_field(const struct csv_rows *rows, size_t column);
bool csv_rows_is(const struct csv_rows *rows, size_t column, const char *word);
enum status csv_rows_uint(const struct csv_rows *rows, size_t column, uint64_t max,
                          uint64_t *value);
enum status csv_rows_number(const struct csv_rows *rows, size_t column, double *value);
/* Milliseconds as ns; -1 where the field is empty. */
enum status csv_rows_ms(const struct csv_rows *rows, size_t column, int64_t *ns);
/* The index of the pool that the column names. */
enum status recorded_pool(size_t *pool, const struct recorded *run, const struct csv_rows *rows,
                          size_t column);
/* ST_INPUT: the field is not what it has to be. */
enum status csv_rows_refuse(const struct csv_rows *rows, size_t column, const char *expected);

/* ---- a JSON object a line ---- */

struct json_lines {
    struct arena *arena;     /* of the trees */
    const char *path, *what; /* for messages, as of csv_rows_open */
    struct line_reader *lines;
    struct diag *d;
};

enum status json_lines_open(struct json_lines *r, struct arena *arena, const char *path,
                            const char *what, struct diag *d);
/* The next line, which is a map. ST_END; ST_INPUT: torn. */
enum status json_lines_next(struct json_lines *r, struct yaml_node **root);
void json_lines_close(struct json_lines *r);
/* A member of a map of that line; ST_INPUT where it is not there or of another kind. */
enum status json_lines_number(double *value, const struct json_lines *r,
                              const struct yaml_node *map, const char *key); /* NaN for null */
enum status json_lines_count(int64_t *value, const struct json_lines *r,
                             const struct yaml_node *map, const char *key);
enum status json_lines_text(const char **value, const struct json_lines *r,
                            const struct yaml_node *map, const char *key); /* NULL for null */
/* Its `at_s`, no less than last_ns. */
enum status json_lines_time(int64_t *at_ns, const struct json_lines *r,
                            const struct yaml_node *root, int64_t last_ns);
/* ST_INPUT: `node` (NULL: there is none) is not what it has to be. */
enum status json_lines_refuse(const struct json_lines *r, const struct yaml_node *node,
                              const char *key, const char *expected);

/* ---- requests.csv ---- */

/* The columns of requests.csv that a run has which kept the parts of its requests. */
enum {
    RECORDED_MAX_POOLS = 3, /* of deployments together: pool_role_names */
    RECORDED_MAX_PARTS_COLUMNS = 2 * N_REQUEST_PARTS + RECORDED_MAX_POOLS * N_WAIT_COLUMNS + 1
};
/* Their names, in the arena; how many. 0: no memory. */
size_t recorded_parts_columns(const char **names, const char *const *pools, size_t n_pools,
                              struct arena *arena);
/* Out of the columns from `first` on, which are of n_pools; pool_at: where among them the run's
 * pools are. */
enum status recorded_parts_row(struct request_parts *parts, const struct recorded *run,
                               const struct csv_rows *rows, size_t first, const size_t *pool_at,
                               size_t n_pools);

#endif
