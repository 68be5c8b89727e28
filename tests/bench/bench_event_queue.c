/* The simulator's event queue against others, in the hold model: take the earliest event, put one
 * back an exponential time later. All must hand out the same events in the same order. CPU time per
 * event, medians of several turns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/state/event_queue.h"
#include "util/bug.h"
#include "util/pcg.h"

enum { N_TURNS = 7, N_EVENTS = 400000, MAX_PENDING = 65536 };

static int64_t gap_ns[1 << 16]; /* drawn beforehand, so that drawing is not measured */

struct queue_ops {
    const char *name;
    void *(*create)(void);
    void (*push)(void *queue, struct event e);
    struct event (*pop)(void *queue);
    void (*release)(void *queue);
};

static inline uint128 key_of(struct event e)
{
    return (uint128)(uint64_t)e.at_ns << 64 | e.order;
}

/* ---- the simulator's ---- */

static void *ours_create(void)
{
    return calloc(1, sizeof(struct event_queue));
}
static void ours_push(void *queue, struct event e)
{
    struct diag d;
    BUG_IF(event_queue_push(queue, e, &d));
}
static struct event ours_pop(void *queue)
{
    struct event e = event_queue_peek(queue);
    event_queue_pop(queue);
    return e;
}
static void ours_release(void *queue)
{
    event_queue_release(queue);
    free(queue);
}

/* ---- heaps of another arity ---- */

struct heap {
    uint32_t n;
    struct event e[MAX_PENDING];
};

static void *heap_create(void)
{
    return calloc(1, sizeof(struct heap));
}

#define HEAP(name, arity)                                                                          \
    static void name##_push(void *queue, struct event e)                                           \
    {                                                                                              \
        struct heap *h = queue;                                                                    \
        uint32_t hole = h->n++;                                                                    \
        for (; hole > 0 && key_of(h->e[(hole - 1) / (arity)]) > key_of(e);                         \
             hole = (hole - 1) / (arity))                                                          \
            h->e[hole] = h->e[(hole - 1) / (arity)];                                               \
        h->e[hole] = e;                                                                            \
    }                                                                                              \
    static struct event name##_pop(void *queue)                                                    \
    {                                                                                              \
        struct heap *h = queue;                                                                    \
        struct event top = h->e[0], last = h->e[--h->n];                                           \
        uint32_t hole = 0;                                                                         \
        for (uint32_t first = 1; first < h->n; first = (arity)*hole + 1) {                         \
            uint32_t least = first;                                                                \
            for (uint32_t i = first + 1; i < first + (arity) && i < h->n; i++)                     \
                if (key_of(h->e[i]) < key_of(h->e[least]))                                         \
                    least = i;                                                                     \
            if (key_of(h->e[least]) >= key_of(last))                                               \
                break;                                                                             \
            h->e[hole] = h->e[least];                                                              \
            hole = least;                                                                          \
        }                                                                                          \
        h->e[hole] = last;                                                                         \
        return top;                                                                                \
    }
HEAP(heap2, 2)
HEAP(heap8, 8)

/* ---- an array in order, latest first ---- */

static void sorted_push(void *queue, struct event e)
{
    struct heap *h = queue;
    uint32_t low = 0, high = h->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (key_of(h->e[middle]) > key_of(e))
            low = middle + 1;
        else
            high = middle;
    }
    memmove(&h->e[low + 1], &h->e[low], (h->n - low) * sizeof e);
    h->e[low] = e;
    h->n++;
}
static struct event sorted_pop(void *queue)
{
    struct heap *h = queue;
    return h->e[--h->n];
}

/* ---- calendar queue: R. Brown, Communications of the ACM 31(10), 1988. Days of a fixed length, as
 * many as there are events, each a list in order; the length is set from the gaps seen when the
 * number of days changes. ---- */

struct link {
    struct event e;
    uint32_t next;
};
struct calendar {
    uint32_t n, n_days, day, free_head;
    int64_t day_ns, day_end_ns;
    uint32_t *first; /* by day; UINT32_MAX = none */
    struct link link[MAX_PENDING];
};

static void calendar_put(struct calendar *c, uint32_t id)
{
    uint32_t *at = &c->first[(uint64_t)c->link[id].e.at_ns / (uint64_t)c->day_ns % c->n_days];
    while (*at != UINT32_MAX && key_of(c->link[*at].e) < key_of(c->link[id].e))
        at = &c->link[*at].next;
    c->link[id].next = *at;
    *at = id;
}

static void calendar_from(struct calendar *c, int64_t at_ns)
{
    c->day = (uint32_t)((uint64_t)at_ns / (uint64_t)c->day_ns % c->n_days);
    c->day_end_ns = at_ns / c->day_ns * c->day_ns + c->day_ns;
}

static void calendar_resize(struct calendar *c, uint32_t n_days)
{
    static uint32_t ids[MAX_PENDING];
    uint32_t n = 0;
    int64_t least = INT64_MAX, most = 0;
    for (uint32_t i = 0; c->first && i < c->n_days; i++)
        for (uint32_t id = c->first[i]; id != UINT32_MAX; id = c->link[id].next)
            ids[n++] = id;
    for (uint32_t i = 0; i < n; i++) {
        int64_t at_ns = c->link[ids[i]].e.at_ns;
        least = at_ns < least ? at_ns : least;
        most = at_ns > most ? at_ns : most;
    }
    free(c->first);
    c->first = malloc(n_days * sizeof *c->first);
    BUG_IF(!c->first);
    memset(c->first, 0xff, n_days * sizeof *c->first);
    c->n_days = n_days;
    c->day_ns = n > 1 && most > least ? 1 + (most - least) / n : 1000000;
    for (uint32_t i = 0; i < n; i++)
        calendar_put(c, ids[i]);
    calendar_from(c, n ? least : 0);
}

