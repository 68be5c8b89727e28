#include "traces/traffic.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/pcg.h"
#include "util/units.h"

/* Rows in a row of the table that keep their distances. */
struct piece {
    uint64_t first, end; /* never empty */
    int64_t offset_ns;   /* from a row's arrival to its place in the part */
    uint64_t block;      /* that drew it, from 1 on; 0 = it stands where it was recorded */
};

struct copy {
    uint64_t row, n_left; /* the request that comes next */
    size_t piece;
    int64_t shift_ns; /* from its place in the part to its arrival */
    uint64_t salt;
};

struct traffic {
    const struct trace_table *table;
    struct traffic_config config;
    int64_t length_ns;
    uint64_t n_in_part;
    struct piece *pieces;
    size_t n_pieces, pieces_capacity;
    uint64_t n_resampled; /* requests of all pieces */
    struct copy *copies;
    int64_t *arrival_ns; /* of each copy's next; INT64_MAX = none */
    /* A tournament: leaf n_copies + i is copy i, above two nodes stands the one that comes first.
     */
    uint32_t *winner;
    uint32_t n_copies;
    double kept; /* of the last copy's requests, as a share */
    struct pcg64 thinning;
    uint64_t *ids; /* of the request delivered last, where they are not those of the table */
    uint64_t n_delivered, n_expected, digest;
};

static int64_t arrival_of(const struct traffic *t, uint64_t row)
{
    return trace_table_arrival_ns(t->table, row, t->config.speedup);
}

