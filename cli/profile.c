#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plot.h"
#include "cli/table.h"
#include "engines/latency/latency.h"
#include "engines/profile/profile_gpus.h"
#include "engines/profile/profile_trust.h"
#include "scenarios/keys/model_error.h"
#include "util/text.h"

static const char name_details[] =
    "NAME: a bundled profile ('headroom profile list'), or the path of a .h5 or .npz file, or of "
    "a folder of a profiler's results. FILE: the other half of a pair of files.";

const struct cli_option profile_show_options[] = {
    {"tp", '\0', "N", "row of a profile with one per tensor parallel size"},
    {"max-kv-tokens", '\0', "N", "KV cache of the engine, for files that do not say"},
    {"model", 'm', "NAME",
     "latency model; unless said, steps where the profile has it, else table"},
    {"no-plot", '\0', NULL, "tables only"},
    {.name = NULL},
};

const struct cli_option profile_convert_options[] = {
    {"out", 'o', "FILE", "file to write; its ending, .npz or .h5, chooses the format"},
    {"tp", '\0', "N", "row of a profile with one per tensor parallel size"},
    {"max-kv-tokens", '\0', "N", "KV cache of the engine, for files that do not say"},
    {"force", '\0', NULL, "replace an existing file"},
    {.name = NULL},
};

/* Sequences the tables and plots below go up to, and how wide their texts are. */
enum { SHOW_MAX_SEQS = 1024, SHOW_MAX_RANKS = 4096, LABEL_WIDTH = 20 };

static enum status load(struct profile *profile, const struct cli_args *args, struct diag *d)
{
    struct profile_search search;
    long long tp, max_kv_tokens;

    enum status s = cli_integer(args, "tp", 1, 1024, 0, &tp, d);
    if (!s)
        s = cli_integer(args, "max-kv-tokens", 1, INT32_MAX, 0, &max_kv_tokens, d);
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    if (s)
        return s;
    struct profile_source source = {
        .name = {args->words[0], args->n_words > 1 ? args->words[1] : NULL},
        .tp = tp,
        .max_kv_tokens = max_kv_tokens};
    return profile_open(profile, args->arena, &search, &source, d);
}

/* GPUs per worker as the file itself says; else who disagrees. */
static enum status gpus_of(const struct profile *p, int64_t *gpus, struct diag *in_doubt)
{
    static const struct gpus_said nothing = {.tp = 0};

    diag_init(in_doubt);
    return profile_gpus(gpus, p, &nothing, in_doubt);
}

static enum status list_run_profiles(const struct cli_args *args, struct diag *d)
{
    static const char *const head[] = {"NAME", "GPUS", "KV TOKENS", "SOURCE"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct profile_search search;
    const char *const *names;
    struct table t;
    size_t n;

    enum status s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = cli_need_folder(search.dirs, "HEADROOM_PROFILES", d);
    if (!s)
        s = profile_list(&search, args->arena, &names, &n, d);
    if (s)
        return s;
    table_init(&t, args->arena, COLUMNS);
    t.right[1] = t.right[2] = true;
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&t, head[i]);
    for (size_t i = 0; i < n; i++) {
        struct profile p;
        struct diag in_doubt;
        s = profile_load(&p, args->arena, &search, names[i], 0, d);
        if (s)
            return s;
        table_add(&t, names[i]);
        int64_t gpus;
        if (gpus_of(&p, &gpus, &in_doubt) == ST_OK)
            table_printf(&t, "%" PRId64, gpus);
        else
            table_add(&t, "?");
        table_printf(&t, "%" PRId64, p.max_kv_tokens);
        table_add(&t, profile_trust(&p).kind);
    }
    return table_print(&t, stdout) ? ST_OK : diag_nomem(d, "list");
}

static void print_field(const char *name, const char *value)
{
    printf("%-*s %s\n", LABEL_WIDTH, name, *value ? value : "not said");
}

/* The same for a text of several lines. */
static void print_text(const char *name, const char *bullet, const char *text)
{
    int indent = LABEL_WIDTH + 1 + (int)strlen(bullet);

    printf("%-*s %s", LABEL_WIDTH, name, bullet);
    terminal_wrap(stdout, text, indent, indent);
}

static void print_trust(const struct profile *p)
{
    struct profile_trust trust = profile_trust(p);

    print_text("trust", "", trust.checked);
    for (size_t i = 0; i < trust.n_notes; i++)
        print_text(i ? "" : "notes", "- ", trust.notes[i]);
}

/* Beside measured serving points, where there are any. */
static enum status print_error(const struct profile *p, struct arena *arena, struct diag *d)
{
    const char *const *preset_dirs;
    const struct model_error *error = NULL;

    enum status s = cli_preset_dirs(&preset_dirs, arena, d);
    if (!s)
        s = model_error_find(&error, arena, NULL, preset_dirs, p, NULL, d);
    if (s || !error)
        return s;
    const char *text = model_error_text(error, arena);
    if (!text)
        return diag_nomem(d, "model error");
    print_text("expected error", "", text);
    return ST_OK;
}