static void *calendar_create(void)
{
    struct calendar *c = calloc(1, sizeof *c);
    BUG_IF(!c);
    for (uint32_t i = 0; i < MAX_PENDING; i++)
        c->link[i].next = i + 1;
    calendar_resize(c, 2);
    return c;
}
static void calendar_push(void *queue, struct event e)
{
    struct calendar *c = queue;
    uint32_t id = c->free_head;
    c->free_head = c->link[id].next;
    c->link[id].e = e;
    calendar_put(c, id);
    if (e.at_ns < c->day_end_ns - c->day_ns)
        calendar_from(c, e.at_ns);
    if (++c->n > 2 * c->n_days)
        calendar_resize(c, 2 * c->n_days);
}
static struct event calendar_pop(void *queue)
{
    struct calendar *c = queue;
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < c->n_days && found == UINT32_MAX; i++) {
        uint32_t id = c->first[c->day];
        if (id != UINT32_MAX && c->link[id].e.at_ns < c->day_end_ns) {
            found = id;
            break;
        }
        c->day = c->day + 1 == c->n_days ? 0 : c->day + 1;
        c->day_end_ns += c->day_ns;
    }
    if (found == UINT32_MAX) { /* nothing within a year: the earliest of all */
        for (uint32_t i = 0; i < c->n_days; i++)
            if (c->first[i] != UINT32_MAX &&
                (found == UINT32_MAX || key_of(c->link[c->first[i]].e) < key_of(c->link[found].e)))
                found = c->first[i];
        calendar_from(c, c->link[found].e.at_ns);
    }
    c->first[c->day] = c->link[found].next;
    c->link[found].next = c->free_head;
    c->free_head = found;
    c->n--;
    return c->link[found].e;
}
static void calendar_release(void *queue)
{
    free(((struct calendar *)queue)->first);
    free(queue);
}

static const struct queue_ops queues[] = {
    {"4-ary heap (in use)", ours_create, ours_push, ours_pop, ours_release},
    {"2-ary heap", heap_create, heap2_push, heap2_pop, free},
    {"8-ary heap", heap_create, heap8_push, heap8_pop, free},
    {"sorted array", heap_create, sorted_push, sorted_pop, free},
    {"calendar queue", calendar_create, calendar_push, calendar_pop, calendar_release},
};
enum { N_QUEUES = sizeof queues / sizeof *queues };

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ns per event; *digest is of the events in the order they came out. */
static double turn(const struct queue_ops *ops, uint32_t n_pending, uint64_t *digest)
{
    void *queue = ops->create();
    uint64_t h = 0;
    uint32_t gap = 0;
    BUG_IF(!queue);
    for (uint32_t i = 0; i < n_pending; i++)
        ops->push(queue, event_make(gap_ns[gap++ & 0xffff], EVENT_CLASS_STEP_END, 0, i, 0));
    double start_ns = cpu_ns();
    for (uint32_t i = 0; i < N_EVENTS; i++) {
        struct event e = ops->pop(queue);
        h = (h ^ (uint64_t)e.at_ns ^ e.order) * 0x9E3779B97F4A7C15u;
        e.at_ns += gap_ns[gap++ & 0xffff];
        ops->push(queue, e);
    }
    double ns = (cpu_ns() - start_ns) / N_EVENTS;
    ops->release(queue);
    *digest = h;
    return ns;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const uint32_t pending[] = {10, 100, 1000, 10000};
    static double ns[N_QUEUES][sizeof pending / sizeof *pending][N_TURNS];
    struct pcg64 rng;

    pcg64_seed(&rng, 1, 1);
    for (size_t i = 0; i < sizeof gap_ns / sizeof *gap_ns; i++)
        gap_ns[i] = 1 + llrint(pcg64_exponential(&rng, 1e7));
    for (int k = 0; k < N_TURNS; k++) /* in turn, so that the machine's moods hit all alike */
        for (size_t p = 0; p < sizeof pending / sizeof *pending; p++) {
            uint64_t first = 0, digest;
            for (int q = 0; q < N_QUEUES; q++) {
                ns[q][p][k] = turn(&queues[q], pending[p], &digest);
                if (q == 0)
                    first = digest;
                BUG_IF(digest != first);
            }
        }
    printf("%-22s", "ns per event, pending");
    for (size_t p = 0; p < sizeof pending / sizeof *pending; p++)
        printf("%9u", pending[p]);
    printf("\n");
    for (int q = 0; q < N_QUEUES; q++) {
        printf("%-22s", queues[q].name);
        for (size_t p = 0; p < sizeof pending / sizeof *pending; p++) {
            qsort(ns[q][p], N_TURNS, sizeof(double), by_value);
            printf("%9.1f", ns[q][p][N_TURNS / 2]);
        }
        printf("\n");
    }
    return 0;
}
