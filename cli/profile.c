#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "engines/latency.h"

const struct cli_option profile_show_options[] = {
    {"tp", '\0', "N", "row of a profile with one per tensor parallel size"},
    {.name = NULL},
};

const struct cli_option profile_convert_options[] = {
    {"out", 'o', "FILE", "file to write; its ending, .npz or .h5, chooses the format"},
    {"tp", '\0', "N", "row of a profile with one per tensor parallel size"},
    {"force", '\0', NULL, "replace an existing file"},
    {.name = NULL},
};

/* Sequences the tables below are computed for. */
enum { SHOW_MAX_SEQS = 256 };

static enum status load(struct profile *profile, const struct cli_args *args, const char *name,
                        struct diag *d)
{
    struct profile_search search;
    long long tp;

    enum status s = cli_integer(args, "tp", 1, 1024, 0, &tp, d);
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    return s ? s : profile_load(profile, args->arena, &search, name, tp, d);
}

/* "measured" or "estimated": the first word of where the numbers come from. */
static const char *provenance(const struct profile *p)
{
    if (strncmp(p->source, "measured", 8) == 0)
        return "measured";
    return *p->source ? "estimated" : "not said";
}

static enum status list_run_profiles(const struct cli_args *args, struct diag *d)
{
    static const char *const head[] = {"NAME", "GPU",       "GPUS",  "FRAMEWORK",
                                       "TP",   "KV TOKENS", "SOURCE"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct profile_search search;
    const char *const *names;
    struct table t;
    size_t n;

    enum status s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = profile_list(&search, args->arena, &names, &n, d);
    if (s)
        return s;
    table_init(&t, args->arena, COLUMNS);
    t.right[2] = t.right[4] = t.right[5] = true;
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&t, head[i]);
    for (size_t i = 0; i < n; i++) {
        struct profile p;
        s = profile_load(&p, args->arena, &search, names[i], 0, d);
        if (s)
            return s;
        table_add(&t, names[i]);
        table_add(&t, p.gpu_type);
        table_printf(&t, "%" PRId64, p.gpu_count);
        table_printf(&t, "%s %s", p.framework, p.framework_version);
        table_printf(&t, "%" PRId64, p.tp);
        table_printf(&t, "%" PRId64, p.max_kv_tokens);
        table_add(&t, provenance(&p));
    }
    return table_print(&t, stdout) ? ST_OK : diag_nomem(d, "list");
}

static void print_field(const char *name, const char *value)
{
    printf("%-20s %s\n", name, *value ? value : "not said");
}

static void print_count(const char *name, int64_t value, const char *unit)
{
    if (value > 0)
        printf("%-20s %" PRId64 "%s\n", name, value, unit);
    else
        print_field(name, "");
}

static void print_metadata(const struct profile *p)
{
    print_field("name", p->name);
    print_field("file", p->path);
    print_field("GPU", p->gpu_type);
    print_count("GPUs per worker", p->gpu_count, "");
    print_field("model", p->model);
    printf("%-20s %s %s\n", "framework", *p->framework ? p->framework : "not said",
           p->framework_version);
    printf("%-20s tp %" PRId64 ", pp %" PRId64 ", dp %" PRId64 "\n", "parallel layout", p->tp,
           p->pp, p->dp);
    printf("%-20s weights %s, KV cache %s\n", "number formats", *p->dtype ? p->dtype : "not said",
           *p->kv_dtype ? p->kv_dtype : "not said");
    print_count("KV capacity", p->max_kv_tokens, " tokens");
    print_count("KV block", p->block_size_tok, " tokens");
    if (p->kv_bytes_per_token > 0)
        printf("%-20s %.0f bytes\n", "KV per token", p->kv_bytes_per_token);
    print_count("longest context", p->max_context_length, " tokens");
    print_field("source", p->source);
}

