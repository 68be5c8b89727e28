/* What a user measured of an engine: points of load with the mean TTFT and TPOT seen there.
 *
 * A file is one of measured_formats, plain or gzip, told by its content. Whatever it is, a point
 * says request by request what was sent, so that the same can be sent to a simulated engine:
 * clients that each send their next request when the last one has ended, or requests at given
 * times. */
#ifndef CALIBRATION_MEASURED_MEASURED_H
#define CALIBRATION_MEASURED_MEASURED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/sha256.h"
#include "util/status.h"

enum { MEASURED_MAX_POINTS = 500, MEASURED_MAX_REQUESTS = 1000000 };

struct measured_point {
    struct source_pos at; /* of a table: the row */
    int64_t clients;      /* 0 = open loop */
    double rate_per_s;    /* open loop: requests per second; else NaN */
    uint64_t n_requests;
    const uint32_t *isl_tok, *osl_tok; /* of each request, in the order of sending */
    const int64_t *arrival_ns;         /* open loop: of each, from 0, never decreases; else NULL */
    double mean_isl_tok, mean_osl_tok;
    double ttft_ms, tpot_ms; /* means; tpot_ms is NaN where every request has one output token */
};

struct measured_file {
    const char *path, *format;
    char sha256[SHA256_HEX_SIZE]; /* of its bytes as they are on disk */
    const char *note;             /* what was taken for granted; NULL = nothing */
};

struct measured {
    size_t n_points, n_files;
    struct measured_point point[MEASURED_MAX_POINTS];
    struct measured_file *file;
};

/* What a file does not say; 0 or NaN = it has to. */
struct measured_options {
    int64_t clients; /* of a file of records of single requests */
};

/* Adds the points of a file; all is in the arena. `path` is borrowed. ST_IO, ST_NOMEM; ST_INPUT
 * with file, line and column where they are known. */
enum status measured_read(struct measured *measured, struct arena *arena, const char *path,
                          const struct measured_options *options, struct diag *d);
/* The same from memory. */
enum status measured_read_memory(struct measured *measured, struct arena *arena, const char *path,
                                 const void *bytes, size_t length,
                                 const struct measured_options *options, struct diag *d);

/* A file in memory: one text that ends in '\n', which is nowhere else in it, and a '\0' behind
 * that. Where lines ended there is '\r', which JSON takes for a blank. */
struct measured_text {
    const char *path;
    const char *from, *end; /* *end is '\n' */
};
/* Line and column of a byte of it. */
struct source_pos measured_at(const struct measured_text *text, const char *p);

struct measured_format_ops {
    const char *name;    /* for reports */
    const char *summary; /* one line, for errors */
    /* `p`: the first byte that is not blank. */
    bool (*recognises)(const struct measured_text *text, const char *p);
    enum status (*read)(struct measured *measured, struct measured_file *file, struct arena *arena,
                        const struct measured_text *text, const struct measured_options *options,
                        struct diag *d);
};
extern const struct measured_format_ops measured_aiperf, measured_vllm_bench, measured_csv;
/* All formats, ended by NULL. */
extern const struct measured_format_ops *const measured_formats[];

#endif
