/* What is to be known before the figures of two runs are believed. */
#include <string.h>

#include "studies/compare/compare_internal.h"
#include "util/bug.h"
#include "util/units.h"

/* NULL: no memory, looked at by the caller. */
static void add_note(struct compare_pair *pair, const char *note)
{
    BUG_IF(pair->n_notes == COMPARE_MAX_NOTES);
    pair->notes[pair->n_notes++] = note;
}

/* ---- of a deployment ---- */

static void note_traffic(struct compare_pair *pair, const struct comparison *c)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;

    if (!pair->requests.matched)
        add_note(pair, arena_printf(c->arena,
                                    "the requests are others (trace digests %s and %s): figures "
                                    "and windows are of different traffic, and requests are not "
                                    "matched",
                                    a->trace_digest, b->trace_digest));
    else if (strcmp(a->trace_digest, b->trace_digest) != 0)
        add_note(pair, arena_printf(c->arena,
                                    "the same requests came at other times, or not all of them "
                                    "(trace digests %s and %s)",
                                    a->trace_digest, b->trace_digest));
}

static void note_targets(struct compare_pair *pair, const struct comparison *c)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;

    if (a->ttft_target_ns == b->ttft_target_ns && a->tpot_target_ns == b->tpot_target_ns)
        return;
    add_note(pair, arena_printf(c->arena,
                                "the targets differ (TTFT %.6g and %.6g ms, TPOT %.6g and %.6g "
                                "ms): each run is judged by its own",
                                ms_from_ns(a->ttft_target_ns), ms_from_ns(b->ttft_target_ns),
                                ms_from_ns(a->tpot_target_ns), ms_from_ns(b->tpot_target_ns)));
}

static void note_pools(struct compare_pair *pair, const struct comparison *c)
{
    (void)c;
    if (!pair->same_pools)
        add_note(pair, "the pools are others: fleets and decisions are not compared");
}

static void note_timeline(struct compare_pair *pair, const struct comparison *c)
{
    (void)c;
    if (pair->a->recorded.n_samples == 0 || pair->b->recorded.n_samples == 0)
        add_note(pair, "a run has no timeline (output.sample_s 0): windows are without workers");
}

/* ---- of the runs ---- */

static void note_versions(struct compare_pair *pair, const struct comparison *c)
{
    const char *a = pair->a->recorded.version, *b = pair->b->recorded.version;

    if (strcmp(a, b) != 0)
        add_note(pair,
                 arena_printf(c->arena, "the runs are of versions %s and %s of headroom", a, b));
}

static bool has_arbiter(const struct compare_run *run)
{
    const char *type = recorded_text(&run->recorded, "arbiter.type");

    return type && strcmp(type, "none") != 0;
}

static void note_arbiter(struct compare_pair *pair, const struct comparison *c)
{
    if (c->options->deployment)
        add_note(pair, "what an arbiter gave and took between the decisions of the deployment is "
                       "not among them: grants.jsonl has it");
    else if (has_arbiter(pair->a) || has_arbiter(pair->b))
        add_note(pair, "what an arbiter gave and took between the decisions of the deployments is "
                       "not among them: grants.jsonl has it");
}

static const char *list_deployments(const struct recorded_whole *whole, struct arena *arena)
{
    const char *text = whole->n ? whole->names[0] : "none by name";

    for (size_t i = 1; i < whole->n && text; i++)
        text = arena_printf(arena, "%s, %s", text, whole->names[i]);
    return text;
}

static void note_deployments(struct compare_pair *pair, const struct comparison *c)
{
    const struct recorded_whole *a = &c->sides[pair->a - c->blocks[0].runs].whole,
                                *b = &c->sides[pair->b - c->blocks[0].runs].whole;
    bool same = a->n == b->n;

    for (size_t i = 0; i < a->n && same; i++)
        same = strcmp(a->names[i], b->names[i]) == 0;
    if (same)
        return;
    const char *of_a = list_deployments(a, c->arena), *of_b = list_deployments(b, c->arena);
    add_note(pair, of_a && of_b ? arena_printf(c->arena,
                                               "the deployments are others (%s; and %s): one by "
                                               "one those are compared that all runs have",
                                               of_a, of_b)
                                : NULL);
}

static void note_replicates(struct compare_pair *pair, const struct comparison *c)
{
    const char *why = pair->a->no_replicates ? pair->a->no_replicates : pair->b->no_replicates;

    if (why)
        add_note(pair, arena_printf(c->arena, "no replicates: %s", why));
    if (pair->n_replicates == 0)
        add_note(pair, "one run each: a sample, without an interval; chance may be all of it");
}

static const struct {
    bool of_deployment;
    void (*note)(struct compare_pair *pair, const struct comparison *c);
} notes[] = {{true, note_traffic},      {true, note_targets},    {false, note_versions},
             {true, note_pools},        {true, note_timeline},   {false, note_arbiter},
             {false, note_deployments}, {false, note_replicates}};

enum status compare_add_notes(struct compare_pair *pair, const struct compare_block *block,
                              const struct comparison *c, struct diag *d)
{
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (notes[i].of_deployment ? !block->of->of_all : block == c->blocks)
            notes[i].note(pair, c);
    }
    for (size_t i = 0; i < pair->n_notes; i++) {
        if (!pair->notes[i])
            return diag_nomem(d, "notes");
    }
    return ST_OK;
}
