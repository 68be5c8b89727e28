/* An engine profile: latency tables and KV capacity of one (GPU, model, framework, parallel
 * layout).
 *
 * "Engine" means all GPUs of one worker. Times are ms, lengths tokens. Key names and shapes are
 * those of NVIDIA Dynamo's interpolation files and of the denser tables described in
 * docs/profiles.md; a profile is read from NPZ or HDF5 and keeps every key of its file, so that
 * converting loses nothing. */
#ifndef ENGINES_PROFILE_PROFILE_H
#define ENGINES_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum profile_kind { PROFILE_F64, PROFILE_I64, PROFILE_TEXT };

/* One named array as it stands in the file: at most two dimensions, row-major. */
struct profile_array {
    const char *key;
    enum profile_kind kind;
    unsigned n_dims;         /* 0 (scalar), 1 or 2 */
    size_t dims[2];          /* unused ones are 1 */
    size_t n;                /* dims[0] * dims[1] */
    const double *f64;       /* PROFILE_F64; PROFILE_I64 arrays have both */
    const int64_t *i64;      /* PROFILE_I64 */
    const char *const *text; /* PROFILE_TEXT, UTF-8 */
};

struct profile_file {
    size_t n_arrays;
    const struct profile_array *arrays; /* in file order */
};
const struct profile_array *profile_file_find(const struct profile_file *file, const char *key);

/* A table over one or two increasing axes. Absent: n_x == 0 and all pointers NULL. */
struct profile_grid {
    size_t n_x, n_y;
    const double *x, *y; /* axes, strictly increasing */
    const double *value; /* value[ix * n_y + iy] */
};
struct profile_curve {
    size_t n;
    const double *x, *value; /* x strictly increasing */
};

struct profile {
    const char *name; /* as the user gave it; of two files, both */
    const char *path; /* the file it came from; of a pair, the one given, or the prefill half */
    struct profile_file file;

    /* Metadata; "" or 0 when the file does not say. */
    const char *gpu_type, *model, *framework, *framework_version, *dtype, *kv_dtype, *source;
    int64_t tp, dp, pp, gpu_count; /* gpu_count: GPUs of one worker; profile_gpus knows more */
    int64_t block_size_tok;        /* backend default, 0 = not said */
    int64_t max_kv_tokens;         /* KV tokens the engine can hold, > 0 */
    int64_t max_context_length;    /* 0 = not said */
    double kv_bytes_per_token;     /* whole model, one copy; 0 = not said */

    /* What the planner reads: the prefill half, then the decode half, which only a profile that was
     * loaded for prefill workers may lack (n_decode 0). */
    struct profile_curve prefill_ttft_ms; /* over ISL, batch 1, no cached prefix; >= 2 points */
    const double *prefill_thpt_per_gpu;   /* tokens/s per GPU at the same ISLs */
    size_t n_decode;                      /* scattered decode points, >= 3 */
    const double *decode_kv_usage;        /* share of max_kv_tokens, 0 to 1 (more when queued) */
    const double *decode_context;         /* tokens per sequence, > 0 */
    const double *decode_itl_ms;          /* one decode step, > 0 */
    const double *decode_thpt_per_gpu;    /* tokens/s per GPU */

    /* GPUs of one worker as the throughputs per GPU tell them: prompt tokens / TTFT over the one
     * (Dynamo's profiler has it of one data-parallel rank), the least of sequences / ITL over the
     * other, which measuring makes a little too large. 0 = no such half. */
    double prefill_gpus, decode_gpus;

    /* Denser tables, absent from measured profiles. Axes: batch (sequences in the engine), context
     * (tokens per sequence), prefix and new (tokens), tokens (in the step). */
    struct profile_grid decode_step_ms; /* batch x context */
    struct profile_grid decode_attn_ms; /* batch x context */
    struct profile_grid
        decode_attn_mixed_ms;             /* batch x context, in a step that also holds a chunk */
    struct profile_grid prefill_batch_ms; /* batch x ISL */
    struct profile_grid chunk_attn_ms;    /* prefix x new */
    struct profile_grid chunk_prefill_ms; /* prefix x new */
    struct profile_curve step_other_ms;   /* over tokens */
    struct profile_curve step_experts_ms; /* its part that is experts */
    struct profile_curve step_comm_ms;    /* its part that is collectives between ranks */
    double attn_skew_alpha[2];            /* decode-only, mixed; 0 when absent */
};

/* Where bundled profiles are looked for, ended by NULL. A bundled name such as
 * `h200_sxm/vllm/Llama-3.1-8B-FP8/TP1` is the file `NAME.h5` below one of these folders. */
struct profile_search {
    const char *const *dirs;
};

/* ".npz" or ".h5", which of them `name` ends in; NULL: neither. */
const char *profile_ending(const char *name);

/* What a profile is read from. */
struct profile_source {
    /* A bundled name; the path of a file (.h5 or .npz, told apart by content) or of a folder that
     * Dynamo's profiler filled (selected_prefill_interpolation/raw_data.npz and the same of
     * decode); or two paths of files, the halves in any order. The second may be NULL. A half alone
     * finds the other beside it, under its own path with "prefill" and "decode" exchanged. */
    const char *name[2];
    int64_t tp;            /* chooses the row of a file with one per TP size; 0 = it has one */
    int64_t max_kv_tokens; /* of a file that does not say; 0 = it says */
    /* Prefill workers need no decode half; one that is of an engine with other GPUs is left out. */
    bool prefill_only;
    /* Decode workers compute prompts again after a preemption: where the prefill half comes from
     * when there is none by `name`. NULL: nowhere else. */
    const struct profile_source *prefill_from;
};

/* Read a profile, check it, and build the view above. All memory comes from the arena. ST_INPUT
 * names the file and the key (missing, wrong shape, NaN, not increasing, in wrong units); an
 * unknown name gives the closest ones. A path to a missing file is ST_INPUT too; ST_IO when it is
 * there but cannot be read. */
enum status profile_open(struct profile *profile, struct arena *arena,
                         const struct profile_search *search, const struct profile_source *source,
                         struct diag *d);
/* The same by one name, both halves. */
enum status profile_load(struct profile *profile, struct arena *arena,
                         const struct profile_search *search, const char *name_or_path, int64_t tp,
                         struct diag *d);

/* A path, as far as the text or the disk can tell: it ends in .npz or .h5, or is a folder. */
bool profile_is_path(const char *name);

/* Write every key to `path`, whose ending (.npz or .h5) chooses the format. The same profile always
 * gives the same bytes. A failed write leaves what was there. ST_INPUT: unknown ending, or the file
 * exists and PROFILE_OVERWRITE is not given. ST_IO: cannot be written. */
enum profile_save_flags {
    PROFILE_OVERWRITE = 1, /* replace an existing file */
    PROFILE_DEFLATE = 2    /* compress NPZ entries; HDF5 compresses what is large by itself */
};
enum status profile_save(const struct profile_file *file, const char *path, unsigned flags,
                         struct diag *d);

/* Names of all bundled profiles, sorted, in the arena. */
enum status profile_list(const struct profile_search *search, struct arena *arena,
                         const char *const **names, size_t *n, struct diag *d);

#endif
