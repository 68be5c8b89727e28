#include "engines/profile/profile_gpus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/bug.h"

enum { MAX_CLAIMS = GPUS_MAX_SAID + 4, MAX_GPUS = 4096 };

/* How far from the truth the figure that a throughput gives may lie: the first is computed; the
 * second is measured together with what is not decoding, which makes it too large, but not twice
 * as large at every point. */
static const double prefill_off = 0.1, decode_below = 0.1, decode_above = 0.9;

/* The worker has `gpus`, within the shares, or that times the data-parallel ranks. */
struct claim {
    const char *who;
    double gpus, below, above;
    bool by_rank;
};

struct claims {
    size_t n;
    struct claim claim[MAX_CLAIMS];
    double ranks;
};

static void add(struct claims *c, struct claim claim)
{
    BUG_IF(c->n == MAX_CLAIMS);
    if (claim.gpus > 0)
        c->claim[c->n++] = claim;
}

static bool within(const struct claim *c, double factor, double gpus)
{
    double ratio = c->gpus * factor / gpus;
    return ratio >= 1 - c->below - 1e-9 && ratio <= 1 + c->above + 1e-9;
}

static bool agrees(const struct claims *c, const struct claim *claim, double gpus)
{
    return within(claim, 1, gpus) || (claim->by_rank && within(claim, c->ranks, gpus));
}

static bool all_agree(const struct claims *c, double gpus)
{
    for (size_t i = 0; i < c->n; i++)
        if (!agrees(c, &c->claim[i], gpus))
            return false;
    return true;
}

/* No number above it agrees with all. */
static int64_t most(const struct claims *c)
{
    double gpus = MAX_GPUS;
    for (size_t i = 0; i < c->n; i++)
        gpus = fmin(gpus, c->claim[i].gpus * c->ranks / (1 - c->claim[i].below) + 1);
    return (int64_t)gpus;
}

static struct claim decode_claim(const struct profile *p)
{
    return (struct claim){.who = "z_thpt_per_gpu of the profile (sequences / ITL over it)",
                          .gpus = p->decode_gpus,
                          .below = decode_below,
                          .above = decode_above,
                          .by_rank = true};
}

static struct claim prefill_claim(const struct profile *p)
{
    return (struct claim){.who = "prefill_thpt_per_gpu of the profile (ISL / TTFT over it)",
                          .gpus = p->prefill_gpus,
                          .below = prefill_off,
                          .above = prefill_off,
                          .by_rank = true};
}

static void collect(struct claims *c, const struct profile *p, const struct gpus_said *said)
{
    /* A profile of ranks may be run as one engine; it still is of as many GPUs. */
    int64_t ranks = p->dp > 1 ? p->dp : said->ranks, tp = p->tp ? p->tp : said->tp;

    c->ranks = ranks > 1 ? (double)ranks : 1;
    for (size_t i = 0; i < GPUS_MAX_SAID; i++)
        add(c, (struct claim){.who = said->key[i].name, .gpus = (double)said->key[i].gpus});
    add(c, (struct claim){.who = said->tp && said->tp_name ? said->tp_name : "tp of the profile",
                          .gpus = (double)tp * (double)(p->pp > 1 ? p->pp : 1),
                          .by_rank = true});
    add(c, (struct claim){.who = "gpu_count of the profile", .gpus = (double)p->gpu_count});
    add(c, decode_claim(p));
    struct claim prefill = prefill_claim(p);
    bool counts = !said->decodes_only;
    for (int64_t gpus = 1, last = most(c); gpus <= last && !counts; gpus++)
        counts = agrees(c, &prefill, (double)gpus) && all_agree(c, (double)gpus);
    if (counts)
        add(c, prefill);
}

/* "A says 2, B says 4" */
static void list(const struct claims *c, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < c->n && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s says %.3g", i ? ", " : "", c->claim[i].who,
                         c->claim[i].gpus);
        used += n < 0 ? 0 : (size_t)n;
    }
}

/* The number all agree on that is closest to what they say: a tolerance may allow two. 0 = none. */
static int64_t agreed(const struct claims *c)
{
    double best = INFINITY;
    int64_t gpus = 0;

    for (int64_t g = 1, last = most(c); g <= last; g++) {
        double off = 0;
        for (size_t i = 0; i < c->n; i++)
            off = fmax(off, fabs(c->claim[i].gpus / (double)g - 1));
        if (off < best && all_agree(c, (double)g)) {
            best = off;
            gpus = g;
        }
    }
    return gpus;
}

enum status profile_gpus(int64_t *gpus, const struct profile *profile, const struct gpus_said *said,
                         struct diag *d)
{
    struct claims c = {.n = 0};
    char text[DIAG_TEXT_SIZE / 2];

    collect(&c, profile, said);
    *gpus = c.n ? agreed(&c) : 1;
    list(&c, text, sizeof text);
    if (*gpus == 0)
        return diag_fail(d, ST_INPUT,
                         "%s; all must be the same whole number, so correct the wrong one", text);
    /* Without tolerances, so that only the ranks can be what two numbers are for. */
    for (int64_t g = 1; c.ranks > 1 && g <= MAX_GPUS; g++)
        if ((g == *gpus * (int64_t)c.ranks || g * (int64_t)c.ranks == *gpus) &&
            all_agree(&c, (double)g))
            return diag_fail(d, ST_INPUT,
                             "%s; with %g data-parallel ranks that may be %" PRId64 " or %" PRId64
                             ": set gpus_per_worker",
                             text, c.ranks, g < *gpus ? g : *gpus, g < *gpus ? *gpus : g);
    return ST_OK;
}

bool profile_halves_agree(const struct profile *p)
{
    struct claims c = {.ranks = p->dp > 1 ? (double)p->dp : 1};

    add(&c, decode_claim(p));
    add(&c, prefill_claim(p));
    return agreed(&c) > 0;
}
