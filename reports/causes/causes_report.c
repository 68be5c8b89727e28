#include "reports/causes/causes_report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/json_out.h"
#include "util/text.h"

static double share_of(uint64_t n, uint64_t of)
{
    return of ? (double)n / (double)of : NAN;
}

/* ---- sentences ---- */

struct out {
    char *text;
    size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void add(struct out *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(o->text + o->n, o->size - o->n, format, args);
    va_end(args);
    if (n > 0)
        o->n += (size_t)n < o->size - o->n ? (size_t)n : o->size - o->n - 1;
}

/* Those where more than one pool can be. */
static bool is_of_a_pool(enum cause c)
{
    static const bool is[N_CAUSES] = {
        [CAUSE_FAILURE] = true,     [CAUSE_STARTUP] = true,    [CAUSE_LATE_DECISION] = true,
        [CAUSE_SCALED_DOWN] = true, [CAUSE_GPU_BUDGET] = true, [CAUSE_GPUS_MISSING] = true,
        [CAUSE_NO_WORKER] = true,   [CAUSE_QUEUE] = true,      [CAUSE_LONG_PROMPT] = true,
        [CAUSE_KV_ROOM] = true,     [CAUSE_BATCH_FULL] = true,
    };
    return is[c];
}

/* The pool that most of them waited for. */
static const char *pool_of(const struct cause_total *t, size_t n_pools,
                           const char *const *pool_names)
{
    for (size_t p = 0; n_pools > 1 && p < n_pools; p++) {
        if (2 * t->by_pool[p] > t->requests)
            return pool_names[p];
    }
    return NULL;
}

static void add_sentence(struct out *o, const struct cause_summary *y, enum cause cause,
                         size_t n_pools, const char *const *pool_names)
{
    const struct cause_total *t = &y->of[cause];
    const char *pool = pool_of(t, n_pools, pool_names);
    uint32_t class_tok = 1000;
    char late[TEXT_FIGURE_SIZE];

    while (class_tok < 1024000 && t->ahead_tok > 2 * class_tok)
        class_tok *= 2;
    if (cause == CAUSE_LONG_PROMPT && t->ahead_tok > class_tok)
        add(o, "queued behind prompts of over %uk tokens", class_tok / 1000);
    else
        add(o, "%s", cause_phrase(cause));
    if (pool && is_of_a_pool(cause))
        add(o, " on %s", pool);
    if (!isnan(t->median_late_s))
        add(o, " (decided %s late)", text_duration(late, t->median_late_s));
}

const char *cause_sentence(char out[CAUSE_SENTENCE_SIZE], const struct cause_summary *y,
                           enum cause cause, size_t n_pools, const char *const *pool_names)
{
    struct out o = {out, CAUSE_SENTENCE_SIZE, 0};

    add_sentence(&o, y, cause, n_pools, pool_names);
    return out;
}

/* The cause that comes after `after` others of that kind; N_CAUSES: there is none. */
static enum cause nth_cause(const struct cause_summary *y, enum miss_kind kind, size_t after)
{
    bool used[N_CAUSES] = {false};
    enum cause found = N_CAUSES;

    for (size_t n = 0; n <= after; n++) {
        found = N_CAUSES;
        for (int i = 0; i < N_CAUSES; i++) {
            uint64_t requests = y->of[i].by_kind[kind];
            if (!used[i] && requests &&
                (found == N_CAUSES || requests > y->of[found].by_kind[kind]))
                found = (enum cause)i;
        }
        if (found == N_CAUSES)
            return found;
        used[found] = true;
    }
    return found;
}

const char *cause_story(char out[CAUSE_STORY_SIZE], const struct cause_summary *y,
                        enum miss_kind kind, size_t most, size_t n_pools,
                        const char *const *pool_names)
{
    static const char *const kinds[N_MISS_KINDS] = {"missed TTFT", "missed TPOT",
                                                    "were not served"};
    struct out o = {out, CAUSE_STORY_SIZE, 0};
    uint64_t all = y->missed_by_kind[kind], told = 0;
    char text[TEXT_FIGURE_SIZE];

    out[0] = '\0';
    if (all == 0)
        return out;
    add(&o, "%s %s:", text_grouped(text, all), kinds[kind]);
    for (size_t i = 0; i < most; i++) {
        enum cause c = nth_cause(y, kind, i);
        if (c == N_CAUSES)
            break;
        double percent = 100 * share_of(y->of[c].by_kind[kind], all);
        told += y->of[c].by_kind[kind];
        if (percent < 1)
            add(&o, "%s under 1 %% ", i ? "," : "");
        else
            add(&o, "%s %.0f %% ", i ? "," : "", told == all && i == 0 ? 100 : fmin(percent, 99));
        add_sentence(&o, y, c, n_pools, pool_names);
    }
    if (told < all)
        add(&o, ", %s for other reasons", text_grouped(text, all - told));
    return out;
}

/* ---- figures ---- */

#define TOTAL(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct cause_total, member)                                              \
    }
#define LAG(member)                                                                                \
    {                                                                                              \
#member, offsetof(struct cause_lag, member)                                                \
    }
struct figure {
    const char *name;
    size_t offset;
};
static const struct figure total_figures[] = {TOTAL(median_excess_ms), TOTAL(median_late_s)};
static const struct figure lag_figures[] = {LAG(short_s), LAG(decision_s), LAG(max_decision_s),
                                            LAG(ready_s), LAG(max_ready_s)};
enum {
    N_TOTAL_FIGURES = sizeof total_figures / sizeof *total_figures,
    N_LAG_FIGURES = sizeof lag_figures / sizeof *lag_figures
};