/* The first row of [low, high) that arrives at at_ns or later; high when none does. */
static uint64_t first_from(const struct traffic *t, uint64_t low, uint64_t high, int64_t at_ns)
{
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (arrival_of(t, middle) < at_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- the part, and its pieces ---- */

static enum status find_part(struct traffic *t, uint64_t *first, uint64_t *end, struct diag *d)
{
    const struct traffic_config *c = &t->config;
    uint64_t n_rows = trace_table_n_requests(t->table), n = n_rows;

    if (c->limit && c->limit < n)
        n = c->limit;
    *first = first_from(t, 0, n, c->from_ns);
    *end = first_from(t, *first, n, c->to_ns);
    if (*end == n_rows && n_rows != c->limit) {
        enum status s = trace_table_end(t->table, d);
        if (s != ST_END)
            return s;
    }
    if (*end < n && c->to_ns == TIME_NEVER)
        return diag_fail(d, ST_INPUT,
                         "request %" PRIu64 " of the trace arrives more than 73 years after the "
                         "first",
                         *end);
    t->n_in_part = *end - *first;
    if (t->n_in_part == 0)
        return ST_OK;
    /* Beyond the last request of all the trace says nothing. */
    int64_t end_ns = *end < n ? c->to_ns : arrival_of(t, *end - 1) + 1;
    t->length_ns = end_ns - c->from_ns;
    return ST_OK;
}

static enum status add_piece(struct traffic *t, struct piece piece, struct diag *d)
{
    if (piece.first == piece.end)
        return ST_OK;
    enum status s =
        ARRAY_RESERVE(t->pieces, t->n_pieces, t->pieces_capacity, 1, "resampled trace", d);
    if (s)
        return s;
    t->pieces[t->n_pieces++] = piece;
    t->n_resampled += piece.end - piece.first;
    return ST_OK;
}

/* Uniform within +-most_ns, on a ring of length_ns: 0 to length_ns - 1. */
static int64_t draw_on_ring(struct pcg64 *rng, int64_t most_ns, int64_t length_ns)
{
    if (most_ns > length_ns / 2)
        most_ns = length_ns / 2;
    int64_t x = (int64_t)pcg64_below(rng, 2 * (uint64_t)most_ns + 1) - most_ns;
    return x < 0 ? x + length_ns : x % length_ns;
}

/* What was recorded in [from, to) of the part, shown from at_ns of the part on. */
static enum status show(struct traffic *t, uint64_t first, uint64_t end, int64_t from_ns,
                        int64_t to_ns, int64_t at_ns, uint64_t block, struct diag *d)
{
    int64_t origin_ns = t->config.from_ns;
    uint64_t a = first_from(t, first, end, origin_ns + from_ns);
    uint64_t b = first_from(t, a, end, origin_ns + to_ns);

    return add_piece(t, (struct piece){a, b, at_ns - from_ns - origin_ns, block}, d);
}

static enum status resample(struct traffic *t, uint64_t first, uint64_t end, struct diag *d)
{
    int64_t length_ns = t->length_ns, size_ns = t->config.block_ns;
    struct pcg64 rng;
    uint64_t block = 0;
    enum status s = ST_OK;

    pcg64_stream(&rng, t->config.seed, "trace blocks", 0);
    for (int64_t at_ns = 0; at_ns < length_ns && !s; at_ns += size_ns) {
        int64_t left_ns = length_ns - at_ns < size_ns ? length_ns - at_ns : size_ns;
        int64_t from_ns = at_ns + draw_on_ring(&rng, t->config.within_ns, length_ns);
        from_ns %= length_ns;
        int64_t to_end_ns = length_ns - from_ns < left_ns ? length_ns - from_ns : left_ns;
        block++;
        s = show(t, first, end, from_ns, from_ns + to_end_ns, at_ns, block, d);
        if (!s && to_end_ns < left_ns)
            s = show(t, first, end, 0, left_ns - to_end_ns, at_ns + to_end_ns, block, d);
    }
    return s;
}

static enum status make_pieces(struct traffic *t, struct diag *d)
{
    uint64_t first, end;

    enum status s = find_part(t, &first, &end, d);
    if (s)
        return s;
    if (t->config.resampled)
        return resample(t, first, end, d);
    return add_piece(t, (struct piece){first, end, -t->config.from_ns, 0}, d);
}

/* ---- one copy ---- */

static bool is_thinned(const struct traffic *t, uint32_t index)
{
    return index + 1 == t->n_copies && t->kept < 1;
}

static void set_arrival(struct traffic *t, uint32_t index)
{
    const struct copy *c = &t->copies[index];

    t->arrival_ns[index] =
        c->n_left == 0 ? INT64_MAX
                       : arrival_of(t, c->row) + t->pieces[c->piece].offset_ns + c->shift_ns;
}

/* The end of the part is followed by its start. */
static void step(const struct traffic *t, struct copy *c)
{
    c->n_left--;
    if (++c->row < t->pieces[c->piece].end)
        return;
    if (++c->piece == t->n_pieces) {
        c->piece = 0;
        c->shift_ns += t->length_ns;
    }
    c->row = t->pieces[c->piece].first;
}

static void skip_dropped(struct traffic *t, uint32_t index)
{
    struct copy *c = &t->copies[index];

    while (is_thinned(t, index) && c->n_left > 0 && pcg64_double(&t->thinning) >= t->kept)
        step(t, c);
}

/* The last piece that begins with a row at or before at_ns of the part; piece 0 if none does. */
static size_t piece_at(const struct traffic *t, int64_t at_ns)
{
    size_t low = 0, high = t->n_pieces;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct piece *p = &t->pieces[middle];
        if (arrival_of(t, p->first) + p->offset_ns <= at_ns)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* One-to-one in each of them. */
static uint64_t mix(uint64_t id, uint64_t salt)
{
    id = (id ^ salt) * UINT64_C(0xD6E8FEB86659FD93);
    return id ^ id >> 32;
}

/* What is shifted by so much begins with what would stand behind the end. */
static void start_copy(struct traffic *t, uint32_t index)
{
    struct copy *c = &t->copies[index];
    struct pcg64 rng;

    *c = (struct copy){.n_left = t->n_resampled, .salt = mix(index, UINT64_C(0xA0761D6478BD642F))};
    if (t->n_pieces == 0) {
        set_arrival(t, index);
        return;
    }
    c->row = t->pieces[0].first;
    if (index > 0) {
        pcg64_stream(&rng, t->config.seed, "trace shift", index);
        c->shift_ns = draw_on_ring(&rng, t->config.shift_ns, t->length_ns);
    }
    if (c->shift_ns > 0) {
        int64_t at_ns = t->length_ns - c->shift_ns;
        c->piece = piece_at(t, at_ns);
        const struct piece *p = &t->pieces[c->piece];
        c->row = first_from(t, p->first, p->end, at_ns - p->offset_ns);
        c->shift_ns -= t->length_ns;
        if (c->row == p->end) { /* between two pieces, or behind the last */
            c->n_left++;
            c->row--;
            step(t, c);
        }
    }
    if (is_thinned(t, index))
        pcg64_stream(&t->thinning, t->config.seed, "trace thinning", index);
    skip_dropped(t, index);
    set_arrival(t, index);
}

/* ---- all copies ---- */

static uint32_t earlier(const struct traffic *t, uint32_t a, uint32_t b)
{
    if (t->arrival_ns[a] != t->arrival_ns[b])
        return t->arrival_ns[a] < t->arrival_ns[b] ? a : b;
    return a < b ? a : b;
}

static enum status start_copies(struct traffic *t, struct diag *d)
{
    uint32_t n = (uint32_t)ceil(t->config.scale);
    double fraction = t->config.scale - floor(t->config.scale);

    t->n_copies = n;
    t->kept = fraction > 0 ? fraction : 1;
    t->n_expected = (uint64_t)((double)t->n_resampled * t->config.scale);
    t->copies = calloc(n, sizeof *t->copies);
    t->arrival_ns = calloc(n, sizeof *t->arrival_ns);
    t->winner = calloc(2 * (size_t)n, sizeof *t->winner);
    t->ids = calloc(trace_table_max_blocks(t->table) + 1, sizeof *t->ids);
    if (!t->copies || !t->arrival_ns || !t->winner || !t->ids)
        return diag_nomem(d, "copies of a trace");
    for (uint32_t i = 0; i < n; i++) {
        start_copy(t, i);
        t->winner[n + i] = i;
    }
    for (uint32_t node = n - 1; node > 0; node--)
        t->winner[node] = earlier(t, t->winner[2 * (size_t)node], t->winner[2 * (size_t)node + 1]);
    return ST_OK;
}

static void advance(struct traffic *t, uint32_t index)
{
    step(t, &t->copies[index]);
    skip_dropped(t, index);
    set_arrival(t, index);
    for (size_t node = ((size_t)t->n_copies + index) / 2; node > 0; node /= 2)
        t->winner[node] = earlier(t, t->winner[2 * node], t->winner[2 * node + 1]);
}

static void rename_ids(struct traffic *t, const struct copy *c, uint32_t index,
                       struct trace_request *request)
{
    const struct piece *p = &t->pieces[c->piece];
    uint32_t n = request->n_blocks,
             n_shared = p->block ? trace_table_n_shared(t->table, c->row) : n;

    if (n == 0 || (index == 0 && n_shared == n))
        return;
    uint64_t block_salt = mix(p->block, UINT64_C(0xE7037ED1A0B428DB));
    for (uint32_t i = 0; i < n; i++) {
        uint64_t id = request->block_ids[i];
        if (i >= n_shared)
            id = mix(id, block_salt);
        t->ids[i] = index > 0 ? mix(id, c->salt) : id;
    }
    request->block_ids = t->ids;
}

/* ---- the source ---- */

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct traffic *t = state;
    uint32_t index = t->winner[1];
    struct copy *c = &t->copies[index];

    (void)d;
    if (c->n_left == 0)
        return ST_END;
    *request = trace_table_request(t->table, c->row);
    request->arrival_ns = t->arrival_ns[index];
    rename_ids(t, c, index, request);
    t->n_delivered++;
    t->digest = request_digest_add(t->digest, request);
    advance(t, index);
    return ST_OK;
}

static double progress(const void *state)
{
    const struct traffic *t = state;

    if (traffic_is_empty(t))
        return 1;
    return fmin(1, (double)t->n_delivered / (double)(t->n_expected ? t->n_expected : 1));
}

static uint64_t digest(const void *state)
{
    const struct traffic *t = state;

    return t->digest;
}

struct request_source traffic_source(struct traffic *traffic)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, traffic};
}

