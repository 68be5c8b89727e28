#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "engines/profile/profile_internal.h"

struct view {
    const struct profile_file *file;
    const char *label;
    struct arena *arena;
    struct diag *d;
};

/* What the values of an array must be, besides finite. */
enum sign { POSITIVE, NOT_NEGATIVE };

static const char *shape_text(const struct profile_array *a, char text[64])
{
    if (a->n_dims == 2)
        snprintf(text, 64, "(%zu, %zu)", a->dims[0], a->dims[1]);
    else if (a->n_dims == 1)
        snprintf(text, 64, "(%zu)", a->dims[0]);
    else
        snprintf(text, 64, "()");
    return text;
}

/* Where in the array, as a reader of the file would write it: 3, or 3,5. */
static const char *index_text(const struct profile_array *a, size_t i, char text[64])
{
    if (a->n_dims == 2)
        snprintf(text, 64, "%zu,%zu", i / a->dims[1], i % a->dims[1]);
    else
        snprintf(text, 64, "%zu", i);
    return text;
}

static enum status check_values(const struct view *v, const struct profile_array *a, enum sign sign)
{
    char where[64];
    for (size_t i = 0; i < a->n; i++) {
        double x = a->f64[i];
        if (isnan(x))
            return diag_fail(v->d, ST_INPUT, "%s: '%s' holds NaN at index %s", v->label, a->key,
                             index_text(a, i, where));
        if (isinf(x) || x < 0 || (x <= 0 && sign == POSITIVE))
            return diag_fail(v->d, ST_INPUT, "%s: '%s' holds %g at index %s (expected %s)",
                             v->label, a->key, x, index_text(a, i, where),
                             sign == POSITIVE ? "a finite number above 0"
                                              : "a finite number of 0 or more");
    }
    return ST_OK;
}

static enum status check_increasing(const struct view *v, const struct profile_array *a)
{
    for (size_t i = 1; i < a->n; i++)
        if (!(a->f64[i] > a->f64[i - 1]))
            return diag_fail(v->d, ST_INPUT,
                             "%s: '%s' must increase, but holds %g after %g at index %zu", v->label,
                             a->key, a->f64[i], a->f64[i - 1], i);
    return ST_OK;
}

/* A required one-dimensional array of numbers: n values, or at least `least` when n is 0. */
static enum status get_line(const struct view *v, const char *key, size_t n, const char *like,
                            size_t least, enum sign sign, const struct profile_array **out)
{
    char shape[64];
    const struct profile_array *a = profile_file_find(v->file, key);
    if (!a) {
        (void)profile_missing_key(v->file, v->label, key, v->d);
        return ST_INPUT;
    }
    if (a->kind == PROFILE_TEXT)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' holds text (expected numbers)", v->label, key);
    if (a->n_dims != 1)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' has shape %s (expected one dimension)", v->label,
                         key, shape_text(a, shape));
    if (n && a->n != n)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' has %zu values (expected %zu, as many as '%s')",
                         v->label, key, a->n, n, like);
    if (a->n < least)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' has %zu values (expected %zu or more)", v->label,
                         key, a->n, least);
    *out = a;
    return check_values(v, a, sign);
}

static enum status get_axis(const struct view *v, const char *key, size_t least, enum sign sign,
                            const struct profile_array **out)
{
    enum status st = get_line(v, key, 0, NULL, least, sign, out);
    return st == ST_OK ? check_increasing(v, *out) : st;
}

static enum status get_grid(const struct view *v, struct profile_grid *grid, const char *key,
                            const char *x_key, const char *y_key, enum sign x_sign, enum sign sign)
{
    char shape[64];
    const struct profile_array *a = profile_file_find(v->file, key), *x = NULL, *y = NULL;
    if (!a)
        return ST_OK;
    enum status st = get_axis(v, x_key, 1, x_sign, &x);
    if (st == ST_OK)
        st = get_axis(v, y_key, 1, POSITIVE, &y);
    if (st != ST_OK)
        return st;
    if (a->kind == PROFILE_TEXT || a->n_dims != 2 || a->dims[0] != x->n || a->dims[1] != y->n)
        return diag_fail(v->d, ST_INPUT,
                         "%s: '%s' has shape %s (expected numbers of shape (%zu, %zu), '%s' by "
                         "'%s')",
                         v->label, key, shape_text(a, shape), x->n, y->n, x_key, y_key);
    st = check_values(v, a, sign);
    if (st != ST_OK)
        return st;
    *grid = (struct profile_grid){x->n, y->n, x->f64, y->f64, a->f64};
    return ST_OK;
}

