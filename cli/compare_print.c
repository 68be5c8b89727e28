#include "cli/compare_print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/table.h"
#include "reports/summary.h"
#include "util/terminal.h"
#include "util/text.h"
#include "util/units.h"

enum { FOLLOWING = 5 }; /* windows shown after the first decision that differs */

/* "planner 1.4.2". NULL: no memory. */
static const char *policy_of(const struct recorded *run, struct arena *arena)
{
    const char *generation = recorded_generation(run);

    return generation ? arena_printf(arena, "%s %s", run->policy, generation) : run->policy;
}

/* All deployments of a run have the same. */
static bool same_policy(const struct compare_result *r, size_t run, struct arena *arena)
{
    bool same = true;

    for (size_t i = 1; i < r->n_deployments && same; i++) {
        const char *a = policy_of(&r->deployments[0].runs[run].recorded, arena),
                   *b = policy_of(&r->deployments[i].runs[run].recorded, arena);
        same = a && b && strcmp(a, b) == 0;
    }
    return same;
}

static enum status print_policies(const struct compare_result *r, size_t run, FILE *out,
                                  struct arena *arena, struct diag *d)
{
    for (size_t i = 0; i < r->n_deployments && !same_policy(r, run, arena); i++) {
        const char *policy = policy_of(&r->deployments[i].runs[run].recorded, arena);
        if (!policy)
            return diag_nomem(d, "policy");
        terminal_line(out, "   %s   policy %s", r->deployments[i].deployment, policy);
    }
    return ST_OK;
}

static const char *arbiter_of(const struct recorded *run)
{
    const char *arbiter = recorded_text(run, "arbiter.type");

    return arbiter ? arbiter : "not known";
}

/* What it ran. NULL: no memory. */
static const char *kind_of(const struct compare_result *r, size_t i, struct arena *arena)
{
    const struct recorded *run = &r->runs[i].recorded;
    bool of_one = run->n_pools > 0; /* else all deployments */

    if (!of_one && (!r->n_deployments || !same_policy(r, i, arena)))
        return arena_printf(arena, "arbiter %s", arbiter_of(run));
    const char *policy = policy_of(of_one ? run : &r->deployments[0].runs[i].recorded, arena);
    if (!policy)
        return NULL;
    if (!of_one)
        return arena_printf(arena, "arbiter %s   policy %s", arbiter_of(run), policy);
    return run->deployment
               ? arena_printf(arena, "deployment %s   policy %s", run->deployment, policy)
               : arena_printf(arena, "policy %s", policy);
}

static enum status print_runs(const struct compare_result *r, FILE *out, struct arena *arena,
                              struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < r->n_runs && !s; i++) {
        const struct compare_run *run = &r->runs[i];
        const char *name = arena_printf(arena, "%c  %s", compare_letter(run, r), run->input->name);
        const char *kind = kind_of(r, i, arena);
        if (kind && !run->input->source)
            kind = arena_printf(arena, "a run of %s   %s", run->recorded.scenario, kind);
        if (!name || !kind)
            return diag_nomem(d, "runs");
        terminal_heading(out, name, kind);
        s = print_policies(r, i, out, arena, d);
    }
    return s;
}

/* ---- figures ---- */

static void add_number(struct table *t, int digits, double value)
{
    char text[TEXT_FIGURE_SIZE];

    table_add(t, isnan(value) ? NULL : text_number(text, digits, value));
}

static bool is_there(const struct compare_difference *c)
{
    return !isnan(c->a) || !isnan(c->b);
}

static void add_interval(struct table *t, const struct compare_difference *c)
{
    char low[TEXT_FIGURE_SIZE], high[TEXT_FIGURE_SIZE];

    if (isnan(c->at.low))
        table_add(t, NULL);
    else
        table_printf(t, "%s to %s", text_change(low, 3, c->at.low),
                     text_change(high, 3, c->at.high));
}

static void add_figure(struct table *t, const struct compare_difference *c, bool sure,
                       const char *indent)
{
    char text[TEXT_FIGURE_SIZE];

    table_printf(t, "%s%s", indent, compare_label(c->key));
    add_number(t, 5, c->a);
    add_number(t, 5, c->b);
    table_add(t, isnan(c->difference) ? NULL : text_change(text, 3, c->difference));
    if (sure) {
        add_interval(t, c);
        table_add(t, compare_verdict_names[c->verdict]);
    }
}

