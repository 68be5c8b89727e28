#include "scenarios/keys/expect.h"

#include <math.h>
#include <string.h>

#include "util/bug.h"
#include "util/text.h"

/* Longer ones first: `>` begins `>=`. */
static const struct {
    const char *sign;
    enum expect_op op;
} ops[] = {
    {">=", EXPECT_GE}, {"<=", EXPECT_LE}, {"==", EXPECT_EQ},
    {"!=", EXPECT_NE}, {">", EXPECT_GT},  {"<", EXPECT_LT},
};

static const char *skip_spaces(const char *s)
{
    return s + strspn(s, " \t");
}

enum status expectation_parse(struct expectation *e, struct arena *arena, const char *text,
                              struct source_pos at, struct diag *d)
{
    const char *key = skip_spaces(text);
    size_t n_key = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    const char *sign = skip_spaces(key + n_key);
    size_t i = 0, n_ops = sizeof ops / sizeof ops[0];
    char shown[TEXT_EXCERPT_SIZE];

    while (i < n_ops && strncmp(sign, ops[i].sign, strlen(ops[i].sign)) != 0)
        i++;
    if (n_key > 0 && i < n_ops) {
        const char *number = skip_spaces(sign + strlen(ops[i].sign));
        size_t n = strcspn(number, " \t");
        if (*skip_spaces(number + n) == '\0' && text_double(number, n, &e->bound) == TEXT_OK) {
            e->text = arena_strdup(arena, text);
            e->key = arena_strndup(arena, key, n_key);
            e->op = ops[i].op;
            e->at = at;
            return e->text && e->key ? ST_OK : diag_nomem(d, "expectation");
        }
    }
    return diag_fail_at(d, ST_INPUT, at,
                        "expectation '%s' is not of the form 'KEY OP NUMBER', such as "
                        "'attainment.overall >= 0.9' (OP: >= <= > < == !=)",
                        text_excerpt(shown, text, strlen(text)));
}

bool expectation_holds(const struct expectation *e, double value)
{
    if (isnan(value))
        return false;
    switch (e->op) {
    case EXPECT_GE:
        return value >= e->bound;
    case EXPECT_LE:
        return value <= e->bound;
    case EXPECT_GT:
        return value > e->bound;
    case EXPECT_LT:
        return value < e->bound;
    case EXPECT_EQ:
        return value >= e->bound && value <= e->bound;
    case EXPECT_NE:
        return value < e->bound || value > e->bound;
    }
    BUG("expectation '%s' has no operator", e->text);
}