enum status traffic_create(struct traffic **traffic, const struct trace_table *table,
                           const struct traffic_config *config, struct diag *d)
{
    struct traffic *t = calloc(1, sizeof *t);

    BUG_IF(!(config->speedup > 0) || config->from_ns < 0 || config->to_ns <= config->from_ns);
    BUG_IF(!(config->scale > 0) || config->scale > TRAFFIC_SCALE_MAX || config->shift_ns < 0);
    BUG_IF(config->resampled && (config->block_ns <= 0 || config->within_ns < 0));
    *traffic = NULL;
    if (!t)
        return diag_nomem(d, "traffic");
    t->table = table;
    t->config = *config;
    t->digest = request_digest_begin();
    enum status s = make_pieces(t, d);
    if (!s)
        s = start_copies(t, d);
    if (s)
        traffic_free(t);
    else
        *traffic = t;
    return s;
}

void traffic_free(struct traffic *t)
{
    if (!t)
        return;
    free(t->pieces);
    free(t->copies);
    free(t->arrival_ns);
    free(t->winner);
    free(t->ids);
    free(t);
}

uint64_t traffic_n_in_part(const struct traffic *t)
{
    return t->n_in_part;
}

bool traffic_is_empty(const struct traffic *t)
{
    return t->copies[t->winner[1]].n_left == 0;
}