/* A row for each that differs, below the name of the deployment. */
static void add_deployment(struct table *t, const struct compare_result *of, size_t i)
{
    const struct compare_pair *pair = &of->pairs[i];
    size_t n = 0;

    table_part(t, of->deployment);
    for (size_t k = 0; k < of->n_keys; k++) {
        const struct compare_difference *c = &pair->differences[k];
        if (!is_there(c) || c->verdict == COMPARE_SAME)
            continue;
        add_figure(t, c, pair->n_replicates > 0, "  ");
        n++;
    }
    if (n == 0)
        table_part(t, "  no figure differs");
}

static void begin_figures(struct table *t, const struct compare_pair *pair,
                          const struct compare_result *r, struct arena *arena)
{
    bool sure = pair->n_replicates > 0;

    table_init(t, arena, sure ? 6 : 4);
    for (size_t i = 1; i < (sure ? 5 : 4); i++)
        t->right[i] = true;
    table_add(t, sure ? "Mean of replicates" : "Figure");
    table_printf(t, "%c", compare_letter(pair->a, r));
    table_printf(t, "%c", compare_letter(pair->b, r));
    table_printf(t, "%c - %c", compare_letter(pair->b, r), compare_letter(pair->a, r));
    if (sure) {
        table_printf(t, "%g %% interval", 100 * r->options->level);
        table_add(t, "verdict");
    }
}

/* What the table is of. */
static enum status print_words(const struct compare_pair *pair, const struct compare_result *r,
                               FILE *out, struct arena *arena, struct diag *d)
{
    const char *of_each = "", *sure = "";

    if (r->n_deployments)
        of_each = "First all deployments together, then of each the figures that differ.";
    if (pair->n_replicates)
        sure = arena_printf(arena,
                            "%zu pairs of runs, each on the same course of the traffic. All "
                            "intervals hold at once; unsure: 0 is in it, and more "
                            "--replicates may tell. What follows is of the scenarios as "
                            "they stand, with an SLA attainment of %.4g and %.4g.",
                            pair->n_replicates,
                            recorded_figure(&pair->a->recorded, "attainment.overall"),
                            recorded_figure(&pair->b->recorded, "attainment.overall"));
    const char *text =
        sure ? arena_printf(arena, "%s%s%s", of_each, *of_each && *sure ? " " : "", sure) : NULL;
    if (!text)
        return diag_nomem(d, "words");
    if (*text)
        terminal_wrap(out, text, 0, 0);
    return ST_OK;
}

static enum status print_figures(const struct compare_pair *pair, const struct compare_result *r,
                                 FILE *out, struct arena *arena, struct diag *d)
{
    bool sure = pair->n_replicates > 0;
    struct table t;

    begin_figures(&t, pair, r, arena);
    for (size_t k = 0; k < r->n_keys; k++) {
        if (is_there(&pair->differences[k]))
            add_figure(&t, &pair->differences[k], sure, "");
    }
    for (size_t i = 0; i < r->n_deployments; i++)
        add_deployment(&t, &r->deployments[i], (size_t)(pair - r->pairs));
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    fputc('\n', out);
    return print_words(pair, r, out, arena, d);
}

/* ---- windows ---- */

static void window_head(struct table *t, const struct compare_pair *pair,
                        const struct compare_result *r)
{
    const struct recorded *a = &pair->a->recorded;
    char of_a = compare_letter(pair->a, r), of_b = compare_letter(pair->b, r);

    table_add(t, "from s");
    table_add(t, "requests");
    table_printf(t, "missed %c", of_a);
    table_printf(t, "%c", of_b);
    table_printf(t, "TTFT ms %c", of_a);
    table_printf(t, "%c", of_b);
    for (size_t p = 0; p < a->n_pools && pair->same_pools; p++) {
        table_printf(t, "%s %c", a->pools[p], of_a);
        table_printf(t, "%c", of_b);
    }
}

static void add_window(struct table *t, const struct compare_pair *pair, size_t w,
                       const struct compare_result *r)
{
    const struct compare_window *a = &pair->a->windows[w], *b = &pair->b->windows[w];

    table_printf(t, "%.0f", (double)w * s_from_ns(r->options->window_ns));
    if (a->n_offered == b->n_offered)
        table_printf(t, "%" PRIu64, a->n_offered);
    else
        table_printf(t, "%" PRIu64 ", %" PRIu64, a->n_offered, b->n_offered);
    table_printf(t, "%" PRIu64, a->n_offered - a->n_good);
    table_printf(t, "%" PRIu64, b->n_offered - b->n_good);
    add_number(t, 7, round(a->ttft_ms));
    add_number(t, 7, round(b->ttft_ms));
    for (size_t p = 0; p < pair->a->recorded.n_pools && pair->same_pools; p++) {
        add_number(t, 3, a->workers[p]);
        add_number(t, 3, b->workers[p]);
    }
}