static enum status get_text(const struct view *v, const char *key, const char **out)
{
    const struct profile_array *a = profile_file_find(v->file, key);
    *out = "";
    if (!a)
        return ST_OK;
    if (a->kind != PROFILE_TEXT || a->n != 1)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' must be one text", v->label, key);
    *out = a->text[0];
    return ST_OK;
}

/* One whole number, `least` or more and at most 2^53; *out stays as it is when the key is absent.
 */
static enum status get_integer(const struct view *v, const char *key, int64_t least, int64_t *out)
{
    const struct profile_array *a = profile_file_find(v->file, key);
    if (!a)
        return ST_OK;
    if (a->kind == PROFILE_TEXT || a->n != 1)
        return diag_fail(v->d, ST_INPUT, "%s: '%s' must be one number", v->label, key);
    double x = a->f64[0];
    if (!(x >= (double)least && x <= 0x1p53) || floor(x) < x)
        return diag_fail(v->d, ST_INPUT,
                         "%s: '%s' holds %.17g (expected a whole number from %" PRId64 " up)",
                         v->label, key, x, least);
    *out = (int64_t)x;
    return ST_OK;
}

static enum status view_metadata(const struct view *v, struct profile *p)
{
    const struct {
        const char *key, **out;
    } texts[] = {{"gpu_type", &p->gpu_type},   {"model", &p->model},
                 {"framework", &p->framework}, {"framework_version", &p->framework_version},
                 {"dtype", &p->dtype},         {"kv_dtype", &p->kv_dtype},
                 {"source", &p->source}};
    const struct {
        const char *key;
        int64_t least, *out;
    } integers[] = {{"tp", 1, &p->tp},
                    {"dp", 1, &p->dp},
                    {"pp", 1, &p->pp},
                    {"gpu_count", 1, &p->gpu_count},
                    {"block_size", 0, &p->block_size_tok},
                    {"max_kv_tokens", 1, &p->max_kv_tokens},
                    {"max_context_length", 0, &p->max_context_length}};
    struct diag cause;
    diag_init(&cause);
    p->dp = p->pp = 1;
    enum status st = ST_OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && st == ST_OK; i++)
        st = get_text(v, texts[i].key, texts[i].out);
    for (size_t i = 0; i < sizeof integers / sizeof *integers && st == ST_OK; i++)
        st = get_integer(v, integers[i].key, integers[i].least, integers[i].out);
    if (st != ST_OK)
        return st;
    if (p->max_kv_tokens == 0) {
        (void)profile_missing_key(v->file, v->label, "max_kv_tokens", &cause);
        return diag_fail(v->d, ST_INPUT,
                         "%s; say how many tokens of KV cache the engine holds with the key "
                         "max_kv_tokens (in a scenario) or --max-kv-tokens",
                         cause.text);
    }

    const struct profile_array *a = profile_file_find(v->file, "kv_bytes_per_token");
    if (!a)
        return ST_OK;
    if (a->kind == PROFILE_TEXT || a->n != 1)
        return diag_fail(v->d, ST_INPUT, "%s: 'kv_bytes_per_token' must be one number", v->label);
    p->kv_bytes_per_token = a->f64[0];
    return check_values(v, a, POSITIVE);
}

static enum status view_prefill(const struct view *v, struct profile *p)
{
    const struct profile_array *isl, *ttft, *thpt;
    enum status st = get_axis(v, "prefill_isl", 2, POSITIVE, &isl);
    if (st == ST_OK)
        st = get_line(v, "prefill_ttft", isl->n, isl->key, 2, POSITIVE, &ttft);
    if (st == ST_OK)
        st = get_line(v, "prefill_thpt_per_gpu", isl->n, isl->key, 2, POSITIVE, &thpt);
    if (st != ST_OK)
        return st;
    p->prefill_ttft_ms = (struct profile_curve){isl->n, isl->f64, ttft->f64};
    p->prefill_thpt_per_gpu = thpt->f64;
    return ST_OK;
}

static enum status view_decode(const struct view *v, struct profile *p)
{
    const struct profile_array *usage, *context, *itl, *thpt;
    enum status st = get_line(v, "x_kv_usage", 0, NULL, 3, POSITIVE, &usage);
    if (st == ST_OK)
        st = get_line(v, "y_context_length", usage->n, usage->key, 3, POSITIVE, &context);
    if (st == ST_OK)
        st = get_line(v, "z_itl", usage->n, usage->key, 3, POSITIVE, &itl);
    if (st == ST_OK)
        st = get_line(v, "z_thpt_per_gpu", usage->n, usage->key, 3, POSITIVE, &thpt);
    if (st != ST_OK)
        return st;
    p->n_decode = usage->n;
    p->decode_kv_usage = usage->f64;
    p->decode_context = context->f64;
    p->decode_itl_ms = itl->f64;
    p->decode_thpt_per_gpu = thpt->f64;
    return ST_OK;
}

