#include "traces/request_class.h"

#include "util/bug.h"
#include "util/units.h"

static bool is_within(const int64_t range[2], int64_t value)
{
    return range[0] <= value && value <= range[1];
}

static bool range_holds(const int64_t outer[2], const int64_t inner[2])
{
    return is_within(outer, inner[0]) && is_within(outer, inner[1]);
}

bool request_class_hides(const struct request_class *first, const struct request_class *later)
{
    return later->also_priority[0] > later->also_priority[1] &&
           range_holds(first->isl_tok, later->isl_tok) &&
           range_holds(first->osl_tok, later->osl_tok) &&
           range_holds(first->priority, later->priority);
}

static bool fits(const struct request_class *c, const struct trace_request *request)
{
    return is_within(c->isl_tok, request->isl_tok) && is_within(c->osl_tok, request->osl_tok) &&
           is_within(c->priority, request->priority);
}

size_t request_class_find(const struct request_classes *classes,
                          const struct trace_request *request)
{
    for (size_t i = 0; i < classes->n; i++) {
        if (is_within(classes->of[i].also_priority, request->priority))
            return i;
    }
    for (size_t i = 0; i < classes->n; i++) {
        if (fits(&classes->of[i], request))
            return i;
    }
    return classes->n;
}

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct class_filter *f = state;

    for (;;) {
        enum status s = request_source_next(&f->all, request, d);
        if (s)
            return s;
        f->n_seen++;
        size_t found = request_class_find(f->classes, request);
        if (found == f->classes->n)
            return diag_fail(d, ST_INPUT,
                             "request %llu, at %.9g s (isl_tok %u, osl_tok %u, priority %u), is "
                             "for no deployment; expected one whose `serves` it fits",
                             (unsigned long long)f->n_seen, s_from_ns(request->arrival_ns),
                             request->isl_tok, request->osl_tok, request->priority);
        if (found == f->own) {
            f->digest = request_digest_add(f->digest, request);
            return ST_OK;
        }
    }
}

static double progress(const void *state)
{
    return request_source_progress(&((const struct class_filter *)state)->all);
}

static uint64_t digest(const void *state)
{
    return ((const struct class_filter *)state)->digest;
}

void class_filter_init(struct class_filter *filter, const struct request_source *all,
                       const struct request_classes *classes, size_t own)
{
    BUG_IF(all->ops->done || own >= classes->n);
    *filter = (struct class_filter){
        .all = *all, .classes = classes, .own = own, .digest = request_digest_begin()};
}

struct request_source class_filter_source(struct class_filter *filter)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, filter};
}