static void begin_windows(struct table *t, const struct compare_pair *pair,
                          const struct compare_result *r, struct arena *arena)
{
    size_t n = 6 + (pair->same_pools ? 2 * pair->a->recorded.n_pools : 0);

    table_init(t, arena, n);
    for (size_t i = 0; i < n; i++)
        t->right[i] = true;
    window_head(t, pair, r);
}

static enum status print_windows(const struct compare_pair *pair, const struct compare_result *r,
                                 FILE *out, struct arena *arena, struct diag *d)
{
    double length_s = s_from_ns(r->options->window_ns);
    struct table t;

    fprintf(out, "\nWindows of %.9g s, by arrival: ", length_s);
    if (pair->n_differing == 0) {
        fprintf(out, "none of %zu differs\n", pair->n_windows);
        return ST_OK;
    }
    fprintf(out, "%zu of %zu differ, from %.0f s on", pair->n_differing, pair->n_windows,
            (double)pair->first_differing * length_s);
    if (pair->n_worst == 0) {
        fprintf(out, "; none is worse in %c\n", compare_letter(pair->b, r));
        return ST_OK;
    }
    fprintf(out, "; worst in %c:\n\n", compare_letter(pair->b, r));
    begin_windows(&t, pair, r, arena);
    for (size_t i = 0; i < pair->n_worst; i++)
        add_window(&t, pair, pair->worst[i], r);
    return table_print(&t, out) ? ST_OK : diag_nomem(d, "table");
}

/* ---- the first decision that differs ---- */

static void print_reason(char of, const struct recorded_decision *c, FILE *out)
{
    if (!c || !c->reason || !*c->reason)
        return;
    fprintf(out, "  %c: ", of);
    terminal_wrap(out, c->reason, 5, 5);
}

static enum status print_following(const struct compare_pair *pair, const struct compare_result *r,
                                   FILE *out, struct arena *arena, struct diag *d)
{
    size_t from = (size_t)(pair->decision.at_ns / r->options->window_ns);
    struct table t;

    if (from >= pair->n_windows)
        return ST_OK;
    fputs("\nWhat followed:\n\n", out);
    begin_windows(&t, pair, r, arena);
    for (size_t w = from; w < pair->n_windows && w < from + FOLLOWING; w++)
        add_window(&t, pair, w, r);
    return table_print(&t, out) ? ST_OK : diag_nomem(d, "table");
}

static enum status print_decision(const struct compare_pair *pair, const struct compare_result *r,
                                  FILE *out, struct arena *arena, struct diag *d)
{
    const struct compare_decision *c = &pair->decision;
    const struct compare_line *lines;
    struct table t;
    size_t n;

    if (!pair->same_pools)
        return ST_OK;
    if (!c->found) {
        fputs("\nDecisions: both want the same fleet at all times\n", out);
        return ST_OK;
    }
    fprintf(out, "\nFirst decision that differs: at %.9g s\n", s_from_ns(c->at_ns));
    terminal_wrap(out, compare_input_texts[c->input], 0, 0);
    fputc('\n', out);
    table_init(&t, arena, 3);
    t.right[1] = t.right[2] = true;
    table_add(&t, "Decision");
    table_printf(&t, "%c", compare_letter(pair->a, r));
    table_printf(&t, "%c", compare_letter(pair->b, r));
    enum status s = compare_decision_lines(&lines, &n, pair, arena, d);
    for (size_t i = 0; i < n && !s; i++) {
        table_add(&t, lines[i].what);
        table_add(&t, lines[i].a);
        table_add(&t, lines[i].b);
    }
    if (s)
        return s;
    if (!table_print(&t, out))
        return diag_nomem(d, "table");
    print_reason(compare_letter(pair->a, r), c->a, out);
    print_reason(compare_letter(pair->b, r), c->b, out);
    return print_following(pair, r, out, arena, d);
}

/* ---- requests ---- */

static void print_misses(const uint64_t n[N_MISSES], FILE *out)
{
    const char *before = " (";

    for (size_t i = 0; i < N_MISSES; i++) {
        if (n[i]) {
            fprintf(out, "%s%s %" PRIu64, before, compare_miss_name(i), n[i]);
            before = ", ";
        }
    }
    fputs(*before == ' ' ? "\n" : ")\n", out);
}

/* The three causes that explain most of them. */
static void print_causes(const uint64_t n[N_CAUSES], FILE *out)
{
    bool told[N_CAUSES] = {false};

    for (int k = 0; k < 3; k++) {
        int most = -1;
        for (int i = 0; i < N_CAUSES; i++)
            if (n[i] && !told[i] && (most < 0 || n[i] > n[most]))
                most = i;
        if (most < 0)
            return;
        fprintf(out, "            %" PRIu64 " %s\n", n[most], cause_phrase((enum cause)most));
        told[most] = true;
    }
}

