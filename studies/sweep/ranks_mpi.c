#include <mpi.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "studies/sweep/ranks.h"

enum { TAG_ROW = 1, TAG_INDEX };
static const uint64_t no_run = UINT64_MAX;

/* Runs that a rank has asked for and not sent yet: it need not wait for the next. */
enum { AHEAD = 2 };

/* A row on its way: this, the figures of one that went well, its message. */
struct parcel {
    uint64_t index; /* no_run: the rank only asks for a run */
    uint32_t status, n_message;
};

void ranks_begin(struct ranks *ranks)
{
    int had;

    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &had);
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks->n);
}

void ranks_end(void)
{
    MPI_Finalize();
}

enum status ranks_agree(const struct ranks *ranks, enum status s, struct diag *d)
{
    int mine = s ? ranks->rank : ranks->n, first, status = (int)s;
    char text[DIAG_TEXT_SIZE];

    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == ranks->n)
        return ST_OK;
    memcpy(text, d->text, sizeof text);
    MPI_Bcast(&status, 1, MPI_INT, first, MPI_COMM_WORLD);
    MPI_Bcast(text, sizeof text, MPI_CHAR, first, MPI_COMM_WORLD);
    diag_init(d);
    if (ranks->rank == 0 && first == 0)
        return diag_fail(d, (enum status)status, "%s", text);
    if (ranks->rank == 0)
        return diag_fail(d, (enum status)status, "rank %d: %s", first, text);
    return (enum status)status;
}

/* ---- a run ---- */

/* The row is in the arena. */
static enum status run_one(struct study_row *row, struct arena *arena, const struct sweep *sweep,
                           const struct sweep_running *running, uint64_t index)
{
    const struct study_row *rows;
    struct study_variant variant;
    struct diag d;

    diag_init(&d);
    *row = (struct study_row){.status = ST_NOMEM, .message = status_text(ST_NOMEM)};
    enum status s = sweep_variant(&variant, sweep, index, arena, &d);
    if (s)
        return s;
    const struct study_options options = {.source = running->source,
                                          .n_variants = 1,
                                          .variants = &variant,
                                          .n_keys = sweep->definition->n_keys,
                                          .keys = sweep->definition->keys,
                                          .resources = running->resources,
                                          .n_threads = 1,
                                          .cancel = running->cancel};
    s = study_run(&rows, arena, &options, &d);
    if (!s || s == ST_CANCELLED)
        *row = rows[0];
    return s;
}

/* ---- the other ranks ---- */

static void send_row(const struct sweep *sweep, uint64_t index, const struct study_row *row,
                     struct arena *arena)
{
    size_t n_message = row && row->message ? strlen(row->message) : 0;
    size_t n_figures = row && row->figures ? sweep->definition->n_keys * sizeof(double) : 0;
    struct parcel parcel = {index, row ? (uint32_t)row->status : 0, (uint32_t)n_message};
    char *bytes = arena_alloc(arena, sizeof parcel + n_figures + n_message, 1);

    if (!bytes) /* and so nothing to tell it with */
        MPI_Abort(MPI_COMM_WORLD, status_exit_code(ST_NOMEM));
    memcpy(bytes, &parcel, sizeof parcel);
    if (n_figures)
        memcpy(bytes + sizeof parcel, row->figures, n_figures);
    if (n_message)
        memcpy(bytes + sizeof parcel + n_figures, row->message, n_message);
    MPI_Send(bytes, (int)(sizeof parcel + n_figures + n_message), MPI_BYTE, 0, TAG_ROW,
             MPI_COMM_WORLD);
}

