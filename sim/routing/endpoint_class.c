#include "sim/routing/endpoint_class.h"

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

static enum status choose(const void *state, const struct endpoint_view *view,
                          const struct trace_request *request, struct endpoint_choice *to,
                          struct diag *d)
{
    const struct request_classes *classes = state;
    size_t found = request_class_find(classes, request);

    if (found == classes->n)
        return diag_fail(d, ST_INPUT,
                         "request %llu, at %.9g s (isl_tok %u, osl_tok %u, priority %u), is for no "
                         "deployment; expected one whose `serves` it fits",
                         (unsigned long long)view->number, s_from_ns(request->arrival_ns),
                         request->isl_tok, request->osl_tok, request->priority);
    *to = (struct endpoint_choice){found, found, 0};
    return ST_OK;
}

const struct endpoint_ops endpoint_class = {
    .name = "class",
    .summary = "the first deployment whose `serves` it fits, in their order",
    .choose = choose,
};
