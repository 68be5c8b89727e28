#include <math.h>

#include "pages/html/page.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/markup.h"
#include "util/units.h"

/* ---- the verdict ---- */

static const struct run_window *worst_window(const struct run_view *v)
{
    const struct run_window *worst = NULL;

    for (size_t i = 0; i < v->n_windows; i++) {
        const struct run_window *w = &v->windows[i];
        if (w->n_missed && (!worst || w->n_missed > worst->n_missed))
            worst = w;
    }
    return worst;
}

static void write_fleet_at(const struct run_view *v, double at_s)
{
    for (size_t p = 0; p < v->run->n_pools; p++) {
        const struct recorded_sample *s = run_sample_at(v->run, p, ns_from_s_or_never(at_s));
        if (!s)
            return;
        fputs(p ? "; " : " At its end ", v->out);
        markup_text(v->out, v->run->pools[p]);
        fprintf(v->out, " had %lld of %lld workers ready and %.0f %s waiting", (long long)s->ready,
                (long long)s->target, s->n_waiting,
                s->n_waiting >= 0.5 && s->n_waiting < 1.5 ? "request" : "requests");
    }
    fputs(".", v->out);
}

static void write_worst(const struct run_view *v)
{
    const struct run_window *w = worst_window(v);
    char from[MARKUP_NUMBER_SIZE], to[MARKUP_NUMBER_SIZE], ms[MARKUP_NUMBER_SIZE];

    if (!w)
        return;
    double at = (double)(w - v->windows) * v->window_s;
    fprintf(v->out, "<p>Worst from %s to %s: of %zu requests that came then, %zu missed",
            markup_value(from, SVG_TIME, at), markup_value(to, SVG_TIME, at + v->window_s),
            w->n_offered, w->n_missed);
    if (!isnan(w->ttft.mean_ms))
        fprintf(v->out, "; the mean TTFT was %s ms", markup_figure(ms, w->ttft.mean_ms));
    if (w->cause != N_CAUSES)
        fprintf(v->out, "; most of those that missed %s", cause_phrase(w->cause));
    fputs(".", v->out);
    write_fleet_at(v, at + v->window_s);
    fputs("</p>\n", v->out);
}

static void write_windows(const struct run_view *v, double n_held, double n)
{
    if (n_held == n)
        fprintf(v->out, "<b>SLA held</b> in all of %.0f windows. ", n);
    else if (n_held > 0)
        fprintf(v->out, "<b>SLA missed</b>: held in %.0f of %.0f windows. ", n_held, n);
    else
        fprintf(v->out, "<b>SLA missed</b> in all of %.0f windows. ", n);
}

static void write_verdict(const struct run_view *v)
{
    const struct recorded *run = v->run;
    double windows = recorded_figure(run, "attainment.windows"),
           n_windows = recorded_figure(run, "attainment.n_windows"),
           offered = recorded_figure(run, "requests.offered"),
           good = recorded_figure(run, "requests.good");
    char ttft[MARKUP_NUMBER_SIZE], tpot[MARKUP_NUMBER_SIZE], share[MARKUP_NUMBER_SIZE],
        n[MARKUP_NUMBER_SIZE];
    bool known = !isnan(windows);
    bool held = windows >= 1 && recorded_figure(run, "requests.lost") == 0;

    page_verdict_begin(v->out, !known ? PAGE_NEITHER : held ? PAGE_HELD : PAGE_MISSED);
    if (known)
        write_windows(v, round(windows * n_windows), n_windows);
    markup_value(share, SVG_PERCENT, recorded_figure(run, "attainment.overall"));
    markup_figure(n, offered - good);
    if (v->is_whole)
        fprintf(v->out,
                "%s of all requests were within the targets of their deployment, %s were "
                "not.</p>\n",
                share, n);
    else
        fprintf(v->out,
                "%s of all requests were within TTFT %s ms and TPOT %s ms, %s were not.</p>\n",
                share, markup_figure(ttft, ms_from_ns(run->ttft_target_ns)),
                markup_figure(tpot, ms_from_ns(run->tpot_target_ns)), n);
    write_worst(v);
}

/* ---- figures ---- */

struct key_figure {
    const char *name, *key, *unit;
    enum svg_scale scale;
};

static void write_figure(const struct run_view *v, const struct key_figure *f)
{
    double value = recorded_figure(v->run, f->key), low, high;
    char text[MARKUP_NUMBER_SIZE], other[MARKUP_NUMBER_SIZE];

    if (isnan(value))
        return;
    fputs("<div><dt>", v->out);
    markup_text(v->out, f->name);
    fprintf(v->out, "</dt><dd><b>%s</b>", markup_value(text, f->scale, value));
    if (f->unit) {
        fputs(" ", v->out);
        markup_text(v->out, f->unit);
    }
    if (recorded_interval(&low, &high, v->run, f->key))
        fprintf(v->out, "<small>another such run: %s to %s</small>",
                markup_value(text, f->scale, low), markup_value(other, f->scale, high));
    fputs("</dd></div>\n", v->out);
}

static void write_figures(const struct run_view *v)
{
    const struct key_figure all[] = {
        {"SLA attainment", "attainment.overall", NULL, SVG_PERCENT},
        {"windows held", "attainment.windows", NULL, SVG_PERCENT},
        {"TTFT, mean", "latency_ms.ttft.mean", "ms", SVG_LINEAR},
        {"TTFT, p95", "latency_ms.ttft.p95", "ms", SVG_LINEAR},
        {"TPOT, mean", "latency_ms.tpot.mean", "ms", SVG_LINEAR},
        {"TPOT, p95", "latency_ms.tpot.p95", "ms", SVG_LINEAR},
        {"E2E, p95", "latency_ms.e2e.p95", "ms", SVG_LINEAR},
        {"requests offered", "requests.offered", NULL, SVG_LINEAR},
        {"lost", "requests.lost", NULL, SVG_LINEAR},
        {"GPU-hours", "gpu_hours.total", NULL, SVG_LINEAR},
        {"unserved GPU-hours", "unserved_gpu_hours", NULL, SVG_LINEAR},
        {"cost", "cost.total", recorded_text(v->run, "cost.currency"), SVG_LINEAR},
        {"good requests per GPU-hour", "throughput.goodput_requests_per_gpu_hour", NULL,
         SVG_LINEAR},
        {"GPUs at most", "scaling.peak_gpus", NULL, SVG_LINEAR},
        {"GPUs on average", "scaling.mean_gpus", NULL, SVG_LINEAR},
        {"prefix hits", "kv.prefix_hit_rate", NULL, SVG_PERCENT},
        {"preemptions", "kv.preemptions", NULL, SVG_LINEAR},
    };

    fputs("<dl class=\"figures\">\n", v->out);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        write_figure(v, &all[i]);
    fputs("</dl>\n", v->out);
}

void run_page_figures(const struct run_view *v)
{
    write_verdict(v);
    write_figures(v);
    for (size_t i = 0;; i++) {
        const char *note = recorded_note(v->run, i);
        if (!note)
            break;
        page_note(v->out, note);
    }
}