static void print_prefill(struct table *t, const struct profile *p,
                          const struct latency_model_ops *model, const void *state)
{
    static const uint32_t isl_tok[] = {128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    const struct profile_curve *measured = &p->prefill_ttft_ms;

    table_add(t, "ISL");
    table_add(t, "TTFT ms");
    table_add(t, "tokens/s");
    for (size_t i = 0; i < sizeof isl_tok / sizeof isl_tok[0]; i++) {
        if (isl_tok[i] > measured->x[measured->n - 1] * 1.01)
            break;
        struct step_chunk chunk = {0, isl_tok[i]};
        struct engine_step step = {.chunks = &chunk, .n_chunks = 1};
        double ms = model->step_ms(state, &step);
        table_printf(t, "%" PRIu32, isl_tok[i]);
        table_printf(t, "%.1f", ms);
        table_printf(t, "%.0f", isl_tok[i] / ms * 1e3);
    }
}

static void print_decode(struct table *t, const struct profile *p,
                         const struct latency_model_ops *model, const void *state)
{
    static const uint32_t context_tok[] = {512, 2048, 8192, 32768};
    static const uint32_t batch[] = {1, 4, 16, 32, 64, 128, 256};
    enum { N_CONTEXTS = sizeof context_tok / sizeof context_tok[0] };

    table_add(t, "BATCH");
    for (size_t k = 0; k < N_CONTEXTS; k++)
        table_printf(t, "CONTEXT %" PRIu32, context_tok[k]);
    for (size_t i = 0; i < sizeof batch / sizeof batch[0]; i++) {
        table_printf(t, "%" PRIu32, batch[i]);
        for (size_t k = 0; k < N_CONTEXTS; k++) {
            struct engine_step step = {.n_decode = batch[i],
                                       .decode_context_mean_tok = context_tok[k],
                                       .decode_context_max_tok = context_tok[k]};
            if ((int64_t)batch[i] * context_tok[k] > p->max_kv_tokens)
                table_add(t, "-");
            else
                table_printf(t, "%.2f", model->step_ms(state, &step));
        }
    }
}

static enum status print_tables(const struct cli_args *args, const struct profile *p,
                                struct diag *d)
{
    const struct latency_model_ops *model = latency_model_find("table");
    struct latency_config config = {.max_num_seqs = SHOW_MAX_SEQS};
    struct table prefill, decode;
    void *state;

    if (!model)
        return ST_OK;
    enum status s = model->create(&state, args->arena, p, &config, d);
    if (s)
        return s;
    table_init(&prefill, args->arena, 3);
    table_init(&decode, args->arena, 5);
    for (size_t i = 0; i < TABLE_MAX_COLUMNS; i++)
        prefill.right[i] = decode.right[i] = true;
    print_prefill(&prefill, p, model, state);
    print_decode(&decode, p, model, state);
    printf("\nPrefill of one prompt (latency model '%s')\n", model->name);
    bool printed = table_print(&prefill, stdout);
    printf("\nDecode step in ms (ITL), by sequences and their context; - = more than the KV cache "
           "holds\n");
    printed = table_print(&decode, stdout) && printed;
    return printed ? ST_OK : diag_nomem(d, "table");
}

static enum status show_run(const struct cli_args *args, struct diag *d)
{
    struct profile p;

    enum status s = load(&p, args, args->words[0], d);
    if (s)
        return s;
    print_metadata(&p);
    return print_tables(args, &p, d);
}

static enum status convert_run(const struct cli_args *args, struct diag *d)
{
    const char *out = cli_value(args, "out");
    struct profile p;

    if (!out)
        return diag_fail(d, ST_INPUT, "'profile convert' needs --out FILE (.npz or .h5)");
    enum status s = load(&p, args, args->words[0], d);
    return s ? s : profile_save(&p.file, out, cli_flag(args, "force") ? PROFILE_OVERWRITE : 0, d);
}

const struct cli_verb profile_verbs[] = {
    {.name = "list", .summary = "the bundled profiles", .run = list_run_profiles},
    {.name = "show",
     .words = "NAME",
     .min_words = 1,
     .max_words = 1,
     .summary = "what a profile says: origin, KV capacity, prefill and decode times",
     .details =
         "NAME: a bundled profile ('headroom profile list'), or a path of a .h5 or .npz file.",
     .options = profile_show_options,
     .run = show_run},
    {.name = "convert",
     .words = "NAME",
     .min_words = 1,
     .max_words = 1,
     .summary = "write a profile as NPZ or HDF5, every key kept",
     .details =
         "NAME: a bundled profile ('headroom profile list'), or a path of a .h5 or .npz file.",
     .options = profile_convert_options,
     .run = convert_run},
    {.name = NULL},
};