static void add_request(struct table *t, const struct recorded_request *q)
{
    if (q->outcome != OUTCOME_COMPLETED)
        table_add(t, outcome_name(q->outcome));
    else
        table_printf(t, "%.0f", ms_from_ns(q->ttft_ns));
    add_number(t, 3, q->tpot_ns < 0 ? NAN : ms_from_ns(q->tpot_ns));
}

static enum status print_worst(const struct compare_pair *pair, const struct compare_result *r,
                               FILE *out, struct arena *arena, struct diag *d)
{
    const struct compare_requests *q = &pair->requests;
    struct table t;

    if (q->n_worst == 0)
        return ST_OK;
    fputc('\n', out);
    table_init(&t, arena, 6);
    for (size_t i = 0; i < 6; i++)
        t.right[i] = true;
    table_add(&t, "request");
    table_add(&t, "arrived, s");
    table_printf(&t, "TTFT ms %c", compare_letter(pair->a, r));
    table_printf(&t, "TPOT ms %c", compare_letter(pair->a, r));
    table_printf(&t, "TTFT ms %c", compare_letter(pair->b, r));
    table_printf(&t, "TPOT ms %c", compare_letter(pair->b, r));
    for (size_t i = 0; i < q->n_worst; i++) {
        table_printf(&t, "%" PRIu64, q->worst[i].a->index);
        table_printf(&t, "%.3f", s_from_ns(q->worst[i].a->arrival_ns));
        add_request(&t, q->worst[i].a);
        add_request(&t, q->worst[i].b);
    }
    return table_print(&t, out) ? ST_OK : diag_nomem(d, "table");
}

static enum status print_requests(const struct compare_pair *pair, const struct compare_result *r,
                                  FILE *out, struct arena *arena, struct diag *d)
{
    const struct compare_requests *q = &pair->requests;
    char n[TEXT_FIGURE_SIZE], good[TEXT_FIGURE_SIZE], missed[TEXT_FIGURE_SIZE];

    if (!q->matched)
        return ST_OK;
    fprintf(out, "\nRequests: of %s, %s are good in both and %s in neither\n",
            text_grouped(n, q->n), text_grouped(good, q->n_good),
            text_grouped(missed, q->n_missed));
    fprintf(out, "  worse   %s missed in %c alone", text_grouped(n, q->n_worse),
            compare_letter(pair->b, r));
    print_misses(q->worse_by, out);
    print_causes(q->worse_causes, out);
    fprintf(out, "  better  %s missed in %c alone", text_grouped(n, q->n_better),
            compare_letter(pair->a, r));
    print_misses(q->better_by, out);
    print_causes(q->better_causes, out);
    return print_worst(pair, r, out, arena, d);
}

/* ---- all of it ---- */

static void print_notes(const struct compare_pair *pair, FILE *out)
{
    for (size_t k = 0; k < pair->n_notes; k++) {
        fputs("note: ", out);
        terminal_wrap(out, pair->notes[k], 6, 6);
    }
}

/* Of one deployment: where it parts, and what became of its requests. */
static enum status print_course(const struct compare_pair *pair, const struct compare_result *r,
                                FILE *out, struct arena *arena, struct diag *d)
{
    enum status s = print_windows(pair, r, out, arena, d);

    if (!s)
        s = print_decision(pair, r, out, arena, d);
    return s ? s : print_requests(pair, r, out, arena, d);
}

static enum status print_deployments(const struct compare_result *r, size_t i, FILE *out,
                                     struct arena *arena, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t k = 0; k < r->n_deployments && !s; k++) {
        const struct compare_result *of = &r->deployments[k];
        const struct compare_pair *pair = &of->pairs[i];
        fprintf(out, "\nDeployment %s, %c against %c\n", of->deployment,
                compare_letter(pair->b, of), compare_letter(pair->a, of));
        print_notes(pair, out);
        s = print_course(pair, of, out, arena, d);
    }
    return s;
}

enum status compare_print(const struct compare_result *r, FILE *out, struct arena *arena,
                          struct diag *d)
{
    enum status s = print_runs(r, out, arena, d);

    for (size_t i = 0; i < r->n_pairs && !s; i++) {
        const struct compare_pair *pair = &r->pairs[i];
        fprintf(out, "\n%c against %c\n", compare_letter(pair->b, r), compare_letter(pair->a, r));
        print_notes(pair, out);
        fputc('\n', out);
        s = print_figures(pair, r, out, arena, d);
        if (!s)
            s = r->of_all ? print_deployments(r, i, out, arena, d)
                          : print_course(pair, r, out, arena, d);
    }
    return s;
}