static void follow(const struct sweep *sweep, const struct sweep_running *running)
{
    struct arena arena;
    uint64_t index;

    arena_init(&arena);
    for (int i = 0; i < AHEAD; i++)
        send_row(sweep, no_run, NULL, &arena);
    arena_release(&arena);
    for (int n_none = 0; n_none < AHEAD;) {
        struct study_row row;
        MPI_Recv(&index, 1, MPI_UINT64_T, 0, TAG_INDEX, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (index == no_run) {
            n_none++;
            continue;
        }
        arena_init(&arena);
        (void)run_one(&row, &arena, sweep, running, index);
        send_row(sweep, index, &row, &arena);
        arena_release(&arena);
    }
}

/* ---- rank 0 ---- */

struct leader {
    const struct sweep *sweep;
    struct journal *journal;
    const struct sweep_running *running;
    pthread_mutex_t lock; /* of all below, and of the journal */
    uint64_t next;        /* of the shard's runs */
    uint64_t n_done;
    enum status s;
    struct diag *d;
};

static bool is_over(const struct leader *l)
{
    return l->s || (l->running->cancel && atomic_load(l->running->cancel));
}

static uint64_t take(struct leader *l)
{
    uint64_t n_own = sweep_n_own(l->sweep), index = no_run;

    pthread_mutex_lock(&l->lock);
    while (!is_over(l) && l->next < n_own && index == no_run) {
        index = sweep_own(l->sweep, l->next++);
        if (journal_done(l->journal, index))
            index = no_run;
    }
    pthread_mutex_unlock(&l->lock);
    return index;
}

static void keep(struct leader *l, uint64_t index, const struct study_row *row)
{
    pthread_mutex_lock(&l->lock);
    if (row->status != ST_CANCELLED && !l->s) {
        l->s = journal_append(l->journal, index, row, l->d);
        l->n_done++;
        if (!l->s && l->running->progress)
            l->running->progress(l->running->context, l->n_done, sweep_n_own(l->sweep));
    } else if (!l->s) {
        l->s = diag_fail(l->d, ST_CANCELLED, "stopped");
    }
    pthread_mutex_unlock(&l->lock);
}

/* Rank 0 runs too, in a thread of its own. */
static void *work(void *context)
{
    struct leader *l = context;
    uint64_t index;

    while ((index = take(l)) != no_run) {
        struct study_row row;
        struct arena arena;
        arena_init(&arena);
        (void)run_one(&row, &arena, l->sweep, l->running, index);
        keep(l, index, &row);
        arena_release(&arena);
    }
    return NULL;
}

/* A row that came, or a question, and the next run for its rank; false: the rank is told that there
 * is none. */
static bool serve(struct leader *l, const MPI_Status *from)
{
    struct parcel parcel;
    struct study_row row;
    struct arena arena;
    int n;

    arena_init(&arena);
    MPI_Get_count(from, MPI_BYTE, &n);
    char *bytes = arena_alloc(&arena, (size_t)n + 1, 1);
    if (!bytes)
        MPI_Abort(MPI_COMM_WORLD, status_exit_code(ST_NOMEM));
    MPI_Recv(bytes, n, MPI_BYTE, from->MPI_SOURCE, TAG_ROW, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    memcpy(&parcel, bytes, sizeof parcel);
    if (parcel.index != no_run) {
        row = (struct study_row){.status = (enum status)parcel.status};
        if (parcel.n_message)
            row.message = bytes + (size_t)n - parcel.n_message;
        if (!row.status)
            row.figures = (const double *)(const void *)(bytes + sizeof parcel);
        keep(l, parcel.index, &row);
    }
    arena_release(&arena);
    uint64_t index = take(l);
    MPI_Send(&index, 1, MPI_UINT64_T, from->MPI_SOURCE, TAG_INDEX, MPI_COMM_WORLD);
    return index != no_run;
}

/* Waiting in MPI_Probe would take a core from the runs. */
static void serve_all(struct leader *l, int n_others)
{
    const struct timespec pause = {0, 1000000};
    int n_asked = n_others * AHEAD;

    while (n_asked > 0) {
        MPI_Status from;
        int came;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_ROW, MPI_COMM_WORLD, &came, &from);
        if (!came)
            nanosleep(&pause, NULL);
        else if (!serve(l, &from))
            n_asked--;
    }
}

static enum status lead(struct leader *l, int n_others)
{
    pthread_t worker;

    if (pthread_mutex_init(&l->lock, NULL) != 0)
        return diag_nomem(l->d, "sweep");
    bool works = pthread_create(&worker, NULL, work, l) == 0;
    serve_all(l, n_others);
    if (works)
        pthread_join(worker, NULL);
    else
        work(l);
    pthread_mutex_destroy(&l->lock);
    if (!l->s && l->n_done < sweep_n_own(l->sweep))
        l->s = diag_fail(l->d, ST_CANCELLED, "stopped");
    enum status synced = journal_sync(l->journal, l->d);
    return l->s ? l->s : synced;
}

enum status ranks_execute(const struct ranks *ranks, const struct sweep *sweep,
                          struct journal *journal, const struct sweep_running *running,
                          struct diag *d)
{
    struct leader leader = {.sweep = sweep, .journal = journal, .running = running, .d = d};

    if (ranks->n == 1)
        return sweep_execute(sweep, journal, running, d);
    if (ranks->rank != 0) {
        follow(sweep, running);
        return ST_OK;
    }
    leader.n_done = journal_n_done(journal);
    return lead(&leader, ranks->n - 1);
}
