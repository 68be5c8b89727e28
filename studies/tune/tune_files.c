#include <string.h>

#include "scenarios/keys/overlay_file.h"
#include "scenarios/keys/policy_file.h"
#include "studies/study.h"
#include "studies/tune/tune.h"

/* "path=value" of the recommended setting, and what the files begin with. */
struct words {
    size_t n;
    const char **settings;
    const char *comment;
};

static enum status put_in_words(struct words *w, const struct tune_result *r, struct arena *arena,
                                struct diag *d)
{
    const struct space *space = r->options->space;

    *w = (struct words){.settings = ARENA_NEW(arena, space->n, const char *)};
    if (!w->settings)
        return diag_nomem(d, "settings");
    for (size_t k = 0; k < space->n; k++) {
        const char *const *values = r->found.recommended.values, *value = values[k];
        if (strcmp(value, "null") == 0 || !tune_value_counts(r->options, values, k))
            continue;
        w->settings[w->n] = arena_printf(arena, "%s=%s", space->knobs[k].key, value);
        if (!w->settings[w->n++])
            return diag_nomem(d, "settings");
    }
    w->comment = arena_printf(arena, "What headroom tune recommends for '%s'.\n%s",
                              r->options->scenario->name, r->verdict);
    return w->comment ? ST_OK : diag_nomem(d, "settings");
}

enum status tune_write_overlay(const struct tune_result *r, const char *working_dir, FILE *out,
                               struct arena *arena, struct diag *d)
{
    struct words w;

    enum status s = put_in_words(&w, r, arena, d);
    if (s)
        return s;
    const struct overlay_content content = {.policy = scenario_policy(r->options->scenario),
                                            .working_dir = working_dir,
                                            .n_settings = w.n,
                                            .settings = w.settings,
                                            .comment = w.comment};
    return overlay_file_write(&content, arena, out, d);
}

enum status tune_write_planner(const struct tune_result *r, const char *working_dir,
                               const char **left_out, FILE *out, struct arena *arena,
                               struct diag *d)
{
    struct study_variant variant = {0};
    struct scenario_source source;
    struct scenario scenario;
    struct words w;

    enum status s = put_in_words(&w, r, arena, d);
    struct scenario_override *o = ARENA_NEW(arena, s ? 0 : w.n, struct scenario_override);
    if (!s && !o)
        s = diag_nomem(d, "settings");
    if (s)
        return s;
    for (size_t i = 0; i < w.n; i++)
        o[i] = (struct scenario_override){"tune", w.settings[i]};
    variant.n_overrides = w.n;
    variant.overrides = o;
    s = study_source(&source, arena, r->options->source, &variant, d);
    if (!s)
        s = scenario_read(&scenario, arena, &source, d);
    if (s)
        return s;
    const struct policy_file_content content = {.scenario = &scenario,
                                                .working_dir = working_dir,
                                                .n_settings = w.n,
                                                .settings = w.settings,
                                                .comment = w.comment};
    return policy_file_write(&content, left_out, arena, out, d);
}