static void print_count(const char *name, int64_t value, const char *unit)
{
    if (value > 0)
        printf("%-*s %" PRId64 "%s\n", LABEL_WIDTH, name, value, unit);
    else
        print_field(name, "");
}

static void print_gpus(const struct profile *p)
{
    struct diag in_doubt;
    int64_t gpus;

    if (gpus_of(p, &gpus, &in_doubt) == ST_OK)
        print_count("GPUs per worker", gpus, "");
    else
        print_text("GPUs per worker", "", in_doubt.text);
}

static void print_metadata(const struct profile *p)
{
    print_field("name", p->name);
    print_field("file", p->path);
    print_field("GPU", p->gpu_type);
    print_gpus(p);
    print_field("model", p->model);
    printf("%-20s %s %s\n", "framework", *p->framework ? p->framework : "not said",
           p->framework_version);
    if (p->tp)
        printf("%-20s tp %" PRId64 ", pp %" PRId64 ", dp %" PRId64 "\n", "parallel layout", p->tp,
               p->pp, p->dp);
    else
        print_field("parallel layout", "");
    printf("%-20s weights %s, KV cache %s\n", "number formats", *p->dtype ? p->dtype : "not said",
           *p->kv_dtype ? p->kv_dtype : "not said");
    print_count("KV capacity", p->max_kv_tokens, " tokens");
    print_count("KV block", p->block_size_tok, " tokens");
    if (p->kv_bytes_per_token > 0)
        printf("%-20s %.0f bytes\n", "KV per token", p->kv_bytes_per_token);
    print_count("longest context", p->max_context_length, " tokens");
    print_text("source", "", *p->source ? p->source : "not said");
    print_trust(p);
}

/* A profile as one latency model sees it. */
struct view {
    const struct profile *profile;
    const struct latency_model_ops *model;
    const void *state;
    uint32_t ranks; /* a step is that of one data-parallel rank */
};

static double prefill_ms(const struct view *v, uint32_t isl_tok)
{
    struct step_chunk chunk = {0, isl_tok};
    struct engine_step step = {.chunks = &chunk, .n_chunks = 1};
    return v->model->step_ms(v->state, &step);
}

/* `batch` sequences in the engine, a multiple of the ranks. */
static double decode_ms(const struct view *v, uint32_t batch, uint32_t context_tok)
{
    struct engine_step step = {.n_decode = batch / v->ranks,
                               .decode_context_mean_tok = context_tok,
                               .decode_context_max_tok = context_tok};
    return v->model->step_ms(v->state, &step);
}

static bool holds(const struct profile *p, uint32_t batch, uint32_t context_tok)
{
    return (int64_t)batch * context_tok <= p->max_kv_tokens;
}

static void fill_prefill_table(struct table *t, const struct view *v)
{
    static const uint32_t isl_tok[] = {128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    const struct profile_curve *tabulated = &v->profile->prefill_ttft_ms;

    table_add(t, "ISL");
    table_add(t, "TTFT ms");
    table_add(t, "tokens/s");
    for (size_t i = 0; i < sizeof isl_tok / sizeof isl_tok[0]; i++) {
        if (isl_tok[i] > tabulated->x[tabulated->n - 1] * 1.01)
            break;
        double ms = prefill_ms(v, isl_tok[i]);
        table_printf(t, "%" PRIu32, isl_tok[i]);
        table_printf(t, "%.1f", ms);
        table_printf(t, "%.0f", isl_tok[i] / ms * 1e3);
    }
}

static void fill_decode_table(struct table *t, const struct view *v)
{
    static const uint32_t context_tok[] = {512, 2048, 8192, 32768};
    static const uint32_t batch[] = {1, 4, 16, 32, 64, 128, 256};
    enum { N_CONTEXTS = sizeof context_tok / sizeof context_tok[0] };

    table_add(t, "BATCH");
    for (size_t k = 0; k < N_CONTEXTS; k++)
        table_printf(t, "CONTEXT %" PRIu32, context_tok[k]);
    for (size_t i = 0; i < sizeof batch / sizeof batch[0]; i++) {
        uint32_t n = batch[i] * v->ranks;
        table_printf(t, "%" PRIu32, n);
        for (size_t k = 0; k < N_CONTEXTS; k++) {
            if (holds(v->profile, n, context_tok[k]))
                table_printf(t, "%.2f", decode_ms(v, n, context_tok[k]));
            else
                table_add(t, "-");
        }
    }
}

/* One more point of a curve drawn on a logarithmic axis: a few percent further, at least by one
 * step. */
static uint32_t further(uint32_t at, uint32_t step, uint32_t end)
{
    uint32_t next = at + at / 20 / step * step;
    if (next == at)
        next = at + step;
    return at < end && next > end ? end : next;
}

static void plot_prefill(struct plot *plot, const struct view *v)
{
    const struct profile_curve *tabulated = &v->profile->prefill_ttft_ms;
    uint32_t end = (uint32_t)tabulated->x[tabulated->n - 1];

    *plot = (struct plot){.x_label = "prompt in tokens; both axes are logarithmic",
                          .y_label = "TTFT of one prompt in ms",
                          .n_series = 1};
    for (uint32_t isl = (uint32_t)fmax(1, tabulated->x[0]); isl <= end; isl = further(isl, 1, end))
        plot_add(&plot->series[0], isl, prefill_ms(v, isl));
}

static void plot_decode(struct plot *plot, const struct view *v)
{
    static const uint32_t context_tok[] = {1024, 4096, 16384};
    const struct profile *p = v->profile;

    *plot = (struct plot){
        .x_label = "sequences; a line ends where the KV cache is full, or at 1024 per rank",
        .y_label = "decode step (ITL) in ms, by context in tokens"};
    for (size_t k = 0; k < sizeof context_tok / sizeof context_tok[0]; k++) {
        uint32_t context = context_tok[k], end = SHOW_MAX_SEQS * v->ranks;
        if (p->max_context_length > 0 && context > p->max_context_length)
            continue;
        if (!holds(p, end, context))
            end = (uint32_t)(p->max_kv_tokens / context) / v->ranks * v->ranks;
        struct plot_series *s = &plot->series[plot->n_series++];
        snprintf(s->label, sizeof s->label, "%" PRIu32, context);
        for (uint32_t n = v->ranks; n <= end; n = further(n, v->ranks, end))
            plot_add(s, n, decode_ms(v, n, context));
    }
}

static enum status choose_model(struct view *v, const struct cli_args *args, struct diag *d)
{
    const char *name = cli_value(args, "model");
    const struct profile *p = v->profile;

    if (!name)
        name =
            p->step_other_ms.n && p->chunk_attn_ms.n_x && p->decode_attn_ms.n_x ? "steps" : "table";
    v->model = latency_model_find(name);
    if (!v->model)
        return diag_fail(d, ST_INPUT, "no latency model '%s' (see 'headroom list latency-models')",
                         name);
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = SHOW_MAX_SEQS};
    void *state;
    enum status s = v->model->create(&state, args->arena, p, &config, d);
    v->state = state;
    v->ranks = (uint32_t)fmin(fmax((double)p->dp, 1), SHOW_MAX_RANKS);
    return s;
}

