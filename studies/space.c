#include "studies/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/keys/lookup.h"
#include "util/json_out.h"
#include "util/pcg.h"
#include "util/text.h"

/* ---- from text ---- */

struct parser {
    struct arena *arena;
    struct source_pos at; /* "--vary KEY=SPEC" */
    struct knob *knob;
    struct diag *d;
};

struct slice {
    const char *text;
    size_t n;
};

#define FAIL(p, ...) diag_fail_at((p)->d, ST_INPUT, (p)->at, __VA_ARGS__)

static struct slice trim(struct slice s)
{
    while (s.n && s.text[0] == ' ')
        s.text++, s.n--;
    while (s.n && s.text[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* Up to the next comma that is in no brackets and no quotes. */
static struct slice take_item(const char **at)
{
    struct slice s = {*at, 0};
    int depth = 0;
    char quote = '\0';

    for (; s.text[s.n] && (s.text[s.n] != ',' || depth > 0 || quote); s.n++) {
        char c = s.text[s.n];
        if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '[' || c == '{')
            depth++;
        else if (c == ']' || c == '}')
            depth--;
    }
    *at = s.text + s.n;
    return trim(s);
}

static enum status check_value(const struct parser *p, const char *value)
{
    return scenario_key_check(p->knob->def, p->knob->key, value, p->at, p->arena, p->d);
}

/* Low and high of texts that are all numbers; else the knob has none. */
static void measure_values(struct knob *knob)
{
    double value = NAN;

    knob->low = INFINITY;
    knob->high = -INFINITY;
    knob->number = true;
    for (size_t i = 0; i < knob->n && knob->number; i++) {
        knob->number = text_double(knob->values[i], strlen(knob->values[i]), &value) == TEXT_OK;
        knob->low = fmin(knob->low, value);
        knob->high = fmax(knob->high, value);
    }
    if (!knob->number)
        knob->low = knob->high = NAN;
}

static enum status parse_list(const struct parser *p)
{
    struct knob *knob = p->knob;
    size_t room = 1;

    for (const char *c = knob->spec; *c; c++)
        room += *c == ',';
    const char **values = ARENA_NEW(p->arena, room, const char *);
    if (!values)
        return diag_nomem(p->d, "values");
    for (const char *at = knob->spec;; at++) {
        struct slice item = take_item(&at);
        if (!item.n)
            return FAIL(p, *knob->spec ? "a value is missing; expected a,b,c"
                                       : "no value; expected a,b,c, LO..HI:STEP or LO..HI:log:N");
        const char *value = arena_strndup(p->arena, item.text, item.n);
        if (!value)
            return diag_nomem(p->d, "values");
        enum status s = check_value(p, value);
        if (s)
            return s;
        for (size_t i = 0; i < knob->n; i++) {
            if (strcmp(values[i], value) == 0)
                return FAIL(p, "the value '%s' is there twice", value);
        }
        values[knob->n++] = value;
        if (!*at)
            break;
    }
    knob->kind = KNOB_LIST;
    knob->values = values;
    measure_values(knob);
    return ST_OK;
}

/* A range taken apart; what is not there has no text. */
struct range {
    struct slice low, high, step, n;
    bool log;
};

static bool is_number(struct slice s)
{
    double value;

    return text_double(s.text, s.n, &value) == TEXT_OK;
}

/* Is it a range? Two dots in the value of a text need not be. */
static bool split_range(struct range *r, const struct knob *knob)
{
    const char *spec = knob->spec;
    const char *dots = strstr(spec, "..");

    *r = (struct range){0};
    if (!dots)
        return false;
    r->low = trim((struct slice){spec, (size_t)(dots - spec)});
    const char *high = dots + 2;
    r->high = trim((struct slice){high, strcspn(high, ":")});
    if (!scenario_key_is_number(knob->def) && !(is_number(r->low) && is_number(r->high)))
        return false;
    const char *colon = high + strcspn(high, ":");
    if (!*colon)
        return true;
    struct slice rest = {colon + 1, strlen(colon + 1)};
    r->log = strncmp(rest.text, "log", 3) == 0 && (rest.n == 3 || rest.text[3] == ':');
    if (!r->log)
        r->step = trim(rest);
    else if (rest.n > 3)
        r->n = trim((struct slice){rest.text + 4, rest.n - 4});
    return true;
}

/* Decimals that a number is written with, so that times 10 to this it is an integer. */
static int64_t decimals_of(struct slice s)
{
    int64_t decimals = 0, exponent = 0;
    size_t e = 0;

    while (e < s.n && s.text[e] != 'e' && s.text[e] != 'E')
        e++;
    const char *point = memchr(s.text, '.', e);
    if (point)
        decimals = s.text + e - (point + 1);
    if (e < s.n)
        (void)text_int64(s.text + e + 1, s.n - e - 1, &exponent);
    return decimals - exponent > 0 ? decimals - exponent : 0;
}

/* value / 10^decimals, without zeros at the end. */
static const char *fixed_text(struct arena *arena, int64_t value, int decimals)
{
    char digits[24];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    while (decimals > 0 && magnitude % 10 == 0)
        magnitude /= 10, decimals--;
    int n = snprintf(digits, sizeof digits, "%0*" PRIu64, decimals + 1, magnitude);
    int whole = n - decimals;
    return arena_printf(arena, "%s%.*s%s%s", value < 0 ? "-" : "", whole, digits,
                        decimals ? "." : "", digits + whole);
}

static enum status too_many(const struct parser *p)
{
    return FAIL(p, "more than %d values", (int)SPACE_MAX_VALUES);
}

static enum status grid_linear(const struct parser *p, const struct range *r)
{
    enum { MAX_DECIMALS = 15 };
    struct knob *knob = p->knob;
    int64_t low, high, step, decimals = decimals_of(r->step);

    if (!is_number(r->step))
        return FAIL(p, "the step '%.*s' is not a number; expected LO..HI:STEP or LO..HI:log:N",
                    (int)r->step.n, r->step.text);
    decimals = decimals_of(r->low) > decimals ? decimals_of(r->low) : decimals;
    decimals = decimals_of(r->high) > decimals ? decimals_of(r->high) : decimals;
    if (decimals > MAX_DECIMALS ||
        text_fixed(r->low.text, r->low.n, (int)decimals, &low) != TEXT_OK ||
        text_fixed(r->high.text, r->high.n, (int)decimals, &high) != TEXT_OK ||
        text_fixed(r->step.text, r->step.n, (int)decimals, &step) != TEXT_OK ||
        high > INT64_MAX / 2 || low < -(INT64_MAX / 2))
        return FAIL(p, "too many digits for a step");
    if (step <= 0)
        return FAIL(p, "the step must be > 0, not %.*s", (int)r->step.n, r->step.text);
    if (knob->integer && step % (int64_t)pow(10, (double)decimals) != 0)
        return FAIL(p, "%s is an integer, and so must be its step, not %.*s", knob->key,
                    (int)r->step.n, r->step.text);
    uint64_t n = (uint64_t)(high - low) / (uint64_t)step + 1;
    if (n > SPACE_MAX_VALUES)
        return too_many(p);
    const char **values = ARENA_NEW(p->arena, n, const char *);
    for (size_t i = 0; values && i < n; i++) {
        values[i] = fixed_text(p->arena, low + (int64_t)i * step, (int)decimals);
        if (!values[i])
            return diag_nomem(p->d, "values");
    }
    knob->values = values;
    knob->n = n;
    return values ? ST_OK : diag_nomem(p->d, "values");
}

/* Significant digits that tell a hundred thousand places apart where the ends differ by so much,
 * relative to them. */
static int digits_for(double relative)
{
    enum { MIN_DIGITS = 6, MAX_DIGITS = 17 };
    double more = relative < 1 ? floor(-log10(relative)) : 0;

    return more < MAX_DIGITS - MIN_DIGITS ? MIN_DIGITS + (int)more : MAX_DIGITS;
}

static const char *integer_text(struct arena *arena, double value)
{
    return arena_printf(arena, "%.0f", value);
}

/* Rounded, within the ends, as the shortest text that reads back equal. */
static const char *number_text(const struct knob *knob, double value, struct arena *arena)
{
    double largest = fmax(fabs(knob->low), fabs(knob->high));
    double relative = knob->kind == KNOB_LOG ? log(knob->high / knob->low)
                      : largest > 0          ? (knob->high - knob->low) / largest
                                             : 1;
    char text[JSON_NUMBER_SIZE];

    snprintf(text, sizeof text, "%.*g", digits_for(relative), value);
    value = fmin(fmax(strtod(text, NULL), knob->low), knob->high);
    json_format_double(text, value);
    return arena_strdup(arena, text);
}

static enum status grid_log(const struct parser *p, const struct range *r)
{
    struct knob *knob = p->knob;
    int64_t n;

    if (text_int64(r->n.text, r->n.n, &n) != TEXT_OK || n < 2)
        return FAIL(p,
                    "the number of values must be an integer >= 2, not '%.*s'; expected "
                    "LO..HI:log:N",
                    (int)r->n.n, r->n.text);
    if (n > SPACE_MAX_VALUES)
        return too_many(p);
    const char **values = ARENA_NEW(p->arena, (size_t)n, const char *);
    for (int64_t i = 0; values && i < n; i++) {
        double ratio = log(knob->high / knob->low);
        double value = i == 0       ? knob->low
                       : i == n - 1 ? knob->high
                                    : knob->low * exp(ratio * (double)i / (double)(n - 1));
        const char *text = knob->integer ? integer_text(p->arena, round(value))
                                         : number_text(knob, value, p->arena);
        if (!text)
            return diag_nomem(p->d, "values");
        if (!knob->n || strcmp(values[knob->n - 1], text) != 0)
            values[knob->n++] = text;
    }
    knob->values = values;
    return values ? ST_OK : diag_nomem(p->d, "values");
}

static enum status read_end(const struct parser *p, struct slice end, double *value)
{
    const char *text = arena_strndup(p->arena, end.text, end.n);

    if (!text)
        return diag_nomem(p->d, "range");
    if (text_double(end.text, end.n, value) != TEXT_OK)
        return FAIL(p, "'%s' is not a number; expected LO..HI:STEP or LO..HI:log:N", text);
    return check_value(p, text);
}

static enum status parse_range(const struct parser *p, const struct range *r)
{
    struct knob *knob = p->knob;

    if (!scenario_key_is_number(knob->def))
        return FAIL(p, "%s takes no range; expected a list a,b,c", knob->key);
    knob->kind = r->log ? KNOB_LOG : KNOB_LINEAR;
    knob->integer = scenario_key_is_integer(knob->def);
    knob->number = true;
    enum status s = read_end(p, r->low, &knob->low);
    if (!s)
        s = read_end(p, r->high, &knob->high);
    if (s)
        return s;
    if (!(knob->low < knob->high))
        return FAIL(p,
                    knob->low > knob->high ? "the range is reversed: %.*s is above %.*s"
                                           : "the range is empty: both ends are %.*s",
                    (int)r->low.n, r->low.text, (int)r->high.n, r->high.text);
    if (r->log && !(knob->low > 0))
        return FAIL(p, "a range by logarithm must be above 0, not from %.*s", (int)r->low.n,
                    r->low.text);
    if (r->step.text)
        return grid_linear(p, r);
    return r->n.text ? grid_log(p, r) : ST_OK;
}

static enum status parse_knob(struct parser *p, const struct policy_ops *policy, const char *text)
{
    const char *equals = strchr(text, '=');
    struct range range;

    p->at.file = arena_printf(p->arena, "--vary %s", text);
    if (!p->at.file)
        return diag_nomem(p->d, "knobs");
    if (!equals || equals == text)
        return FAIL(p, "expected KEY=a,b,c, KEY=LO..HI:STEP or KEY=LO..HI:log:N");
    p->knob->key = arena_strndup(p->arena, text, (size_t)(equals - text));
    p->knob->spec = equals + 1;
    if (!p->knob->key)
        return diag_nomem(p->d, "knobs");
    enum status s = scenario_key_lookup(&p->knob->def, policy, p->knob->key, p->at, p->d);
    if (s)
        return s;
    p->knob->unit = p->knob->def->unit;
    return split_range(&range, p->knob) ? parse_range(p, &range) : parse_list(p);
}

enum status space_parse(struct space *space, struct arena *arena, const struct policy_ops *policy,
                        const char *const *texts, size_t n, struct diag *d)
{
    enum status s = ST_OK;

    *space = (struct space){n, ARENA_NEW(arena, n, struct knob)};
    if (!space->knobs)
        return diag_nomem(d, "knobs");
    for (size_t i = 0; i < n && !s; i++) {
        struct parser p = {.arena = arena, .knob = &space->knobs[i], .d = d};
        s = parse_knob(&p, policy, texts[i]);
        for (size_t j = 0; j < i && !s; j++) {
            if (strcmp(space->knobs[j].key, p.knob->key) == 0)
                s = FAIL(&p, "%s is varied twice", p.knob->key);
        }
    }
    return s;
}

/* ---- the grid ---- */

enum status space_grid_size(uint64_t *n, const struct space *space, struct diag *d)
{
    *n = 1;
    for (size_t i = 0; i < space->n; i++) {
        const struct knob *knob = &space->knobs[i];
        if (!knob->n)
            return diag_fail(d, ST_INPUT,
                             "--vary %s=%s: a grid needs a step: LO..HI:STEP or LO..HI:log:N (or "
                             "--sample N)",
                             knob->key, knob->spec);
        if (*n > (uint64_t)INT64_MAX / knob->n)
            return diag_fail(d, ST_INPUT, "the grid has more than 2^63 settings");
        *n *= knob->n;
    }
    return ST_OK;
}

const char *space_grid_text(const struct space *space, uint64_t i, size_t knob)
{
    for (size_t k = space->n - 1; k > knob; k--)
        i /= space->knobs[k].n;
    return space->knobs[knob].values[i % space->knobs[knob].n];
}

/* ---- places ---- */

uint64_t space_n_values(const struct knob *knob)
{
    if (knob->n || !knob->integer)
        return knob->n;
    return (uint64_t)(knob->high - knob->low) + 1;
}

/* An integer of a range by logarithm is what lies between it and the next. */
static double log_width(const struct knob *knob)
{
    return log((knob->high + 1) / knob->low);
}

static bool is_log_integer(const struct knob *knob)
{
    return knob->kind == KNOB_LOG && knob->integer && !knob->n;
}

uint64_t space_index(const struct knob *knob, double u)
{
    double n = (double)space_n_values(knob), index = floor(u * n);

    if (is_log_integer(knob))
        index = floor(knob->low * exp(u * log_width(knob))) - knob->low;
    return (uint64_t)fmin(fmax(index, 0), n - 1);
}

double space_u(const struct knob *knob, uint64_t index)
{
    double i = (double)index;

    if (is_log_integer(knob)) /* the middle of its share, in the logarithm */
        return log(sqrt((knob->low + i) * (knob->low + i + 1)) / knob->low) / log_width(knob);
    return (i + 0.5) / (double)space_n_values(knob);
}

const char *space_value(const struct knob *knob, uint64_t index, struct arena *arena)
{
    return knob->n ? knob->values[index] : integer_text(arena, knob->low + (double)index);
}

const char *space_text(const struct knob *knob, double u, struct arena *arena)
{
    if (space_n_values(knob))
        return space_value(knob, space_index(knob, u), arena);
    double value = knob->kind == KNOB_LOG ? knob->low * exp(u * log(knob->high / knob->low))
                                          : knob->low + u * (knob->high - knob->low);
    return number_text(knob, value, arena);
}

const char *const *space_texts(const struct space *space, const double *u, struct arena *arena)
{
    const char **texts = ARENA_NEW(arena, space->n, const char *);

    for (size_t k = 0; k < space->n && texts; k++) {
        texts[k] = space_text(&space->knobs[k], u[k], arena);
        if (!texts[k])
            return NULL;
    }
    return texts;
}

enum status latin_hypercube(double *u, size_t n, size_t n_dims, uint64_t seed, struct diag *d)
{
    size_t *part = calloc(n + 1, sizeof *part);

    if (!part)
        return diag_nomem(d, "sample");
    for (size_t k = 0; k < n_dims; k++) {
        struct pcg64 rng;
        pcg64_stream(&rng, seed, "sample", k);
        for (size_t i = 0; i < n; i++) { /* the random order grows from the front */
            size_t j = (size_t)pcg64_below(&rng, i + 1);
            part[i] = part[j];
            part[j] = i;
        }
        for (size_t i = 0; i < n; i++)
            u[i * n_dims + k] = ((double)part[i] + pcg64_double(&rng)) / (double)n;
    }
    free(part);
    return ST_OK;
}

enum status space_sample(const double **u, struct arena *arena, const struct space *space, size_t n,
                         uint64_t seed, struct diag *d)
{
    double *to =
        space->n && n > SIZE_MAX / space->n ? NULL : ARENA_NEW(arena, n * space->n, double);

    if (!to)
        return diag_nomem(d, "sample");
    *u = to;
    return latin_hypercube(to, n, space->n, seed, d);
}