static enum status get_step_curve(const struct view *v, struct profile_curve *curve,
                                  const char *key, enum sign sign)
{
    const struct profile_array *tokens, *ms;
    if (!profile_file_find(v->file, key))
        return ST_OK;
    enum status st = get_axis(v, "step_tokens", 1, POSITIVE, &tokens);
    if (st == ST_OK)
        st = get_line(v, key, tokens->n, tokens->key, 1, sign, &ms);
    if (st == ST_OK)
        *curve = (struct profile_curve){tokens->n, tokens->f64, ms->f64};
    return st;
}

static enum status view_step_curves(const struct view *v, struct profile *p)
{
    enum status st = get_step_curve(v, &p->step_other_ms, "step_other_ms", POSITIVE);
    if (st == ST_OK)
        st = get_step_curve(v, &p->step_experts_ms, "step_experts_ms", NOT_NEGATIVE);
    if (st == ST_OK)
        st = get_step_curve(v, &p->step_comm_ms, "step_comm_ms", NOT_NEGATIVE);
    for (size_t i = 0; st == ST_OK && i < p->step_other_ms.n; i++) {
        double experts = p->step_experts_ms.n ? p->step_experts_ms.value[i] : 0,
               comm = p->step_comm_ms.n ? p->step_comm_ms.value[i] : 0;
        if (experts + comm > p->step_other_ms.value[i])
            st = diag_fail(v->d, ST_INPUT,
                           "%s: 'step_experts_ms' and 'step_comm_ms' are parts of 'step_other_ms', "
                           "but more than it at %g tokens",
                           v->label, p->step_other_ms.x[i]);
    }
    return st;
}

static enum status view_tables(const struct view *v, struct profile *p)
{
    const struct {
        struct profile_grid *grid;
        const char *key, *x, *y;
        enum sign x_sign, sign;
    } grids[] = {{&p->decode_step_ms, "decode_step_ms", "decode_batch", "decode_context", POSITIVE,
                  POSITIVE},
                 {&p->decode_attn_ms, "decode_attn_ms", "decode_batch", "decode_context", POSITIVE,
                  NOT_NEGATIVE},
                 {&p->decode_attn_mixed_ms, "decode_attn_mixed_ms", "decode_batch",
                  "decode_context", POSITIVE, NOT_NEGATIVE},
                 {&p->prefill_batch_ms, "prefill_batch_ms", "prefill_batch", "prefill_batch_isl",
                  POSITIVE, POSITIVE},
                 {&p->chunk_attn_ms, "chunk_attn_ms", "chunk_prefix", "chunk_new", NOT_NEGATIVE,
                  NOT_NEGATIVE},
                 {&p->chunk_prefill_ms, "chunk_prefill_ms", "chunk_prefix", "chunk_new",
                  NOT_NEGATIVE, POSITIVE}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        enum status st = get_grid(v, grids[i].grid, grids[i].key, grids[i].x, grids[i].y,
                                  grids[i].x_sign, grids[i].sign);
        if (st != ST_OK)
            return st;
    }

    const struct profile_array *alpha;
    enum status st = view_step_curves(v, p);
    if (st == ST_OK && profile_file_find(v->file, "attn_skew_alpha")) {
        st = get_line(v, "attn_skew_alpha", 0, NULL, 2, NOT_NEGATIVE, &alpha);
        if (st == ST_OK && alpha->n != 2)
            st = diag_fail(v->d, ST_INPUT, "%s: 'attn_skew_alpha' has %zu values (expected 2)",
                           v->label, alpha->n);
        if (st == ST_OK) {
            p->attn_skew_alpha[0] = alpha->f64[0];
            p->attn_skew_alpha[1] = alpha->f64[1];
        }
    }
    return st;
}

enum status profile_view(struct profile *profile, struct arena *arena, const char *label,
                         bool prefill_only, struct diag *d)
{
    struct view v = {&profile->file, label, arena, d};
    enum status st = view_prefill(&v, profile);
    if (st == ST_OK && !(prefill_only && profile_which_half(v.file) == PROFILE_PREFILL_ONLY))
        st = view_decode(&v, profile);
    if (st == ST_OK)
        st = view_metadata(&v, profile);
    if (st == ST_OK)
        st = view_tables(&v, profile);
    return st == ST_OK ? profile_check_units(profile, arena, label, d) : st;
}