static double figure_of(const void *from, const struct figure *f)
{
    return *(const double *)((const char *)from + f->offset);
}

static void write_classes(struct json_out *j, const struct cause_total *t, enum cause_axis axis)
{
    json_key(j, cause_axis_name(axis));
    json_object_begin(j);
    for (size_t k = 0; k < CAUSE_N_CLASSES; k++) {
        char name[32];
        bool last = k + 1 == CAUSE_N_CLASSES;
        snprintf(name, sizeof name, "%s_%u", last ? "over" : "to",
                 cause_class_tok(axis, last ? k - 1 : k));
        json_key_int(j, name, (int64_t)t->by_class[axis][k]);
    }
    json_object_end(j);
}

static void write_counts(struct json_out *j, const struct cause_total *t, size_t n_pools,
                         const char *const *pool_names)
{
    json_key(j, "pools");
    json_object_begin(j);
    for (size_t p = 0; p < n_pools; p++)
        json_key_int(j, pool_names[p], (int64_t)t->by_pool[p]);
    json_object_end(j);
    for (int axis = 0; axis < N_CAUSE_AXES; axis++)
        write_classes(j, t, (enum cause_axis)axis);
}

void cause_write_causes(struct json_out *j, const struct cause_summary *y, size_t n_pools,
                        const char *const *pool_names)
{
    char text[CAUSE_SENTENCE_SIZE];

    json_array_begin(j);
    for (int i = 0; i < N_CAUSES; i++) {
        enum cause c = y->order[i];
        const struct cause_total *t = &y->of[c];
        if (t->requests == 0)
            break;
        json_object_begin(j);
        json_key_string(j, "cause", cause_name(c));
        json_key_int(j, "requests", (int64_t)t->requests);
        json_key_double(j, "share", share_of(t->requests, y->missed));
        json_key_int(j, "ttft", (int64_t)t->by_kind[MISSED_TTFT]);
        json_key_int(j, "tpot", (int64_t)t->by_kind[MISSED_TPOT]);
        json_key_int(j, "unserved", (int64_t)t->by_kind[MISSED_ALL]);
        for (size_t f = 0; f < N_TOTAL_FIGURES; f++)
            json_key_double(j, total_figures[f].name, figure_of(t, &total_figures[f]));
        write_counts(j, t, n_pools, pool_names);
        json_key_string(j, "text", cause_sentence(text, y, c, n_pools, pool_names));
        json_object_end(j);
    }
    json_array_end(j);
}

void cause_write_lag(struct json_out *j, const struct cause_summary *y, size_t n_pools,
                     const char *const *pool_names)
{
    json_object_begin(j);
    for (size_t p = 0; p < n_pools; p++) {
        const struct cause_lag *lag = &y->lag[p];
        json_key(j, pool_names[p]);
        json_object_begin(j);
        json_key_int(j, "backlogs", (int64_t)lag->backlogs);
        json_key_int(j, "starts", (int64_t)lag->starts);
        for (size_t f = 0; f < N_LAG_FIGURES; f++)
            json_key_double(j, lag_figures[f].name, figure_of(lag, &lag_figures[f]));
        json_object_end(j);
    }
    json_object_end(j);
}

/* ---- under keys ---- */

static const char causes_begin[] = "causes.", lag_begin[] = "lag.";

/* Does it go on with the name and a dot? Then what follows. */
static const char *after_name(const char *key, const char *name)
{
    size_t n = strlen(name);
    return strncmp(key, name, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

static bool find_figure(const char *key, const struct figure *figures, size_t n, const void *from,
                        double *value)
{
    for (size_t f = 0; f < n; f++) {
        if (strcmp(key, figures[f].name) != 0)
            continue;
        *value = figure_of(from, &figures[f]);
        return true;
    }
    return false;
}

static bool lookup_total(const struct cause_summary *y, const char *key, double *value)
{
    for (int i = 0; i < N_CAUSES; i++) {
        const struct cause_total *t = &y->of[i];
        const char *rest = after_name(key, cause_name((enum cause)i));
        if (!rest)
            continue;
        if (find_figure(rest, total_figures, N_TOTAL_FIGURES, t, value))
            return true;
        *value = strcmp(rest, "share") == 0 ? y->missed ? share_of(t->requests, y->missed) : 0
                                            : (double)t->requests;
        return strcmp(rest, "share") == 0 || strcmp(rest, "requests") == 0;
    }
    return false;
}

bool cause_key_begins(const char *key)
{
    return strncmp(key, causes_begin, strlen(causes_begin)) == 0 ||
           strncmp(key, lag_begin, strlen(lag_begin)) == 0;
}

bool cause_lookup(const struct cause_summary *y, const char *key, size_t n_pools,
                  const char *const *pool_names, double *value)
{
    bool found = false;

    if (strncmp(key, causes_begin, strlen(causes_begin)) == 0)
        found = lookup_total(y, key + strlen(causes_begin), value);
    if (strncmp(key, lag_begin, strlen(lag_begin)) == 0) {
        const char *rest = NULL;
        size_t p = 0;
        while (p < n_pools && !(rest = after_name(key + strlen(lag_begin), pool_names[p])))
            p++;
        found = rest && find_figure(rest, lag_figures, N_LAG_FIGURES, &y->lag[p], value);
    }
    if (found && !y->kept)
        *value = NAN;
    return found;
}

bool cause_key_exists(const char *key, size_t n_pools, const char *const *pool_names)
{
    static const struct cause_summary none;
    double value;

    return cause_lookup(&none, key, n_pools, pool_names, &value);
}
