#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "studies/size/size.h"

static bool contains(const char *text, size_t n, const char *part)
{
    size_t n_part = strlen(part);

    for (size_t i = 0; i + n_part <= n; i++) {
        size_t k = 0;
        while (k < n_part && tolower((unsigned char)text[i + k]) == tolower((unsigned char)part[k]))
            k++;
        if (k == n_part)
            return true;
    }
    return false;
}

/* The i-th part of GPU/FRAMEWORK/MODEL/LAYOUT has one of the texts in it. */
static bool part_fits(const char *name, int i, const char *const *texts, size_t n)
{
    const char *part = name;

    for (; i > 0 && part; i--) {
        part = strchr(part, '/');
        part = part ? part + 1 : NULL;
    }
    if (n == 0 || !part)
        return n == 0;
    for (size_t k = 0; k < n; k++) {
        if (contains(part, strcspn(part, "/"), texts[k]))
            return true;
    }
    return false;
}

static bool is_listed(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static const char *joined(struct arena *arena, const char *const *texts, size_t n)
{
    const char *text = n ? texts[0] : "any";

    for (size_t i = 1; i < n && text; i++)
        text = arena_printf(arena, "%s, %s", text, texts[i]);
    return text ? text : "";
}

enum status size_profiles(const char *const **names, size_t *n, struct arena *arena,
                          const struct profile_search *search, const struct size_filter *filter,
                          struct diag *d)
{
    static const char *const all[] = {"*"};
    const char *const *patterns = filter->n_patterns ? filter->patterns : all;
    size_t n_patterns = filter->n_patterns ? filter->n_patterns : 1, n_bundled;
    const char *const *bundled;

    enum status s = profile_list(search, arena, &bundled, &n_bundled, d);
    if (s)
        return s;
    const char **to = ARENA_NEW(arena, n_bundled + n_patterns, const char *);
    if (!to)
        return diag_nomem(d, "profiles");
    *names = to;
    *n = 0;
    for (size_t p = 0; p < n_patterns; p++) {
        size_t n_fit = 0;
        if (profile_is_path(patterns[p])) {
            to[(*n)++] = patterns[p];
            continue;
        }
        for (size_t i = 0; i < n_bundled; i++) {
            if (fnmatch(patterns[p], bundled[i], 0) != 0)
                continue;
            n_fit++;
            if (part_fits(bundled[i], 2, filter->models, filter->n_models) &&
                part_fits(bundled[i], 0, filter->gpus, filter->n_gpus) &&
                !is_listed(to, *n, bundled[i]))
                to[(*n)++] = bundled[i];
        }
        if (n_fit == 0)
            return diag_fail(d, ST_INPUT,
                             "no profile fits '%s'; expected a pattern such as "
                             "'h100_sxm/vllm/Llama-3.3-70B-FP8/TP*', over the names of 'headroom "
                             "list profiles', or the path of a file",
                             patterns[p]);
    }
    if (*n == 0)
        return diag_fail(d, ST_INPUT,
                         "no bundled profile of model %s on GPU %s (headroom list profiles); a "
                         "model that does not fit a GPU has none",
                         joined(arena, filter->models, filter->n_models),
                         joined(arena, filter->gpus, filter->n_gpus));
    return ST_OK;
}