static enum status print_times(const struct cli_args *args, const struct profile *p, struct diag *d)
{
    struct view v = {.profile = p};
    struct table prefill, decode;
    bool plots = !cli_flag(args, "no-plot");
    const struct terminal terminal = cli_terminal(args);

    enum status s = choose_model(&v, args, d);
    if (s)
        return s;
    struct plot *plot = ARENA_NEW(args->arena, 1, struct plot);
    if (!plot)
        return diag_nomem(d, "plot");
    table_init(&prefill, args->arena, 3);
    table_init(&decode, args->arena, 5);
    for (size_t i = 0; i < TABLE_MAX_COLUMNS; i++)
        prefill.right[i] = decode.right[i] = true;
    fill_prefill_table(&prefill, &v);
    fill_decode_table(&decode, &v);
    printf("\nPrefill of one prompt (latency model '%s')\n", v.model->name);
    bool printed = table_print(&prefill, stdout);
    if (plots) {
        putchar('\n');
        plot_prefill(plot, &v);
        plot_print(plot, &terminal);
    }
    printf("\nDecode step in ms (ITL), by sequences and context; - = beyond the KV cache\n");
    printed = table_print(&decode, stdout) && printed;
    if (plots) {
        putchar('\n');
        plot_decode(plot, &v);
        plot_print(plot, &terminal);
    }
    return printed ? ST_OK : diag_nomem(d, "table");
}

static enum status show_run(const struct cli_args *args, struct diag *d)
{
    struct profile p;

    enum status s = load(&p, args, d);
    if (s)
        return s;
    print_metadata(&p);
    s = print_error(&p, args->arena, d);
    return s ? s : print_times(args, &p, d);
}

static enum status convert_run(const struct cli_args *args, struct diag *d)
{
    const char *out = cli_value(args, "out");
    struct profile p;

    if (!out)
        return diag_fail(d, ST_INPUT, "'profile convert' needs --out FILE (.npz or .h5)");
    enum status s = load(&p, args, d);
    return s ? s : profile_save(&p.file, out, cli_flag(args, "force") ? PROFILE_OVERWRITE : 0, d);
}

const struct cli_verb profile_verbs[] = {
    {.name = "list", .summary = "the bundled profiles", .run = list_run_profiles},
    {.name = "show",
     .words = "NAME [FILE]",
     .min_words = 1,
     .max_words = 2,
     .summary = "what a profile says: origin, trust, KV capacity, prefill and decode times",
     .details = name_details,
     .options = profile_show_options,
     .run = show_run},
    {.name = "convert",
     .words = "NAME [FILE]",
     .min_words = 1,
     .max_words = 2,
     .summary = "write a profile as NPZ or HDF5, every key kept",
     .details = name_details,
     .options = profile_convert_options,
     .run = convert_run},
    {.name = NULL},
};
