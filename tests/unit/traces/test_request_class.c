/* Requests of one endpoint among several classes: each is served once. */
#include <criterion/criterion.h>
#include <string.h>

#include "traces/open_load.h"
#include "traces/request_class.h"

static const struct curve_point points[] = {{0, 40}, {50, 40}};

static struct request_source open_all(struct open_load **load)
{
    const struct open_load_config config = {
        .rate_per_s = {2, points}, .isl_tok = {1, 16000}, .osl_tok = {0, 400}, .seed = 3};
    struct diag d;

    diag_init(&d);
    cr_assert_eq(open_load_create(load, &config, &d), ST_OK);
    return open_load_source(*load);
}

#define ANY REQUEST_CLASS_ANY
#define NONE REQUEST_CLASS_NONE

static const struct request_class three[] = {
    {{0, 4000}, {0, 100}, ANY, NONE}, {{0, 9000}, ANY, ANY, NONE}, {ANY, ANY, ANY, NONE}};
static const struct request_classes classes = {3, three};

static bool is_same(const struct trace_request *a, const struct trace_request *b)
{
    return a->arrival_ns == b->arrival_ns && a->isl_tok == b->isl_tok && a->osl_tok == b->osl_tok;
}

Test(request_class, every_request_goes_to_exactly_one)
{
    struct open_load *load[4];
    struct class_filter filter[3];
    struct request_source all = open_all(&load[3]), source[3];
    struct trace_request request, next[3];
    bool more[3];
    size_t n = 0, n_of[3] = {0};
    struct diag d;

    diag_init(&d);
    for (size_t i = 0; i < 3; i++) {
        const struct request_source same = open_all(&load[i]);
        class_filter_init(&filter[i], &same, &classes, i);
        source[i] = class_filter_source(&filter[i]);
        more[i] = request_source_next(&source[i], &next[i], &d) == ST_OK;
    }
    for (; request_source_next(&all, &request, &d) == ST_OK; n++) {
        size_t k = request_class_find(&classes, &request);
        cr_assert(k < 3 && more[k]);
        cr_assert(is_same(&request, &next[k]), "request %zu", n);
        n_of[k]++;
        more[k] = request_source_next(&source[k], &next[k], &d) == ST_OK;
    }
    for (size_t i = 0; i < 3; i++) {
        cr_expect_not(more[i]);
        cr_expect(n_of[i] > 100);
        cr_expect_eq(request_source_progress(&source[i]), 1);
        cr_expect_neq(request_source_digest(&source[i]), request_source_digest(&all));
        open_load_free(load[i]);
    }
    cr_expect_eq(n_of[0] + n_of[1] + n_of[2], n);
    open_load_free(load[3]);
}

Test(request_class, one_class_of_all_is_the_stream_itself)
{
    struct open_load *load[2];
    const struct request_source all = open_all(&load[0]), same = open_all(&load[1]);
    const struct request_classes whole = {1, &three[2]};
    struct class_filter filter;
    struct trace_request request;
    struct diag d;

    diag_init(&d);
    class_filter_init(&filter, &same, &whole, 0);
    const struct request_source source = class_filter_source(&filter);
    while (request_source_next(&all, &request, &d) == ST_OK)
        cr_assert_eq(request_source_next(&source, &request, &d), ST_OK);
    cr_expect_eq(request_source_next(&source, &request, &d), ST_END);
    cr_expect_eq(request_source_digest(&source), request_source_digest(&all));
    open_load_free(load[0]);
    open_load_free(load[1]);
}

Test(request_class, a_request_of_none_is_named)
{
    struct open_load *load;
    const struct request_source all = open_all(&load);
    const struct request_classes narrow = {2, three};
    struct class_filter filter;
    struct trace_request request;
    struct diag d;

    diag_init(&d);
    class_filter_init(&filter, &all, &narrow, 0);
    const struct request_source source = class_filter_source(&filter);
    enum status s = ST_OK;
    while (!s)
        s = request_source_next(&source, &request, &d);
    cr_expect_eq(s, ST_INPUT);
    cr_expect(strstr(d.text, "is for no deployment; expected one whose `serves` it fits"), "%s",
              d.text);
    open_load_free(load);
}

Test(request_class, one_hides_another_whose_requests_are_all_its_own)
{
    struct request_class ruled = three[0];

    cr_expect(request_class_hides(&three[2], &three[0]));
    cr_expect(request_class_hides(&three[1], &three[0]));
    cr_expect(request_class_hides(&three[1], &three[1]));
    cr_expect_not(request_class_hides(&three[0], &three[1]));
    ruled.also_priority[0] = ruled.also_priority[1] = 2;
    cr_expect_not(request_class_hides(&three[2], &ruled));
}

Test(request_class, a_priority_goes_before_all_lengths)
{
    const struct request_class of[] = {three[0], {{9, 9}, ANY, {0, 3}, {7, 8}}};
    const struct request_classes two = {2, of};

    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 5}), 0);
    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 5, .priority = 7}), 1);
    cr_expect_eq(request_class_find(&two, &(struct trace_request){.isl_tok = 9, .osl_tok = 101}),
                 1);
    cr_expect_eq(request_class_find(
                     &two, &(struct trace_request){.isl_tok = 9, .osl_tok = 101, .priority = 4}),
                 2);
}
